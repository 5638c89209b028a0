//! Raw sockets and name lookup, off unless granted. Every address that a socket talks to is decided: where it connects and
//! sends, from whom it accepts and receives, where it listens.
//!
//! A policy grants them line by line, and a name that it grants is of use because the lookup of that name is remembered:
//! the addresses that this sandbox was told are that name's. An operator may give a program of their own a class
//! of addresses instead; then binding alone is free, as nothing comes of it but what the kernel says.

use crate::decisions::{Decided, Decisions, observe, record};
use crate::live::{Latest, Live, both, latest};
use crate::open_sockets::OpenSockets;
use crate::outside::Outside;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use swarm_flow_policy::{
    CompiledNetwork, CompiledPolicy, Decision, Host, Network, Policy, Reason, SocketTarget,
    SocketUse, Surroundings,
};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

/// What a sandbox may do with raw sockets. Cheap to clone.
#[derive(Clone)]
pub struct Sockets(Grant);

#[derive(Clone)]
enum Grant {
    Policy(Arc<CompiledPolicy>),
    /// None. What is tried nevertheless is denied in the policy's words, for which it is compiled at the first attempt.
    Nothing(Arc<Ungranted>),
    Class {
        network: Network,
        compiled: Arc<CompiledNetwork>,
    },
}

/// A policy without sockets.
struct Ungranted {
    policy: Policy,
    compiled: OnceLock<Option<CompiledPolicy>>,
}

impl Ungranted {
    fn deny(&self, decide: impl FnOnce(&CompiledPolicy) -> Decision) -> Decision {
        let compiled = self
            .compiled
            .get_or_init(|| CompiledPolicy::new(&self.policy, &Surroundings::default()).ok());
        let decision = compiled.as_ref().map(decide);
        decision
            .filter(|decision| !decision.is_allow())
            .unwrap_or_else(|| Decision::Deny {
                reason: Reason::NotGranted,
                message: "no socket is granted".to_owned(),
                grants: Vec::new(),
            })
    }
}

impl Sockets {
    /// What the policy's `sockets` grant, at addresses that its `network` reaches. Where they grant none, sockets can be
    /// made and do nothing, so that what a guest tried is decided and told. None if it is no policy.
    pub fn of(policy: &Policy) -> Option<Self> {
        if policy.sockets.is_empty() {
            return Some(Self(Grant::Nothing(Arc::new(Ungranted {
                policy: policy.clone(),
                compiled: OnceLock::new(),
            }))));
        }
        match CompiledPolicy::new(policy, &Surroundings::default()) {
            Ok(policy) => Some(Self(Grant::Policy(Arc::new(policy)))),
            Err(invalid) => {
                tracing::warn!("no sockets are granted: {invalid}");
                None
            }
        }
    }

    /// Every address of a class, by every kind of socket; the patterns of a public network mean nothing here. Under `none`
    /// sockets can be made and reach nothing.
    ///
    /// Under `public` and `any` every name is looked up, under `localhost` those of the machine.
    pub fn class(network: &Network) -> Option<Self> {
        let network = match network {
            Network::Public(_) => Network::Public(Vec::new()),
            other => other.clone(),
        };
        let compiled = CompiledNetwork::new(&network, &[]).ok()?;
        Some(Self(Grant::Class {
            network,
            compiled: Arc::new(compiled),
        }))
    }

    /// Nothing is decided where a bind is free.
    fn decide(&self, used: SocketAddrUse, address: SocketAddr, names: &[Host]) -> Option<Decision> {
        match &self.0 {
            Grant::Policy(policy) => Some(policy.socket(&target(used, address, names))),
            // What comes next on a port that the system chooses says what the guest wants.
            Grant::Nothing(_)
                if is_bind(used) && address.ip().is_unspecified() && address.port() == 0 =>
            {
                None
            }
            Grant::Nothing(nothing) => {
                Some(nothing.deny(|policy| policy.socket(&target(used, address, names))))
            }
            Grant::Class { network, compiled } => {
                let free = match used {
                    SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => true,
                    SocketAddrUse::TcpListen => address.ip().is_unspecified(),
                    _ => false,
                };
                (!free || *network == Network::None).then(|| compiled.address(address.ip()))
            }
        }
    }

    fn decide_lookup(&self, host: &Host) -> Decision {
        match (&self.0, host) {
            (Grant::Policy(policy), _) => policy.lookup(host),
            (Grant::Nothing(nothing), _) => nothing.deny(|policy| policy.lookup(host)),
            (Grant::Class { compiled, .. }, Host::Address(address)) => compiled.address(*address),
            (Grant::Class { network, compiled }, Host::Name(_)) => match network {
                // A name leaves the machine only where connections may.
                Network::Public(_) | Network::Any => compiled.address(A_PUBLIC_ADDRESS),
                Network::Localhost if host.is_localhost() => {
                    compiled.address(Ipv4Addr::LOCALHOST.into())
                }
                Network::None | Network::Localhost | Network::Private => Decision::Deny {
                    reason: Reason::NotGranted,
                    message: format!(
                        "lookup://{host} is not granted: only public name servers know it, which this class has not"
                    ),
                    grants: Vec::new(),
                },
            },
        }
    }

    fn reaches(&self, address: IpAddr) -> bool {
        let network = match &self.0 {
            Grant::Policy(policy) => &policy.network,
            Grant::Nothing(_) => return false,
            Grant::Class { compiled, .. } => compiled,
        };
        network.address(address).is_allow()
    }
}

/// Stands for where name servers are asked.
const A_PUBLIC_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1));

/// The sockets of one sandbox.
#[derive(Clone)]
pub(crate) struct Granted(Arc<Inner>);

struct Inner {
    sockets: Sockets,
    outside: Arc<dyn Outside>,
    decisions: Option<Decisions>,
    /// The names that this sandbox looked up, by the addresses that it was told.
    names: Mutex<HashMap<IpAddr, Vec<Host>>>,
    live: Option<Live>,
    /// What may be open, where the policy may change.
    open: Mutex<OpenSockets>,
}

/// What is remembered of lookups: beyond it a lookup is answered, and a grant of that name does not help.
const ADDRESSES_MAX: usize = 1_024;
const NAMES_PER_ADDRESS_MAX: usize = 16;

impl Granted {
    pub(crate) fn new(
        sockets: Sockets,
        outside: Arc<dyn Outside>,
        decisions: Option<Decisions>,
        live: Option<Live>,
    ) -> Self {
        Self(Arc::new(Inner {
            sockets,
            outside,
            decisions,
            names: Mutex::default(),
            live,
            open: Mutex::default(),
        }))
    }

    /// Opens what is granted. Names are looked up elsewhere.
    pub(crate) fn open(&self, builder: &mut WasiCtxBuilder) {
        let granted = self.clone();
        builder
            .allow_tcp(true)
            .allow_udp(true)
            .socket_addr_check(move |address, used| {
                let allowed = granted.allows(used, address);
                Box::pin(std::future::ready(allowed))
            });
    }

    pub(crate) fn outside(&self) -> &dyn Outside {
        self.0.outside.as_ref()
    }

    fn allows(&self, used: SocketAddrUse, address: SocketAddr) -> bool {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let decision = {
            let names = self.names();
            let names = names.get(&address.ip()).map_or(&[][..], Vec::as_slice);
            let decision = self.decide(used, address, names);
            if decision.as_ref().is_none_or(Decision::is_allow) {
                self.observe(used, address, names);
            }
            decision
        };
        let Some(decision) = decision else {
            return true;
        };
        // A port that the system chooses is a part of what comes next, and that is decided then.
        if !(decision.is_allow() && is_bind(used) && address.port() == 0) {
            let capability = capability(used);
            self.record(
                capability,
                &format_args!("{capability}://{address}"),
                &decision,
            );
        }
        decision.is_allow() && (self.0.live.is_none() || self.held().note(used, address))
    }

    fn decide(&self, used: SocketAddrUse, address: SocketAddr, names: &[Host]) -> Option<Decision> {
        let start = self.0.sockets.decide(used, address, names)?;
        let later = latest(self.0.live.as_ref())
            .map(|latest| latest.policy.socket(&target(used, address, names)));
        let capability = capability(used);
        Some(both(
            start,
            later,
            &format_args!("{capability}://{address}"),
        ))
    }

    /// Why what is open may not be, if the latest policy does not grant it.
    pub(crate) fn revoked(&self) -> Option<String> {
        let open = self.held().all();
        open.into_iter().find_map(|(used, address)| {
            let decision = {
                let names = self.names();
                let names = names.get(&address.ip()).map_or(&[][..], Vec::as_slice);
                self.decide(used, address, names)?
            };
            let capability = capability(used);
            let resource = format!("{capability}://{address}");
            let decision = no_longer(&resource, decision)?;
            self.record(capability, &resource, &decision);
            Some(decision.to_string())
        })
    }

    /// A connection or a listener was closed.
    pub(crate) fn closed(&self, remote: Option<SocketAddr>, local: Option<SocketAddr>) {
        self.held().forget(remote, local);
    }

    fn held(&self) -> MutexGuard<'_, OpenSockets> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the addresses of a host may be asked for.
    pub(crate) fn allows_lookup(&self, host: &Host) -> bool {
        let start = self.0.sockets.decide_lookup(host);
        let later = |latest: Arc<Latest>| latest.policy.lookup(host);
        let resource = format!("lookup://{host}");
        let decision = both(start, latest(self.0.live.as_ref()).map(later), &resource);
        self.record("lookup", &resource, &decision);
        if decision.is_allow() {
            observe(self.0.decisions.as_ref(), |uses| uses.lookup(host, []));
        }
        decision.is_allow()
    }

    /// Of the addresses that a host has, those that the guest is told.
    pub(crate) fn told(&self, host: &Host, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let latest = latest(self.0.live.as_ref());
        let later = |address| match &latest {
            Some(latest) => latest.policy.network.address(address).is_allow(),
            None => true,
        };
        addresses.retain(|address| self.0.sockets.reaches(*address) && later(*address));
        observe(self.0.decisions.as_ref(), |uses| {
            uses.lookup(host, addresses.iter().copied());
        });
        if let Host::Name(_) = host {
            let mut names = self.names();
            for address in &addresses {
                if names.len() >= ADDRESSES_MAX && !names.contains_key(address) {
                    continue;
                }
                let of_address = names.entry(*address).or_default();
                if of_address.len() < NAMES_PER_ADDRESS_MAX && !of_address.contains(host) {
                    of_address.push(host.clone());
                }
            }
        }
        addresses
    }

    /// A bind that is free is something that a policy has to grant.
    fn observe(&self, used: SocketAddrUse, address: SocketAddr, names: &[Host]) {
        observe(self.0.decisions.as_ref(), |uses| {
            uses.socket(&SocketTarget {
                usage: usage(used),
                address: address.ip(),
                port: address.port(),
                names,
            });
        });
    }

    fn names(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Host>>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, capability: &'static str, resource: &dyn fmt::Display, decision: &Decision) {
        let decided = Decided {
            capability,
            resource,
            decision,
        };
        record(self.0.decisions.as_ref(), &decided);
    }
}

/// The latest policy's denial, of what was granted when it was opened.
fn no_longer(resource: &str, decision: Decision) -> Option<Decision> {
    let Decision::Deny { reason, grants, .. } = decision else {
        return None;
    };
    let mut message = format!("{resource} is no longer granted");
    if !grants.is_empty() {
        let changes: Vec<_> = grants.iter().map(ToString::to_string).collect();
        message = format!("{message}; {}", changes.join(" and "));
    }
    Some(Decision::Deny {
        reason,
        message,
        grants,
    })
}

fn target(used: SocketAddrUse, address: SocketAddr, names: &[Host]) -> SocketTarget<'_> {
    SocketTarget {
        usage: usage(used),
        address: address.ip(),
        port: address.port(),
        names,
    }
}

fn is_bind(used: SocketAddrUse) -> bool {
    matches!(used, SocketAddrUse::TcpBind | SocketAddrUse::UdpBind)
}

fn usage(used: SocketAddrUse) -> SocketUse {
    match used {
        SocketAddrUse::TcpConnect => SocketUse::TcpConnect,
        SocketAddrUse::TcpBind => SocketUse::TcpBind,
        SocketAddrUse::TcpListen => SocketUse::TcpListen,
        SocketAddrUse::TcpAccept => SocketUse::TcpAccept,
        SocketAddrUse::UdpBind => SocketUse::UdpBind,
        SocketAddrUse::UdpSend => SocketUse::UdpSend,
        SocketAddrUse::UdpReceive => SocketUse::UdpReceive,
    }
}

fn capability(used: SocketAddrUse) -> &'static str {
    match used {
        SocketAddrUse::TcpConnect | SocketAddrUse::TcpBind => "tcp",
        SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => "listen",
        SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => "udp",
    }
}

#[cfg(test)]
mod tests;
