//! What a request is about: its workspace, condition, key and query, as its address and headers say.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, HeaderName, IF_MATCH};

use super::credential::{self, may_be_remembered};
use crate::access::caller::Credential;
use crate::access::door::Door;
use crate::access::scoped::{IfMatch, Repetition};
use crate::access::target::segment;
use crate::http::body::Input;
use crate::http::memory::Question;
use crate::http::routes::Repeatable;
use crate::http::{Code, Problem, Result, accept, finish, peer};
use crate::state::State;

/// What is known of a call before the database is asked.
pub(super) struct Call {
    pub(super) credential: Option<Credential>,
    pub(super) workspace: Option<String>,
    pub(super) if_match: Option<IfMatch>,
    pub(super) idempotency_key: Option<Keyed>,
    pub(super) query: Option<Asked>,
    pub(super) request_id: String,
    pub(super) peer: Option<IpAddr>,
    /// Under which question the answer may be remembered.
    pub(super) question: Option<Question>,
}

/// An `Idempotency-Key`, and what it is sent for.
pub(super) struct Keyed {
    pub(super) key: String,
    /// Method and path.
    pub(super) operation: String,
}

/// A query, and what it is asked of.
pub(super) struct Asked {
    pub(super) text: String,
    /// Method and path as the document has them.
    route: String,
}

/// The longest `If-Match` that is read.
const LONGEST_IF_MATCH: usize = 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Call {
    /// Reads all that can be read before the database is asked: the credential first.
    pub(super) fn of<D: Door>(request: &HttpRequest, state: &State) -> Result<Self> {
        let peer = peer::of(request, &state.config.trusted_proxies);
        let credential = credential::read::<D>(request, state, peer)?;
        let asker = credential.as_ref().and_then(credential::asker);
        Ok(Self {
            credential,
            workspace: D::NEEDS.place.map(|_| segment(request, "workspace")).transpose()?,
            if_match: if_match(request)?,
            idempotency_key: idempotency_key::<D>(request)?,
            query: query(request),
            request_id: finish::request_id(request),
            peer,
            question: asker
                .filter(|_| may_be_remembered::<D>() && reads(request))
                .map(|asker| Question { asker, asked: asked(request) }),
        })
    }

    /// What happens when it is sent once more.
    pub(super) fn repetition(&self) -> Repetition {
        match self.idempotency_key {
            Some(_) => Repetition::Recalled,
            None => Repetition::Anew,
        }
    }

    /// Reads the input; a query that nobody reads is refused.
    pub(super) fn parse<I: Input>(&self, input: &I, state: &State) -> Result<I::Parsed> {
        let Some(query) = &self.query else { return input.parse(state) };
        if !I::READS_QUERY {
            return Err(Problem::new(Code::InvalidQuery, "this operation takes no query parameters"));
        }
        let parsed = input.parse(state)?;
        state.parameters.check(&query.route, &query.text)?;
        Ok(parsed)
    }
}

/// The query, if there is one; HEAD is GET without the body.
fn query(request: &HttpRequest) -> Option<Asked> {
    let text = Some(request.query_string()).filter(|text| !text.is_empty())?;
    let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let route = format!("{method} {}", finish::route(request).as_deref().unwrap_or_default());
    Some(Asked { text: text.to_owned(), route })
}

fn reads(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// The address with all that a handler negotiates by.
fn asked(request: &HttpRequest) -> String {
    let accepted = accept::sent(request.headers(), &ACCEPT).join(",");
    format!("{}\n{accepted}", request.uri())
}

fn if_match(request: &HttpRequest) -> Result<Option<IfMatch>> {
    let Some(header) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let refused = || Problem::new(Code::InvalidHeader, "If-Match takes one tag as it came in ETag, or *");
    let text = header.to_str().map_err(|_| refused())?.trim();
    if text.len() > LONGEST_IF_MATCH {
        return Err(refused());
    }
    if text == "*" {
        return Ok(Some(IfMatch::Any));
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(refused)?;
    let version = tag.split('-').next().unwrap_or_default();
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    // A number beyond those that count versions is that of no version: 412, as for any other.
    Ok(Some(IfMatch::Version(version.parse().unwrap_or(i32::MAX))))
}

fn idempotency_key<D: Door>(request: &HttpRequest) -> Result<Option<Keyed>> {
    let Some(header) = request.headers().get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    if *request.method() != Method::POST {
        return Ok(None);
    }
    if D::NEEDS.repeatable == Repeatable::Never {
        return Err(Problem::new(
            Code::IdempotencyNotSupported,
            "its answer bears a secret that is shown once, or it has no caller",
        ));
    }
    match header.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let operation = format!("{} {}", request.method(), request.path());
            Ok(Some(Keyed { key: key.to_owned(), operation }))
        }
        _ => {
            Err(Problem::new(Code::InvalidHeader, "Idempotency-Key takes 1 to 255 visible ASCII characters"))
        }
    }
}
