//! A library as a component: any language can call it.

#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unsafe_op_in_unsafe_fn,
    reason = "the code is generated"
)]
mod bindings {
    use super::Library;

    wit_bindgen::generate!({ path: "../wit", world: "library" });
    export!(Library);
}

struct Library;

impl bindings::exports::example::text::distance::Guest for Library {
    fn levenshtein(a: String, b: String) -> u32 {
        u32::try_from(strsim::levenshtein(&a, &b)).unwrap_or(u32::MAX)
    }
}
