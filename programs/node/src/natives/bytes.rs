//! The bytes of an array that JavaScript lends for a call.

use rquickjs::TypedArray;

/// Nothing, if the array's buffer was taken away.
pub fn lent<'a>(array: &'a TypedArray<'_, u8>) -> &'a [u8] {
    // SAFETY: no JavaScript runs while a native function does, unless it calls some; none does with bytes in hand.
    unsafe { array.as_bytes() }.unwrap_or_default()
}
