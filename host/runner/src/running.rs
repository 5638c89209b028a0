//! What runs in the workspaces, and the policies that were changed since the start: a sandbox that starts gets the latest,
//! however late its command arrives, and one that runs is narrowed by it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use swarm_flow_policy::{Invalid, Policy, Surroundings};
use swarm_flow_protocol::{Error, ExecRequest, PolicyChange};
use swarm_flow_sandbox::Live;
use tokio_util::sync::CancellationToken;

/// By the workspace's id.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<String, InWorkspace>>);

#[derive(Default)]
struct InWorkspace {
    sandboxes: u32,
    stop: CancellationToken,
    /// What the sandboxes hear of changes by.
    live: Live,
    known: Option<PolicyChange>,
}

impl Running {
    /// Notes that a sandbox starts in a workspace, until the result is dropped. The request gets the policy that holds
    /// now, if it was sent before that did.
    pub(crate) fn enter<'a>(
        &'a self,
        id: &'a str,
        request: &mut ExecRequest,
        surroundings: &Surroundings,
    ) -> Result<Entry<'a>, Error> {
        let mut all = self.all();
        let here = all.entry(id.to_owned()).or_default();
        match &here.known {
            Some(known) if request.revision < known.revision => {
                request.policy = known.policy.clone();
                // Which name it has was not told.
                (request.revision, request.policy_name) = (known.revision, String::new());
            }
            known if request.revision > known.as_ref().map_or(0, |known| known.revision) => {
                // It brings the news itself.
                let (revision, policy) = (request.revision, request.policy.clone());
                here.change(PolicyChange { revision, policy }, surroundings)?;
            }
            _ => {}
        }
        here.sandboxes += 1;
        Ok(Entry {
            running: self,
            id,
            stop: here.stop.clone(),
            live: here.live.joined(),
        })
    }

    /// From now on the workspace has this policy. A change that is older than what is known is none.
    pub(crate) fn change(
        &self,
        id: &str,
        change: PolicyChange,
        surroundings: &Surroundings,
    ) -> Result<(), Error> {
        change.policy.validate().map_err(invalid)?;
        self.all()
            .entry(id.to_owned())
            .or_default()
            .change(change, surroundings)
    }

    /// The policy that is known of a workspace, if it is.
    pub(crate) fn policy(&self, id: &str) -> Option<Policy> {
        let all = self.all();
        Some(all.get(id)?.known.as_ref()?.policy.clone())
    }

    /// Ends what runs. New sandboxes may start at once: whether they should is the app's decision.
    pub(crate) fn stop(&self, id: &str) {
        let mut all = self.all();
        if let Some(stopped) = all.remove(id) {
            stopped.stop.cancel();
            let known = stopped.known;
            if known.is_some() {
                let left = InWorkspace {
                    known,
                    ..Default::default()
                };
                all.insert(id.to_owned(), left);
            }
        }
    }

    /// Ends what runs in a workspace that is no more.
    pub(crate) fn forget(&self, id: &str) {
        if let Some(gone) = self.all().remove(id) {
            gone.stop.cancel();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, InWorkspace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InWorkspace {
    fn change(&mut self, change: PolicyChange, surroundings: &Surroundings) -> Result<(), Error> {
        let (revision, policy) = self
            .known
            .as_ref()
            .map_or((0, None), |known| (known.revision, Some(&known.policy)));
        if change.revision <= revision {
            return Ok(());
        }
        if self.sandboxes > 0 && policy != Some(&change.policy) {
            self.live
                .change(&change.policy, surroundings)
                .map_err(invalid)?;
        }
        self.known = Some(change);
        Ok(())
    }
}

fn invalid(invalid: Invalid) -> Error {
    Error::Invalid {
        field: format!("policy.{}", invalid.field),
        message: invalid.message,
    }
}

/// A sandbox's place in its workspace.
pub(crate) struct Entry<'a> {
    running: &'a Running,
    id: &'a str,
    /// Someone wants the sandbox to end.
    pub(crate) stop: CancellationToken,
    /// By this its policy is changed.
    pub(crate) live: Live,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut all = self.running.all();
        // After a stop the count belongs to other sandboxes.
        if self.stop.is_cancelled() {
            return;
        }
        if let Some(found) = all.get_mut(self.id) {
            found.sandboxes = found.sandboxes.saturating_sub(1);
            if found.sandboxes == 0 && found.known.is_none() {
                all.remove(self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_flow_policy::Preset;

    const ID: &str = "ws_1";

    fn policy(sandboxes: u32) -> Policy {
        let mut policy = Preset::Standard.policy();
        policy.limits.sandboxes = sandboxes;
        policy
    }

    fn request(revision: u64, sandboxes: u32) -> ExecRequest {
        let text = serde_json::json!({
            "command": ["a"], "environment": "base", "policy": policy(sandboxes), "revision": revision,
        });
        serde_json::from_value(text).unwrap()
    }

    fn put(running: &Running, revision: u64, sandboxes: u32) -> Result<(), Error> {
        let policy = policy(sandboxes);
        let change = PolicyChange { revision, policy };
        running.change(ID, change, &Surroundings::default())
    }

    /// The number of sandboxes stands for the policy that a command ran under.
    fn ran_under(running: &Running, revision: u64, sandboxes: u32) -> u32 {
        let mut request = request(revision, sandboxes);
        let entered = running.enter(ID, &mut request, &Surroundings::default());
        assert!(entered.is_ok());
        request.policy.limits.sandboxes
    }

    #[test]
    fn a_command_that_was_sent_before_a_change_runs_under_it() {
        let running = Running::default();
        assert_eq!(ran_under(&running, 0, 9), 9);
        assert_eq!(ran_under(&running, 1, 8), 8);
        put(&running, 3, 5).unwrap();
        assert_eq!(ran_under(&running, 1, 8), 5);
        assert_eq!(ran_under(&running, 0, 8), 5, "a lease has no revision");
        assert_eq!(ran_under(&running, 3, 5), 5);
        assert_eq!(ran_under(&running, 4, 7), 7, "it is newer than the change");
        assert_eq!(ran_under(&running, 3, 5), 7);
        assert_eq!(running.policy(ID), Some(policy(7)));
        running.stop(ID);
        assert_eq!(ran_under(&running, 3, 5), 7, "a stop changes no policy");
        running.forget(ID);
        assert_eq!(ran_under(&running, 3, 5), 5);
    }

    #[test]
    fn an_older_change_is_none_and_one_that_is_no_policy_is_refused() {
        let running = Running::default();
        put(&running, 3, 5).unwrap();
        put(&running, 2, 9).unwrap();
        assert_eq!(running.policy(ID), Some(policy(5)));
        let refused = put(&running, 4, 0).unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid { field, .. } if field == "policy.limits.sandboxes"),
            "{refused:?}"
        );
        assert_eq!(running.policy(ID), Some(policy(5)));
    }
}
