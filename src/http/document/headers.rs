//! The headers of answers, each described once and referred to wherever it is sent.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{HeaderBuilder, Ref, RefOr};

/// A header that answers may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Header {
    /// Which browser applications may read it.
    AllowOrigin,
    /// What the caller may compare.
    ETag,
    /// Whether the answer is the one that was given before.
    IdempotentReplayed,
    /// The next page.
    Link,
    /// Where what was made is.
    Location,
    /// What is left of the limit.
    RateLimit,
    /// The limit.
    RateLimitPolicy,
    /// The name of the request in the log.
    RequestId,
    /// When to try again.
    RetryAfter,
    /// What a credential must be.
    WwwAuthenticate,
}

impl Header {
    const ALL: &[Self] = &[
        Self::AllowOrigin,
        Self::ETag,
        Self::IdempotentReplayed,
        Self::Link,
        Self::Location,
        Self::RateLimit,
        Self::RateLimitPolicy,
        Self::RequestId,
        Self::RetryAfter,
        Self::WwwAuthenticate,
    ];

    /// Those that every answer may have.
    pub const ALWAYS: &[Self] = &[Self::AllowOrigin, Self::RateLimit, Self::RateLimitPolicy, Self::RequestId];

    /// As it is spelt.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowOrigin => "Access-Control-Allow-Origin",
            Self::ETag => "ETag",
            Self::IdempotentReplayed => "Idempotent-Replayed",
            Self::Link => "Link",
            Self::Location => "Location",
            Self::RateLimit => "RateLimit",
            Self::RateLimitPolicy => "RateLimit-Policy",
            Self::RequestId => "X-Request-Id",
            Self::RetryAfter => "Retry-After",
            Self::WwwAuthenticate => "WWW-Authenticate",
        }
    }

    /// The reference to its description.
    pub fn reference(self) -> RefOr<utoipa::openapi::Header> {
        RefOr::Ref(Ref::new(format!("#/components/headers/{}", self.name())))
    }

    fn describe(self) -> &'static str {
        match self {
            Self::AllowOrigin => {
                "The caller's origin, where the settings of the server name it; else absent (CORS)."
            }
            Self::ETag => {
                "`\"edit-state\"`: the version that edits compare, and a digest of all that the answer shows."
            }
            Self::IdempotentReplayed => {
                "`true` where the `Idempotency-Key` was known and this is the answer that was given then."
            }
            Self::Link => "The next page, as `rel=\"next\"` (RFC 8288); absent on the last one.",
            Self::Location => "The path of what was made.",
            Self::RateLimit => {
                "What is left: `r` is how many more are taken now, `t` the seconds after which all are (draft-ietf-httpapi-ratelimit-headers). Absent where no limit applies."
            }
            Self::RateLimitPolicy => {
                "The limit: `q` is how many are taken in `w` seconds. Absent where no limit applies."
            }
            Self::RequestId => {
                "The name of this request in the log: the caller's own, where it sent a short one, else a new one."
            }
            Self::RetryAfter => "Seconds after which a retry makes sense.",
            Self::WwwAuthenticate => "What a credential must be (RFC 6750).",
        }
    }

    fn schema(self) -> Object {
        let text = |pattern: &str, longest: usize, example: &str| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern))
                .max_length(Some(longest))
                .examples([example])
                .build()
        };
        match self {
            Self::AllowOrigin => text("^https?://[^/]+$", 512, "https://okr.example.com"),
            Self::ETag => text("^\"[0-9]+-[0-9A-Za-z_-]+\"$", 128, "\"3-5mZ0Jx9Zr2k\""),
            Self::IdempotentReplayed => ObjectBuilder::new().schema_type(Type::Boolean).build(),
            Self::Link => text(
                "^<[^>]+>; rel=\"next\"$",
                4096,
                "</v1/workspaces/acme/kpis?limit=50&cursor=bm90IGEgcmVhbCBvbmU>; rel=\"next\"",
            ),
            Self::Location => text("^/[^\\s]+$", 1024, "/v1/workspaces/acme/kpis/churn-rate"),
            Self::RateLimit => text("^\"[a-z_-]+\";r=[0-9]+;t=[0-9]+$", 128, "\"requests\";r=1199;t=60"),
            Self::RateLimitPolicy => {
                text("^\"[a-z_-]+\";q=[0-9]+;w=[0-9]+$", 128, "\"requests\";q=1200;w=60")
            }
            Self::RequestId => text("^[0-9A-Za-z_-]+$", 64, "01kn1kmze0ezc8pwn8jpac7c1k"),
            Self::RetryAfter => ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
                .minimum(Some(0))
                .maximum(Some(86_400))
                .examples([1])
                .build(),
            Self::WwwAuthenticate => text("^Bearer", 256, "Bearer"),
        }
    }
}

/// All of them, for the document's components.
pub fn all() -> BTreeMap<String, RefOr<utoipa::openapi::Header>> {
    Header::ALL
        .iter()
        .map(|header| {
            let described = HeaderBuilder::new()
                .schema(Some(header.schema()))
                .description(Some(header.describe()))
                .build();
            (header.name().to_owned(), RefOr::T(described))
        })
        .collect()
}
