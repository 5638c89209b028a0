//! `ls` in its long form, whose modes, owners and blocks upstream cannot ask for here; and what `-i` and `-s` add. The
//! rest of `ls` is upstream's.

mod line;
mod list;
mod options;
mod order;

use super::{Call, upstream};
use options::Options;

pub fn main(call: &Call) -> i32 {
    let options = Options {
        long: call.name == "vdir",
        ..Options::default()
    };
    match options::parse(options, &call.arguments) {
        Some(options) if options.long || options.number || options.blocks => {
            list::run(call, &options)
        }
        _ => upstream(&call.name, &call.arguments),
    }
}
