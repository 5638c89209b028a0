//! Facts that hold for every policy and every question, held against the slow model.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at once, in what it calls too"
)]

mod generate;
mod model;

use generate::{
    action, address, connection, narrower, network_with_group, pattern, policy, reachable,
    registry, request, socket, used, with_pattern, with_sockets,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::net::Ipv4Addr;
use swarm_flow_policy::learn::{Paths, Uses};
use swarm_flow_policy::{
    Action, Authority, CompiledNetwork, CompiledPolicy, Decision, Draft, Filesystem, Format, Host,
    HttpRequest, Network, Policy, Preset, SocketTarget, Surroundings, Url, explain, narrow,
    pattern,
};

fn decide(policy: &Policy, action: &Action) -> Decision {
    explain(policy, action, &Surroundings::default()).unwrap()
}

/// What may be narrowed to allows nothing that its base denies.
fn allows_no_more(base: &Policy, wish: &Policy, actions: &[Action]) -> Result<(), TestCaseError> {
    if narrow(base, wish).is_ok() {
        for action in actions {
            prop_assert!(
                !model::allows(wish, action) || model::allows(base, action),
                "{:?}",
                action
            );
        }
    }
    Ok(())
}

/// The policy without a line of its network or sockets, and with each network that is less.
fn with_less(policy: &Policy) -> Vec<Policy> {
    let without = |lines: &[String], index: usize| {
        let mut lines = lines.to_vec();
        lines.remove(index);
        lines
    };
    let mut less = Vec::new();
    for index in 0..policy.sockets.len() {
        less.push(Policy {
            sockets: without(&policy.sockets, index),
            ..policy.clone()
        });
    }
    let networks = match &policy.network {
        Network::None => Vec::new(),
        Network::Public(lines) => (0..lines.len())
            .map(|index| Network::Public(without(lines, index)))
            .chain([Network::None])
            .collect(),
        Network::Localhost | Network::Private => vec![Network::None],
        Network::Any => vec![Network::Localhost, Network::Private, Network::None],
    };
    less.extend(networks.into_iter().map(|network| Policy {
        network,
        ..policy.clone()
    }));
    less
}

fn decides_as_the_model(policy: &Policy, actions: &[Action]) -> Result<(), TestCaseError> {
    for action in actions {
        prop_assert_eq!(
            decide(policy, action).is_allow(),
            model::allows(policy, action),
            "{:?}",
            action
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_decision_is_that_of_the_slow_model(policy in policy(), actions in prop::collection::vec(action(), 8)) {
        let compiled = CompiledPolicy::new(&policy, &Surroundings::default()).unwrap();
        for action in actions {
            let decision = compiled.decide(&action);
            prop_assert_eq!(decision.is_allow(), model::allows(&policy, &action), "{:?} {}", action, decision);
        }
    }

    #[test]
    fn a_request_goes_to_an_address_as_in_the_slow_model(
        network in network_with_group(),
        registries in prop::collection::vec(registry(), 0..3),
        requests in prop::collection::vec((request(), address()), 16),
    ) {
        for line in &registries {
            prop_assert_eq!(pattern::check_registry(line), Ok(()));
        }
        let compiled = CompiledNetwork::new(&network, &registries).unwrap();
        for (action, address) in requests {
            let Action::Http { method, url } = &action else { unreachable!() };
            let target = Url::parse(url).unwrap();
            let request = HttpRequest {
                method, scheme: target.scheme, host: &target.host, port: target.port, path: target.path,
            };
            // An address is all the addresses that it has.
            let address = match target.host {
                Host::Address(own) => own,
                Host::Name(_) => address,
            };
            let sent = compiled.http(&request).is_allow() && compiled.address_for(&request, address).is_allow();
            let expected = model::sends_to(&network, &registries, method, url, address);
            prop_assert_eq!(sent, expected, "{} to {}", request, address);
        }
    }

    #[test]
    fn what_is_learned_allows_what_was_seen_and_has_no_line_to_spare(
        requests in prop::collection::vec((request(), reachable()), 0..8),
        sockets in prop::collection::vec(used(), 0..5),
        paths in select(&[Paths::Exact, Paths::Prefix, Paths::Host][..]),
    ) {
        let mut uses = Uses::default();
        let mut seen = Vec::new();
        for (action, address) in requests {
            let Action::Http { method, url } = &action else { unreachable!() };
            let target = Url::parse(url).unwrap();
            let resolved = match &target.host {
                Host::Address(own) => *own,
                host if host.is_localhost() => Ipv4Addr::LOCALHOST.into(),
                Host::Name(_) => address,
            };
            uses.request(&HttpRequest {
                method, scheme: target.scheme, host: &target.host, port: target.port, path: target.path,
            });
            uses.resolved(&target.host, [resolved]);
            seen.extend([action.clone(), Action::Address { address: resolved }]);
        }
        for (usage, address, port) in &sockets {
            uses.socket(&SocketTarget { usage: *usage, address: *address, port: *port, names: &[] });
        }
        let learned = uses.learn(paths, Preset::Isolated.policy().limits);
        prop_assert_eq!(Policy::read(&learned.to_string(), Format::Toml), Ok(learned.policy.clone()));
        let allows_all = |policy: &Policy| {
            let compiled = CompiledPolicy::new(policy, &Surroundings::default()).unwrap();
            seen.iter().all(|action| compiled.decide(action).is_allow())
                && sockets.iter().all(|(usage, address, port)| {
                    let target = SocketTarget { usage: *usage, address: *address, port: *port, names: &[] };
                    compiled.socket(&target).is_allow()
                })
        };
        prop_assert!(allows_all(&learned.policy), "{}", learned);
        for smaller in with_less(&learned.policy) {
            prop_assert!(!allows_all(&smaller), "{}\n{:?}", learned, smaller);
        }
    }

    #[test]
    fn what_is_narrowed_allows_nothing_that_its_base_denies(
        base in policy(), wish in policy(), actions in prop::collection::vec(action(), 8)
    ) {
        allows_no_more(&base, &wish, &actions)?;
    }

    #[test]
    fn a_pattern_within_another_allows_nothing_more(
        (own, wish) in (pattern(), pattern()), actions in prop::collection::vec(request(), 32)
    ) {
        let (base, wish) = (with_pattern(own), with_pattern(wish));
        decides_as_the_model(&base, &actions)?;
        allows_no_more(&base, &wish, &actions)?;
    }

    #[test]
    fn a_socket_within_another_allows_nothing_more(
        (own, wish) in (socket(), socket()), actions in prop::collection::vec(connection(), 32)
    ) {
        let (base, wish) = (with_sockets(own), with_sockets(wish));
        decides_as_the_model(&base, &actions)?;
        allows_no_more(&base, &wish, &actions)?;
    }

    #[test]
    fn what_has_less_in_each_line_is_narrower(
        (base, wish) in policy().prop_flat_map(|base| (Just(base.clone()), narrower(base))),
        actions in prop::collection::vec(action(), 8)
    ) {
        prop_assert_eq!(narrow(&base, &wish), Ok(wish.clone()));
        for action in actions {
            prop_assert!(!decide(&wish, &action).is_allow() || decide(&base, &action).is_allow(), "{:?}", action);
        }
    }

    #[test]
    fn narrower_is_an_order(
        (base, further) in policy().prop_flat_map(|base| {
            narrower(base.clone()).prop_flat_map(move |wish| (Just(base.clone()), narrower(wish)))
        }),
        actions in prop::collection::vec(action(), 8)
    ) {
        prop_assert_eq!(narrow(&base, &base), Ok(base.clone()));
        prop_assert_eq!(narrow(&base, &further), Ok(further.clone()));
        if narrow(&further, &base).is_ok() {
            for action in actions {
                prop_assert_eq!(decide(&base, &action).is_allow(), decide(&further, &action).is_allow());
            }
        }
        let all = Preset::Privileged.policy();
        let mut least = base.clone();
        least.filesystem = Filesystem::None;
        least.network = Network::None;
        least.sockets = Vec::new();
        least.models = Vec::new();
        prop_assert!(narrow(&base, &least).is_ok());
        let mut most = base.clone();
        most.filesystem = all.filesystem;
        most.network = all.network;
        prop_assert!(narrow(&most, &base).is_ok());
    }

    #[test]
    fn what_a_denial_would_grant_allows_it(policy in policy(), action in action()) {
        if let Decision::Deny { grants, message, .. } = decide(&policy, &action) {
            let mut granted = policy.clone();
            for grant in &grants {
                granted.grant(grant);
            }
            prop_assert_eq!(granted.problems(), vec![]);
            if !grants.is_empty() {
                let decision = decide(&granted, &action);
                prop_assert!(decision.is_allow(), "{}\n{}", message, decision);
            }
        }
    }

    #[test]
    fn a_policy_reads_back_from_a_file_as_it_was_written(policy in policy()) {
        let toml = toml::to_string(&policy).unwrap();
        prop_assert_eq!(Policy::read(&toml, Format::Toml), Ok(policy.clone()));
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(Policy::read(&json, Format::Json), Ok(policy.clone()));
        let draft = serde_json::to_string(&Draft::from(policy.clone())).unwrap();
        prop_assert_eq!(Draft::read(&draft, Format::Json).unwrap().policy(), Ok(policy));
    }

    #[test]
    fn a_host_that_is_read_again_is_the_same(text in "[a-z0-9.:\\[\\]xX_-]{0,20}|\\PC{0,12}") {
        if let Ok(host) = Host::parse(&text) {
            prop_assert_eq!(Host::parse(&host.to_string()), Ok(host));
        }
        if let Ok(authority) = Authority::parse(&text) {
            prop_assert_eq!(Host::parse(&authority.host.to_string()), Ok(authority.host));
        }
    }

    #[test]
    fn a_host_that_is_read_is_the_one_that_a_browser_reads(text in
            "[0-9a-fxX.]{1,16}|[a-z0-9.üßΣ。．１-]{1,16}|(0x|0|)[0-7]{1,3}(\\.(0x|0|)[0-7]{1,3}){0,3}"
        ) {
        let browser = url::Host::parse(&text).ok().map(|host| match host {
            url::Host::Domain(name) => Host::Name(name.trim_end_matches('.').to_owned()),
            url::Host::Ipv4(v4) => Host::Address(v4.into()),
            url::Host::Ipv6(v6) => Host::Address(v6.into()),
        });
        // We refuse some that a browser takes, and take none otherwise than it does.
        if let Ok(own) = Host::parse(&text) {
            prop_assert_eq!(Some(own), browser);
        }
    }
}
