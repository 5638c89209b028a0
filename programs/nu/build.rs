//! Room for deep recursion: the engine evaluates a call within a call, and a linear stack that overflows is a trap.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=8388608");
}
