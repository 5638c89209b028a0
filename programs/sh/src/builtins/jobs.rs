//! `jobs`, `wait`, `kill`, `fg`.

use super::Letters;
use crate::jobs::{Jobs, state};
use crate::shell::{Outcome, Shell};
use crate::traps::{SIGNALS, send, signal_name, signal_number};

pub async fn jobs(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "lprsn", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("jobs", &message).await,
    };
    let mut output = String::new();
    let count = shell.jobs.list.iter().filter(|job| !job.told).count();
    let mut seen = 0;
    for job in shell.jobs.list.iter_mut().filter(|job| !job.told) {
        seen += 1;
        let ended = job.join.is_done();
        if letters.has('r') && ended || letters.has('s') {
            continue;
        }
        if letters.has('p') {
            output.push_str(&format!("{}\n", job.pid));
            continue;
        }
        let mark = match count - seen {
            0 => '+',
            1 => '-',
            _ => ' ',
        };
        let pid = if letters.has('l') {
            format!(" {}", job.pid)
        } else {
            String::new()
        };
        let end = if ended { "" } else { " &" };
        output.push_str(&format!(
            "[{}]{mark} {pid} {:<23} {}{end}\n",
            job.number,
            state(job),
            job.text
        ));
        job.told = ended;
    }
    shell.print(&output).await
}

pub async fn wait(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "nf", "p") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("wait", &message).await,
    };
    let names = arguments.get(letters.taken..).unwrap_or_default();
    if letters.has('n') {
        let jobs: Vec<_> = if names.is_empty() {
            shell
                .jobs
                .list
                .iter()
                .filter(|job| !job.told)
                .cloned()
                .collect()
        } else {
            names
                .iter()
                .filter_map(|name| shell.jobs.find(name).cloned())
                .collect()
        };
        let Some(job) = Jobs::any(&jobs).await else {
            return Ok(127);
        };
        if let Some(name) = letters.value('p')
            && let Err(message) = shell.set(name, job.pid.to_string())
        {
            shell.complain(&format!("wait: {message}")).await;
        }
        return Ok(shell.wait_for_job(job.pid).await);
    }
    if names.is_empty() {
        let pids: Vec<u32> = shell
            .jobs
            .list
            .iter()
            .filter(|job| !job.told)
            .map(|job| job.pid)
            .collect();
        for pid in pids {
            shell.wait_for_job(pid).await;
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in names {
        match shell.jobs.find(name).map(|job| job.pid) {
            Some(pid) => status = shell.wait_for_job(pid).await,
            None => {
                let message = if name.starts_with('%') {
                    format!("wait: {name}: no such job")
                } else if name.chars().all(|c| c.is_ascii_digit()) {
                    format!("wait: pid {name} is not a child of this shell")
                } else {
                    format!("wait: `{name}': not a pid or valid job spec")
                };
                shell.complain(&message).await;
                status = 127;
            }
        }
    }
    Ok(status)
}

pub async fn foreground(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let name = arguments
        .first()
        .cloned()
        .unwrap_or_else(|| "%%".to_owned());
    match shell
        .jobs
        .find(&name)
        .map(|job| (job.pid, job.text.clone()))
    {
        Some((pid, text)) => {
            shell.print(&format!("{text}\n")).await?;
            Ok(shell.wait_for_job(pid).await)
        }
        None => {
            shell.complain(&format!("fg: {name}: no such job")).await;
            Ok(1)
        }
    }
}

pub async fn kill(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut signal = "TERM".to_owned();
    let mut rest = arguments;
    if let Some((first, after)) = rest.split_first()
        && let Some(text) = first.strip_prefix('-')
    {
        match text {
            "l" | "L" => return list(shell, after).await,
            "-" => rest = after,
            _ => {
                let (name, after) = match text {
                    "s" | "n" => match after.split_first() {
                        Some((name, after)) => (name.clone(), after),
                        None => {
                            return shell.usage("kill", "-s: option requires an argument").await;
                        }
                    },
                    text => (text.to_owned(), after),
                };
                if name != "0" {
                    match signal_name(&name) {
                        Some(name) => signal = name,
                        None => {
                            shell
                                .complain(&format!("kill: {name}: invalid signal specification"))
                                .await;
                            return Ok(1);
                        }
                    }
                } else {
                    signal.clear();
                }
                rest = after;
            }
        }
    }
    if rest.first().is_some_and(|first| first == "--") {
        rest = rest.get(1..).unwrap_or_default();
    }
    if rest.is_empty() {
        return shell
            .usage(
                "kill",
                "usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ...",
            )
            .await;
    }
    let mut status = 0;
    for name in rest {
        if !one(shell, name, &signal).await? {
            status = 1;
        }
    }
    Ok(status)
}

async fn one(shell: &mut Shell, name: &str, signal: &str) -> Result<bool, crate::shell::Flow> {
    if let Some(job) = shell
        .jobs
        .find(name)
        .filter(|job| !job.join.is_done())
        .cloned()
    {
        let number = signal_number(signal).unwrap_or(0);
        if !matches!(signal, "" | "CHLD" | "CONT" | "WINCH" | "STOP" | "TSTP") {
            job.join.cancel(128 + number);
        }
        return Ok(true);
    }
    let pid = name.trim_start_matches('-').parse::<u32>().ok();
    if pid == Some(shell.pid()) || pid == Some(0) {
        if !signal.is_empty() && shell.subshells > 0 && pid != Some(0) {
            send(signal);
        } else if !signal.is_empty() {
            shell.signal(signal).await?;
        }
        return Ok(true);
    }
    let message = match (pid, name.starts_with('%')) {
        (_, true) => format!("kill: {name}: no such job"),
        (Some(_), _) => format!("kill: ({name}) - No such process"),
        (None, _) => format!("kill: {name}: arguments must be process or job IDs"),
    };
    shell.complain(&message).await;
    Ok(false)
}

async fn list(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut output = String::new();
    for argument in arguments {
        let number = argument
            .parse::<i32>()
            .map(|number| if number > 128 { number - 128 } else { number });
        match number {
            Ok(number) => {
                let name = signal_name(&number.to_string()).unwrap_or_default();
                output.push_str(&format!("{name}\n"));
            }
            Err(_) => {
                let number = signal_name(argument).and_then(|name| signal_number(&name));
                output.push_str(&format!("{}\n", number.unwrap_or(0)));
            }
        }
    }
    if arguments.is_empty() {
        for (name, number) in SIGNALS {
            output.push_str(&format!("{number:2}) SIG{name}\n"));
        }
    }
    shell.print(&output).await
}
