//! Commands of upstream's that cannot be had in a sandbox. Each says why, where it would be an unknown command otherwise.

use super::ours::Ours;

const TERMINAL: &str = "there is no terminal";
const SIGNALS: &str = "WASI has no signals; what a command started ends with it";
const DATABASE: &str = "this nu has no database: run the program `sqlite3` if the workspace has it";
const PLUGINS: &str = "this nu has no plugins: run another program as an external command";
const MACHINE: &str = "a sandbox is told nothing about the machine that it runs on";
const THREADS: &str = "there is one thread: run another program as an external command";
const CHANGES: &str = "WASI does not tell of changes of files";
const MASKS: &str = "WASI has neither resource limits nor modes of files: the workspace's policy says what is allowed";

const ABSENT: &[(&str, &str)] = &[
    ("clip copy", TERMINAL),
    ("clip paste", TERMINAL),
    ("commandline", TERMINAL),
    ("commandline edit", TERMINAL),
    ("explore", TERMINAL),
    ("history", TERMINAL),
    ("input list", TERMINAL),
    ("input listen", TERMINAL),
    ("keybindings", TERMINAL),
    ("keybindings list", TERMINAL),
    ("nu-highlight", TERMINAL),
    ("start", TERMINAL),
    ("term query", TERMINAL),
    ("kill", SIGNALS),
    ("into sqlite", DATABASE),
    ("query db", DATABASE),
    ("schema", DATABASE),
    ("stor", DATABASE),
    ("stor create", DATABASE),
    ("stor delete", DATABASE),
    ("stor export", DATABASE),
    ("stor import", DATABASE),
    ("stor insert", DATABASE),
    ("stor open", DATABASE),
    ("stor reset", DATABASE),
    ("stor update", DATABASE),
    ("plugin", PLUGINS),
    ("plugin add", PLUGINS),
    ("plugin list", PLUGINS),
    ("plugin rm", PLUGINS),
    ("plugin stop", PLUGINS),
    ("plugin use", PLUGINS),
    ("debug info", MACHINE),
    ("ps", MACHINE),
    ("sys cpu", MACHINE),
    ("sys disks", MACHINE),
    ("sys mem", MACHINE),
    ("sys net", MACHINE),
    ("sys temp", MACHINE),
    ("sys users", MACHINE),
    ("job spawn", THREADS),
    ("port", "a sandbox that may listen is told its port"),
    (
        "version check",
        "what is shipped is replaced with the runner",
    ),
    ("watch", CHANGES),
    ("ulimit", MASKS),
    ("umask", MASKS),
];

pub fn commands() -> Vec<Ours> {
    let absent = ABSENT.iter();
    absent.map(|(name, why)| Ours::absent(name, why)).collect()
}
