use super::*;

/// Nine lines that everything below is added to.
const HEAD: &str = r#"spin_manifest_version = 2
[application]
name = "test"
[[trigger.http]]
route = "/..."
component = "a"
[component.a]
source = "a.wasm"
"#;

fn refused(text: &str) -> (usize, String) {
    match Manifest::parse(Path::new("spin.toml"), text.to_owned()) {
        Err(error) => (error.line, error.message),
        Ok(_) => panic!("accepted: {text}"),
    }
}

/// The text is added to `HEAD`; the error must be at this line of the addition and name all of these.
fn check(cases: &[(&str, usize, &[&str])]) {
    for (addition, line, words) in cases {
        let (at, message) = refused(&format!("{HEAD}{addition}"));
        assert_eq!(at, HEAD.lines().count() + line, "{addition}: {message}");
        for word in *words {
            assert!(
                message.contains(word),
                "{addition}: {message:?} does not say {word:?}"
            );
        }
    }
}

#[test]
fn a_manifest_with_every_supported_field_is_accepted() {
    let text = format!(
        r#"{HEAD}
description = "d"
sqlite_databases = ["default"]
key_value_stores = ["default"]
allowed_outbound_hosts = ["http://{{{{ host }}}}"]
environment = {{ A = "b" }}
files = ["*.txt", {{ source = "x", destination = "/" }}]
exclude_files = ["secret.txt"]
targets = ["spin-up:3.3"]
dependencies_inherit_configuration = true
[component.a.variables]
v = "{{{{ host }}}}"
[component.a.build]
command = ["cargo build"]
workdir = "a"
watch = ["src"]
[component.a.tool.lint]
level = 1
[component.a.dependencies]
"x:y@1.0.0" = {{ component = "b" }}
"plain" = {{ path = "c.wasm", export = "e" }}
[component.b]
source = "b.wasm"
[variables]
host = {{ default = "h", description = "d" }}
token = {{ required = true, secret = true }}
[[trigger.http]]
id = "second"
route = "/b"
component = "b"
executor = {{ type = "http" }}
"#
    );
    Manifest::parse(Path::new("spin.toml"), text).unwrap();
}

#[test]
fn the_manifest_of_this_repository_is_accepted() {
    let app = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    Manifest::load(&Path::new(&app).join("../../spin.toml")).unwrap();
}

#[test]
fn unknown_fields_are_refused_with_their_line() {
    check(&[
        ("sorce = 1", 1, &["sorce"]),
        (
            "\nfiles = [{ source = \"a\", destination = \"/\", mode = 1 }]",
            2,
            &["mode"],
        ),
        (
            "[variables]\nv = { default = \"\", secrt = true }",
            2,
            &["secrt"],
        ),
        (
            "[component.a.dependencies]\n\"a:b\" = { pth = \"x\" }",
            2,
            &["pth"],
        ),
        (
            "[component.a.build]\ncommand = \"x\"\nshell = \"sh\"",
            3,
            &["shell"],
        ),
        (
            "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"a\"\nmethod = \"GET\"",
            4,
            &["method"],
        ),
        ("[[trigger.cron]]\nat = \"1\"", 1, &["cron"]),
        ("[extra]\n", 1, &["extra"]),
    ]);
}

#[test]
fn fields_that_are_not_supported_are_refused_by_name() {
    check(&[
        (
            "\nai_models = [\"x\"]",
            2,
            &["component.a.ai_models", "not supported"],
        ),
        (
            "allowed_http_hosts = []",
            1,
            &["component.a.allowed_http_hosts"],
        ),
        (
            "[component.a.profile.debug]\nsource = \"x\"",
            1,
            &["component.a.profile"],
        ),
        (
            "[application.trigger.http]\nbase = \"/\"",
            1,
            &["application.trigger"],
        ),
        ("[[trigger.redis]]\nchannel = \"x\"", 1, &["trigger.redis"]),
        (
            "[[trigger.http]]\nroute = { private = true }\ncomponent = \"a\"",
            2,
            &["trigger.http.route", "private"],
        ),
        (
            "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"a\"\nexecutor = { type = \"wagi\" }",
            4,
            &["trigger.http.executor"],
        ),
        (
            "[[trigger.http]]\nroute = \"/x\"\nstatic_response = { body = \"x\" }",
            3,
            &["trigger.http.static_response"],
        ),
        (
            "[component.b]\nsource = { url = \"https://x\", digest = \"sha256:0\" }",
            2,
            &["component.b.source", "local"],
        ),
        (
            "sqlite_databases = [\"default\", \"other\"]",
            1,
            &["component.a.sqlite_databases", "`other`"],
        ),
        (
            "key_value_stores = [\"cache\"]",
            1,
            &["component.a.key_value_stores", "`cache`"],
        ),
        (
            "[component.a.dependencies]\n\"a:b\" = \">= 1\"",
            2,
            &["component.a.dependencies.\"a:b\"", "registries"],
        ),
        (
            "[component.a.dependencies]\n\"a:b\" = { version = \"1\", package = \"c:d\" }",
            2,
            &["version", "not supported"],
        ),
        (
            "[component.a.dependencies]\n\"a:b\" = { url = \"https://x\", digest = \"y\" }",
            2,
            &["url"],
        ),
    ]);
}

#[test]
fn values_that_make_no_sense_are_refused_where_they_are() {
    check(&[
        ("[variables]\nv = {}", 2, &["variables.v", "required"]),
        (
            "[variables]\nv = { required = true, default = \"x\" }",
            2,
            &["variables.v"],
        ),
        (
            "[variables]\nV = { default = \"\" }",
            2,
            &["`V`", "lower-case"],
        ),
        ("[component.a.variables]\na-b = \"\"", 2, &["`a-b`"]),
        (
            "[[trigger.http]]\nroute = \"/b\"\ncomponent = \"b\"",
            3,
            &["trigger.http.component", "`b`"],
        ),
        (
            "[[trigger.http]]\nroute = \"/b\"",
            2,
            &["trigger.http.component", "missing"],
        ),
        (
            "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"",
            2,
            &["taken", "line 5"],
        ),
        (
            "[[trigger.http]]\nroute = \"b\"\ncomponent = \"a\"",
            2,
            &["trigger.http.route"],
        ),
        (
            "[[trigger.http]]\nroute = \"/users/:id\"\ncomponent = \"a\"",
            2,
            &["parameters"],
        ),
        (
            "[component.B_c]\nsource = \"x\"",
            1,
            &["component.B_c", "kebab"],
        ),
        ("files = [1]", 1, &["pattern"]),
        ("environment = 5", 1, &["map"]),
    ]);
    for version in ["1", "\"2\"", "3"] {
        let (line, message) = refused(&HEAD.replacen('2', version, 1).replacen(
            "\"\"2\"\"",
            "\"2\"",
            1,
        ));
        assert!(
            line == 1 && message.contains("spin_manifest_version"),
            "{message}"
        );
    }
    let (_, message) =
        refused("spin_manifest_version = 2\n[application]\nname = \"x\"\n[trigger]\n");
    assert!(message.contains("trigger.http"), "{message}");
    let (line, _) = refused("spin_manifest_version = 2\n[application\n");
    assert_eq!(line, 2);
}

#[test]
fn dependencies_that_spin_refuses_are_refused() {
    let with = |dependencies: &str| format!("[component.a.dependencies]\n{dependencies}\n");
    let own_grant = "[component.b]\nsource = \"b.wasm\"\nsqlite_databases = [\"default\"]";
    let own_dependency = "[component.b]\nsource = \"b.wasm\"\n[component.b.dependencies]\n\"x:y\" = { path = \"c.wasm\" }";
    let cases = [
        (
            with(
                r#""a:b/c" = { path = "x.wasm" }
"a:b/d" = { path = "y.wasm" }"#,
            ),
            3,
            "line 10",
        ),
        (
            with(r#""a:b" = { path = "x.wasm", export = "e" }"#),
            2,
            "export",
        ),
        (
            with(r#""a:b" = { component = "none" }"#),
            2,
            "no component `none`",
        ),
        (
            with(&format!("\"a:b\" = {{ component = \"b\" }}\n{own_grant}")),
            2,
            "sqlite_databases of its own",
        ),
        (
            with(&format!(
                "\"a:b\" = {{ component = \"b\" }}\n{own_dependency}"
            )),
            2,
            "dependencies of its own",
        ),
        (
            with(r#""a:b" = { component = "a", path = "x" }"#),
            2,
            "both",
        ),
        (
            with(r#""a:b" = { export = "x" }"#),
            2,
            "`component.a.dependencies",
        ),
        (with(r#""A B" = { path = "x" }"#), 2, "plain name"),
        (with(r#""a:b@latest" = { path = "x" }"#), 2, "plain name"),
        (
            with(r#""a:b" = { path = "x", inherit_configuration = ["secrets"] }"#),
            2,
            "`secrets`",
        ),
        (
            format!(
                "dependencies_inherit_configuration = true\n{}",
                with(r#""a:b" = { path = "x", inherit_configuration = true }"#)
            ),
            3,
            "exclude each other",
        ),
    ];
    for (addition, line, word) in cases {
        check(&[(&addition, line, &[word])]);
    }
}

#[test]
fn names_of_dependencies_stand_for_imports() {
    // name, met, not met
    let cases: [(&str, &[&str], &[&str]); 5] = [
        (
            "foo:bar/baz@0.1.0",
            &["foo:bar/baz@0.1.0"],
            &["foo:bar/baz", "foo:bar/baz@0.2.0"],
        ),
        (
            "foo:bar/baz",
            &["foo:bar/baz@0.1.0", "foo:bar/baz"],
            &["foo:bar/bub", "foo:bar/baz-bub"],
        ),
        (
            "foo:bar",
            &["foo:bar/baz@0.1.0", "foo:bar/x"],
            &["foo:bub/bib", "bar"],
        ),
        ("foo:bar@0.1.0", &["foo:bar/baz@0.1.0"], &["foo:bar/baz"]),
        ("foo-bar", &["foo-bar"], &["foo:bar/baz", "foo"]),
    ];
    for (name, met, other) in cases {
        let name = DependencyName::parse(name).unwrap();
        assert!(met.iter().all(|import| name.satisfies(import)), "{name:?}");
        assert!(
            !other.iter().any(|import| name.satisfies(import)),
            "{name:?}"
        );
    }
}
