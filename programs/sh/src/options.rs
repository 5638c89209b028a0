//! `set -o` and `shopt`.

/// Options of `set`: the letter, the name.
pub const SET: [(char, &str); 15] = [
    ('a', "allexport"),
    ('B', "braceexpand"),
    ('e', "errexit"),
    ('E', "errtrace"),
    ('T', "functrace"),
    ('h', "hashall"),
    ('m', "monitor"),
    ('C', "noclobber"),
    ('n', "noexec"),
    ('f', "noglob"),
    ('u', "nounset"),
    ('p', "privileged"),
    ('v', "verbose"),
    ('x', "xtrace"),
    ('b', "notify"),
];

/// Options of `set -o` without a letter.
pub const NAMED: [&str; 7] = [
    "pipefail",
    "posix",
    "history",
    "emacs",
    "vi",
    "ignoreeof",
    "physical",
];

/// Options of `shopt`, and whether a script has them at its start. Those that change nothing here are kept, so that scripts
/// that set them run.
pub const SHOPT: [(&str, bool); 33] = [
    ("autocd", false),
    ("assoc_expand_once", false),
    ("cdable_vars", false),
    ("cdspell", false),
    ("checkhash", false),
    ("checkjobs", false),
    ("checkwinsize", true),
    ("cmdhist", true),
    ("complete_fullquote", true),
    ("dotglob", false),
    ("execfail", false),
    ("expand_aliases", false),
    ("extdebug", false),
    ("extglob", false),
    ("extquote", true),
    ("failglob", false),
    ("force_fignore", true),
    ("globasciiranges", true),
    ("globskipdots", true),
    ("globstar", false),
    ("gnu_errfmt", false),
    ("histappend", false),
    ("inherit_errexit", false),
    ("interactive_comments", true),
    ("lastpipe", false),
    ("localvar_inherit", false),
    ("login_shell", false),
    ("nocaseglob", false),
    ("nocasematch", false),
    ("nullglob", false),
    ("patsub_replacement", true),
    ("progcomp", true),
    ("sourcepath", true),
];

#[derive(Debug, Clone, Default)]
pub struct Options {
    set: Vec<&'static str>,
    /// Those that differ from their default.
    shopt: Vec<&'static str>,
}

impl Options {
    pub fn new() -> Self {
        Self {
            set: vec!["braceexpand", "hashall"],
            shopt: Vec::new(),
        }
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains(&name)
    }

    /// False if there is no such option.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        let lettered = SET.iter().map(|(_, name)| *name);
        let Some(name) = lettered.chain(NAMED).find(|known| *known == name) else {
            return false;
        };
        self.set.retain(|other| *other != name);
        if on {
            self.set.push(name);
        }
        true
    }

    pub fn set_letter(&mut self, letter: char, on: bool) -> bool {
        let name = SET.iter().find(|(known, _)| *known == letter);
        name.is_some_and(|(_, name)| self.set(name, on))
    }

    pub fn shopt(&self, name: &str) -> Option<bool> {
        let (name, default) = SHOPT.iter().find(|(known, _)| *known == name)?;
        Some(*default != self.shopt.contains(name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.shopt(name) == Some(true)
    }

    pub fn set_shopt(&mut self, name: &str, on: bool) -> bool {
        let Some((name, default)) = SHOPT.iter().find(|(known, _)| *known == name) else {
            return false;
        };
        self.shopt.retain(|other| other != name);
        if on != *default {
            self.shopt.push(name);
        }
        true
    }

    /// `$-`
    pub fn letters(&self) -> String {
        let mut letters: Vec<char> = SET
            .iter()
            .filter(|(_, name)| self.is_set(name))
            .map(|(letter, _)| *letter)
            .collect();
        letters.sort_by_key(|letter| (letter.is_uppercase(), *letter));
        letters.into_iter().collect()
    }

    /// `$SHELLOPTS`
    pub fn names(&self) -> String {
        let mut names = self.set.clone();
        names.push("interactive-comments");
        names.sort_unstable();
        names.join(":")
    }
}
