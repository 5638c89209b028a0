//! The workspaces that exist. Stream: the workspace's id. A deleted one is found in its events only.
//!
//! `position` is the id of the event that created it: lists come in this order. `revision` and `hash`
//! are the head of its stream, so that a writer reads the row alone before it appends.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS workspace (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        environment TEXT NOT NULL,
        policy_name TEXT NOT NULL,
        policy TEXT NOT NULL,
        state TEXT NOT NULL,
        runner TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        updated_at_ms INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS workspace_runner ON workspace (runner)",
    "ALTER TABLE workspace ADD COLUMN policy_version INTEGER NOT NULL DEFAULT 0",
    "DROP TRIGGER IF EXISTS workspace_created",
    "CREATE TRIGGER IF NOT EXISTS workspace_created AFTER INSERT ON event WHEN NEW.kind = 'workspace.created'
     BEGIN
        INSERT INTO workspace (
            position, id, name, environment, policy_name, policy_version, policy, state, runner,
            created_at_ms, updated_at_ms, revision, hash)
        VALUES (
            NEW.id,
            NEW.stream,
            json_extract(NEW.payload, '$.name'),
            json_extract(NEW.payload, '$.environment'),
            json_extract(NEW.payload, '$.policy_name'),
            coalesce(json_extract(NEW.payload, '$.policy_version'), 0),
            json_extract(NEW.payload, '$.policy'),
            'started',
            json_extract(NEW.payload, '$.runner'),
            NEW.at_ms, NEW.at_ms, NEW.sequence, NEW.hash);
        UPDATE runner SET workspaces = workspaces + 1 WHERE id = json_extract(NEW.payload, '$.runner');
     END",
    "CREATE TRIGGER IF NOT EXISTS workspace_started AFTER INSERT ON event WHEN NEW.kind = 'workspace.started'
     BEGIN
        UPDATE workspace
        SET state = 'started', updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS workspace_stopped AFTER INSERT ON event WHEN NEW.kind = 'workspace.stopped'
     BEGIN
        UPDATE workspace
        SET state = 'stopped', updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS workspace_policy_changed AFTER INSERT ON event
     WHEN NEW.kind = 'workspace.policy_changed'
     BEGIN
        UPDATE workspace
        SET policy_name = json_extract(NEW.payload, '$.policy_name'),
            policy_version = json_extract(NEW.payload, '$.policy_version'),
            policy = json_extract(NEW.payload, '$.policy'),
            updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS workspace_deleted AFTER INSERT ON event WHEN NEW.kind = 'workspace.deleted'
     BEGIN
        UPDATE runner SET workspaces = workspaces - 1
        WHERE id = (SELECT runner FROM workspace WHERE id = NEW.stream) AND workspaces > 0;
        DELETE FROM workspace WHERE id = NEW.stream;
     END",
];
