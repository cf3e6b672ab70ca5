//! Which browser applications may read answers: exact origins, none by default.
//!
//! A foreign origin is answered as if it had sent none: it learns nothing, not even that there is
//! a list. There are no cookies here, so `Access-Control-Allow-Credentials` is never sent.
//! Terms as in the Fetch standard, section 3.2 (CORS protocol).

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN,
};

use crate::config::CorsOrigins;

/// The methods that a page may use.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// The headers that a page may send.
const TAKEN: &str = "authorization, content-type, accept, if-match, if-none-match, idempotency-key, \
     x-request-id, last-event-id";

/// The headers that a page may read beyond those that every page may.
const EXPOSED: &str = "allow, etag, idempotent-replayed, link, location, ratelimit, ratelimit-policy, \
     retry-after, www-authenticate, x-request-id";

/// How many seconds a browser may remember a preflight.
const REMEMBERED: &str = "600";

/// An origin that may read answers, as the request named it.
pub struct Allowed(HeaderValue);

/// The request's origin, if it may read answers.
pub fn allowed(origins: &CorsOrigins, request: &ServiceRequest) -> Option<Allowed> {
    let mut sent = request.headers().get_all(ORIGIN);
    let (origin, None) = (sent.next()?, sent.next()) else { return None };
    let text = origin.to_str().ok()?;
    let known = match origins {
        CorsOrigins::Exactly(list) => list.iter().any(|known| known == text),
        CorsOrigins::Loopback => is_loopback(text),
    };
    known.then(|| Allowed(origin.clone()))
}

/// Whether an origin is a page of this machine, on whatever port.
fn is_loopback(origin: &str) -> bool {
    let Some(host) = origin.strip_prefix("http://") else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        Some(_) if host.ends_with(']') => host,
        Some(_) => return false,
        None => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether a browser asks whether it may send a request.
pub fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Allowed {
    /// What a preflight is answered.
    pub fn permit(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(TAKEN));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    }

    /// Lets the page read the answer.
    pub fn expose(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Whether answers differ by origin, so that caches must know.
pub fn varies(origins: &CorsOrigins) -> bool {
    match origins {
        CorsOrigins::Exactly(list) => !list.is_empty(),
        CorsOrigins::Loopback => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn admits(origins: &CorsOrigins, origin: &str) -> bool {
        let request = TestRequest::get().insert_header((ORIGIN, origin)).to_srv_request();
        allowed(origins, &request).is_some()
    }

    #[test]
    fn an_origin_is_known_exactly_or_not_at_all() {
        let list = CorsOrigins::Exactly(vec!["https://app.example.com".into()]);
        assert!(admits(&list, "https://app.example.com"));
        for other in [
            "null",
            "*",
            "",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://APP.example.com",
            "http://app.example.com",
            "https://app.example.com.evil.org",
            "https://evil.org/https://app.example.com",
            "https://xapp.example.com",
            "https://app.example.co",
            "https://app.example.com, https://evil.org",
        ] {
            assert!(!admits(&list, other), "{other}");
        }
        assert!(!admits(&CorsOrigins::Exactly(Vec::new()), "https://app.example.com"));
    }

    #[test]
    fn the_demo_knows_pages_of_this_machine() {
        for own in [
            "http://localhost",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "http://[::1]",
        ] {
            assert!(admits(&CorsOrigins::Loopback, own), "{own}");
        }
        for other in [
            "https://localhost",
            "http://localhost.evil.org",
            "http://evil.org:80",
            "http://localhost:80@evil.org",
            "http://localhost:evil",
            "http://127.0.0.1.evil.org:80",
            "http://[::2]",
            "null",
        ] {
            assert!(!admits(&CorsOrigins::Loopback, other), "{other}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let list = CorsOrigins::Exactly(vec!["https://app.example.com".into()]);
        let request = TestRequest::get()
            .append_header((ORIGIN, "https://app.example.com"))
            .append_header((ORIGIN, "https://evil.org"))
            .to_srv_request();
        assert!(allowed(&list, &request).is_none());
    }
}
