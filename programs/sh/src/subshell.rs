//! Subshells: tasks with a state of their own, which run at the same time as their parent.

use crate::executor::{self, Join};
use crate::expand::Expanded;
use crate::pipe::pipe;
use crate::shell::{Failed, Flow, Outcome, Shell};
use crate::stream::{Handle, Input, Output};
use crate::syntax::List;
use crate::traps;
use std::cell::Cell;
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::clocks::monotonic_clock;

/// Subshells that run at the same time, in all. Each may have a program and pipes, which are handles of the sandbox.
const SUBSHELLS_MAX: usize = 200;
/// Below this many it may go on, once there were too many: a bomb has to burn out before.
const SUBSHELLS_AGAIN: usize = 32;
/// So many times there may be too many. What comes back to it again and again never ends.
const EPISODES_MAX: u32 = 2;
/// How long a new one waits for room, if none of the others ends.
const PATIENCE: u64 = 5_000_000_000;

thread_local! {
    static RUNNING: Cell<usize> = const { Cell::new(0) };
    static EXHAUSTED: Cell<bool> = const { Cell::new(false) };
    static EPISODES: Cell<u32> = const { Cell::new(0) };
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

/// One of those that may run.
pub struct Permit(());

impl Permit {
    fn take() -> Option<Self> {
        let running = RUNNING.get();
        if EXHAUSTED.get() && running < SUBSHELLS_AGAIN {
            EXHAUSTED.set(false);
        }
        if running >= SUBSHELLS_MAX || EXHAUSTED.get() {
            return None;
        }
        RUNNING.set(running + 1);
        Some(Self(()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get().saturating_sub(1));
        ENDED.set(ENDED.get() + 1);
    }
}

impl Shell {
    /// A clone that may run beside this one.
    pub async fn fork(&mut self) -> Expanded<Shell> {
        let mut permit = Permit::take();
        if permit.is_none() && !EXHAUSTED.get() {
            let mut deadline = monotonic_clock::now() + PATIENCE;
            let mut ended = ENDED.get();
            while permit.is_none() && !EXHAUSTED.get() && monotonic_clock::now() < deadline {
                executor::sleep(5_000_000).await;
                permit = Permit::take();
                if ended != ENDED.get() {
                    ended = ENDED.get();
                    deadline = monotonic_clock::now() + PATIENCE;
                }
            }
        }
        let Some(permit) = permit else {
            if !EXHAUSTED.replace(true) {
                EPISODES.set(EPISODES.get() + 1);
                if EPISODES.get() > EPISODES_MAX {
                    traps::end_shell(254);
                }
                let message = format!(
                    "fork: Resource temporarily unavailable (more than {SUBSHELLS_MAX} subshells and jobs at once)"
                );
                self.complain(&message).await;
            }
            return Err(Failed(Flow::Exit(254)));
        };
        let mut shell = self.subshell();
        shell.permit = Some(permit);
        Ok(shell)
    }

    /// Runs commands in a subshell and waits for them.
    pub async fn run_in_subshell(
        &mut self,
        list: &List,
        prepare: impl FnOnce(&mut Shell),
    ) -> Expanded<i32> {
        let mut shell = self.fork().await?;
        prepare(&mut shell);
        let list = list.clone();
        let join = executor::spawn(async move { shell.run_to_end(&list).await });
        Ok(wait_for(join).await)
    }

    /// What commands write, and their exit code.
    pub async fn capture(&mut self, list: &List) -> Expanded<(Vec<u8>, i32)> {
        let mut shell = self.fork().await?;
        if !self.options.has("inherit_errexit") && !self.options.is_set("posix") {
            shell.options.set("errexit", false);
        }
        let (reader, writer) = pipe();
        shell
            .descriptors
            .insert(1, Handle::Write(Rc::new(Output::Pipe(writer))));
        let list = list.clone();
        let join = executor::spawn(async move { shell.run_to_end(&list).await });
        let output = Input::Pipe(reader).read_all().await;
        Ok((output, wait_for(join).await))
    }

    pub async fn run_to_end(mut self, list: &List) -> i32 {
        let outcome = self.list(list).await;
        self.finish(outcome).await
    }

    /// The exit code of a shell whose commands have ended.
    pub async fn finish(mut self, outcome: Outcome) -> i32 {
        let status = match outcome {
            Ok(status) | Err(Flow::Return(status) | Flow::Exit(status) | Flow::Discard(status)) => {
                status
            }
            Err(Flow::Killed(status)) => return status,
            Err(Flow::Break(_) | Flow::Continue(_)) => 0,
        };
        self.status = status;
        match self.exit_trap().await {
            Ok(()) => self.status,
            Err(Flow::Exit(status) | Flow::Killed(status)) => status,
            Err(_) => self.status,
        }
    }
}

/// Ends its task if who waits for it is ended.
struct Bound(Join<i32>);

impl Drop for Bound {
    fn drop(&mut self) {
        self.0.cancel(143);
    }
}

pub async fn wait_for(join: Join<i32>) -> i32 {
    let bound = Bound(join);
    bound.0.wait().await.unwrap_or(143)
}
