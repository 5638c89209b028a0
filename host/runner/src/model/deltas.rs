//! What models say, as they say it, for those who look on. Nobody waits for them: who is slow misses some.

use tokio::sync::broadcast;

/// So many are kept for who is slow.
const KEPT: usize = 4_096;

/// A piece of an answer's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// `RUN/INDEX/ATTEMPT/STEP`: the task of a run, which attempt at it, and which of its calls. A call that was cut off
    /// begins again under the same name.
    pub call: String,
    pub text: String,
}

#[derive(Clone)]
pub(crate) struct Deltas(broadcast::Sender<Delta>);

impl Default for Deltas {
    fn default() -> Self {
        Self(broadcast::channel(KEPT).0)
    }
}

impl Deltas {
    /// Makes it only when somebody looks on.
    pub(super) fn tell(&self, delta: impl FnOnce() -> Delta) {
        if self.0.receiver_count() > 0 {
            // The last one may have gone meanwhile.
            let _ = self.0.send(delta());
        }
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Delta> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_looks_on_hears_what_is_said_from_then_on() {
        let deltas = Deltas::default();
        let delta = |text: &str| Delta {
            call: "run_1/0/1/2".to_owned(),
            text: text.to_owned(),
        };
        deltas.tell(|| panic!("nobody listens"));
        let mut watching = deltas.watch();
        deltas.tell(|| delta("tig"));
        deltas.tell(|| delta("er"));
        assert_eq!(watching.recv().await.unwrap(), delta("tig"));
        assert_eq!(watching.recv().await.unwrap(), delta("er"));
    }
}
