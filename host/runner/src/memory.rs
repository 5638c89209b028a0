//! `swarm-flow:core/memory` for an agent: the app knows what a swarm's agents know, and takes a write once.

use crate::agent::bindings::swarm_flow::core::{memory, types};
use crate::tools::Tools;
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::{MemoryAnswer, MemoryCall};

protocol::convert_memory!(memory);

type Answer = Result<MemoryAnswer, protocol::Error>;

impl Tools {
    async fn remember(&mut self, call: MemoryCall) -> wasmtime::Result<Answer> {
        let no_swarm = || protocol::Error::Conflict {
            message: "no-memory: the task belongs to no swarm, and so it has no memory".to_owned(),
        };
        let waits = |_: &MemoryAnswer| false;
        self.call_app("memory", "/memory", call, no_swarm, waits)
            .await
    }

    async fn revision(&mut self, call: MemoryCall) -> wasmtime::Result<Result<u64, types::Error>> {
        Ok(match self.remember(call).await? {
            Ok(MemoryAnswer::Revision(revision)) => Ok(revision),
            Ok(MemoryAnswer::Entries(_)) => Err(mismatch()),
            Err(error) => Err(error.into()),
        })
    }

    async fn entries(
        &mut self,
        call: MemoryCall,
    ) -> wasmtime::Result<Result<Vec<memory::Entry>, types::Error>> {
        Ok(match self.remember(call).await? {
            Ok(MemoryAnswer::Entries(entries)) => Ok(entries.into_iter().map(Into::into).collect()),
            Ok(MemoryAnswer::Revision(_)) => Err(mismatch()),
            Err(error) => Err(error.into()),
        })
    }
}

/// The app answered another question.
fn mismatch() -> types::Error {
    types::Error::Internal("the app answered another question".to_owned())
}

impl memory::Host for Tools {
    async fn get(
        &mut self,
        scope: memory::Scope,
        key: String,
    ) -> wasmtime::Result<Result<Option<memory::Entry>, types::Error>> {
        let scope = scope.into();
        let entries = self.entries(MemoryCall::Get { scope, key }).await?;
        Ok(entries.map(|entries| entries.into_iter().next()))
    }

    async fn put(
        &mut self,
        scope: memory::Scope,
        key: String,
        value: String,
        expected: Option<u64>,
    ) -> wasmtime::Result<Result<u64, types::Error>> {
        let scope = scope.into();
        self.revision(MemoryCall::Put {
            scope,
            key,
            value,
            expected,
        })
        .await
    }

    async fn delete(
        &mut self,
        scope: memory::Scope,
        key: String,
        expected: Option<u64>,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        let scope = scope.into();
        let deleted = self.revision(MemoryCall::Delete {
            scope,
            key,
            expected,
        });
        Ok(deleted.await?.map(drop))
    }

    async fn list(
        &mut self,
        scope: memory::Scope,
        prefix: String,
        after: Option<String>,
    ) -> wasmtime::Result<Result<Vec<memory::Entry>, types::Error>> {
        let scope = scope.into();
        self.entries(MemoryCall::List {
            scope,
            prefix,
            after,
        })
        .await
    }
}
