//! Jobs: commands that run in the background.

use crate::executor::{self, Join};
use crate::expand::Expanded;
use crate::run::ends_with_failure;
use crate::shell::{Outcome, Shell};
use crate::stream::{Handle, Input};
use crate::syntax::Chain;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

thread_local! {
    /// Numbers of jobs that are no single program.
    static NUMBERS: Cell<u32> = const { Cell::new(100_000) };
}

#[derive(Default, Clone)]
pub struct Jobs {
    pub list: Vec<Job>,
}

#[derive(Clone)]
pub struct Job {
    pub number: u32,
    pub pid: u32,
    pub text: String,
    pub join: Join<i32>,
    /// Its end has been told.
    pub told: bool,
}

/// Ended jobs that are remembered for `wait`.
const ENDED_MAX: usize = 1_024;

impl Jobs {
    fn add(&mut self, pid: u32, text: String, join: Join<i32>) {
        if self.list.len() > ENDED_MAX {
            let first = self.list.iter().position(|job| job.join.is_done());
            first.map(|at| self.list.remove(at));
        }
        let running = self.list.iter().filter(|job| !job.told);
        let number = running.map(|job| job.number).max().unwrap_or(0) + 1;
        self.list.push(Job {
            number,
            pid,
            text,
            join,
            told: false,
        });
    }

    /// `%1`, `%%`, `%-`, `%name` or a pid.
    pub fn find(&self, name: &str) -> Option<&Job> {
        let live = || self.list.iter().filter(|job| !job.told);
        match name.strip_prefix('%') {
            Some("" | "%" | "+") => live().next_back(),
            Some("-") => live().rev().nth(1),
            Some(text) => match text.parse::<u32>() {
                Ok(number) => live().find(|job| job.number == number),
                Err(_) => match text.strip_prefix('?') {
                    Some(part) => live().find(|job| job.text.contains(part)),
                    None => live().find(|job| job.text.starts_with(text)),
                },
            },
            None => {
                let pid = name.parse::<u32>().ok()?;
                self.list.iter().rev().find(|job| job.pid == pid)
            }
        }
    }

    /// The first of these that ends.
    pub async fn any(jobs: &[Job]) -> Option<Job> {
        if jobs.is_empty() {
            return None;
        }
        poll_fn(|context| {
            if let Some(job) = jobs.iter().find(|job| job.join.is_done()) {
                return Poll::Ready(Some(job.clone()));
            }
            jobs.iter()
                .for_each(|job| job.join.subscribe(context.waker()));
            Poll::Pending
        })
        .await
    }
}

impl Shell {
    /// `command &`: it does not read what the shell reads.
    pub async fn start_job(&mut self, chain: &Rc<Chain>) -> Expanded<()> {
        let nothing = Handle::Read(Rc::new(Input::Null));
        self.start_job_with(chain, nothing).await
    }

    pub async fn start_job_with(&mut self, chain: &Rc<Chain>, input: Handle) -> Expanded<()> {
        let mut shell = self.fork().await?;
        let pid = Rc::new(Cell::new(0));
        if chain.rest.is_empty() && chain.first.commands.len() == 1 {
            shell.number = Some(Rc::clone(&pid));
        }
        shell.descriptors.insert(0, input);
        let text = chain.text.clone();
        let chain = Rc::clone(chain);
        let join = executor::spawn(async move {
            let outcome: Outcome = shell.chain(&chain).await;
            shell.finish(outcome).await
        });
        // Its program starts now, so that `$!` is known.
        executor::yield_now().await;
        if pid.get() == 0 {
            NUMBERS.set(NUMBERS.get() + 1);
            pid.set(NUMBERS.get());
        }
        self.background = Some(pid.get());
        self.jobs.add(pid.get(), text, join);
        Ok(())
    }

    /// Until a job has ended; its exit code.
    pub async fn wait_for_job(&mut self, pid: u32) -> i32 {
        let Some(job) = self
            .jobs
            .list
            .iter()
            .rev()
            .find(|job| job.pid == pid)
            .cloned()
        else {
            return 127;
        };
        let status = job.join.wait().await.unwrap_or(143);
        for other in &mut self.jobs.list {
            if other.pid == pid {
                other.told = true;
            }
        }
        status
    }
}

/// What `jobs` says of one.
pub fn state(job: &Job) -> String {
    match job.join.result() {
        None => "Running".to_owned(),
        Some(0) => "Done".to_owned(),
        Some(143) => "Terminated".to_owned(),
        Some(137) => "Killed".to_owned(),
        Some(status) if ends_with_failure(status) => format!("Exit {status}"),
        Some(_) => "Done".to_owned(),
    }
}
