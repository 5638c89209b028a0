//! Runs and their tasks. Stream: the run's id. The payloads are described in `components/swarm/src/event.rs`.
//!
//! `revision` and `hash` of a run are the head of its stream. `failures` counts its failed tasks that were not optional.
//! `needs_open` of a task counts what it needs and is not there yet; when it comes to 0 the task is ready, and if it is bound
//! to no workspace yet (`''`), to that of the first task that it needed.
//!
//! A task that waits (`wait` says for what) is leased again when it can go on, and then asks again: so it is ready as soon as that
//! may be, which follows from other events too, or its time is over. `step` names the last call of its agent that changed something.
//!
//! `account` of a run and of a task is what they have used and put aside, as the event that changed it last says: what follows
//! of it is decided in `components/swarm`. A run's time is over at `ends_at_ms`.
//!
//! A lease's renewal is an `UPDATE` of `expires_at_ms` and no event: it tells nothing that lasts. What such an update,
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
    "ALTER TABLE run ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE run ADD COLUMN outcome TEXT",
    "ALTER TABLE run ADD COLUMN failure TEXT",
    "ALTER TABLE run ADD COLUMN budget TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE run ADD COLUMN account TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE run ADD COLUMN ends_at_ms INTEGER",
    "CREATE INDEX IF NOT EXISTS run_by_end ON run (ends_at_ms) WHERE ended_at_ms IS NULL",
    "CREATE INDEX IF NOT EXISTS run_by_swarm ON run (swarm, position)",
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
    "ALTER TABLE task ADD COLUMN needs_open INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN session TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE task ADD COLUMN failures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN not_before_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN timeout_ms INTEGER",
    "ALTER TABLE task ADD COLUMN optional INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN weight INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE task ADD COLUMN retry TEXT NOT NULL DEFAULT '{\"max_attempts\":1,\"initial_interval_ms\":0,\"max_interval_ms\":0}'",
    "ALTER TABLE task ADD COLUMN id TEXT GENERATED ALWAYS AS (json_extract(task, '$.id')) VIRTUAL",
    "ALTER TABLE task ADD COLUMN parent INTEGER",
    "ALTER TABLE task ADD COLUMN depth INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN wait TEXT",
    "ALTER TABLE task ADD COLUMN wait_since_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN wait_until_ms INTEGER",
    "ALTER TABLE task ADD COLUMN waits INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN step TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE task ADD COLUMN received INTEGER",
    "ALTER TABLE task ADD COLUMN leased_at_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN worked_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN progress TEXT",
    "ALTER TABLE task ADD COLUMN cpu_time_ms INTEGER",
    "ALTER TABLE task ADD COLUMN account TEXT NOT NULL DEFAULT '{}'",
    "CREATE INDEX IF NOT EXISTS task_by_id ON task (run, id, number)",
    "CREATE INDEX IF NOT EXISTS task_by_wait_end ON task (wait_until_ms) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS task_by_state ON task (state, workspace)",
    "CREATE INDEX IF NOT EXISTS task_by_swarm ON task (swarm, state, expires_at_ms)",
    "CREATE INDEX IF NOT EXISTS task_to_lease ON task (run, state, priority DESC, number)",
    "CREATE TABLE IF NOT EXISTS need (
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        needs INTEGER NOT NULL,
        PRIMARY KEY (run, number, needs)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS need_by_needed ON need (run, needs)",
    "DROP TRIGGER IF EXISTS run_submitted",
    "CREATE TRIGGER IF NOT EXISTS run_submitted AFTER INSERT ON event WHEN NEW.kind = 'run.submitted'
     BEGIN
        INSERT INTO run (
            position, id, swarm, strategy, state, failures, created_at_ms, revision, hash, options,
            budget, ends_at_ms)
        VALUES (
            NEW.id,
            NEW.stream,
            json_extract(NEW.payload, '$.swarm'),
            json_extract(NEW.payload, '$.strategy'),
            'running', 0, NEW.at_ms, NEW.sequence, NEW.hash,
            json_extract(NEW.payload, '$.options'),
            coalesce(json_extract(NEW.payload, '$.budget'), '{}'),
            NEW.at_ms + json_extract(NEW.payload, '$.budget.wall_time_ms'));
        INSERT INTO task (
            run, number, swarm, agent, workspace, state, fence, expires_at_ms, task,
            needs_open, priority, timeout_ms, cpu_time_ms, optional, weight, retry)
        SELECT
            NEW.stream, key, json_extract(NEW.payload, '$.swarm'),
            json_extract(value, '$.agent'),
            coalesce(json_extract(value, '$.workspace'), ''),
            iif(json_array_length(value, '$.needs') = 0, 'ready', 'pending'),
            0, 0,
            json_extract(value, '$.task'),
            json_array_length(value, '$.needs'),
            json_extract(value, '$.priority'),
            json_extract(value, '$.timeout_ms'),
            json_extract(value, '$.cpu_time_ms'),
            json_extract(value, '$.optional'),
            json_extract(value, '$.weight'),
            json_extract(value, '$.retry')
        FROM json_each(NEW.payload, '$.tasks');
        INSERT INTO need
        SELECT NEW.stream, task.key, need.value
        FROM json_each(NEW.payload, '$.tasks') AS task, json_each(task.value, '$.needs') AS need;
     END",
    "DROP TRIGGER IF EXISTS run_changed",
    "CREATE TRIGGER IF NOT EXISTS run_changed AFTER INSERT ON event
     WHEN NEW.sequence > 1 AND NEW.stream GLOB 'run_*'
     BEGIN
        UPDATE run
        SET revision = NEW.sequence, hash = NEW.hash,
            failures = failures + (NEW.kind IN ('task.failed', 'task.dead') AND NOT (
                SELECT optional FROM task
                WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index')))
        WHERE id = NEW.stream;
     END",
    "CREATE TRIGGER IF NOT EXISTS accounts_changed AFTER INSERT ON event
     WHEN NEW.stream GLOB 'run_*' AND json_type(NEW.payload, '$.accounts') = 'object'
     BEGIN
        UPDATE run
        SET account = json_extract(NEW.payload, '$.accounts.run')
        WHERE id = NEW.stream;
        UPDATE task
        SET account = json_extract(NEW.payload, '$.accounts.task')
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "CREATE TRIGGER IF NOT EXISTS run_moved AFTER INSERT ON event
     WHEN NEW.kind IN ('run.paused', 'run.resumed', 'run.done', 'run.failed', 'run.cancelled')
     BEGIN
        UPDATE run
        SET state = iif(NEW.kind = 'run.resumed', 'running', substr(NEW.kind, 5)),
            ended_at_ms = iif(NEW.kind IN ('run.paused', 'run.resumed'), NULL, NEW.at_ms),
            outcome = json_extract(NEW.payload, '$.outcome'),
            failure = json_extract(NEW.payload, '$.failure')
        WHERE id = NEW.stream;
     END",
    "DROP TRIGGER IF EXISTS task_lease_holds",
    "CREATE TRIGGER IF NOT EXISTS task_lease_holds BEFORE INSERT ON event
     WHEN NEW.kind = 'task.leased'
        OR (NEW.kind = 'task.dead' AND json_extract(NEW.payload, '$.runner') IS NULL)
     BEGIN
        SELECT RAISE(ABORT, 'the lease was decided on what is no longer so')
        WHERE EXISTS (
            SELECT 1 FROM task
            WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index')
                AND state = 'leased' AND expires_at_ms > NEW.at_ms
                AND NOT (runner IS json_extract(NEW.payload, '$.runner')
                    AND session IS NOT json_extract(NEW.payload, '$.session')))
        OR (NEW.kind = 'task.leased' AND (
                SELECT count(*) FROM task
                WHERE swarm = (SELECT swarm FROM run WHERE id = NEW.stream)
                    AND state = 'leased' AND expires_at_ms > NEW.at_ms
                    AND NOT (runner IS json_extract(NEW.payload, '$.runner')
                        AND session IS NOT json_extract(NEW.payload, '$.session'))
            ) >= (SELECT size FROM swarm WHERE id = (SELECT swarm FROM run WHERE id = NEW.stream)));
     END",
    "DROP TRIGGER IF EXISTS task_ready",
    "DROP TRIGGER IF EXISTS task_was_leased",
    "CREATE TRIGGER IF NOT EXISTS task_was_leased AFTER INSERT ON event WHEN NEW.kind = 'task.leased'
     BEGIN
        UPDATE task
        SET state = 'leased',
            fence = json_extract(NEW.payload, '$.fence'),
            runner = json_extract(NEW.payload, '$.runner'),
            session = json_extract(NEW.payload, '$.session'),
            workspace = json_extract(NEW.payload, '$.workspace'),
            expires_at_ms = json_extract(NEW.payload, '$.expires_at_ms'),
            leased_at_ms = NEW.at_ms,
            started_at_ms = coalesce(started_at_ms, NEW.at_ms)
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "DROP TRIGGER IF EXISTS task_was_retried",
    "CREATE TRIGGER IF NOT EXISTS task_was_retried AFTER INSERT ON event WHEN NEW.kind = 'task.retried'
     BEGIN
        UPDATE task
        SET state = 'ready',
            failures = failures + 1,
            step = '',
            wait = NULL,
            worked_ms = 0,
            progress = NULL,
            not_before_ms = json_extract(NEW.payload, '$.ready_at_ms'),
            result = json_extract(NEW.payload, '$.result'),
            failure = json_extract(NEW.payload, '$.failure')
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
        UPDATE message SET received = 0
        WHERE run = NEW.stream AND recipient = json_extract(NEW.payload, '$.index') AND received;
        UPDATE question SET state = 'withdrawn', closed_at_ms = NEW.at_ms
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index') AND state = 'open';
     END",
    "DROP TRIGGER IF EXISTS task_ended",
    "CREATE TRIGGER IF NOT EXISTS task_ended AFTER INSERT ON event
     WHEN NEW.kind IN ('task.done', 'task.failed', 'task.dead', 'task.skipped', 'task.cancelled')
     BEGIN
        UPDATE task
        SET state = substr(NEW.kind, 6),
            result = json_extract(NEW.payload, '$.result'),
            failure = json_extract(NEW.payload, '$.failure'),
            ended_at_ms = NEW.at_ms
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
        UPDATE task
        SET needs_open = needs_open - 1,
            state = iif(needs_open = 1, 'ready', state),
            workspace = iif(needs_open > 1 OR workspace <> '', workspace, coalesce((
                SELECT needed.workspace FROM need
                JOIN task AS needed ON needed.run = need.run AND needed.number = need.needs
                WHERE need.run = NEW.stream AND need.number = task.number AND needed.workspace <> ''
                ORDER BY need.needs LIMIT 1), ''))
        WHERE rowid IN (
                SELECT waiting.rowid FROM need
                CROSS JOIN task AS waiting ON waiting.run = need.run AND waiting.number = need.number
                WHERE need.run = NEW.stream AND need.needs = json_extract(NEW.payload, '$.index')
                    AND +waiting.state = 'pending')
            AND (NEW.kind = 'task.done' OR NEW.kind <> 'task.cancelled' AND (
                SELECT optional FROM task
                WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index')));
        UPDATE question SET state = 'withdrawn', closed_at_ms = NEW.at_ms
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index') AND state = 'open';
        -- Whoever waits for tasks that have all ended by now, in whatever way, has nothing to wait for.
        UPDATE task
        SET state = 'ready'
        WHERE run = NEW.stream AND state = 'waiting' AND json_extract(wait, '$.kind') IN ('tasks', 'reply', 'message')
            AND NOT EXISTS (
                SELECT 1 FROM json_each(task.wait, '$.tasks') AS awaited
                CROSS JOIN task AS other ON other.run = NEW.stream AND other.number = awaited.value
                WHERE other.state IN ('pending', 'ready', 'leased', 'waiting'))
            AND (json_array_length(wait, '$.tasks') > 0 OR NOT EXISTS (
                SELECT 1 FROM task AS other
                WHERE other.run = NEW.stream AND other.number <> task.number
                    AND other.state IN ('pending', 'ready', 'leased', 'waiting')));
     END",
    "CREATE TRIGGER IF NOT EXISTS task_waits AFTER INSERT ON event WHEN NEW.kind = 'task.waiting'
     BEGIN
        UPDATE task
        SET state = 'waiting',
            expires_at_ms = 0,
            step = json_extract(NEW.payload, '$.step'),
            wait = json_extract(NEW.payload, '$.wait'),
            wait_since_ms = json_extract(NEW.payload, '$.since_ms'),
            wait_until_ms = json_extract(NEW.payload, '$.until_ms'),
            waits = waits + 1,
            worked_ms = worked_ms + max(NEW.at_ms - leased_at_ms, 0)
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "CREATE TRIGGER IF NOT EXISTS task_progressed AFTER INSERT ON event WHEN NEW.kind = 'task.progressed'
     BEGIN
        UPDATE task
        SET progress = json_object(
            'message', json_extract(NEW.payload, '$.message'),
            'done', json_extract(NEW.payload, '$.done'),
            'at_ms', NEW.at_ms)
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
    "DROP TRIGGER IF EXISTS task_delegated",
    "CREATE TRIGGER IF NOT EXISTS task_delegated AFTER INSERT ON event WHEN NEW.kind = 'task.delegated'
     BEGIN
        INSERT INTO task (
            run, number, swarm, agent, workspace, state, fence, expires_at_ms, task,
            needs_open, priority, timeout_ms, cpu_time_ms, optional, weight, retry, parent, depth)
        SELECT
            NEW.stream, json_extract(NEW.payload, '$.first') + child.key, parent.swarm,
            json_extract(child.value, '$.agent'),
            coalesce(json_extract(child.value, '$.workspace'), ''),
            iif(open.number = 0, 'ready', 'pending'),
            0, 0,
            json_extract(child.value, '$.task'),
            open.number,
            json_extract(child.value, '$.priority'),
            json_extract(child.value, '$.timeout_ms'),
            json_extract(child.value, '$.cpu_time_ms'),
            json_extract(child.value, '$.optional'),
            json_extract(child.value, '$.weight'),
            json_extract(child.value, '$.retry'),
            parent.number, parent.depth + 1
        FROM task AS parent, json_each(NEW.payload, '$.tasks') AS child, (
            SELECT tasks.key AS key, count(needed.number)
                + coalesce(sum(need.value >= json_extract(NEW.payload, '$.first')), 0) AS number
            FROM json_each(NEW.payload, '$.tasks') AS tasks
            LEFT JOIN json_each(tasks.value, '$.needs') AS need
            LEFT JOIN task AS needed ON needed.run = NEW.stream AND needed.number = need.value
                AND needed.state IN ('pending', 'ready', 'leased', 'waiting')
            GROUP BY tasks.key) AS open
        WHERE parent.run = NEW.stream AND parent.number = json_extract(NEW.payload, '$.index') AND open.key = child.key;
        INSERT INTO need
        SELECT NEW.stream, json_extract(NEW.payload, '$.first') + child.key, need.value
        FROM json_each(NEW.payload, '$.tasks') AS child, json_each(child.value, '$.needs') AS need;
        INSERT INTO need
        SELECT NEW.stream, needing.value, json_extract(NEW.payload, '$.first') + child.key
        FROM json_each(NEW.payload, '$.needed_by') AS needing, json_each(NEW.payload, '$.tasks') AS child;
        UPDATE task
        SET needs_open = needs_open + json_array_length(NEW.payload, '$.tasks')
        WHERE run = NEW.stream AND number IN (SELECT value FROM json_each(NEW.payload, '$.needed_by'));
        UPDATE task
        SET step = json_extract(NEW.payload, '$.step'), wait = NULL
        WHERE run = NEW.stream AND number = json_extract(NEW.payload, '$.index');
     END",
];
