//! The log on real files: killed, full, away from its app, flooded.

use super::*;
use crate::{Diverged, Ended};
use std::path::Path;
use swarm_flow_policy::{Access, Decision, Reason};
use swarm_flow_protocol::{AuditEntry, Link};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// An app: takes batches as the real one does.
#[derive(Clone, Default)]
struct App(Vec<AuditEntry>);

impl App {
    fn head(&self) -> AuditHead {
        AuditHead {
            sequence: self.0.len() as u64,
            hash: self
                .0
                .last()
                .map(|entry| entry.hash.clone())
                .unwrap_or_default(),
        }
    }

    /// Takes all that waits.
    fn take(&mut self, log: &Log) {
        assert!(log.flush(SOON));
        while let Some(batch) = log.batch().unwrap() {
            assert_eq!(batch.records.previous, self.head());
            self.0.extend(batch.records.entries.iter().cloned());
            log.taken(batch);
        }
        self.check();
    }

    /// Every record is linked to the one before it.
    fn check(&self) {
        let mut previous_hash = "";
        for (sequence, entry) in (1..).zip(&self.0) {
            let link = Link {
                previous_hash,
                stream: "audit:local",
                sequence,
                kind: &entry.kind,
                payload: &entry.payload,
                actor: &entry.actor,
                at_ms: entry.at_ms,
            };
            assert_eq!(link.hash(), entry.hash, "record {sequence}");
            previous_hash = &entry.hash;
        }
    }

    fn payloads(&self, kind: &str) -> Vec<serde_json::Value> {
        let of_kind = self.0.iter().filter(|entry| entry.kind == kind);
        of_kind
            .map(|entry| serde_json::from_str(&entry.payload).unwrap())
            .collect()
    }
}

fn settings(folder: &Path) -> Settings {
    Settings::new(folder.join("audit"), "local")
}

fn opened(settings: Settings, app: &App) -> Log {
    let log = Log::open(settings, || {}).unwrap();
    log.begin(&app.head()).unwrap();
    log
}

fn start(log: &Log, sandbox: &str) -> Result<Trail, Closed> {
    let subject = Subject {
        workspace: "ws_1",
        sandbox,
        actor: "user",
    };
    let started = Started {
        program: "hello",
        environment: "base",
        policy: "standard",
        revision: 3,
        directories: vec![("/workspace", Access::ReadWrite)],
        network: "none",
    };
    log.start(subject, &started)
}

fn run(log: &Log, sandbox: &str) {
    let ended = Ended {
        exit_code: Some(0),
        ..Ended::without_usage("exited")
    };
    start(log, sandbox).unwrap().end(ended);
}

fn denied(message: &str) -> Decision {
    Decision::Deny {
        reason: Reason::NotGranted,
        message: message.to_owned(),
        grants: Vec::new(),
    }
}

/// The folder as a killed process would leave it now.
fn killed(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("audit")).unwrap();
    for entry in std::fs::read_dir(folder.join("audit")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(
            &path,
            copy.path().join("audit").join(path.file_name().unwrap()),
        )
        .unwrap();
    }
    copy
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("audit")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    paths.sort_unstable();
    paths
}

#[test]
fn a_sandbox_is_recorded_from_its_start_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    let trail = start(&log, "sb_1").unwrap();
    trail
        .recording()
        .record("http", &"GET https://a.example/", &denied("add it"));
    trail.end(Ended::without_usage("exited"));
    drop(start(&log, "sb_2").unwrap());
    app.take(&log);
    let kinds: Vec<&str> = app.0.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "sandbox.started",
            "decision.denied",
            "sandbox.ended",
            "sandbox.started",
            "sandbox.ended"
        ]
    );
    assert!(
        app.0
            .iter()
            .all(|entry| entry.actor == "user" && entry.at_ms > 1_700_000_000_000)
    );
    let started = &app.payloads("sandbox.started")[0];
    assert_eq!(
        started["directories"][0],
        serde_json::json!({"path": "/workspace", "access": "read_write"})
    );
    assert_eq!(
        (&started["revision"], &started["network"]),
        (&3.into(), &"none".into())
    );
    let decision = &app.payloads("decision.denied")[0];
    assert_eq!(
        (&decision["rule"], &decision["reason"]),
        (&"add it".into(), &"not_granted".into())
    );
    let ended = app.payloads("sandbox.ended");
    assert_eq!(
        (&ended[0]["outcome"], &ended[0]["denied"]),
        (&"exited".into(), &1.into())
    );
    assert_eq!(ended[1]["outcome"], "cancelled");
}

#[test]
fn a_killed_log_is_continued_and_sends_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    run(&log, "sb_1");
    app.take(&log);
    run(&log, "sb_2");
    assert!(log.flush(SOON));
    let copy = killed(folder.path());
    let again = opened(settings(copy.path()), &app);
    run(&again, "sb_3");
    app.take(&again);
    let sandboxes: Vec<String> = app
        .payloads("sandbox.started")
        .iter()
        .map(|payload| payload["sandbox"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sandboxes, ["sb_1", "sb_2", "sb_3"]);
}

#[test]
fn a_line_that_a_kill_cut_short_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    run(&log, "sb_1");
    assert!(log.flush(SOON));
    for torn in [
        r#"{"sequence":3,"entry":{"kind":"sand"#,
        "\0\0\0\0\n\0\0",
        "{}\n",
    ] {
        let copy = killed(folder.path());
        let last = segments(copy.path()).pop().unwrap();
        let whole = std::fs::read(&last).unwrap();
        std::fs::write(&last, [&whole, torn.as_bytes()].concat()).unwrap();
        let again = opened(settings(copy.path()), &app);
        assert_eq!(std::fs::read(&last).unwrap(), whole);
        run(&again, "sb_2");
        let mut app = app.clone();
        app.take(&again);
        assert_eq!(app.0.len(), 4, "{torn}");
    }
    // Nothing but a torn line.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("audit")).unwrap();
    let only = copy.path().join("audit/00000000000000000001.jsonl");
    std::fs::write(&only, r#"{"sequence":1,"#).unwrap();
    let again = opened(settings(copy.path()), &app);
    run(&again, "sb_3");
    app.take(&again);
    assert_eq!(app.0.len(), 2);
}

#[test]
fn a_log_that_was_changed_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let log = opened(settings(folder.path()), &App::default());
    run(&log, "sb_1");
    run(&log, "sb_2");
    assert!(log.flush(SOON));
    let text = std::fs::read_to_string(&segments(folder.path())[0]).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let edited = text.replacen("exited", "failed", 1);
    let removed = [lines[0], lines[2], lines[3]].concat();
    let overwritten = [lines[0], "garbage\n", lines[2], lines[3]].concat();
    for changed in [edited, removed, overwritten] {
        let copy = killed(folder.path());
        std::fs::write(&segments(copy.path())[0], changed).unwrap();
        let error = Log::open(settings(copy.path()), || {}).err().unwrap();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(
            error.to_string().contains("move its folder away"),
            "{error}"
        );
    }
}

#[test]
fn nothing_starts_before_the_app_said_where_its_copy_ends() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(settings(folder.path()), || {}).unwrap();
    assert_eq!(start(&log, "sb_1").err(), Some(Closed::Unready));
    log.begin(&AuditHead::default()).unwrap();
    assert!(start(&log, "sb_1").is_ok());
}

#[test]
fn an_empty_log_goes_on_after_the_records_that_the_app_has() {
    let mut app = App::default();
    for round in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let log = opened(settings(folder.path()), &app);
        run(&log, "sb_1");
        app.take(&log);
        assert_eq!(app.0.len(), round * 2);
    }
}

#[test]
fn an_app_that_lost_records_gets_them_again_as_far_as_they_are_here() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    run(&log, "sb_1");
    app.take(&log);
    let before = app.clone();
    run(&log, "sb_2");
    app.take(&log);
    app = before;
    log.begin(&app.head()).unwrap();
    app.take(&log);
    assert_eq!(app.0.len(), 4);
}

#[test]
fn an_app_with_another_story_closes_the_log_until_it_is_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    run(&log, "sb_1");
    app.take(&log);
    let mut ahead = app.head();
    ahead.sequence += 1;
    let mut other = app.head();
    other.hash = "0".repeat(64);
    let mut other_before = AuditHead {
        sequence: 1,
        ..other.clone()
    };
    for (head, why) in [
        (
            ahead,
            Diverged::Apart {
                app: 3,
                first: 1,
                last: 2,
            },
        ),
        (other, Diverged::Differs { sequence: 2 }),
        (
            std::mem::take(&mut other_before),
            Diverged::Differs { sequence: 1 },
        ),
    ] {
        log.begin(&head).unwrap();
        let closed = start(&log, "sb_2").err().unwrap();
        assert!(
            matches!(&closed, Closed::Diverged { why: said, .. } if *said == why),
            "{closed}"
        );
        assert!(closed.to_string().starts_with("audit-diverged: "));
    }
    log.begin(&app.head()).unwrap();
    run(&log, "sb_2");
    app.take(&log);
    // All that is here is gone from the app, and the beginning from here.
    drop(log);
    let log = Log::open(settings(folder.path()), || {}).unwrap();
    log.begin(&AuditHead::default()).unwrap();
    let closed = log.closed().unwrap();
    assert!(
        matches!(
            &closed,
            Closed::Diverged {
                why: Diverged::Apart { app: 0, .. },
                ..
            }
        ),
        "{closed}"
    );
}

#[test]
fn a_full_spool_refuses_sandboxes_until_the_app_took_records() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let settings = Settings {
        spool_bytes_max: 6_000,
        segment_bytes_max: 2_000,
        ..settings(folder.path())
    };
    let log = opened(settings, &app);
    let running = start(&log, "sb_0").unwrap();
    let mut started = 0;
    while let Ok(trail) = start(&log, "sb_1") {
        trail.end(Ended::without_usage("exited"));
        assert!(log.flush(SOON));
        started += 1;
        assert!(started < 100);
    }
    let closed = log.closed().unwrap();
    assert!(
        matches!(
            closed,
            Closed::Full {
                bytes_max: 6_000,
                ..
            }
        ),
        "{closed}"
    );
    assert!(closed.to_string().starts_with("audit-full: "));
    assert!(segments(folder.path()).len() > 2);
    // What runs is recorded to its end.
    running
        .recording()
        .record("udp", &"udp://10.0.0.1:53", &denied("no"));
    running.end(Ended::without_usage("exited"));
    app.take(&log);
    assert_eq!(log.closed(), None);
    assert_eq!(app.payloads("sandbox.ended").len(), started + 1);
    assert_eq!(app.payloads("decision.denied").len(), 1);
    assert!(segments(folder.path()).len() <= 1, "sent segments are kept");
    run(&log, "sb_2");
    app.take(&log);
}

#[test]
fn a_folder_that_cannot_be_written_closes_the_log_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    let (place, away) = (folder.path().join("audit"), folder.path().join("away"));
    std::fs::rename(&place, &away).unwrap();
    std::fs::write(&place, "in the way").unwrap();
    // Recording touches no file, so it cannot fail.
    let trail = start(&log, "sb_1").unwrap();
    let deadline = Instant::now() + SOON;
    let closed = loop {
        match log.closed() {
            Some(closed) => break closed,
            None => assert!(Instant::now() < deadline),
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(
        closed.to_string().starts_with("audit-failed: cannot write"),
        "{closed}"
    );
    assert_eq!(start(&log, "sb_2").err(), Some(closed));
    trail.end(Ended::without_usage("exited"));
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&away, &place).unwrap();
    app.take(&log);
    assert_eq!(log.closed(), None);
    assert_eq!(app.0.len(), 2);
}

#[test]
fn the_counts_of_a_flood_from_many_threads_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    let trail = start(&log, "sb_1").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let recording = trail.recording();
            scope.spawn(move || {
                for index in 0..25_000 {
                    let resource = format_args!("udp://10.0.{thread}.{}:53", index % 100);
                    recording.record("udp", &resource, &denied("no"));
                }
            });
        }
    });
    let late = trail.recording();
    trail.end(Ended::without_usage("exited"));
    late.record("udp", &"udp://10.0.0.0:53", &denied("no"));
    drop(late);
    app.take(&log);
    let decisions = app.payloads("decision.denied");
    let counts = decisions
        .iter()
        .map(|decision| decision["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 100_001);
    assert!(decisions.len() < 3_000, "{}", decisions.len());
    assert_eq!(app.payloads("sandbox.ended")[0]["denied"], 100_000);
}

#[test]
fn what_was_recorded_is_written_when_the_log_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    for _ in 0..1_000 {
        run(&log, "sb_1");
    }
    drop(log);
    app.take(&opened(settings(folder.path()), &app));
    assert_eq!(app.0.len(), 2_000);
}

#[test]
fn names_with_newlines_make_no_records_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::default();
    let log = opened(settings(folder.path()), &app);
    let trail = start(&log, "sb_1").unwrap();
    let evil = "http://a\n{\"sequence\":9}\r\n\u{1b}[2J\u{2028}\u{202e}/";
    trail.recording().record("http", &evil, &denied(evil));
    trail.end(Ended::without_usage("exited"));
    assert!(log.flush(SOON));
    let text = std::fs::read_to_string(&segments(folder.path())[0]).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.lines()
            .all(|line| !line.contains(|char: char| char.is_control()))
    );
    app.take(&log);
    let decision = &app.payloads("decision.denied")[0];
    assert_eq!(
        decision["resource"],
        swarm_flow_policy::printable(evil).as_ref()
    );
}

#[test]
fn recording_does_not_wait_for_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::default();
    let log = opened(settings(folder.path()), &app);
    // A disk that stands still: the writer cannot note what it wrote.
    let stands = log.shared().book();
    let trail = start(&log, "sb_1").unwrap();
    trail.recording().record("http", &"a", &denied("no"));
    trail.end(Ended::without_usage("exited"));
    assert_eq!(log.closed(), None);
    assert!(!log.flush(Duration::from_millis(50)));
    drop(stands);
    assert!(log.flush(SOON));
}
