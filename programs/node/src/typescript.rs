//! TypeScript and JSX to JavaScript, and back from a position in the one to a position in the other.

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_sourcemap::SourceMap;
use oxc_span::SourceType;
use oxc_transformer::{HelperLoaderMode, TransformOptions, Transformer};
use rquickjs::Ctx;
use rquickjs::prelude::List;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

thread_local! {
    static MAPS: RefCell<HashMap<String, SourceMap<'static>>> = RefCell::new(HashMap::new());
}

/// JavaScript and whether it is a module by what it says; or a message with the line and column where it stands.
type Transpiled = List<(Option<String>, bool, Option<String>, u32, u32)>;

/// `name` is what stack traces call the file; `path` has the extension that tells what to expect.
pub fn transpile(_: Ctx<'_>, source: String, name: String, path: String) -> Transpiled {
    let path = Path::new(&path);
    match javascript(&source, path) {
        Ok((code, map, is_module)) => {
            if let Some(map) = map {
                MAPS.with(|maps| maps.borrow_mut().insert(name, map));
            }
            List((Some(code), is_module, None, 0, 0))
        }
        Err(error) => {
            let offset = error
                .labels
                .first()
                .map_or(0, |label| label.offset() as usize);
            let before = source.get(..offset.min(source.len())).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |rest| rest.chars().count())
                + 1;
            List((
                None,
                false,
                Some(error.message.to_string()),
                line as u32,
                column as u32,
            ))
        }
    }
}

type Output = (String, Option<SourceMap<'static>>, bool);

fn javascript(source: &str, path: &Path) -> Result<Output, OxcDiagnostic> {
    let kind = SourceType::from_path(path).unwrap_or_else(|_| SourceType::ts());
    // A file named `.ts` may be either; whether it is a module shows in it.
    let named = path
        .extension()
        .is_some_and(|extension| extension == "mts" || extension == "cts");
    let kind = if named {
        kind
    } else {
        kind.with_unambiguous(true)
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, kind).parse();
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return Err(error);
    }
    let is_module = parsed.module_record.has_module_syntax;
    let mut program = parsed.program;
    let semantic = SemanticBuilder::new()
        .with_excess_capacity(2.0)
        .with_enum_eval(true)
        .build(&program);
    if let Some(error) = semantic.diagnostics.into_iter().next() {
        return Err(error);
    }
    let mut options = TransformOptions::default();
    options.helper_loader.mode = HelperLoaderMode::External;
    options.decorator.legacy = true;
    options.decorator.emit_decorator_metadata = true;
    let transformed = Transformer::new(&allocator, path, &options)
        .build_with_scoping(semantic.semantic.into_scoping(), &mut program);
    if let Some(error) = transformed.diagnostics.into_iter().next() {
        return Err(error);
    }
    let options = CodegenOptions {
        source_map_path: Some(path.to_path_buf()),
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(&program);
    Ok((
        printed.code,
        printed.map.map(SourceMap::into_owned),
        is_module,
    ))
}

/// The line and column in the source, for those in the JavaScript that was made of it. All count from 1.
pub fn position(name: String, line: u32, column: u32) -> Option<Vec<u32>> {
    MAPS.with(|maps| {
        let maps = maps.borrow();
        let map = maps.get(&name)?;
        let table = map.generate_lookup_table();
        let (line, column) = (line.checked_sub(1)?, column.saturating_sub(1));
        let token = map.lookup_token(&table, line, column)?;
        Some(vec![token.get_src_line() + 1, token.get_src_col() + 1])
    })
}
