//! The server that the MCP conformance suite wants to find: tools, resources and prompts of fixed names that answer with
//! fixed things. It stands on the same library as the platform's own server, and instead of it in a gateway that was
//! built with `--features conformance`; what is shipped has none of it.

mod content;
mod input;
mod replies;
mod tools;

use serde_json::{Map, Value, json};
use swarm_flow_mcp::{
    Call, Client, Description, Era, Fault, Feed, Inputs, List, Listed, Notice, Outcome, Server,
    TaskCall,
};

/// The fixtures, signed with a key.
#[derive(Clone)]
pub struct Fixtures {
    pub key: Vec<u8>,
}

impl Server for Fixtures {
    fn describe(&self) -> Description {
        Description {
            name: "mcp-fixtures",
            title: "Fixtures",
            version: env!("CARGO_PKG_VERSION"),
            instructions: "For the conformance suite.",
        }
    }

    fn capabilities(&self, era: Era) -> Value {
        let mut capabilities = json!({
            "tools": {"listChanged": true},
            "resources": {"subscribe": true, "listChanged": false},
            "prompts": {"listChanged": true},
            "completions": {},
            "logging": {},
        });
        if era == Era::Modern {
            capabilities["extensions"] = json!({});
        }
        capabilities
    }

    fn key(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.key.clone())
    }

    fn now_ms(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    fn random(&self) -> [u8; 16] {
        let random = wasi::random::random::get_random_u64;
        (u128::from(random()) << 64 | u128::from(random())).to_be_bytes()
    }

    fn list(&self, list: List, _: Option<&str>) -> Result<Listed, Fault> {
        Ok(Listed {
            items: match list {
                List::Tools => tools::list(),
                List::Resources => content::resources(),
                List::Templates => content::templates(),
                List::Prompts => content::prompts(),
            },
            next_cursor: None,
            ttl_ms: 300_000,
            is_public: true,
        })
    }

    fn call(&self, client: &Client, call: &Call) -> Result<Outcome, Fault> {
        tools::call(self, client, call)
    }

    fn read(&self, client: &Client, uri: &str, _: &Inputs) -> Result<Outcome, Fault> {
        content::read(uri).ok_or_else(|| Fault::no_resource(client.era, uri))
    }

    fn prompt(
        &self,
        _: &Client,
        name: &str,
        arguments: &Map<String, Value>,
        inputs: &Inputs,
    ) -> Result<Outcome, Fault> {
        content::prompt(name, arguments, inputs)
    }

    fn complete(&self, _: &Map<String, Value>) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn task(&self, id: &str, _: TaskCall) -> Result<Value, Fault> {
        Err(Fault::invalid_params(format!("there is no task `{id}`")))
    }

    fn listen(
        &self,
        _: &Client,
        wanted: Option<&Map<String, Value>>,
        _: Option<u64>,
    ) -> Result<(Value, Box<dyn Feed>), Fault> {
        let mut granted = Map::new();
        for name in ["toolsListChanged", "promptsListChanged"] {
            if wanted.is_some_and(|wanted| wanted.get(name) == Some(&Value::Bool(true))) {
                granted.insert(name.to_owned(), true.into());
            }
        }
        let after = replies::last_change()?;
        let feed = Changes {
            wanted: granted.clone(),
            after,
        };
        Ok((granted.into(), Box::new(feed)))
    }

    fn answered(&self, id: &Value, result: Result<Value, Value>) -> Result<(), Fault> {
        let id = id.as_str().unwrap_or_default();
        match result {
            Ok(result) => replies::put(id, &result),
            Err(error) => replies::put(id, &json!({"error": error})),
        }
    }

    fn other(&self, _: &Client, method: &str, _: &Map<String, Value>) -> Result<Value, Fault> {
        match method {
            "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => Ok(json!({})),
            _ => Err(Fault::method_not_found(method)),
        }
    }
}

/// Lists that a tool says have changed.
struct Changes {
    wanted: Map<String, Value>,
    after: u64,
}

impl Feed for Changes {
    fn next(&mut self) -> Result<Vec<Notice>, Fault> {
        let mut notices = Vec::new();
        for (id, what) in replies::changes(self.after)? {
            self.after = id;
            let (name, method) = match what.as_str() {
                "tools" => ("toolsListChanged", "notifications/tools/list_changed"),
                _ => ("promptsListChanged", "notifications/prompts/list_changed"),
            };
            if self.wanted.contains_key(name) {
                let params = Map::new();
                notices.push(Notice { method, params, id });
            }
        }
        Ok(notices)
    }
}
