//! What changed in a runner's registration, and that the app knows it.

use std::time::Duration;
use tokio::sync::watch;

/// Changes and what was said of them, each as how many there were.
pub(crate) struct Announcements {
    changed: watch::Sender<u64>,
    said: watch::Sender<u64>,
}

impl Default for Announcements {
    fn default() -> Self {
        Self {
            changed: watch::Sender::new(0),
            said: watch::Sender::new(0),
        }
    }
}

/// How long who made a change waits for the app to know it. An app that is away is told when it is back.
const PATIENCE: Duration = Duration::from_secs(5);

impl Announcements {
    /// There is something to say. Waits a while until it is said.
    pub(crate) async fn announce(&self) {
        let mut change = 0;
        self.changed.send_modify(|changes| {
            *changes += 1;
            change = *changes;
        });
        let mut said = self.said.subscribe();
        // Late or never, it changes nothing of what was done.
        _ = tokio::time::timeout(PATIENCE, said.wait_for(|said| *said >= change)).await;
    }

    /// Waits for changes after those that were said, and gives how many there are by then.
    pub(crate) async fn next(&self) -> u64 {
        let mut changed = self.changed.subscribe();
        let said = *self.said.borrow();
        // The sender is ours, so this is no error.
        _ = changed.wait_for(|changes| *changes > said).await;
        *self.changed.borrow()
    }

    pub(crate) fn said(&self, changes: u64) {
        self.said.send_replace(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_waited_for_until_it_is_said() {
        let announcements = Announcements::default();
        let say = async {
            for _ in 0..2 {
                let changes = announcements.next().await;
                announcements.said(changes);
            }
        };
        let change = async {
            announcements.announce().await;
            assert_eq!(*announcements.said.borrow(), 1);
            announcements.announce().await;
            assert_eq!(*announcements.said.borrow(), 2);
        };
        tokio::join!(say, change);
    }
}
