//! The tables: one of events, and one a noun that its triggers fill from them.
//!
//! Each module holds one noun's SQL, in the order in which it must run, each statement idempotent
//! (`CREATE … IF NOT EXISTS`). A projection's trigger runs in the statement that inserts its event, so
//! a table can never tell another story than the events. Triggers read the event's payload by
//! `json_extract(NEW.payload, '$.field')`.

mod event;
mod run;
mod runner;
mod swarm;
mod workspace;

/// An empty table that is made last of all: where it is, every trigger is. Its number grows with each
/// change of the schema, so that an older database is completed by the first statement that misses it.
pub(crate) const MARKER: &str = "schema_1";

const MAKE_MARKER: &[&str] = &["CREATE TABLE IF NOT EXISTS schema_1 (never INTEGER)"];

/// Everything, in order.
pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    [
        event::STATEMENTS,
        runner::STATEMENTS,
        workspace::STATEMENTS,
        swarm::STATEMENTS,
        run::STATEMENTS,
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
            assert!(statement.contains("IF NOT EXISTS"), "{statement}");
        }
    }
}
