//! A policy file: what is read is valid and reads back the same; what is not says where.

#![no_main]

use libfuzzer_sys::fuzz_target;
use swarm_flow_policy::{
    CompiledPolicy, Draft, Format, Policy, Problems, Surroundings, TestTable, narrow,
};

fuzz_target!(|text: &str| {
    for format in [Format::Toml, Format::Json] {
        match Draft::read(text, format) {
            Ok(draft) => {
                let json = serde_json::to_string(&draft).unwrap();
                assert_eq!(Draft::read(&json, Format::Json), Ok(draft.clone()));
                match Policy::read(text, format) {
                    Ok(policy) => whole(&policy),
                    Err(problems) => placed(text, &problems),
                }
            }
            Err(problems) => placed(text, &problems),
        }
        if let Err(problems) = TestTable::read(text, format) {
            placed(text, &problems);
        }
    }
});

fn whole(policy: &Policy) {
    assert_eq!(policy.validate(), Ok(()));
    let json = serde_json::to_string(policy).unwrap();
    assert_eq!(Policy::read(&json, Format::Json).as_ref(), Ok(policy));
    assert_eq!(&serde_json::from_str::<Policy>(&json).unwrap(), policy);
    let toml = toml::to_string(policy).unwrap();
    assert_eq!(Policy::read(&toml, Format::Toml).as_ref(), Ok(policy));
    CompiledPolicy::new(policy, &Surroundings::default()).unwrap();
    assert_eq!(narrow(policy, policy).as_ref(), Ok(policy));
}

fn placed(text: &str, problems: &Problems) {
    assert!(!problems.0.is_empty());
    let lines = text.split('\n').count();
    for problem in &problems.0 {
        assert!(
            !problem.to_string().contains(char::is_control),
            "{problem:?}"
        );
        assert!((1..=lines).contains(&problem.line), "{problem}");
        assert!((1..=text.len() + 1).contains(&problem.column), "{problem}");
    }
}
