//! `sed`, by uutils.

fn main() {
    if let Err(error) = uucore::locale::setup_localization("sed") {
        eprintln!("sed: messages: {error}");
    }
    swarm_flow_process::exit(sed::sed::uumain(std::env::args_os()))
}
