//! Stands between a client and a server, and cuts every stream of events after its second event.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Cuts {
    pub url: String,
    made: Arc<AtomicU32>,
    resumed: Arc<AtomicU32>,
}

impl Cuts {
    pub fn before(server: &str) -> Self {
        let upstream = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cuts = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            made: Arc::default(),
            resumed: Arc::default(),
        };
        let (made, resumed) = (cuts.made.clone(), cuts.resumed.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (made, resumed) = (made.clone(), resumed.clone());
                let server = TcpStream::connect(&upstream).unwrap();
                std::thread::spawn(move || pass(client.unwrap(), server, &made, &resumed));
            }
        });
        cuts
    }

    /// How many streams were cut.
    pub fn made(&self) -> u32 {
        self.made.load(Ordering::SeqCst)
    }

    /// How many were asked for from an event on.
    pub fn resumed(&self) -> u32 {
        self.resumed.load(Ordering::SeqCst)
    }
}

/// Passes one request after another on, with its answer, until an end or a cut.
fn pass(mut client: TcpStream, mut server: TcpStream, made: &AtomicU32, resumed: &AtomicU32) {
    let mut up = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let events = Arc::new(AtomicU32::new(0));
    let asked = events.clone();
    let is_resumed = Arc::new(AtomicU32::new(0));
    let with_id = is_resumed.clone();
    std::thread::spawn(move || {
        copy(&mut up.0, &mut up.1, |piece| {
            let text = String::from_utf8_lossy(piece);
            asked.fetch_add(
                u32::from(text.starts_with("GET /api/v1/events?")),
                Ordering::SeqCst,
            );
            with_id.fetch_add(
                u32::from(text.contains("last-event-id: ")),
                Ordering::SeqCst,
            );
            true
        });
        // Either end of the connection is the end of both.
        let _ = up.1.shutdown(Shutdown::Both);
    });
    let mut seen = 0;
    copy(&mut server, &mut client, |piece| {
        seen += String::from_utf8_lossy(piece).matches("\ndata: ").count();
        seen < 2 || events.load(Ordering::SeqCst) == 0
    });
    if seen >= 2 {
        made.fetch_add(1, Ordering::SeqCst);
    }
    resumed.fetch_add(is_resumed.load(Ordering::SeqCst), Ordering::SeqCst);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Until the end, or until a piece that was passed on is the last.
fn copy(from: &mut TcpStream, to: &mut TcpStream, mut goes_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 || to.write_all(&buffer[..length]).is_err() || !goes_on(&buffer[..length]) {
            return;
        }
    }
}
