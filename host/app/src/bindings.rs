//! Generated from the vendored WIT; nothing of it is seen outside this crate.

wasmtime::component::bindgen!({
    path: ["../../wit/deps/fermyon-spin", "../../wit/deps/wasi-config"],
    inline: "
        package swarm-flow:host;

        world app {
            import fermyon:spin/sqlite@2.0.0;
            import fermyon:spin/key-value@2.0.0;
            import fermyon:spin/variables@2.0.0;
            import wasi:config/store@0.2.0-draft-2024-09-27;
        }
    ",
    world: "swarm-flow:host/app",
    imports: {
        "fermyon:spin/sqlite": async | trappable,
        "fermyon:spin/key-value": async | trappable,
        default: trappable,
    },
    with: {
        "fermyon:spin/sqlite.connection": crate::sqlite::GuestConnection,
        "fermyon:spin/key-value.store": crate::key_value::GuestStore,
    },
});
