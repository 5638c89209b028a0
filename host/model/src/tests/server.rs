//! A server that says what it was told to, one reply for each connection, the last one again and again.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    closed: Arc<Mutex<usize>>,
}

#[derive(Clone)]
pub enum Reply {
    /// Status, headers, body.
    Whole(u16, &'static str, String),
    /// A stream of events, which ends as it should.
    Stream(String),
    /// One that breaks off.
    Broken(String),
    /// One that goes silent.
    Stuck(String),
    /// So many bytes in one event after the other.
    Endless(&'static str),
    /// Not a byte.
    Silent,
    Close,
}

impl Server {
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, closed) = (
            Arc::<Mutex<Vec<String>>>::default(),
            Arc::<Mutex<usize>>::default(),
        );
        let (kept, ended) = (requests.clone(), Arc::clone(&closed));
        tokio::spawn(async move {
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let reply = replies[count.min(replies.len() - 1)].clone();
                count += 1;
                let (kept, ended) = (kept.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    // Who is asked and left does not mind.
                    let _ = serve(stream, reply, &kept).await;
                    *ended.lock().unwrap() += 1;
                });
            }
        });
        Self {
            url,
            requests,
            closed,
        }
    }

    /// Head and body of each.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub fn body(&self, index: usize) -> serde_json::Value {
        let request = &self.requests()[index];
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// How many connections are over.
    pub fn closed(&self) -> usize {
        *self.closed.lock().unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    reply: Reply,
    kept: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let body_at = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&request);
        if let Some(end) = text.find("\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..body_at]).to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    while request.len() < body_at + length {
        stream.read_buf(&mut request).await?;
    }
    let request = String::from_utf8(request).unwrap();
    kept.lock().unwrap().push(request);
    const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    match reply {
        Reply::Whole(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
        Reply::Stream(events) => {
            let head = format!("{EVENTS}connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            // In pieces, as it comes over a network.
            for piece in events.as_bytes().chunks(7) {
                stream.write_all(piece).await?;
                tokio::task::yield_now().await;
            }
        }
        Reply::Broken(events) => {
            let head = format!("{EVENTS}content-length: 100000\r\n\r\n{events}");
            stream.write_all(head.as_bytes()).await?;
        }
        Reply::Stuck(events) => {
            let head = format!("{EVENTS}content-length: 100000\r\n\r\n{events}");
            stream.write_all(head.as_bytes()).await?;
            wait_for_end(&mut stream).await?;
        }
        Reply::Endless(event) => {
            let head = format!("{EVENTS}connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let events = event.repeat(1_000);
            loop {
                stream.write_all(events.as_bytes()).await?;
            }
        }
        Reply::Silent => wait_for_end(&mut stream).await?,
        Reply::Close => {}
    }
    stream.shutdown().await
}

async fn wait_for_end(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut byte = [0];
    let end = stream.read(&mut byte);
    let _ = tokio::time::timeout(Duration::from_secs(30), end).await;
    Ok(())
}
