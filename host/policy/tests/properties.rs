//! Facts that hold for every policy and every question, held against the slow model.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at once, in what it calls too"
)]

mod generate;
mod model;

use generate::{
    action, connection, narrower, pattern, policy, request, socket, with_pattern, with_sockets,
};
use proptest::prelude::*;
use swarm_flow_policy::{
    Action, Authority, CompiledPolicy, Decision, Draft, Filesystem, Format, Host, Network, Policy,
    Preset, Surroundings, explain, narrow,
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
