//! The runners that have joined. Stream: `runner:` and the runner's id.
//!
//! `seen_at_ms` is not an event: a heartbeat is an `UPDATE` of one row, because a thousand of them would
//! tell nothing. `workspaces` counts what the runner holds, so that choosing one is no count.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS runner (
        id TEXT PRIMARY KEY,
        url TEXT NOT NULL,
        programs TEXT NOT NULL,
        environments TEXT NOT NULL,
        workspaces INTEGER NOT NULL,
        joined_at_ms INTEGER NOT NULL,
        seen_at_ms INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT, WITHOUT ROWID",
    "ALTER TABLE runner ADD COLUMN walls TEXT NOT NULL DEFAULT '[]'",
    "DROP TRIGGER IF EXISTS runner_joined",
    // The payload is the runner's registration. The workspace table need not exist when this is made.
    "CREATE TRIGGER IF NOT EXISTS runner_joined AFTER INSERT ON event WHEN NEW.kind = 'runner.joined'
     BEGIN
        INSERT INTO runner (
            id, url, programs, environments, workspaces, joined_at_ms, seen_at_ms, revision, hash, walls)
        VALUES (
            json_extract(NEW.payload, '$.id'),
            json_extract(NEW.payload, '$.url'),
            json_extract(NEW.payload, '$.programs'),
            json_extract(NEW.payload, '$.environments'),
            (SELECT count(*) FROM workspace WHERE runner = json_extract(NEW.payload, '$.id')),
            NEW.at_ms, NEW.at_ms, NEW.sequence, NEW.hash,
            coalesce(json_extract(NEW.payload, '$.walls'), '[]'))
        ON CONFLICT (id) DO UPDATE SET
            url = excluded.url,
            programs = excluded.programs,
            environments = excluded.environments,
            workspaces = excluded.workspaces,
            joined_at_ms = excluded.joined_at_ms,
            seen_at_ms = excluded.seen_at_ms,
            revision = excluded.revision,
            hash = excluded.hash,
            walls = excluded.walls;
     END",
    "CREATE TRIGGER IF NOT EXISTS runner_left AFTER INSERT ON event WHEN NEW.kind = 'runner.left'
     BEGIN DELETE FROM runner WHERE id = json_extract(NEW.payload, '$.id'); END",
];
