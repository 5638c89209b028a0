//! Tells runners that there is work, so that they need not ask all the time.
//!
//! It may fail and nothing is lost: runners ask now and then by themselves. So every error is ignored, and
//! whoever submitted or reported waits a moment at most.

use crate::store;
use swarm_flow_state::{Database, now_ms};

/// A runner that was not heard of for so long is not woken.
const ALIVE_MS: u64 = 30_000;

/// Wakes the runners that could take a task of this swarm, all but one.
pub fn runners_of(database: &impl Database, swarm_id: &str, except: Option<&str>) {
    let now = now_ms();
    let since = now.saturating_sub(ALIVE_MS);
    if let Ok(urls) = store::runners_with_work(database, swarm_id, except, now, since)
        && !urls.is_empty()
    {
        post(&urls);
    }
}

/// Natively there is no host to send by; a test of the rest needs none.
#[cfg(not(target_family = "wasm"))]
fn post(_urls: &[String]) {}

#[cfg(target_family = "wasm")]
use outgoing::post;

#[cfg(target_family = "wasm")]
mod outgoing {
    use wasi::clocks::monotonic_clock::subscribe_duration;
    use wasi::http::outgoing_handler::{FutureIncomingResponse, handle};
    use wasi::http::types::{
        Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
    };
    use wasi::io::poll::poll;

    /// `/v1/wake` of the protocol between app and runner.
    const PATH: &str = "/v1/wake";
    const PATIENCE_NS: u64 = 250_000_000;

    /// Posts to all at once, and waits for the answers a moment: a request that is dropped may never be sent.
    pub fn post(urls: &[String]) {
        let Ok(token) = spin_sdk::variables::get("runner_token") else {
            return;
        };
        let mut open: Vec<FutureIncomingResponse> = urls
            .iter()
            .filter_map(|url| send(url, &format!("Bearer {token}")))
            .collect();
        let timer = subscribe_duration(PATIENCE_NS);
        while !open.is_empty() {
            let answers: Vec<_> = open.iter().map(FutureIncomingResponse::subscribe).collect();
            let mut waited: Vec<_> = answers.iter().collect();
            waited.push(&timer);
            let ready = poll(&waited);
            drop(waited);
            drop(answers);
            if ready.iter().any(|index| *index as usize == open.len()) {
                return;
            }
            let mut index = 0;
            open.retain(|_| {
                index += 1;
                !ready.contains(&(index - 1))
            });
        }
    }

    fn send(url: &str, authorization: &str) -> Option<FutureIncomingResponse> {
        let (scheme, authority) = match url.split_once("://")? {
            ("http", authority) => (Scheme::Http, authority),
            ("https", authority) => (Scheme::Https, authority),
            _ => return None,
        };
        let headers = Fields::new();
        headers
            .append(
                &"authorization".to_owned(),
                &authorization.as_bytes().to_vec(),
            )
            .ok()?;
        let request = OutgoingRequest::new(headers);
        request.set_method(&Method::Post).ok()?;
        request.set_scheme(Some(&scheme)).ok()?;
        request
            .set_authority(Some(authority.trim_end_matches('/')))
            .ok()?;
        request.set_path_with_query(Some(PATH)).ok()?;
        let body = request.body().ok()?;
        let options = RequestOptions::new();
        // A host that does not know an option keeps its default; the timer bounds it anyway.
        _ = options.set_connect_timeout(Some(PATIENCE_NS));
        let answer = handle(request, Some(options)).ok()?;
        OutgoingBody::finish(body, None).ok()?;
        Some(answer)
    }
}
