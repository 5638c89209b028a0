//! What a call of `ls` asks for.

/// How sizes are written.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Unit {
    #[default]
    Plain,
    Binary,
    Decimal,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Order {
    #[default]
    Name,
    Time,
    Size,
    Extension,
    Version,
    None,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Hidden {
    #[default]
    Left,
    Shown,
    /// With `.` and `..`.
    All,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Mark {
    #[default]
    None,
    /// `/` behind a folder.
    Folder,
    All,
}

#[derive(Default)]
pub struct Options {
    pub long: bool,
    pub hidden: Hidden,
    pub unit: Unit,
    pub order: Order,
    pub reverse: bool,
    pub folders_first: bool,
    pub recursive: bool,
    /// Folders themselves, not what is in them.
    pub folder_itself: bool,
    pub mark: Mark,
    pub number: bool,
    pub blocks: bool,
    pub numeric_owner: bool,
    pub no_owner: bool,
    pub no_group: bool,
    pub author: bool,
    pub follow: bool,
    pub follow_operands: bool,
    pub accessed: bool,
    /// `full-iso`, `+%H:%M`.
    pub time_style: Option<String>,
    pub quoted: bool,
    pub ignore: Vec<String>,
    pub paths: Vec<String>,
}

/// None if the call is not for us: an option we do not know, or columns.
pub fn parse(mut options: Options, arguments: &[String]) -> Option<Options> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            options.paths.extend(rest.by_ref().cloned());
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, mut value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let wants = ["sort", "time", "time-style", "format", "ignore", "hide"];
            if value.is_none() && wants.contains(&name) {
                value = Some(rest.next()?);
            }
            word(&mut options, name, value)?;
        } else if let Some(letters) = argument.strip_prefix('-').filter(|all| !all.is_empty()) {
            for (place, letter) in letters.char_indices() {
                if letter != 'I' {
                    self::letter(&mut options, letter)?;
                    continue;
                }
                let value = letters.get(place + 1..).filter(|value| !value.is_empty());
                options.ignore.push(match value {
                    Some(value) => value.to_owned(),
                    None => rest.next()?.clone(),
                });
                break;
            }
        } else {
            options.paths.push(argument.clone());
        }
    }
    Some(options)
}

fn letter(options: &mut Options, letter: char) -> Option<()> {
    match letter {
        'l' => options.long = true,
        // One a line is what the long form is, and what there is without a terminal.
        '1' | 'k' | 'q' | 'N' => {}
        'a' => options.hidden = Hidden::All,
        'A' => options.hidden = Hidden::Shown,
        'h' => options.unit = Unit::Binary,
        't' => options.order = Order::Time,
        'S' => options.order = Order::Size,
        'X' => options.order = Order::Extension,
        'v' => options.order = Order::Version,
        'U' => options.order = Order::None,
        'r' => options.reverse = true,
        'R' => options.recursive = true,
        'd' => options.folder_itself = true,
        'F' => options.mark = Mark::All,
        'p' => options.mark = Mark::Folder,
        'i' => options.number = true,
        's' => options.blocks = true,
        'n' => (options.long, options.numeric_owner) = (true, true),
        'g' => (options.long, options.no_owner) = (true, true),
        'o' => (options.long, options.no_group) = (true, true),
        'G' => options.no_group = true,
        'L' => options.follow = true,
        'H' => options.follow_operands = true,
        'u' => options.accessed = true,
        // The time of a change of a file's data is the only one there is.
        'c' => {}
        'Q' => options.quoted = true,
        _ => return None,
    }
    Some(())
}

fn word(options: &mut Options, name: &str, value: Option<&str>) -> Option<()> {
    let letters = match (name, value) {
        ("all", None) => "a",
        ("almost-all", None) => "A",
        ("human-readable", None) => "h",
        ("reverse", None) => "r",
        ("recursive", None) => "R",
        ("directory", None) => "d",
        ("classify", None | Some("always")) => "F",
        ("indicator-style", Some("classify")) => "F",
        ("indicator-style", Some("slash")) => "p",
        ("inode", None) => "i",
        ("size", None) => "s",
        ("numeric-uid-gid", None) => "n",
        ("no-group", None) => "G",
        ("dereference", None) => "L",
        ("dereference-command-line", None) => "H",
        ("quote-name", None) => "Q",
        ("format", Some("long" | "verbose")) => "l",
        ("sort", Some("time")) => "t",
        ("sort", Some("size")) => "S",
        ("sort", Some("extension")) => "X",
        ("sort", Some("version")) => "v",
        ("sort", Some("none")) => "U",
        ("time", Some("atime" | "access" | "use")) => "u",
        ("time", Some("ctime" | "status" | "mtime" | "modification")) => "c",
        (
            "classify" | "color",
            None | Some("auto" | "never" | "tty" | "no" | "none" | "if-tty"),
        ) => "",
        ("literal" | "kibibytes", None) => "",
        ("si", None) => {
            options.unit = Unit::Decimal;
            ""
        }
        ("author", None) => {
            options.author = true;
            ""
        }
        ("group-directories-first", None) => {
            options.folders_first = true;
            ""
        }
        ("full-time", None) => {
            options.time_style = Some("full-iso".to_owned());
            "l"
        }
        ("time-style", Some(style)) => {
            options.time_style = Some(style.to_owned());
            ""
        }
        ("ignore" | "hide", Some(pattern)) => {
            options.ignore.push(pattern.to_owned());
            ""
        }
        _ => return None,
    };
    letters
        .chars()
        .try_for_each(|letter| self::letter(options, letter))
}
