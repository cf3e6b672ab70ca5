//! Conditions of reads: what stands in `If-None-Match` (RFC 9110, section 13.1.2).

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::IF_NONE_MATCH;

use super::finish;
use super::problem::{Code, Problem, Result};

/// The longest `If-None-Match` that is read.
const LONGEST_CONDITION: usize = 1024;

/// Refuses a read of something that exists with an `If-None-Match` that is neither `*` nor a list of
/// tags: the document says so, and it is not taken for a tag that never matches.
pub fn readable(request: &ServiceRequest) -> Result<()> {
    let reads_something = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads_something || finish::route(request.request()).is_none() {
        return Ok(());
    }
    let reads = |text: &str| text.trim() == "*" || text.split(',').all(|tag| is_tag(tag.trim()));
    let sound = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .all(|value| value.len() <= LONGEST_CONDITION && value.to_str().is_ok_and(reads));
    if sound {
        return Ok(());
    }
    Err(Problem::new(Code::InvalidHeader, "If-None-Match takes tags as they came in ETag, or *"))
}

/// Whether it is an entity tag (RFC 9110, section 8.8.3) without a comma, which none of ours has.
fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}
