//! Providers as they are and as they should not be, over real sockets.

mod answers;
mod failures;
mod server;

use crate::caller::{Caller, Denied, Exceeded, Open, Spent};
use crate::{Asked, Message, Models, Part, Request, Role, Settings, Tool};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use server::Server;
use std::sync::Mutex;

const HEADER: &str = "lion-lion-lion";
const KEY: &str = "sk-tiger-tiger-tiger";

/// Notes what it is asked and told.
#[derive(Default)]
struct Ledger {
    reserved: Mutex<Vec<Open>>,
    spent: Mutex<Vec<Spent>>,
    heard: Mutex<String>,
    denied: Vec<&'static str>,
    /// Tokens.
    left: Option<u64>,
}

impl Caller for Ledger {
    fn may_use(&self, model: &str) -> Result<(), Denied> {
        if self.denied.contains(&model) {
            return Err(Denied {
                model: model.to_owned(),
                rule: format!("add \"{model}\" to models"),
            });
        }
        Ok(())
    }

    fn reserve<'a>(&'a self, open: &'a Open) -> BoxFuture<'a, Result<(), Exceeded>> {
        let wanted = open.bound.input_tokens + open.bound.output_tokens;
        let reserved = match self.left {
            Some(left) if wanted > left => Err(Exceeded {
                message: format!("{left} tokens are left, and the call may use {wanted}"),
            }),
            _ => {
                self.reserved.lock().unwrap().push(open.clone());
                Ok(())
            }
        };
        std::future::ready(reserved).boxed()
    }

    fn settle<'a>(&'a self, _open: &'a Open, spent: Spent) -> BoxFuture<'a, ()> {
        self.spent.lock().unwrap().push(spent);
        std::future::ready(()).boxed()
    }

    fn delta(&self, text: &str) {
        self.heard.lock().unwrap().push_str(text);
    }
}

impl Ledger {
    fn spent(&self) -> Vec<Spent> {
        self.spent.lock().unwrap().clone()
    }
}

/// The model `m` of a provider that speaks this dialect; `more` is more of the provider's record.
fn provider(name: &str, dialect: &str, server: &Server, more: &str) -> String {
    format!(
        r#"
[[provider]]
name = "{name}"
dialect = "{dialect}"
base_url = "{}/base"
key = {{ env = "KEY" }}
retry_ms = 1
connect_timeout_ms = 200
first_byte_timeout_ms = 200
between_bytes_timeout_ms = 200
{more}
[[model]]
name = "{name}-m"
provider = "{name}"
id = "tiger-1"
output_tokens_max = 100
price = {{ input = 1.0, output = 10.0, as_of = 2026-01-31 }}
"#,
        server.url
    )
}

fn models(text: &str) -> Models {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.toml");
    std::fs::write(&path, text).unwrap();
    let variable = |name: &str| match name {
        "KEY" => Some(KEY.to_owned()),
        "HEADER" => Some(format!("Token {HEADER}")),
        _ => None,
    };
    Models::new(Settings::load(Some(&path), &variable).unwrap()).unwrap()
}

/// Asks the one model that there is.
async fn ask(dialect: &str, server: &Server, more: &str, request: &Request) -> (Asked, Ledger) {
    let ledger = Ledger::default();
    let models = models(&provider("p", dialect, server, more));
    let asked = models.chat(request, &ledger).await;
    (asked, ledger)
}

fn saying(text: &str) -> Request {
    Request {
        messages: vec![Message {
            role: Role::User,
            parts: vec![Part::Text(text.to_owned())],
        }],
        ..Request::default()
    }
}

fn with_tool(text: &str) -> Request {
    Request {
        tools: vec![Tool {
            name: "exec".to_owned(),
            description: "Runs a command.".to_owned(),
            parameters: r#"{"type": "object"}"#.to_owned(),
        }],
        ..saying(text)
    }
}
