//! Whether a raw socket may be used, and whether a name may be looked up.

use super::{CompiledPolicy, PATTERNS_MAX, network::network_for};
use crate::Invalid;
use crate::address::Class;
use crate::decision::{Decision, Reason, Rule};
use crate::grant::{Grant, quoted};
use crate::host::Host;
use crate::host_pattern::HostPattern;
use crate::socket::{Kind, SocketPattern};
use std::fmt;
use std::net::IpAddr;

/// Socket grants, parsed.
#[derive(Clone, Debug, Default)]
pub struct CompiledSockets {
    patterns: Vec<(SocketPattern, Rule)>,
}

/// What a socket is about to do. What wasmtime asks its `SocketAddrCheck` about, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketUse {
    /// To the remote address.
    TcpConnect,
    /// At the local address, before it is known what for; port 0 is any that is free.
    TcpBind,
    /// At the local address.
    TcpListen,
    /// From the remote address.
    TcpAccept,
    /// At the local address; port 0 is any that is free.
    UdpBind,
    /// To the remote address.
    UdpSend,
    /// From the remote address.
    UdpReceive,
}

/// What a raw socket is used for, and with whom.
#[derive(Clone, Copy, Debug)]
pub struct SocketTarget<'a> {
    pub usage: SocketUse,
    pub address: IpAddr,
    pub port: u16,
    /// The names that this sandbox looked up and that had this address. Grants of names are decided by these.
    pub names: &'a [Host],
}

impl CompiledSockets {
    /// Refuses a pattern that is none.
    pub fn new(patterns: &[String]) -> Result<Self, Invalid> {
        let compile = |(index, text): (usize, &String)| {
            let field = format!("sockets[{index}]");
            let rule = Rule::new(format!("{field} = {}", quoted(text)));
            let pattern =
                SocketPattern::parse(text).map_err(|message| Invalid::new(field, message))?;
            Ok((pattern, rule))
        };
        let patterns = patterns
            .iter()
            .enumerate()
            .map(compile)
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    pub(crate) fn problems(patterns: &[String]) -> Vec<Invalid> {
        if patterns.len() > PATTERNS_MAX {
            return vec![Invalid::new(
                "sockets",
                format!(
                    "has {} patterns; give at most {PATTERNS_MAX}",
                    patterns.len()
                ),
            )];
        }
        let parsed: Vec<_> = patterns
            .iter()
            .map(|text| SocketPattern::parse(text))
            .collect();
        let is_looked_up = |name: &HostPattern| {
            parsed
                .iter()
                .flatten()
                .any(|other| other.kind == Kind::Lookup && other.host.contains(name))
        };
        let problem = |parsed: &Result<SocketPattern, String>| {
            match parsed {
            Err(message) => Some(message.clone()),
            Ok(pattern) => pattern
                .needs_lookup_of()
                .filter(|name| !is_looked_up(name))
                .map(|name| format!("`{pattern}` is of use only with `lookup://{name}`, as guests connect to addresses; add it")),
        }
        };
        parsed
            .iter()
            .enumerate()
            .filter_map(|(index, parsed)| {
                Some(Invalid::new(format!("sockets[{index}]"), problem(parsed)?))
            })
            .collect()
    }

    fn covering(&self, kind: Kind, hosts: &[Host], port: u16) -> Option<&Rule> {
        self.find(|pattern| hosts.iter().any(|host| pattern.covers(kind, host, port)))
    }

    fn of_kind(&self, kinds: &[Kind]) -> Option<&Rule> {
        self.find(|pattern| kinds.contains(&pattern.kind))
    }

    fn find(&self, matches: impl Fn(&SocketPattern) -> bool) -> Option<&Rule> {
        self.patterns
            .iter()
            .find(|(pattern, _)| matches(pattern))
            .map(|(_, rule)| rule)
    }
}

impl CompiledPolicy {
    /// Whether a raw socket may do this with this address.
    pub fn socket(&self, target: &SocketTarget<'_>) -> Decision {
        let SocketTarget { address, port, .. } = *target;
        match target.usage {
            SocketUse::TcpConnect => self.connect(Kind::Tcp, target),
            SocketUse::UdpSend | SocketUse::UdpReceive => self.connect(Kind::Udp, target),
            SocketUse::TcpListen => self.at(Kind::Listen, address, port),
            SocketUse::TcpBind if port == 0 => self.bind(&[Kind::Tcp, Kind::Listen], address),
            SocketUse::TcpBind => self.at(Kind::Listen, address, port),
            SocketUse::UdpBind if port == 0 => self.bind(&[Kind::Udp], address),
            SocketUse::UdpBind => self.at(Kind::Udp, address, port),
            SocketUse::TcpAccept => self.accept(address),
        }
    }

    /// Whether a guest may connect by TCP to a host, by name or address. By name it is decided again by each address.
    pub fn tcp(&self, host: &Host, port: u16) -> Decision {
        self.by_host(Kind::Tcp, host, port)
    }

    /// Whether a guest may send datagrams to a host and take its answers.
    pub fn udp(&self, host: &Host, port: u16) -> Decision {
        self.by_host(Kind::Udp, host, port)
    }

    /// Whether a guest may take TCP connections at an address of the runner's machine.
    pub fn listen(&self, address: IpAddr, port: u16) -> Decision {
        self.at(Kind::Listen, address, port)
    }

    /// Whether a guest may ask for the addresses of a name. It is told those that [`super::CompiledNetwork::address`]
    /// allows. An address is no question to anybody; it is answered to those with some use for it.
    pub fn lookup(&self, host: &Host) -> Decision {
        match host {
            Host::Address(address) => {
                let named = self.sockets.find(|pattern| pattern.host.covers(host));
                let subject = Subject {
                    kind: Kind::Lookup,
                    host,
                    port: 0,
                };
                let asked = SocketPattern::parse(&format!("tcp://{host}:*")).ok();
                self.conclude(&subject, named, Some(Class::of(*address)), asked)
            }
            Host::Name(_) => self.by_host(Kind::Lookup, host, 0),
        }
    }

    fn by_host(&self, kind: Kind, host: &Host, port: u16) -> Decision {
        let class = match host {
            Host::Address(address) => Some(Class::of(*address)),
            Host::Name(_) => None,
        };
        let named = self
            .sockets
            .covering(kind, std::slice::from_ref(host), port);
        let subject = Subject { kind, host, port };
        self.conclude(&subject, named, class, subject.pattern())
    }

    fn connect(&self, kind: Kind, target: &SocketTarget<'_>) -> Decision {
        let address = Host::from(target.address);
        let named = self
            .sockets
            .covering(kind, std::slice::from_ref(&address), target.port)
            .or_else(|| self.sockets.covering(kind, target.names, target.port));
        let host = target.names.first().unwrap_or(&address);
        let subject = Subject {
            kind,
            host,
            port: target.port,
        };
        self.conclude(
            &subject,
            named,
            Some(Class::of(target.address)),
            subject.pattern(),
        )
    }

    /// At a local address. All addresses of the machine together are of no class: who connects is decided when it does.
    fn at(&self, kind: Kind, address: IpAddr, port: u16) -> Decision {
        let host = &Host::from(address);
        let named = self
            .sockets
            .covering(kind, std::slice::from_ref(host), port);
        let class = Some(Class::of(address)).filter(|class| *class != Class::Unspecified);
        let subject = Subject { kind, host, port };
        self.conclude(&subject, named, class, subject.pattern())
    }

    /// A local port that the system chooses says nothing yet: what the socket does with it is decided when it does it.
    fn bind(&self, kinds: &[Kind], address: IpAddr) -> Decision {
        if let Some(rule) = self
            .sockets
            .of_kind(kinds)
            .filter(|_| !self.network.is_none())
        {
            return Decision::allow(rule);
        }
        let kinds: Vec<_> = kinds
            .iter()
            .map(|kind| format!("`{}://`", kind.name()))
            .collect();
        let what = format!(
            "a socket at {} is not granted: it needs a {} in sockets, and a network",
            Host::from(address),
            kinds.join(" or ")
        );
        Decision::deny(Reason::NotGranted, what, Vec::new())
    }

    /// Who connects has to be someone that the network reaches.
    fn accept(&self, address: IpAddr) -> Decision {
        match self.sockets.of_kind(&[Kind::Listen]) {
            Some(rule) if self.network.allows_class(Class::of(address)) => Decision::allow(rule),
            Some(_) => self.network.address(address),
            None => Decision::deny(
                Reason::NotGranted,
                "a connection from outside is not granted: there is no `listen://` in sockets",
                Vec::new(),
            ),
        }
    }

    /// A socket needs a pattern that names it and a network that reaches its address, or any address for a name.
    fn conclude(
        &self,
        subject: &Subject<'_>,
        named: Option<&Rule>,
        class: Option<Class>,
        asked: Option<SocketPattern>,
    ) -> Decision {
        if let Some(class) = class.filter(|class| !class.can_be_granted()) {
            let what = format!("{subject} is not granted: it is {class}, which no policy grants");
            return Decision::deny(Reason::NeverGranted, what, Vec::new());
        }
        let reached = match class {
            Some(class) => self.network.allows_class(class),
            None => !self.network.is_none(),
        };
        if let Some(rule) = named.filter(|_| reached) {
            return Decision::allow(rule);
        }
        let mut grants = Vec::new();
        if !reached {
            let network = network_for(class.unwrap_or(Class::Public));
            grants.extend(network.map(Grant::Network));
        }
        if named.is_none() {
            grants.extend(self.missing(asked));
        }
        let (reason, why) = match named {
            None => (Reason::NotGranted, String::new()),
            Some(rule) => (
                Reason::AddressNotGranted,
                format!(
                    ": {rule} is, and `{}` does not reach it",
                    self.network.rule()
                ),
            ),
        };
        Decision::deny(reason, format!("{subject} is not granted{why}"), grants)
    }

    /// The pattern that is asked for, and the lookup that it needs.
    fn missing(&self, asked: Option<SocketPattern>) -> Vec<Grant> {
        let Some(asked) = asked else {
            return Vec::new();
        };
        let is_looked_up = |name: &HostPattern| {
            self.sockets
                .find(|other| other.kind == Kind::Lookup && other.host.contains(name))
                .is_some()
        };
        let lookup = asked
            .needs_lookup_of()
            .filter(|name| !is_looked_up(name))
            .map(|name| Grant::Socket(format!("lookup://{name}")));
        std::iter::once(Grant::Socket(asked.to_string()))
            .chain(lookup)
            .collect()
    }
}

/// What is asked for, in the words of a pattern.
struct Subject<'a> {
    kind: Kind,
    host: &'a Host,
    port: u16,
}

impl Subject<'_> {
    /// The pattern for just this; a port that the system chooses is any.
    fn pattern(&self) -> Option<SocketPattern> {
        let (kind, host) = (self.kind.name(), self.host);
        let text = match (self.kind, self.port) {
            (Kind::Lookup, _) => format!("{kind}://{host}"),
            (_, 0) => format!("{kind}://{host}:*"),
            (_, port) => format!("{kind}://{host}:{port}"),
        };
        SocketPattern::parse(&text).ok()
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.kind.name(), self.host)?;
        match self.kind {
            Kind::Lookup => Ok(()),
            _ => write!(formatter, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests;
