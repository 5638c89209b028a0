use super::*;
use crate::{Filesystem, Network, Preset};

const WHOLE: &str = r#"
# Everything that a policy has.
filesystem = { read_only = ["/workspace"] }
network.public = ["GET,HEAD https://api.example.com/v1/", "@package-registries"]
sockets = ["tcp://10.0.0.0/8:5432"]
models = ["gpt-5"]
approvals = ["exec git push *"]

[limits]
memory_bytes = 0x1000_0000
cpu_time_ms = 30_000
wall_time_ms = 60_000
handles = 100
output_bytes = 1_048_576
disk_bytes = 1_073_741_824
sandboxes = 8
"#;

fn only(text: &str, format: Format) -> String {
    let problems = draft(text, format).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

#[test]
fn a_whole_policy_reads_the_same_from_toml_and_json() {
    let policy = Policy::read(WHOLE, Format::Toml).unwrap();
    assert_eq!(
        policy.filesystem,
        Filesystem::ReadOnly(vec!["/workspace".to_owned()])
    );
    assert_eq!(policy.sockets, ["tcp://10.0.0.0/8:5432"]);
    assert_eq!(policy.models, ["gpt-5"]);
    assert_eq!(policy.approvals, ["exec git push *"]);
    assert_eq!(policy.limits, Preset::Isolated.policy().limits);
    let json = serde_json::to_string_pretty(&policy).unwrap();
    assert_eq!(Policy::read(&json, Format::Json).unwrap(), policy);
    let toml = ::toml::to_string(&policy).unwrap();
    assert_eq!(Policy::read(&toml, Format::Toml).unwrap(), policy);
}

#[test]
fn a_preset_and_what_differs_is_a_policy() {
    for (text, format) in [
        (
            "preset = \"standard\"\nnetwork = \"none\"\nlimits.handles = 7",
            Format::Toml,
        ),
        (
            r#"{"preset": "standard", "network": "none", "limits": {"handles": 7}}"#,
            Format::Json,
        ),
    ] {
        let mut expected = Preset::Standard.policy();
        expected.network = Network::None;
        expected.limits.handles = 7;
        assert_eq!(Policy::read(text, format).unwrap(), expected);
    }
}

#[test]
fn what_is_wrong_in_toml_is_said_with_its_place() {
    for (text, message) in [
        (
            "netwrok = \"any\"",
            "line 1, column 1: netwrok: is not a field; did you mean `network`?",
        ),
        (
            "color = 1",
            "column 1: color: is not a field; there are `preset`, `filesystem`",
        ),
        (
            "[limits]\n  memory = 5",
            "line 2, column 3: limits.memory: is not a field; did you mean `memory_bytes`?",
        ),
        (
            "[limits]\nmemory_byte = 5",
            "line 2, column 1: limits.memory_byte: is not a field; did you mean `memory_bytes`?",
        ),
        (
            "preset = \"standart\"",
            "line 1, column 10: preset: `standart` is not a preset; did you mean `standard`?",
        ),
        (
            "preset = \"lax\"",
            "there are `isolated`, `standard` and `privileged`",
        ),
        (
            "preset = 5",
            "column 10: preset: is a number; give the name of a preset",
        ),
        (
            "network = \"none\"\nnetwork = \"any\"",
            "line 2, column 1: the key `network` stands here twice; keep one",
        ),
        (
            "network = \"locahost\"",
            "`locahost` is not a network; did you mean `localhost`?",
        ),
        (
            "network = \"public\"",
            "`public` needs a list; write network = { public = [\"…\"] }",
        ),
        (
            "network = {}",
            "line 1, column 11: network: give one of `none`",
        ),
        (
            "network = { pubic = [] }",
            "network.pubic: is not a field; did you mean `public`?",
        ),
        ("network = true", "is a boolean; give one of `none`"),
        (
            "network = { public = \"https://a\" }",
            "network.public: is a string; give a list of strings",
        ),
        (
            "network.public = [\"https://a\",\n  5]",
            "line 2, column 3: network.public[1]: is a number; give a string",
        ),
        (
            "network.public = [\n  \"https://a\",\n  \"a.example\",\n]",
            "line 3, column 3: network.public[1]: `a.example` has no scheme; write `https://a.example`",
        ),
        (
            "network.public = [\"\"]",
            "line 1, column 19: network.public[0]: the pattern is empty",
        ),
        ("network.public = [\"https://*\"]", "name one"),
        ("network.public = [\"https://a:0\"]", "write 1 to 65535"),
        (
            "filesystem = { read_only = [], read_write = [] }",
            "column 14: filesystem: give one of `none`, `read_only`, `read_write` and `full`",
        ),
        ("filesystem = \"read-only\"", "did you mean `read_only`?"),
        (
            "filesystem.read_only = [\"/etc\"]",
            "there are `/workspace` and `/tmp`",
        ),
        (
            "sockets = [\"tcp://a:1\"]",
            "line 1, column 12: sockets[0]: `tcp://a:1` is of use only with `lookup://a`",
        ),
        (
            "limits.handles = 0",
            "line 1, column 18: limits.handles: is 0, which lets nothing run; give 1 to 1000000",
        ),
        (
            "approvals = [\"exec\",\n  \"run git\"]",
            "line 2, column 3: approvals[1]: `run` is not a tool for which a person can be asked",
        ),
        (
            "models = [\"gpt-*\"]",
            "line 1, column 11: models[0]: `gpt-*` has a `*`; write the whole name",
        ),
        ("limits.handles = -1", "is -1; give 1 to 1000000"),
        (
            "limits.handles = 4294967297",
            "is 4294967297; give 1 to 1000000",
        ),
        (
            "limits.disk_bytes = 9223372036854775807",
            "give 1 to 1125899906842624",
        ),
        (
            "limits.memory_bytes = \"1 GiB\"",
            "is a string; give a whole number of bytes, 65536 to 4294967296",
        ),
        (
            "limits.cpu_time_ms = 1.5",
            "is not a whole number; give a whole number of milliseconds",
        ),
        ("limits = 5", "limits: is a number; give a table"),
        ("network = ", "line 1, column "),
        ("= 5", "line 1, column "),
    ] {
        let said = only(text, Format::Toml);
        assert!(said.contains(message), "{text}\n{said}\n{message}");
    }
}

#[test]
fn what_is_wrong_in_json_is_said_with_its_place() {
    for (text, message) in [
        (
            "{\n  \"netwrok\": \"any\"}",
            "line 2, column 3: netwrok: is not a field; did you mean `network`?",
        ),
        (
            "{\"network\": \"none\",\n \"network\": \"any\"}",
            "line 2, column 2: network: the key `network` stands here twice; keep one",
        ),
        (
            "{\"network\": {\"public\": [\"ü\", \"\"],\n \"public\": []}}",
            "line 2, column 2: network.public: the key",
        ),
        (
            "{\"limits\": {\"handles\": 1e3}}",
            "column 24: limits.handles: is not a whole number",
        ),
        (
            "{\"limits\": {\"handles\": -5}}",
            "is -5; give 1 to 1000000",
        ),
        ("{\"limits\": null}", "limits: is null; give a table"),
        ("[]", "line 1, column 1: is a list; give a policy"),
        (
            "{\"network\": {\"public\": [[[[[[[[1]]]]]]]]}}",
            "network.public[0]: is a list; give a string",
        ),
        (
            "{\"preset\": \"standard\"} x",
            "line 1, column 24: trailing characters",
        ),
        ("{\"preset\" \"standard\"}", "column 11: expected `:`"),
        ("{\n\"preset\":", "EOF while parsing a value"),
        (
            "{\"network\": {\"public\": [\"https://\\u0061\\u002a\"]}}",
            "line 1, column 25: network.public[0]",
        ),
    ] {
        let said = only(text, Format::Json);
        assert!(said.contains(message), "{text}\n{said}\n{message}");
    }
}

#[test]
fn all_problems_are_said_at_once_from_the_top_down() {
    let text =
        "network.public = [\"a\", \"b\"]\nfilesystem.read_only = [\"/x\"]\nlimits.handles = 0\n";
    let said = draft(text, Format::Toml).unwrap_err();
    let places: Vec<_> = said
        .0
        .iter()
        .map(|problem| (problem.line, problem.column))
        .collect();
    assert_eq!(places, [(1, 19), (1, 24), (2, 25), (3, 18)]);
    assert_eq!(said.to_string().lines().count(), 4);
}

#[test]
fn a_policy_without_a_preset_says_what_is_missing() {
    let said = Policy::read("network = \"none\"", Format::Toml)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("filesystem: is missing; give it, or start from a preset"),
        "{said}"
    );
}

#[test]
fn a_column_counts_characters() {
    let said = only("network.public = [\"@ü\", \"@ü\", 1]", Format::Toml);
    assert!(said.contains("column 31"), "{said}");
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let said = only(&" ".repeat(FILE_BYTES_MAX + 1), Format::Json);
    assert!(said.contains("at most 1048576 bytes"), "{said}");
}

#[test]
fn what_a_file_says_moves_no_cursor() {
    for (text, format) in [
        ("\"netw\\u001b[2Jork\" = 1", Format::Toml),
        ("preset = \"a\\n\\u202eb\"", Format::Toml),
        (
            "network = { public = [\"https://a\\nb\", \"a\\rb\", \"https://::\\u001b\"] }",
            Format::Toml,
        ),
        (
            "sockets = [\"tcp://a\\u0007\", \"tcp://*.\\u202e.a:1\"]",
            Format::Toml,
        ),
        ("filesystem = { read_only = [\"/a\\u0000\"] }", Format::Toml),
        ("{\"\\u001b\": 1}", Format::Json),
    ] {
        for problem in draft(text, format).unwrap_err().0 {
            let said = problem.to_string();
            assert!(
                said.chars()
                    .all(|char| !char.is_control() && char != '\u{202e}'),
                "{said:?}"
            );
        }
    }
}
