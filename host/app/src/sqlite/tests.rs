use std::time::Duration;

use wasmtime::component::ResourceTable;

use super::*;
use crate::bindings::fermyon::spin::sqlite::{Error, HostConnection as _, QueryResult, Value};

struct Fixture {
    _directory: tempfile::TempDir,
    path: PathBuf,
    database: Arc<Database>,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.db");
        Self {
            _directory: directory,
            database: Database::new(path.clone()),
            path,
        }
    }

    async fn with_table() -> Self {
        let fixture = Self::new();
        fixture
            .run("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            .await
            .unwrap();
        fixture
    }

    async fn run(&self, sql: &str) -> Result<QueryResult, Failure> {
        self.database.session()?.execute(sql, Vec::new()).await
    }

    async fn count(&self) -> i64 {
        integer(&self.run("SELECT count(*) FROM t").await.unwrap())
    }
}

fn integer(result: &QueryResult) -> i64 {
    match result.rows[0].values[0] {
        Value::Integer(integer) => integer,
        _ => panic!("no integer"),
    }
}

#[tokio::test]
async fn every_kind_of_value_goes_in_and_comes_out() {
    let fixture = Fixture::new();
    let values = vec![
        Value::Integer(i64::MIN),
        Value::Real(1.5),
        Value::Text("é\0x".to_owned()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    let sql = "SELECT ?1 AS a, ?2, ?3, ?4, ?5";
    let result = fixture
        .database
        .session()
        .unwrap()
        .execute(sql, values.clone())
        .await
        .unwrap();
    assert_eq!(result.columns[0], "a");
    assert_eq!(
        format!("{:?}", result.rows[0].values),
        format!("{values:?}")
    );
}

#[tokio::test]
async fn the_file_is_in_wal_mode_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::with_table().await;
    let mode = fixture.run("PRAGMA journal_mode").await.unwrap();
    assert_eq!(
        format!("{:?}", mode.rows[0].values),
        r#"[Value::Text("wal")]"#
    );
    for suffix in ["", "-wal"] {
        let path = format!("{}{suffix}", fixture.path.display());
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_writers_at_once_all_succeed() {
    let fixture = Fixture::with_table().await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let database = fixture.database.clone();
        writers.spawn(async move {
            let mut session = database.session().unwrap();
            for _ in 0..5 {
                session
                    .execute("INSERT INTO t (v) VALUES (1)", Vec::new())
                    .await
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(fixture.count().await, 500);
}

#[tokio::test]
async fn a_transaction_left_open_is_rolled_back_and_lets_others_write() {
    let fixture = Fixture::with_table().await;
    for begin in ["BEGIN", "begin immediate", " SAVEPOINT s"] {
        let mut session = fixture.database.session().unwrap();
        session.execute(begin, Vec::new()).await.unwrap();
        session
            .execute("INSERT INTO t (v) VALUES (1)", Vec::new())
            .await
            .unwrap();
        drop(session);
        assert_eq!(fixture.count().await, 0, "{begin}");
    }
    fixture.run("INSERT INTO t (v) VALUES (1)").await.unwrap();
    assert_eq!(fixture.count().await, 1);
}

#[tokio::test]
async fn a_writer_waits_for_the_end_of_a_transaction() {
    let fixture = Fixture::with_table().await;
    let mut first = fixture.database.session().unwrap();
    first.execute("BEGIN", Vec::new()).await.unwrap();
    let mut second = fixture.database.session().unwrap();
    let mut write = std::pin::pin!(second.execute("INSERT INTO t (v) VALUES (2)", Vec::new()));
    let waits = tokio::time::timeout(Duration::from_millis(50), &mut write).await;
    assert!(waits.is_err());
    first
        .execute("INSERT INTO t (v) VALUES (1)", Vec::new())
        .await
        .unwrap();
    first.execute("COMMIT", Vec::new()).await.unwrap();
    write.await.unwrap();
    assert_eq!(fixture.count().await, 2);
}

#[tokio::test]
async fn a_failed_write_does_not_keep_the_lock() {
    let fixture = Fixture::with_table().await;
    let mut session = fixture.database.session().unwrap();
    session
        .execute("INSERT INTO t (id) VALUES (1)", Vec::new())
        .await
        .unwrap();
    session
        .execute("INSERT INTO t (id) VALUES (1)", Vec::new())
        .await
        .unwrap_err();
    fixture.run("INSERT INTO t (id) VALUES (2)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_file_can_be_reached() {
    let fixture = Fixture::with_table().await;
    let other = fixture.path.with_file_name("other.db");
    let path = other.display();
    let mut session = fixture.database.session().unwrap();
    let attempts = [
        (format!("ATTACH '{path}' AS other"), Vec::new()),
        (
            "ATTACH ?1 AS other".to_owned(),
            vec![Value::Text(other.display().to_string())],
        ),
        (format!("ATTACH '{path}' || '' AS other"), Vec::new()),
        (format!("VACUUM INTO '{path}'"), Vec::new()),
        (
            "VACUUM INTO ?1".to_owned(),
            vec![Value::Text(other.display().to_string())],
        ),
    ];
    for (sql, parameters) in attempts {
        let result = session.execute(&sql, parameters).await;
        assert!(result.is_err() && !other.exists(), "{sql}");
    }
    session.execute("VACUUM", Vec::new()).await.unwrap();
    session
        .execute("ATTACH ':memory:' AS scratch", Vec::new())
        .await
        .unwrap();
}

/// Commits until the write-ahead log has been asked to be moved at least once.
async fn write_much(fixture: &Fixture) {
    for _ in 0..300 {
        let sql = "INSERT INTO t (v) VALUES (randomblob(16384))";
        fixture.run(sql).await.unwrap();
    }
}

/// Waits until the file holds this many rows without the log.
async fn moved(fixture: &Fixture, rows: i64) {
    let aside = fixture.path.with_extension("aside");
    let started = std::time::Instant::now();
    loop {
        std::fs::copy(&fixture.path, &aside).unwrap();
        let copy = rusqlite::Connection::open(&aside).unwrap();
        let count = copy.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        if count.as_ref().is_ok_and(|count| *count == rows) {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{count:?} of {rows}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_was_committed_comes_into_the_file_and_the_log_begins_anew() {
    let fixture = Fixture::with_table().await;
    write_much(&fixture).await;
    moved(&fixture, 300).await;
    let log = fixture.path.with_extension("db-wal");
    let length = || std::fs::metadata(&log).unwrap().len();
    // What comes then takes the place of what was moved. The rows are seen in
    // the file a moment before the log is known to be moved: it is synced between.
    let started = std::time::Instant::now();
    let mut rows = 300;
    loop {
        let before = length();
        fixture.run("INSERT INTO t (v) VALUES (1)").await.unwrap();
        rows += 1;
        if length() == before {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{before}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(fixture.count().await, rows);
}

#[tokio::test]
async fn a_reader_that_stays_keeps_its_view_while_others_commit() {
    let fixture = Fixture::with_table().await;
    fixture.run("INSERT INTO t (v) VALUES (1)").await.unwrap();
    // Of another process: here a transaction would keep the writers waiting.
    let reader = rusqlite::Connection::open(&fixture.path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = || reader.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
    assert_eq!(count().unwrap(), 1);
    write_much(&fixture).await;
    assert_eq!(count().unwrap(), 1);
    drop(reader);
    assert_eq!(fixture.count().await, 301);
    // What held the log up is gone: the next commits move all of it.
    write_much(&fixture).await;
    moved(&fixture, 601).await;
}

#[tokio::test]
async fn what_keeps_the_data_safe_cannot_be_turned_off() {
    let fixture = Fixture::with_table().await;
    for (pragma, value) in [("journal_mode", "wal"), ("synchronous", "1")] {
        fixture
            .run(&format!("PRAGMA {pragma} = OFF"))
            .await
            .unwrap();
        let result = fixture.run(&format!("PRAGMA {pragma}")).await.unwrap();
        assert!(
            format!("{:?}", result.rows[0].values).contains(value),
            "{pragma}"
        );
    }
}

#[tokio::test]
async fn what_a_guest_did_to_its_connection_is_gone_for_the_next() {
    let fixture = Fixture::with_table().await;
    for change in [
        "CREATE TEMP TABLE mine (x)",
        "PRAGMA foreign_keys = OFF",
        "ATTACH ':memory:' AS mine",
    ] {
        fixture.run(change).await.unwrap();
    }
    fixture.run("SELECT * FROM temp.mine").await.unwrap_err();
    assert_eq!(
        integer(&fixture.run("PRAGMA foreign_keys").await.unwrap()),
        1
    );
    assert_eq!(
        integer(
            &fixture
                .run("SELECT count(*) FROM pragma_database_list")
                .await
                .unwrap()
        ),
        1
    );
}

#[tokio::test]
async fn errors_say_what_sqlite_said() {
    let fixture = Fixture::new();
    let cases = [
        ("SELECT * FROM missing", "no such table: missing"),
        ("SELECT 1; SELECT 2", "Multiple statements"),
        ("SELEKT", "syntax error"),
        ("SELECT randomblob(100000000)", "larger than"),
    ];
    for (sql, expected) in cases {
        let message = fixture.run(sql).await.err().unwrap().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_component_opens_only_what_it_was_granted() {
    let fixture = Fixture::new();
    let mut table = ResourceTable::new();
    let cases = [
        (true, "default", true),
        (true, "other", false),
        (false, "default", false),
    ];
    for (granted, label, opens) in cases {
        let mut context = SqliteContext::new(granted.then(|| fixture.database.clone()));
        let mut view = SqliteView {
            context: &mut context,
            table: &mut table,
        };
        match view.open(label.to_owned()).await.unwrap() {
            Ok(connection) => {
                assert!(opens, "{label}");
                view.execute(connection, "SELECT 1".to_owned(), Vec::new())
                    .await
                    .unwrap()
                    .unwrap();
            }
            Err(error) => assert!(!opens && matches!(error, Error::AccessDenied), "{label}"),
        }
    }
}

#[tokio::test]
async fn an_instance_has_a_limited_number_of_connections() {
    let fixture = Fixture::new();
    let mut table = ResourceTable::new();
    let mut context = SqliteContext::new(Some(fixture.database.clone()));
    let mut view = SqliteView {
        context: &mut context,
        table: &mut table,
    };
    let mut open = Vec::new();
    let refusal = loop {
        match view.open("default".to_owned()).await.unwrap() {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    assert!(matches!(refusal, Error::Io(_)) && open.len() == 16);
    view.drop(open.pop().unwrap()).await.unwrap();
    view.open("default".to_owned()).await.unwrap().unwrap();
}
