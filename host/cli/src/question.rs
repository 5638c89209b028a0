//! `question`: what agents ask people.

use crate::client::{Client, LARGE_PAGES};
use crate::output::{Output, harmless};
use crate::table::Table;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Question {
    /// Show what is asked, the newest first
    List {
        /// Of one run
        #[arg(long)]
        run: Option<String>,
        /// Also what is closed
        #[arg(long)]
        all: bool,
    },
    /// Answer a question; its task goes on at once
    Answer {
        question: String,
        /// One of the options, where there are any
        answer: String,
        /// Who says so
        #[arg(long = "by", value_name = "NAME")]
        answered_by: Option<String>,
    },
}

pub async fn question(client: &Client, command: &Question, output: Output) -> Result<ExitCode> {
    match command {
        Question::List { run, all } => {
            let mut query = vec![LARGE_PAGES];
            query.extend(run.as_deref().map(|run| ("run", run)));
            if !all {
                query.push(("state", "open"));
            }
            let questions: Vec<Value> = client.list(&["questions"], &query).await?;
            output.print(&questions, |questions| shown(questions))?;
        }
        Question::Answer {
            question,
            answer,
            answered_by,
        } => {
            let body = json!({"answer": answer, "answered_by": answered_by});
            let answered: Value = client
                .post(&["questions", question, "answer"], &body)
                .await?;
            output.print(&answered, |_| String::new())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(questions: &[Value]) -> String {
    let mut table = Table::new(["ID", "TASK", "STATE", "OPTIONS", "QUESTION", "ANSWER"]);
    for question in questions {
        let text = |name: &str| harmless(question[name].as_str().unwrap_or_default()).to_string();
        let options = question["options"].as_array().into_iter().flatten();
        let options: Vec<&str> = options.filter_map(Value::as_str).collect();
        table.row([
            text("id"),
            text("task"),
            text("state"),
            harmless(&options.join(", ")).to_string(),
            text("text"),
            text("answer"),
        ]);
    }
    table.to_string()
}
