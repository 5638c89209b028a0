//! Expansion: from the words of a script to arguments.

use crate::executor::Local;
use crate::fields::{Field, Fields, Purpose};
use crate::shell::{Failed, Shell};
use crate::syntax::{List, Part, Word};
use crate::{braces, glob, pattern, text};

pub type Expanded<T> = Result<T, Failed>;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The script's own, not quoted.
    Script,
    /// Between double quotes.
    Quoted,
    /// After the operator of `${x:-…}`: divided as the value of a variable is.
    Default,
}

impl Shell {
    /// The arguments that the words become.
    pub async fn arguments(&mut self, words: &[Word]) -> Expanded<Vec<String>> {
        let mut arguments = Vec::with_capacity(words.len());
        for word in words {
            self.argument(word, &mut arguments).await?;
        }
        Ok(arguments)
    }

    pub async fn argument(&mut self, word: &Word, arguments: &mut Vec<String>) -> Expanded<()> {
        if let Some(text) = plain(word) {
            arguments.push(text.to_owned());
            return Ok(());
        }
        if word.braces && self.options.is_set("braceexpand") {
            let words = match braces::expand(word) {
                Ok(words) => words,
                Err(message) => return Err(self.fail(&message).await),
            };
            for word in &words {
                self.fields_of(word, arguments).await?;
            }
            return Ok(());
        }
        self.fields_of(word, arguments).await
    }

    async fn fields_of(&mut self, word: &Word, arguments: &mut Vec<String>) -> Expanded<()> {
        if let Some(text) = plain(word) {
            arguments.push(text.to_owned());
            return Ok(());
        }
        let mut fields = Fields::new(Purpose::Arguments, self.separators());
        self.expand(&word.parts, Origin::Script, &mut fields)
            .await?;
        for field in fields.into_fields() {
            match self.file_names(field) {
                Ok(names) => arguments.extend(names),
                Err(message) => return Err(self.fail(&message).await),
            }
        }
        Ok(())
    }

    fn file_names(&self, field: Field) -> Result<Vec<String>, String> {
        let Some(pattern) = field.pattern.filter(|pattern| pattern::is_special(pattern)) else {
            return Ok(vec![field.text]);
        };
        if self.options.is_set("noglob") {
            return Ok(vec![field.text]);
        }
        let names = glob::expand(self, &pattern);
        if !names.is_empty() {
            return Ok(names);
        }
        if self.options.has("failglob") {
            return Err(format!("no match: {}", field.text));
        }
        if self.options.has("nullglob") {
            return Ok(Vec::new());
        }
        Ok(vec![field.text])
    }

    /// `IFS`
    pub fn separators(&self) -> String {
        let separators = self
            .variables
            .get("IFS")
            .map(|ifs| ifs.first().map(str::to_owned));
        match separators {
            Some(Some(separators)) => separators,
            _ => " \t\n".to_owned(),
        }
    }

    /// One text: an assignment's value, say.
    pub async fn text(&mut self, word: &Word) -> Expanded<String> {
        match word.parts.as_slice() {
            [] => return Ok(String::new()),
            [Part::Literal(text) | Part::Quoted(text)] => return Ok(text.clone()),
            _ => {}
        }
        self.made(&word.parts, Origin::Script, Purpose::Text).await
    }

    /// The text of an expression, in which quotes mean nothing.
    pub async fn expression(&mut self, parts: &[Part]) -> Expanded<String> {
        match parts {
            [] => Ok(String::new()),
            [Part::Literal(text)] => Ok(text.clone()),
            _ => self.made(parts, Origin::Quoted, Purpose::Text).await,
        }
    }

    pub async fn pattern(&mut self, word: &Word) -> Expanded<String> {
        self.made(&word.parts, Origin::Script, Purpose::Pattern)
            .await
    }

    pub async fn regex(&mut self, word: &Word) -> Expanded<String> {
        self.made(&word.parts, Origin::Script, Purpose::Regex).await
    }

    pub async fn made(
        &mut self,
        parts: &[Part],
        origin: Origin,
        purpose: Purpose,
    ) -> Expanded<String> {
        let mut fields = Fields::new(purpose, self.separators());
        self.expand(parts, origin, &mut fields).await?;
        Ok(fields.into_text())
    }

    /// An expression's value.
    pub async fn number(&mut self, word: &Word) -> Expanded<i64> {
        let expression = self.expression(&word.parts).await?;
        self.number_of(&expression).await
    }

    pub async fn number_of(&mut self, expression: &str) -> Expanded<i64> {
        match self.compute(expression) {
            Ok(number) => Ok(number),
            Err(message) if message.ends_with("unbound variable") => {
                Err(self.fail_for_good(&message).await)
            }
            Err(message) => Err(self.fail(&message).await),
        }
    }

    pub fn expand<'a>(
        &'a mut self,
        parts: &'a [Part],
        origin: Origin,
        fields: &'a mut Fields,
    ) -> Local<'a, Expanded<()>> {
        Box::pin(async move {
            for part in parts {
                match part {
                    Part::Literal(text) => match origin {
                        Origin::Script => fields.plain(text),
                        Origin::Quoted => fields.quoted(text),
                        Origin::Default => fields.divided(text),
                    },
                    Part::Quoted(text) => fields.quoted(text),
                    Part::Double(inner) if inner.is_empty() => fields.quoted(""),
                    Part::Double(inner) => self.expand(inner, Origin::Quoted, fields).await?,
                    Part::Parameter(parameter) => {
                        let quoted = origin == Origin::Quoted;
                        self.parameter(parameter, quoted, fields).await?;
                    }
                    Part::Command(list) => {
                        let output = self.output_of(list).await?;
                        match origin {
                            Origin::Quoted => fields.quoted(&output),
                            _ => fields.divided(&output),
                        }
                    }
                    Part::Arithmetic(inner) => {
                        let expression = self.expression(inner).await?;
                        let number = self.number_of(&expression).await?.to_string();
                        match origin {
                            Origin::Quoted => fields.quoted(&number),
                            _ => fields.divided(&number),
                        }
                    }
                    Part::Process { reads, list } => {
                        let path = self.substitute(*reads, list).await?;
                        fields.quoted(&path);
                    }
                    Part::Tilde(user) => match self.home(user) {
                        Some(path) => fields.quoted(&path),
                        None => fields.plain(&format!("~{user}")),
                    },
                }
            }
            Ok(())
        })
    }

    /// What `~user` stands for.
    fn home(&self, user: &str) -> Option<String> {
        match user {
            "" => Some(self.get("HOME").unwrap_or_else(|| "/".to_owned())),
            "+" => Some(self.directory.clone()),
            "-" => self.get("OLDPWD"),
            "root" => Some("/root".to_owned()),
            _ => {
                let index: usize = user.trim_start_matches('+').parse().ok()?;
                match index.checked_sub(1) {
                    None => Some(self.directory.clone()),
                    Some(index) => self.directories.get(index).cloned(),
                }
            }
        }
    }

    /// `$(…)`
    async fn output_of(&mut self, list: &List) -> Expanded<String> {
        if let Some(word) = only_reads(list) {
            return self.file_text(word).await;
        }
        if list.is_empty() {
            self.substitution = Some(0);
            return Ok(String::new());
        }
        let (output, status) = self.capture(list).await?;
        self.substitution = Some(status);
        self.status = status;
        let mut output = text::decode(&output);
        output.truncate(output.trim_end_matches('\n').len());
        Ok(output)
    }

    /// `$(< file)`, for which nothing has to run.
    async fn file_text(&mut self, word: &Word) -> Expanded<String> {
        let path = self.text(word).await?;
        match self.open_input(&path) {
            Ok(handle) => {
                let bytes = match handle.input() {
                    Some(input) => input.read_all().await,
                    None => Vec::new(),
                };
                self.substitution = Some(0);
                let mut output = text::decode(&bytes);
                output.truncate(output.trim_end_matches('\n').len());
                Ok(output)
            }
            Err(message) => {
                self.complain(&message).await;
                self.substitution = Some(1);
                Ok(String::new())
            }
        }
    }
}

/// A word in which nothing is to be expanded.
fn plain(word: &Word) -> Option<&str> {
    match word.parts.as_slice() {
        [Part::Quoted(text)] => Some(text),
        [Part::Literal(text)] if !word.braces && !text.contains(['*', '?', '[', '(']) => Some(text),
        _ => None,
    }
}

/// The file of `< file` if there is nothing else.
fn only_reads(list: &List) -> Option<&Word> {
    use crate::syntax::{Descriptor, Kind, RedirectKind};
    let [item] = list.as_slice() else { return None };
    let pipeline = &item.chain.first;
    let [command] = pipeline.commands.as_slice() else {
        return None;
    };
    if item.background
        || !item.chain.rest.is_empty()
        || pipeline.negated
        || pipeline.timed.is_some()
    {
        return None;
    }
    let Kind::Simple(simple) = &command.kind else {
        return None;
    };
    let [redirect] = command.redirects.as_slice() else {
        return None;
    };
    match (&redirect.descriptor, &redirect.kind) {
        (Descriptor::Default, RedirectKind::Read(word))
            if simple.words.is_empty() && simple.assignments.is_empty() =>
        {
            Some(word)
        }
        _ => None,
    }
}
