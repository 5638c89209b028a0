//! Threads on which guests run, apart from those that answer requests, and who of them computes next.
//!
//! Every future runs on behalf of a *share*, a workspace for one. What the shares compute is counted, and the one that
//! had least goes first: a workspace with a thousand sandboxes gets as much as one that has a single one. For each core
//! there are two threads:
//!
//! | thread | runs | priority |
//! |---|---|---|
//! | quick | shares that had less than the others lately | as the rest of the process |
//! | slow | those that compute all the time | low, so that the kernel stops it for any other thread of the process |
//!
//! So a short command does not wait for the long ones to give way, and neither does an answer. Where nothing else wants
//! the core, a slow thread has all of it. A guest gives way at each tick of the epoch, and is then put where it belongs.

mod order;

use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use futures::FutureExt as _;
use order::{Order, Pace};
use rustix::time::{ClockId, clock_gettime};
use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, thread};
use tokio::runtime::{Builder, Handle, Runtime};

/// What a slow thread is behind the others, in the kernel's steps: it gets a tenth of a core that both want.
const SLOW_NICE: i32 = 10;
/// Threads that wait for clocks and sockets on behalf of guests: one for so many cores.
const CORES_PER_REACTOR: usize = 4;

/// The threads of a process. They end when this is dropped, and what runs on them with it.
pub struct Threads {
    queue: Arc<Queue>,
    reactor: Option<Runtime>,
}

impl Threads {
    /// Starts two threads for each core.
    ///
    /// # Errors
    ///
    /// The system has no room for another thread.
    pub fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let reactor = Builder::new_multi_thread()
            .worker_threads(cores.div_ceil(CORES_PER_REACTOR))
            .thread_name("sandbox-io")
            .enable_all()
            .build()?;
        let threads = Self {
            queue: Arc::default(),
            reactor: Some(reactor),
        };
        for _ in 0..cores {
            threads.begin("sandbox", Pace::Quick)?;
            threads.begin("sandbox-slow", Pace::Slow)?;
        }
        Ok(threads)
    }

    fn begin(&self, name: &str, pace: Pace) -> io::Result<()> {
        let queue = self.queue.clone();
        let reactor = self
            .reactor
            .as_ref()
            .map(|reactor| reactor.handle().clone());
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || work(&queue, pace, reactor.as_ref()))?;
        Ok(())
    }

    /// Runs a future there, on behalf of a share. Dropping the result ends the future.
    pub fn spawn<F>(&self, share: &str, future: F) -> Spawned<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (queue, share) = (self.queue.clone(), Arc::<str>::from(share));
        let schedule = move |runnable, info: ScheduleInfo| {
            if info.woken_while_running {
                // It gave way: this thread counts what it computed, and then puts it back.
                AGAIN.set(Some(runnable));
            } else {
                queue.put(&share, runnable);
            }
        };
        let future = AssertUnwindSafe(future).catch_unwind();
        let (runnable, task) = async_task::spawn(future, WithInfo(schedule));
        runnable.schedule();
        Spawned(task.fallible())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.stop();
        if let Some(reactor) = self.reactor.take() {
            // The last owner may be a task of another runtime, where waiting is not allowed.
            reactor.shutdown_background();
        }
    }
}

/// A future that runs on the threads. Dropping this ends it.
pub struct Spawned<T>(FallibleTask<Caught<T>>);

type Caught<T> = Result<T, Box<dyn Any + Send>>;

/// Why a future did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    #[error("{0}")]
    Panicked(String),
    #[error("its threads are stopping")]
    Stopping,
}

impl<T> Future for Spawned<T> {
    type Output = Result<T, Unfinished>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context).map(|ended| match ended {
            Some(Ok(output)) => Ok(output),
            Some(Err(panic)) => Err(Unfinished::Panicked(said(panic.as_ref()))),
            None => Err(Unfinished::Stopping),
        })
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}

thread_local! {
    /// What this thread ran just now, if it is to run again.
    static AGAIN: Cell<Option<Runnable>> = const { Cell::new(None) };
}

/// What the thread that begins here does until the end.
fn work(queue: &Queue, pace: Pace, reactor: Option<&Handle>) {
    if pace == Pace::Slow
        && let Err(error) = rustix::process::setpriority_process(None, SLOW_NICE)
    {
        tracing::warn!("cannot lower the priority of the threads for long computations: {error}");
    }
    // What waits for a clock or a socket finds them by this.
    let _entered = reactor.map(Handle::enter);
    let mut before = thread_cpu_ns();
    let mut next = queue.first(pace);
    while let Some((share, runnable)) = next {
        runnable.run();
        let now = thread_cpu_ns();
        next = queue.turn(pace, &share, now.saturating_sub(before), AGAIN.take());
        before = now;
    }
}

pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// What waits for a thread, and the threads that wait.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    quick: Condvar,
    slow: Condvar,
}

#[derive(Default)]
struct State {
    order: Order<Runnable>,
    quick_idle: usize,
    slow_idle: usize,
    stopped: bool,
}

type Next = Option<(Arc<str>, Runnable)>;

impl Queue {
    fn put(&self, share: &Arc<str>, runnable: Runnable) {
        let mut state = self.lock();
        if state.stopped {
            // Its future may do anything when it goes, and not under the lock.
            drop(state);
            drop(runnable);
            return;
        }
        state.order.put(share, runnable);
        self.wake(&state);
    }

    fn first(&self, pace: Pace) -> Next {
        self.wait(pace, self.lock())
    }

    /// Notes what a share computed on this thread, puts it back if it goes on, and takes who is next.
    fn turn(&self, pace: Pace, share: &Arc<str>, spent_ns: u64, again: Option<Runnable>) -> Next {
        let mut state = self.lock();
        if state.stopped {
            drop(state);
            drop(again);
            return None;
        }
        state.order.spent(share, spent_ns, again);
        self.wait(pace, state)
    }

    fn wait(&self, pace: Pace, mut state: MutexGuard<'_, State>) -> Next {
        loop {
            if state.stopped {
                return None;
            }
            if let Some(next) = state.order.take(pace) {
                self.wake(&state);
                return Some(next);
            }
            // What this thread put back may be for the others now, and nobody else will tell them.
            self.wake(&state);
            *state.idle(pace) += 1;
            state = self
                .condvar(pace)
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            *state.idle(pace) -= 1;
        }
    }

    /// Wakes a thread for what is waiting, if there is one for it.
    fn wake(&self, state: &State) {
        if state.order.has(Pace::Quick) {
            match (state.quick_idle, state.slow_idle) {
                (0, 0) => {}
                (0, _) => self.slow.notify_one(),
                _ => self.quick.notify_one(),
            }
        }
        if state.order.has(Pace::Slow) && state.slow_idle > 0 {
            self.slow.notify_one();
        }
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let waiting = std::mem::take(&mut state.order);
        drop(state);
        drop(waiting);
        self.quick.notify_all();
        self.slow.notify_all();
    }

    fn condvar(&self, pace: Pace) -> &Condvar {
        match pace {
            Pace::Quick => &self.quick,
            Pace::Slow => &self.slow,
        }
    }

    /// No code that could panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn idle(&mut self, pace: Pace) -> &mut usize {
        match pace {
            Pace::Quick => &mut self.quick_idle,
            Pace::Slow => &mut self.slow_idle,
        }
    }
}

#[cfg(test)]
mod tests;
