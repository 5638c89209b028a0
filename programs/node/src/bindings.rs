//! What the program imports and exports. Everything but HTTP comes by way of `swarm-flow-process`.

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
            package swarm-flow:node@0.1.0;
            world node {
                import wasi:http/types@0.2.12;
                import wasi:http/outgoing-handler@0.2.12;
                export wasi:cli/run@0.2.12;
                /// Runs once, while the program is built.
                export initialise: func();
            }
        ",
        world: "swarm-flow:node/node@0.1.0",
        with: {
            "wasi:io/error@0.2.12": swarm_flow_process::bindings::wasi::io::error,
            "wasi:io/poll@0.2.12": swarm_flow_process::bindings::wasi::io::poll,
            "wasi:io/streams@0.2.12": swarm_flow_process::bindings::wasi::io::streams,
            "wasi:clocks/monotonic-clock@0.2.12": swarm_flow_process::bindings::wasi::clocks::monotonic_clock,
        },
        generate_all,
    });
    use super::super::Node;
    export!(Node);
}

pub use generated::wasi::http;
pub use generated::{Guest, exports};
pub use swarm_flow_process::bindings::{process, types, wasi};
