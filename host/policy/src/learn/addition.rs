//! A policy, and what was denied under it.

use super::{Learned, Paths, Uses, http};
use crate::action::{Action, explain};
use crate::authority::Url;
use crate::decide::{HttpRequest, Surroundings};
use crate::decision::Decision;
use crate::grant::Grant;
use crate::network::Network;
use crate::{Invalid, Policy};

/// What the policy grants, and of what was denied all that some policy can grant. Where one network does not hold both, it is
/// `any`, which a note says. Refuses what is no policy.
pub fn widened(policy: &Policy, denied: &[Action], paths: Paths) -> Result<Learned, Invalid> {
    let mut wider = policy.clone();
    let mut requests = Uses::default();
    for action in denied {
        let decision = explain(&wider, action, &Surroundings::default())?;
        let Decision::Deny { grants, .. } = decision else {
            continue;
        };
        for grant in &grants {
            match grant {
                // The denial names the whole host; the request is less.
                Grant::Public(_) | Grant::Network(Network::Public(_))
                    if note(&mut requests, action) => {}
                Grant::Network(network) => wider.network = both(&wider.network, network),
                grant => wider.grant(grant),
            }
        }
    }
    let patterns = http::patterns(&requests.requests, paths);
    if !patterns.is_empty() {
        wider.network = both(&wider.network, &Network::Public(patterns));
    }
    let mut learned = Learned {
        policy: wider,
        notes: Vec::new(),
    };
    let is_any = learned.policy.network == Network::Any;
    if is_any && policy.network != Network::Any {
        let text =
            "a policy has one network, and only `any` holds what there was and what was denied";
        learned.note("network", text.to_owned());
    }
    Ok(learned)
}

/// Whether it is a request.
fn note(requests: &mut Uses, action: &Action) -> bool {
    let Action::Http { method, url } = action else {
        return false;
    };
    let Ok(target) = Url::parse(url) else {
        return false;
    };
    requests.request(&HttpRequest {
        method,
        scheme: target.scheme,
        host: &target.host,
        port: target.port,
        path: target.path,
    });
    true
}

/// The least network that grants what either does.
fn both(one: &Network, other: &Network) -> Network {
    match (one, other) {
        (Network::None, network) | (network, Network::None) => network.clone(),
        (Network::Public(one), Network::Public(other)) => {
            let new = other.iter().filter(|pattern| !one.contains(pattern));
            Network::Public(one.iter().chain(new).cloned().collect())
        }
        (one, other) if one == other => one.clone(),
        _ => Network::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn what_was_denied_is_added_as_narrowly_as_it_was_asked_for() {
        let get = |url: &str| Action::Http {
            method: "GET".to_owned(),
            url: url.to_owned(),
        };
        let patterns =
            |lines: &[&str]| Network::Public(lines.iter().map(|&line| line.to_owned()).collect());
        let of = |network: Network| Policy {
            network,
            ..Preset::Standard.policy()
        };
        for (network, denied, expected) in [
            (
                patterns(&["https://a.example"]),
                vec![
                    get("https://b.example/v1/x?y"),
                    get("https://b.example/v1/z"),
                ],
                patterns(&["https://a.example", "GET https://b.example/v1/"]),
            ),
            (
                Network::None,
                vec![get("http://127.0.0.1:80/")],
                Network::Localhost,
            ),
            (
                patterns(&["https://a.example"]),
                vec![get("http://127.0.0.1:80/")],
                Network::Any,
            ),
            (
                Network::None,
                vec![get("http://169.254.169.254/")],
                Network::None,
            ),
            (Network::Any, vec![get("https://a.example/")], Network::Any),
        ] {
            let learned = widened(&of(network), &denied, Paths::Prefix).unwrap();
            assert_eq!(learned.policy.network, expected, "{denied:?}");
        }
        let connect = Action::Tcp {
            host: "10.0.0.1".to_owned(),
            port: 5432,
        };
        let learned = widened(&of(Network::Private), &[connect], Paths::Prefix).unwrap();
        assert_eq!(learned.policy.sockets, ["tcp://10.0.0.1:5432"]);
    }
}
