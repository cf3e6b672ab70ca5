//! The refusals of the document: problems, each status with the codes that it may have.
//!
//! Refusals that come before any operation looks at its request are the same everywhere: they are
//! described once, and operations refer to them.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response};

use super::headers::Header;
use crate::http::problem::Code;
use crate::http::routes::{self, Routes};

/// The statuses of refusals that are the same for every operation, and what they are called.
const SHARED: &[(u16, &str)] = &[
    (406, "NotAcceptable"),
    (408, "RequestTimeout"),
    (413, "ContentTooLarge"),
    (415, "UnsupportedMediaType"),
    (429, "TooManyRequests"),
    (500, "InternalServerError"),
    (503, "ServiceUnavailable"),
    (507, "InsufficientStorage"),
];

/// The refusals that operations share, for the document's components.
pub fn shared(all: &[Routes]) -> BTreeMap<String, RefOr<Response>> {
    let mut codes: BTreeMap<u16, BTreeSet<&'static str>> = BTreeMap::new();
    for operation in all.iter().flat_map(|routes| &routes.0).flat_map(|entry| &entry.operations) {
        for code in operation.draft.codes.iter().chain(&[Code::NotAcceptable, Code::StorageFull]) {
            codes.entry(code.status()).or_default().insert(code.as_str());
        }
    }
    SHARED
        .iter()
        .filter_map(|(status, name)| {
            let codes = codes.get(status)?.iter().copied();
            Some(((*name).to_owned(), RefOr::T(refusal(*status, codes, None))))
        })
        .collect()
}

/// One refusal of an operation; where an ordinary answer has that status too, both.
pub fn of_operation(status: u16, codes: &[Code], ordinary: Option<&routes::Response>) -> RefOr<Response> {
    match SHARED.iter().find(|(known, _)| *known == status) {
        Some((_, name)) => RefOr::Ref(Ref::from_response_name(*name)),
        None => {
            let codes = codes.iter().filter(|code| code.status() == status).map(|code| code.as_str());
            RefOr::T(refusal(status, codes, ordinary))
        }
    }
}

fn refusal(
    status: u16,
    codes: impl Iterator<Item = &'static str>,
    ordinary: Option<&routes::Response>,
) -> Response {
    let reason =
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused");
    let codes: Vec<String> = codes.map(|code| format!("`{code}`")).collect();
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let mut builder = ResponseBuilder::new()
        .description(format!("{reason}: {}.", codes.join(", ")))
        .content("application/problem+json", problem);
    if let Some(schema) = ordinary.and_then(|ordinary| ordinary.schema.as_ref()) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        builder = builder.content("application/json", content);
    }
    let mut built = builder.build();
    let own = match status {
        401 | 403 => Some(Header::WwwAuthenticate),
        429 | 503 => Some(Header::RetryAfter),
        _ => None,
    };
    for header in Header::ALWAYS.iter().chain(&own) {
        built.headers.insert(header.name().to_owned(), header.reference());
    }
    built
}
