//! What a command may look like. Nothing has been done when it is refused.

use swarm_flow_protocol::{Error, ExecRequest, STDIN_BYTES_MAX};

/// Arguments and environment together.
const ARGUMENTS_MAX: usize = 1_024;
const ARGUMENT_BYTES_MAX: usize = 128 << 10;

pub(super) fn check(request: &ExecRequest) -> Result<(), Error> {
    let invalid = |field: &str, message: String| {
        Err(Error::Invalid {
            field: field.to_owned(),
            message,
        })
    };
    if request.command.first().is_none_or(String::is_empty) {
        return invalid(
            "command",
            "is empty; give the program's name and its arguments".to_owned(),
        );
    }
    if request.command.len() > ARGUMENTS_MAX {
        return invalid(
            "command",
            format!(
                "has {} items; {ARGUMENTS_MAX} at most",
                request.command.len()
            ),
        );
    }
    let variables = request
        .env
        .iter()
        .map(|(name, value)| name.len() + value.len());
    let bytes: usize = request
        .command
        .iter()
        .map(String::len)
        .chain(variables)
        .sum();
    if bytes > ARGUMENT_BYTES_MAX {
        return invalid(
            "command",
            format!("with `env` has {bytes} bytes; {ARGUMENT_BYTES_MAX} at most"),
        );
    }
    if let Some(index) = request
        .command
        .iter()
        .position(|argument| argument.contains('\0'))
    {
        return invalid(&format!("command[{index}]"), "contains NUL".to_owned());
    }
    for (name, value) in &request.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return invalid(
                &format!("env.{name}"),
                "a name is not empty, has no `=`, and nothing has NUL".to_owned(),
            );
        }
    }
    if request.stdin_stream && !request.stream {
        return invalid(
            "stdin_stream",
            "wants `stream`: where the input goes, the first event says".to_owned(),
        );
    }
    if request.stdin.len() as u64 > STDIN_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "stdin_bytes".to_owned(),
            allowed: STDIN_BYTES_MAX,
        });
    }
    request.policy.validate().map_err(|invalid| Error::Invalid {
        field: format!("policy.{}", invalid.field),
        message: invalid.message,
    })
}
