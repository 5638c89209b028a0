//! Commands that run when the shell ends, when a command fails, or when `kill` names the shell itself.

use crate::shell::{Flow, Shell};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

#[derive(Debug, Clone, Default)]
pub struct Traps {
    /// By name; an empty command ignores the signal.
    pub commands: BTreeMap<String, String>,
    /// A trap runs: it starts none of its kind.
    pub running: bool,
    /// What the parent has traps for: `trap` tells them.
    pub inherited: BTreeMap<String, String>,
}

pub const SIGNALS: [(&str, i32); 20] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("WINCH", 28),
];

/// `TERM`, `SIGTERM`, `15`, `EXIT`.
pub fn signal_name(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if matches!(upper.as_str(), "EXIT" | "ERR" | "DEBUG" | "RETURN") {
        return Some(upper);
    }
    if upper == "0" {
        return Some("EXIT".to_owned());
    }
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let found = match text.parse::<i32>() {
        Ok(number) => SIGNALS.iter().find(|(_, known)| *known == number),
        Err(_) => SIGNALS.iter().find(|(known, _)| *known == name),
    };
    found.map(|(name, _)| (*name).to_owned())
}

pub fn signal_number(name: &str) -> Option<i32> {
    let found = SIGNALS.iter().find(|(known, _)| *known == name);
    found.map(|(_, number)| *number)
}

thread_local! {
    /// Signals that a subshell sent to the shell itself.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Those that the shell has a trap for.
    static TRAPPED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ENDED: Cell<Option<i32>> = const { Cell::new(None) };
    static WAITING: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// From a subshell to the shell itself.
pub fn send(name: &str) {
    SENT.with_borrow_mut(|sent| sent.push(name.to_owned()));
    if let Some(waker) = WAITING.take() {
        waker.wake();
    }
}

/// Ends the shell itself, with everything in it.
pub fn end_shell(status: i32) {
    ENDED.set(Some(status));
    if let Some(waker) = WAITING.take() {
        waker.wake();
    }
}

/// Until a signal ends the shell.
pub async fn ended_by_signal() -> i32 {
    poll_fn(|context| {
        if let Some(status) = ENDED.get() {
            return Poll::Ready(status);
        }
        let fatal = SENT.with_borrow(|sent| {
            let trapped = TRAPPED.with_borrow(Vec::clone);
            let fatal = sent.iter().find(|name| {
                !trapped.contains(name) && !matches!(name.as_str(), "CHLD" | "CONT" | "WINCH")
            });
            fatal.and_then(|name| signal_number(name))
        });
        if let Some(number) = fatal {
            return Poll::Ready(128 + number);
        }
        WAITING.set(Some(context.waker().clone()));
        Poll::Pending
    })
    .await
}

impl Traps {
    /// Tells those who send signals what the shell has traps for.
    pub fn publish(&self) {
        TRAPPED.set(self.commands.keys().cloned().collect());
    }

    /// What a subshell has: it ignores what its parent ignores.
    pub fn subshell(&self, keeps_errors: bool) -> Self {
        let ignored = self
            .commands
            .iter()
            .filter(|(name, command)| command.is_empty() || keeps_errors && *name == "ERR");
        Self {
            commands: ignored
                .map(|(name, command)| (name.clone(), command.clone()))
                .collect(),
            running: false,
            inherited: match self.commands.is_empty() {
                true => self.inherited.clone(),
                false => self.commands.clone(),
            },
        }
    }
}

impl Shell {
    /// At the end of the shell. A trap that exits changes its exit code.
    pub async fn exit_trap(&mut self) -> Result<(), Flow> {
        let Some(command) = self.traps.commands.remove("EXIT") else {
            return Ok(());
        };
        if command.is_empty() {
            return Ok(());
        }
        let status = self.status;
        self.traps.running = true;
        self.conditions = 0;
        self.frames.clear();
        self.loops = 0;
        Box::pin(self.script(&command, 1)).await?;
        self.status = status;
        Ok(())
    }

    /// After a command that failed.
    pub async fn trap(&mut self, name: &str) -> Result<(), Flow> {
        if self.traps.running || self.traps.commands.is_empty() {
            return Ok(());
        }
        if name == "ERR" && self.in_function() && !self.options.is_set("errtrace") {
            return Ok(());
        }
        let Some(command) = self
            .traps
            .commands
            .get(name)
            .filter(|command| !command.is_empty())
        else {
            return Ok(());
        };
        let command = command.clone();
        let (status, line) = (self.status, self.line);
        self.traps.running = true;
        let result = Box::pin(self.script(&command, line)).await;
        self.traps.running = false;
        (self.status, self.line) = (status, line);
        result.map(|_| ())
    }

    /// Traps for signals that subshells sent.
    pub async fn sent_signals(&mut self) -> Result<(), Flow> {
        if self.subshells > 0 || SENT.with_borrow(Vec::is_empty) {
            return Ok(());
        }
        for name in SENT.take() {
            self.signal(&name).await?;
        }
        Ok(())
    }

    /// A signal for the shell itself.
    pub async fn signal(&mut self, name: &str) -> Result<(), Flow> {
        if self.traps.commands.contains_key(name) && name != "KILL" {
            return self.trap(name).await;
        }
        match name {
            "CHLD" | "CONT" | "WINCH" => Ok(()),
            _ => {
                let number = signal_number(name).unwrap_or(15);
                // The trap for the end runs, as in bash.
                Err(if name == "KILL" {
                    Flow::Killed(128 + number)
                } else {
                    Flow::Exit(128 + number)
                })
            }
        }
    }
}
