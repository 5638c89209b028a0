//! Simple commands: assignments, functions, builtins, other programs.

use crate::builtins::{self, Operand};
use crate::expand::Expanded;
use crate::shell::{Flow, Frame, Outcome, Shell};
use crate::syntax::{Argument, Assigned, Assignment, Function, Redirect, Simple};
use crate::text;
use crate::variables::Variable;
use std::collections::HashMap;
use std::rc::Rc;

/// Calls of functions in each other. Beyond it the stack would end.
const CALLS_MAX: usize = 1_000;

impl Shell {
    pub async fn simple(&mut self, simple: &Simple, redirects: &[Redirect]) -> Outcome {
        let line = self.line;
        let substitutes = self.substitutes.len();
        self.substitution = None;
        if !self.traps.running {
            self.command_text = Rc::clone(&simple.text);
        }
        let mut operands = Vec::with_capacity(simple.words.len());
        for argument in &simple.words {
            match argument {
                Argument::Word(word) => {
                    let mut texts = Vec::with_capacity(1);
                    self.argument(word, &mut texts).await?;
                    operands.extend(texts.into_iter().map(Operand::Text));
                }
                Argument::Assignment(assignment) => operands.push(Operand::Assignment(assignment)),
            }
        }
        let outcome = if operands.is_empty() {
            self.assignments_only(&simple.assignments, redirects).await
        } else {
            self.invocation(&simple.assignments, operands, redirects)
                .await
        };
        self.line = line;
        if self.substitutes.len() > substitutes {
            self.end_substitutes(substitutes).await?;
        }
        let status = outcome?;
        self.status = status;
        Ok(status)
    }

    async fn assignments_only(
        &mut self,
        assignments: &[Assignment],
        redirects: &[Redirect],
    ) -> Outcome {
        let before = match self.redirect(redirects).await? {
            Ok(before) => before,
            Err(_) => return self.refused(),
        };
        self.undo(before);
        for assignment in assignments {
            self.assign(assignment).await?;
        }
        self.last_argument.clear();
        Ok(self.substitution.unwrap_or(0))
    }

    /// `x=y` as a command. What fails ends the line.
    pub async fn assign(&mut self, assignment: &Assignment) -> Expanded<()> {
        let name = &assignment.name;
        let key = match &assignment.subscript {
            Some(word) => Some(self.key(name, word).await?),
            None => None,
        };
        let done = match &assignment.value {
            Assigned::Scalar(word) => {
                let value = self.text(word).await?;
                self.trace(|| {
                    let sign = if assignment.append { "+=" } else { "=" };
                    let key = key
                        .as_ref()
                        .map(|key| format!("[{key}]"))
                        .unwrap_or_default();
                    format!("{name}{key}{sign}{}", text::quote_if_needed(&value))
                })
                .await;
                self.assign_text(name, key.as_deref(), value, assignment.append)
            }
            Assigned::Array(elements) => {
                let values = self.elements(name, elements).await?;
                self.assign_array(name, values, assignment.append)
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(message) => Err(self.fail(&message).await),
        }
    }

    /// The elements of `(a [1]=b)`, expanded.
    pub async fn elements(
        &mut self,
        name: &str,
        elements: &[crate::syntax::Element],
    ) -> Expanded<Vec<(Option<String>, bool, String)>> {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            match &element.subscript {
                Some(subscript) => {
                    let key = self.key(name, subscript).await?;
                    let value = self.text(&element.value).await?;
                    values.push((Some(key), element.append, value));
                }
                None => {
                    let mut texts = Vec::new();
                    self.argument(&element.value, &mut texts).await?;
                    values.extend(texts.into_iter().map(|text| (None, false, text)));
                }
            }
        }
        Ok(values)
    }

    async fn invocation(
        &mut self,
        assignments: &[Assignment],
        operands: Vec<Operand<'_>>,
        redirects: &[Redirect],
    ) -> Outcome {
        // `exec` without a command keeps its redirections.
        let keeps = matches!(operands.as_slice(), [Operand::Text(name)] if name == "exec");
        let before = match self.redirect(redirects).await? {
            Ok(before) => before,
            Err(_) if keeps => return Err(Flow::Exit(1)),
            Err(_) => return self.refused(),
        };
        let variables = match self.prefix(assignments).await {
            Ok(variables) => variables,
            Err(failed) => {
                self.undo(before);
                return Err(failed.into());
            }
        };
        self.trace(|| {
            let words: Vec<String> = operands.iter().map(Operand::written).collect();
            words.join(" ")
        })
        .await;
        let last = match operands.last() {
            Some(Operand::Text(text)) => text.clone(),
            Some(Operand::Assignment(assignment)) => assignment.name.clone(),
            None => String::new(),
        };
        let outcome = self.invoke(operands).await;
        self.last_argument = last;
        self.restore(variables);
        if !keeps {
            self.undo(before);
        }
        outcome
    }

    /// Assignments before a command hold while it runs. What they hid is given back.
    async fn prefix(
        &mut self,
        assignments: &[Assignment],
    ) -> Expanded<Vec<(String, Option<Variable>)>> {
        let mut hidden = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let name = self.resolve(&assignment.name).into_owned();
            hidden.push((name.clone(), self.variables.get(&name).cloned()));
            if let Err(failed) = self.assign(assignment).await {
                self.restore(hidden);
                return Err(failed);
            }
            if let Some(variable) = Rc::make_mut(&mut self.variables).get_mut(&name) {
                variable.attributes.exported = true;
            }
        }
        Ok(hidden)
    }

    async fn invoke(&mut self, operands: Vec<Operand<'_>>) -> Outcome {
        let Some(Operand::Text(name)) = operands.first() else {
            return Ok(0);
        };
        if let Some(function) = self.functions.get(name.as_str()).cloned() {
            let arguments = texts(operands);
            return self.call(&function, arguments).await;
        }
        if builtins::exists(name) {
            return builtins::run(self, operands).await;
        }
        let arguments = texts(operands);
        self.external(arguments).await
    }

    /// A command that is no function.
    pub async fn invoke_plainly(&mut self, arguments: Vec<String>) -> Outcome {
        let Some(name) = arguments.first() else {
            return Ok(0);
        };
        if builtins::exists(name) {
            let operands = arguments.into_iter().map(Operand::Text).collect();
            return builtins::run(self, operands).await;
        }
        self.external(arguments).await
    }

    pub async fn call(&mut self, function: &Rc<Function>, arguments: Vec<String>) -> Outcome {
        let calls = self
            .frames
            .iter()
            .filter(|frame| frame.function.is_some())
            .count();
        let allowed = self.get("FUNCNEST").and_then(|limit| limit.parse().ok());
        let allowed = allowed
            .filter(|limit| *limit > 0)
            .unwrap_or(CALLS_MAX)
            .min(CALLS_MAX);
        if calls >= allowed {
            let message = format!(
                "{}: maximum function nesting level exceeded ({allowed})",
                function.name
            );
            return Err(self.fail(&message).await.into());
        }
        let functions_too = self.options.is_set("functrace");
        let trap = match functions_too {
            true => None,
            false => self.traps.commands.remove("RETURN"),
        };
        self.enter(
            Some(Rc::clone(function)),
            Rc::clone(&function.source),
            arguments,
        );
        let outcome = self.command(&function.body).await;
        let outcome = match outcome {
            Err(Flow::Return(status)) => Ok(status),
            outcome => outcome,
        };
        if let Ok(status) = outcome {
            self.status = status;
            if self.traps.commands.contains_key("RETURN") {
                self.trap("RETURN").await?;
            }
        }
        if let Some(trap) = trap {
            self.traps
                .commands
                .entry("RETURN".to_owned())
                .or_insert(trap);
        }
        self.leave();
        outcome
    }

    pub fn enter(
        &mut self,
        function: Option<Rc<Function>>,
        source: Rc<str>,
        arguments: Vec<String>,
    ) {
        let arguments = match &function {
            Some(_) => arguments.into_iter().skip(1).collect(),
            None => arguments,
        };
        let positional = std::mem::replace(&mut self.positional, Rc::new(arguments));
        self.frames.push(Frame {
            function,
            source,
            line: self.line,
            hidden: HashMap::new(),
            positional,
            loops: std::mem::take(&mut self.loops),
        });
    }

    /// `set -x`
    pub async fn trace(&mut self, text: impl FnOnce() -> String) {
        if self.options.is_set("xtrace") {
            let start = self.get("PS4").unwrap_or_else(|| "+ ".to_owned());
            let depth = usize::try_from(self.subshells).unwrap_or(0);
            let first: String = start.chars().take(1).collect();
            let text = format!("{}{start}{}\n", first.repeat(depth), text());
            self.write_error(&text).await;
        }
    }
}

/// Operands of what takes no assignments.
fn texts(operands: Vec<Operand<'_>>) -> Vec<String> {
    operands
        .into_iter()
        .map(|operand| match operand {
            Operand::Text(text) => text,
            Operand::Assignment(assignment) => assignment.name.clone(),
        })
        .collect()
}
