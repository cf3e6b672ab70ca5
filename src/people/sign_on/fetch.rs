//! Asking a provider: with a time-out, without redirects, and never more than an answer may hold.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::http::json;

/// How long a provider may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Why a provider's answer is of no use. For the log: callers are told no more than that.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFault {
    /// It was not reached, or not in time.
    #[error("it was not reached: {0}")]
    Unreachable(String),
    /// It answered with a status that says no to this request.
    #[error("it refused with {status}, {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The `error` of RFC 6749, section 5.2, where there is a sound one.
        code: String,
    },
    /// It answered with another status than 200.
    #[error("it answered with {0}")]
    Status(u16),
    /// It answered with more than is read.
    #[error("its answer is longer than 64 KiB")]
    TooLong,
    /// Its answer is not what the protocol asks for.
    #[error("its answer is not sound: {0}")]
    Unsound(&'static str),
}

/// The client for all providers.
#[derive(Clone, Debug)]
pub(super) struct Web(reqwest::Client);

impl Web {
    /// Trusts whom the system trusts. Calls are rare and come from several threads, so no connection
    /// is kept.
    pub fn new() -> Result<Self, String> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .pool_max_idle_per_host(0)
            .user_agent("regimen")
            .build()
            .map(Self)
            .map_err(|error| format!("single sign-on: no connection can be made: {}", chain(&error)))
    }

    /// Gets a JSON object, perhaps with an access token of the provider.
    pub async fn get(&self, url: &Url, token: Option<&str>) -> Result<Value, FetchFault> {
        let request = self.0.get(url.clone());
        self.send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Posts a form that is encoded already, perhaps with a header that says who asks.
    pub async fn post(
        &self,
        url: &Url,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Value, FetchFault> {
        let request =
            self.0.post(url.clone()).header("content-type", "application/x-www-form-urlencoded").body(form);
        self.send(match authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        })
        .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, FetchFault> {
        let unreachable = |error: reqwest::Error| FetchFault::Unreachable(chain(&error.without_url()));
        let mut answer = request.header("accept", "application/json").send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = whole(&mut answer).await?;
        match status {
            StatusCode::OK => match json::read(&body) {
                Ok(value @ Value::Object(_)) => Ok(value),
                Ok(_) | Err(_) => Err(FetchFault::Unsound("it is no JSON object")),
            },
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(FetchFault::Refused { status: status.as_u16(), code: error_code(&body) })
            }
            other => Err(FetchFault::Status(other.as_u16())),
        }
    }
}

async fn whole(answer: &mut Response) -> Result<Vec<u8>, FetchFault> {
    let mut body = Vec::new();
    let broken = |error: reqwest::Error| FetchFault::Unreachable(chain(&error.without_url()));
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(FetchFault::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The provider's own name for its refusal, if it is a plain word: anything else may be a secret, or
/// written for somebody who reads the log.
fn error_code(body: &[u8]) -> String {
    let value = json::read(body).unwrap_or(Value::Null);
    match value["error"].as_str() {
        Some(code)
            if (1..=64).contains(&code.len())
                && code.bytes().all(|one| one.is_ascii_lowercase() || one == b'_') =>
        {
            code.to_owned()
        }
        _ => "no reason".to_owned(),
    }
}

/// An error with what stands behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        said = format!("{said}: {cause}");
        behind = cause.source();
    }
    said
}
