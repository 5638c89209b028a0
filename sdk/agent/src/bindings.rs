//! What wit-bindgen makes of the world `agent-component`. Its records and variants are seen outside, with methods of
//! ours. It is public because `export!` needs it, and no part of the interface.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unsafe_op_in_unsafe_fn,
    reason = "the code is generated"
)]

wit_bindgen::generate!({
    path: "wit",
    world: "swarm-flow:core/agent-component",
    generate_all,
    additional_derives: [PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_component",
});
