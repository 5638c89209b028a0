//! Compound commands.

use crate::executor::{self, Local};
use crate::pattern::Pattern;
use crate::shell::{Flow, Outcome, Shell};
use crate::stream::{Handle, Input, Output};
use crate::syntax::{AfterArm, Arm, Chain, Command, Kind, List, Pipeline, Word};
use crate::text;
use crate::variables::{Value, Variable};
use std::rc::Rc;

/// Commands that may run in each other: groups, loops, functions, `eval`. Beyond it the stack would end.
const DEPTH_MAX: u32 = 3_000;

/// Commands after which others may have their turn.
const TURN: u32 = 64;

impl Shell {
    pub fn command<'a>(&'a mut self, command: &'a Rc<Command>) -> Local<'a, Outcome> {
        Box::pin(async move {
            if self.depth >= DEPTH_MAX {
                let message = format!("more than {DEPTH_MAX} commands in each other");
                return Err(self.fail(&message).await.into());
            }
            self.depth += 1;
            let outcome = self.command_in_depth(command).await;
            self.depth -= 1;
            outcome
        })
    }

    fn command_in_depth<'a>(&'a mut self, command: &'a Rc<Command>) -> Local<'a, Outcome> {
        Box::pin(async move {
            self.commands = self.commands.wrapping_add(1);
            if self.commands.is_multiple_of(TURN) {
                executor::yield_now().await;
            }
            self.sent_signals().await?;
            if let Kind::Simple(simple) = &command.kind {
                self.line = command.line;
                return self.simple(simple, &command.redirects).await;
            }
            if command.redirects.is_empty() {
                return self.compound(command).await;
            }
            self.line = command.line;
            let substitutes = self.substitutes.len();
            let before = match self.redirect(&command.redirects).await? {
                Ok(before) => before,
                Err(_) => return self.refused(),
            };
            let outcome = self.compound(command).await;
            self.undo(before);
            self.end_substitutes(substitutes).await?;
            outcome
        })
    }

    /// After a redirection that failed.
    pub fn refused(&mut self) -> Outcome {
        self.status = 1;
        Ok(1)
    }

    async fn compound(&mut self, command: &Rc<Command>) -> Outcome {
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple, &[]).await,
            Kind::Group(list) => self.list(list).await,
            Kind::Subshell(list) => {
                let status = self.run_in_subshell(list, |_| ()).await?;
                self.status = status;
                Ok(status)
            }
            Kind::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.condition(condition).await? == 0 {
                        return self.list(body).await;
                    }
                }
                match otherwise {
                    Some(body) => self.list(body).await,
                    None => self.ended(0),
                }
            }
            Kind::While {
                condition,
                body,
                until,
            } => {
                let mut status = 0;
                loop {
                    match self.turn(condition, body, *until).await? {
                        Some(last) => status = last,
                        None => return self.ended(status),
                    }
                }
            }
            Kind::For { name, words, body } => self.for_each(name, words.as_deref(), body).await,
            Kind::Select { name, words, body } => self.select(name, words.as_deref(), body).await,
            Kind::ForArithmetic {
                start,
                condition,
                step,
                body,
            } => self.for_arithmetic(start, condition, step, body).await,
            Kind::Case { subject, arms } => self.case(subject, arms).await,
            Kind::Arithmetic(expression) => {
                self.line = command.line;
                let expression = self.expression(&expression.parts).await?;
                self.trace(|| format!("(( {} ))", expression.trim())).await;
                match self.compute(&expression) {
                    Ok(value) => self.ended(i32::from(value == 0)),
                    Err(message) => {
                        self.complain(&format!("((: {message}")).await;
                        self.ended(1)
                    }
                }
            }
            Kind::Test(test) => {
                self.line = command.line;
                let status = self.extended_test(test).await?;
                self.ended(status)
            }
            Kind::Function(function) => {
                Rc::make_mut(&mut self.functions)
                    .insert(function.name.clone(), Rc::clone(function));
                self.ended(0)
            }
            Kind::Coprocess { name, body } => self.coprocess(name, body).await,
        }
    }

    fn ended(&mut self, status: i32) -> Outcome {
        self.status = status;
        Ok(status)
    }

    async fn condition(&mut self, list: &List) -> Outcome {
        self.conditions += 1;
        let outcome = self.list(list).await;
        self.conditions -= 1;
        outcome
    }

    /// One turn of `while`: the body's status, or none when the condition ends the loop.
    async fn turn(
        &mut self,
        condition: &List,
        body: &List,
        until: bool,
    ) -> Result<Option<i32>, Flow> {
        self.loops += 1;
        let outcome = match self.condition(condition).await {
            Ok(status) if (status == 0) == until => Ok(None),
            Ok(_) => self.list(body).await.map(Some),
            // A condition that continues holds, which ends `until`.
            Err(Flow::Continue(1)) if until => Ok(None),
            Err(flow) => Err(flow),
        };
        self.loops -= 1;
        match outcome {
            Ok(status) => Ok(status),
            Err(flow) => Self::inner(flow),
        }
    }

    /// What a flow means for the loop that it reaches.
    fn inner(flow: Flow) -> Result<Option<i32>, Flow> {
        match flow {
            Flow::Break(1) => Ok(None),
            Flow::Continue(1) => Ok(Some(0)),
            Flow::Break(levels) => Err(Flow::Break(levels - 1)),
            Flow::Continue(levels) => Err(Flow::Continue(levels - 1)),
            flow => Err(flow),
        }
    }

    /// A loop's body: its status, or none when the loop ends.
    async fn body(&mut self, body: &List) -> Result<Option<i32>, Flow> {
        self.loops += 1;
        let outcome = self.list(body).await;
        self.loops -= 1;
        match outcome {
            Ok(status) => Ok(Some(status)),
            Err(flow) => Self::inner(flow),
        }
    }

    async fn loop_words(&mut self, words: Option<&[Word]>) -> Result<Vec<String>, Flow> {
        match words {
            Some(words) => Ok(self.arguments(words).await?),
            None => Ok(self.positional.as_ref().clone()),
        }
    }

    async fn for_each(&mut self, name: &str, words: Option<&[Word]>, body: &List) -> Outcome {
        let line = self.line;
        let values = self.loop_words(words).await?;
        let mut status = 0;
        for value in &values {
            if self.options.is_set("xtrace") {
                let list: Vec<String> = values
                    .iter()
                    .map(|value| text::quote_if_needed(value))
                    .collect();
                self.trace(|| format!("for {name} in {}", list.join(" ")))
                    .await;
            }
            let set = if self.attributes(name).reference {
                Rc::make_mut(&mut self.variables)
                    .entry(name.to_owned())
                    .and_modify(|variable| variable.value = Value::Text(value.clone()));
                Ok(())
            } else {
                self.set(name, value.clone())
            };
            if let Err(message) = set {
                self.line = line;
                return Err(self.fail(&message).await.into());
            }
            match self.body(body).await? {
                Some(last) => status = last,
                None => return self.ended(0),
            }
        }
        self.ended(status)
    }

    async fn select(&mut self, name: &str, words: Option<&[Word]>, body: &List) -> Outcome {
        let values = self.loop_words(words).await?;
        let mut menu = String::new();
        for (at, value) in values.iter().enumerate() {
            menu.push_str(&format!("{}) {value}\n", at + 1));
        }
        let mut shows = true;
        let mut status = 0;
        loop {
            if shows {
                self.write_error(&menu).await;
            }
            let prompt = self.get("PS3").unwrap_or_else(|| "#? ".to_owned());
            self.write_error(&prompt).await;
            let Some(input) = self.input(0) else {
                return self.ended(1);
            };
            let Some(line) = crate::builtins::read::line(&input).await else {
                self.write_error("\n").await;
                return self.ended(if status == 0 { 1 } else { status });
            };
            shows = line.is_empty();
            if shows {
                continue;
            }
            let choice = line.trim().parse::<usize>().ok();
            let chosen = choice.and_then(|choice| values.get(choice.checked_sub(1)?));
            let chosen = chosen.cloned().unwrap_or_default();
            for (name, value) in [("REPLY", line), (name, chosen)] {
                if let Err(message) = self.set(name, value) {
                    return Err(self.fail(&message).await.into());
                }
            }
            match self.body(body).await? {
                Some(last) => status = last,
                None => return self.ended(0),
            }
        }
    }

    async fn for_arithmetic(
        &mut self,
        start: &Word,
        condition: &Word,
        step: &Word,
        body: &List,
    ) -> Outcome {
        let mut status = 0;
        self.loop_number(start).await?;
        while self.loop_number(condition).await?.unwrap_or(1) != 0 {
            match self.body(body).await? {
                Some(last) => status = last,
                None => return self.ended(0),
            }
            self.loop_number(step).await?;
        }
        self.ended(status)
    }

    /// None for an empty expression.
    async fn loop_number(&mut self, expression: &Word) -> Result<Option<i64>, Flow> {
        let expression = self.expression(&expression.parts).await?;
        if expression.trim().is_empty() {
            return Ok(None);
        }
        match self.compute(&expression) {
            Ok(number) => Ok(Some(number)),
            Err(message) => Err(self.fail(&format!("((: {message}")).await.into()),
        }
    }

    async fn case(&mut self, subject: &Word, arms: &[Arm]) -> Outcome {
        let subject = self.text(subject).await?;
        self.trace(|| format!("case {} in", text::quote_if_needed(&subject)))
            .await;
        let ignore_case = self.options.has("nocasematch");
        let characters: Vec<char> = subject.chars().collect();
        let mut falls = false;
        let mut status = 0;
        for arm in arms {
            let mut fits = falls;
            for pattern in &arm.patterns {
                if fits {
                    break;
                }
                let pattern = self.pattern(pattern).await?;
                fits = Pattern::with_case(&pattern, ignore_case).matches_slice(&characters);
            }
            if !fits {
                continue;
            }
            self.status = 0;
            status = self.list(&arm.body).await?;
            match arm.then {
                AfterArm::End => return self.ended(status),
                AfterArm::FallThrough => falls = true,
                AfterArm::TestNext => falls = false,
            }
        }
        self.ended(status)
    }

    /// Its two pipes are in the array that bears its name.
    async fn coprocess(&mut self, name: &str, body: &Rc<Command>) -> Outcome {
        let (their_input, our_output) = crate::pipe::pipe();
        let (our_input, their_output) = crate::pipe::pipe();
        let free = |shell: &Self, from: u32| (from..).find(|n| !shell.descriptors.contains_key(n));
        let read = free(self, 60).unwrap_or(60);
        let write = free(self, read + 1).unwrap_or(read + 1);
        let chain = Rc::new(Chain {
            first: Pipeline {
                commands: vec![Rc::clone(body)],
                negated: false,
                timed: None,
            },
            rest: Vec::new(),
            text: format!("coproc {name}"),
        });
        let input = Handle::Read(Rc::new(Input::Pipe(their_input)));
        let before = self
            .descriptors
            .insert(1, Handle::Write(Rc::new(Output::Pipe(their_output))));
        let started = self.start_job_with(&chain, input).await;
        self.undo(vec![(1, before)]);
        started?;
        self.descriptors
            .insert(read, Handle::Read(Rc::new(Input::Pipe(our_input))));
        self.descriptors
            .insert(write, Handle::Write(Rc::new(Output::Pipe(our_output))));
        let numbers = [(0, read.to_string()), (1, write.to_string())];
        let array = Variable {
            value: Value::Indexed(numbers.into()),
            ..Variable::default()
        };
        let pid = self.background.unwrap_or(0).to_string();
        let variables = Rc::make_mut(&mut self.variables);
        variables.insert(name.to_owned(), array);
        variables.insert(format!("{name}_PID"), Variable::text(pid));
        self.ended(0)
    }
}
