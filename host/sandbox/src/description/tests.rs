use super::*;
use std::sync::OnceLock;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// What is wrong with a program, or what it is.
fn examined(text: &str) -> Result<Description, String> {
    let bytes = wat::parse_str(text).unwrap();
    examine(engine(), &bytes).map_err(|error| format!("{error:#}"))
}

/// A component with these imports that exports `wasi:cli/run`.
fn component(imports: &str) -> String {
    format!(
        r#"(component {imports}
            (core module $m (func (export "run") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (component $shim
                (import "f" (func $f (result (result))))
                (export "run" (func $f)))
            (instance $run (instantiate $shim (with "f" (func $run))))
            (export "wasi:cli/run@0.2.3" (instance $run)))"#
    )
}

fn module(imports: &str) -> String {
    format!(r#"(module {imports} (memory (export "memory") 1) (func (export "_start")))"#)
}

const WRITE: &str =
    r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;

#[test]
fn a_program_says_its_kind_and_its_imports() {
    let found = examined(&component(
        r#"(import "wasi:random/random@0.2.0" (instance
            (export "get-random-u64" (func (result u64)))))"#,
    ));
    assert_eq!(
        found,
        Ok(Description {
            kind: WasmKind::Component,
            imports: vec!["wasi:random/random@0.2.0".to_owned()]
        })
    );
    assert_eq!(examined(&component("")).unwrap().imports, [""; 0]);
    let found = examined(&module(WRITE)).unwrap();
    assert_eq!(found.kind, WasmKind::Module);
    assert!(
        found
            .imports
            .iter()
            .any(|name| name.starts_with("wasi:filesystem/types@0.2.")),
        "{found:?}"
    );
}

#[test]
fn every_import_that_there_is_not_is_named() {
    for (text, named) in [
        (
            component(
                r#"(import "wasi:keyvalue/store@0.2.0" (instance (export "open" (func))))
                   (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))
                   (import "mystery:box/lid@1.0.0" (instance (export "lift" (func))))
                   (import "bare" (func))"#,
            ),
            &[
                "`wasi:keyvalue/store@0.2.0`",
                "`mystery:box/lid@1.0.0`",
                "`bare`",
            ][..],
        ),
        (
            component(
                r#"(import "wasi:random/random@0.2.0" (instance (export "get-dice" (func (result u64)))))"#,
            ),
            &["`wasi:random/random@0.2.0`", "`get-dice`"],
        ),
        (
            module(&format!(
                r#"{WRITE} (import "env" "mystery" (func))
                   (import "wasi_snapshot_preview1" "fd_sing" (func))"#
            )),
            &["`env::mystery`", "`wasi_snapshot_preview1::fd_sing`"],
        ),
    ] {
        let error = examined(&text).unwrap_err();
        assert!(error.starts_with("it imports what a sandbox does not have: "));
        for name in named {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(
            !error.contains("get-random-u64") && !error.contains("fd_write"),
            "{error}"
        );
    }
}

#[test]
fn what_could_not_run_is_refused() {
    for (text, said) in [
        ("(component)", "`wasi:cli/run`"),
        (
            r#"(component (instance $i) (export "a:b/c@1.0.0" (instance $i)))"#,
            "it exports `a:b/c@1.0.0`",
        ),
        ("(module)", "_start"),
        (
            r#"(module (memory (export "memory") i64 1) (func (export "_start")))"#,
            "memory64",
        ),
    ] {
        let error = examined(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
    for bytes in [
        &b""[..],
        b"hello",
        b"\x7fELF\x02\x01\x01\0",
        b"\0asm\x01\0\0\0garbage",
        b"\0asm\x0d\0\x01\0garbage",
    ] {
        assert!(examine(engine(), bytes).is_err(), "{bytes:?}");
    }
    // A function whose code leaves nothing where a number is promised.
    let broken = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
    assert!(examine(engine(), broken).is_err());
}
