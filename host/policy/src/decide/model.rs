//! Whether an agent may use a model.

use super::CompiledPolicy;
use crate::Invalid;
use crate::decide::PATTERNS_MAX;
use crate::decision::{Decision, Reason, Rule};
use crate::grant::{Grant, quoted};

/// In `models`: every model.
pub(crate) const ALL: &str = "*";
const NAME_BYTES_MAX: usize = 256;

impl CompiledPolicy {
    /// Whether agents may use the model of this name.
    pub fn model(&self, name: &str) -> Decision {
        if let Err(why) = check(name).and_then(|()| not_all(name)) {
            let what = format!(
                "the model `{}` makes no sense: {why}",
                name.escape_default()
            );
            return Decision::deny(Reason::Invalid, what, Vec::new());
        }
        let granting = |own: &String| own == name || own == ALL;
        match self.models.iter().position(granting) {
            Some(index) => {
                let own = self.models.get(index).map_or(ALL, String::as_str);
                Decision::allow(&Rule::new(format!("models[{index}] = {}", quoted(own))))
            }
            None => {
                let what = format!("the model `{name}` is not granted");
                let grant = Grant::Model(name.to_owned());
                Decision::deny(Reason::NotGranted, what, vec![grant])
            }
        }
    }
}

pub(crate) fn problems(models: &[String]) -> Vec<Invalid> {
    if models.len() > PATTERNS_MAX {
        let message = format!("has {} names; give {PATTERNS_MAX} at most", models.len());
        return vec![Invalid::new("models", message)];
    }
    let problem = |(index, name): (usize, &String)| {
        let message = check(name).err()?;
        Some(Invalid::new(format!("models[{index}]"), message))
    };
    models.iter().enumerate().filter_map(problem).collect()
}

fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty; leave it out to grant nothing".to_owned());
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!(
            "has {} bytes; give {NAME_BYTES_MAX} at most",
            name.len()
        ));
    }
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "has a blank or a character beyond ASCII; write the name of a model".to_owned(),
        );
    }
    if name != ALL && name.contains('*') {
        return Err(format!(
            "`{name}` has a `*`; write the whole name, or `*` alone for all models"
        ));
    }
    Ok(())
}

fn not_all(name: &str) -> Result<(), String> {
    if name == ALL {
        return Err("`*` is the name of no model".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Preset, Surroundings};

    fn with(models: &[&str]) -> Policy {
        let mut policy = Preset::Isolated.policy();
        policy.models = models.iter().map(|&name| name.to_owned()).collect();
        policy
    }

    fn decide(models: &[&str], name: &str) -> Decision {
        let compiled = CompiledPolicy::new(&with(models), &Surroundings::default());
        compiled.unwrap().model(name)
    }

    #[test]
    fn a_model_is_granted_by_its_name_or_with_all_others() {
        assert_eq!(
            decide(&["a", "b/c:1"], "b/c:1").to_string(),
            "allowed by models[1] = \"b/c:1\""
        );
        assert_eq!(
            decide(&["*"], "b").to_string(),
            "allowed by models[0] = \"*\""
        );
        assert_eq!(
            decide(&[], "b").to_string(),
            "the model `b` is not granted; add \"b\" to models"
        );
        assert!(!decide(&["a"], "A").is_allow());
        for senseless in ["", "*", "a b", "a*", "ü"] {
            assert!(!decide(&["*"], senseless).is_allow(), "{senseless}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_what_would_be_one() {
        for (name, hint) in [
            ("", "is empty"),
            ("gpt-*", "`*` alone"),
            ("a b", "a blank"),
            (&"a".repeat(257), "give 256 at most"),
        ] {
            let problems = with(&["a", name]).problems();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].field, "models[1]");
            assert!(problems[0].message.contains(hint), "{}", problems[0]);
        }
    }
}
