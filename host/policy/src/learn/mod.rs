//! The narrowest policy that lets a program do what it was seen to do.
//!
//! [`Uses`] are collected while it runs under a policy that denies little; [`Uses::learn`] makes a policy of them. What is
//! learned allows all that was seen, as the same code decides it that decides later, and no line of it can be left out.
//!
//! | seen | learned |
//! |---|---|
//! | requests | patterns with method, scheme, host, port and path ([`Paths`]), where the addresses are public |
//! | loopback or private addresses | `localhost` or `private`, which name no hosts; `any` where they are mixed |
//! | a connection to an address that a name had | that name, and its lookup |
//! | a port that the system chose | `*` |
//! | directories | `read_only` or `read_write` of those that were used; one way for all, as a policy has but one |

mod addition;
mod http;
mod limits;
mod render;
mod sockets;

pub use addition::widened;
pub use limits::Measured;

use crate::address::Class;
use crate::authority::Scheme;
use crate::decide::{
    CompiledPolicy, HttpRequest, SocketTarget, SocketUse, Surroundings, path_is_beneath,
};
use crate::filesystem::{Access, Filesystem, SANDBOX_DIRECTORIES};
use crate::host::Host;
use crate::network::Network;
use crate::{Limits, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Different uses that are kept; a program that does more is not described by lines.
const USES_MAX: usize = 4_096;
/// Lines of a policy that are tried one by one whether they are needed.
const LINES_TRIED_MAX: usize = 64;

/// How the paths of requests become paths of patterns, for each method and host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// Each path that was asked for. As every path of a pattern, it grants what is beneath it too.
    Exact,
    /// One path is itself. Several that begin alike become the directory that they share, up to eight for a host; with
    /// more, the whole host.
    #[default]
    Prefix,
    /// The whole host.
    Host,
}

/// What a program did and was allowed.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Methods and paths by where they were sent.
    requests: BTreeMap<Target, BTreeMap<String, BTreeSet<String>>>,
    /// What the hosts of requests resolved to.
    addresses: BTreeMap<Host, BTreeSet<IpAddr>>,
    sockets: BTreeSet<Socket>,
    /// What was told of each host that was looked up.
    lookups: BTreeMap<Host, BTreeSet<IpAddr>>,
    directories: BTreeMap<String, Access>,
    count: usize,
    /// Uses that are not kept, as there were too many.
    missed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Socket {
    usage: SocketUse,
    address: IpAddr,
    port: u16,
    names: Vec<Host>,
}

/// A policy, and what a reader should know of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    pub policy: Policy,
    /// By field, from the policy down: `limits.memory_bytes`.
    notes: Vec<(String, String)>,
}

impl Uses {
    pub fn request(&mut self, request: &HttpRequest<'_>) {
        let target = Target {
            scheme: request.scheme,
            host: request.host.clone(),
            port: request.port,
        };
        let path = crate::path::without_query(request.path);
        let known = self
            .requests
            .get(&target)
            .and_then(|methods| methods.get(request.method))
            .is_some_and(|paths| paths.contains(path));
        if !known && self.has_room() {
            let methods = self.requests.entry(target).or_default();
            let paths = methods.entry(request.method.to_owned()).or_default();
            paths.insert(path.to_owned());
        }
    }

    /// The addresses of a host that a request was sent to.
    pub fn resolved(&mut self, host: &Host, addresses: impl IntoIterator<Item = IpAddr>) {
        if self.addresses.contains_key(host) || self.has_room() {
            let known = self.addresses.entry(host.clone()).or_default();
            known.extend(addresses);
        }
    }

    pub fn socket(&mut self, target: &SocketTarget<'_>) {
        let binds = matches!(target.usage, SocketUse::TcpBind | SocketUse::UdpBind);
        if binds && target.port == 0 && target.address.is_unspecified() {
            // What the system does before a connection: that is what is granted, if it is made.
            return;
        }
        let socket = Socket {
            usage: target.usage,
            address: target.address,
            port: target.port,
            names: target.names.to_vec(),
        };
        if !self.sockets.contains(&socket) && self.has_room() {
            self.sockets.insert(socket);
        }
    }

    /// A host that was looked up, and the addresses that the program was told.
    pub fn lookup(&mut self, host: &Host, told: impl IntoIterator<Item = IpAddr>) {
        if self.lookups.contains_key(host) || self.has_room() {
            let known = self.lookups.entry(host.clone()).or_default();
            known.extend(told);
        }
    }

    /// A directory that is opened for the sandbox, by its path there, of which something was used.
    pub fn directory(&mut self, path: &str, access: Access) {
        match self.directories.get_mut(path) {
            Some(known) if access == Access::ReadWrite => *known = access,
            Some(_) => {}
            None => _ = self.directories.insert(path.to_owned(), access),
        }
    }

    /// The directories of which something was written.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.directories
            .iter()
            .filter(|(_, access)| **access == Access::ReadWrite)
            .map(|(path, _)| path.as_str())
    }

    fn has_room(&mut self) -> bool {
        if self.count < USES_MAX {
            self.count += 1;
            true
        } else {
            self.missed += 1;
            false
        }
    }

    /// The narrowest policy that allows all this, with the limits that are given.
    pub fn learn(&self, paths: Paths, limits: Limits) -> Learned {
        let mut policy = Policy {
            filesystem: self.filesystem(),
            network: Network::None,
            sockets: self.socket_lines(),
            models: Vec::new(),
            approvals: Vec::new(),
            limits,
        };
        let patterns = http::patterns(&self.requests, paths);
        let networks = [
            Network::None,
            Network::Public(patterns.clone()),
            Network::Localhost,
            Network::Private,
        ];
        let sufficient = networks.into_iter().find(|network| {
            policy.network = network.clone();
            self.is_allowed_by(&policy)
        });
        policy.network = sufficient.unwrap_or(Network::Any);
        self.drop_needless_lines(&mut policy);
        let notes = self.notes(&policy, &patterns);
        Learned { policy, notes }
    }

    /// Whether a policy allows all this, directories aside.
    fn is_allowed_by(&self, policy: &Policy) -> bool {
        let Ok(policy) = CompiledPolicy::new(policy, &Surroundings::default()) else {
            return false;
        };
        let network = &policy.network;
        let reaches = |address: &IpAddr| network.address(*address).is_allow();
        let requests = self
            .requests()
            .all(|request| network.http(&request).is_allow());
        let addresses = self.addresses.values().flatten().all(reaches);
        let sockets = self.sockets.iter().all(|socket| {
            let target = SocketTarget {
                usage: socket.usage,
                address: socket.address,
                port: socket.port,
                names: &socket.names,
            };
            policy.socket(&target).is_allow()
        });
        // Who is told no address at all cannot tell it from a denial.
        let lookups = self.lookups.iter().all(|(host, told)| {
            policy.lookup(host).is_allow() && (told.is_empty() || told.iter().any(reaches))
        });
        requests && addresses && sockets && lookups
    }

    fn requests(&self) -> impl Iterator<Item = HttpRequest<'_>> {
        self.requests.iter().flat_map(|(target, methods)| {
            methods.iter().flat_map(move |(method, paths)| {
                paths.iter().map(move |path| HttpRequest {
                    method,
                    scheme: target.scheme,
                    host: &target.host,
                    port: target.port,
                    path,
                })
            })
        })
    }

    /// From the last on: what is seen late is likelier to be covered by what was seen first.
    fn drop_needless_lines(&self, policy: &mut Policy) {
        if policy.sockets.len() > LINES_TRIED_MAX || !self.is_allowed_by(policy) {
            return;
        }
        for index in (0..policy.sockets.len()).rev() {
            let line = policy.sockets.remove(index);
            if !self.is_allowed_by(policy) {
                policy.sockets.insert(index, line);
            }
        }
    }

    fn filesystem(&self) -> Filesystem {
        let own = |path: &str| {
            let holds = |directory: &&str| path_is_beneath(path, directory);
            SANDBOX_DIRECTORIES.into_iter().find(holds)
        };
        if self.directories.keys().any(|path| own(path).is_none()) {
            return Filesystem::Full;
        }
        let used: BTreeSet<_> = self
            .directories
            .keys()
            .filter_map(|path| own(path))
            .collect();
        let paths: Vec<_> = SANDBOX_DIRECTORIES
            .into_iter()
            .filter(|directory| used.contains(directory))
            .map(str::to_owned)
            .collect();
        if paths.is_empty() {
            Filesystem::None
        } else if self.written().next().is_some() {
            Filesystem::ReadWrite(paths)
        } else {
            Filesystem::ReadOnly(paths)
        }
    }

    fn notes(&self, policy: &Policy, patterns: &[String]) -> Vec<(String, String)> {
        let mut notes = Vec::new();
        let mut note = |field: &str, text: String| notes.push((field.to_owned(), text));
        if self.missed > 0 {
            let text = format!(
                "it did {} more things, which are not in this policy",
                self.missed
            );
            note("", text);
        }
        for (path, access) in &self.directories {
            let how = match access {
                Access::Read => "read",
                Access::ReadWrite => "written",
            };
            let elsewhere = !SANDBOX_DIRECTORIES
                .iter()
                .any(|own| path_is_beneath(path, own));
            let full = if elsewhere {
                "; only `full` opens it, if the runner's operator grants it"
            } else {
                ""
            };
            note("filesystem", format!("{path} was {how}{full}"));
        }
        let classes = self.classes();
        if policy.network == Network::Any && classes.len() > 1 {
            let classes: Vec<_> = classes.into_iter().collect();
            let text = format!(
                "a policy has one network, and only `any` holds all that was reached: {}",
                classes.join(", ")
            );
            note("network", text);
        }
        if !matches!(policy.network, Network::Public(_)) && !patterns.is_empty() {
            note(
                "network",
                "which grants HTTP to every host there; what was asked for:".to_owned(),
            );
            for pattern in patterns {
                note("network", format!("  {pattern}"));
            }
        }
        notes
    }

    /// Of the addresses that were reached, in words.
    fn classes(&self) -> BTreeSet<String> {
        let sockets = self.sockets.iter().map(|socket| &socket.address);
        self.addresses
            .values()
            .flatten()
            .chain(sockets)
            .map(|address| Class::of(*address))
            .filter(|class| class.can_be_granted())
            .map(|class| class.to_string())
            .collect()
    }
}

impl Learned {
    /// One more thing that a reader should know of a field; of the whole policy where the field is empty.
    pub fn note(&mut self, field: &str, text: String) {
        self.notes.push((field.to_owned(), text));
    }
}

#[cfg(test)]
mod tests;
