//! Variables of the application and what components see of them.
//!
//! A value comes from the first that has one: the caller's map, the environment (`SPIN_VARIABLE_NAME`), the
//! manifest's default. All are resolved once, when the application is loaded, so a missing one stops the start
//! and not a request. Values never appear in messages: any of them may be a secret.

mod host;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifest::{Component, Manifest, ManifestError};

pub(crate) use host::{VariablesContext, VariablesView, add_to_linker};
pub(crate) use template::Template;

/// The prefix of a variable's name in the environment.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// Every variable of the application with its value.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub fn resolve(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, ManifestError> {
        let mut values = BTreeMap::new();
        for (name, variable) in &manifest.document().variables {
            let value = given.get(name.get_ref()).cloned();
            let value = value
                .or_else(|| from_environment(name.get_ref()))
                .or_else(|| variable.default.clone());
            let Some(value) = value else {
                let secret = if variable.secret { "secret " } else { "" };
                let name_of = name.get_ref();
                return Err(manifest.error(
                    name,
                    format!(
                        "the {secret}variable `{name_of}` is required and has no value; set {}",
                        environment_name(name_of)
                    ),
                ));
            };
            values.insert(name.get_ref().clone(), value);
        }
        Ok(Self(values))
    }

    /// Fills in a template; the error is the name of a variable that does not exist.
    pub fn fill(&self, template: &Template) -> Result<String, String> {
        template.fill(|name| self.0.get(name).map(String::as_str))
    }

    /// The variables that one component may read.
    pub fn of_component(
        &self,
        manifest: &Manifest,
        component: &Component,
    ) -> Result<VariablesContext, ManifestError> {
        let mut values = BTreeMap::new();
        for (name, text) in &component.variables {
            let value = Template::parse(text.get_ref())
                .and_then(|template| {
                    self.fill(&template)
                        .map_err(|unknown| format!("there is no variable `{unknown}`"))
                })
                .map_err(|reason| {
                    manifest.error(text, format!("`variables.{}`: {reason}", name.get_ref()))
                })?;
            values.insert(name.get_ref().clone(), value);
        }
        Ok(VariablesContext::new(Arc::new(values)))
    }
}

/// Lower-case letters, digits and single underscores, first a letter, last no underscore.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    let allowed = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    };
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        Err("it must start with a lower-case letter")
    } else if !name.chars().all(allowed) {
        Err("it may have only lower-case letters, digits and underscores")
    } else if name.contains("__") || name.ends_with('_') {
        Err("an underscore must stand between other characters")
    } else {
        Ok(())
    }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(environment_name(name)).ok()
}

fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_snake_case() {
        for good in ["a", "abc", "a1b2", "a_1", "runner_token"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "aX", "1b", "_x", "x_", "a__b", "x-y", "x.y", "é"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
