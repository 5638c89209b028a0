//! Paths of guests of preview 2, by the calls of `wasi:filesystem` themselves: `..`, absolute ones, strange ones.

use super::world::{DENIED, MISSING, holds};

#[tokio::test(flavor = "multi_thread")]
async fn two_dots_lead_up_within_a_directory_and_never_out_of_it() {
    holds(&[
        ("read /workspace:file", "granted inside", "granted inside"),
        (
            "read /workspace:folder/../file",
            "granted inside",
            "granted inside",
        ),
        (
            "read /workspace:folder/deep/../../file",
            "granted inside",
            "granted inside",
        ),
        ("read /workspace:..", DENIED, DENIED),
        ("list /workspace:..", DENIED, DENIED),
        ("list /workspace:../outside", DENIED, DENIED),
        ("read /workspace:../outside/secret", DENIED, DENIED),
        ("read /workspace:../inside/file", DENIED, DENIED),
        (
            "read /workspace:folder/../../outside/secret",
            DENIED,
            DENIED,
        ),
        ("read /workspace:./../outside/secret", DENIED, DENIED),
        (
            "read /workspace:folder/deep/../../../outside/secret",
            DENIED,
            DENIED,
        ),
        (
            "read /workspace:file/../../outside/secret",
            "failed: not-directory",
            "failed: not-directory",
        ),
        (
            "read /workspace:missing/../../outside/secret",
            MISSING,
            MISSING,
        ),
        ("stat /workspace:../outside/secret", DENIED, DENIED),
        ("lstat /workspace:../outside/secret", DENIED, DENIED),
        ("hash /workspace:../outside/secret", DENIED, DENIED),
        ("readlink /workspace:../inside/out", DENIED, DENIED),
        ("create /workspace:../outside/new", DENIED, DENIED),
        ("create-new /workspace:../outside/new", DENIED, DENIED),
        ("truncate /workspace:../outside/secret", DENIED, DENIED),
        ("times /workspace:../outside/secret", DENIED, DENIED),
        ("mkdir /workspace:../outside/new", DENIED, DENIED),
        ("mkdir /workspace:../new", DENIED, DENIED),
        ("rmdir /workspace:../beside", DENIED, DENIED),
        ("unlink /workspace:../outside/secret", DENIED, DENIED),
        (
            "rename /workspace:../outside/secret /workspace:new",
            DENIED,
            DENIED,
        ),
        (
            "rename /workspace:file /workspace:../outside/new",
            DENIED,
            DENIED,
        ),
        (
            "rename /workspace:folder /workspace:../outside/new",
            DENIED,
            DENIED,
        ),
        (
            "link /workspace:../outside/secret /workspace:new",
            DENIED,
            DENIED,
        ),
        (
            "link /workspace:file /workspace:../outside/new",
            DENIED,
            DENIED,
        ),
        ("symlink file /workspace:../outside/new", DENIED, DENIED),
        // A directory that was opened is a root of its own.
        ("within /workspace:folder /inner", DENIED, DENIED),
        (
            "within /workspace:folder inner",
            "granted inside",
            "granted inside",
        ),
        ("within /workspace:folder ../file", DENIED, DENIED),
        ("within /workspace:folder deep/../../file", DENIED, DENIED),
        ("within /workspace:folder up", DENIED, DENIED),
        ("within /workspace:folder three", DENIED, DENIED),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_path_is_no_path_of_a_directory() {
    holds(&[
        ("read /workspace:file", "granted inside", "granted inside"),
        ("read /workspace:/file", DENIED, DENIED),
        ("read /workspace:/etc/passwd", DENIED, DENIED),
        ("read /workspace:/proc/self/environ", DENIED, DENIED),
        ("read /workspace:/proc/self/mem", DENIED, DENIED),
        ("read /workspace:/proc/self/root/etc/passwd", DENIED, DENIED),
        ("list /workspace:/", DENIED, DENIED),
        ("list /workspace:/sys", DENIED, DENIED),
        ("list /workspace:/run", DENIED, DENIED),
        ("read /workspace:/dev/zero", DENIED, DENIED),
        ("read /workspace:/dev/mem", DENIED, DENIED),
        ("create /workspace:/tmp/new", DENIED, DENIED),
        ("mkdir /workspace:/tmp/new", DENIED, DENIED),
        ("unlink /workspace:/etc/passwd", DENIED, DENIED),
        ("symlink /etc/passwd /workspace:new", DENIED, DENIED),
        ("symlink / /workspace:new", DENIED, DENIED),
        ("symlink file /workspace:new", "granted", DENIED),
        // Directories that nobody granted are not there at all.
        (
            "read /tmp:file",
            "denied: no-directory",
            "denied: no-directory",
        ),
        ("list /:.", "denied: no-directory", "denied: no-directory"),
        ("list .:.", "denied: no-directory", "denied: no-directory"),
        (
            "read /proc:self/environ",
            "denied: no-directory",
            "denied: no-directory",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_written_strangely_is_that_path_or_none() {
    let long = "x".repeat(300);
    let deep = "folder/../".repeat(1_000);
    let too_deep = "folder/../".repeat(10_000);
    let at = |path: &str| format!("read /workspace:{path}");
    let lines = [
        (at("./file"), "granted inside"),
        (at(".//file"), "granted inside"),
        (at("folder//inner"), "granted inside"),
        (at("folder/./inner"), "granted inside"),
        (at("file/"), "failed: not-directory"),
        (at("file/."), "failed: not-directory"),
        (at("file."), MISSING),
        (at("file\\0"), "failed: invalid"),
        (at("file\\0.txt"), "failed: invalid"),
        (at("../outside/secret\\0"), "failed: invalid"),
        (at("..\\..\\outside\\secret"), MISSING),
        (at("folder\\..\\file"), MISSING),
        (at("%2e%2e/outside/secret"), MISSING),
        (at("..%2foutside/secret"), MISSING),
        (at(".._/outside/secret"), MISSING),
        (at("․․/outside/secret"), MISSING),
        (at("..../outside/secret"), MISSING),
        (at(".../outside/secret"), MISSING),
        (at("~/secret"), MISSING),
        (at(&long), "failed: name-too-long"),
        (at(&format!("{deep}file")), "failed: name-too-long"),
        (
            at(&format!("{too_deep}../outside/secret")),
            "failed: name-too-long",
        ),
        (at(""), MISSING),
        (at("FILE"), MISSING),
        // A whole path of the sandbox is no path in one of its directories.
        (at("/workspace/file"), DENIED),
    ];
    let lines: Vec<_> = lines
        .iter()
        .map(|(line, expected)| (line.as_str(), *expected, *expected))
        .collect();
    holds(&lines).await;
}
