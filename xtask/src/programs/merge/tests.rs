use super::merge;
use wasmparser::{ElementItems, Operator, Parser, Payload};

/// Two modules as a linker of shared libraries leaves them. `main` has the memory, the table and the globals;
/// `library` imports those and calls the host through the table of `shim`, which `fixup` fills at the end.
fn component(library: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "log" (func $log (param "text" string)))
            (import "now" (func $now (result u32)))
            (core module $shim
                (type $log (func (param i32 i32)))
                (table (export "table") 1 1 funcref)
                (func (export "log") (param i32 i32)
                    (call_indirect (type $log) (local.get 0) (local.get 1) (i32.const 0))))
            (core module $main
                (memory (export "memory") 1)
                (table (export "table") 5 funcref)
                (global (export "stack") (mut i32) (i32.const 4096))
                (global (export "base") i32 (i32.const 3))
                (global (export "offset") (mut i32) (i32.const 77))
                (data (i32.const 8) "text"))
            (core module $library {library})
            (core module $fixup
                (import "" "log" (func $log (param i32 i32)))
                (import "" "table" (table 1 1 funcref))
                (elem (i32.const 0) func $log))
            (core instance $shim (instantiate $shim))
            (core instance $main (instantiate $main))
            (alias core export $shim "log" (core func $log-shim))
            (alias core export $shim "table" (core table $shim-table))
            (alias core export $main "memory" (core memory $memory))
            (core func $now-lowered (canon lower (func $now)))
            (core instance $host (export "now" (func $now-lowered)) (export "log" (func $log-shim)))
            (core instance $library (instantiate $library
                (with "main" (instance $main)) (with "host" (instance $host))))
            (alias core export $library "run" (core func $run))
            (core func $log-lowered (canon lower (func $log) (memory $memory)))
            (core instance $given (export "log" (func $log-lowered)) (export "table" (table $shim-table)))
            (core instance (instantiate $fixup (with "" (instance $given))))
            (func (export "run") (result u32) (canon lift (core func $run))))"#
    );
    wat::parse_str(text).unwrap()
}

const LIBRARY: &str = r#"
    (import "main" "memory" (memory 1))
    (import "main" "table" (table 0 funcref))
    (import "main" "stack" (global $stack (mut i32)))
    (import "main" "base" (global $base i32))
    (import "main" "offset" (global $offset (mut i32)))
    (import "host" "now" (func $now (result i32)))
    (import "host" "log" (func $log (param i32 i32)))
    (elem (global.get $base) func $called)
    (func $called (result i32) (call $now))
    (func $idle (result i32) (i32.const 1))
    (func (export "run") (result i32)
        (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
        (call $log (i32.const 8) (global.get $offset))
        (call_indirect (result i32) (global.get $base)))"#;

#[derive(Default)]
struct Seen {
    modules: usize,
    functions: u32,
    globals: u32,
    tables: Vec<(u64, Option<u64>)>,
    /// Of each entry, the segment's start and its number of functions.
    entries: Vec<(i32, u32)>,
    constants: Vec<i32>,
}

fn look(component: &[u8]) -> Seen {
    let mut seen = Seen::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => seen.modules += 1,
            Payload::FunctionSection(reader) => seen.functions += reader.count(),
            Payload::GlobalSection(reader) => seen.globals += reader.count(),
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table.unwrap().ty;
                    seen.tables.push((table.initial, table.maximum));
                }
            }
            Payload::ElementSection(reader) => {
                for element in reader {
                    let element = element.unwrap();
                    let wasmparser::ElementKind::Active { offset_expr, .. } = element.kind else {
                        panic!("a segment that is not active")
                    };
                    let ElementItems::Functions(functions) = element.items else {
                        panic!("a segment of expressions")
                    };
                    let start = offset_expr.get_operators_reader().read().unwrap();
                    let Operator::I32Const { value } = start else {
                        panic!("a segment that starts at {start:?}")
                    };
                    seen.entries.push((value, functions.count()));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().unwrap() {
                    if let Operator::I32Const { value } = operator.unwrap() {
                        seen.constants.push(value);
                    }
                }
            }
            _ => {}
        }
    }
    seen
}

fn refusal(library: &str) -> String {
    format!("{:#}", merge(&component(library)).unwrap_err())
}

#[test]
fn modules_that_share_a_memory_become_one_and_a_small_second_one() {
    let merged = look(&merge(&component(LIBRARY)).unwrap());
    assert_eq!(merged.modules, 2);
    assert_eq!(
        merged.tables,
        [(6, Some(6))],
        "the two tables are one, which cannot grow"
    );
    assert_eq!(
        merged.entries,
        [(3, 1), (5, 1)],
        "the library's entry where it was, and the host function behind its table"
    );
}

#[test]
fn a_global_that_nobody_writes_is_a_constant_and_one_that_is_written_is_none() {
    let merged = look(&merge(&component(LIBRARY)).unwrap());
    assert_eq!(merged.globals, 1, "the stack pointer");
    assert!(merged.constants.contains(&77), "the offset");
    assert!(!merged.constants.contains(&4096));
}

#[test]
fn a_function_that_nothing_reaches_is_left_out() {
    let merged = look(&merge(&component(LIBRARY)).unwrap());
    assert_eq!(merged.functions, 3, "the shim's, `called` and `run`");
}

#[test]
fn what_is_merged_can_be_merged_again() {
    let once = merge(&component(LIBRARY)).unwrap();
    let twice = look(&merge(&once).unwrap());
    assert_eq!((twice.modules, twice.functions, twice.globals), (2, 3, 1));
}

#[test]
fn a_module_that_runs_code_at_its_start_is_refused() {
    let refusal = refusal(&format!("{LIBRARY} (func $begin) (start $begin)"));
    assert!(refusal.contains("a start function"), "{refusal}");
}

#[test]
fn a_table_that_changes_is_refused() {
    let grow = "(func (export \"run\") (result i32) (table.grow 0 (ref.null func) (i32.const 1)))";
    let refusal = refusal(&format!(
        "(import \"main\" \"table\" (table 0 funcref)) {grow}"
    ));
    assert!(refusal.contains("TableGrow"), "{refusal}");
}

#[test]
fn a_passive_segment_is_refused() {
    let refusal = refusal(&format!("{LIBRARY} (data \"kept\")"));
    assert!(
        refusal.contains("a data segment that is not active"),
        "{refusal}"
    );
}

#[test]
fn an_entry_behind_its_table_is_refused_and_not_put_into_the_next() {
    let refusal = refusal(&LIBRARY.replace("(elem (global.get $base)", "(elem (i32.const 5)"));
    assert!(refusal.contains("longer than its table"), "{refusal}");
}

#[test]
fn an_import_of_another_type_is_refused() {
    let refusal = refusal(
        &LIBRARY
            .replace(
                "\"now\" (func $now (result i32))",
                "\"now\" (func $now (result i64))",
            )
            .replace("(call $now)", "(i32.wrap_i64 (call $now))"),
    );
    assert!(refusal.contains("type"), "{refusal}");
}

#[test]
fn a_core_module_alone_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    assert!(merge(&module).is_err());
}
