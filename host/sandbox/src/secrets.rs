//! Secrets that a sandbox uses and never sees.
//!
//! A secret is put into a request as it leaves, after the policy allowed it and its addresses were checked, and only for
//! hosts that it is bound to. Until then the guest has a placeholder, or nothing at all:
//!
//! | placement | the guest has | what leaves for the secret's hosts |
//! |---|---|---|
//! | header | nothing | this header, in the place of the guest's own |
//! | variable | a placeholder in its environment, another one in each sandbox | headers whose values have the placeholder, with the secret in its place |
//!
//! It is put into headers alone: not into the path, the query or the body. A placeholder that goes elsewhere goes as it is,
//! and is worth nothing there. A request that carries a secret asks for an answer that is not compressed, and one that is
//! all the same is refused: a value that a server sends back could not be found in it. What comes back, and what the guest
//! puts out, passes a [`Mask`].
//!
//! Whether a host is the one that it claims to be only `https` proves. A server that has a secret can always say it in other
//! words; this is about servers that repeat what they were sent.

use crate::mask::{Mask, Needle, Scan};
use crate::run::HTTP_FIELDS_BYTES_MAX;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use rustls::crypto::ring::default_provider;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use swarm_flow_policy::{Hosts, HttpRequest, Invalid};
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

/// The secrets of a workspace. Its sandboxes share them: a change reaches each at its next request. Cheap to clone; the
/// default has none and never will.
#[derive(Clone, Default)]
pub struct Secrets(Option<Arc<Shared>>);

struct Shared {
    /// Counts changes; 0 as long as there never was one.
    generation: AtomicU64,
    current: RwLock<Arc<[Secret]>>,
}

/// A value, where it goes and how it gets there.
pub struct Secret {
    name: String,
    hosts: Hosts,
    place: Place,
    needle: Arc<Needle>,
}

/// How a secret gets into a request.
pub enum Placement {
    /// As this header; the value stands for `{}` of `format`.
    Header { name: String, format: String },
    /// In the place of the placeholder that this variable of the environment holds.
    Variable(String),
}

enum Place {
    Header(HeaderName, String),
    Variable(String),
}

/// Why something cannot be a secret. It never repeats the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Hosts(#[from] Invalid),
    #[error("it cannot be sent as a header")]
    Header,
    #[error("its value is empty")]
    Empty,
}

impl Secret {
    pub fn new(
        name: &str,
        hosts: &[String],
        placement: Placement,
        value: Zeroizing<String>,
    ) -> Result<Self, Unusable> {
        if value.is_empty() {
            return Err(Unusable::Empty);
        }
        let place = match placement {
            Placement::Header { name, format } => {
                let name = HeaderName::try_from(name).map_err(|_| Unusable::Header)?;
                Place::Header(name, format)
            }
            Placement::Variable(name) => Place::Variable(name),
        };
        let secret = Self {
            name: name.to_owned(),
            hosts: Hosts::parse(hosts)?,
            place,
            needle: Arc::new(Needle::new(value)),
        };
        secret.header().map_err(|_| Unusable::Header)?;
        Ok(secret)
    }

    /// What is sent where the value is not put into a header of the guest's.
    fn header(&self) -> Result<HeaderValue, Error> {
        let (before, after) = match &self.place {
            Place::Header(_, format) => format.split_once("{}").unwrap_or((format, "")),
            Place::Variable(_) => ("", ""),
        };
        let whole = [before.as_bytes(), self.needle.value(), after.as_bytes()].concat();
        sensitive(&Zeroizing::new(whole))
    }
}

/// Values are nobody's to see.
impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Of two that set the same header of the same request, the later one does.
    pub fn new(secrets: Vec<Secret>) -> Self {
        let shared = Shared {
            generation: AtomicU64::new(u64::from(!secrets.is_empty())),
            current: RwLock::new(secrets.into()),
        };
        Self(Some(Arc::new(shared)))
    }

    /// These instead, for who runs already as well. Those that were made by [`Self::default`] stay as they are.
    pub fn replace(&self, secrets: Vec<Secret>) {
        if let Some(shared) = &self.0 {
            let mut current = shared
                .current
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *current = secrets.into();
            shared.generation.fetch_add(1, Ordering::Release);
        }
    }
}

impl Shared {
    fn current(&self) -> (u64, Arc<[Secret]>) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        // Changes only under the lock.
        (self.generation.load(Ordering::Acquire), current.clone())
    }
}

/// The secrets as one sandbox has them.
#[derive(Clone, Default)]
pub(crate) struct SandboxSecrets(Option<Arc<Own>>);

struct Own {
    shared: Arc<Shared>,
    /// What the placeholders are made of, if there are any.
    key: OnceLock<[u8; 32]>,
    /// All that was there when the sandbox started or when it asked for something, also what is there no more: a server
    /// may still send it back.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    generation: u64,
    needles: Vec<Arc<Needle>>,
}

const PLACEHOLDER: &str = "swarm-flow-secret-";
/// Of hexadecimal.
const PLACEHOLDER_DIGITS: usize = 32;

/// Fields that a guest's placeholder means nothing in: they frame the message or name the host.
const UNTOUCHED: [HeaderName; 3] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

impl SandboxSecrets {
    pub(crate) fn of(secrets: &Secrets) -> Self {
        let own = secrets.0.as_ref().map(|shared| {
            let own = Own {
                shared: shared.clone(),
                key: OnceLock::new(),
                known: Mutex::default(),
            };
            own.current();
            Arc::new(own)
        });
        Self(own)
    }

    /// Whether there are any, or could be while the sandbox runs.
    pub(crate) fn may_change(&self) -> bool {
        self.0.is_some()
    }

    /// The variables that hold placeholders.
    pub(crate) fn environment(&self) -> wasmtime::Result<Vec<(String, String)>> {
        let Some(own) = &self.0 else {
            return Ok(Vec::new());
        };
        let current = own.current();
        let mut variables = Vec::new();
        for secret in current.iter() {
            if let Place::Variable(variable) = &secret.place {
                let placeholder = placeholder(own.key_for_placeholders()?, &secret.name);
                variables.push((variable.clone(), placeholder));
            }
        }
        Ok(variables)
    }

    /// Puts the secrets in that are bound to where the request goes. Gives back the names of those.
    pub(crate) fn put(
        &self,
        request: &HttpRequest<'_>,
        headers: &mut HeaderMap,
    ) -> Result<Vec<String>, Error> {
        let mut used = Vec::new();
        let Some(own) = &self.0 else {
            return Ok(used);
        };
        for secret in own.current().iter() {
            if !secret.hosts.cover(request) {
                continue;
            }
            let put = match (&secret.place, own.key.get()) {
                (Place::Header(name, _), _) => {
                    headers.insert(name, secret.header()?);
                    true
                }
                (Place::Variable(_), Some(key)) => {
                    replace(&placeholder(key, &secret.name), &secret.needle, headers)?
                }
                // It came after the guest, which has no placeholder for it.
                (Place::Variable(_), None) => false,
            };
            if put {
                used.push(secret.name.clone());
            }
        }
        if !used.is_empty() {
            if size(headers) > HTTP_FIELDS_BYTES_MAX {
                return Err(Error::HttpRequestHeaderSectionSize(None));
            }
            headers.insert(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            );
        }
        Ok(used)
    }

    /// Makes a mask's scans those of all values that are known by now. Values are never forgotten while the sandbox runs.
    pub(crate) fn catch_up(&self, generation: &mut u64, scans: &mut Vec<Scan>) {
        let Some(own) = &self.0 else {
            return;
        };
        if own.shared.generation.load(Ordering::Acquire) == *generation {
            return;
        }
        own.current();
        let known = own.known.lock().unwrap_or_else(PoisonError::into_inner);
        *generation = known.generation;
        let new = known.needles.iter().skip(scans.len());
        scans.extend(new.cloned().map(Scan::new));
    }

    /// Text of the host's that may hold what the guest brought about.
    pub(crate) fn masked(&self, text: String) -> String {
        let mut mask = Mask::new(self);
        if mask.is_empty() {
            return text;
        }
        String::from_utf8_lossy(&mask.whole(text.as_bytes())).into_owned()
    }

    /// Masks the values of an answer's header, or of its trailer.
    pub(crate) fn mask_fields(&self, fields: &mut HeaderMap) {
        let mut mask = Mask::new(self);
        if mask.is_empty() {
            return;
        }
        for value in fields.values_mut() {
            // A masked value has no byte that the value had not, but `*`.
            if let Ok(masked) = HeaderValue::from_bytes(&mask.whole(value.as_bytes())) {
                *value = masked;
            }
        }
    }
}

/// Refuses an answer in which a value could not be found.
pub(crate) fn readable(fields: &HeaderMap) -> Result<(), Error> {
    for coding in fields.get_all(header::CONTENT_ENCODING) {
        let plain = coding.is_empty() || coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !plain {
            let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
            return Err(Error::HttpResponseContentCoding(Some(coding)));
        }
    }
    Ok(())
}

impl Own {
    /// What there is now, which is known from now on.
    fn current(&self) -> Arc<[Secret]> {
        let (generation, current) = self.shared.current();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation < generation {
            known.generation = generation;
            for secret in current.iter() {
                if !known
                    .needles
                    .iter()
                    .any(|needle| Arc::ptr_eq(needle, &secret.needle))
                {
                    known.needles.push(secret.needle.clone());
                }
            }
        }
        current
    }

    fn key_for_placeholders(&self) -> wasmtime::Result<&[u8; 32]> {
        if self.key.get().is_none() {
            let mut key = [0; 32];
            default_provider()
                .secure_random
                .fill(&mut key)
                .map_err(|error| {
                    wasmtime::format_err!("no randomness for placeholders: {error:?}")
                })?;
            // Another one may have been first.
            _ = self.key.set(key);
        }
        self.key
            .get()
            .ok_or_else(|| wasmtime::format_err!("no key for placeholders"))
    }
}

/// The same in one sandbox however often a secret is put anew.
fn placeholder(key: &[u8; 32], name: &str) -> String {
    let digits = blake3::keyed_hash(key, name.as_bytes()).to_hex();
    let digits = digits
        .as_str()
        .get(..PLACEHOLDER_DIGITS)
        .unwrap_or_default();
    format!("{PLACEHOLDER}{digits}")
}

/// Whether a placeholder was there. Refuses to make more of a request than a guest's own fields may take.
fn replace(placeholder: &str, needle: &Needle, headers: &mut HeaderMap) -> Result<bool, Error> {
    let finder = memchr::memmem::Finder::new(placeholder);
    let mut left_bytes = HTTP_FIELDS_BYTES_MAX;
    let mut replaced = false;
    for (name, value) in headers.iter_mut() {
        if UNTOUCHED.contains(name) || finder.find(value.as_bytes()).is_none() {
            continue;
        }
        let mut whole = Zeroizing::new(Vec::new());
        let mut rest = value.as_bytes();
        while let Some(at) = finder.find(rest) {
            let (before, after) = rest.split_at(at);
            whole.extend_from_slice(before);
            whole.extend_from_slice(needle.value());
            rest = after.get(placeholder.len()..).unwrap_or_default();
            if whole.len() > left_bytes {
                return Err(Error::HttpRequestHeaderSectionSize(None));
            }
        }
        whole.extend_from_slice(rest);
        left_bytes = left_bytes.saturating_sub(whole.len());
        *value = sensitive(&whole)?;
        replaced = true;
    }
    Ok(replaced)
}

fn sensitive(bytes: &[u8]) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_bytes(bytes).map_err(|_| Error::HttpRequestDenied)?;
    value.set_sensitive(true);
    Ok(value)
}

fn size(headers: &HeaderMap) -> usize {
    let field = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    headers.iter().map(field).sum()
}

#[cfg(test)]
mod tests;
