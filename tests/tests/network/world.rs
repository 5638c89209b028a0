//! A network of the test's own making: what names resolve to is what the test says, and every address leads to one small
//! server on this machine. So a request that gets through is answered wherever it wanted to go, and where it went is known.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use swarm_flow_sandbox::{Answer, Outside};
use tokio::net::TcpStream;

/// What a name resolves to, look-up by look-up; the last answer stays.
type Names = HashMap<&'static str, Vec<Vec<IpAddr>>>;

#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    names: Mutex<Names>,
    server: SocketAddr,
    refusing: Vec<IpAddr>,
    silent: Vec<IpAddr>,
    asked: Mutex<Vec<String>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

/// Names as `a.example=10.0.0.1,::1;127.0.0.1`: one list for each look-up. Addresses as `refuses=…`, `silent=…`.
pub fn world(server: SocketAddr, says: &[&'static str]) -> World {
    let mut names = Names::new();
    let (mut refusing, mut silent) = (Vec::new(), Vec::new());
    for line in says {
        let (name, answers) = line.split_once('=').unwrap();
        let list = |answer: &str| {
            let addresses = answer.split(',').filter(|text| !text.is_empty());
            addresses
                .map(|text| text.parse().unwrap())
                .collect::<Vec<IpAddr>>()
        };
        match name {
            "refuses" => refusing = list(answers),
            "silent" => silent = list(answers),
            _ => _ = names.insert(name, answers.split(';').map(list).collect()),
        }
    }
    World(Arc::new(Inner {
        names: Mutex::new(names),
        server,
        refusing,
        silent,
        asked: Mutex::default(),
        dialled: Mutex::default(),
    }))
}

impl World {
    /// The names that were looked up since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }

    /// The addresses that were connected to since the last time.
    pub fn dialled(&self) -> Vec<String> {
        let dialled = std::mem::take(&mut *self.0.dialled.lock().unwrap());
        dialled.iter().map(SocketAddr::to_string).collect()
    }
}

impl Outside for World {
    fn addresses(&self, name: &str) -> Answer<Vec<IpAddr>> {
        self.0.asked.lock().unwrap().push(name.to_owned());
        let mut names = self.0.names.lock().unwrap();
        let answer = match names.get_mut(name) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(ErrorKind::NotFound.into()),
        };
        Box::pin(std::future::ready(answer))
    }

    fn connect(&self, address: SocketAddr) -> Answer<TcpStream> {
        self.0.dialled.lock().unwrap().push(address);
        let server = self.0.server;
        if self.0.silent.contains(&address.ip()) {
            Box::pin(std::future::pending())
        } else if self.0.refusing.contains(&address.ip()) {
            Box::pin(std::future::ready(Err(ErrorKind::ConnectionRefused.into())))
        } else {
            Box::pin(TcpStream::connect(server))
        }
    }
}

/// An HTTP server that says what it was asked, and keeps what it read.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(|stream| stream)
    }

    /// Over what `wrap` makes of a connection.
    pub fn start_with<S>(wrap: impl Fn(std::net::TcpStream) -> S + Send + Sync + 'static) -> Self
    where
        S: Read + Write,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
        };
        let heads = server.heads.clone();
        let wrap = Arc::new(wrap);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heads, wrap) = (heads.clone(), wrap.clone());
                // A client that goes away is no concern of the server's.
                std::thread::spawn(move || _ = serve(wrap(stream), &heads));
            }
        });
        server
    }

    /// The heads of the requests since the last time.
    pub fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

/// One connection: requests, as long as they come.
fn serve(stream: impl Read + Write, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        heads.lock().unwrap().push(head.clone());
        let body = body(&mut stream, &head)?;
        let line = head.lines().next().unwrap();
        let out = stream.get_mut();
        match line.split(' ').nth(1).unwrap() {
            // What it was asked in a field too, then its head in pieces that break wherever they like.
            "/echo" => {
                let head = head.replace("\r\n", "|");
                let length = head.len();
                write!(
                    out,
                    "HTTP/1.1 200 OK\r\nX-Echo: {head}\r\nContent-Length: {length}\r\n\r\n"
                )?;
                for piece in head.as_bytes().chunks(5) {
                    out.write_all(piece)?;
                    out.flush()?;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            "/chunks" => {
                write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for piece in head.as_bytes().chunks(3) {
                    write!(out, "{:x}\r\n", piece.len())?;
                    out.write_all(piece)?;
                    write!(out, "\r\n")?;
                    out.flush()?;
                }
                write!(out, "0\r\n\r\n")?;
            }
            "/gzip" => write!(
                out,
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
            )?,
            "/silent" => std::thread::park(),
            "/half" => {
                write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")?;
                out.flush()?;
                std::thread::park();
            }
            "/cut" => {
                write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")?;
                return out.flush();
            }
            "/fields" => {
                let field = "x".repeat(1 << 20);
                write!(out, "HTTP/1.1 200 OK\r\nX: {field}\r\n\r\n")?;
            }
            "/nonsense" => write!(out, "nonsense\r\n\r\n")?,
            "/redirect" => write!(
                out,
                "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n"
            )?,
            _ => {
                let said = format!("{line}|{body}");
                let length = said.len();
                write!(
                    out,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{said}"
                )?;
            }
        }
        out.flush()?;
    }
}

fn body(stream: &mut impl BufRead, head: &str) -> std::io::Result<String> {
    let field = |name: &str| {
        head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix(name)
                .map(str::to_owned)
        })
    };
    let mut bytes = Vec::new();
    if let Some(length) = field("content-length: ") {
        bytes.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut bytes)?;
    } else if field("transfer-encoding: chunked").is_some() {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            bytes.extend(&chunk[..size]);
        }
    }
    Ok(String::from_utf8(bytes).unwrap())
}
