//! Where the records of the runners' audit logs are found: by workspace, sandbox, capability and decision. Streams:
//! `audit:` and the runner's id. The payloads are described in `wit/audit.wit`.
//!
//! `position` is the event's id. What a record does not say is null: a sandbox's start has no decision.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS audit (
        position INTEGER PRIMARY KEY,
        workspace TEXT,
        sandbox TEXT,
        capability TEXT,
        decision TEXT
    ) STRICT",
    // Each gives its records in order of `position`, so that a page is never sorted.
    "CREATE INDEX IF NOT EXISTS audit_by_workspace ON audit (workspace)",
    "CREATE INDEX IF NOT EXISTS audit_by_workspace_decision ON audit (workspace, decision)",
    "CREATE INDEX IF NOT EXISTS audit_by_sandbox ON audit (sandbox)",
    "CREATE INDEX IF NOT EXISTS audit_by_decision ON audit (decision)",
    "CREATE INDEX IF NOT EXISTS audit_by_capability ON audit (capability)",
    "CREATE TRIGGER IF NOT EXISTS audit_recorded AFTER INSERT ON event WHEN NEW.stream GLOB 'audit:*'
     BEGIN
        INSERT INTO audit (position, workspace, sandbox, capability, decision)
        VALUES (
            NEW.id,
            json_extract(NEW.payload, '$.workspace'),
            json_extract(NEW.payload, '$.sandbox'),
            json_extract(NEW.payload, '$.capability'),
            json_extract(NEW.payload, '$.decision'));
     END",
];
