//! Every refusal, as `application/problem+json` (RFC 9457). The only place that renders errors.
//!
//! The table of codes below is what clients rely on and what `/problems` shows to people.

use std::collections::HashSet;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::text::{Keyword, Pointer, RequestName, Sentence, shown};
use crate::store::{Failure, StoreError};

/// What a handler or a rule answers.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[doc = $why:literal])* $code:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable name for each kind of refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $why])* $code,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The code as it stands in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// A short summary, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }

            /// What it means and what to do, for people.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$code => concat!($($why, "\n"),*),)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON (or a line of it is not), or has a key twice. The detail names line and column.
    MalformedBody = "malformed_body", 400, "The body cannot be read";
    /// A query parameter is not known, stands twice where once is meant, or has a value that cannot be read.
    InvalidQuery = "invalid_query", 400, "A query parameter is not accepted";
    /// An id in the path has the wrong form or is the id of another kind of thing.
    InvalidId = "invalid_id", 400, "An id cannot be read";
    /// A header that the operation reads has a value that cannot be read.
    InvalidHeader = "invalid_header", 400, "A header cannot be read";
    /// This operation takes no `Idempotency-Key`: its answer bears a secret, or it has no caller.
    IdempotencyNotSupported = "idempotency_not_supported", 400, "This operation takes no Idempotency-Key";
    /// No credential was sent. Send `Authorization: Bearer` with an access token or an API token.
    CredentialRequired = "credential_required", 401, "A credential is needed";
    /// The credential is malformed, forged, expired, revoked, or its account or membership is not active. Sign in again, or use another token.
    InvalidCredential = "invalid_credential", 401, "The credential is not accepted";
    /// E-mail and password do not fit together, or the account cannot sign in now.
    LoginFailed = "login_failed", 401, "Signing in failed";
    /// The sign-in at the provider could not be confirmed: it was not begun here, is spent or too old, what the provider said does not hold, or the account cannot sign in now. Begin anew.
    SignOnRefused = "sign_on_refused", 401, "The sign-in at the provider was not confirmed";
    /// The caller's role, teams or ownership do not allow this. `can` in answers tells beforehand what is allowed.
    Forbidden = "forbidden", 403, "You may not do this";
    /// The API token has not the scope that this operation needs. Use a token that has it.
    InsufficientScope = "insufficient_scope", 403, "The token's scopes do not allow this";
    /// This operation is for signed-in people: API tokens make no tokens and change no account. Sign in, and send the access token.
    PersonRequired = "person_required", 403, "Only a signed-in person may do this";
    /// A new account needs an invitation here. Ask somebody who manages members for one.
    InvitationRequired = "invitation_required", 403, "Registration is by invitation";
    /// The provider does not vouch for the e-mail address, so no account can be made for it. Confirm the address there, and begin anew.
    EmailNotVerified = "email_not_verified", 403, "The e-mail address is not verified";
    /// Ways to sign in are changed only shortly after signing in. Sign in again, and repeat it.
    SignInAgain = "sign_in_again", 403, "Sign in again first";
    /// It does not exist, or it is not yours to know.
    NotFound = "not_found", 404, "Not found";
    /// The cursor was not made by this list with these filters, or its time is over. Begin at the first page.
    CursorNotFound = "cursor_not_found", 404, "The cursor is not known";
    /// The path exists, but not with this method. `Allow` lists those that do.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// None of the media types in `Accept` can be answered. The detail lists those that can.
    NotAcceptable = "not_acceptable", 406, "No acceptable representation";
    /// The body did not arrive in time. Send it again.
    BodyTimeout = "body_timeout", 408, "The body came too slowly";
    /// What is asked contradicts the present state of things.
    Conflict = "conflict", 409, "It contradicts the present state";
    /// Something with this name, key, slug or address exists already. Choose another, or change the one that is there.
    AlreadyExists = "already_exists", 409, "It exists already";
    /// The `version` in the body is not the present one: read it again, and repeat the change.
    VersionConflict = "version_conflict", 409, "Somebody changed it in the meantime";
    /// The same `Idempotency-Key` came with another request before. Send each new request with a new key.
    IdempotencyKeyReused = "idempotency_key_reused", 409, "The Idempotency-Key was used for another request";
    /// A first call with this `Idempotency-Key` is still running. Try again in a moment.
    IdempotencyInProgress = "idempotency_in_progress", 409, "The first call is still running";
    /// A retry would count twice: send an `Idempotency-Key`, or say `at`.
    NotRepeatable = "not_repeatable", 409, "A retry would count twice";
    /// The KPI is archived: it takes no points until it is restored.
    KpiArchived = "kpi_archived", 409, "The KPI is archived";
    /// The KPI is healthy: there is nothing to heal. A guardrail is what is wanted.
    KpiIsHealthy = "kpi_is_healthy", 409, "The KPI is healthy";
    /// The KPI has no value yet: only an existing objective can be linked.
    KpiHasNoValue = "kpi_has_no_value", 409, "The KPI has no value";
    /// The KPI has no target: only an existing objective can be linked.
    KpiHasNoTarget = "kpi_has_no_target", 409, "The KPI has no target";
    /// The KPI is computed from others: post points to these.
    KpiIsComputed = "kpi_is_computed", 409, "The KPI is computed";
    /// The KPI has points of its own, so it cannot be computed: delete them, or make another KPI for the formula.
    KpiHasPoints = "kpi_has_points", 409, "The KPI has points of its own";
    /// Formulas read the KPI period by period, so its cadence stays. Change the formulas first.
    KpiIsAnInput = "kpi_is_an_input", 409, "Formulas read the KPI";
    /// The KPI would be computed from itself. The detail names the loop by its keys.
    FormulaLoop = "formula_loop", 409, "The formulas would form a loop";
    /// The KPI would drive itself. The detail names the loop by its keys.
    DriverLoop = "driver_loop", 409, "The drivers would form a loop";
    /// The KPI would be a segment of itself. The detail names the loop by its keys.
    SegmentLoop = "segment_loop", 409, "The segments would form a loop";
    /// The objective is archived or closed, so it takes no changes.
    ObjectiveClosed = "objective_closed", 409, "The objective is closed";
    /// Something is missing before it can become active; the errors name all of it.
    NotReady = "not_ready", 409, "It is not ready";
    /// The objective or team would hang under itself. The detail names the loop by its titles or names.
    AlignmentLoop = "alignment_loop", 409, "The objectives or teams would form a loop";
    /// The tree of objectives or teams would be deeper than nine levels.
    TooDeep = "too_deep", 409, "The tree would be too deep";
    /// The cycle is closed, and its objectives take no changes.
    CycleClosed = "cycle_closed", 409, "The cycle is closed";
    /// The key result's value comes from a KPI: post points there.
    ValueComesFromKpi = "value_comes_from_kpi", 409, "The value comes from a KPI";
    /// A workspace keeps at least one active owner. Make somebody else an owner first.
    LastOwner = "last_owner", 409, "The last owner stays";
    /// The workspace has points, so its time zone stays.
    TimeZoneInUse = "time_zone_in_use", 409, "The time zone is in use";
    /// The invitation or link was used, revoked, or its time is over. Ask for a new one.
    LinkSpent = "link_spent", 409, "The link cannot be used any more";
    /// This server sends no mails, so nothing that needs one can be done. Ask whoever runs it.
    MailNotConfigured = "mail_not_configured", 409, "This server sends no mails";
    /// An account with the e-mail address exists, and nothing shows that it is the same person's. Sign in with its password, and link the provider to it.
    AccountNotLinked = "account_not_linked", 409, "An account with this address is not linked";
    /// The account has neither a password nor another provider to sign in with. Link another provider first.
    LastWayIn = "last_way_in", 409, "The last way in stays";
    /// The thing holds as many as it may.
    LimitReached = "limit_reached", 409, "A limit is reached";
    /// `If-Match` names another version than the present one: read it again, and repeat the change.
    PreconditionFailed = "precondition_failed", 412, "Somebody changed it in the meantime";
    /// The body is larger than this operation takes.
    BodyTooLarge = "body_too_large", 413, "The body is too large";
    /// The body's media type is not one that this operation takes; compressed bodies are not taken.
    UnsupportedMediaType = "unsupported_media_type", 415, "The media type is not taken";
    /// The body is JSON, but fields of it are not acceptable. `errors` lists all of them with pointers.
    ValidationFailed = "validation_failed", 422, "Some fields are not acceptable";
    /// Too many requests or points in a short time. `Retry-After` says when to try again.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// Something went wrong inside. Nothing was stored; the log has more under the `request_id`.
    Internal = "internal_error", 500, "Something went wrong";
    /// The database cannot be reached now, or too many writes wait. Nothing was stored; try again.
    Unavailable = "unavailable", 503, "Not available now";
    /// The provider of the sign-in cannot be reached now, or its answers cannot be read. Begin anew in a moment.
    ProviderUnavailable = "provider_unavailable", 503, "The provider is not available now";
    /// The write was sent and its end is not known: read before writing again, or repeat it with the same `Idempotency-Key`.
    OutcomeUnknown = "outcome_unknown", 503, "The outcome is not known";
    /// The storage is full: reading goes on, writing waits for space.
    StorageFull = "storage_full", 507, "The storage is full";
}

/// A refusal on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    /// Which kind.
    pub code: Code,
    /// What happened this time, in a sentence that helps.
    pub detail: String,
    /// The fields that are not acceptable, all at once.
    pub errors: Vec<FieldError>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u64>,
    /// The methods that the path takes, with 405.
    pub allow: Option<String>,
    /// What the store said; only logged.
    cause: Option<Box<StoreError>>,
}

/// One field that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) to the field in the body, or the name of a query parameter or header.
    #[schema(value_type = Pointer)]
    pub pointer: String,
    /// A stable name for what is wrong with it.
    #[schema(value_type = Keyword)]
    pub code: String,
    /// What is wrong with it, for people.
    #[schema(value_type = Sentence)]
    pub detail: String,
}

/// A problem as callers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A page for people about this kind of problem, relative to this server.
    #[serde(rename = "type")]
    #[schema(max_length = 100, pattern = "^/problems/[a-z_]+$", example = "/problems/validation_failed")]
    kind: String,
    /// A short summary of the kind.
    #[schema(value_type = Sentence)]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    /// The stable name of the kind.
    #[schema(value_type = Keyword)]
    code: &'static str,
    /// What happened this time.
    #[schema(value_type = Sentence)]
    detail: String,
    /// The fields that are not acceptable: all of them, or the first 100.
    #[schema(max_items = 100)]
    errors: Vec<FieldError>,
    /// The id under which the log has this request.
    #[schema(value_type = RequestName)]
    request_id: String,
}

impl Problem {
    /// A refusal of some kind, with a sentence about this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None, allow: None, cause: None }
    }

    /// One field of the body is not acceptable.
    pub fn field(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        FieldErrors::one(pointer, code, detail).into_problem()
    }

    /// It does not exist, or it is not the caller's to know: one answer for both.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "it does not exist, or it is not yours to know")
    }

    /// The same for a thing that a field of the body names.
    pub fn not_found_at(pointer: impl Into<String>) -> Self {
        let mut problem = Self::not_found();
        problem.errors.push(FieldError {
            pointer: pointer.into(),
            code: "not_found".into(),
            detail: "it does not exist, or it is not yours to know".into(),
        });
        problem
    }

    /// The caller's right is missing.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// Adds one more field error.
    pub fn with(
        mut self,
        pointer: impl Into<String>,
        code: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() });
        self
    }

    /// Says when a retry makes sense.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The status of this refusal.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body that the caller gets.
    pub fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: shown(&self.detail, 4000),
            errors: self.errors.iter().take(100).map(FieldError::shown).collect(),
            request_id: request_id.to_owned(),
        }
    }

    /// The headers that go with it.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        if let Some(seconds) = self.retry_after {
            put(RETRY_AFTER, &seconds.to_string());
        }
        if let Some(methods) = &self.allow {
            put(ALLOW, methods);
        }
        match self.code {
            Code::CredentialRequired => put(WWW_AUTHENTICATE, "Bearer"),
            Code::InvalidCredential | Code::LoginFailed | Code::SignOnRefused => {
                put(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
            }
            Code::InsufficientScope => put(WWW_AUTHENTICATE, r#"Bearer error="insufficient_scope""#),
            _ => {}
        }
        headers
    }

    /// What only the log is told.
    pub fn cause(&self) -> Option<&StoreError> {
        self.cause.as_deref()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

/// Carries a problem inside a response until the request's id is known.
pub struct Carried(pub Problem);

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(Carried(Self {
            code: self.code,
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            retry_after: self.retry_after,
            allow: self.allow.clone(),
            cause: None,
        }));
        if let Some(cause) = &self.cause {
            tracing::error!(%cause, code = self.code.as_str(), "a request failed inside");
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let mut problem = match &error {
            StoreError::Unavailable(_) | StoreError::Overloaded => {
                Self::new(Code::Unavailable, "nothing was stored; try again").retry_after(1)
            }
            StoreError::LockTimeout(_) => {
                Self::new(Code::Unavailable, "another change held it too long; nothing was stored; try again")
                    .retry_after(1)
            }
            StoreError::Query(_) if error.is_duplicate() => {
                Self::new(Code::AlreadyExists, "somebody made it at the same time")
            }
            StoreError::Full(_) => Self::new(Code::StorageFull, "nothing was stored"),
            StoreError::OutcomeUnknown(_) => {
                Self::new(Code::OutcomeUnknown, "the write may or may not have been stored").retry_after(1)
            }
            StoreError::Query(_) | StoreError::Panicked(_) | StoreError::Unusable(_) => {
                Self::new(Code::Internal, "nothing was stored; the log has more under the request's id")
            }
        };
        problem.cause = Some(Box::new(error));
        problem
    }
}

impl Problem {
    /// The store's failure that this tells of, or itself where it is a refusal.
    pub fn into_store_error(mut self) -> std::result::Result<StoreError, Self> {
        match self.cause.take() {
            Some(cause) => Ok(*cause),
            None => Err(self),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl Failure for Problem {
    fn store_error(&self) -> Option<&StoreError> {
        self.cause.as_deref()
    }
}

/// Gathers what is wrong with a body, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldError {
    /// Within the bounds of the document, whatever the caller made it echo.
    fn shown(&self) -> Self {
        Self {
            pointer: shown(&self.pointer, 1000),
            code: self.code.clone(),
            detail: shown(&self.detail, 4000),
        }
    }
}

impl FieldErrors {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    fn one(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(pointer, code, detail);
        errors
    }

    /// One more field that is not acceptable.
    pub fn add(&mut self, pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) {
        let error = FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() };
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    /// What is said of the first, without its pointer.
    pub(super) fn first_detail(&self) -> Option<&str> {
        self.0.first().map(|error| error.detail.as_str())
    }

    /// The fields that are not acceptable so far.
    pub fn pointers(&self) -> HashSet<String> {
        self.0.iter().map(|error| error.pointer.clone()).collect()
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Err` with all of it, or nothing.
    pub fn settle(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    fn into_problem(self) -> Problem {
        let detail = match self.0.len() {
            1 => "1 field is not acceptable".to_owned(),
            count => format!("{count} fields are not acceptable"),
        };
        Problem { errors: self.0, ..Problem::new(Code::ValidationFailed, detail) }
    }
}
