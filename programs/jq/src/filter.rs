//! The filter, compiled, and what it may ask for.

use crate::change;
use crate::literal;
use crate::natives;
use crate::place::Place;
use crate::value::Value;
use jaq_core::data::HasLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{DataT, Lut, Native};
use jaq_std::input::{HasInputs, Inputs};
use std::path::PathBuf;

pub struct Kind;

pub struct Data<'a> {
    pub lut: &'a Lut<Kind>,
    pub inputs: Inputs<'a, Value>,
    pub place: &'a Place<'a>,
}

impl DataT for Kind {
    type V<'a> = Value;
    type Data<'a> = &'a Data<'a>;
}

impl<'a> HasLut<'a, Kind> for &'a Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Value> for &'a Data<'a> {
    fn inputs(&self) -> Inputs<'a, Value> {
        self.inputs
    }
}

pub type Filter = jaq_core::compile::Filter<Native<Kind>>;

/// What jq has and jaq's libraries have not.
const MORE: &str = include_str!("more.jq");

pub fn compile(
    code: &str,
    variables: &[String],
    libraries: &[PathBuf],
) -> Result<Filter, Vec<String>> {
    let more = load::parse(MORE, |parser| parser.defs()).unwrap_or_default();
    let own = natives::funs().into_vec();
    let names: Vec<&str> = own.iter().map(|(name, ..)| *name).collect();
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .filter(|definition| !names.contains(&definition.name))
        .chain(more);
    let inputs = jaq_std::input::funs::<Kind>().into_vec();
    let native = jaq_core::funs()
        .map(change::by_paths)
        .chain(jaq_std::funs())
        .filter(|(name, ..)| !names.contains(name))
        .chain(own.into_iter().map(jaq_core::native::run::<Kind>))
        .chain(inputs.into_iter().map(jaq_core::native::run::<Kind>))
        .collect::<Vec<_>>();
    let arena = Arena::default();
    let loader = Loader::new(definitions).with_std_read(libraries);
    let code = literal::complete(code);
    let file = File {
        code: code.as_str(),
        path: PathBuf::new(),
    };
    let modules = loader.load(&arena, file).map_err(load_errors)?;
    jaq_core::Compiler::default()
        .with_funs(native)
        .with_global_vars(variables.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| {
            let undefined = errors.into_iter().flat_map(|(_, errors)| errors);
            undefined
                .map(|(name, kind)| format!("{name} is not defined ({})", kind.as_str()))
                .collect()
        })
}

fn load_errors(errors: load::Errors<&str, PathBuf>) -> Vec<String> {
    let mut out = Vec::new();
    for (file, error) in errors {
        match error {
            load::Error::Io(errors) => out.extend(
                errors
                    .iter()
                    .map(|(path, error)| format!("module {path}: {error}")),
            ),
            load::Error::Lex(errors) => out.extend(errors.iter().map(|(expected, rest)| {
                format!(
                    "syntax error, expected {}, at: {}",
                    expected.as_str(),
                    place(file.code, rest)
                )
            })),
            load::Error::Parse(errors) => out.extend(errors.iter().map(|(expected, rest)| {
                format!(
                    "syntax error, expected {}, at: {}",
                    expected.as_str(),
                    place(file.code, rest)
                )
            })),
        }
    }
    out
}

fn place(code: &str, rest: &str) -> String {
    if rest.is_empty() {
        return "the end of the filter".to_owned();
    }
    let at = load::span(code, rest).start;
    code.get(at..)
        .unwrap_or(rest)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
