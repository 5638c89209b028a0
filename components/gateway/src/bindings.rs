//! The interfaces that the gateway imports, by their short names.

#[allow(
    clippy::all,
    missing_docs,
    unsafe_op_in_unsafe_fn,
    dead_code,
    reason = "generated code"
)]
mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "swarm-flow:core/gateway-component@2.0.0",
        generate_all,
    });
}

pub use generated::swarm_flow::core::{
    agent, audit, binding, delegation, events, human, inputs, locks, memory, messages, policies,
    policy, programs, runners, secrets, swarm, types, work, workspace,
};

// The shapes of `swarm-flow-protocol` are what runners read and write, and much of what callers do.
swarm_flow_protocol::convert_types!(types);
swarm_flow_protocol::convert_policy!(policy);
swarm_flow_protocol::convert_runners!(runners);
swarm_flow_protocol::convert_programs!(programs);
swarm_flow_protocol::convert_secrets!(secrets);
swarm_flow_protocol::convert_audit!(audit);
swarm_flow_protocol::convert_agent!(agent);
swarm_flow_protocol::convert_inputs!(inputs);
swarm_flow_protocol::convert_memory!(memory);
swarm_flow_protocol::convert_calls!(locks, messages, delegation, human);
swarm_flow_protocol::convert_work!(work);
swarm_flow_protocol::convert_replays!(swarm);
swarm_flow_protocol::convert_budgets!(swarm);
