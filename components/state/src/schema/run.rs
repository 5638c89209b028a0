//! Runs and their tasks. Stream: the run's id. The payloads are described in `components/swarm/src/event.rs`.
//!
//! `revision` and `hash` of a run are the head of its stream. `failures` counts its failed tasks. A lease's
//! renewal is an `UPDATE` of `expires_at_ms` and no event: it tells nothing that lasts. What such an update,
//! or a lease in another run of the swarm, could make untrue between a writer's read and its insert is
//! therefore held by the trigger `task_lease_holds`; its words are known to `components/swarm`.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS run (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        swarm TEXT NOT NULL,
        strategy TEXT NOT NULL,
        state TEXT NOT NULL,
        failures INTEGER NOT NULL,
        created_at_ms INTEGER NOT NULL,
        ended_at_ms INTEGER,
        revision INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS task (
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        swarm TEXT NOT NULL,
        agent TEXT NOT NULL,
        workspace TEXT NOT NULL,
        state TEXT NOT NULL,
        fence INTEGER NOT NULL,
        runner TEXT,
        expires_at_ms INTEGER NOT NULL,
        task TEXT NOT NULL,
        result TEXT,
        failure TEXT,
        started_at_ms INTEGER,
        ended_at_ms INTEGER,
        PRIMARY KEY (run, number)
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS task_by_state ON task (state, workspace)",
    "CREATE INDEX IF NOT EXISTS task_by_swarm ON task (swarm, state, expires_at_ms)",
    "CREATE TRIGGER IF NOT EXISTS run_submitted AFTER INSERT ON event WHEN NEW.kind = 'run.submitted'
     BEGIN
        INSERT INTO run
        VALUES (
            NEW.id,
            NEW.stream,
            json_extract(NEW.payload, '$.swarm'),
            json_extract(NEW.payload, '$.strategy'),
            'running', 0, NEW.at_ms, NULL, NEW.sequence, NEW.hash);
        INSERT INTO task
        SELECT
            NEW.stream, key, json_extract(NEW.payload, '$.swarm'),
            json_extract(value, '$.agent'),
            json_extract(value, '$.workspace'),
            json_extract(value, '$.state'),
            0, NULL, 0,
            json_extract(value, '$.task'),
            NULL, NULL, NULL, NULL
        FROM json_each(NEW.payload, '$.tasks');
     END",
    "CREATE TRIGGER IF NOT EXISTS run_changed AFTER INSERT ON event
     WHEN NEW.sequence > 1 AND (NEW.kind GLOB 'task.*' OR NEW.kind GLOB 'run.*')
     BEGIN
        UPDATE run
        SET revision = NEW.sequence, hash = NEW.hash,
            state = CASE NEW.kind WHEN 'run.done' THEN 'done' WHEN 'run.failed' THEN 'failed' ELSE state END,
            ended_at_ms = CASE WHEN NEW.kind IN ('run.done', 'run.failed') THEN NEW.at_ms ELSE ended_at_ms END,
            failures = failures + (NEW.kind = 'task.failed')
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS task_lease_holds BEFORE INSERT ON event
     WHEN NEW.kind = 'task.leased'
        OR (NEW.kind = 'task.failed' AND json_extract(NEW.payload, '$.runner') IS NULL)
     BEGIN
        SELECT RAISE(ABORT, 'the lease was decided on what is no longer so')
        WHERE EXISTS (
            SELECT 1 FROM task
            WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index')
                AND state = 'leased' AND expires_at_ms > NEW.at_ms)
        OR (NEW.kind = 'task.leased' AND (
                SELECT count(*) FROM task
                WHERE swarm = (SELECT swarm FROM run WHERE id = NEW.stream)
                    AND state = 'leased' AND expires_at_ms > NEW.at_ms
            ) >= (SELECT size FROM swarm WHERE id = (SELECT swarm FROM run WHERE id = NEW.stream)));
     END",
    "CREATE TRIGGER IF NOT EXISTS task_ready AFTER INSERT ON event WHEN NEW.kind = 'task.ready'
     BEGIN
        UPDATE task SET state = 'ready'
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "CREATE TRIGGER IF NOT EXISTS task_was_leased AFTER INSERT ON event WHEN NEW.kind = 'task.leased'
     BEGIN
        UPDATE task
        SET state = 'leased',
            fence = json_extract(NEW.payload, '$.fence'),
            runner = json_extract(NEW.payload, '$.runner'),
            expires_at_ms = json_extract(NEW.payload, '$.expires_at_ms'),
            started_at_ms = coalesce(started_at_ms, NEW.at_ms)
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "CREATE TRIGGER IF NOT EXISTS task_ended AFTER INSERT ON event
     WHEN NEW.kind IN ('task.done', 'task.failed', 'task.skipped')
     BEGIN
        UPDATE task
        SET state = substr(NEW.kind, 6),
            result = json_extract(NEW.payload, '$.result'),
            failure = json_extract(NEW.payload, '$.failure'),
            ended_at_ms = NEW.at_ms
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
];
