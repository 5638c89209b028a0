//! Tries to reach what its argument names, and says `granted`, `denied` or `failed: …`.

use std::fs;
use std::io::{Error, ErrorKind};
use std::net::{TcpListener, TcpStream, UdpSocket};
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::{ErrorCode, resolve_addresses};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let target = arguments.next().unwrap_or_default();
    let result = match what.as_str() {
        "read" => fs::read(&target).map(drop),
        "write" => fs::write(&target, b"written by the guest"),
        "append" => fs::OpenOptions::new().append(true).open(&target).map(drop),
        "truncate" => fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&target)
            .map(drop),
        "remove" => fs::remove_file(&target),
        "mkdir" => fs::create_dir(&target),
        "list" => fs::read_dir(&target).map(drop),
        "connect" => TcpStream::connect(&target).map(drop),
        "listen" => TcpListener::bind(&target).map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.send_to(b"x", &target))
            .map(drop),
        "lookup" => lookup(&target).map(drop),
        "lookup-connect" => lookup_and_connect(&target),
        other => Err(Error::other(format!("no such attempt: {other:?}"))),
    };
    match result {
        Ok(()) => println!("granted"),
        // WASI has no code for "there is no such grant": a path beyond the preopens is not found or not
        // permitted, a socket is not permitted.
        Err(error) if is_denial(&error) => println!("denied"),
        Err(error) => println!("failed: {error} ({:?})", error.kind()),
    }
}

/// How many addresses a name has.
fn lookup(name: &str) -> Result<usize, Error> {
    let told = |code: ErrorCode| match code {
        ErrorCode::AccessDenied => Error::from(ErrorKind::PermissionDenied),
        other => Error::other(other.name()),
    };
    let addresses = resolve_addresses(&instance_network(), name).map_err(told)?;
    let mut count = 0;
    loop {
        match addresses.resolve_next_address() {
            Ok(Some(_)) => count += 1,
            Ok(None) if count == 0 => return Err(Error::other("it has no address")),
            Ok(None) => return Ok(count),
            Err(ErrorCode::WouldBlock) => addresses.subscribe().block(),
            Err(code) => return Err(told(code)),
        }
    }
}

/// `NAME/ADDRESS:PORT`: connects to an address after it looked a name up.
fn lookup_and_connect(target: &str) -> Result<(), Error> {
    let (name, address) = target.split_once('/').unwrap_or((target, ""));
    lookup(name)?;
    TcpStream::connect(address).map(drop)
}

fn is_denial(error: &Error) -> bool {
    const EBADF: i32 = 8;
    const EACCES: i32 = 2;
    const ENOTCAPABLE: i32 = 76;
    const EROFS: i32 = 69;
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem
    ) || matches!(
        error.raw_os_error(),
        Some(EBADF | EACCES | ENOTCAPABLE | EROFS)
    )
}
