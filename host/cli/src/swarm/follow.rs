//! Follows a run to its end by its events.
//!
//! A stream that breaks is asked for again from the last event that came. In between, and when it says nothing for
//! long, the run itself is looked at, so that an end is seen even where no event comes through.

use super::live::Live;
use super::state::{Change, Event, Run};
use crate::client::{Client, Parser, Problem, with_query};
use anyhow::{Context, Result};
use reqwest::{Method, Response, header};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How often what is drawn is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// After so long without an event the run is looked at.
const LOOK_AFTER: Duration = Duration::from_secs(10);
/// Before the first attempt to connect again; twice as long before each that follows.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// A server that is started anew is back before this.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Keeps the run up to date and shows its changes until it is over.
pub async fn follow(client: &Client, run: &mut Run, live: &mut Live) -> Result<()> {
    run.rewind();
    let mut following = Following {
        client,
        clock: Clock::at(run.created_at_ms),
        run,
        live,
        last_id: None,
        is_stale: false,
        answered: Instant::now(),
    };
    let mut pause = PAUSE;
    let mut told = false;
    while !following.run.is_over() {
        let before = following.last_id;
        let broken = match following.events().await {
            Ok(()) => continue,
            Err(error) => error,
        };
        if following.last_id != before {
            (pause, told) = (PAUSE, false);
        }
        tokio::time::sleep(pause).await;
        pause = PAUSE_MAX.min(pause * 2);
        match following.look().await {
            Ok(()) => {}
            Err(error) if is_final(&error) || following.answered.elapsed() > GIVE_UP_AFTER => {
                let id = &following.run.id;
                return Err(error.context(format!(
                    "{id} can no longer be followed, and goes on; `swarm-flow swarm show {id}` looks at it"
                )));
            }
            Err(_) => {}
        }
        if !told && !following.run.is_over() {
            told = true;
            let text = format!("the events stopped coming, asking again: {broken:#}");
            following.live.note(&text);
        }
    }
    Ok(())
}

struct Following<'a> {
    client: &'a Client,
    run: &'a mut Run,
    live: &'a mut Live,
    clock: Clock,
    last_id: Option<u64>,
    /// Something happened that we do not understand.
    is_stale: bool,
    /// When the server last said anything.
    answered: Instant,
}

impl Following<'_> {
    /// Reads the stream until the run is over. Every other end of it is an error.
    async fn events(&mut self) -> Result<()> {
        let mut response = self.connect().await?;
        let mut parser = Parser::default();
        let mut heard = Instant::now();
        let mut draw = tokio::time::interval(DRAW_EVERY);
        while !self.run.is_over() {
            let piece = tokio::select! {
                piece = response.chunk() => piece.context("the connection broke")?,
                _ = draw.tick() => {
                    self.live.draw(self.run, self.clock.now_ms());
                    if self.is_stale || heard.elapsed() > LOOK_AFTER {
                        heard = Instant::now();
                        self.look().await?;
                    }
                    continue;
                }
            };
            let piece = piece.context("the server ended the stream")?;
            self.answered = Instant::now();
            for message in parser.push(&piece) {
                heard = Instant::now();
                let event: Event = serde_json::from_str(&message.data)
                    .with_context(|| format!("understand the event `{}`", message.event))?;
                self.take(&event).await?;
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Response> {
        let request = self.client.request(Method::GET, &["events"])?;
        let mut request = with_query(request, &[("stream", &self.run.id)])?
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = self.last_id {
            request = request.header("last-event-id", id);
        }
        self.client.send(request).await
    }

    async fn take(&mut self, event: &Event) -> Result<()> {
        let mut change = self.run.apply(event);
        if change == Change::Missing {
            self.look().await?;
            change = self.run.apply(event);
        }
        // Not looked at here: of such events there may be many at once.
        self.is_stale |= change == Change::Unknown;
        self.clock = Clock::at(event.at_ms);
        self.last_id = Some(event.id);
        self.live.changed(self.run, &change, event.at_ms);
        Ok(())
    }

    /// Asks for the run as it is.
    async fn look(&mut self) -> Result<()> {
        let answer: Value = self.client.get(&["runs", &self.run.id]).await?;
        *self.run = Run::read(&answer)?;
        self.is_stale = false;
        self.answered = Instant::now();
        Ok(())
    }
}

/// The server's clock, as far as its events tell it: ours may show another time.
struct Clock {
    at_ms: u64,
    read: Instant,
}

impl Clock {
    fn at(at_ms: u64) -> Self {
        Self {
            at_ms,
            read: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        let since = u64::try_from(self.read.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at_ms.saturating_add(since)
    }
}

/// Whether asking again would be answered the same.
fn is_final(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<Problem>();
    problem.is_some_and(|problem| {
        problem.status.is_client_error() && problem.status != reqwest::StatusCode::TOO_MANY_REQUESTS
    })
}
