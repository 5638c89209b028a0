//! What wit-bindgen makes of the world `swarm-component`. Nothing of it is seen outside this crate.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unsafe_op_in_unsafe_fn,
    reason = "the code is generated"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "swarm-flow:core/swarm-component",
    generate_all,
    additional_derives: [PartialEq],
});

pub use exports::swarm_flow::core::{swarm, work};
pub use swarm_flow::core::{agent, policy, types};

use swarm_flow_state::Spin;

/// The component. It has no state of its own.
pub struct Swarms;

// The names of exported functions are no symbols that a native linker takes.
#[cfg(target_family = "wasm")]
export!(Swarms with_types_in self);

impl swarm::Guest for Swarms {
    fn create_swarm(config: swarm::SwarmConfig) -> Result<swarm::Swarm, types::Error> {
        crate::swarm::create(&Spin, config)
    }

    fn get_swarm(swarm_id: String) -> Result<swarm::Swarm, types::Error> {
        crate::swarm::get(&Spin, &swarm_id)
    }

    fn list_swarms(page: types::PageRequest) -> Result<swarm::SwarmPage, types::Error> {
        crate::swarm::list(&Spin, page)
    }

    fn scale_swarm(swarm_id: String, target_size: u32) -> Result<swarm::Swarm, types::Error> {
        let swarm = crate::swarm::scale(&Spin, &swarm_id, target_size)?;
        crate::wake::runners_of(&Spin, &swarm.id, None);
        Ok(swarm)
    }

    fn coordinate_agents(swarm_id: String, task: agent::Task) -> Result<swarm::Run, types::Error> {
        Self::submit_run(swarm_id, vec![task], None)
    }

    fn submit_run(
        swarm_id: String,
        tasks: Vec<agent::Task>,
        idempotency_key: Option<String>,
    ) -> Result<swarm::Run, types::Error> {
        let run = crate::run::submit(&Spin, &swarm_id, tasks, idempotency_key.as_deref())?;
        crate::wake::runners_of(&Spin, &run.swarm_id, None);
        Ok(run)
    }

    fn get_run(run_id: String) -> Result<swarm::Run, types::Error> {
        crate::run::get(&Spin, &run_id)
    }
}

impl work::Guest for Swarms {
    fn acquire(runner_id: String, most: u32) -> Result<Vec<work::Lease>, types::Error> {
        crate::work::acquire(&Spin, &runner_id, most, swarm_flow_state::now_ms())
    }

    fn renew(
        runner_id: String,
        leases: Vec<work::LeaseId>,
    ) -> Result<Vec<work::LeaseId>, types::Error> {
        crate::work::renew(&Spin, &runner_id, leases, swarm_flow_state::now_ms())
    }

    fn report(
        runner_id: String,
        lease: work::LeaseId,
        outcome: Result<agent::TaskResult, swarm::TaskFailure>,
    ) -> Result<(), types::Error> {
        let changed = crate::work::report(
            &Spin,
            &runner_id,
            &lease,
            outcome,
            swarm_flow_state::now_ms(),
        )?;
        if let Some(swarm_id) = changed {
            // The one that reports is awake.
            crate::wake::runners_of(&Spin, &swarm_id, Some(&runner_id));
        }
        Ok(())
    }
}
