use super::*;

const FILE: &str = r#"
[[provider]]
name = "mine"
dialect = "openai"
base_url = "https://models.example/v1"
key = { env = "MINE" }
headers = { x-team = "tigers" }
first_byte_timeout_ms = 500
concurrency = 2

[[provider]]
name = "local"
dialect = "openai"
base_url = "http://127.0.0.1:11434/v1"

[[model]]
name = "fast"
provider = "mine"
id = "tiger-mini"
context_tokens = 128000
output_tokens_max = 4096
price = { input = 0.25, cached_input = 0.025, output = 2.0, as_of = 2026-01-31 }
capabilities = ["tools"]

[[model]]
name = "free"
provider = "local"
id = "llama3.2:3b"

[[route]]
kinds = ["summary"]
prefer = "price"
models = ["free", "fast"]
"#;

fn load(text: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.toml");
    if let Some(text) = text {
        std::fs::write(&path, text).unwrap();
    }
    std::fs::write(folder.path().join("key"), "sk-of-a-file\n").unwrap();
    let variable = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let settings = Settings::load(text.map(|_| path.as_path()), &variable);
    settings.map_err(|error| format!("{error:#}"))
}

#[test]
fn a_file_says_providers_models_and_routes() {
    let settings = load(Some(FILE), &[("MINE", "sk-tiger-tiger")]).unwrap();
    assert!(!format!("{settings:?}").contains("sk-tiger"));
    let listed = settings.list();
    assert_eq!(listed[0].name, "fast");
    assert!(listed[0].is_default && !listed[1].is_default);
    assert!(listed[0].source.ends_with("models.toml"));
    let price = listed[0].price.as_ref().unwrap();
    assert_eq!((price.output, price.as_of.as_str()), (2.0, "2026-01-31"));
    assert!(listed[0].capabilities.tools && !listed[0].capabilities.images);
    assert!(listed[1].capabilities.images && listed[1].price.is_none());
    assert_eq!(settings.providers[0].concurrency, 2);
    assert_eq!(settings.providers[0].output_limit, "max_tokens");
    assert!(settings.providers[1].key.is_none());
}

#[test]
fn one_variable_and_a_key_are_enough() {
    let settings = load(
        None,
        &[
            ("SWARM_FLOW_MODEL", "anthropic/claude-x"),
            ("ANTHROPIC_API_KEY", "sk-ant"),
        ],
    )
    .unwrap();
    assert_eq!(settings.default.as_deref(), Some("anthropic/claude-x"));
    assert_eq!(settings.providers[0].dialect, Dialect::Anthropic);
    let local = load(
        None,
        &[
            ("SWARM_FLOW_MODEL", "openai/llama/x"),
            ("SWARM_FLOW_MODEL_BASE_URL", "http://localhost:8080/v1"),
        ],
    )
    .unwrap();
    assert!(local.providers[0].key.is_none());
    assert_eq!(local.models[0].id, "llama/x");
    assert!(load(None, &[]).unwrap().is_empty());
    let file = [("MINE", "sk-tiger-tiger"), ("SWARM_FLOW_MODEL", "free")];
    let chosen = load(Some(FILE), &file).unwrap();
    assert_eq!(chosen.default.as_deref(), Some("free"));
    assert_eq!(chosen.models.len(), 2);
}

#[test]
fn what_is_wrong_is_named_by_its_place_and_shows_no_key() {
    let with_key = |key: &str| FILE.replace("{ env = \"MINE\" }", key);
    type Case = (
        String,
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let cases: &[Case] = &[
        (
            FILE.to_owned(),
            &[],
            "provider[0] `mine`: key: the variable MINE is not set",
        ),
        (
            with_key("\"sk-tiger-tiger\""),
            &[],
            "a key does not stand in this file",
        ),
        (
            with_key("{ vault = \"sk-tiger-tiger\" }"),
            &[],
            "give `{ env = ",
        ),
        (with_key("{ file = \"missing\" }"), &[], "cannot read"),
        (
            FILE.replace("key = { env", "api_key = { env"),
            &[],
            "unknown field `api_key`",
        ),
        (
            FILE.replace("https://models", "http://models"),
            &[("MINE", "sk-tiger-tiger")],
            "plain http",
        ),
        (
            FILE.replace("models.example", "u:sk-tiger@models.example"),
            &[("MINE", "k")],
            "a password in it",
        ),
        (
            FILE.replace("models = [\"free\"", "models = [\"none\""),
            &[("MINE", "k")],
            "route[0]: models: there is no model `none`; there are fast, free",
        ),
        (
            FILE.replace("2026-01-31", "07:00:00"),
            &[("MINE", "k")],
            "price.as_of: give a day",
        ),
        (
            FILE.replace("input = 0.25", "input = -1"),
            &[("MINE", "k")],
            "price.input",
        ),
        (
            FILE.replace("provider = \"local\"", "provider = \"other\""),
            &[("MINE", "k")],
            "there is no provider `other`; there are mine, local, openai, anthropic",
        ),
        (
            FILE.replace("\"free\"\nprovider", "\"fast\"\nprovider"),
            &[("MINE", "k")],
            "two models `fast`",
        ),
        (
            FILE.replace("concurrency = 2", "concurrency = 0"),
            &[("MINE", "k")],
            "concurrency is 0; give 1 to 1000",
        ),
        (
            FILE.replace("x-team =", "authorization ="),
            &[("MINE", "k")],
            "a key does not stand in this file",
        ),
    ];
    for (text, variables, hint) in cases {
        let said = load(Some(text), variables).unwrap_err();
        assert!(said.contains(hint), "{hint}: {said}");
        assert!(!said.contains("sk-tiger"), "{said}");
    }
    for (variables, hint) in [
        (
            &[("SWARM_FLOW_MODEL", "openai/x")][..],
            "OPENAI_API_KEY is not set",
        ),
        (&[("SWARM_FLOW_MODEL", "gpt")][..], "give PROVIDER/ID"),
        (
            &[("SWARM_FLOW_MODEL", "other/gpt")][..],
            "there is no provider `other`",
        ),
        (
            &[("SWARM_FLOW_MODEL_BASE_URL", "http://localhost")][..],
            "SWARM_FLOW_MODEL is not",
        ),
        (
            &[
                ("SWARM_FLOW_MODEL", "openai/x"),
                ("SWARM_FLOW_MODEL_BASE_URL", "http://10.0.0.1"),
            ][..],
            "plain http",
        ),
    ] {
        let said = load(None, variables).unwrap_err();
        assert!(said.contains(hint), "{hint}: {said}");
    }
}

#[test]
fn a_key_may_be_in_a_file_beside() {
    let text = FILE.replace("{ env = \"MINE\" }", "{ file = \"key\" }");
    let settings = load(Some(&text), &[]).unwrap();
    let header = settings.providers[0].key.as_ref().unwrap().header("");
    assert_eq!(header.unwrap(), "sk-of-a-file");
}
