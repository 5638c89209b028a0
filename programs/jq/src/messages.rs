//! What `debug`, `stderr` and `halt_error` say goes to standard error.

use log::{LevelFilter, Log, Metadata, Record};

struct Messages;

pub fn install() {
    // There is no other logger that it could be refused for.
    let _ = log::set_logger(&Messages);
    log::set_max_level(LevelFilter::Debug);
}

impl Log for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("jaq")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        match record.level() {
            log::Level::Debug => eprintln!("[\"DEBUG:\",{}]", record.args()),
            _ => eprint!("{}", record.args()),
        }
    }

    fn flush(&self) {}
}
