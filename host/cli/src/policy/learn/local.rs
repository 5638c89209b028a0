//! A program in a sandbox of this process, observed.

use super::{Learn, deliver};
use crate::built;
use crate::output::say;
use crate::sandbox::{self, Given, Granted, Mount};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;
use swarm_flow_policy::learn::{Measured, Uses};
use swarm_flow_runner::ProgramFile;
use swarm_flow_sandbox::{
    Decisions, Egress, Engine, Grants, Observed, Sockets, Stream, Usage, occupied,
};

pub(super) async fn learn(program: &str, learn: &Learn) -> Result<ExitCode> {
    let (file, mut env) = find(program)?;
    env.extend(learn.env.iter().cloned());
    let base = learn.preset.policy().limits;
    let given = Given {
        file: file.clone(),
        policy: None,
        directories: learn.directories.clone(),
        env,
        net: None,
    };
    let mut granted = Granted::new(given, learn.arguments.clone())?;
    granted.policy.limits = base.clone();

    let observed = Observed::default();
    let (decisions, denials) = Decisions::denials();
    let network = learn.net.network();
    let observe = |grants: &mut Grants| {
        grants.egress = Egress::new(network.clone(), [].into());
        grants.sockets = Sockets::class(&network);
        grants.decisions = Some(decisions.and(Decisions::new(observed.clone())));
    };
    let stdout = match learn.output {
        Some(_) => Stream::Stdout,
        None => Stream::Stderr,
    };
    let engine = Engine::with_preview3()?;
    let program = sandbox::program(&engine, &file)?;
    let ran = sandbox::execute(&program, &granted, stdout, observe).await?;

    let uses = observed.uses();
    let measured = Measured {
        output_bytes: ran.output_bytes,
        disk_bytes: on_disk(&uses, &learn.directories),
        ..measured(ran.ended.usage)
    };
    let limits = measured.limits(&base, learn.exact_limits);
    let mut learned = uses.learn(learn.paths.into(), limits);
    for denial in denials.first() {
        let text = format!("denied, and not in this policy: {}", denial.message);
        learned.note("", text);
    }
    learned.explain_limits(&measured);
    let code = sandbox::exit_code(&ran.ended);
    if code != 0 {
        say(
            "swarm-flow: the program did not succeed; what it would have done then is not in the policy",
        );
    }
    deliver(&learned.to_string(), learn)?;
    Ok(ExitCode::from(code))
}

/// A file, or else what `cargo xtask build` made under this name, with the variables that it gets.
fn find(program: &str) -> Result<(PathBuf, Vec<(String, String)>)> {
    let path = PathBuf::from(program);
    if path.is_file() {
        return Ok((path, Vec::new()));
    }
    let folder = built::folder(None).map(|folder| folder.join("programs"));
    let files = match folder {
        Some(folder) => ProgramFile::in_folder(&folder)?,
        None => Vec::new(),
    };
    let known: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
    let named = files
        .into_iter()
        .find(|file| file.name == program || file.aliases.iter().any(|alias| alias == program));
    match named {
        Some(file) => Ok((file.path, file.env.into_iter().collect())),
        None if known.is_empty() => bail!("there is no file {program}, and no program was built"),
        None => bail!(
            "there is no file {program}, and no such program; there are: {}",
            known.join(", ")
        ),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no run takes negative time, or longer than 64 bits hold"
)]
fn measured(usage: Usage) -> Measured {
    Measured {
        peak_memory_bytes: usage.peak_memory_bytes,
        cpu_ms: usage.cpu_ms.ceil() as u64,
        wall_ms: usage.wall_ms.ceil() as u64,
        ..Measured::default()
    }
}

/// What lies in the directories that it wrote to.
fn on_disk(uses: &Uses, mounts: &[Mount]) -> u64 {
    let written: Vec<_> = uses
        .written()
        .filter_map(|path| mounts.iter().find(|mount| mount.guest == path))
        .map(|mount| mount.host.clone())
        .collect();
    occupied(&written).bytes
}
