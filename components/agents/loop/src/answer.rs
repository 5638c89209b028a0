//! A role that ends with an answer in a form: the model gives it by a tool, whose schema is the form.

use crate::end::End;
use crate::run::{Called, Next, Role};
use crate::tools::Tool;
use crate::work::Work;
use serde_json::Value;
use swarm_flow_agent::model::ToolChoice;

/// Says what is wrong with an answer that has the form.
type Accept<'a> = Box<dyn FnMut(&Value) -> Result<(), String> + 'a>;

/// Waits for the answer.
pub struct Answer<'a> {
    /// The last one takes the answer.
    tools: Vec<Tool>,
    accept: Accept<'a>,
    refused_max: u32,
    refused: u32,
    reminded: u32,
    pub given: Option<Value>,
}

/// How often a model that stops without an answer is told to give one.
const REMINDED_MAX: u32 = 2;

impl<'a> Answer<'a> {
    /// `beside` are tools that the model can use before. An answer is refused so often at most.
    pub fn new(
        beside: Vec<Tool>,
        answer: Tool,
        refused_max: u32,
        accept: impl FnMut(&Value) -> Result<(), String> + 'a,
    ) -> Self {
        let mut tools = beside;
        tools.push(answer);
        Self {
            tools,
            accept: Box::new(accept),
            refused_max,
            refused: 0,
            reminded: 0,
            given: None,
        }
    }

    fn name(&self) -> &'static str {
        self.tools.last().map_or("answer", |tool| tool.name)
    }
}

impl Role for Answer<'_> {
    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    fn choice(&self) -> ToolChoice {
        if self.tools.len() == 1 || self.reminded > 0 {
            ToolChoice::Named(self.name().to_owned())
        } else {
            ToolChoice::Auto
        }
    }

    fn call(&mut self, _: &mut Work<'_>, name: &str, arguments: &Value) -> Option<Called> {
        if name != self.name() {
            return None;
        }
        Some(match (self.accept)(arguments) {
            Ok(()) => {
                self.given = Some(arguments.clone());
                Called::End(End::Done)
            }
            Err(why) if self.refused < self.refused_max => {
                self.refused += 1;
                Called::Failed(why)
            }
            Err(why) => Called::End(End::NoAnswer(why)),
        })
    }

    fn stopped(&mut self, _: &mut Work<'_>, _: &str) -> Next {
        if self.reminded == REMINDED_MAX {
            let why = format!(
                "the model did not use the tool `{}` for its answer",
                self.name()
            );
            return Next::End(End::NoAnswer(why));
        }
        self.reminded += 1;
        Next::GoOn(format!("Give your answer by the tool `{}`.", self.name()))
    }
}
