//! How a query would be run, as a tree.

use crate::shell::Shell;
use rusqlite::Statement;

struct Step {
    id: i64,
    parent: i64,
    text: String,
}

pub fn run(shell: &mut Shell, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(Step {
            id: row.get(0)?,
            parent: row.get(1)?,
            text: row.get(3)?,
        });
    }
    let mut out = String::from("QUERY PLAN\n");
    below(&steps, 0, "", &mut out);
    shell.output.write(out.as_bytes());
    Ok(())
}

fn below(steps: &[Step], parent: i64, indent: &str, out: &mut String) {
    let children: Vec<&Step> = steps.iter().filter(|step| step.parent == parent).collect();
    for (index, step) in children.iter().enumerate() {
        let last = index + 1 == children.len();
        let (branch, further) = match last {
            true => ("`--", "   "),
            false => ("|--", "|  "),
        };
        out.push_str(&format!("{indent}{branch}{}\n", step.text));
        // Steps come behind the one that they are part of.
        if step.id > parent {
            below(steps, step.id, &format!("{indent}{further}"), out);
        }
    }
}
