//! Whether an HTTP request may leave, and whether an address may be connected to.

use crate::Invalid;
use crate::address::Class;
use crate::authority::Scheme;
use crate::decision::{Decision, Reason, Rule};
use crate::grant::{Grant, quoted};
use crate::host::Host;
use crate::host_pattern::HostPattern;
use crate::network::Network;
use crate::path::{PathPattern, is_ambiguous, without_query};
use crate::pattern::{PACKAGE_REGISTRIES, PATTERN_BYTES_MAX, Pattern, is_method};
use std::fmt;
use std::net::IpAddr;

/// A network grant whose patterns are parsed.
#[derive(Clone, Debug)]
pub struct CompiledNetwork {
    /// Without its patterns.
    network: Network,
    /// The line that says which network it is.
    rule: Rule,
    patterns: Vec<(Pattern, Rule)>,
    /// Those of hosts that the operator named: wherever these are, short of what no policy grants.
    named: Vec<(Pattern, Rule)>,
}

/// A request that a guest wants to send.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    pub method: &'a str,
    pub scheme: Scheme,
    pub host: &'a Host,
    pub port: u16,
    /// As it is sent, with or without its query.
    pub path: &'a str,
}

impl CompiledNetwork {
    /// `registries` are the patterns that `@package-registries` stands for; what is not a pattern among them grants
    /// nothing. Refuses a network with a pattern that is none.
    pub fn new(network: &Network, registries: &[String]) -> Result<Self, Invalid> {
        let mut patterns = Vec::new();
        let mut named = Vec::new();
        let mut kind = network.clone();
        let mut rule = format!("network = {}", quoted(network.kind()));
        if let Network::Public(written) = network {
            kind = Network::Public(Vec::new());
            rule = "network.public".to_owned();
            for (index, text) in written.iter().enumerate() {
                let field = format!("network.public[{index}]");
                if text == PACKAGE_REGISTRIES {
                    named.extend(group(&field, registries));
                    continue;
                }
                let rule = Rule::new(format!("{field} = {}", quoted(text)));
                let pattern =
                    Pattern::parse(text).map_err(|message| Invalid::new(field, message))?;
                patterns.push((pattern, rule));
            }
        }
        Ok(Self {
            network: kind,
            rule: Rule::new(rule),
            patterns,
            named,
        })
    }

    /// Whether a request may be sent to what it names. A name is looked up after this, and each address that it has is
    /// then decided by [`Self::address_for`].
    pub fn http(&self, request: &HttpRequest<'_>) -> Decision {
        if request.method.eq_ignore_ascii_case("CONNECT") {
            return Decision::deny(
                Reason::Tunnel,
                format!("{request} opens a tunnel, which no policy grants"),
                Vec::new(),
            );
        }
        if let Some(rule) = rule_for(&self.named, request) {
            return Decision::allow(rule);
        }
        if let Host::Address(address) = request.host {
            if !self.network.allows_class(Class::of(*address)) {
                return self.deny_address(*address, Some(request));
            }
        } else if !self.reaches_name(request.host) {
            return self.deny_host(request);
        }
        match (&self.network, rule_for(&self.patterns, request)) {
            (Network::Public(_), Some(rule)) => Decision::allow(rule),
            (Network::Public(_), None) => self.deny_by_patterns(request),
            _ => Decision::allow(&self.rule),
        }
    }

    /// Whether a request that [`Self::http`] allows may be sent to this address, one of those that its host has. The host
    /// of a registry may have a private or loopback address, as the operator named it.
    pub fn address_for(&self, request: &HttpRequest<'_>, address: IpAddr) -> Decision {
        match rule_for(&self.named, request) {
            Some(rule) if Class::of(address).can_be_granted() => Decision::allow(rule),
            _ => self.address(address),
        }
    }

    /// Whether an address may be connected to, whatever for.
    pub fn address(&self, address: IpAddr) -> Decision {
        if self.network.allows_class(Class::of(address)) {
            Decision::allow(&self.rule)
        } else {
            self.deny_address(address, None)
        }
    }

    pub(crate) fn allows_class(&self, class: Class) -> bool {
        self.network.allows_class(class)
    }

    pub(crate) fn is_none(&self) -> bool {
        self.network == Network::None
    }

    pub(crate) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Whether a name could have an address that is reached: `localhost` is the machine itself, and to ask a name
    /// server for anything else where only the machine is granted would tell it what the guest knows.
    fn reaches_name(&self, host: &Host) -> bool {
        match self.network {
            Network::None => false,
            Network::Localhost => host.is_localhost(),
            Network::Private | Network::Public(_) => !host.is_localhost(),
            Network::Any => true,
        }
    }

    fn deny_address(&self, address: IpAddr, request: Option<&HttpRequest<'_>>) -> Decision {
        let class = Class::of(address);
        let host = Host::from(address);
        let what = match request {
            Some(request) => format!("{request} is not granted: {host} is {class}"),
            None => format!("{host} is {class}"),
        };
        match (network_for(class), request) {
            (None, _) => Decision::deny(
                Reason::NeverGranted,
                format!("{what}, which no policy grants"),
                Vec::new(),
            ),
            (Some(Network::Public(_)), Some(request)) => {
                let pattern = whole_host(request).to_string();
                Decision::deny(
                    Reason::AddressNotGranted,
                    what,
                    vec![Grant::Network(Network::Public(vec![pattern]))],
                )
            }
            (Some(network), _) => Decision::deny(
                Reason::AddressNotGranted,
                format!("{what}, which `{}` does not reach", self.rule),
                vec![Grant::Network(network)],
            ),
        }
    }

    fn deny_host(&self, request: &HttpRequest<'_>) -> Decision {
        let network = if request.host.is_localhost() {
            Network::Localhost
        } else {
            Network::Public(vec![whole_host(request).to_string()])
        };
        Decision::deny(
            Reason::NotGranted,
            format!("{request} is not granted"),
            vec![Grant::Network(network)],
        )
    }

    /// Says how near the nearest pattern is.
    fn deny_by_patterns(&self, request: &HttpRequest<'_>) -> Decision {
        let path = without_query(request.path);
        let reaching = || {
            let all = self.patterns.iter().chain(&self.named);
            all.map(|(pattern, _)| pattern)
                .filter(|pattern| pattern.reaches(request.scheme, request.host, request.port))
        };
        let of_method = || reaching().find(|pattern| pattern.allows_method(request.method));
        let (reason, why, grant) = if reaching().next().is_none() {
            (Reason::NotGranted, "", whole_host(request))
        } else if of_method().is_some() && is_ambiguous(path) {
            let grant = with_method(request, None);
            (
                Reason::AmbiguousPath,
                ": servers could read its path as another one",
                grant,
            )
        } else if of_method().is_some() {
            let grant = with_method(request, PathPattern::parse(path).ok().flatten());
            (
                Reason::PathNotGranted,
                ": this host is, for other paths",
                grant,
            )
        } else {
            let granted_path = reaching().find(|pattern| pattern.allows_path(path));
            let path = match granted_path {
                Some(pattern) => pattern.path.clone(),
                None => PathPattern::parse(path).ok().flatten(),
            };
            let why = ": this host is, for other methods";
            (Reason::MethodNotGranted, why, with_method(request, path))
        };
        Decision::deny(
            reason,
            format!("{request} is not granted{why}"),
            vec![Grant::Public(grant.to_string())],
        )
    }
}

/// As the guest wrote it, cut short: it stands in messages and logs.
impl fmt::Display for HttpRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const METHOD_CHARS_MAX: usize = 32;
        const PATH_CHARS_MAX: usize = 200;
        for char in self.method.escape_default().take(METHOD_CHARS_MAX) {
            write!(formatter, "{char}")?;
        }
        write!(formatter, " {}://{}", self.scheme.name(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(formatter, ":{}", self.port)?;
        }
        for char in self.path.escape_default().take(PATH_CHARS_MAX) {
            write!(formatter, "{char}")?;
        }
        Ok(())
    }
}

fn rule_for<'a>(patterns: &'a [(Pattern, Rule)], request: &HttpRequest<'_>) -> Option<&'a Rule> {
    let path = without_query(request.path);
    patterns
        .iter()
        .find(|(pattern, _)| {
            pattern.reaches(request.scheme, request.host, request.port)
                && pattern.allows_method(request.method)
                && pattern.allows_path(path)
        })
        .map(|(_, rule)| rule)
}

/// The least network that reaches addresses of a class.
pub(super) fn network_for(class: Class) -> Option<Network> {
    match class {
        Class::Loopback => Some(Network::Localhost),
        Class::Private => Some(Network::Private),
        Class::Public => Some(Network::Public(Vec::new())),
        Class::Unspecified | Class::Metadata | Class::LinkLocal | Class::Reserved => None,
    }
}

fn group(field: &str, registries: &[String]) -> Vec<(Pattern, Rule)> {
    registries
        .iter()
        .filter_map(|registry| {
            let pattern = Pattern::of_registry(registry).ok()?;
            let group = quoted(PACKAGE_REGISTRIES);
            Some((
                pattern,
                Rule::new(format!("{field} = {group} ({registry})")),
            ))
        })
        .collect()
}

fn whole_host(request: &HttpRequest<'_>) -> Pattern {
    Pattern {
        methods: None,
        scheme: request.scheme,
        host: HostPattern::Exact(request.host.clone()),
        port: request.port,
        path: None,
    }
}

/// The least pattern for this method: with the path, if a pattern can hold both.
fn with_method(request: &HttpRequest<'_>, path: Option<PathPattern>) -> Pattern {
    let pattern = Pattern {
        methods: is_method(request.method).then(|| vec![request.method.to_owned()]),
        path,
        ..whole_host(request)
    };
    if pattern.to_string().len() > PATTERN_BYTES_MAX {
        Pattern {
            path: None,
            ..pattern
        }
    } else {
        pattern
    }
}

#[cfg(test)]
mod tests;
