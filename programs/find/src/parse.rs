//! The command line, GNU's grammar: `!` before juxtaposition before `-o` before `,`.

use crate::expression::{Action, Batch, Compare, Expression, Follow, Search, Test};
use std::time::SystemTime;
use swarm_flow_posix::{pattern, reason};

pub fn parse(arguments: &[String]) -> Result<Search, String> {
    let mut parser = Parser {
        arguments,
        at: 0,
        action: false,
        search: Search {
            roots: Vec::new(),
            follow: Follow::Never,
            depth_first: false,
            minimum_depth: 0,
            maximum_depth: usize::MAX,
            expression: Expression::Test(Test::True),
            commands: Vec::new(),
        },
        syntax: pattern::Syntax::Basic,
    };
    parser.options();
    parser.roots();
    if parser.at < arguments.len() {
        let expression = parser.list()?;
        parser.search.expression = expression;
    }
    if let Some(rest) = parser.peek() {
        return Err(match rest {
            ")" => "invalid expression; you have too many ')'".to_owned(),
            _ => format!("paths must precede expression: `{rest}'"),
        });
    }
    if !parser.action {
        let wanted = std::mem::replace(&mut parser.search.expression, Expression::Test(Test::True));
        let print = Box::new(Expression::Action(Action::Print));
        parser.search.expression = Expression::And(Box::new(wanted), print);
    }
    Ok(parser.search)
}

struct Parser<'a> {
    arguments: &'a [String],
    at: usize,
    /// There is an action, so nothing is printed on its own.
    action: bool,
    search: Search,
    syntax: pattern::Syntax,
}

impl Parser<'_> {
    fn options(&mut self) {
        while let Some(option) = self.peek() {
            self.search.follow = match option {
                "-P" => Follow::Never,
                "-H" => Follow::Arguments,
                "-L" => Follow::Always,
                _ => return,
            };
            self.at += 1;
        }
    }

    fn roots(&mut self) {
        while let Some(root) = self.peek() {
            if root.starts_with('-') && root.len() > 1 || matches!(root, "(" | ")" | "!" | ",") {
                break;
            }
            self.search.roots.push(root.to_owned());
            self.at += 1;
        }
        if self.search.roots.is_empty() {
            self.search.roots.push(".".to_owned());
        }
    }

    fn list(&mut self) -> Result<Expression, String> {
        let mut left = self.or()?;
        while self.take(&[","]) {
            left = Expression::List(Box::new(left), Box::new(self.or()?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.take(&["-o", "-or"]) {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.not()?;
        loop {
            let named = self.take(&["-a", "-and"]);
            let ends = matches!(self.peek(), None | Some(")" | "-o" | "-or" | ","));
            if ends && !named {
                return Ok(left);
            }
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
    }

    fn not(&mut self) -> Result<Expression, String> {
        let mut negated = false;
        while self.take(&["!", "-not"]) {
            negated = !negated;
        }
        let inner = self.primary()?;
        Ok(match negated {
            true => Expression::Not(Box::new(inner)),
            false => inner,
        })
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let Some(word) = self.next() else {
            return Err("expected an expression at the end of the command line".to_owned());
        };
        if word == "(" {
            let inner = self.list()?;
            if !self.take(&[")"]) {
                return Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned());
            }
            return Ok(inner);
        }
        if let Some(test) = self.test(&word)? {
            return Ok(Expression::Test(test));
        }
        if let Some(action) = self.action(&word)? {
            self.action |= !matches!(action, Action::Prune);
            return Ok(Expression::Action(action));
        }
        Err(match word.starts_with('-') {
            true => format!("unknown predicate `{word}'"),
            false => format!("paths must precede expression: `{word}'"),
        })
    }

    fn test(&mut self, word: &str) -> Result<Option<Test>, String> {
        Ok(Some(match word {
            "-true" => Test::True,
            "-false" => Test::False,
            "-name" | "-iname" => Test::Name {
                pattern: self.value(word)?,
                ignore_case: word == "-iname",
            },
            "-path" | "-wholename" | "-ipath" | "-iwholename" => Test::Path {
                pattern: self.value(word)?,
                ignore_case: word.starts_with("-i"),
            },
            "-lname" | "-ilname" => Test::LinkName {
                pattern: self.value(word)?,
                ignore_case: word == "-ilname",
            },
            "-regex" | "-iregex" => self.regex(word)?,
            "-type" | "-xtype" => self.types(word)?,
            "-size" => self.size()?,
            "-empty" => Test::Empty,
            "-mtime" | "-atime" | "-ctime" => Test::Modified {
                compare: self.compare(word)?,
                unit: 86_400,
            },
            "-mmin" | "-amin" | "-cmin" => Test::Modified {
                compare: self.compare(word)?,
                unit: 60,
            },
            "-newer" | "-anewer" | "-cnewer" | "-newermm" => Test::Newer(self.modified(word)?),
            "-newermt" => Test::Newer(self.moment()?),
            "-samefile" => Test::Same(std::fs::canonicalize(self.value(word)?).unwrap_or_default()),
            "-readable" | "-writable" | "-executable" => Test::Permitted,
            "-perm" => Test::Mode(self.value(word)?.parse()?),
            "-user" | "-group" | "-uid" | "-gid" | "-links" | "-inum" => {
                return Err(format!(
                    "{word} is not supported: files in a sandbox have no modes and no owners"
                ));
            }
            "-depth" | "-d" => {
                self.search.depth_first = true;
                Test::True
            }
            "-maxdepth" => {
                self.search.maximum_depth = self.number(word)?;
                Test::True
            }
            "-mindepth" => {
                self.search.minimum_depth = self.number(word)?;
                Test::True
            }
            "-follow" => {
                self.search.follow = Follow::Always;
                Test::True
            }
            "-regextype" => {
                self.syntax = match self.value(word)?.as_str() {
                    "emacs" | "posix-basic" | "sed" | "grep" | "ed" => pattern::Syntax::Basic,
                    _ => pattern::Syntax::Extended,
                };
                Test::True
            }
            "-mount"
            | "-xdev"
            | "-noleaf"
            | "-warn"
            | "-nowarn"
            | "-daystart"
            | "-ignore_readdir_race" => Test::True,
            _ => return Ok(None),
        }))
    }

    fn action(&mut self, word: &str) -> Result<Option<Action>, String> {
        Ok(Some(match word {
            "-print" => Action::Print,
            "-print0" => Action::Print0,
            "-printf" => Action::Printf(self.value(word)?),
            "-ls" => Action::List,
            "-fprint" | "-fprint0" => {
                let path = self.value(word)?;
                let file = std::fs::File::create(&path)
                    .map_err(|error| format!("'{path}': {}", reason(&error)))?;
                self.search.commands.push(Batch::File(file));
                Action::WriteTo {
                    file: self.search.commands.len() - 1,
                    zero: word == "-fprint0",
                }
            }
            "-delete" => {
                self.search.depth_first = true;
                Action::Delete
            }
            "-prune" => Action::Prune,
            "-quit" => Action::Quit,
            "-exec" | "-execdir" | "-ok" | "-okdir" => self.command(word)?,
            _ => return Ok(None),
        }))
    }

    fn command(&mut self, word: &str) -> Result<Action, String> {
        let in_folder = word.ends_with("dir");
        let mut command = Vec::new();
        loop {
            let argument = self
                .next()
                .ok_or_else(|| format!("missing argument to `{word}'"))?;
            if argument == ";" {
                break;
            }
            if argument == "+" && command.last().is_some_and(|last| last == "{}") {
                command.pop();
                self.search.commands.push(Batch::Command {
                    argv: command,
                    in_folder,
                    files: Vec::new(),
                    bytes: 0,
                });
                return Ok(Action::Collect(self.search.commands.len() - 1));
            }
            command.push(argument);
        }
        if command.is_empty() {
            return Err(format!("missing argument to `{word}'"));
        }
        Ok(Action::Execute {
            command,
            in_folder,
            ask: word.starts_with("-ok"),
        })
    }

    fn regex(&mut self, word: &str) -> Result<Test, String> {
        let given = self.value(word)?;
        let translated = pattern::translate(&given, self.syntax)?;
        // GNU's default syntax is Emacs's, where `+` and `?` repeat.
        let regex = match self.syntax {
            pattern::Syntax::Basic => translated.regex.replace("\\+", "+").replace("\\?", "?"),
            _ => translated.regex,
        };
        let case = if word == "-iregex" { "(?i)" } else { "" };
        let built = regex::Regex::new(&format!("{case}^(?:{regex})$"));
        built
            .map(Test::Regex)
            .map_err(|_| format!("the expression `{given}' cannot be used"))
    }

    fn types(&mut self, word: &str) -> Result<Test, String> {
        let given = self.value(word)?;
        let types: Vec<char> = given.chars().filter(|letter| *letter != ',').collect();
        match types.iter().find(|letter| !"fdlbcpsD".contains(**letter)) {
            Some(unknown) => Err(format!("Unknown argument to {word}: {unknown}")),
            None => Ok(Test::Types(types)),
        }
    }

    fn size(&mut self) -> Result<Test, String> {
        let given = self.value("-size")?;
        let (number, unit) = match given.char_indices().last() {
            Some((at, 'c')) => (given.get(..at), 1),
            Some((at, 'w')) => (given.get(..at), 2),
            Some((at, 'b')) => (given.get(..at), 512),
            Some((at, 'k')) => (given.get(..at), 1 << 10),
            Some((at, 'M')) => (given.get(..at), 1 << 20),
            Some((at, 'G')) => (given.get(..at), 1 << 30),
            _ => (Some(given.as_str()), 512),
        };
        let compare = number
            .and_then(compare)
            .ok_or_else(|| format!("invalid argument `{given}' to `-size'"))?;
        Ok(Test::Size { compare, unit })
    }

    fn modified(&mut self, word: &str) -> Result<SystemTime, String> {
        let path = self.value(word)?;
        let found = std::fs::metadata(&path).and_then(|found| found.modified());
        found.map_err(|error| format!("'{path}': {}", reason(&error)))
    }

    /// `2024-01-02`, with a time or not; `@1700000000`; `1 day ago`.
    fn moment(&mut self) -> Result<SystemTime, String> {
        let given = self.value("-newermt")?;
        crate::format::moment(&given).ok_or_else(|| {
            format!("I cannot figure out how to interpret '{given}' as a date or time")
        })
    }

    fn compare(&mut self, word: &str) -> Result<Compare, String> {
        let given = self.value(word)?;
        compare(&given).ok_or_else(|| format!("invalid argument `{given}' to `{word}'"))
    }

    fn number(&mut self, word: &str) -> Result<usize, String> {
        let given = self.value(word)?;
        given.parse().map_err(|_| {
            format!("Expected a positive decimal integer argument to {word}, but got '{given}'")
        })
    }

    fn value(&mut self, word: &str) -> Result<String, String> {
        self.next()
            .ok_or_else(|| format!("missing argument to `{word}'"))
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let taken = self.peek().is_some_and(|word| words.contains(&word));
        self.at += usize::from(taken);
        taken
    }

    fn next(&mut self) -> Option<String> {
        let word = self.peek().map(str::to_owned);
        self.at += 1;
        word
    }

    fn peek(&self) -> Option<&str> {
        self.arguments.get(self.at).map(String::as_str)
    }
}

/// `+3`, `-3`, `3`.
fn compare(given: &str) -> Option<Compare> {
    match given.strip_prefix('+') {
        Some(more) => more.parse().ok().map(Compare::More),
        None => match given.strip_prefix('-') {
            Some(less) => less.parse().ok().map(Compare::Less),
            None => given.parse().ok().map(Compare::Equal),
        },
    }
}
