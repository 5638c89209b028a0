//! Being asked to end, by SIGTERM or Ctrl-C.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How often someone has asked the process to end since this was made. Whoever waits sees what came before, too: there is
/// no moment at which a signal is missed.
#[derive(Clone)]
pub struct Stop(watch::Receiver<u32>);

impl Stop {
    /// From here on signals no longer end the process by themselves.
    pub fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let terminate = listen(SignalKind::terminate())?;
        let interrupt = listen(SignalKind::interrupt())?;
        let (asked, seen) = watch::channel(0);
        tokio::spawn(count(terminate, interrupt, asked));
        Ok(Self(seen))
    }

    /// Resolves when the process has been asked this many times.
    pub async fn asked(mut self, times: u32) {
        let asked = self.0.wait_for(|asked| *asked >= times).await;
        debug_assert!(asked.is_ok(), "nobody listens for signals any more");
    }
}

async fn count(mut terminate: Signal, mut interrupt: Signal, asked: watch::Sender<u32>) {
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        asked.send_modify(|asked| *asked += 1);
    }
}
