use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Computes for so long, and gives way every two milliseconds, as a guest does.
async fn compute(time: Duration) {
    let before = Instant::now();
    while before.elapsed() < time {
        let slice = Instant::now();
        while slice.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let mut given_way = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut given_way, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[tokio::test]
async fn what_runs_there_can_wait_for_the_clock_and_gives_its_result_back() {
    let threads = Threads::begin().unwrap();
    let waiting = threads.spawn("a", async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        tokio::spawn(async { 6 }).await.unwrap() * 7
    });
    assert_eq!(waiting.await.unwrap(), 42);
}

#[tokio::test]
async fn a_panic_is_told_and_the_thread_goes_on() {
    let threads = Threads::begin().unwrap();
    for _ in 0..50 {
        let lost = threads.spawn("a", async { panic!("as it was told to") });
        let lost: Result<(), Unfinished> = lost.await;
        assert_eq!(lost.unwrap_err().to_string(), "as it was told to");
    }
    assert_eq!(threads.spawn("a", async { 1 }).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_dropped_ends() {
    let threads = Threads::begin().unwrap();
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let spawned = threads.spawn("a", async move {
        compute(Duration::from_millis(10)).await;
        std::future::pending::<()>().await;
        drop(sender);
    });
    drop(spawned);
    assert!(receiver.await.is_err());
}

#[tokio::test]
async fn what_still_runs_when_the_threads_stop_is_told_so() {
    let threads = Threads::begin().unwrap();
    let computing = threads.spawn("a", compute(Duration::from_secs(60)));
    let many: Vec<_> = (0..100)
        .map(|_| threads.spawn("b", compute(Duration::from_secs(60))))
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(threads);
    assert!(matches!(computing.await, Err(Unfinished::Stopping)));
    for spawned in many {
        assert!(matches!(spawned.await, Err(Unfinished::Stopping)));
    }
}

#[tokio::test]
async fn a_short_one_does_not_wait_for_a_hundred_long_ones() {
    let threads = Threads::begin().unwrap();
    let _long: Vec<_> = (0..100)
        .map(|_| threads.spawn("long", compute(Duration::from_secs(60))))
        .collect();
    // Until they are known to be long.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        let before = Instant::now();
        threads.spawn("short", async {}).await.unwrap();
        times.push(before.elapsed());
    }
    times.sort_unstable();
    // In their line it would be a hundred times 2 ms. Other tests may run beside this one.
    assert!(times[25] < Duration::from_millis(50), "{times:?}");
}

#[tokio::test]
async fn one_that_computes_for_long_and_alone_comes_to_its_end() {
    let threads = Threads::begin().unwrap();
    for _ in 0..20 {
        let alone = threads.spawn("a", compute(Duration::from_millis(30)));
        let ended = tokio::time::timeout(Duration::from_secs(20), alone).await;
        assert!(ended.is_ok(), "it waits for a thread that nobody woke");
    }
}

/// Computes and gives no way until it is released.
#[derive(Clone, Default)]
struct Hold {
    begun: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

impl Hold {
    fn wait(&self) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        while self.released.load(Ordering::SeqCst) <= number {
            std::hint::spin_loop();
        }
    }

    async fn begun(&self, count: usize) {
        while self.begun.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn release(&self, count: usize) {
        self.released.fetch_add(count, Ordering::SeqCst);
    }
}

fn count(threads: &Threads, pace: Pace) -> usize {
    threads.crew.queue.lock().threads(pace)
}

#[tokio::test]
async fn who_does_not_give_way_keeps_its_thread_and_the_others_get_another() {
    let threads = Threads::begin().unwrap();
    let (cores, hold) = (threads.crew.cores, Hold::default());
    let many = 4 * cores;
    let spawn = |number| {
        let hold = hold.clone();
        threads.spawn(&format!("holds-{number}"), async move { hold.wait() })
    };
    let holding: Vec<_> = (0..many).map(spawn).collect();
    // All threads of both kinds are taken.
    hold.begun(2 * cores).await;
    let short = threads.spawn("short", async { 42 });
    while hold.begun.load(Ordering::SeqCst) < many {
        threads.crew.watch();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while count(&threads, Pace::Slow) < many {
        threads.crew.watch();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(short.await.unwrap(), 42);
    assert_eq!(count(&threads, Pace::Quick), cores);
    // As each is done, its thread ends.
    hold.release(many);
    for holding in holding {
        holding.await.unwrap();
    }
    while count(&threads, Pace::Slow) > cores {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(threads.spawn("short", async { 1 }).await.unwrap(), 1);
    assert_eq!(count(&threads, Pace::Slow), cores);
}

#[tokio::test]
async fn who_gives_way_in_time_keeps_a_quick_thread() {
    let threads = Threads::begin().unwrap();
    let (cores, hold) = (threads.crew.cores, Hold::default());
    let holds = hold.clone();
    let computing = threads.spawn("a", async move {
        for _ in 0..5 {
            holds.wait();
            tokio::task::yield_now().await;
        }
    });
    for number in 1..=5 {
        hold.begun(number).await;
        for _ in 0..PATIENCE_TICKS {
            threads.crew.watch();
        }
        hold.release(1);
    }
    computing.await.unwrap();
    assert_eq!(count(&threads, Pace::Quick), cores);
    assert_eq!(count(&threads, Pace::Slow), cores);
}
