//! What the tasks of a run tell each other. Each has a mailbox, also before it starts; a new attempt is given again what the
//! one before had received.

use crate::bindings::swarm_flow::core::messages;
use crate::tools::Error;
use std::time::Duration;

pub use messages::Message;

/// To a task of the run by its id.
///
/// # Errors
///
/// When there is no such task, it has ended, or its mailbox is full.
pub fn send(to: &str, body: &str) -> Result<(), Error> {
    messages::send(Some(to), body)
}

/// To all other tasks of the run that have not ended.
///
/// # Errors
///
/// When a mailbox is full.
pub fn broadcast(body: &str) -> Result<(), Error> {
    messages::send(None, body)
}

/// Waits for the oldest message.
///
/// # Errors
///
/// When all have ended who could send one.
pub fn receive() -> Result<Message, Error> {
    receive_of(&[])
}

/// Waits for the oldest message of one of these tasks, or of any when none is named.
///
/// # Errors
///
/// When all have ended who could send one.
pub fn receive_of(senders: &[String]) -> Result<Message, Error> {
    loop {
        if let Some(message) = messages::receive(senders, None)? {
            return Ok(message);
        }
    }
}

/// The same for so long, zero for what is there; none when none came.
///
/// # Errors
///
/// When all have ended who could send one.
pub fn receive_within(senders: &[String], timeout: Duration) -> Result<Option<Message>, Error> {
    messages::receive(senders, Some(crate::tools::milliseconds(timeout)))
}

/// Sends a message and waits for the reply.
///
/// # Errors
///
/// When there is no such task, or it ends without a reply.
pub fn request(to: &str, body: &str) -> Result<String, Error> {
    messages::request(to, body, None)
}

/// To a message that wants one, once.
///
/// # Errors
///
/// When it wants none, was replied to, or its sender has ended.
pub fn reply(message: &Message, body: &str) -> Result<(), Error> {
    messages::reply(message.id, body)
}
