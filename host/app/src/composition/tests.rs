use super::*;

/// Imports two interfaces of a package and a plain function; exports `run`, which adds what they return.
const MAIN: &str = r#"
(component
  (import "test:calc/one@1.0.0" (instance $one (export "get" (func (result u32)))))
  (import "test:calc/two@1.0.0" (instance $two (export "get" (func (result u32)))))
  (core func $one-get (canon lower (func $one "get")))
  (core func $two-get (canon lower (func $two "get")))
  (core module $m
    (import "" "one" (func $one (result i32)))
    (import "" "two" (func $two (result i32)))
    (func (export "run") (result i32) (i32.add (call $one) (call $two))))
  (core instance $i (instantiate $m (with "" (instance (export "one" (func $one-get)) (export "two" (func $two-get))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
"#;

/// A component that exports interfaces of one function each, under these names and returning these numbers.
fn answering(exports: &[(&str, u32)], imports: &str) -> String {
    let exports = exports.iter().enumerate().map(|(index, (name, answer))| {
        format!(
            r#"(core module $m{index} (func (export "get") (result i32) (i32.const {answer})))
            (core instance $c{index} (instantiate $m{index}))
            (func $f{index} (result u32) (canon lift (core func $c{index} "get")))
            (instance $i{index} (export "get" (func $f{index})))
            (export "{name}" (instance $i{index}))"#
        )
    });
    format!("(component {imports} {})", exports.collect::<String>())
}

fn code(wat: &str) -> Code {
    Code {
        path: "test.wasm".into(),
        bytes: wat::parse_str(wat).unwrap(),
    }
}

fn part(name: &str, wat: &str) -> Part {
    Part {
        name: DependencyName::parse(name).unwrap(),
        label: name.to_owned(),
        export: None,
        inherit: Inherit::Only(Vec::new()),
        source: code(wat),
    }
}

fn parts(dependencies: Vec<Part>) -> Parts {
    Parts {
        id: "main".to_owned(),
        source: code(MAIN),
        dependencies,
        grants: Vec::new(),
    }
}

fn run(composed: &[u8]) -> u32 {
    let engine = wasmtime::Engine::default();
    let component = wasmtime::component::Component::new(&engine, composed).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let linker = wasmtime::component::Linker::new(&engine);
    let instance = linker.instantiate(&mut store, &component).unwrap();
    instance
        .get_typed_func::<(), (u32,)>(&mut store, "run")
        .unwrap()
        .call(&mut store, ())
        .unwrap()
        .0
}

fn refused(parts: &Parts) -> String {
    format!("{:#}", parts.compose().unwrap_err())
}

const BOTH: &[(&str, u32)] = &[("test:calc/one@1.0.0", 40), ("test:calc/two@1.0.0", 2)];

#[test]
fn a_package_meets_every_import_from_it() {
    for name in ["test:calc", "test:calc@1.0.0"] {
        let composed = parts(vec![part(name, &answering(BOTH, ""))])
            .compose()
            .unwrap();
        assert_eq!(run(&composed), 42, "{name}");
    }
}

#[test]
fn an_export_of_another_name_can_meet_an_interface() {
    let mut one = part("test:calc/one", &answering(&[("other:pkg/x", 1)], ""));
    one.export = Some("other:pkg/x".to_owned());
    let composed = parts(vec![one]).compose().unwrap();
    let composed = Parts {
        source: Code {
            path: "x".into(),
            bytes: composed,
        },
        ..parts(vec![part("test:calc/two", &answering(&BOTH[1..], ""))])
    };
    assert_eq!(run(&composed.compose().unwrap()), 3);
}

#[test]
fn a_component_without_dependencies_stays_as_it_is() {
    let parts = parts(Vec::new());
    assert_eq!(parts.compose().unwrap(), parts.source.bytes);
}

#[test]
fn what_does_not_fit_is_refused() {
    let both = answering(BOTH, "");
    let one = answering(&BOTH[..1], "");
    let wrong = r#"(component
        (core module $m (func (export "get") (result i64) (i64.const 1)))
        (core instance $c (instantiate $m))
        (func $f (result u64) (canon lift (core func $c "get")))
        (instance $i (export "get" (func $f)))
        (export "test:calc/one@1.0.0" (instance $i)))"#;
    let cases = [
        (vec![part("test:other", &both)], "stands for none"),
        (vec![part("test:calc@2.0.0", &both)], "stands for none"),
        (
            vec![part("test:calc", &one)],
            "does not export `test:calc/two@1.0.0`",
        ),
        (vec![part("test:calc/one", wrong)], "does not fit"),
        (
            vec![part("test:calc", &both), part("test:calc/one", &both)],
            "both",
        ),
        (
            vec![part("test:calc/one", &both), part("test:calc/two", &both)],
            "test:calc",
        ),
    ];
    for (dependencies, word) in cases {
        let message = refused(&parts(dependencies));
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
    let mut broken = parts(vec![part("test:calc", &both)]);
    broken.source.bytes = b"no wasm".to_vec();
    assert!(refused(&broken).contains("test.wasm is no component"));
}

#[test]
fn a_dependency_uses_a_grant_only_if_it_was_handed_it() {
    let imports = r#"(import "fermyon:spin/key-value@2.0.0" (instance))"#;
    let with = |inherit, grants| {
        let mut part = part("test:calc", &answering(BOTH, imports));
        part.inherit = inherit;
        Parts {
            grants,
            ..parts(vec![part])
        }
    };
    let only = |grant: &str| Inherit::Only(vec![grant.to_owned()]);
    with(Inherit::All, vec!["key_value_stores"])
        .compose()
        .unwrap();
    with(only("key_value_stores"), vec!["key_value_stores"])
        .compose()
        .unwrap();
    with(only("variables"), vec!["variables"])
        .compose()
        .unwrap();
    let message = refused(&with(only("variables"), vec!["key_value_stores"]));
    assert!(
        message.contains("fermyon:spin/key-value") && message.contains("inherit_configuration"),
        "{message}"
    );
}

#[test]
fn the_digest_changes_with_everything_that_is_composed() {
    let base = || parts(vec![part("test:calc", &answering(BOTH, ""))]);
    let mut others = vec![base(), base(), base(), base()];
    others[0].source.bytes.push(0);
    others[1].dependencies[0].inherit = Inherit::All;
    others[2].dependencies[0].export = Some("x".to_owned());
    others[3].grants.push("files");
    assert_eq!(base().digest(), base().digest());
    for other in others {
        assert_ne!(other.digest(), base().digest());
    }
}
