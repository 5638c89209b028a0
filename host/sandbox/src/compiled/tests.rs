use std::cell::Cell;

use super::*;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

struct Fixture {
    directory: tempfile::TempDir,
    engine: Engine,
    compiled: Cell<u32>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            engine: Engine::default(),
            compiled: Cell::new(0),
        }
    }

    fn load(&self, inputs: &[u8]) -> u32 {
        let before = self.compiled.get();
        let cache = CompiledCache::open(self.directory.path()).unwrap();
        let bytes = || {
            self.compiled.set(self.compiled.get() + 1);
            Ok(COMPONENT.to_vec())
        };
        cache.load_or_compile(&self.engine, inputs, bytes).unwrap();
        self.compiled.get() - before
    }

    fn file(&self, extension: &str) -> PathBuf {
        let mut files = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .find(|path| path.extension().is_some_and(|it| it == extension))
            .unwrap()
    }
}

#[test]
fn a_component_is_compiled_once() {
    let fixture = Fixture::new();
    assert_eq!(fixture.load(b"a"), 1);
    assert_eq!(fixture.load(b"a"), 0);
    assert_eq!(fixture.load(b"b"), 1);
}

#[test]
fn a_corrupt_file_is_compiled_again_and_never_loaded() {
    let fixture = Fixture::new();
    fixture.load(b"a");
    for damage in [&b"garbage"[..], b"", b"\x7fELF"] {
        fs::write(fixture.file("cwasm"), damage).unwrap();
        assert_eq!(fixture.load(b"a"), 1);
        assert_eq!(fixture.load(b"a"), 0);
    }
}

#[test]
fn one_changed_bit_in_the_code_or_in_the_tag_is_noticed() {
    let fixture = Fixture::new();
    fixture.load(b"a");
    for extension in ["cwasm", "tag"] {
        let path = fixture.file(extension);
        let mut content = fs::read(&path).unwrap();
        let last = content.last_mut().unwrap();
        *last ^= 1;
        fs::write(&path, content).unwrap();
        assert_eq!(fixture.load(b"a"), 1, "{extension}");
    }
}

#[test]
fn another_key_or_no_tag_compiles_again() {
    let fixture = Fixture::new();
    fixture.load(b"a");
    fs::remove_file(fixture.file("tag")).unwrap();
    assert_eq!(fixture.load(b"a"), 1);
    fs::write(fixture.directory.path().join("key"), [7; KEY_BYTES]).unwrap();
    assert_eq!(fixture.load(b"a"), 1);
}

#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new();
    fixture.load(b"a");
    for entry in fs::read_dir(fixture.directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.path()
        );
    }
}

#[test]
fn a_key_that_is_none_is_an_error_that_names_it() {
    let fixture = Fixture::new();
    fs::write(fixture.directory.path().join("key"), b"short").unwrap();
    let error = CompiledCache::open(fixture.directory.path())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("key"), "{error}");
}

/// Files as another process would have left them, the first one used longest ago.
fn left_by_another(fixture: &Fixture, names: &[&str]) -> Vec<PathBuf> {
    let start = std::time::SystemTime::now() - std::time::Duration::from_secs(10_000);
    let file = |(name, age): (&&str, u64)| {
        let path = fixture.directory.path().join(format!("{name}.cwasm"));
        fs::write(tag_path(&path), b"tag").unwrap();
        fs::write(&path, [0; 1000]).unwrap();
        let used = start + std::time::Duration::from_secs(age);
        File::open(&path).unwrap().set_modified(used).unwrap();
        path
    };
    names.iter().zip(1..).map(file).collect()
}

fn there(paths: &[PathBuf]) -> Vec<bool> {
    let both = |path: &PathBuf| {
        assert_eq!(path.exists(), tag_path(path).exists());
        path.exists()
    };
    paths.iter().map(both).collect()
}

#[test]
fn what_was_not_used_for_long_goes_when_there_is_too_much() {
    let fixture = Fixture::new();
    let cache = CompiledCache::open(fixture.directory.path()).unwrap();
    let load = |inputs: &[u8], bytes_max: u64| {
        let cache = cache.clone().with_bytes_max(bytes_max);
        let compiled = cache.load_or_compile(&fixture.engine, inputs, || Ok(COMPONENT.to_vec()));
        compiled.unwrap();
    };
    load(b"first", u64::MAX);
    let own = fs::metadata(fixture.file("cwasm")).unwrap().len();
    let others = left_by_another(&fixture, &["a", "b", "c"]);
    // The second one of ours, and two others.
    load(b"second", 2 * own + 2000);
    assert_eq!(there(&others), [false, true, true]);
    // Ours stay, whatever there is room for.
    load(b"third", 0);
    assert_eq!(there(&others), [false; 3]);
    let compiled = fixture.compiled.get();
    for inputs in [&b"first"[..], b"second", b"third"] {
        assert!(cache.has(&fixture.engine, inputs));
        fixture.load(inputs);
    }
    assert_eq!(fixture.compiled.get(), compiled);
}

#[test]
fn loading_a_file_is_using_it() {
    let fixture = Fixture::new();
    fixture.load(b"a");
    let path = fixture.file("cwasm");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
    File::open(&path).unwrap().set_modified(long_ago).unwrap();
    fixture.load(b"a");
    let used = fs::metadata(&path).unwrap().modified().unwrap();
    assert!(used.elapsed().unwrap() < std::time::Duration::from_secs(60));
}

#[test]
fn what_a_crash_left_aside_goes_and_what_is_being_written_stays() {
    let fixture = Fixture::new();
    let aside = ["old", "new"].map(|name| fixture.directory.path().join(format!("{name}.tmp")));
    for path in &aside {
        fs::write(path, b"x").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    File::open(&aside[0])
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    fixture.load(b"a");
    assert_eq!(aside.map(|path| path.exists()), [false, true]);
}
