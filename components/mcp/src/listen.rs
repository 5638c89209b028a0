//! Streams of notices: `subscriptions/listen` of the modern era, and GET of the legacy one.

use crate::channel::{Channel, Out};
use crate::server::Feed;
use crate::version::Era;
use serde_json::{Map, Value, json};

/// How often a stream looks for what is new. A component cannot be woken.
const POLL_MS: u64 = 200;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Acknowledges a subscription and serves it until the caller is gone.
pub fn subscription(id: &Value, granted: Value, mut feed: Box<dyn Feed>, out: &mut dyn Out) {
    let mut channel = Channel::new(out, Era::Modern, None);
    let meta = json!({SUBSCRIPTION: id});
    let params = Map::from_iter([
        ("_meta".to_owned(), meta.clone()),
        ("notifications".to_owned(), granted),
    ]);
    if !channel.notify("notifications/subscriptions/acknowledged", params) {
        return;
    }
    while let Ok(notices) = feed.next() {
        let waits = notices.is_empty();
        for mut notice in notices {
            notice.params.insert("_meta".to_owned(), meta.clone());
            if !channel.notify(notice.method, notice.params) {
                return;
            }
        }
        if waits && !channel.rest(POLL_MS) {
            return;
        }
    }
    // What ended it is not the caller's fault: a subscription that is over says so.
    let result = json!({"resultType": "complete", "_meta": meta});
    channel.send(None, &json!({"jsonrpc": "2.0", "id": id, "result": result}));
}

/// Serves a session's stream until the caller is gone.
pub fn session(mut feed: Box<dyn Feed>, out: &mut dyn Out) {
    let mut channel = Channel::new(out, Era::Legacy, None);
    while let Ok(notices) = feed.next() {
        let waits = notices.is_empty();
        for notice in notices {
            let mut message = json!({"jsonrpc": "2.0", "method": notice.method});
            if !notice.params.is_empty() {
                message["params"] = Value::Object(notice.params);
            }
            if !channel.send(Some(&notice.id.to_string()), &message) {
                return;
            }
        }
        if waits && !channel.rest(POLL_MS) {
            return;
        }
    }
}
