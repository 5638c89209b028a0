//! Running scripts: lists, chains, pipelines.

use crate::executor::{self, Local};
use crate::pipe::pipe;
use crate::shell::{Flow, Outcome, Shell};
use crate::stream::{Handle, Input, Output};
use crate::subshell::wait_for;
use crate::syntax::{Chain, Command, Connector, Kind, List, Parser, Pipeline, SyntaxError, Timed};
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::clocks::monotonic_clock;

pub fn ends_with_failure(status: i32) -> bool {
    status != 0
}

impl Shell {
    /// Runs a text line by line. A line that is no command is told and ends it with 2.
    pub async fn script(&mut self, text: &str, line: u32) -> Outcome {
        let mut parser = Parser::new(text, line, Rc::clone(&self.source));
        let mut status = 0;
        while let Some(list) = self.next_line(&mut parser).await? {
            status = self.list(&list).await?;
        }
        Ok(status)
    }

    /// The same at the top: a failed expansion ends its line only.
    pub async fn program(&mut self, text: &str) -> Outcome {
        let mut parser = Parser::new(text, self.first_line, Rc::clone(&self.source));
        while let Some(list) = self.next_line(&mut parser).await? {
            match self.list(&list).await {
                Ok(_) => {}
                Err(Flow::Discard(status)) => {
                    self.status = status;
                    self.conditions = 0;
                    self.loops = 0;
                    while !self.frames.is_empty() {
                        self.leave();
                    }
                }
                Err(flow) => return Err(flow),
            }
        }
        Ok(self.status)
    }

    async fn next_line(&mut self, parser: &mut Parser) -> Result<Option<List>, Flow> {
        if self.options.has("expand_aliases") {
            parser.aliases = Rc::clone(&self.aliases);
        }
        parser.extended = self.options.has("extglob");
        let next = parser.next();
        for (line, warning) in parser.warnings.drain(..) {
            self.line = line;
            self.complain(&warning).await;
        }
        match next {
            Ok(list) => Ok(list),
            Err(error) => {
                let text = parser.line_text(error.line);
                self.syntax_error(&error, text.as_deref()).await;
                self.unreadable = true;
                Err(Flow::Exit(2))
            }
        }
    }

    pub async fn syntax_error(&mut self, error: &SyntaxError, text: Option<&str>) {
        self.line = error.line;
        self.status = 2;
        self.complain(&error.message).await;
        if let Some(text) = text.filter(|_| !error.incomplete) {
            self.complain(&format!("`{text}'")).await;
        }
    }

    pub fn list<'a>(&'a mut self, list: &'a List) -> Local<'a, Outcome> {
        Box::pin(async move {
            let mut status = 0;
            for item in list.iter() {
                if self.options.is_set("noexec") {
                    break;
                }
                if item.background {
                    self.start_job(&item.chain).await?;
                    status = 0;
                    self.status = 0;
                } else {
                    status = self.chain(&item.chain).await?;
                }
            }
            Ok(status)
        })
    }

    pub async fn chain(&mut self, chain: &Rc<Chain>) -> Outcome {
        let mut status = self.guarded(&chain.first, !chain.rest.is_empty()).await?;
        for (at, (connector, pipeline)) in chain.rest.iter().enumerate() {
            if (*connector == Connector::And) == (status == 0) {
                let last = at + 1 == chain.rest.len();
                status = self.guarded(pipeline, !last).await?;
            }
        }
        Ok(status)
    }

    /// A pipeline; as a condition its failure has no consequence.
    async fn guarded(&mut self, pipeline: &Pipeline, condition: bool) -> Outcome {
        let conditions = self.conditions;
        self.conditions += u32::from(condition || pipeline.negated);
        let outcome = match pipeline.timed {
            None => self.pipeline(pipeline).await,
            Some(timed) => self.timed(pipeline, timed).await,
        };
        self.conditions = conditions;
        let mut status = outcome?;
        if pipeline.negated {
            status = i32::from(status == 0);
        }
        self.status = status;
        if ends_with_failure(status) && !condition && !pipeline.negated && counts(pipeline) {
            self.failed(status).await?;
        }
        Ok(status)
    }

    /// `set -e` and the trap `ERR`.
    async fn failed(&mut self, status: i32) -> Result<(), Flow> {
        if self.conditions > 0 {
            return Ok(());
        }
        self.trap("ERR").await?;
        if self.options.is_set("errexit") {
            return Err(Flow::Exit(status));
        }
        Ok(())
    }

    async fn pipeline(&mut self, pipeline: &Pipeline) -> Outcome {
        match pipeline.commands.as_slice() {
            [] => Ok(0),
            [command] => {
                let status = self.command(command).await?;
                if !matches!(
                    command.kind,
                    Kind::Group(_)
                        | Kind::For { .. }
                        | Kind::While { .. }
                        | Kind::If { .. }
                        | Kind::Case { .. }
                ) {
                    self.pipe_status = vec![status];
                }
                Ok(status)
            }
            commands => self.piped(commands).await,
        }
    }

    /// Each member in a subshell of its own, all at the same time.
    async fn piped(&mut self, commands: &[Rc<Command>]) -> Outcome {
        let keeps_last = self.options.has("lastpipe");
        let mut joins = Vec::with_capacity(commands.len());
        let mut input: Option<Handle> = None;
        let mut last_status = None;
        for (at, command) in commands.iter().enumerate() {
            let last = at + 1 == commands.len();
            if last && keeps_last {
                let before = input.take().map(|input| self.descriptors.insert(0, input));
                let outcome = self.command(command).await;
                if let Some(before) = before {
                    self.undo(vec![(0, before)]);
                }
                last_status = Some(outcome?);
                break;
            }
            let mut shell = self.fork().await?;
            if let Some(input) = input.take() {
                shell.descriptors.insert(0, input);
            }
            if !last {
                let (reader, writer) = pipe();
                shell
                    .descriptors
                    .insert(1, Handle::Write(Rc::new(Output::Pipe(writer))));
                input = Some(Handle::Read(Rc::new(Input::Pipe(reader))));
            }
            let command = Rc::clone(command);
            joins.push(executor::spawn(async move {
                let outcome = shell.command(&command).await;
                shell.finish(outcome).await
            }));
        }
        let mut statuses = Vec::with_capacity(joins.len());
        // All of them end with who waits for them.
        let mut bound: Vec<_> = joins
            .into_iter()
            .map(|join| Box::pin(wait_for(join)))
            .collect();
        for join in &mut bound {
            statuses.push(join.await);
        }
        statuses.extend(last_status);
        let mut status = statuses.last().copied().unwrap_or(0);
        if self.options.is_set("pipefail")
            && let Some(failure) = statuses.iter().rev().find(|status| **status != 0)
        {
            status = *failure;
        }
        self.pipe_status = statuses;
        Ok(status)
    }

    async fn timed(&mut self, pipeline: &Pipeline, timed: Timed) -> Outcome {
        let start = monotonic_clock::now();
        let outcome = self.pipeline(pipeline).await;
        let elapsed = monotonic_clock::now().saturating_sub(start) / 1_000_000;
        let (seconds, milliseconds) = (elapsed / 1000, elapsed % 1000);
        let text = match timed {
            // What programs computed is not known here.
            Timed::Posix => {
                format!(
                    "real {seconds}.{:02}\nuser 0.00\nsys 0.00\n",
                    milliseconds / 10
                )
            }
            Timed::Bash => {
                let (minutes, seconds) = (seconds / 60, seconds % 60);
                format!(
                    "\nreal\t{minutes}m{seconds}.{milliseconds:03}s\nuser\t0m0.000s\nsys\t0m0.000s\n"
                )
            }
        };
        self.write_error(&text).await;
        outcome
    }
}

/// Does its failure count for `set -e`? In groups and loops, that of the command in it did.
fn counts(pipeline: &Pipeline) -> bool {
    match pipeline.commands.as_slice() {
        [command] => !matches!(
            command.kind,
            Kind::Group(_)
                | Kind::For { .. }
                | Kind::ForArithmetic { .. }
                | Kind::Select { .. }
                | Kind::While { .. }
                | Kind::If { .. }
                | Kind::Case { .. }
        ),
        _ => true,
    }
}
