//! What an agent's file tools may do, decided alike in a runner and in the app.

use crate::Error;
use swarm_flow_policy::{
    Access, Action, CompiledApprovals, Decision, Invalid, Policy, Surroundings, ToolCall, explain,
};

/// What is made of a call of a file tool.
pub struct ToolDecision {
    pub capability: &'static str,
    /// In the words of a denial: `write /workspace/a.txt`.
    pub resource: String,
    pub decision: Decision,
}

/// Refuses what a program of the workspace could not do with its files either. `path` is relative to `/workspace`.
pub fn tool_granted(policy: &Policy, path: &str, wanted: Access) -> Result<(), Error> {
    tool_decision(policy, path, wanted)?.granted()
}

/// The same, before it is acted on.
pub fn tool_decision(policy: &Policy, path: &str, wanted: Access) -> Result<ToolDecision, Error> {
    // Where in the workspace a path leads is checked as it is opened, not by its name.
    let workspace = "/workspace".to_owned();
    let (verb, action) = match wanted {
        Access::Read => ("read", Action::Read { path: workspace }),
        Access::ReadWrite => ("write", Action::Write { path: workspace }),
    };
    let decision = explain(policy, &action, &Surroundings::default()).map_err(no_policy)?;
    Ok(ToolDecision {
        capability: "filesystem",
        resource: format!("{verb} /workspace/{path}"),
        decision,
    })
}

/// Whether an agent may write a file, by each of the paths that lead there, when a person approved what these lines ask for.
pub fn write_approved(
    policy: &Policy,
    paths: &[String],
    approved: &[String],
) -> Result<ToolDecision, Error> {
    let lines = CompiledApprovals::new(&policy.approvals).map_err(no_policy)?;
    let call = ToolCall::WriteFile(paths);
    Ok(ToolDecision {
        capability: "approval",
        resource: call.to_string(),
        decision: lines.decide(call, approved),
    })
}

fn no_policy(invalid: Invalid) -> Error {
    Error::Internal {
        message: format!("the policy is none: {invalid}"),
    }
}

impl ToolDecision {
    pub fn granted(self) -> Result<(), Error> {
        if self.decision.is_allow() {
            return Ok(());
        }
        Err(Error::Denied {
            capability: self.capability.to_owned(),
            resource: self.resource,
            rule: self.decision.rule().into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_flow_policy::{Filesystem, Preset};

    #[test]
    fn file_tools_do_no_more_than_a_program_could() {
        let paths = |path: &str| vec![path.to_owned()];
        for (filesystem, reads, writes) in [
            (Filesystem::None, false, false),
            (Filesystem::ReadOnly(Vec::new()), false, false),
            (Filesystem::ReadWrite(paths("/tmp")), false, false),
            (Filesystem::ReadOnly(paths("/workspace")), true, false),
            (Filesystem::ReadWrite(paths("/workspace")), true, true),
            (Filesystem::Full, true, true),
        ] {
            let mut policy = Preset::Standard.policy();
            policy.filesystem = filesystem.clone();
            for (wanted, expected) in [(Access::Read, reads), (Access::ReadWrite, writes)] {
                let granted = tool_granted(&policy, "a/b.txt", wanted);
                assert_eq!(granted.is_ok(), expected, "{filesystem:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn a_write_for_which_a_line_asks_needs_its_approval() {
        let mut policy = Preset::Standard.policy();
        policy.approvals = vec!["write-file .github/".to_owned()];
        let write = |path: &str, approved: &[String]| {
            let decided = write_approved(&policy, &[path.to_owned()], approved).unwrap();
            decided.granted()
        };
        assert_eq!(write("a.txt", &[]), Ok(()));
        assert_eq!(write(".github/ci.yml", &policy.approvals), Ok(()));
        assert_eq!(
            write(".github/ci.yml", &[]),
            Err(Error::Denied {
                capability: "approval".to_owned(),
                resource: "write-file .github/ci.yml".to_owned(),
                rule: r#"remove "write-file .github/" from approvals"#.to_owned(),
            })
        );
    }

    #[test]
    fn a_denial_says_what_would_allow_it() {
        let denied = tool_granted(&Preset::Isolated.policy(), "a.txt", Access::ReadWrite);
        let Err(Error::Denied { resource, rule, .. }) = denied else {
            panic!("not denied: {denied:?}")
        };
        assert_eq!(resource, "write /workspace/a.txt");
        assert_eq!(rule, r#"set filesystem = { read_write = ["/workspace"] }"#);
    }
}
