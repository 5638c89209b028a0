//! The command line of `patch`.

#[derive(Default)]
pub struct Options {
    pub strip: Option<usize>,
    pub reverse: bool,
    pub dry_run: bool,
    pub backup: bool,
    pub no_backup: bool,
    /// Never the patch the other way round.
    pub forward: bool,
    pub batch: bool,
    pub force: bool,
    pub ignore_space: bool,
    pub fuzz_max: usize,
    pub reject_file: Option<String>,
    pub silent: bool,
    pub remove_empty: bool,
    pub input: Option<String>,
    pub output: Option<String>,
    pub file: Option<String>,
    pub folder: Option<String>,
}

/// As many outer lines of a hunk may differ.
const FUZZ_MAX: usize = 2;

impl Options {
    pub fn rejects(&self, path: &str) -> String {
        let to = self.output.as_deref().unwrap_or(path);
        self.reject_file
            .clone()
            .unwrap_or_else(|| format!("{to}.rej"))
    }
}

pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        fuzz_max: FUZZ_MAX,
        ..Options::default()
    };
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, mut value) = match argument.strip_prefix("--") {
            Some(long) => long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value.to_owned()))),
            None if argument.len() > 1 && argument.starts_with('-') => (
                argument.get(1..2).unwrap_or_default(),
                argument
                    .get(2..)
                    .filter(|rest| !rest.is_empty())
                    .map(str::to_owned),
            ),
            None => {
                files.push(argument.clone());
                continue;
            }
        };
        let mut needed = || {
            value
                .take()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| format!("option '{name}' requires an argument"))
        };
        match name {
            "p" | "strip" => {
                let text = needed()?;
                options.strip = Some(
                    text.parse()
                        .map_err(|_| format!("strip count {text} is not a number"))?,
                );
            }
            "i" | "input" => options.input = Some(needed()?),
            "o" | "output" => options.output = Some(needed()?),
            "d" | "directory" => options.folder = Some(needed()?),
            "R" | "reverse" => options.reverse = true,
            "b" | "backup" => options.backup = true,
            "s" | "quiet" | "silent" => options.silent = true,
            "E" | "remove-empty-files" => options.remove_empty = true,
            "dry-run" => options.dry_run = true,
            "N" | "forward" => options.forward = true,
            "f" | "force" => options.force = true,
            "t" | "batch" => options.batch = true,
            "l" | "ignore-whitespace" => options.ignore_space = true,
            "no-backup-if-mismatch" => options.no_backup = true,
            "u" | "unified" | "backup-if-mismatch" | "verbose" | "binary" => {}
            "r" | "reject-file" => options.reject_file = Some(needed()?),
            "F" | "fuzz" => {
                let text = needed()?;
                options.fuzz_max = text
                    .parse()
                    .map_err(|_| format!("fuzz factor {text} is not a number"))?;
            }
            _ => return Err(format!("unrecognized option '{argument}'")),
        }
    }
    let mut files = files.into_iter();
    options.file = files.next();
    options.input = options.input.take().or_else(|| files.next());
    Ok(options)
}
