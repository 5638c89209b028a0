//! The swarms. Stream: the swarm's id. The payloads are described in `components/swarm/src/event.rs`.
//!
//! `size` is the number of agents over all groups, so that a lease can be held against it by a trigger.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS swarm (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        agents TEXT NOT NULL,
        size INTEGER NOT NULL,
        strategy TEXT NOT NULL,
        workspaces TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        updated_at_ms INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT",
    "ALTER TABLE swarm ADD COLUMN budget TEXT NOT NULL DEFAULT '{}'",
    "DROP TRIGGER IF EXISTS swarm_created",
    "CREATE TRIGGER IF NOT EXISTS swarm_created AFTER INSERT ON event WHEN NEW.kind = 'swarm.created'
     BEGIN
        INSERT INTO swarm
        VALUES (
            NEW.id,
            NEW.stream,
            json_extract(NEW.payload, '$.name'),
            json_extract(NEW.payload, '$.agents'),
            (SELECT sum(json_extract(value, '$.count')) FROM json_each(NEW.payload, '$.agents')),
            json_extract(NEW.payload, '$.coordination_strategy'),
            json_extract(NEW.payload, '$.workspaces'),
            NEW.at_ms, NEW.at_ms, NEW.sequence, NEW.hash,
            coalesce(json_extract(NEW.payload, '$.budget'), '{}'));
     END",
    "CREATE TRIGGER IF NOT EXISTS swarm_scaled AFTER INSERT ON event WHEN NEW.kind = 'swarm.scaled'
     BEGIN
        UPDATE swarm
        SET agents = json_extract(NEW.payload, '$.agents'),
            size = (SELECT sum(json_extract(value, '$.count')) FROM json_each(NEW.payload, '$.agents')),
            updated_at_ms = NEW.at_ms, revision = NEW.sequence, hash = NEW.hash
        WHERE id = NEW.stream;
     END",
];
