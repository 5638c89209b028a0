//! A neighbour: until it is ended, it does what its argument names, as fast as it may. `wait` only says that it is there, and
//! waits for input.

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write};
use std::process::ExitCode;
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{ErrorCode, Fields, OutgoingRequest, Scheme};

const FILL_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        "spin" => spin(),
        "flood" => flood(),
        "fill" => fill(),
        "denied" => denied(),
        "files" => files(),
        "wait" => wait(),
        other => eprintln!("no such mode: {other:?}"),
    }
    ExitCode::FAILURE
}

fn spin() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Ends only when nobody takes it any more.
fn flood() {
    let piece = [b'x'; 4_096];
    let mut stdout = std::io::stdout().lock();
    while stdout.write_all(&piece).is_ok() {}
}

/// One instruction of WebAssembly writes all of it.
fn fill() {
    let mut memory = vec![0_u8; FILL_BYTES];
    let mut value = 0_u8;
    loop {
        value = value.wrapping_add(1);
        black_box(&mut memory).fill(value);
    }
}

/// Asks for hosts that no policy grants, and takes each denial.
fn denied() {
    for number in 0_u64.. {
        let request = OutgoingRequest::new(Fields::new());
        let authority = format!("host-{}.invalid", number % 1_000);
        let made = request
            .set_scheme(Some(&Scheme::Https))
            .and_then(|()| request.set_authority(Some(&authority)))
            .and_then(|()| request.set_path_with_query(Some("/")));
        let answer = made.ok().and_then(|()| handle(request, None).ok());
        let Some(answer) = answer else { return };
        answer.subscribe().block();
        let Some(Ok(Err(ErrorCode::HttpRequestDenied))) = answer.get() else {
            return;
        };
    }
}

fn files() {
    let content = [b'x'; 4_096];
    for number in 0_u64.. {
        let name = format!("/workspace/noise-{}", number % 16);
        if fs::write(&name, content).is_err() || fs::remove_file(&name).is_err() {
            return;
        }
    }
}

fn wait() {
    println!("waiting");
    // Whatever comes ends it.
    let _ = std::io::stdin().read(&mut [0]);
}
