//! Archives and compressed files: `tar`, `gzip`, `zstd`, `xz` (to read), `zip` and `unzip`.

mod codec;
mod compress;
mod files;
mod tar;
mod unzip;
mod zip;

use swarm_flow_process::exit;

fn main() {
    let (name, arguments) = swarm_flow_posix::start();
    if swarm_flow_posix::says_version(&name, &arguments) {
        return;
    }
    let arguments: Vec<String> = arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let result = match name.as_str() {
        "tar" => tar::main(&arguments),
        "zip" => zip::main(&arguments),
        "unzip" => unzip::main(&arguments),
        _ => compress::main(&name, &arguments),
    };
    exit(match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error}");
            if matches!(name.as_str(), "tar") { 2 } else { 1 }
        }
    })
}
