//! `<(command)` and `>(command)`.
//!
//! Other programs have no `/dev/fd`, so a file stands for the pipe: `<(command)` runs first and leaves its output in a
//! file, `>(command)` gets what was written to its file when the command that has it has ended.

use crate::expand::Expanded;
use crate::files::{self, Mode};
use crate::shell::Shell;
use crate::stream::Handle;
use crate::syntax::List;
use swarm_flow_process::bindings::wasi::random::insecure;

#[derive(Clone)]
pub struct Substitute {
    path: String,
    /// What reads the file at the end.
    reader: Option<List>,
}

impl Shell {
    /// A file's path in place of the command.
    pub async fn substitute(&mut self, reads: bool, list: &List) -> Expanded<String> {
        let (path, handle) = match self.temporary() {
            Ok(made) => made,
            Err(message) => return Err(self.fail(&message).await),
        };
        self.substitutes.push(Substitute {
            path: path.clone(),
            reader: (!reads).then(|| list.clone()),
        });
        if reads {
            let output = handle;
            self.run_in_subshell(list, move |shell| {
                shell.descriptors.insert(1, output);
            })
            .await?;
        }
        Ok(path)
    }

    /// A new file that nothing else has.
    fn temporary(&self) -> Result<(String, Handle), String> {
        let folders = [
            self.get("TMPDIR"),
            Some("/tmp".to_owned()),
            Some(self.directory.clone()),
        ];
        let mut reason = String::new();
        for folder in folders.into_iter().flatten() {
            let number = insecure::get_insecure_random_u64();
            let path = format!("{}/.sh-{number:016x}", folder.trim_end_matches('/'));
            match self.open_output(&path, Mode::New) {
                Ok(handle) => return Ok((path, handle)),
                Err(message) => reason = message,
            }
        }
        Err(format!("no place for a process substitution: {reason}"))
    }

    /// After the command that had them.
    pub async fn end_substitutes(&mut self, from: usize) -> Expanded<()> {
        while self.substitutes.len() > from {
            let Some(substitute) = self.substitutes.pop() else {
                break;
            };
            if let Some(list) = &substitute.reader
                && let Ok(input) = self.open_input(&substitute.path)
            {
                let status = self.status;
                self.run_in_subshell(list, move |shell| {
                    shell.descriptors.insert(0, input);
                })
                .await?;
                self.status = status;
            }
            // A file that is gone already is as good.
            let _ = files::remove(&self.path(&substitute.path));
        }
        Ok(())
    }
}
