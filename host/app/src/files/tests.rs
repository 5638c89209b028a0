use std::collections::BTreeSet;

use super::*;

const MANIFEST: &str = r#"spin_manifest_version = 2
application = { name = "x" }
trigger = { http = [{ route = "/...", component = "a" }] }
[component.a]
source = "a.wasm"
"#;

struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for file in [
            "a.txt",
            "b.md",
            "assets/c.txt",
            "assets/deep/d.txt",
            "assets/secret.txt",
        ] {
            let path = directory.path().join("app").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        Self(directory)
    }

    fn prepare(&self, fields: &str) -> Result<FileMounts> {
        let path = self.0.path().join("app/spin.toml");
        let manifest = Manifest::parse(&path, format!("{MANIFEST}{fields}")).unwrap();
        let (_, component) = manifest.component("a").unwrap();
        FileMounts::prepare(&manifest, component, &self.0.path().join("staging"))
    }

    fn staged(&self) -> BTreeSet<String> {
        let root = self.0.path().join("staging");
        let pattern = format!("{}/**/*", root.display());
        let found = glob::glob(&pattern)
            .unwrap()
            .map(Result::unwrap)
            .filter(|path| path.is_file());
        found
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .collect()
    }
}

#[test]
fn patterns_and_single_files_are_copied_less_what_is_excluded() {
    let fixture = Fixture::new();
    let cases: [(&str, &[&str]); 6] = [
        ("files = [\"*.txt\"]", &["a.txt"]),
        ("files = [\"a.txt\", \"b.md\"]", &["a.txt", "b.md"]),
        (
            "files = [\"assets/**/*.txt\"]\nexclude_files = [\"assets/secret.txt\"]",
            &["assets/c.txt", "assets/deep/d.txt"],
        ),
        (
            "files = [\"assets\"]\nexclude_files = [\"**/secret*\"]",
            &["assets/c.txt", "assets/deep/d.txt"],
        ),
        (
            "files = [{ source = \"a.txt\", destination = \"/x/y.txt\" }]",
            &["x/y.txt"],
        ),
        (
            "files = [{ source = \"assets\", destination = \"/s\" }]\nexclude_files = [\"assets/deep/*\"]",
            &["s/c.txt", "s/secret.txt"],
        ),
    ];
    for (fields, expected) in cases {
        let mounts = fixture.prepare(fields).unwrap();
        assert_eq!(mounts.0.len(), 1, "{fields}");
        assert_eq!(
            fixture.staged(),
            expected.iter().map(|it| (*it).to_owned()).collect(),
            "{fields}"
        );
    }
}

#[test]
fn a_whole_directory_is_opened_where_it_is() {
    let fixture = Fixture::new();
    let mounts = fixture
        .prepare("files = [{ source = \"assets\", destination = \"s\" }]")
        .unwrap();
    assert_eq!(
        mounts.0,
        [(fixture.0.path().join("app/assets"), "/s".to_owned())]
    );
    assert!(fixture.staged().is_empty());
}

#[test]
fn what_is_missing_or_outside_is_refused_with_its_line() {
    let fixture = Fixture::new();
    let cases = [
        "files = [\"missing.txt\"]",
        "files = [{ source = \"missing\", destination = \"/\" }]",
        "files = [\"../*\"]",
        "files = [\"/etc/passwd\"]",
        "files = [{ source = \"a.txt\", destination = \"/../x\" }]",
        "files = [\"a.txt\"]\nexclude_files = [\"[\"]",
    ];
    for fields in cases {
        let message = fixture.prepare(fields).err().unwrap().to_string();
        let line = if fields.contains("exclude") { 7 } else { 6 };
        assert!(
            message.contains(&format!("spin.toml:{line}: ")),
            "{fields}: {message}"
        );
    }
}
