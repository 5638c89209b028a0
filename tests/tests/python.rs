//! Python in a workspace: as CPython's own executable behaves, and on a real project.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use swarm_flow_tests::artefact::root;
use swarm_flow_tests::project::{fixture, unpacked, upload};
use swarm_flow_tests::server::{cli, fresh};

#[test]
fn python_behaves_as_its_cases_say() {
    let server = fresh();
    let cases = root().join("programs/python/tests/cases");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(cases).unwrap() {
        let case = entry.unwrap().path();
        let text = |name: &str| std::fs::read_to_string(case.join(name)).ok();
        let workspace = server.workspace("python", "standard");
        if case.join("workspace").is_dir() {
            upload(&server, &workspace, &case.join("workspace"));
        }
        let arguments = text("args").unwrap_or_default();
        let command: Vec<&str> = std::iter::once("python").chain(arguments.lines()).collect();
        let env: BTreeMap<String, String> = text("env")
            .unwrap_or_default()
            .lines()
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let body =
            json!({"command": command, "stdin": text("stdin").unwrap_or_default(), "env": env});
        let (status, result) = server.post(&format!("/workspaces/{workspace}/exec"), &body);
        assert_eq!(status, 200, "{}: {result}", case.display());
        let exit = text("exit").map(|code| json!(code.trim().parse::<u8>().unwrap()));
        for (name, expected) in [
            ("stdout", text("stdout").map(Value::from)),
            ("stderr", text("stderr").map(Value::from)),
            ("exit_code", exit),
        ] {
            if let Some(expected) = expected
                && result[name] != expected
            {
                wrong.push(format!(
                    "{}: {name} is {} and not {expected}",
                    case.file_name().unwrap().display(),
                    result[name]
                ));
            }
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 40, "only {count} cases");
}

const MORE_ITERTOOLS: &str = "more_itertools-11.2.1.tar.gz";

/// Tests that no sandbox can pass yet: a thread of theirs must be put aside in the middle and go on later, which
/// takes a second stack. Threads run one after another, each to its end.
const NEED_A_SECOND_STACK: [&str; 2] = [
    "tests.test_more.CallbackIterTests.test_abort",
    "tests.test_more.CallbackIterTests.test_no_result_while_running",
];

/// Runs the suite and gives back what failed.
const SUITE: &str = "\
import sys, unittest
result = unittest.TextTestRunner(stream=sys.stderr).run(unittest.defaultTestLoader.discover('.'))
print(result.testsRun)
for test, _ in result.failures + result.errors:
    print(test.id())
";

#[test]
fn the_suite_of_a_real_project_passes() {
    let server = fresh();
    let project = unpacked(MORE_ITERTOOLS);
    let workspace = server.workspace("python", "standard");
    upload(&server, &workspace, project.path());
    let result = server.exec(&workspace, &["python", "-c", SUITE]);
    let mut said = result["stdout"].as_str().unwrap().lines();
    let ran: u32 = said.next().unwrap().parse().unwrap();
    assert!(ran > 900, "only {ran} tests ran");
    let mut failed: Vec<&str> = said.collect();
    failed.sort_unstable();
    let stderr = result["stderr"].as_str().unwrap();
    assert_eq!(
        failed,
        NEED_A_SECOND_STACK,
        "{}",
        &stderr[stderr.len().saturating_sub(3_000)..]
    );
}

#[test]
fn a_real_project_is_tested_by_run() {
    let server = fresh();
    let project = unpacked(MORE_ITERTOOLS);
    let folder = tempfile::tempdir().unwrap();
    let tasks = json!({
        "name": "more-itertools",
        "environment": "python",
        "files": [{"source": project.path(), "destination": "."}],
        "tasks": [
            {"name": "suite", "command": ["python", "-m", "unittest", "tests.test_recipes"]},
            {
                "name": "report",
                "command": ["python", "-c", "import more_itertools as m; open('report.txt', 'w').write(m.__version__)"],
                "artifacts": [{"path": "report.txt", "destination": "report.txt"}],
            },
            {"name": "fails as expected", "command": ["python", "-c", "exit(3)"], "expect_exit_code": 3},
        ],
    });
    let file = folder.path().join("tasks.json");
    std::fs::write(&file, tasks.to_string()).unwrap();
    let done = cli(&server)
        .current_dir(folder.path())
        .args(["run", "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stdout)
    );
    assert!(
        std::fs::read_to_string(folder.path().join("report.txt"))
            .unwrap()
            .contains('.')
    );
    assert_eq!(
        server.get("/workspaces").1["items"],
        json!([]),
        "the workspace was not torn down"
    );
}

#[test]
fn a_project_with_thousands_of_tests_passes_them_all() {
    let server = fresh();
    let project = unpacked("idna-3.11.tar.gz");
    let workspace = server.workspace("python", "standard");
    upload(&server, &workspace, project.path());
    let command = [
        "python", "-m", "unittest", "discover", "-s", "tests", "-t", ".",
    ];
    let result = server.exec(&workspace, &command);
    let stderr = result["stderr"].as_str().unwrap();
    let tail = &stderr[stderr.len().saturating_sub(2_000)..];
    assert_eq!(result["exit_code"], 0, "{tail}");
    assert!(tail.contains("Ran 6366 tests"), "{tail}");
}

#[test]
fn a_project_is_tested_by_pytest() {
    let server = fresh();
    let workspace = server.workspace("python", "standard");
    upload(&server, &workspace, unpacked("toolz-1.1.0.tar.gz").path());
    // Wheels lie in the workspace as they are: Python imports from them.
    let mut path = vec![".".to_owned()];
    for entry in std::fs::read_dir(root().join("target/fixtures")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".whl") {
            let wheel = std::fs::read(fixture(&name)).unwrap();
            assert_eq!(server.put(&workspace, &name, wheel).0, 201);
            path.push(name);
        }
    }
    let body = json!({
        "command": ["python", "-m", "pytest", "-q", "toolz"],
        "env": {"PYTHONPATH": path.join(":")},
    });
    let (_, result) = server.post(&format!("/workspaces/{workspace}/exec"), &body);
    let stdout = result["stdout"].as_str().unwrap_or_default();
    // The one that fails starts processes by `multiprocessing`, which forks.
    assert!(stdout.contains("1 failed, 185 passed"), "{result}");
    assert!(
        stdout.contains("FAILED toolz/sandbox/tests/test_parallel.py::test_fold"),
        "{result}"
    );
}
