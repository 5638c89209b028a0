//! The secrets of workspaces, without their values. Stream: the workspace's id.
//!
//! An event of a secret moves its workspace's head, as every event of the stream does.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS secret (
        workspace TEXT NOT NULL,
        name TEXT NOT NULL,
        binding TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        updated_at_ms INTEGER NOT NULL,
        PRIMARY KEY (workspace, name)
    ) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS secret_put AFTER INSERT ON event WHEN NEW.kind = 'secret.put'
     BEGIN
        INSERT INTO secret
        VALUES (
            NEW.stream,
            json_extract(NEW.payload, '$.name'),
            json_extract(NEW.payload, '$.binding'),
            NEW.at_ms, NEW.at_ms)
        ON CONFLICT (workspace, name) DO UPDATE SET
            binding = excluded.binding,
            updated_at_ms = excluded.updated_at_ms;
        UPDATE workspace SET updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS secret_deleted AFTER INSERT ON event WHEN NEW.kind = 'secret.deleted'
     BEGIN
        DELETE FROM secret
        WHERE workspace = NEW.stream AND name = json_extract(NEW.payload, '$.name');
        UPDATE workspace SET updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS workspace_secrets_deleted AFTER INSERT ON event WHEN NEW.kind = 'workspace.deleted'
     BEGIN DELETE FROM secret WHERE workspace = NEW.stream; END",
];
