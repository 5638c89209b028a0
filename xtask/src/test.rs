//! Tests and benchmarks: everything is built first, then they are told where it is.

use crate::project::{Profile, Project};
use crate::step::{self, step};
use crate::{build, examples, fixtures, programs};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

pub fn test(project: &Project, arguments: &[String]) -> Result<()> {
    build::components(project)?;
    build::guests(project)?;
    build::host(project, Profile::Dev)?;
    programs::build(project)?;
    examples::build(project)?;
    step(
        "compile the programs (the first time this takes minutes)",
        || {
            let mut precompile = Command::new(project.binary(Profile::Dev, "precompile"));
            precompile.env("CARGO_MANIFEST_DIR", project.root.join("tests"));
            step::run(precompile.current_dir(&project.root))
        },
    )?;
    fixtures::fetch(project)?;
    let mut totals = Totals::default();
    step("run the tests", || {
        // Guests are tested in their sandbox, by the tests of the crates that run them.
        let mut cargo = project.cargo(&["test", "--no-fail-fast"]);
        project.native(&mut cargo)?;
        tell(&mut cargo, project, Profile::Dev);
        run_and_count(cargo.args(arguments), &mut totals)
    })
    .inspect_err(|_| println!("tests: {totals}"))?;
    println!("tests: {totals}");
    Ok(())
}

pub fn bench(project: &Project, parts: &[String]) -> Result<()> {
    build::components(project)?;
    build::guests(project)?;
    // All at once: alone, each would have its dependencies with other features, and so built again.
    step("build the host and the benchmark, optimised", || {
        let build = [
            "build",
            "--release",
            "--bins",
            "--package",
            "swarm-flow",
            "--package",
            "swarm-flow-tests",
        ];
        step::run(&mut project.cargo(&build))
    })?;
    programs::build(project)?;
    step("measure", || {
        let mut bench = Command::new(project.binary(Profile::Release, "bench"));
        tell(&mut bench, project, Profile::Release);
        step::run(bench.current_dir(&project.root).args(parts))
    })
}

/// How a test finds what was built.
fn tell(command: &mut Command, project: &Project, profile: Profile) {
    command
        .env("SWARM_FLOW_COMPONENTS", project.components())
        .env("SWARM_FLOW_PROGRAMS", project.programs())
        .env("SWARM_FLOW_GUESTS", project.guests())
        .env("SWARM_FLOW_BINARY", project.binary(profile, "swarm-flow"));
}

#[derive(Default)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl std::fmt::Display for Totals {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} ignored",
            self.passed, self.failed, self.ignored
        )
    }
}

impl Totals {
    /// Adds a line like `test result: ok. 3 passed; 0 failed; 1 ignored; …`; any other counts nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split("; ") {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

fn run_and_count(command: &mut Command, totals: &mut Totals) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("start `cargo test`")?;
    let stdout = child
        .stdout
        .take()
        .context("read what `cargo test` prints")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("read what `cargo test` prints")?;
        let line = String::from_utf8_lossy(&line);
        totals.add(&line);
        println!("{line}");
    }
    let status = child.wait().context("wait for `cargo test`")?;
    if !status.success() {
        bail!("`cargo test` ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_the_sum_over_all_binaries() {
        let mut totals = Totals::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ",
        ] {
            totals.add(line);
        }
        assert_eq!(totals.to_string(), "4 passed, 2 failed, 1 ignored");
    }
}
