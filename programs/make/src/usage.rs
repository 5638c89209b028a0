//! `--help` and `--version`.

pub const HELP: &str = "\
Usage: make [options] [target] ... [NAME=value] ...
Options:
  -B, --always-make            Make all targets, whatever their age.
  -C FOLDER, --directory=FOLDER
                               Change to a folder first.
  -e, --environment-overrides  Variables of the environment win over makefiles.
  -E TEXT, --eval=TEXT         Read a text as a makefile, before the makefiles.
  -f FILE, --file=FILE, --makefile=FILE
                               Read this makefile; - is standard input.
  -h, --help                   Print this and exit.
  -i, --ignore-errors          Go on when a command fails.
  -I FOLDER, --include-dir=FOLDER
                               Look for included makefiles there too.
  -j [N], --jobs[=N]           Run N recipes side by side; without N, any number.
  -k, --keep-going             Go on with targets that do not need what failed.
  -n, --just-print, --dry-run, --recon
                               Print commands instead of running them.
  -o FILE, --old-file=FILE, --assume-old=FILE
                               Take a file for very old and do not make it.
  -p, --print-data-base        Print variables and rules.
  -q, --question               Run nothing; the exit code says if all is up to date.
  -r, --no-builtin-rules       Leave out the rules that need no makefile.
  -R, --no-builtin-variables   Leave out the variables that need no makefile too.
  -s, --silent, --quiet        Do not print commands.
  -S, --no-keep-going, --stop  Undo -k.
  -t, --touch                  Make files new instead of making them.
  --trace                      Say why each target is made.
  -v, --version                Print the version and exit.
  -w, --print-directory        Print the folder.
  --no-print-directory         Do not, even where it is usual.
  -W FILE, --what-if=FILE, --new-file=FILE, --assume-new=FILE
                               Take a file for very new.
  --warn-undefined-variables   Name variables that are used and not set.
Without effect: -b, -d, -l, -L, -m, -O, --debug, --shuffle.
";

/// Its first line has the version of GNU make whose makefiles are understood, as scripts look for it there.
pub fn version() -> String {
    format!(
        "GNU Make {} compatible: Swarm Flow make {}\n",
        crate::make::VERSION,
        env!("CARGO_PKG_VERSION")
    )
}
