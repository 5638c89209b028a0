//! Streams of bytes, and waiting for several of them.

use super::bytes::lent;
use super::table::Table;
use crate::bindings::wasi::cli::{stderr, stdin, stdout};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::io::poll::{self, Pollable};
use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use rquickjs::prelude::{Func, Opt};
use rquickjs::{Ctx, Exception, IntoJs, Object, Result, TypedArray, Value};

thread_local! {
    static INPUTS: Table<InputStream> = const { Table::new() };
    static OUTPUTS: Table<OutputStream> = const { Table::new() };
    static POLLABLES: Table<Pollable> = const { Table::new() };
}

/// What a blocking write takes at once.
const WRITE_BYTES_MAX: usize = 4_096;

pub fn install(native: &Object<'_>) -> Result<()> {
    native.set("stdin", Func::from(|| input(stdin::get_stdin())))?;
    native.set("stdout", Func::from(|| output(stdout::get_stdout())))?;
    native.set("stderr", Func::from(|| output(stderr::get_stderr())))?;
    native.set("read", Func::from(read))?;
    native.set("write", Func::from(write))?;
    native.set("writeText", Func::from(write_text))?;
    native.set("writable", Func::from(writable))?;
    native.set(
        "closeInput",
        Func::from(|id| drop(INPUTS.with(|all| all.remove(id)))),
    )?;
    native.set(
        "closeOutput",
        Func::from(|id| drop(OUTPUTS.with(|all| all.remove(id)))),
    )?;
    native.set(
        "pollInput",
        Func::from(|id| INPUTS.with(|all| all.with(id, |stream| pollable(stream.subscribe())))),
    )?;
    native.set(
        "pollOutput",
        Func::from(|id| OUTPUTS.with(|all| all.with(id, |stream| pollable(stream.subscribe())))),
    )?;
    native.set(
        "closePoll",
        Func::from(|id| drop(POLLABLES.with(|all| all.remove(id)))),
    )?;
    native.set("poll", Func::from(wait))?;
    native.set(
        "sleep",
        Func::from(|ms: f64| monotonic_clock::subscribe_duration(nanoseconds(ms)).block()),
    )
}

pub fn input(stream: InputStream) -> u32 {
    INPUTS.with(|all| all.insert(stream))
}

pub fn output(stream: OutputStream) -> u32 {
    OUTPUTS.with(|all| all.insert(stream))
}

pub fn pollable(pollable: Pollable) -> u32 {
    POLLABLES.with(|all| all.insert(pollable))
}

pub fn close_output(id: u32) {
    OUTPUTS.with(|all| all.remove(id));
}

fn nanoseconds(ms: f64) -> u64 {
    // A float becomes the nearest number that there is: negative 0, too large the largest.
    (ms * 1e6).ceil() as u64
}

/// Bytes; none are `Uint8Array(0)` where nothing has come yet and null at the end.
fn read<'js>(ctx: Ctx<'js>, id: u32, bytes_max: f64, blocking: Opt<bool>) -> Result<Value<'js>> {
    let result = INPUTS.with(|all| {
        all.with(id, |stream| {
            if blocking.0.unwrap_or(false) {
                stream.blocking_read(bytes_max as u64)
            } else {
                stream.read(bytes_max as u64)
            }
        })
    });
    match result {
        Some(Ok(bytes)) => TypedArray::<u8>::new(ctx.clone(), bytes)?.into_js(&ctx),
        None | Some(Err(StreamError::Closed)) => Ok(Value::new_null(ctx)),
        Some(Err(StreamError::LastOperationFailed(error))) => {
            Err(Exception::throw_message(&ctx, &error.to_debug_string()))
        }
    }
}

/// Writes everything, waiting for room; false if nobody reads any more.
fn write(id: u32, bytes: TypedArray<'_, u8>) -> bool {
    write_all(id, lent(&bytes))
}

fn write_text(id: u32, text: String) -> bool {
    write_all(id, text.as_bytes())
}

pub fn write_all(id: u32, bytes: &[u8]) -> bool {
    OUTPUTS.with(|all| {
        all.with(id, |stream| {
            let mut pieces = bytes.chunks(WRITE_BYTES_MAX);
            pieces.all(|piece| stream.blocking_write_and_flush(piece).is_ok())
        })
        .unwrap_or(false)
    })
}

/// How many bytes a write would take now; -1 if nobody reads any more.
fn writable(id: u32) -> f64 {
    let room = OUTPUTS.with(|all| all.with(id, |stream| stream.check_write()));
    match room {
        Some(Ok(bytes)) => bytes as f64,
        _ => -1.0,
    }
}

/// Which are ready, after at most so many milliseconds; for ever if that is negative.
fn wait(ids: Vec<u32>, timeout_ms: f64) -> Vec<u32> {
    let timer =
        (timeout_ms >= 0.0).then(|| monotonic_clock::subscribe_duration(nanoseconds(timeout_ms)));
    POLLABLES.with(|all| {
        all.with_all(|entries| {
            let (known, mut waited): (Vec<u32>, Vec<&Pollable>) = ids
                .iter()
                .filter_map(|id| Some((*id, entries.get(id)?)))
                .unzip();
            waited.extend(&timer);
            if waited.is_empty() {
                return Vec::new();
            }
            let ready = poll::poll(&waited);
            ready
                .iter()
                .filter_map(|index| known.get(*index as usize).copied())
                .collect()
        })
    })
}
