//! What agents know. Stream: `memory:SWARM:OWNER:KEY`, so that a key's revision is its place in the stream and a write that
//! expects one is an append that expects it. A key that was deleted stays as a row without a value: its revision goes on.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS memory (
        position INTEGER PRIMARY KEY,
        swarm TEXT NOT NULL,
        owner TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT,
        updated_at_ms INTEGER NOT NULL,
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL,
        UNIQUE (swarm, owner, key)
    ) STRICT",
    "CREATE TRIGGER IF NOT EXISTS memory_written AFTER INSERT ON event
     WHEN NEW.kind IN ('memory.written', 'memory.deleted')
     BEGIN
        INSERT INTO memory (swarm, owner, key, value, updated_at_ms, run, number, revision, hash)
        VALUES (
            json_extract(NEW.payload, '$.swarm'),
            json_extract(NEW.payload, '$.owner'),
            json_extract(NEW.payload, '$.key'),
            json_extract(NEW.payload, '$.value'),
            NEW.at_ms,
            json_extract(NEW.payload, '$.run'),
            json_extract(NEW.payload, '$.index'),
            NEW.sequence, NEW.hash)
        ON CONFLICT (swarm, owner, key) DO UPDATE SET
            value = excluded.value,
            updated_at_ms = excluded.updated_at_ms,
            run = excluded.run,
            number = excluded.number,
            revision = excluded.revision,
            hash = excluded.hash;
     END",
];
