//! The table of events. It is append-only, and a stream is a chain.
//!
//! `event_of_app` is for those who follow all that the app itself does: the runners' audit logs may be most of the table.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL,
        sequence INTEGER NOT NULL CHECK (sequence >= 1),
        kind TEXT NOT NULL,
        payload TEXT NOT NULL CHECK (json_valid(payload)),
        actor TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL,
        UNIQUE (stream, sequence)
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS event_of_app ON event (id) WHERE stream NOT GLOB 'audit:*'",
    "CREATE INDEX IF NOT EXISTS event_by_kind ON event (kind)",
    "CREATE INDEX IF NOT EXISTS event_by_time ON event (at_ms)",
    "CREATE TRIGGER IF NOT EXISTS event_follows BEFORE INSERT ON event
     WHEN NEW.sequence > 1 AND NOT EXISTS (
        SELECT 1 FROM event
        WHERE stream = NEW.stream AND sequence = NEW.sequence - 1 AND hash = NEW.previous_hash)
     BEGIN SELECT RAISE(ABORT, 'the event does not follow the one before it'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_not_changed BEFORE UPDATE ON event
     BEGIN SELECT RAISE(ABORT, 'events are not changed'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_not_deleted BEFORE DELETE ON event
     BEGIN SELECT RAISE(ABORT, 'events are not deleted'); END",
];
