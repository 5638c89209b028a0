//! What one may ask a policy about, and the answer.
//!
//! | action | as JSON |
//! |---|---|
//! | read or write a path of the sandbox | `{"read": {"path": "/workspace/a"}}`, `{"write": {"path": "/tmp/a"}}` |
//! | send a request | `{"http": {"method": "POST", "url": "https://api.example.com/v1/users"}}`; without a method, `GET` |
//! | connect to an address, once a name is resolved | `{"address": {"address": "10.0.0.1"}}` |
//! | connect by TCP, or send datagrams | `{"tcp": {"host": "db.example.com", "port": 5432}}`, `{"udp": {…}}` |
//! | listen | `{"listen": {"address": "127.0.0.1", "port": 8080}}` |
//! | look a name up | `{"lookup": {"name": "db.example.com"}}` |
//! | use a model | `{"model": {"name": "gpt-5"}}` |
//! | use so much | `{"limit": {"name": "memory_bytes", "value": 1073741824}}` |
//!
//! Where an action names a host, it is decided by that name; each address that it has is one more decision, at run time.

use crate::authority::Url;
use crate::decide::{CompiledPolicy, HttpRequest, Surroundings};
use crate::decision::{Decision, Reason};
use crate::filesystem::Access;
use crate::host::Host;
use crate::limits::Limit;
use crate::{Invalid, Policy};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::net::IpAddr;

/// Something that a sandbox might do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Read what lies at this path of the sandbox.
    Read { path: String },
    /// Write, make or remove what lies at this path of the sandbox.
    Write { path: String },
    Http {
        /// As it would be sent; `GET` unless given.
        #[serde(default = "get")]
        method: String,
        /// Absolute, `http` or `https`.
        url: String,
    },
    /// Connect to an address that a name resolved to.
    Address { address: IpAddr },
    Tcp {
        /// A name or an address.
        host: String,
        port: u16,
    },
    Udp {
        /// A name or an address.
        host: String,
        port: u16,
    },
    /// Take TCP connections at this address of the runner's machine; port 0 is any that is free.
    Listen { address: IpAddr, port: u16 },
    /// Ask for the addresses of a name.
    Lookup { name: String },
    /// Have an agent use a model.
    Model { name: String },
    /// Use this much, in the unit of the limit's name.
    Limit { name: Limit, value: u64 },
}

fn get() -> String {
    "GET".to_owned()
}

/// What a policy makes of an action. Refuses what is no policy; an action that makes no sense is denied.
pub fn explain(
    policy: &Policy,
    action: &Action,
    surroundings: &Surroundings,
) -> Result<Decision, Invalid> {
    Ok(CompiledPolicy::new(policy, surroundings)?.decide(action))
}

impl CompiledPolicy {
    /// What the policy makes of an action.
    pub fn decide(&self, action: &Action) -> Decision {
        let by_host = |host: &str, decide: &dyn Fn(&Host) -> Decision| match Host::parse(host) {
            Ok(host) => decide(&host),
            Err(error) => senseless(host, error),
        };
        match action {
            Action::Read { path } => self.path(path, Access::Read),
            Action::Write { path } => self.path(path, Access::ReadWrite),
            Action::Http { method, url } => self.request(method, url),
            Action::Address { address } => self.network.address(*address),
            Action::Tcp { host, port } => by_host(host, &|host| self.tcp(host, *port)),
            Action::Udp { host, port } => by_host(host, &|host| self.udp(host, *port)),
            Action::Listen { address, port } => self.listen(*address, *port),
            Action::Lookup { name } => by_host(name, &|host| self.lookup(host)),
            Action::Model { name } => self.model(name),
            Action::Limit { name, value } => self.limit(*name, *value),
        }
    }

    fn request(&self, method: &str, url: &str) -> Decision {
        if method.is_empty() || !method.bytes().all(is_token) {
            return senseless(method, "it is not a method; write `GET`, say");
        }
        match Url::parse(url) {
            Ok(target) => self.network.http(&HttpRequest {
                method,
                scheme: target.scheme,
                host: &target.host,
                port: target.port,
                path: target.path,
            }),
            Err(error) => senseless(url, error),
        }
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn senseless(what: &str, why: impl Display) -> Decision {
    Decision::deny(
        Reason::Invalid,
        format!("`{}` makes no sense: {why}", what.escape_default()),
        Vec::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, Preset};
    use serde_json::json;

    #[test]
    fn an_action_and_its_decision_are_json() {
        let mut policy = Preset::Standard.policy();
        policy.network = Network::Public(vec!["https://a.example".to_owned()]);
        policy.sockets = vec!["listen://127.0.0.1:*".to_owned()];
        for (action, expected) in [
            (
                json!({"http": {"url": "https://a.example/"}}),
                json!({"decision": "allow", "rule": "network.public[0] = \"https://a.example\""}),
            ),
            (
                json!({"http": {"method": "POST", "url": "https://b.example/"}}),
                json!({
                    "decision": "deny", "reason": "not_granted",
                    "message": "POST https://b.example/ is not granted; add \"https://b.example\" to network.public",
                    "grants": [{"field": "network.public", "change": "add", "value": "\"https://b.example\""}],
                }),
            ),
            (
                json!({"http": {"url": "https://a.example@evil.example/"}}),
                json!({
                    "decision": "deny", "reason": "invalid", "grants": [],
                    "message": "`https://a.example@evil.example/` makes no sense: a user name or password (`@`) is never sent \
                                from a sandbox",
                }),
            ),
            (
                json!({"write": {"path": "/workspace/a"}}),
                json!({"decision": "allow", "rule": "filesystem.read_write[0] = \"/workspace\""}),
            ),
            (
                json!({"listen": {"address": "127.0.0.1", "port": 0}}),
                json!({
                    "decision": "deny", "reason": "address_not_granted",
                    "message": "listen://127.0.0.1:0 is not granted: sockets[0] = \"listen://127.0.0.1:*\" is, and \
                                `network.public` does not reach it; set network = \"localhost\"",
                    "grants": [{"field": "network", "change": "set", "value": "\"localhost\""}],
                }),
            ),
            (
                json!({"limit": {"name": "handles", "value": 1001}}),
                json!({
                    "decision": "deny", "reason": "over_limit",
                    "message": "handles of 1001 is over the limit of 1000; set limits.handles = 1001",
                    "grants": [{"field": "limits.handles", "change": "set", "value": "1001"}],
                }),
            ),
        ] {
            let parsed: Action = serde_json::from_value(action.clone()).unwrap();
            let decision = explain(&policy, &parsed, &Surroundings::default()).unwrap();
            assert_eq!(
                serde_json::to_value(decision).unwrap(),
                expected,
                "{action}"
            );
        }
    }

    #[test]
    fn an_action_that_says_too_much_is_refused() {
        for action in [
            json!({"http": {"url": "https://a", "body": ""}}),
            json!({"http": {}}),
            json!({"tcp": {"host": "a"}}),
            json!({"tcp": {"host": "a", "port": 65536}}),
            json!({"limit": {"name": "memory", "value": 1}}),
            json!({"fly": {}}),
        ] {
            assert!(
                serde_json::from_value::<Action>(action.clone()).is_err(),
                "{action}"
            );
        }
    }

    #[test]
    fn what_is_asked_moves_no_cursor() {
        let policy = Preset::Standard.policy();
        let odd = || "[\u{1b}\n".to_owned();
        for action in [
            Action::Read { path: odd() },
            Action::Write {
                path: format!("/{}", odd()),
            },
            Action::Http {
                method: odd(),
                url: odd(),
            },
            Action::Http {
                method: "GET".to_owned(),
                url: format!("http://{}/", odd()),
            },
            Action::Tcp {
                host: odd(),
                port: 1,
            },
            Action::Lookup { name: odd() },
        ] {
            let said = explain(&policy, &action, &Surroundings::default())
                .unwrap()
                .to_string();
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }

    #[test]
    fn a_method_that_is_none_is_denied() {
        let action = Action::Http {
            method: "GET /\r\n".to_owned(),
            url: "https://a.example".to_owned(),
        };
        let decision = explain(
            &Preset::Privileged.policy(),
            &action,
            &Surroundings::default(),
        )
        .unwrap();
        assert!(
            decision
                .to_string()
                .starts_with("`GET /\\r\\n` makes no sense"),
            "{decision}"
        );
    }
}
