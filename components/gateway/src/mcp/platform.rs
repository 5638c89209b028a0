//! What the platform has, as a server of the protocol.

use super::call;
use super::feed::{Events, Wanted};
use super::selection::Selection;
use super::{program, prompt, resource, task, wait};
use crate::problem::Problem;
use crate::wire;
use serde_json::{Map, Value, json};
use std::rc::Rc;
use swarm_flow_mcp::{
    Call, Client, Description, Era, Fault, Feed, Inputs, List, Listed, Outcome, Server, TaskCall,
};

/// The answer to one request.
#[derive(Clone)]
pub struct Platform {
    pub request_id: String,
    pub selection: Rc<Selection>,
}

/// How long a client may keep a list that only another version of the app changes.
const FIXED_TTL_MS: u64 = 300_000;

const INSTRUCTIONS: &str = "Swarm Flow runs untrusted code in sandboxes. Make a workspace, write files into it, run commands \
     in it with `exec`. A policy says what a workspace may do; what is denied names the rule that would allow it. Runs of \
     swarms go on by themselves: `run_wait` follows one and hands on what its agents ask people. More tools are in the groups \
     programs, policies, audit, agents, swarms, memory, events and runners, by `?groups=` in the address.";

/// How many values a completion has at most.
const COMPLETIONS_MAX: usize = 100;

pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

impl Platform {
    pub fn now(&self) -> u64 {
        now_ms()
    }

    fn tools(&self) -> Result<Listed, Problem> {
        let mut items = Vec::new();
        for tool in self.selection.tools() {
            let definition = serde_json::from_str(tool.definition)
                .map_err(|error| Problem::internal(format!("tool `{}`: {error}", tool.name)))?;
            items.push(definition);
        }
        let programs = program::chosen(self)?;
        items.extend(programs.iter().map(program::Program::definition));
        let changes = self.tools_change();
        Ok(Listed {
            items,
            next_cursor: None,
            ttl_ms: if changes { 0 } else { FIXED_TTL_MS },
            is_public: !changes,
        })
    }

    /// Whether the list of tools depends on what there is.
    fn tools_change(&self) -> bool {
        self.selection.programs.is_some()
    }

    fn fault(&self, problem: &Problem) -> Fault {
        if let Some(private) = &problem.private {
            eprintln!("request {}: {private}", self.request_id);
        }
        let fault = match problem.status {
            400..=499 => Fault::invalid_params(problem.detail.clone()),
            _ => Fault::internal(problem.detail.clone()),
        };
        fault.with(problem.json(&self.request_id))
    }
}

impl Server for Platform {
    fn describe(&self) -> Description {
        Description {
            name: "swarm-flow",
            title: "Swarm Flow",
            version: env!("CARGO_PKG_VERSION"),
            instructions: INSTRUCTIONS,
        }
    }

    fn capabilities(&self, era: Era) -> Value {
        let mut capabilities = json!({
            "tools": {"listChanged": self.tools_change()},
            "resources": {"listChanged": true},
            "prompts": {},
            "completions": {},
        });
        if era == Era::Modern {
            capabilities["resources"]["subscribe"] = true.into();
            capabilities["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
        }
        capabilities
    }

    fn key(&self) -> Result<Vec<u8>, Fault> {
        let token = wire::token().map_err(|problem| self.fault(&problem))?;
        Ok(token.into_bytes())
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    fn random(&self) -> [u8; 16] {
        wire::random()
    }

    fn list(&self, list: List, cursor: Option<&str>) -> Result<Listed, Fault> {
        let fixed = |items| Listed {
            items,
            next_cursor: None,
            ttl_ms: FIXED_TTL_MS,
            is_public: true,
        };
        let no_cursor = || match cursor {
            None => Ok(()),
            Some(_) => Err(Fault::invalid_params(
                "`params.cursor` is not a cursor of this list, which is one page",
            )),
        };
        match list {
            List::Tools => {
                no_cursor()?;
                self.tools().map_err(|problem| self.fault(&problem))
            }
            List::Resources => resource::list(self, cursor).map_err(|problem| self.fault(&problem)),
            List::Templates => no_cursor().map(|()| fixed(resource::templates())),
            List::Prompts => no_cursor().map(|()| fixed(prompt::list())),
        }
    }

    fn call(&self, client: &Client, call: &Call) -> Result<Outcome, Fault> {
        call::call(self, client, call)
    }

    fn read(&self, client: &Client, uri: &str, _: &Inputs) -> Result<Outcome, Fault> {
        resource::read(self, client.era, uri)
    }

    fn prompt(
        &self,
        _: &Client,
        name: &str,
        arguments: &Map<String, Value>,
        _: &Inputs,
    ) -> Result<Outcome, Fault> {
        prompt::get(name, arguments)
    }

    /// Ids of what there is.
    fn complete(&self, params: &Map<String, Value>) -> Result<Vec<String>, Fault> {
        let argument = params.get("argument");
        let text = |name: &str| argument.and_then(|argument| argument.get(name)?.as_str());
        let (Some(name), Some(value)) = (text("name"), text("value")) else {
            let message = "`params.argument` must have `name` and `value`, both strings";
            return Err(Fault::invalid_params(message));
        };
        if !prompt::COMPLETED.contains(&name) {
            return Ok(Vec::new());
        }
        let template = match name {
            "workspace" => "/workspaces",
            "run" => "/runs",
            _ => "/swarms",
        };
        let inner = super::arguments::Inner::new(&self.request_id, "GET", template, &[])
            .with_query("limit", "1000");
        let page = call::structured(inner, None).map_err(|problem| self.fault(&problem))?;
        let items = page["items"].as_array().into_iter().flatten();
        let ids = items.filter_map(|item| item["id"].as_str());
        let ids = ids.filter(|id| id.starts_with(value)).take(COMPLETIONS_MAX);
        Ok(ids.map(str::to_owned).collect())
    }

    fn task(&self, id: &str, call: TaskCall) -> Result<Value, Fault> {
        task::task(self, id, call)
    }

    fn listen(
        &self,
        _: &Client,
        wanted: Option<&Map<String, Value>>,
        after: Option<u64>,
    ) -> Result<(Value, Box<dyn Feed>), Fault> {
        let wanted = match wanted {
            None => Wanted::of_session(self.tools_change()),
            Some(filter) => Wanted::of_filter(filter, self.tools_change())?,
        };
        let granted = wanted.json();
        let events = Events::new(self.clone(), wanted, after)?;
        Ok((granted, Box::new(events)))
    }

    /// An answer to a question that `run_wait` handed on.
    fn answered(&self, id: &Value, result: Result<Value, Value>) -> Result<(), Fault> {
        let question = id.as_str().and_then(|id| id.strip_prefix(wait::QUESTION));
        // A client that cannot ask leaves the question open for others.
        let (Some(question), Ok(result)) = (question, result) else {
            return Ok(());
        };
        let responses = Map::from_iter([(question.to_owned(), result)]);
        wait::answer(&self.request_id, &responses).map_err(|problem| self.fault(&problem))
    }
}
