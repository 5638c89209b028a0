//! What the command line grants, as a sandbox takes it.

use super::{Given, Net};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use swarm_flow_policy::{Access, Filesystem, Network, Policy, Preset};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{Directory, Egress, Grants, Input, Output, Secrets, Sockets};

/// A directory to open and the name it has in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub host: PathBuf,
    pub guest: String,
    pub access: Access,
}

/// `HOST::GUEST`, with `:ro` for reading only; `HOST` alone has the same name in the sandbox.
pub fn mount(text: &str) -> Result<Mount, String> {
    let (text, access) = match text.strip_suffix(":ro") {
        Some(text) => (text, Access::Read),
        None => (text, Access::ReadWrite),
    };
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err("give HOST::GUEST, and `:ro` after it for reading only".to_owned());
    }
    Ok(Mount {
        host: host.into(),
        guest: guest.to_owned(),
        access,
    })
}

/// What every run of the program is given.
pub struct Granted {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    mounts: Vec<Mount>,
    egress: Network,
    /// With none, sockets can be made and reach nothing, as with other runtimes.
    sockets: Network,
    pub policy: Policy,
}

impl Granted {
    /// Reads the policy and puts what was typed beside it.
    pub fn new(given: Given, arguments: Vec<String>) -> Result<Self> {
        let policy = match &given.policy {
            Some(name) => policy(name)?,
            None => Policy {
                network: Network::None,
                ..Preset::Standard.policy()
            },
        };
        let name = given
            .file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mounts = given
            .directories
            .into_iter()
            .map(|mount| bounded(mount, &policy.filesystem))
            .collect::<Result<_>>()?;
        Ok(Self {
            arguments: std::iter::once(name).chain(arguments).collect(),
            environment: given.env,
            mounts,
            egress: egress(given.net, &policy.network),
            sockets: given.net.map_or(Network::None, class),
            policy,
        })
    }

    pub fn grants(&self, stdin: Input, stdout: Output, stderr: Output) -> Grants {
        let directories = self.mounts.iter().map(|mount| Directory {
            host: mount.host.clone(),
            guest: mount.guest.clone(),
            access: mount.access,
        });
        Grants {
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            cwd: String::new(),
            stdin,
            stdout,
            stderr,
            directories: directories.collect(),
            egress: Egress::new(self.egress.clone(), [].into()),
            secrets: Secrets::default(),
            sockets: Sockets::class(&self.sockets),
            decisions: None,
            disk: None,
            changes: Changes::Alone,
            idempotency: None,
            live: None,
            determined: None,
            family: None,
            limits: self.policy.limits.clone(),
        }
    }
}

/// A preset's, or a file's: TOML by its name, else JSON.
fn policy(name: &str) -> Result<Policy> {
    if let Ok(preset) = name.parse::<Preset>() {
        return Ok(preset.policy());
    }
    let path = Path::new(name);
    if !path.exists() {
        bail!("`{name}` is neither a preset (isolated, standard, privileged) nor a file");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {name}"))?;
    let policy: Policy = if path.extension().is_some_and(|end| end == "toml") {
        toml::from_str(&text).with_context(|| format!("{name} is no policy"))?
    } else {
        serde_json::from_str(&text).with_context(|| format!("{name} is no policy"))?
    };
    policy
        .validate()
        .with_context(|| format!("{name} is no policy"))?;
    Ok(policy)
}

/// The policy's `filesystem` says what directories may be opened for; its paths are a workspace's and mean nothing here.
fn bounded(mount: Mount, filesystem: &Filesystem) -> Result<Mount> {
    let access = match filesystem {
        Filesystem::None => bail!(
            "--dir {}: the policy's `filesystem` is `none`",
            mount.host.display()
        ),
        Filesystem::ReadOnly(_) => Access::Read,
        Filesystem::ReadWrite(_) | Filesystem::Full => mount.access,
    };
    Ok(Mount { access, ..mount })
}

/// The addresses of a class.
fn class(net: Net) -> Network {
    match net {
        Net::None => Network::None,
        Net::Localhost => Network::Localhost,
        Net::Private => Network::Private,
        Net::Public => Network::Public(Vec::new()),
    }
}

fn egress(net: Option<Net>, policy: &Network) -> Network {
    match (net, policy) {
        (None, policy) => policy.clone(),
        (Some(Net::Public), Network::Public(patterns)) => Network::Public(patterns.clone()),
        (Some(net), _) => class(net),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_twice_and_may_be_for_reading_only() {
        let expected = |host: &str, guest: &str, access| {
            Ok(Mount {
                host: host.into(),
                guest: guest.to_owned(),
                access,
            })
        };
        assert_eq!(mount("a::/b"), expected("a", "/b", Access::ReadWrite));
        assert_eq!(mount("/a::/b:ro"), expected("/a", "/b", Access::Read));
        assert_eq!(mount("a"), expected("a", "a", Access::ReadWrite));
        assert!(mount("::/b").is_err() && mount("a::").is_err() && mount(":ro").is_err());
    }

    #[test]
    fn a_policy_bounds_what_a_directory_is_opened_for() {
        let open = |filesystem| bounded(mount("a::/b").unwrap(), &filesystem);
        assert_eq!(open(Filesystem::Full).unwrap().access, Access::ReadWrite);
        let read_only = open(Filesystem::ReadOnly(Vec::new())).unwrap();
        assert_eq!(read_only.access, Access::Read);
        assert!(open(Filesystem::None).is_err());
    }

    #[test]
    fn a_policy_is_a_preset_or_a_file() {
        assert_eq!(policy("isolated").unwrap(), Preset::Isolated.policy());
        let missing = format!("{:#}", policy("Isolated").unwrap_err());
        assert!(missing.contains("neither a preset"), "{missing}");
        let folder = tempfile::tempdir().unwrap();
        let own = Preset::Isolated.policy();
        for (name, text) in [
            ("policy.json", serde_json::to_string(&own).unwrap()),
            ("policy.toml", toml::to_string(&own).unwrap()),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(policy(path.to_str().unwrap()).unwrap(), own, "{name}");
        }
    }

    #[test]
    fn sockets_are_granted_by_the_command_line_alone() {
        let any = Network::Any;
        assert_eq!(egress(None, &any), any);
        assert_eq!(egress(Some(Net::None), &any), Network::None);
        assert_eq!(egress(Some(Net::Localhost), &any), Network::Localhost);
    }
}
