//! The tables: one of events, and one a noun that its triggers fill from them.
//!
//! Each module holds one noun's SQL, in the order in which it must run, each statement idempotent
//! (`CREATE … IF NOT EXISTS`). What is added to a table later is `ALTER TABLE … ADD COLUMN`, which may find the column
//! there, and a trigger that changes is dropped first. A projection's trigger runs in the statement that inserts its event, so
//! a table can never tell another story than the events. Triggers read the event's payload by
//! `json_extract(NEW.payload, '$.field')`.

mod audit;
mod event;
mod memory;
mod policy;
mod run;
mod runner;
mod secret;
mod swarm;
mod wait;
mod workspace;

/// An empty table that is made last of all: where it is, every trigger is. Its number grows with each
/// change of the schema, so that an older database is completed by the first statement that misses it.
pub(crate) const MARKER: &str = "schema_5";

const MAKE_MARKER: &[&str] = &["CREATE TABLE IF NOT EXISTS schema_5 (never INTEGER)"];

/// Everything, in order.
pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    [
        event::STATEMENTS,
        runner::STATEMENTS,
        workspace::STATEMENTS,
        policy::STATEMENTS,
        secret::STATEMENTS,
        audit::STATEMENTS,
        swarm::STATEMENTS,
        wait::STATEMENTS,
        run::STATEMENTS,
        memory::STATEMENTS,
        MAKE_MARKER,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_marker_is_the_last_table_to_be_made() {
        assert!(super::statements().last().unwrap().contains(super::MARKER));
    }

    #[test]
    fn every_statement_can_be_run_again() {
        for statement in super::statements() {
            let again = ["IF NOT EXISTS", "IF EXISTS", "ADD COLUMN"];
            assert!(
                again.iter().any(|words| statement.contains(words)),
                "{statement}"
            );
        }
    }
}
