//! Bodies: taken raw first, read and judged only when the caller and the right are known.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::json;
use super::problem::{Code, FieldErrors, Problem, Result};
use super::routes::{Describe, Draft};
use super::schema;
use crate::state::State;

/// What most operations take at the most.
pub const ORDINARY: usize = 64 * 1024;
/// What operations with credentials take at the most.
pub const CREDENTIALS: usize = 4 * 1024;
/// What batches take at the most.
pub const BATCH: usize = 4 * 1024 * 1024;

/// Something that is read only after the caller and the right are known.
pub trait Input {
    /// What it is read into.
    type Parsed: Send + Sync + 'static;

    /// Reads and judges it; all errors at once.
    fn parse(&self, state: &State) -> Result<Self::Parsed>;

    /// Whether it reads the query; where nothing does, a query is refused.
    const READS_QUERY: bool = false;

    /// The raw bytes, for the fingerprint of an idempotent call.
    fn raw(&self) -> &[u8] {
        &[]
    }

    /// Whether this is for real, or a rehearsal that stores nothing.
    fn mode(_: &Self::Parsed) -> Mode {
        Mode::ForReal
    }

    /// How many points it posts, for the limits.
    fn points(_: &Self::Parsed) -> usize {
        0
    }
}

/// Whether a write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    ForReal,
    /// It is judged and shown, and nothing is stored: `dry_run=true`.
    Rehearsal,
}

/// No input.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Input for Nothing {
    type Parsed = ();

    fn parse(&self, _: &State) -> Result<()> {
        Ok(())
    }
}

/// Two inputs: each is read, the first refusal counts.
impl<A: Input, B: Input> Input for (A, B) {
    type Parsed = (A::Parsed, B::Parsed);

    fn parse(&self, state: &State) -> Result<Self::Parsed> {
        Ok((self.0.parse(state)?, self.1.parse(state)?))
    }

    const READS_QUERY: bool = A::READS_QUERY || B::READS_QUERY;

    fn mode(parsed: &Self::Parsed) -> Mode {
        match (A::mode(&parsed.0), B::mode(&parsed.1)) {
            (Mode::ForReal, Mode::ForReal) => Mode::ForReal,
            (Mode::Rehearsal, _) | (_, Mode::Rehearsal) => Mode::Rehearsal,
        }
    }

    fn points(parsed: &Self::Parsed) -> usize {
        A::points(&parsed.0) + B::points(&parsed.1)
    }

    fn raw(&self) -> &[u8] {
        if self.1.raw().is_empty() { self.0.raw() } else { self.1.raw() }
    }
}

/// Rules between the fields of a body, beyond what its schema says.
pub trait Rules {
    /// Adds what is wrong.
    fn judge(&self, errors: &mut FieldErrors);
}

/// A JSON body of type `T`, at most `LIMIT` bytes.
#[derive(Clone, Debug)]
pub struct Body<T, const LIMIT: usize = ORDINARY> {
    raw: Bytes,
    into: PhantomData<fn() -> T>,
}

impl<T, const LIMIT: usize> Input for Body<T, LIMIT>
where
    T: DeserializeOwned + ToSchema + Rules + Send + Sync + 'static,
{
    type Parsed = T;

    fn parse(&self, _: &State) -> Result<T> {
        let value = json::read(&self.raw)?;
        schema::check::<T>(&value)?;
        judged(value)
    }

    fn raw(&self) -> &[u8] {
        &self.raw
    }
}

/// Reads a value that has passed its schema, and judges the rules between its fields.
pub(super) fn judged<T: DeserializeOwned + Rules>(value: serde_json::Value) -> Result<T> {
    let body: T = serde_json::from_value(value)
        // What the schema lets pass and the type does not is told, even if not with a pointer.
        .map_err(|error| Problem::field("", "invalid", error.to_string()))?;
    let mut errors = FieldErrors::new();
    body.judge(&mut errors);
    errors.settle()?;
    Ok(body)
}

impl<T: 'static, const LIMIT: usize> FromRequest for Body<T, LIMIT> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = take(request, payload, &["application/json"], LIMIT);
        Box::pin(async move { Ok(Self { raw: raw.await?.1, into: PhantomData }) })
    }
}

impl<T: ToSchema + 'static, const LIMIT: usize> Describe for Body<T, LIMIT> {
    fn describe(draft: &mut Draft) {
        draft.takes::<T>(&["application/json"]);
        draft.refuses(REFUSALS);
    }
}

/// What whoever reads a body may refuse it for.
pub const REFUSALS: &[Code] = &[
    Code::MalformedBody,
    Code::BodyTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
];

/// How long a body may take to arrive, however it trickles in.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// An ordinary body, or credentials.
    pub ordinary: Duration,
    /// A batch.
    pub batch: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { ordinary: Duration::from_secs(10), batch: Duration::from_secs(30) }
    }
}

/// Takes the raw body after looking at its media type and size; answers the media type too.
pub fn take(
    request: &HttpRequest,
    payload: &mut Payload,
    media: &'static [&'static str],
    limit: usize,
) -> impl Future<Output = Result<(&'static str, Bytes)>> + 'static {
    let checked = media_type(request, media).and_then(|media| announced_size(request, limit).map(|()| media));
    let mut payload = payload.take();
    let patience =
        request.app_data::<Data<State>>().map_or_else(Patience::default, |state| state.config.patience);
    let patience = if limit > ORDINARY { patience.batch } else { patience.ordinary };
    async move {
        let media = checked?;
        let read = async {
            let mut body = BytesMut::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| {
                    Problem::new(Code::MalformedBody, "the body ended before its announced end")
                })?;
                if body.len() + chunk.len() > limit {
                    return Err(too_large(limit));
                }
                body.extend_from_slice(&chunk);
            }
            Ok((media, body.freeze()))
        };
        match tokio::time::timeout(patience, read).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                Code::BodyTimeout,
                format!("the body did not arrive within {} seconds", patience.as_secs_f32()),
            )),
        }
    }
}

fn media_type(request: &HttpRequest, media: &'static [&'static str]) -> Result<&'static str> {
    let refuse = |detail: String| Err(Problem::new(Code::UnsupportedMediaType, detail));
    if let Some(coding) = request.headers().get(CONTENT_ENCODING)
        && coding.as_bytes() != b"identity"
    {
        return refuse("compressed bodies are not taken".into());
    }
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.iter().find(|known| **known == essence) {
        Some(known) => Ok(known),
        None => refuse(format!("this operation takes {}", media.join(", "))),
    }
}

fn announced_size(request: &HttpRequest, limit: usize) -> Result<()> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match announced {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("this operation takes at most {limit} bytes"))
}
