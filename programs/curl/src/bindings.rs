//! The one import that `swarm-flow-process` does not have: HTTP.

#[allow(
    clippy::all,
    missing_docs,
    unsafe_op_in_unsafe_fn,
    reason = "generated code"
)]
mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package swarm-flow:curl;
            world curl {
                import wasi:http/outgoing-handler@0.2.12;
            }
        ",
        with: {
            "wasi:clocks/monotonic-clock@0.2.12": swarm_flow_process::bindings::wasi::clocks::monotonic_clock,
            "wasi:io/error@0.2.12": swarm_flow_process::bindings::wasi::io::error,
            "wasi:io/poll@0.2.12": swarm_flow_process::bindings::wasi::io::poll,
            "wasi:io/streams@0.2.12": swarm_flow_process::bindings::wasi::io::streams,
        },
        generate_all,
    });
}

pub use generated::wasi::http;
pub use swarm_flow_process::bindings::wasi::{clocks, io};
