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
//!
//! One instruction may fill gigabytes and gives no way meanwhile. So whoever holds a quick thread for some ticks keeps it,
//! as a slow one, and another quick thread takes its place; of the slow ones that are too many then, the first to be
//! done ends.

mod order;

use crate::Engine;
use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use futures::FutureExt as _;
use order::{Order, Pace};
use rustix::thread::{Pid, gettid};
use rustix::time::{ClockId, clock_gettime};
use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::{Builder, Handle, Runtime};

/// What a slow thread is behind the others, in the kernel's steps: it gets a tenth of a core that both want.
const SLOW_NICE: i32 = 10;
/// Threads that wait for clocks and sockets on behalf of guests: one for so many cores.
const CORES_PER_REACTOR: usize = 4;

/// What may be computed without giving way before a quick thread is not one any more: a guest that can give way does at the
/// next tick of the epoch.
const PATIENCE_NS: u64 = 6_000_000;
/// Ticks before anybody looks at its clock.
const PATIENCE_TICKS: u64 = 2;

/// The threads of a process. They end when this is dropped, and what runs on them with it.
pub struct Threads {
    crew: Arc<Crew>,
    reactor: Option<Runtime>,
}

/// The threads as they see themselves.
struct Crew {
    queue: Queue,
    reactor: Handle,
    cores: usize,
}

impl Threads {
    /// Starts two threads for each core, for the guests of this engine, which has no others.
    ///
    /// # Errors
    ///
    /// The system has no room for another thread.
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let threads = Self::begin()?;
        let crew = Arc::downgrade(&threads.crew);
        engine.each_tick(move || {
            if let Some(crew) = crew.upgrade() {
                crew.watch();
            }
        });
        Ok(threads)
    }

    fn begin() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let reactor = Builder::new_multi_thread()
            .worker_threads(cores.div_ceil(CORES_PER_REACTOR))
            .thread_name("sandbox-io")
            .enable_all()
            .build()?;
        let crew = Arc::new(Crew {
            queue: Queue::default(),
            reactor: reactor.handle().clone(),
            cores,
        });
        let threads = Self {
            crew,
            reactor: Some(reactor),
        };
        for _ in 0..cores {
            threads.crew.begin(Pace::Quick)?;
            threads.crew.begin(Pace::Slow)?;
        }
        Ok(threads)
    }

    /// Runs a future there, on behalf of a share. Dropping the result ends the future.
    pub fn spawn<F>(&self, share: &str, future: F) -> Spawned<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (crew, share) = (self.crew.clone(), Arc::<str>::from(share));
        let schedule = move |runnable, info: ScheduleInfo| {
            if info.woken_while_running {
                // It gave way: this thread counts what it computed, and then puts it back.
                AGAIN.set(Some(runnable));
            } else {
                crew.queue.put(&share, runnable);
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
        self.crew.queue.stop();
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

impl Crew {
    fn begin(self: &Arc<Self>, pace: Pace) -> io::Result<()> {
        let seat = self.queue.sit(pace);
        let name = match pace {
            Pace::Quick => "sandbox",
            Pace::Slow => "sandbox-slow",
        };
        let crew = self.clone();
        let begun = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || crew.work(seat, pace));
        if begun.is_err() {
            self.queue.leave(seat);
        }
        begun.map(drop)
    }

    /// What the thread that begins here does until the end.
    fn work(&self, seat: Seat, pace: Pace) {
        let thread = gettid();
        if pace == Pace::Slow {
            slow_down(thread);
        }
        // What waits for a clock or a socket finds them by this.
        let _entered = self.reactor.enter();
        let mut next = self.queue.first(seat, thread, thread_cpu_ns());
        while let Some(runnable) = next {
            runnable.run();
            let now = thread_cpu_ns();
            next = self.queue.turn(seat, now, AGAIN.take(), self.cores);
        }
        self.queue.leave(seat);
    }

    /// At each tick of the epoch: takes quick threads away from those who do not give way.
    fn watch(self: &Arc<Self>) {
        let quick = self.queue.tick();
        for _ in quick..self.cores {
            if let Err(error) = self.begin(Pace::Quick) {
                // At the next tick it is tried again.
                tracing::warn!("cannot start a thread for sandboxes: {error}");
                return;
            }
        }
    }
}

fn slow_down(thread: Pid) {
    if let Err(error) = rustix::process::setpriority_process(Some(thread), SLOW_NICE) {
        tracing::warn!("cannot lower the priority of the threads for long computations: {error}");
    }
}

/// What a thread of this process has computed.
fn cpu_ns(thread: Pid) -> Option<u64> {
    // As `pthread_getcpuclockid` makes it: the thread's, by the scheduler.
    let clock = (!thread.as_raw_nonzero().get() << 3) | 6;
    let time = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock)).ok()?;
    Some(
        Duration::from(time)
            .as_nanos()
            .try_into()
            .unwrap_or(u64::MAX),
    )
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
    seats: BTreeMap<Seat, Sitting>,
    seats_ever: u64,
    ticks: u64,
    quick_idle: usize,
    slow_idle: usize,
    stopped: bool,
}

/// Which thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seat(u64);

struct Sitting {
    pace: Pace,
    /// From when it can be told.
    thread: Option<Pid>,
    run: Option<Run>,
}

/// What a thread does just now.
struct Run {
    share: Arc<str>,
    since_tick: u64,
    /// By the clock of the thread: from then on it is not counted yet.
    since_ns: u64,
}

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

    fn sit(&self, pace: Pace) -> Seat {
        let mut state = self.lock();
        state.seats_ever += 1;
        let seat = Seat(state.seats_ever);
        let sitting = Sitting {
            pace,
            thread: None,
            run: None,
        };
        state.seats.insert(seat, sitting);
        seat
    }

    fn leave(&self, seat: Seat) {
        self.lock().seats.remove(&seat);
    }

    fn first(&self, seat: Seat, thread: Pid, now_ns: u64) -> Option<Runnable> {
        let mut state = self.lock();
        let sitting = state.seats.get_mut(&seat)?;
        sitting.thread = Some(thread);
        let pace = sitting.pace;
        self.wait(seat, pace, now_ns, state)
    }

    /// Notes what was computed on this thread, puts it back if it goes on, and takes who is next. None when the thread is
    /// to end, as one of more slow ones than these.
    fn turn(
        &self,
        seat: Seat,
        now_ns: u64,
        again: Option<Runnable>,
        slow_most: usize,
    ) -> Option<Runnable> {
        let mut state = self.lock();
        if state.stopped {
            drop(state);
            drop(again);
            return None;
        }
        let sitting = state.seats.get_mut(&seat)?;
        let (pace, run) = (sitting.pace, sitting.run.take()?);
        let spent_ns = now_ns.saturating_sub(run.since_ns);
        state.order.spent(&run.share, spent_ns, again);
        if pace == Pace::Slow && state.threads(Pace::Slow) > slow_most {
            // Before another one counts.
            state.seats.remove(&seat);
            self.wake(&state);
            return None;
        }
        self.wait(seat, pace, now_ns, state)
    }

    fn wait(
        &self,
        seat: Seat,
        pace: Pace,
        now_ns: u64,
        mut state: MutexGuard<'_, State>,
    ) -> Option<Runnable> {
        loop {
            if state.stopped {
                return None;
            }
            if let Some((share, runnable)) = state.order.take(pace) {
                let run = Run {
                    share,
                    since_tick: state.ticks,
                    since_ns: now_ns,
                };
                state.seats.get_mut(&seat)?.run = Some(run);
                self.wake(&state);
                return Some(runnable);
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

    /// Slows down the quick threads that were held for too long, and gives back how many quick ones are left.
    fn tick(&self) -> usize {
        let mut state = self.lock();
        let State {
            order,
            seats,
            ticks,
            stopped,
            ..
        } = &mut *state;
        *ticks += 1;
        for sitting in seats.values_mut() {
            let (Pace::Quick, Some(thread), Some(run)) =
                (sitting.pace, sitting.thread, &mut sitting.run)
            else {
                continue;
            };
            if *ticks - run.since_tick <= PATIENCE_TICKS {
                continue;
            }
            // Under the lock: the thread is there for as long as its seat.
            let Some(now_ns) = cpu_ns(thread) else {
                continue;
            };
            let spent_ns = now_ns.saturating_sub(run.since_ns);
            if spent_ns > PATIENCE_NS {
                sitting.pace = Pace::Slow;
                slow_down(thread);
                // Counted now, so that what else its share has does not come to the quick threads meanwhile.
                order.count(&run.share, spent_ns, None);
                run.since_ns = now_ns;
            }
        }
        if *stopped {
            return usize::MAX;
        }
        state.threads(Pace::Quick)
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
    fn threads(&self, pace: Pace) -> usize {
        let alike = |sitting: &&Sitting| sitting.pace == pace;
        self.seats.values().filter(alike).count()
    }

    fn idle(&mut self, pace: Pace) -> &mut usize {
        match pace {
            Pace::Quick => &mut self.quick_idle,
            Pace::Slow => &mut self.slow_idle,
        }
    }
}

#[cfg(test)]
mod tests;
