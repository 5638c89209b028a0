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
