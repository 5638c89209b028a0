//! The HTTP API as a client sees it: requests with a token, problems as errors, lists page by page.

pub mod connect;
mod events;
mod problem;
mod workspace;

pub use events::{Message, Parser};
pub use problem::Problem;
pub use workspace::{FileInfo, name_is_valid};

use crate::arguments::Connection;
use anyhow::{Context, Result, anyhow};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

/// A query for the largest pages that there are.
pub const LARGE_PAGES: (&str, &str) = ("limit", "1000");

impl Client {
    /// Reads the token; connects with the first request.
    pub fn new(connection: &Connection) -> Result<Self> {
        let base = connect::base(&connection.url)?;
        let token = connect::token(connection, &base)?;
        Ok(Self {
            http: connect::http(&base)?,
            base,
            token,
        })
    }

    /// A request for the path of these parts below `/api/v1`. A part may hold any character, but `.` and `..`
    /// are refused: they would name another path.
    pub fn request(&self, method: Method, parts: &[&str]) -> Result<RequestBuilder> {
        let mut url = self.base.clone();
        if let Some(part) = parts.iter().find(|part| matches!(**part, "." | ".." | "")) {
            return Err(anyhow!("`{part}` cannot be part of a path"));
        }
        url.path_segments_mut()
            .map_err(|()| anyhow!("`{}` has no path", self.base))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(parts);
        Ok(self.http.request(method, url).bearer_auth(&self.token))
    }

    pub async fn get<T: DeserializeOwned>(&self, parts: &[&str]) -> Result<T> {
        self.json(self.request(Method::GET, parts)?).await
    }

    pub async fn post<T: DeserializeOwned>(&self, parts: &[&str], body: &Value) -> Result<T> {
        self.json(self.request(Method::POST, parts)?.json(body))
            .await
    }

    pub async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.send(request).await?;
        let what = response.url().path().to_owned();
        let bytes = response
            .bytes()
            .await
            .with_context(|| format!("read the answer of {what}"))?;
        serde_json::from_slice(&bytes).with_context(|| format!("understand the answer of {what}"))
    }

    /// Sends a request. An answer that is not a success is an error, a [`Problem`] where the server said one.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request
            .send()
            .await
            .map_err(|error| self.not_reached(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        Err(Problem::read(status, &body).into())
    }

    /// Every item of a list, page by page. A list that may be long is asked for with [`LARGE_PAGES`].
    pub async fn list<T: DeserializeOwned>(
        &self,
        parts: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        #[derive(serde::Deserialize)]
        struct Page<T> {
            items: Vec<T>,
            #[serde(default)]
            next_cursor: Option<String>,
        }
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut pairs = query.to_vec();
            if let Some(cursor) = &cursor {
                pairs.push(("cursor", cursor));
            }
            let page: Page<T> = self
                .json(with_query(self.request(Method::GET, parts)?, &pairs)?)
                .await?;
            items.extend(page.items);
            match page.next_cursor {
                None => return Ok(items),
                // A server that gives the same page for ever must not fill our memory.
                same if same == cursor => {
                    return Err(anyhow!("the server gave the same page twice"));
                }
                next => cursor = next,
            }
        }
    }

    fn not_reached(&self, error: reqwest::Error) -> anyhow::Error {
        let connecting = error.is_connect();
        let url = &self.base;
        let error = anyhow::Error::new(error.without_url());
        if connecting && connect::is_local(url) {
            return error.context(format!(
                "no server answers at {url}; start one by `swarm-flow up`, or give another by --url"
            ));
        }
        if connecting {
            return error.context(format!(
                "no server answers at {url}; is the address right (--url, SWARM_FLOW_URL)?"
            ));
        }
        error.context(format!("the connection to {url} failed"))
    }
}

/// A request with a query; reqwest's own needs one more dependency.
pub fn with_query(request: RequestBuilder, pairs: &[(&str, &str)]) -> Result<RequestBuilder> {
    let (client, request) = request.build_split();
    let mut request = request.context("build a request")?;
    request.url_mut().query_pairs_mut().extend_pairs(pairs);
    Ok(RequestBuilder::from_parts(client, request))
}
