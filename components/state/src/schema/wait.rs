//! What tasks of a run wait for beside each other: locks, messages, and people. Stream: the run's id. The payloads are described
//! in `components/swarm/src/event.rs`.
//!
//! A message is its event; the table says who is to receive it and who has. A row of a lock is as the event that changed
//! it last says: what follows for whom is decided there.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS lock (
        run TEXT NOT NULL,
        name TEXT NOT NULL,
        holders TEXT NOT NULL,
        queue TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS message (
        run TEXT NOT NULL,
        recipient INTEGER NOT NULL,
        id INTEGER NOT NULL,
        sender INTEGER NOT NULL,
        wants_reply INTEGER NOT NULL,
        reply_to INTEGER,
        received INTEGER NOT NULL,
        PRIMARY KEY (run, recipient, id)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS message_by_reply ON message (run, reply_to) WHERE reply_to IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS question (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        asked TEXT NOT NULL,
        state TEXT NOT NULL,
        answer TEXT,
        answered_by TEXT,
        asked_at_ms INTEGER NOT NULL,
        expires_at_ms INTEGER,
        closed_at_ms INTEGER
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS question_by_run ON question (run, position)",
    "CREATE INDEX IF NOT EXISTS question_by_state ON question (state, position)",
    "CREATE TRIGGER IF NOT EXISTS locks_changed AFTER INSERT ON event WHEN NEW.kind = 'locks.changed'
     BEGIN
        DELETE FROM lock
        WHERE run = NEW.stream AND name IN (SELECT key FROM json_each(NEW.payload, '$.locks'));
        INSERT INTO lock
        SELECT NEW.stream, key, json_extract(value, '$.holders'), json_extract(value, '$.queue')
        FROM json_each(NEW.payload, '$.locks') WHERE type = 'object';
        UPDATE task
        SET step = json_extract(NEW.payload, '$.step'), wait = NULL
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index')
            AND json_extract(NEW.payload, '$.step') IS NOT NULL;
        UPDATE task
        SET state = 'ready'
        WHERE run = NEW.stream AND state = 'waiting' AND json_extract(wait, '$.kind') = 'lock' AND number IN (
            SELECT json_extract(holder.value, '$.task')
            FROM json_each(NEW.payload, '$.locks') AS changed, json_each(changed.value, '$.holders') AS holder
            WHERE changed.type = 'object' AND changed.key = json_extract(task.wait, '$.name')
                AND NOT EXISTS (
                    SELECT 1 FROM json_each(changed.value, '$.queue') AS waiter
                    WHERE json_extract(waiter.value, '$.task') = task.number));
     END",
    "CREATE TRIGGER IF NOT EXISTS message_sent AFTER INSERT ON event WHEN NEW.kind = 'message.sent'
     BEGIN
        INSERT INTO message (run, recipient, id, sender, wants_reply, reply_to, received)
        SELECT NEW.stream, number, NEW.sequence, json_extract(NEW.payload, '$.index'),
            json_extract(NEW.payload, '$.wants_reply'), json_extract(NEW.payload, '$.reply_to'), 0
        FROM task
        WHERE run = NEW.stream AND CASE
            WHEN json_extract(NEW.payload, '$.to') IS NULL THEN number <> json_extract(NEW.payload, '$.index')
                AND state IN ('pending', 'ready', 'leased', 'waiting')
            ELSE number = json_extract(NEW.payload, '$.to') END;
        UPDATE task
        SET step = json_extract(NEW.payload, '$.step'), wait = NULL
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
        UPDATE task
        SET state = 'ready'
        WHERE run = NEW.stream AND state = 'waiting'
            AND (json_extract(NEW.payload, '$.to') IS NULL OR number = json_extract(NEW.payload, '$.to'))
            AND CASE json_extract(wait, '$.kind')
                WHEN 'reply' THEN json_extract(wait, '$.request') IS json_extract(NEW.payload, '$.reply_to')
                WHEN 'message' THEN json_extract(NEW.payload, '$.reply_to') IS NULL AND (
                    json_array_length(wait, '$.tasks') = 0 OR json_extract(NEW.payload, '$.index') IN (
                        SELECT value FROM json_each(task.wait, '$.tasks')))
                ELSE 0 END;
     END",
    "CREATE TRIGGER IF NOT EXISTS message_received AFTER INSERT ON event WHEN NEW.kind = 'message.received'
     BEGIN
        UPDATE message SET received = 1
        WHERE run = NEW.stream AND recipient = json_extract(NEW.payload, '$.index')
            AND id = json_extract(NEW.payload, '$.message');
        UPDATE task
        SET step = json_extract(NEW.payload, '$.step'), wait = NULL, received = json_extract(NEW.payload, '$.message')
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "CREATE TRIGGER IF NOT EXISTS question_asked AFTER INSERT ON event WHEN NEW.kind = 'question.asked'
     BEGIN
        INSERT INTO question (position, id, run, number, asked, state, asked_at_ms, expires_at_ms)
        VALUES (
            NEW.id, json_extract(NEW.payload, '$.id'), NEW.stream, json_extract(NEW.payload, '$.index'),
            json_extract(NEW.payload, '$.question'), 'open', NEW.at_ms, json_extract(NEW.payload, '$.expires_at_ms'));
     END",
    "CREATE TRIGGER IF NOT EXISTS question_closed AFTER INSERT ON event
     WHEN NEW.kind IN ('question.answered', 'question.expired')
     BEGIN
        UPDATE question
        SET state = substr(NEW.kind, 10),
            answer = json_extract(NEW.payload, '$.answer'),
            answered_by = json_extract(NEW.payload, '$.answered_by'),
            closed_at_ms = NEW.at_ms
        WHERE id = json_extract(NEW.payload, '$.id');
        UPDATE task
        SET state = 'ready'
        WHERE run = NEW.stream AND state = 'waiting' AND json_extract(wait, '$.kind') = 'human'
            AND json_extract(wait, '$.name') = json_extract(NEW.payload, '$.id');
     END",
];
