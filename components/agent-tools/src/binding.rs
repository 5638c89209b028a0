//! Which workspace the tools work in, from `bind` to `unbind`.

use crate::bindings::runners::{self, Runner};
use crate::bindings::types::{Error, InvalidInput};
use crate::bindings::workspace::{self, State, Workspace};
use std::cell::RefCell;

thread_local! {
    /// The id of the workspace.
    static BOUND: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Finds the workspace; the tools work in it from now on. After a refusal they work in none.
pub fn bind(workspace_id: &str) -> Result<(), Error> {
    unbind();
    let found = workspace::get(workspace_id).map_err(named)?;
    check(&found, &runners::list()?)?;
    BOUND.with_borrow_mut(|bound| *bound = Some(found.id));
    Ok(())
}

pub fn unbind() {
    BOUND.with_borrow_mut(|bound| *bound = None);
}

/// The bound workspace. Without one it says so, or that there is no runner that could hold one.
pub fn bound() -> Result<String, Error> {
    if let Some(bound) = BOUND.with_borrow(Clone::clone) {
        return Ok(bound);
    }
    Err(if runners::list()?.iter().any(|runner| runner.alive) {
        Error::Conflict("no workspace is bound".to_owned())
    } else {
        Error::Unavailable("no-runner: no runner is alive".to_owned())
    })
}

/// Who gives a task calls the workspace's id `workspace`.
fn named(error: Error) -> Error {
    match error {
        Error::Invalid(InvalidInput { field, message }) if field == "id" => {
            Error::Invalid(InvalidInput {
                field: "workspace".to_owned(),
                message,
            })
        }
        other => other,
    }
}

/// Refuses a workspace in which no command can run.
fn check(workspace: &Workspace, runners: &[Runner]) -> Result<(), Error> {
    let Workspace { id, runner, .. } = workspace;
    if workspace.state == State::Stopped {
        return Err(Error::Conflict(format!(
            "workspace-stopped: the workspace `{id}` is stopped; start it first"
        )));
    }
    if runners
        .iter()
        .any(|known| known.alive && known.id == *runner)
    {
        return Ok(());
    }
    Err(Error::Unavailable(format!(
        "the runner `{runner}`, which holds the workspace, is away"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::policy::{Filesystem, Limits, Network, Policy};
    use crate::bindings::types::Environment;

    fn workspace(state: State) -> Workspace {
        let limits = Limits {
            memory_bytes: 1,
            cpu_time_ms: 1,
            wall_time_ms: 1,
            handles: 1,
            output_bytes: 1,
            disk_bytes: 1,
            sandboxes: 1,
        };
        Workspace {
            id: "ws_1".to_owned(),
            name: "demo".to_owned(),
            environment: Environment {
                name: "python".to_owned(),
                language: String::new(),
                version: String::new(),
                packages: Vec::new(),
            },
            policy_name: "custom".to_owned(),
            policy_version: 0,
            policy: Policy {
                filesystem: Filesystem::None,
                network: Network::None,
                sockets: Vec::new(),
                models: Vec::new(),
                approvals: Vec::new(),
                limits,
            },
            state,
            runner: "home".to_owned(),
            created_at_ms: 0,
            updated_at_ms: 0,
            revision: 1,
        }
    }

    fn runner(id: &str, alive: bool) -> Runner {
        Runner {
            id: id.to_owned(),
            url: String::new(),
            programs: Vec::new(),
            environments: Vec::new(),
            walls: Vec::new(),
            joined_at_ms: 0,
            seen_at_ms: 0,
            alive,
        }
    }

    #[test]
    fn only_a_started_workspace_of_a_runner_that_is_there_can_be_bound() {
        let there = [runner("other", true), runner("home", true)];
        assert!(check(&workspace(State::Started), &there).is_ok());
        assert!(matches!(
            check(&workspace(State::Stopped), &there),
            Err(Error::Conflict(text)) if text.starts_with("workspace-stopped: ")
        ));
        for away in [
            [runner("other", true), runner("home", false)].as_slice(),
            &[],
        ] {
            assert!(matches!(
                check(&workspace(State::Started), away),
                Err(Error::Unavailable(_))
            ));
        }
    }

    #[test]
    fn a_bad_id_is_named_as_the_caller_wrote_it() {
        let bad = Error::Invalid(InvalidInput {
            field: "id".to_owned(),
            message: "x".to_owned(),
        });
        assert!(matches!(
            named(bad),
            Error::Invalid(InvalidInput { field, .. }) if field == "workspace"
        ));
    }
}
