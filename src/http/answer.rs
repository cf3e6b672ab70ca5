//! What handlers answer with: finished inside the transaction, so that what was stored and what
//! is told are one.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, LINK,
    LOCATION,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use super::coding::Coding;
use super::content::Content;
use super::document::Header;
use super::problem::Result;
use super::routes::Draft;

/// What a handler returns: a finished reply of a documented type, or a problem.
pub type Answer<R> = Result<Typed<R>>;

/// A finished answer: status, headers and bytes. It is what an `Idempotency-Key` remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beyond those that every answer has.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Content,
}

/// A reply whose documented type is `R`.
#[derive(Debug)]
pub struct Typed<R>(pub Reply, PhantomData<R>);

impl<R> Typed<R> {
    /// Gives a reply back its documented type.
    pub fn new(reply: Reply) -> Self {
        Self(reply, PhantomData)
    }
}

/// The version that `If-Match` compares travels beside the body until the tag is made of both.
const VERSION: &str = "x-regimen-version";

impl Reply {
    fn json(status: u16, body: &impl Serialize) -> Self {
        // Answers are plain structs of strings and finite numbers; such values always serialize.
        let body = serde_json::to_vec(body).unwrap_or_default().into();
        Self { status, headers: vec![(CONTENT_TYPE.to_string(), "application/json".into())], body }
    }

    /// A page of a list, with the link to the next.
    pub(super) fn page(body: &impl Serialize, next: Option<String>) -> Self {
        Self::json(200, body).before(next)
    }

    /// Bytes of some other media type.
    pub fn bytes(media: &str, body: impl Into<Content>, next: Option<String>) -> Self {
        let headers = vec![(CONTENT_TYPE.to_string(), media.to_owned())];
        Self { status: 200, headers, body: body.into() }.before(next)
    }

    /// With the link to the next page, where there is one.
    fn before(self, next: Option<String>) -> Self {
        match next {
            Some(next) => self.with(LINK, format!("<{next}>; rel=\"next\"")),
            None => self,
        }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    /// With a Content-Security-Policy of its own, in place of the one that lets nothing load.
    pub fn with_policy(self, policy: impl Into<String>) -> Self {
        self.with(CONTENT_SECURITY_POLICY, policy)
    }

    /// For pages elsewhere that show it: whoever keeps it asks each time whether it still holds, so that it ends when
    /// what shows it ends; and no search engine lists it.
    pub fn shown_elsewhere(self) -> Self {
        self.with(CACHE_CONTROL, "public, no-cache")
            .with(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin")
            .with(HeaderName::from_static("x-robots-tag"), "noindex")
    }

    /// For what everybody may keep for five minutes.
    pub fn kept_by_all(self) -> Self {
        self.with(CACHE_CONTROL, "public, max-age=300")
    }

    /// Says that this answer is a replay.
    pub fn replayed(mut self) -> Self {
        self.headers.push(("idempotent-replayed".into(), "true".into()));
        self
    }

    fn version(&self) -> &str {
        self.headers.iter().find(|(name, _)| name == VERSION).map_or("0", |(_, version)| version)
    }

    /// Sends the reply: with its tag, or as 304 where the caller has it already.
    pub fn respond(self, request: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        let mut known = false;
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if status.is_success()
            && !self.body.is_empty()
            && (reads || self.headers.iter().any(|(name, _)| name == VERSION))
        {
            let tag = format!("\"{}-{}\"", self.version(), self.body.state(coding(request)));
            if reads && is_known(request, &tag) {
                response.status(StatusCode::NOT_MODIFIED);
                known = true;
            }
            response.insert_header((ETAG, tag));
        }
        for (name, value) in &self.headers {
            // A 304 repeats all but what describes the body: browsers take its headers for the stored page's.
            if name != VERSION
                && !(known && name == CONTENT_TYPE.as_str())
                && let (Ok(name), Ok(value)) =
                    (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
            {
                response.append_header((name, value));
            }
        }
        if known || self.body.is_empty() { response.finish() } else { response.body(self.body.into_bytes()) }
    }
}

/// A type that handlers may answer with: how it is sent, and how it is documented.
pub trait Answers {
    /// The media types that it can be sent as; the first is the default.
    const MEDIA: &'static [&'static str] = &["application/json"];

    /// The finished reply.
    fn into_reply(self) -> Reply;

    /// Says in the document what this answer looks like.
    fn describe(draft: &mut Draft);
}

/// 200 with an object.
#[derive(Debug)]
pub struct Json<T> {
    body: T,
    version: Option<i32>,
}

impl<T> Json<T> {
    /// An object that nobody edits as such: a report, a list.
    pub fn new(body: T) -> Self {
        Self { body, version: None }
    }

    /// An object with the version that edits compare.
    pub fn versioned(body: T, version: i32) -> Self {
        Self { body, version: Some(version) }
    }
}

impl<T: Serialize + ToSchema> Answers for Json<T> {
    fn into_reply(self) -> Reply {
        let reply = Reply::json(200, &self.body);
        match self.version {
            Some(version) => reply.with(HeaderName::from_static(VERSION), version.to_string()),
            None => reply,
        }
    }

    fn describe(draft: &mut Draft) {
        draft.answers::<T>(200, "What was asked for.");
    }
}

/// 201 with the whole object and where it is.
#[derive(Debug)]
pub struct Created<T> {
    location: String,
    body: T,
    version: i32,
}

impl<T> Created<T> {
    /// A new object at `location`.
    pub fn at(location: impl Into<String>, body: T, version: i32) -> Self {
        Self { location: location.into(), body, version }
    }
}

impl<T: Serialize + ToSchema> Answers for Created<T> {
    fn into_reply(self) -> Reply {
        Reply::json(201, &self.body)
            .with(LOCATION, self.location)
            .with(HeaderName::from_static(VERSION), self.version.to_string())
    }

    fn describe(draft: &mut Draft) {
        draft.answers::<T>(201, "It was made; `Location` says where it is.");
        draft.header(201, Header::Location);
        draft.header(201, Header::ETag);
    }
}

/// The same with a secret in it that is shown once: nobody keeps a copy on the way.
#[derive(Debug)]
pub struct Revealed<T>(pub Created<T>);

impl<T: Serialize + ToSchema> Answers for Revealed<T> {
    fn into_reply(self) -> Reply {
        self.0.into_reply().with(CACHE_CONTROL, "no-store")
    }

    fn describe(draft: &mut Draft) {
        Created::<T>::describe(draft);
    }
}

/// 201 where a PUT or POST made something new, 200 where it was there.
#[derive(Debug)]
pub enum Put<T> {
    /// It was not there before.
    New(Created<T>),
    /// It was there: replaced, or unchanged.
    There(Json<T>),
}

impl<T: Serialize + ToSchema> Answers for Put<T> {
    fn into_reply(self) -> Reply {
        match self {
            Self::New(created) => created.into_reply(),
            Self::There(json) => json.into_reply(),
        }
    }

    fn describe(draft: &mut Draft) {
        Json::<T>::describe(draft);
        Created::<T>::describe(draft);
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl Answers for NoContent {
    fn into_reply(self) -> Reply {
        Reply { status: 204, headers: Vec::new(), body: Content::default() }
    }

    fn describe(draft: &mut Draft) {
        draft.answers_nothing(204, "Done.");
    }
}

/// 202: it is taken, and what comes of it is told elsewhere. The same whatever comes of it.
#[derive(Debug)]
pub struct Accepted;

impl Answers for Accepted {
    fn into_reply(self) -> Reply {
        Reply { status: 202, headers: Vec::new(), body: Content::default() }
    }

    fn describe(draft: &mut Draft) {
        draft.answers_nothing(202, "It was taken. What comes of it is told by mail.");
    }
}

/// An object as JSON, or as text for terminals and chat where `Accept` prefers that.
#[derive(Debug)]
pub enum PlainText<T> {
    /// As JSON.
    Json(Json<T>),
    /// As text of at most 80 columns.
    Text(String),
}

impl<T: Serialize + ToSchema> Answers for PlainText<T> {
    const MEDIA: &'static [&'static str] = &["application/json", "text/plain"];

    fn into_reply(self) -> Reply {
        match self {
            Self::Json(json) => json.into_reply(),
            Self::Text(text) => Reply::bytes("text/plain; charset=utf-8", text.into_bytes(), None),
        }
    }

    fn describe(draft: &mut Draft) {
        Json::<T>::describe(draft);
        draft.also_as_text(200);
    }
}

/// An object as JSON, or as a page for people where `Accept` prefers that, as browsers do.
#[derive(Debug)]
pub enum WebPage<T> {
    /// As JSON.
    Json(Json<T>),
    /// As a page.
    Html(Html),
}

/// A page for people, with what it may load.
#[derive(Clone, Debug)]
pub struct Html {
    /// The page.
    pub text: String,
    /// Its Content-Security-Policy.
    pub policy: String,
}

impl Html {
    /// An icon that stands in the page: browsers would ask for one at an address that is not there.
    pub const ICON: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

    /// A page that loads nothing but the style that stands in it, and pictures that stand in it.
    pub fn styled(text: String, style: &str) -> Self {
        Self { text, policy: styled(style) }
    }

    /// The finished reply.
    pub fn into_reply(self) -> Reply {
        Reply::bytes("text/html; charset=utf-8", self.text.into_bytes(), None).with_policy(self.policy)
    }
}

/// The policy of something with a style in it: nothing but this very style takes effect, because the browser compares
/// its digest; scripts, frames, forms and whatever lies elsewhere do not.
pub fn styled(style: &str) -> String {
    use base64::Engine;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'",
        base64::engine::general_purpose::STANDARD.encode(digest.as_ref())
    )
}

impl<T: Serialize + ToSchema> Answers for WebPage<T> {
    const MEDIA: &'static [&'static str] = &["application/json", "text/html"];

    fn into_reply(self) -> Reply {
        match self {
            Self::Json(json) => json.into_reply(),
            Self::Html(page) => page.into_reply(),
        }
    }

    fn describe(draft: &mut Draft) {
        Json::<T>::describe(draft);
        draft.also_as(200, "text/html");
    }
}

/// Results of many items: 200 all taken, 207 some refused, 422 none taken.
#[derive(Debug)]
pub struct Batch<T> {
    /// The status that tells how it went.
    pub status: u16,
    /// The results.
    pub body: T,
}

impl<T: Serialize + ToSchema> Answers for Batch<T> {
    fn into_reply(self) -> Reply {
        Reply::json(self.status, &self.body)
    }

    fn describe(draft: &mut Draft) {
        draft.answers::<T>(200, "Every item was taken.");
        draft.answers::<T>(207, "Some items were refused; the others are stored.");
        draft.answers::<T>(422, "No item was taken; nothing is stored.");
    }
}

/// The same with secrets in it that are shown once: nobody keeps a copy on the way.
#[derive(Debug)]
pub struct SecretBatch<T> {
    /// The status that tells how it went.
    pub status: u16,
    /// The results.
    pub body: T,
}

impl<T: Serialize + ToSchema> Answers for SecretBatch<T> {
    fn into_reply(self) -> Reply {
        Reply::json(self.status, &self.body).with(CACHE_CONTROL, "no-store")
    }

    fn describe(draft: &mut Draft) {
        Batch::<T>::describe(draft);
    }
}

impl<R> Responder for Typed<R> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.0.respond(request)
    }
}

/// The coding that was chosen for the answer.
fn coding(request: &HttpRequest) -> Coding {
    request.extensions().get::<Coding>().copied().unwrap_or(Coding::Identity)
}

fn is_known(request: &HttpRequest, tag: &str) -> bool {
    request
        .headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
