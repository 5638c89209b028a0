//! How an exporter sends: with the client of this process, on its runtime, though exporters have threads of their own.

use anyhow::{Result, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// What a collector answers, or why it does not.
pub type Answer = BoxFuture<'static, Result<Response<Bytes>>>;
/// Sends a request. Its errors say nothing of the URL, in which there may be a password.
pub type Send = Arc<dyn Fn(Request<Bytes>) -> Answer + std::marker::Send + Sync>;

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) send: Send,
    pub(crate) runtime: Handle,
    pub(crate) timeout: Duration,
    /// Nothing was taken since it was said that nothing is taken.
    pub(crate) warned: Arc<AtomicBool>,
}

impl Debug for Client {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let collector = request.uri().authority().map_or_else(String::new, |to| {
            let port = to.port_u16().map(|port| format!(":{port}"));
            format!("{}{}", to.host(), port.unwrap_or_default())
        });
        let (sent, timeout) = ((self.send)(request), self.timeout);
        let sent = async move { tokio::time::timeout(timeout, sent).await };
        let answer = match self.runtime.spawn(sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(anyhow!("no answer within {:?}", self.timeout)),
            Err(error) => Err(error.into()),
        };
        let refused = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(format!("{error:#}")),
        };
        match refused {
            None => self.warned.store(false, Ordering::Relaxed),
            Some(why) if !self.warned.swap(true, Ordering::Relaxed) => tracing::warn!(
                "the collector {collector} does not take traces and metrics, which are lost until it does: {why}"
            ),
            Some(_) => {}
        }
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Answers with these, one after the other; none is no answer at all.
    fn client(answers: &[Option<u16>]) -> Client {
        let answers = Mutex::new(answers.to_vec());
        Client {
            send: Arc::new(move |_| {
                let answer = answers.lock().unwrap().remove(0);
                Box::pin(async move {
                    let Some(status) = answer else {
                        return std::future::pending().await;
                    };
                    Ok(Response::builder().status(status).body(Bytes::new())?)
                })
            }),
            runtime: Handle::current(),
            timeout: Duration::from_millis(1),
            warned: Arc::default(),
        }
    }

    #[tokio::test]
    async fn a_collector_that_takes_nothing_is_said_until_it_takes_something() {
        let answers = [Some(200), Some(503), None, Some(401), Some(200)];
        let client = client(&answers);
        for (answer, warned) in answers.iter().zip([false, true, true, true, false]) {
            let sent = client.send_bytes(Request::new(Bytes::new())).await;
            assert_eq!(sent.is_ok(), answer.is_some(), "{answer:?}");
            assert_eq!(client.warned.load(Ordering::Relaxed), warned, "{answer:?}");
        }
    }
}
