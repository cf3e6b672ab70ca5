//! What goes around every request: what `Accept` and `Accept-Encoding` ask for is settled before
//! anybody looks at it; and every answer gets the request's id, the security headers, what caches
//! and browsers must know, and problems as `application/problem+json`, whoever refused.

use std::collections::HashMap;
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};

use super::accept;
use super::coding::Coding;
use super::condition;
use super::cors;
use super::limits::Left;
use super::problem::{Carried, Code, Problem};
use super::routes::Routes;
use super::unread::Held;
use crate::state::State;
use crate::store::{Id, SessionKind};

/// The id under which the log has a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of this request.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// The path of the operation as the document has it, found once: the framework searches all routes each time.
#[derive(Clone, Debug)]
struct Route(Option<Rc<str>>);

/// The path of the operation that a request matched, as the document has it.
pub fn route(request: &HttpRequest) -> Option<Rc<str>> {
    request.extensions().get::<Route>().and_then(|route| route.0.clone())
}

/// Leaves what is left of a limit for the headers.
pub fn note_limit(request: &HttpRequest, left: Left) {
    request.extensions_mut().insert(left);
}

/// The media types that an operation answers with.
type Media = &'static [&'static str];

/// Which media types each operation answers with, for 406.
#[derive(Clone, Default)]
pub struct Representations(HashMap<&'static str, Vec<(Method, Media)>>);

impl Representations {
    /// Of all operations.
    pub fn of(routes: &[Routes]) -> Self {
        let mut by_path: HashMap<&'static str, Vec<(Method, Media)>> = HashMap::new();
        for entry in routes.iter().flat_map(|routes| &routes.0) {
            let media = entry.operations.iter().map(|one| (one.method.clone(), one.media));
            by_path.entry(entry.path).or_default().extend(media);
        }
        Self(by_path)
    }

    fn of_request(&self, request: &ServiceRequest) -> Option<Media> {
        let route = route(request.request())?;
        let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
        self.0.get(route.as_ref())?.iter().find(|(known, _)| known == method).map(|(_, media)| *media)
    }
}

/// The middleware around everything.
pub async fn finish(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> actix_web::Result<ServiceResponse<BoxBody>> {
    let state = request.app_data::<Data<State>>().cloned();
    let state = state.as_ref().map(|state| state.get_ref());
    let id = accepted_request_id(&request).unwrap_or_else(|| new_request_id(state));
    request.extensions_mut().insert(RequestId(id.clone()));
    let matched = Route(request.match_pattern().map(Rc::from));
    request.extensions_mut().insert(matched);
    let started = std::time::Instant::now();
    if *request.method() == Method::HEAD && request.path().starts_with(DOCUMENTATION) {
        // The page's own service knows no HEAD; the server leaves out the body by itself.
        request.head_mut().method = Method::GET;
    }

    let held = Held::of(&mut request);
    let origins = state.map(|state| &state.config.cors);
    let allowed = origins.and_then(|origins| cors::allowed(origins, &request));
    let preflight = cors::is_preflight(&request);
    let media = offered(&request);
    let vary = vary(media, origins.is_some_and(cors::varies));

    let mut response = match (settle(&mut request, media), &allowed) {
        (_, Some(_)) if preflight => request.into_response(HttpResponse::NoContent()),
        (Err(problem), _) => request.into_response(problem.error_response()),
        (Ok(()), _) => next.call(request).await?.map_into_boxed_body(),
    };

    let carried = response.response_mut().extensions_mut().remove::<Carried>();
    if let Some(Carried(problem)) = carried {
        response = render(response, &problem, &id);
    } else if response.status().is_client_error() && !is_ours(&response) {
        // The framework refused by itself.
        let problem = Problem::new(framework_code(response.status()), "the request cannot be read");
        response = render(response, &problem, &id);
    }
    dress(&mut response, &id);
    response.headers_mut().insert(VARY, vary);
    match allowed {
        Some(origin) if preflight => origin.permit(response.headers_mut()),
        Some(origin) => origin.expose(response.headers_mut()),
        None => {}
    }
    tracing::info!(
        request_id = id,
        method = %response.request().method(),
        route = route(response.request()).as_deref().unwrap_or("none"),
        status = response.status().as_u16(),
        microseconds = started.elapsed().as_micros(),
        "answered"
    );
    Ok(match held {
        Some(held) => held.until_sent(response),
        None => response,
    })
}

fn accepted_request_id(request: &ServiceRequest) -> Option<String> {
    let sent = request.headers().get(&X_REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=64).contains(&sent.len())
        && sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    fits.then(|| sent.to_owned())
}

fn new_request_id(state: Option<&State>) -> String {
    match state {
        // Any kind serves: only the sortable text is used.
        Some(state) => {
            let id = Id::<SessionKind>::generate(state.store.clock().now().timestamp()).to_string();
            id.split_once('_').map_or(id.clone(), |(_, suffix)| suffix.to_owned())
        }
        None => "none".into(),
    }
}

/// Settles in which form the answer will come, or refuses.
fn settle(request: &mut ServiceRequest, media: Option<Media>) -> Result<(), Problem> {
    if let Some(media) = media {
        let accepted = accept::sent(request.headers(), &ACCEPT);
        if !accepted.is_empty() && !media.iter().any(|offered| accept::accepts(&accepted, offered)) {
            let offers = format!("this operation answers {}", media.join(", "));
            return Err(Problem::new(Code::NotAcceptable, offers));
        }
    }
    condition::readable(request)?;
    let coding = Coding::wanted(request.headers()).ok_or_else(|| {
        Problem::new(Code::NotAcceptable, "answers come as they are, or coded with br or gzip")
    })?;
    coding.impose(request.headers_mut());
    request.extensions_mut().insert(coding);
    Ok(())
}

/// The media types that the operation answers with.
fn offered(request: &ServiceRequest) -> Option<Media> {
    request.app_data::<Data<Representations>>()?.of_request(request)
}

/// What the answer depends on beyond its address, for caches (RFC 9110, section 12.5.5).
fn vary(media: Option<Media>, by_origin: bool) -> HeaderValue {
    let by_media = media.is_some_and(|media| media.len() > 1);
    HeaderValue::from_static(match (by_media, by_origin) {
        (false, false) => "accept-encoding",
        (false, true) => "accept-encoding, origin",
        (true, false) => "accept, accept-encoding",
        (true, true) => "accept, accept-encoding, origin",
    })
}

fn is_ours(response: &ServiceResponse<BoxBody>) -> bool {
    response.headers().contains_key(actix_web::http::header::CONTENT_TYPE)
}

fn framework_code(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        StatusCode::REQUEST_TIMEOUT => Code::BodyTimeout,
        _ => Code::MalformedBody,
    }
}

fn render(response: ServiceResponse<BoxBody>, problem: &Problem, id: &str) -> ServiceResponse<BoxBody> {
    let mut rendered = HttpResponse::new(problem.status());
    // CORS and other layers have set headers already.
    *rendered.headers_mut() = response.headers().clone();
    for (name, value) in problem.headers() {
        rendered.headers_mut().insert(name, value);
    }
    let body = serde_json::to_vec(&problem.body(id)).unwrap_or_default();
    response.into_response(rendered.set_body(BoxBody::new(body)))
}

/// Where the documentation page and its parts are.
const DOCUMENTATION: &str = "/docs/";

/// The documentation page runs its own scripts, calls this server, and nothing else.
const DOCUMENTATION_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

fn dress(response: &mut ServiceResponse<BoxBody>, id: &str) {
    let left = response.request().extensions().get::<Left>().copied();
    let credentials = response.request().path().starts_with("/v1/auth/");
    let documentation = response.request().path().starts_with(DOCUMENTATION);
    let success = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(X_REQUEST_ID, id);
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(REFERRER_POLICY, "no-referrer");
    if let Some(left) = left {
        put(
            HeaderName::from_static("ratelimit-policy"),
            &format!("\"{}\";q={};w=60", left.policy, left.quota),
        );
        put(HeaderName::from_static("ratelimit"), &format!("\"{}\";r={};t=60", left.policy, left.remaining));
    }
    // A page for people brings its own.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let policy =
            if documentation { DOCUMENTATION_POLICY } else { "default-src 'none'; frame-ancestors 'none'" };
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        let cache = if credentials || !success { "no-store" } else { "private, no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    }
}
