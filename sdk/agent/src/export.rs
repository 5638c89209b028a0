//! From the trait to the functions that a runner calls.

use crate::bindings::exports::swarm_flow::core::agent::{AgentCapabilities, Guest};
use crate::{Agent, AgentError, Health, Task, TaskResult};
use std::marker::PhantomData;

/// Makes the component of an agent: `swarm_flow_agent::export!(MyAgent);`, once in a crate.
///
/// Natively it only checks that the type is an [`Agent`]: the names of a component's functions are no symbols that a
/// native linker takes.
#[macro_export]
macro_rules! export {
    ($agent:ty) => {
        const _: () = {
            $crate::__private::check::<$agent>();
            #[cfg(target_family = "wasm")]
            type Exported = $crate::__private::Exported<$agent>;
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_component!(
                Exported with_types_in $crate::bindings
            );
        };
    };
}

/// An agent as the contract has it.
pub struct Exported<A>(PhantomData<A>);

impl<A: Agent> Guest for Exported<A> {
    fn execute_task(task: Task) -> Result<TaskResult, AgentError> {
        let lacking = task.lacking(A::capabilities());
        if !lacking.is_empty() {
            return Err(AgentError::LacksCapabilities(lacking));
        }
        A::execute(task)
    }

    fn get_capabilities() -> AgentCapabilities {
        let capabilities = A::capabilities().iter();
        AgentCapabilities {
            name: A::NAME.to_owned(),
            version: A::VERSION.to_owned(),
            capabilities: capabilities.map(|name| (*name).to_owned()).collect(),
            context_schema: A::CONTEXT_SCHEMA.map(str::to_owned),
        }
    }

    fn health_check() -> Health {
        A::health_check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Agent for Echo {
        const NAME: &'static str = "echo";
        const VERSION: &'static str = "1.2";

        fn capabilities() -> &'static [&'static str] {
            &["say"]
        }

        fn execute(task: Task) -> Result<TaskResult, AgentError> {
            Ok(TaskResult::success(task.description))
        }
    }

    crate::export!(Echo);

    fn requiring(requirement: &str) -> Task {
        Task {
            id: String::new(),
            description: "hi".to_owned(),
            requirements: vec![requirement.to_owned()],
            context: None,
        }
    }

    #[test]
    fn it_says_what_the_type_says() {
        let said = Exported::<Echo>::get_capabilities();
        let expected = AgentCapabilities {
            name: "echo".to_owned(),
            version: "1.2".to_owned(),
            capabilities: vec!["say".to_owned()],
            context_schema: None,
        };
        assert_eq!(said, expected);
        assert_eq!(Exported::<Echo>::health_check(), Health::Healthy);
    }

    #[test]
    fn a_task_that_requires_what_it_lacks_is_not_executed() {
        let done = Exported::<Echo>::execute_task(requiring("say"));
        assert_eq!(done, Ok(TaskResult::success("hi")));
        let refused = Exported::<Echo>::execute_task(requiring("sing"));
        let lacks = AgentError::LacksCapabilities(vec!["sing".to_owned()]);
        assert_eq!(refused, Err(lacks));
    }
}
