//! `swarm-flow:core/messages`.

use super::{Called, Decided, WAIT_MS_MAX, check_timeout, ended, timed_out};
use crate::bindings::types::Error;
use crate::bindings::work::{Receive, Reply, Request, Send, TaskAnswer};
use crate::error::{internal, invalid, missing, too_large};
use crate::event::{Change, MessageReceived, MessageSent, Wait};
use crate::store::{self, Named};
use swarm_flow_state::Database;

const BODY_BYTES_MAX: usize = 64 << 10;
const MAILBOX_MAX: u64 = 1000;
/// When a mailbox is full, until somebody has looked.
const FULL_MS: u64 = 1000;

impl<D: Database> Called<'_, D> {
    pub(super) fn send(&self, asked: &Send) -> Result<Decided, Error> {
        if self.again() {
            return Ok(Decided::known(TaskAnswer::Made));
        }
        let to = asked.to.as_ref().map(|to| self.recipient(to)).transpose()?;
        let sent = self.sent(to, &asked.body)?;
        Ok(Decided::made(
            TaskAnswer::Made,
            vec![Change::MessageSent(sent)],
        ))
    }

    pub(super) fn receive(&self, asked: &Receive) -> Result<Decided, Error> {
        check_timeout(asked.timeout_ms, 0, WAIT_MS_MAX)?;
        if self.again()
            && self.waited().is_none()
            && let Some(received) = self.caller.received
        {
            let message = store::received(self.database, self.run_id, self.index, received);
            let message = message.map_err(internal)?.map(|(message, _)| message);
            return Ok(Decided::known(TaskAnswer::Message(message)));
        }
        let senders = self.tasks("senders", &asked.senders)?;
        let indexes: Vec<u32> = senders.iter().map(|sender| sender.index).collect();
        let next = store::unreceived(self.database, self.run_id, self.index, &indexes);
        if let Some(message) = next.map_err(internal)? {
            let received = MessageReceived {
                index: self.index,
                step: self.step.to_owned(),
                message: message.id,
            };
            let answer = TaskAnswer::Message(Some(message));
            return Ok(Decided::made(
                answer,
                vec![Change::MessageReceived(received)],
            ));
        }
        if self.late() || asked.timeout_ms == Some(0) {
            return Ok(Decided::known(TaskAnswer::Message(None)));
        }
        let alone = self.run.open.iter().all(|task| task.index == self.index);
        if alone || (!senders.is_empty() && senders.iter().all(|sender| sender.ended)) {
            let message = "ended: all have ended who could send a message".to_owned();
            return Err(Error::Conflict(message));
        }
        Ok(self.wait(
            Vec::new(),
            Wait::Message { tasks: indexes },
            asked.timeout_ms,
        ))
    }

    pub(super) fn request(&self, asked: &Request) -> Result<Decided, Error> {
        check_timeout(asked.timeout_ms, 1, WAIT_MS_MAX)?;
        if let Some(wait @ Wait::Reply { request, tasks }) = self.waited() {
            let reply = store::reply_to(self.database, self.run_id, *request);
            if let Some(reply) = reply.map_err(internal)? {
                return Ok(Decided::known(TaskAnswer::Reply(reply)));
            }
            let open = |index: &u32| self.run.open.iter().any(|task| task.index == *index);
            if !tasks.iter().any(open) {
                return Err(ended(&asked.to, " without a reply"));
            }
            if self.late() {
                return Err(timed_out(&format!("`{}` did not reply in time", asked.to)));
            }
            return Ok(self.wait(Vec::new(), wait.clone(), asked.timeout_ms));
        }
        let to = self.recipient(&asked.to)?;
        let sent = MessageSent {
            wants_reply: true,
            ..self.sent(Some(to), &asked.body)?
        };
        let wait = Wait::Reply {
            // That of the event, the first of this change.
            request: self.head.sequence + 1,
            tasks: vec![to],
        };
        Ok(self.wait(vec![Change::MessageSent(sent)], wait, asked.timeout_ms))
    }

    pub(super) fn reply(&self, asked: &Reply) -> Result<Decided, Error> {
        if self.again() {
            return Ok(Decided::known(TaskAnswer::Made));
        }
        let message = store::received(self.database, self.run_id, self.index, asked.message);
        let Some((message, sender)) = message.map_err(internal)? else {
            return Err(missing("message", asked.message.to_string()));
        };
        if !message.wants_reply {
            let said = format!("the message {} wants no reply", message.id);
            return Err(invalid("message", said));
        }
        let replied = store::reply_to(self.database, self.run_id, message.id);
        if replied.map_err(internal)?.is_some() {
            let said = format!("the message {} was replied to before", message.id);
            return Err(invalid("message", said));
        }
        if !self.run.open.iter().any(|task| task.index == sender) {
            return Err(ended(&message.sender, ""));
        }
        let sent = MessageSent {
            reply_to: Some(message.id),
            ..self.sent(Some(sender), &asked.body)?
        };
        Ok(Decided::made(
            TaskAnswer::Made,
            vec![Change::MessageSent(sent)],
        ))
    }

    fn recipient(&self, id: &str) -> Result<u32, Error> {
        let found = self.tasks("to", std::slice::from_ref(&id.to_owned()))?;
        match found.first() {
            Some(Named {
                ended: false,
                index,
                ..
            }) => Ok(*index),
            _ => Err(ended(id, "")),
        }
    }

    fn sent(&self, to: Option<u32>, body: &str) -> Result<MessageSent, Error> {
        if body.len() > BODY_BYTES_MAX {
            return Err(too_large("message_bytes", BODY_BYTES_MAX as u64));
        }
        let fullest = store::fullest_mailbox(self.database, self.run_id, to).map_err(internal)?;
        if fullest >= MAILBOX_MAX {
            return Err(Error::Busy(FULL_MS));
        }
        Ok(MessageSent {
            index: self.index,
            step: self.step.to_owned(),
            to,
            body: body.to_owned(),
            wants_reply: false,
            reply_to: None,
        })
    }
}
