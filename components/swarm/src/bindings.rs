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
pub use swarm_flow::core::{
    agent, delegation, human, inputs, locks, memory, messages, policy, types,
};

swarm_flow_protocol::convert_replays!(swarm);
swarm_flow_protocol::convert_budgets!(swarm);

use crate::run::Wish;
use swarm_flow_state::Spin;
use swarm_flow_wire::Http;

/// The swarm's counts.
pub const NO_BUDGET: swarm::Budget = swarm::Budget {
    wall_time_ms: None,
    cpu_time_ms: None,
    tasks: None,
    depth: None,
    tokens: None,
    cost_microusd: None,
};

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
        let planned = swarm::PlannedTask {
            task,
            needs: Vec::new(),
            agent: None,
            workspace: None,
            priority: None,
            timeout_ms: None,
            cpu_time_ms: None,
            retry: None,
            optional: false,
            weight: None,
        };
        let config = swarm::RunConfig {
            tasks: vec![planned],
            strategy: Some(swarm::CoordinationStrategy::Parallel),
            items: Vec::new(),
            rounds: None,
            quorum: None,
            trust: None,
            budget: NO_BUDGET,
            idempotency_key: None,
        };
        Self::submit_run(swarm_id, config)
    }

    fn submit_run(swarm_id: String, config: swarm::RunConfig) -> Result<swarm::Run, types::Error> {
        let run = crate::run::submit(&Spin, &swarm_id, config)?;
        crate::wake::runners_of(&Spin, &run.swarm_id, None);
        Ok(run)
    }

    fn get_run(run_id: String) -> Result<swarm::Run, types::Error> {
        crate::run::get(&Spin, &run_id)
    }

    fn list_runs(
        swarm_id: Option<String>,
        page: types::PageRequest,
    ) -> Result<swarm::RunPage, types::Error> {
        crate::run::list(&Spin, swarm_id.as_deref(), page)
    }

    fn cancel_run(run_id: String) -> Result<swarm::Run, types::Error> {
        // Whoever has a lease of it now is told after it is none any more.
        let told = crate::wake::Told::of(&Spin, &run_id);
        let run = crate::run::change(&Spin, &run_id, Wish::Cancel)?;
        told.cancelled();
        Ok(run)
    }

    fn list_memory(
        swarm_id: String,
        page: types::PageRequest,
    ) -> Result<swarm::MemoryPage, types::Error> {
        crate::memory::list(&Spin, &swarm_id, page)
    }

    fn list_questions(
        run_id: Option<String>,
        state: Option<swarm::QuestionState>,
        page: types::PageRequest,
    ) -> Result<swarm::QuestionPage, types::Error> {
        crate::question::list(&Spin, run_id.as_deref(), state, page)
    }

    fn answer_question(
        question_id: String,
        answer: String,
        answered_by: Option<String>,
    ) -> Result<swarm::Question, types::Error> {
        let (question, swarm) = crate::question::answer(&Spin, &question_id, &answer, answered_by)?;
        if let Some(swarm) = swarm {
            crate::wake::runners_of(&Spin, &swarm, None);
        }
        Ok(question)
    }

    fn replay_run(run_id: String) -> Result<Vec<swarm::Replayed>, types::Error> {
        crate::replay::replay(&Spin, &Http, &run_id)
    }

    fn pause_run(run_id: String) -> Result<swarm::Run, types::Error> {
        crate::run::change(&Spin, &run_id, Wish::Pause)
    }

    fn resume_run(run_id: String) -> Result<swarm::Run, types::Error> {
        let run = crate::run::change(&Spin, &run_id, Wish::Resume)?;
        crate::wake::runners_of(&Spin, &run.swarm_id, None);
        Ok(run)
    }
}

impl work::Guest for Swarms {
    fn memory(
        runner_id: String,
        lease: work::LeaseId,
        step: String,
        call: work::MemoryCall,
    ) -> Result<work::MemoryAnswer, types::Error> {
        let now_ms = swarm_flow_state::now_ms();
        crate::memory::call(&Spin, &runner_id, &lease, &step, call, now_ms)
    }

    fn call(
        runner_id: String,
        lease: work::LeaseId,
        step: String,
        usage: swarm::Usage,
        call: work::TaskCall,
    ) -> Result<work::TaskAnswer, types::Error> {
        let now_ms = swarm_flow_state::now_ms();
        let made = crate::call::call(&Spin, &runner_id, &lease, (&step, usage), &call, now_ms);
        let (answer, swarm) = made?;
        if let Some(swarm) = swarm {
            // The caller's runner too: what it may lease now it would ask for in a while only.
            crate::wake::runners_of(&Spin, &swarm, None);
        }
        answer
    }

    fn exchange(
        runner_id: String,
        session: String,
        reports: Vec<work::Report>,
        most: u32,
    ) -> Result<work::Exchanged, types::Error> {
        let now_ms = swarm_flow_state::now_ms();
        let (exchanged, changed) =
            crate::work::exchange(&Spin, (&runner_id, &session), reports, most, now_ms)?;
        for swarm_id in changed {
            // The one that reports is awake.
            crate::wake::runners_of(&Spin, &swarm_id, Some(&runner_id));
        }
        Ok(exchanged)
    }

    fn renew(
        runner_id: String,
        leases: Vec<work::LeaseId>,
    ) -> Result<Vec<work::LeaseId>, types::Error> {
        crate::work::renew(&Spin, &runner_id, leases, swarm_flow_state::now_ms())
    }
}
