//! The exports of the component, and the one import that `swarm-flow-process` does not have: HTTP.

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
            package swarm-flow:nu;
            world nu {
                import wasi:http/outgoing-handler@0.2.12;
                export wasi:cli/run@0.2.12;
                export initialise: func();
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

    struct Component;

    impl Guest for Component {
        fn initialise() {
            crate::initialise();
        }
    }

    impl exports::wasi::cli::run::Guest for Component {
        fn run() -> Result<(), ()> {
            match crate::run() {
                0 => Ok(()),
                code => swarm_flow_process::exit(code),
            }
        }
    }

    export!(Component);
}

pub use generated::wasi::http;
