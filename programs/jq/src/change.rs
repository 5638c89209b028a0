//! `first(f) |= g` and its like, which jaq has no way for: each path of the left side is changed in its turn.

use crate::filter::Kind;
use crate::value::Value;
use jaq_core::box_iter::box_once;
use jaq_core::native::Fun;
use jaq_core::path::Opt;
use jaq_core::{Cv, Exn, UpdatePtr, ValT as _, ValX, ValXs};

pub fn by_paths((name, arity, native): Fun<Kind>) -> Fun<Kind> {
    let update: Option<UpdatePtr<Kind>> = match (name, arity.len()) {
        ("first", 1) => Some(|cv, f| {
            let value = cv.1.clone();
            box_once(change(value, paths(cv).take(1), &*f))
        }),
        ("last", 1) => Some(|cv, f| {
            let value = cv.1.clone();
            box_once(change(value, paths(cv).last().into_iter(), &*f))
        }),
        ("limit", 2) => Some(|cv, f| {
            let (value, mut context) = (cv.1.clone(), cv.0.clone());
            // What is given last is taken first.
            drop(context.pop_fun());
            let count = context.pop_var().number().unwrap_or_default();
            box_once(change(value, paths(cv).take(count.max(0.0) as usize), &*f))
        }),
        _ => None,
    };
    let native = match update {
        Some(update) => native.with_update(update),
        None => native,
    };
    (name, arity, native)
}

type Path<'a> = Result<Vec<Value>, Exn<'a, Value>>;

/// Where the filter that was given last leads.
fn paths<'a>(mut cv: Cv<'a, Kind>) -> impl Iterator<Item = Path<'a>> {
    let (filter, context) = cv.0.pop_fun();
    let found = filter.paths((context, (cv.1, Default::default())));
    found.map(|found| {
        let (_, keys) = found?;
        let mut path: Vec<Value> = keys.iter().cloned().collect();
        path.reverse();
        Ok(path)
    })
}

fn change<'a>(
    value: Value,
    paths: impl Iterator<Item = Path<'a>>,
    f: &dyn Fn(Value) -> ValXs<'a, Value>,
) -> ValX<'a, Value> {
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths
        .iter()
        .try_fold(value, |value, path| at(value, path, f))
}

fn at<'a>(value: Value, path: &[Value], f: &dyn Fn(Value) -> ValXs<'a, Value>) -> ValX<'a, Value> {
    match path.split_first() {
        None => f(value).next().unwrap_or_else(|| Ok(Value::default())),
        Some((key, [])) => value.map_index(key, Opt::Essential, f),
        Some((key, rest)) => value.map_index(key, Opt::Essential, |inner| {
            std::iter::once(at(inner, rest, f))
        }),
    }
}
