//! Whether so much may be used.

use super::CompiledPolicy;
use crate::decision::{Decision, Reason, Rule};
use crate::grant::Grant;
use crate::limits::Limit;

impl CompiledPolicy {
    /// Whether a sandbox may use this much, in the unit of the limit's name.
    pub fn limit(&self, limit: Limit, value: u64) -> Decision {
        let allowed = limit.of(&self.limits);
        let name = limit.name();
        if value <= allowed {
            return Decision::allow(&Rule::new(format!("limits.{name} = {allowed}")));
        }
        let what = format!("{name} of {value} is over the limit of {allowed}");
        if limit.range().contains(&value) {
            Decision::deny(Reason::OverLimit, what, vec![Grant::Limit(limit, value)])
        } else {
            let most = *limit.range().end();
            let what = format!("{what}, and over the {most} that a policy can grant");
            Decision::deny(Reason::NeverGranted, what, Vec::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{CompiledPolicy, Limit, Preset, Surroundings};

    #[test]
    fn a_limit_is_reached_and_not_passed() {
        let policy = Preset::Isolated.policy();
        let policy = CompiledPolicy::new(&policy, &Surroundings::default()).unwrap();
        assert!(policy.limit(Limit::Handles, 100).is_allow());
        assert_eq!(
            policy.limit(Limit::Handles, 101).to_string(),
            "handles of 101 is over the limit of 100; set limits.handles = 101"
        );
        assert!(
            policy
                .limit(Limit::Handles, u64::MAX)
                .to_string()
                .contains("that a policy can grant")
        );
    }
}
