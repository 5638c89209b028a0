//! Tasks of one thread: members of pipelines, subshells and jobs run at the same time, and wait together.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use swarm_flow_process::bindings::wasi::clocks::monotonic_clock;
use swarm_flow_process::bindings::wasi::io::poll::{self, Pollable};

pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

#[derive(Default)]
struct Executor {
    tasks: HashMap<u64, Local<'static, ()>>,
    ready: VecDeque<u64>,
    next: u64,
    waits: Vec<Wait>,
    next_wait: u64,
    /// Tasks that were dropped while they ran.
    dropped: Vec<u64>,
}

struct Wait {
    number: u64,
    pollable: Rc<Pollable>,
    waker: Waker,
}

thread_local! {
    static EXECUTOR: RefCell<Executor> = RefCell::default();
}

struct TaskWaker(u64);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        EXECUTOR.with_borrow_mut(|executor| {
            if !executor.ready.contains(&self.0) {
                executor.ready.push_back(self.0);
            }
        });
    }
}

/// A task's result, for who started it.
pub struct Join<T> {
    shared: Rc<Shared<T>>,
    task: u64,
}

struct Shared<T> {
    result: RefCell<Option<T>>,
    done: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

impl<T> Clone for Join<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
            task: self.task,
        }
    }
}

impl<T: Clone> Join<T> {
    pub fn is_done(&self) -> bool {
        self.shared.done.get()
    }

    /// None while it runs.
    pub fn result(&self) -> Option<T> {
        self.shared.result.borrow().clone()
    }

    /// Until it has ended.
    pub async fn wait(&self) -> Option<T> {
        poll_fn(|context| {
            if self.shared.done.get() {
                return Poll::Ready(self.result());
            }
            self.shared
                .wakers
                .borrow_mut()
                .push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Asks to be woken at its end.
    pub fn subscribe(&self, waker: &Waker) {
        self.shared.wakers.borrow_mut().push(waker.clone());
    }

    /// Ends it where it waits; `result` stands for its own.
    pub fn cancel(&self, result: T) {
        if self.shared.done.get() {
            return;
        }
        let task = EXECUTOR.with_borrow_mut(|executor| {
            let task = executor.tasks.remove(&self.task);
            if task.is_none() {
                executor.dropped.push(self.task);
            }
            task
        });
        // Its own drops may ask the executor for something.
        drop(task);
        finish(&self.shared, result);
    }
}

fn finish<T>(shared: &Shared<T>, result: T) {
    if !shared.done.replace(true) {
        shared.result.replace(Some(result));
    }
    for waker in shared.wakers.take() {
        waker.wake();
    }
}

pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Join<T> {
    let shared = Rc::new(Shared {
        result: RefCell::new(None),
        done: Cell::new(false),
        wakers: RefCell::default(),
    });
    let inner = Rc::clone(&shared);
    let task = EXECUTOR.with_borrow_mut(|executor| {
        executor.next += 1;
        let number = executor.next;
        let body = async move {
            let result = future.await;
            finish(&inner, result);
        };
        executor.tasks.insert(number, Box::pin(body));
        executor.ready.push_back(number);
        number
    });
    Join { shared, task }
}

/// Runs until this one has ended; what else there is ends with it.
pub fn run<T: Clone + 'static>(future: impl Future<Output = T> + 'static) -> Option<T> {
    let join = spawn(future);
    let mut turns = 0_u32;
    while !join.is_done() {
        let next = EXECUTOR.with_borrow_mut(|executor| executor.ready.pop_front());
        match next {
            Some(number) => step(number),
            None => {
                if !wait_for_any() {
                    return None;
                }
            }
        }
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(64) {
            wake_ready();
        }
    }
    join.result()
}

fn step(number: u64) {
    let Some(mut task) = EXECUTOR.with_borrow_mut(|executor| executor.tasks.remove(&number)) else {
        return;
    };
    let waker = Waker::from(Arc::new(TaskWaker(number)));
    let pending = task
        .as_mut()
        .poll(&mut Context::from_waker(&waker))
        .is_pending();
    let keep = pending
        && EXECUTOR.with_borrow_mut(|executor| {
            let position = executor
                .dropped
                .iter()
                .position(|dropped| *dropped == number);
            position
                .map(|at| executor.dropped.swap_remove(at))
                .is_none()
        });
    if keep {
        EXECUTOR.with_borrow_mut(|executor| executor.tasks.insert(number, task));
    }
}

/// Blocks until something outside has happened. False if nothing can.
fn wait_for_any() -> bool {
    let pollables: Vec<Rc<Pollable>> = EXECUTOR.with_borrow(|executor| {
        let waits = executor.waits.iter();
        waits.map(|wait| Rc::clone(&wait.pollable)).collect()
    });
    if pollables.is_empty() {
        return false;
    }
    let borrowed: Vec<&Pollable> = pollables.iter().map(Rc::as_ref).collect();
    let ready = poll::poll(&borrowed);
    let wakers: Vec<Waker> = EXECUTOR.with_borrow(|executor| {
        let waits = ready
            .iter()
            .filter_map(|at| executor.waits.get(*at as usize));
        waits.map(|wait| wait.waker.clone()).collect()
    });
    wakers.into_iter().for_each(Waker::wake);
    true
}

/// While tasks compute, those that wait for something outside get their turn too.
fn wake_ready() {
    let wakers: Vec<Waker> = EXECUTOR.with_borrow(|executor| {
        let ready = executor.waits.iter().filter(|wait| wait.pollable.ready());
        ready.map(|wait| wait.waker.clone()).collect()
    });
    wakers.into_iter().for_each(Waker::wake);
}

/// Until the pollable is ready.
pub async fn ready(pollable: Pollable) {
    let mut waiting = Waiting {
        pollable: Rc::new(pollable),
        number: None,
    };
    poll_fn(|context| waiting.poll(context)).await;
}

struct Waiting {
    pollable: Rc<Pollable>,
    number: Option<u64>,
}

impl Waiting {
    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.pollable.ready() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        EXECUTOR.with_borrow_mut(|executor| {
            if let Some(number) = self.number
                && let Some(wait) = executor.waits.iter_mut().find(|wait| wait.number == number)
            {
                wait.waker = waker;
                return;
            }
            executor.next_wait += 1;
            self.number = Some(executor.next_wait);
            executor.waits.push(Wait {
                number: executor.next_wait,
                pollable: Rc::clone(&self.pollable),
                waker,
            });
        });
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let wait = EXECUTOR.with_borrow_mut(|executor| {
            let position = executor.waits.iter().position(|wait| wait.number == number);
            position.map(|at| executor.waits.swap_remove(at))
        });
        drop(wait);
    }
}

/// Lets the others go first.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub async fn sleep(nanoseconds: u64) {
    ready(monotonic_clock::subscribe_duration(nanoseconds)).await;
}

/// The first of both that ends; the other is dropped.
pub async fn either<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> Result<A, B> {
    let mut first = std::pin::pin!(first);
    let mut second = std::pin::pin!(second);
    poll_fn(|context| {
        if let Poll::Ready(value) = first.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        second.as_mut().poll(context).map(Err)
    })
    .await
}
