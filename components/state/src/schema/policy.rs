//! Policies that are kept under a name. Stream: `policy:` and the name.
//!
//! `policy` has a row for each name that ever was, with its last version and the head of its stream, so that a
//! writer reads the row alone before it appends and a name that comes back goes on counting. `policy_version` has what
//! is kept: of a deleted policy, nothing. `position` is the id of the event that made the name.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS policy (
        position INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS policy_version (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        policy TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        PRIMARY KEY (name, version)
    ) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS policy_put AFTER INSERT ON event WHEN NEW.kind = 'policy.put'
     BEGIN
        INSERT INTO policy
        VALUES (
            NEW.id,
            substr(NEW.stream, length('policy:') + 1),
            json_extract(NEW.payload, '$.version'),
            NEW.sequence, NEW.hash)
        ON CONFLICT (name) DO UPDATE
        SET version = excluded.version, revision = excluded.revision, hash = excluded.hash;
        INSERT INTO policy_version
        VALUES (
            substr(NEW.stream, length('policy:') + 1),
            json_extract(NEW.payload, '$.version'),
            json_extract(NEW.payload, '$.policy'),
            NEW.at_ms);
     END",
    "CREATE TRIGGER IF NOT EXISTS policy_deleted AFTER INSERT ON event WHEN NEW.kind = 'policy.deleted'
     BEGIN
        DELETE FROM policy_version WHERE name = substr(NEW.stream, length('policy:') + 1);
        UPDATE policy SET revision = NEW.sequence, hash = NEW.hash
        WHERE name = substr(NEW.stream, length('policy:') + 1);
     END",
];
