//! The models that there are, and how one of them is asked: who may use it, what is set aside, how often it is tried, and who
//! is asked instead.

use crate::attempt::{Answered, Failed, attempt};
use crate::caller::{Caller, Denied, Open, Spent};
use crate::chat::{Request, Response};
use crate::check::check;
use crate::error::ModelError;
use crate::http_client;
use crate::provider::Provider;
use crate::retry::{RETRIES, WAIT_MAX, back_off};
use crate::route::candidates;
use crate::settings::{Listed, Model, Settings};
use crate::tokens;
use anyhow::Result;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a call came to.
#[derive(Debug)]
pub struct Asked {
    /// The last one that was asked: as the operator names it, as its provider does, and the provider.
    pub model: Option<(String, String, String)>,
    /// How often something was sent.
    pub attempts: u32,
    pub result: Result<Response, ModelError>,
}

/// By default there are none.
#[derive(Default)]
pub struct Models {
    settings: Settings,
    providers: HashMap<String, Provider>,
    /// Until each began to answer, lately.
    latencies: Mutex<HashMap<String, Duration>>,
}

impl Models {
    pub fn new(settings: Settings) -> Result<Self> {
        if settings.is_empty() {
            return Ok(Self::default());
        }
        let tls = http_client::tls()?;
        let made = settings.providers.iter().map(|provider| {
            let made = Provider::new(provider.clone(), tls.clone());
            (provider.name.clone(), made)
        });
        let providers = made.collect();
        Ok(Self {
            settings,
            providers,
            latencies: Mutex::default(),
        })
    }

    pub fn list(&self) -> Vec<Listed> {
        self.settings.list()
    }

    /// Asks a model, and then others, as long as one may still answer. Dropped, the call ends.
    pub async fn chat(&self, request: &Request, caller: &dyn Caller) -> Asked {
        let mut asked = Asked {
            model: None,
            attempts: 0,
            result: Err(ModelError::Unavailable {
                message: "nobody was asked".to_owned(),
            }),
        };
        let allowed = check(request).and_then(|()| self.allowed(request, caller));
        let models = match allowed {
            Ok(models) => models,
            Err(error) => {
                asked.result = Err(error);
                return asked;
            }
        };
        for model in models {
            let named = (&model.name, &model.id, &model.provider);
            asked.model = Some((named.0.clone(), named.1.clone(), named.2.clone()));
            asked.result = self.ask(model, request, caller, &mut asked.attempts).await;
            match &asked.result {
                Err(error) if error.is_of_the_model() => {
                    tracing::debug!(
                        model = model.name,
                        code = error.code(),
                        "a model did not answer"
                    );
                }
                _ => break,
            }
        }
        asked
    }

    /// Of several those that the caller may use.
    fn allowed(&self, request: &Request, caller: &dyn Caller) -> Result<Vec<&Model>, ModelError> {
        let mut models = candidates(&self.settings, request, |name| self.latency(name))?;
        let mut denial: Option<Denied> = None;
        models.retain(|model| match caller.may_use(&model.name) {
            Ok(()) => true,
            Err(denied) => {
                denial.get_or_insert(denied);
                false
            }
        });
        match denial {
            Some(denied) if models.is_empty() => Err(ModelError::Denied { denied }),
            _ => Ok(models),
        }
    }

    async fn ask(
        &self,
        model: &Model,
        request: &Request,
        caller: &dyn Caller,
        attempts: &mut u32,
    ) -> Result<Response, ModelError> {
        let provider = self.providers.get(&model.provider);
        let provider = provider.ok_or_else(|| ModelError::Unavailable {
            message: format!("there is no provider `{}`", model.provider),
        })?;
        let mut tries = 0;
        loop {
            let open = Open {
                id: uuid::Uuid::now_v7().simple().to_string(),
                model: model.name.clone(),
                provider: model.provider.clone(),
                bound: tokens::bound(request, model),
            };
            // Nothing is set aside for those who wait.
            let place = provider.places.acquire().await;
            let reserved = caller.reserve(&open).await;
            reserved.map_err(|exceeded| ModelError::BudgetExceeded { exceeded })?;
            *attempts += 1;
            let delta = |text: &str| caller.delta(text);
            let attempted = attempt(provider, model, request, &delta).await;
            drop(place);
            let failed = match attempted {
                Ok(answered) => {
                    return self.answered(model, request, caller, &open, answered).await;
                }
                Err(failed) => failed,
            };
            caller.settle(&open, failed.spent).await;
            match pause(&failed, provider.settings.retry, tries) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed.error),
            }
            tries += 1;
        }
    }

    async fn answered(
        &self,
        model: &Model,
        request: &Request,
        caller: &dyn Caller,
        open: &Open,
        answered: Answered,
    ) -> Result<Response, ModelError> {
        let Answered {
            mut answer,
            began_after,
        } = answered;
        self.note(&model.name, began_after);
        let usage = tokens::counted(answer.usage, request, &answer.parts);
        let cost_microusd = tokens::cost(&usage, model.price.as_ref());
        let spent = Spent::Used {
            usage,
            cost_microusd,
        };
        caller.settle(open, spent).await;
        answer.check(request)?;
        Ok(Response {
            parts: answer.parts,
            finish_reason: answer.finish_reason,
            usage,
            model: model.name.clone(),
            provider_model: answer.model.unwrap_or_else(|| model.id.clone()),
            provider: model.provider.clone(),
            cost_microusd,
        })
    }

    fn latency(&self, model: &str) -> Option<Duration> {
        let latencies = self.latencies.lock();
        let latencies = latencies.unwrap_or_else(PoisonError::into_inner);
        latencies.get(model).copied()
    }

    /// The last ones count most.
    fn note(&self, model: &str, began_after: Duration) {
        let latencies = self.latencies.lock();
        let mut latencies = latencies.unwrap_or_else(PoisonError::into_inner);
        let known = latencies.entry(model.to_owned()).or_insert(began_after);
        *known = (*known * 3 + began_after) / 4;
    }
}

/// How long to wait before it is made again; none when it is not.
fn pause(failed: &Failed, first: Duration, tries: u32) -> Option<Duration> {
    if !failed.is_passing || tries >= RETRIES {
        return None;
    }
    let back_off = back_off(first, tries);
    // As the server says, and a little at random with it.
    let pause = failed
        .retry_after
        .map_or(back_off, |after| after + back_off / 8);
    (pause <= WAIT_MAX).then_some(pause)
}
