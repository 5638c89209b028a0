//! What the standard variables switch on. The rest of them the SDK reads by itself.

use std::env;
use std::time::Duration;

/// Which of the two is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) traces: bool,
    pub(crate) metrics: bool,
}

impl Wanted {
    pub(crate) fn here() -> Self {
        Self::of(|name| env::var(name).ok())
    }

    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| variable(name).unwrap_or_default().trim().to_owned();
        let is_off = said("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true");
        let wanted = |signal: &str| {
            let exporter = said(&format!("OTEL_{signal}_EXPORTER"));
            let endpoint = said(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"));
            let endpoints = [endpoint, said("OTEL_EXPORTER_OTLP_ENDPOINT")];
            !is_off && exporter != "none" && endpoints.iter().any(|endpoint| !endpoint.is_empty())
        };
        Self {
            traces: wanted("TRACES"),
            metrics: wanted("METRICS"),
        }
    }

    pub(crate) fn any(self) -> bool {
        self.traces || self.metrics
    }
}

/// Whether what is said to models, and what they say, is told too.
pub fn with_content() -> bool {
    env::var("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")
        .is_ok_and(|said| said.trim().eq_ignore_ascii_case("true"))
}

/// How long a collector may take for an answer. The SDK leaves it to the client.
pub(crate) fn timeout() -> Duration {
    let said = env::var("OTEL_EXPORTER_OTLP_TIMEOUT").ok();
    let said = said.and_then(|ms| ms.trim().parse().ok());
    said.map_or(TIMEOUT, Duration::from_millis)
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// The operator may say it in either way.
pub(crate) fn names_service() -> bool {
    let named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    let among = env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    named
        || among
            .split(',')
            .any(|one| one.trim().starts_with("service.name="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wanted_that_the_variables_do_not_ask_for() {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        const AT: &str = "http://127.0.0.1:4318";
        type Case = (&'static [(&'static str, &'static str)], bool, bool);
        let cases: [Case; 8] = [
            (&[], false, false),
            (&[(ENDPOINT, "")], false, false),
            (&[(ENDPOINT, AT)], true, true),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", AT)], true, false),
            (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", AT)], false, true),
            (
                &[(ENDPOINT, AT), ("OTEL_TRACES_EXPORTER", "none")],
                false,
                true,
            ),
            (
                &[(ENDPOINT, AT), ("OTEL_SDK_DISABLED", "TRUE")],
                false,
                false,
            ),
            (
                &[(ENDPOINT, AT), ("OTEL_SDK_DISABLED", "false")],
                true,
                true,
            ),
        ];
        for (variables, traces, metrics) in cases {
            let wanted = Wanted::of(|name| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(wanted, Wanted { traces, metrics }, "{variables:?}");
        }
    }
}
