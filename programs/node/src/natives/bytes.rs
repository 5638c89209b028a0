//! The bytes of an array that JavaScript lends for a call, and what is done with many of them.

use memchr::memmem;
use rquickjs::prelude::Func;
use rquickjs::{Ctx, Object, Result, TypedArray};
use std::cmp::Ordering;

pub fn install(native: &Object<'_>) -> Result<()> {
    native.set(
        "latin1",
        Func::from(|bytes: TypedArray<'_, u8>| text(&bytes, 0xff)),
    )?;
    native.set(
        "ascii",
        Func::from(|bytes: TypedArray<'_, u8>| text(&bytes, 0x7f)),
    )?;
    native.set("fromLatin1", Func::from(from_latin1))?;
    native.set("compareBytes", Func::from(compare))?;
    native.set("findBytes", Func::from(find))
}

/// Nothing, if the array's buffer was taken away.
pub fn lent<'a>(array: &'a TypedArray<'_, u8>) -> &'a [u8] {
    // SAFETY: no JavaScript runs while a native function does, unless it calls some; none does with bytes in hand.
    unsafe { array.as_bytes() }.unwrap_or_default()
}

/// A character for each byte.
fn text(bytes: &TypedArray<'_, u8>, mask: u8) -> String {
    lent(bytes)
        .iter()
        .map(|byte| char::from(byte & mask))
        .collect()
}

/// A byte for each unit of UTF-16.
fn from_latin1(ctx: Ctx<'_>, text: String) -> Result<TypedArray<'_, u8>> {
    let bytes: Vec<u8> = text.encode_utf16().map(|unit| unit as u8).collect();
    TypedArray::new(ctx, bytes)
}

fn compare(a: TypedArray<'_, u8>, b: TypedArray<'_, u8>) -> i32 {
    match lent(&a).cmp(lent(&b)) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// Where a part begins, at or behind a place; -1 if nowhere.
fn find(bytes: TypedArray<'_, u8>, part: TypedArray<'_, u8>, from: f64) -> f64 {
    let from = from as usize;
    let rest = lent(&bytes).get(from..).unwrap_or_default();
    memmem::find(rest, lent(&part)).map_or(-1.0, |at| (from + at) as f64)
}
