//! Says hello: the least that a program can do, and the yardstick for what a sandbox costs.

fn main() {
    println!("hello");
}
