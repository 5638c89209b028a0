//! `fermyon:spin/variables` and `wasi:config/store` over a component's variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker};

use super::check_name;
use crate::bindings::fermyon::spin::variables;
use crate::bindings::wasi::config::store;

/// The variables granted to a component.
#[derive(Clone, Default)]
pub(crate) struct VariablesContext {
    values: Arc<BTreeMap<String, String>>,
}

impl VariablesContext {
    pub fn new(values: Arc<BTreeMap<String, String>>) -> Self {
        Self { values }
    }
}

pub(crate) struct VariablesView<'a> {
    pub context: &'a VariablesContext,
}

impl variables::Host for VariablesView<'_> {
    fn get(&mut self, name: String) -> Result<Result<String, variables::Error>> {
        if let Err(reason) = check_name(&name) {
            return Ok(Err(variables::Error::InvalidName(format!(
                "{name:?}: {reason}"
            ))));
        }
        let value = self.context.values.get(&name).cloned();
        Ok(value.ok_or_else(|| {
            variables::Error::Undefined(format!("no variable {name:?} in this component"))
        }))
    }
}

impl store::Host for VariablesView<'_> {
    fn get(&mut self, key: String) -> Result<Result<Option<String>, store::Error>> {
        Ok(Ok(self.context.values.get(&key).cloned()))
    }

    fn get_all(&mut self) -> Result<Result<Vec<(String, String)>, store::Error>> {
        Ok(Ok(self
            .context
            .values
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()))
    }
}

pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> VariablesView<'_>,
) -> Result<()> {
    variables::add_to_linker::<T, HasVariables>(linker, view)?;
    store::add_to_linker::<T, HasVariables>(linker, view)
}

struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = VariablesView<'a>;
}
