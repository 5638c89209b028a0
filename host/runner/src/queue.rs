//! Who starts a sandbox next: a place on the runner and one in the workspace, in turn.
//!
//! A runner has so many places, a workspace so many of its own. Who finds none waits. When a place comes free the
//! workspaces that wait for one take turns, each giving it to whoever of theirs came first: a workspace that asks for a
//! thousand at once delays another one's by one turn, not by a thousand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use swarm_flow_protocol::Error;
use tokio::sync::oneshot;

/// How many may wait for one workspace.
const WAITING_MAX: usize = 1_000;
/// How long they do.
const WAIT: Duration = Duration::from_secs(30);
/// When to ask again, of those that waited in vain.
const RETRY_AFTER_MS: u64 = 1_000;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Queue {
    state: Arc<Mutex<State>>,
    wait: Duration,
}

struct State {
    free: usize,
    lines: HashMap<String, Line>,
    /// The workspaces whose first in line could start if there were a free place, in the order of their turns.
    turns: VecDeque<String>,
}

/// What runs and waits in one workspace.
#[derive(Default)]
struct Line {
    running: u32,
    most: u32,
    waiting: VecDeque<oneshot::Sender<Place>>,
    has_turn: bool,
}

/// A sandbox's place. It is given on when this is dropped.
pub(crate) struct Place {
    queue: Queue,
    workspace: String,
}

/// Where there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    Runner,
    /// So many run, as many as may.
    Workspace(u32),
}

impl Queue {
    pub(crate) fn new(places: usize) -> Self {
        let state = State {
            free: places,
            lines: HashMap::new(),
            turns: VecDeque::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            wait: WAIT,
        }
    }

    /// Waits for a place, of which the workspace has `most`.
    pub(crate) async fn enter(&self, workspace: &str, most: u32) -> Result<Place, Error> {
        let busy = Error::Busy {
            retry_after_ms: RETRY_AFTER_MS,
        };
        let Some(receiver) = self.line_up(workspace, most) else {
            return Err(busy);
        };
        self.serve();
        match tokio::time::timeout(self.wait, receiver).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }

    /// Takes a place of the workspace's, of which it has `most`, for what one that runs there starts. That does not wait:
    /// who waited for it would keep others from ending.
    pub(crate) fn try_enter(&self, workspace: &str, most: u32) -> Result<Place, NoPlace> {
        let mut state = self.state();
        if state.free == 0 {
            return Err(NoPlace::Runner);
        }
        let line = state.lines.entry(workspace.to_owned()).or_default();
        if line.running == 0 && line.waiting.is_empty() {
            line.most = most;
        }
        // Its policy may have been narrowed since the caller's began.
        let most = most.min(line.most);
        if line.running >= most {
            return Err(NoPlace::Workspace(most));
        }
        line.running += 1;
        state.free -= 1;
        Ok(Place {
            queue: self.clone(),
            workspace: workspace.to_owned(),
        })
    }

    /// From now on the workspace has `most` places, if anybody of it runs or waits. What runs stays.
    pub(crate) fn limit(&self, workspace: &str, most: u32) {
        let mut state = self.state();
        if let Some(line) = state.lines.get_mut(workspace) {
            line.most = most;
            state.give_turn(workspace);
        }
        drop(state);
        self.serve();
    }

    fn line_up(&self, workspace: &str, most: u32) -> Option<oneshot::Receiver<Place>> {
        let mut state = self.state();
        let line = state.lines.entry(workspace.to_owned()).or_default();
        line.most = most;
        if line.waiting.len() >= WAITING_MAX {
            line.waiting.retain(|waiting| !waiting.is_closed());
        }
        if line.waiting.len() >= WAITING_MAX {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        line.waiting.push_back(sender);
        state.give_turn(workspace);
        Some(receiver)
    }

    /// Gives free places to those whose turn it is.
    fn serve(&self) {
        loop {
            let next = self.state().next();
            let Some((workspace, waiting)) = next else {
                return;
            };
            let place = Place {
                queue: self.clone(),
                workspace,
            };
            // Who no longer waits gives it back by dropping it, outside of the lock.
            drop(waiting.send(place));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn give_turn(&mut self, workspace: &str) {
        if let Some(line) = self.lines.get_mut(workspace)
            && !line.has_turn
            && !line.waiting.is_empty()
            && line.running < line.most
        {
            line.has_turn = true;
            self.turns.push_back(workspace.to_owned());
        }
    }

    /// Takes a place for whoever is next.
    fn next(&mut self) -> Option<(String, oneshot::Sender<Place>)> {
        while self.free > 0 {
            let workspace = self.turns.pop_front()?;
            let Some(line) = self.lines.get_mut(&workspace) else {
                continue;
            };
            line.has_turn = false;
            if line.running >= line.most {
                continue;
            }
            let waiting = std::iter::from_fn(|| line.waiting.pop_front())
                .find(|waiting| !waiting.is_closed());
            if let Some(waiting) = waiting {
                line.running += 1;
                self.free -= 1;
                self.give_turn(&workspace);
                return Some((workspace, waiting));
            }
            self.forget_if_empty(&workspace);
        }
        None
    }

    fn leave(&mut self, workspace: &str) {
        self.free += 1;
        if let Some(line) = self.lines.get_mut(workspace) {
            line.running = line.running.saturating_sub(1);
        }
        self.give_turn(workspace);
        self.forget_if_empty(workspace);
    }

    fn forget_if_empty(&mut self, workspace: &str) {
        let empty = |line: &Line| line.running == 0 && line.waiting.is_empty();
        if self.lines.get(workspace).is_some_and(empty) {
            self.lines.remove(workspace);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.state().leave(&self.workspace);
        self.queue.serve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    type Entering<'a> = Pin<Box<dyn Future<Output = Result<Place, Error>> + 'a>>;

    /// Somebody who lines up now.
    fn enters<'a>(queue: &'a Queue, workspace: &'a str, most: u32) -> Entering<'a> {
        let mut entering: Entering<'a> = Box::pin(queue.enter(workspace, most));
        match entering
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(result) => Box::pin(std::future::ready(result)),
            Poll::Pending => entering,
        }
    }

    fn place(entering: &mut Entering<'_>) -> Option<Place> {
        match entering
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(result) => Some(result.ok().unwrap()),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_workspace_has_so_many_places_and_the_next_waits() {
        let queue = Queue::new(10);
        let first = queue.enter("a", 2).await.ok().unwrap();
        let _second = queue.enter("a", 2).await.ok().unwrap();
        let mut third = enters(&queue, "a", 2);
        assert!(place(&mut third).is_none());
        // The twin: another workspace need not wait.
        assert!(queue.enter("b", 1).await.is_ok());
        drop(first);
        assert!(place(&mut third).is_some());
    }

    #[tokio::test]
    async fn workspaces_take_turns() {
        let queue = Queue::new(1);
        let held = queue.enter("flood", 9).await.ok().unwrap();
        let mut flood: VecDeque<_> = (0..5).map(|_| enters(&queue, "flood", 9)).collect();
        let mut quiet = enters(&queue, "quiet", 9);
        drop(held);
        // One of the flood came before; then it is the other's turn.
        let held = place(&mut flood.pop_front().unwrap()).unwrap();
        assert!(place(&mut quiet).is_none());
        drop(held);
        let quiet = place(&mut quiet).unwrap();
        assert!(place(flood.front_mut().unwrap()).is_none());
        drop(quiet);
        for mut waiting in flood {
            drop(place(&mut waiting).unwrap());
        }
        let state = queue.state();
        assert_eq!(
            (state.free, state.lines.len(), state.turns.len()),
            (1, 0, 0)
        );
    }

    #[tokio::test]
    async fn who_leaves_the_line_or_is_dropped_with_a_place_loses_none() {
        let queue = Queue::new(1);
        let held = queue.enter("a", 1).await.ok().unwrap();
        let left = enters(&queue, "a", 1);
        let given = enters(&queue, "b", 1);
        let mut last = enters(&queue, "c", 1);
        drop(left);
        drop(held);
        // `b` has been given the place and never looks.
        assert!(place(&mut last).is_none());
        drop(given);
        assert!(place(&mut last).is_some());
    }

    #[tokio::test]
    async fn waiting_ends_and_a_line_has_an_end() {
        let queue = Queue {
            wait: Duration::from_millis(10),
            ..Queue::new(1)
        };
        let _held = queue.enter("a", 1).await.ok().unwrap();
        assert!(matches!(queue.enter("a", 1).await, Err(Error::Busy { .. })));
        let line: Vec<_> = (0..WAITING_MAX).map(|_| enters(&queue, "a", 1)).collect();
        assert!(matches!(queue.enter("a", 1).await, Err(Error::Busy { .. })));
        drop(line);
        let mut next = enters(&queue, "a", 1);
        assert!(place(&mut next).is_none());
    }

    #[tokio::test]
    async fn what_a_program_starts_keeps_to_a_policy_that_was_narrowed() {
        let queue = Queue::new(8);
        let first = queue.try_enter("a", 3);
        assert!(first.is_ok() && queue.try_enter("a", 3).is_ok());
        queue.limit("a", 1);
        assert_eq!(queue.try_enter("a", 3).err(), Some(NoPlace::Workspace(1)));
        drop(first);
        assert!(queue.try_enter("a", 2).is_ok());
    }
}
