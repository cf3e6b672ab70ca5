//! The actix App: every slice mounted, the document finished, what goes around every request.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, ServiceConfig};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Operation as DocumentOperation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, PathsBuilder, Ref, RefOr, Required, ServerBuilder,
};

use crate::access::jwt::AccessTokens;
use crate::access::keys::KeyRing;
use crate::access::password::Hasher;
use crate::config::Config;
use crate::http::Code;
use crate::http::finish::Representations;
use crate::http::limits::{LimitMode, Limits};
use crate::http::problem::ProblemBody;
use crate::http::routes::{self, Operation, Repeatable, Routes, document_method};
use crate::http::schema::Schemas;
use crate::state::State;
use crate::store::{Author, Lane, Store};
use crate::{slices, system};

/// What stands between an opened store and a served API.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The settings.
    pub config: Config,
    /// The keys.
    pub keys: KeyRing,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Whether limits hold.
    pub limits: LimitMode,
}

/// Everything that requests share, with the document compiled; a fault here is one of the program.
pub fn state(parts: Parts) -> Result<Data<State>, String> {
    let all = slices();
    let (document, judged) = document(&all);
    let value: Value = serde_json::to_value(&document).map_err(|error| error.to_string())?;
    let access_tokens = AccessTokens::new(parts.config.public_url.clone(), parts.config.public_url.clone());
    Ok(Data::new(State {
        schemas: Schemas::compile(&value, judged)?,
        document: Arc::new(document_text(&document).map_err(|error| error.to_string())?),
        cursor_key: parts.keys.derive("page cursors"),
        refresh_key: parts.keys.derive("refresh tokens"),
        store: parts.store,
        config: parts.config,
        keys: parts.keys,
        access_tokens,
        hasher: parts.hasher,
        limits: Limits::new(parts.limits),
    }))
}

/// Mounts everything, for `App::configure`.
pub fn mount(state: Data<State>) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |service: &mut ServiceConfig| {
        let all = slices();
        service.app_data(Data::new(Representations::of(&all)));
        service.app_data(state);
        for entry in all.iter().flat_map(|routes| &routes.0) {
            service.service(entry.resource());
        }
        service
            .service(routes::page("/openapi.json", system::show_document))
            .service(routes::page("/", system::welcome))
            .service(docs())
            .service(routes::other_methods(DOCS, "GET, HEAD, OPTIONS"))
            .default_service(web::to(system::nothing_here));
    }
}

/// Wraps a configured scope of services in what goes around every request: `wrapped!(App::new(), state)`.
#[macro_export]
macro_rules! wrapped_app {
    ($state:expr) => {{
        let state = $state.clone();
        actix_web::App::new()
            .configure($crate::app::mount(state.clone()))
            .wrap(actix_web::middleware::Compress::default())
            .wrap(actix_web::middleware::from_fn($crate::http::finish::finish))
    }};
}

/// Where the documentation page and its parts are.
const DOCS: &str = "/docs/{_:.*}";

/// The documentation page, from the binary: it loads nothing from another host.
fn docs() -> utoipa_swagger_ui::SwaggerUi {
    utoipa_swagger_ui::SwaggerUi::new(DOCS).config(
        utoipa_swagger_ui::Config::from("/openapi.json")
            .validator_url("none")
            .persist_authorization(false)
            .try_it_out_enabled(true)
            .display_request_duration(true),
    )
}

/// The document as it is served and committed.
pub fn document_text(document: &OpenApi) -> serde_json::Result<String> {
    serde_json::to_string_pretty(document).map(|text| text + "\n")
}

/// The OpenAPI document, and the names of the schemas that bodies are judged by.
pub fn document(all: &[Routes]) -> (OpenApi, BTreeSet<String>) {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new().security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "An access token from signing in (a JWT, ten minutes), or an API token that begins with `rgm_`. \
                     Only in this header; never in a URL or a cookie.",
                ))
                .build(),
        ),
    );
    let (mut judged, mut tags) = (BTreeSet::new(), Vec::new());
    let mut schemas: Vec<(String, RefOr<Schema>)> =
        vec![(ProblemBody::name().into_owned(), <ProblemBody as utoipa::PartialSchema>::schema())];
    ProblemBody::schemas(&mut schemas);
    for entry in all.iter().flat_map(|routes| &routes.0) {
        for operation in &entry.operations {
            schemas.extend(operation.draft.schemas.iter().cloned());
            if operation.draft.body_schema.is_some() {
                judged.extend(operation.draft.judged.iter().cloned());
            }
            if !tags.contains(&operation.tag) {
                tags.push(operation.tag);
            }
            let method: HttpMethod = document_method(&operation.method);
            paths = paths
                .path(entry.path, utoipa::openapi::PathItem::new(method, finished(operation, entry.path)));
        }
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Regimen")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(INTRODUCTION))
                .contact(Some(
                    ContactBuilder::new().name(Some("The Regimen developers")).url(Some("/docs/")).build(),
                ))
                .license(Some(
                    LicenseBuilder::new()
                        .name("MIT OR Apache-2.0")
                        .identifier(Some("MIT OR Apache-2.0"))
                        .build(),
                )),
        )
        .servers(Some([ServerBuilder::new().url("/").description(Some("This server")).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(
            tags.into_iter()
                .map(|tag| TagBuilder::new().name(tag).description(Some(describe_tag(tag))).build()),
        ))
        .build();
    (complete(document), judged)
}

const INTRODUCTION: &str = "KPIs diagnose, OKRs prescribe. A KPI watches the health of something that never ends; when it turns \
unhealthy, an objective is linked or made to heal it; the API shows what is untreated, what is being treated, what healed and what \
did not.\n\nTimes are RFC 3339 in UTC with microseconds, dates are dates in the workspace's time zone. Absent values are `null`, \
never missing. Enums are strings, and new values may come. Every refusal is `application/problem+json` with a stable `code`; \
`/problems` lists them.";

fn describe_tag(tag: &str) -> &'static str {
    match tag {
        "auth" => "Accounts, signing in, and who is calling.",
        "workspaces" => "One organisation's data each; nothing crosses it.",
        "members" => "The people of a workspace, and inviting them.",
        "teams" => "Teams that share KPIs and objectives.",
        "tokens" => "API tokens for scripts and integrations.",
        "kpis" => "Measures with a healthy band: what they show now, and their history.",
        "points" => "Measurements: one at a time, or thousands in a call.",
        "cycles" => "Stretches of time for objectives.",
        "objectives" => "Where to go, and how far it is.",
        "key-results" => "How to know that an objective was reached, and what people say of it.",
        "remedies" => "The links from unhealthy KPIs to the objectives meant to heal them.",
        "triage" => "Every KPI that needs a person, in one call.",
        "events" => "What happened, in order.",
        "system" => "What the server says of itself.",
        _ => "More.",
    }
}

/// What the types cannot know: headers, conditions and refusals that follow from the method.
fn finished(operation: &Operation, path: &str) -> DocumentOperation {
    let mut draft = operation.draft.clone();
    let secured = draft.security.is_some();
    let header = |name: &str, description: &str, max: usize| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(max)).build()))
            .build()
    };
    let if_match = header(
        "If-Match",
        "The `ETag` that this change is meant for; where the version is another one by now, the answer is 412.",
        1024,
    );
    let names_a_row = path.rsplit('/').next().is_some_and(|last| last.starts_with('{'));
    let stands_below_a_row = path.split('/').any(|part| part.starts_with('{') && part != "{workspace}");
    draft.refuses(&[Code::NotAcceptable]);
    match operation.method {
        Method::GET => {
            draft.parameters.push(header(
                "If-None-Match",
                "The `ETag` that the caller has; where it still holds, the answer is 304.",
                1024,
            ));
            draft.answers_nothing(304, "The caller has it already.");
            draft.header(200, "ETag", "`\"edit-state\"`: the version that edits compare, and a digest of all that the answer shows.");
        }
        Method::POST => {
            draft.refuses(&[Code::Conflict, Code::StorageFull]);
            if secured && draft.repeatable == Repeatable::Keyed {
                draft.parameters.push(header(
                    "Idempotency-Key",
                    "Makes a retry safe: the same key and body within 24 hours get the first answer again.",
                    255,
                ));
                draft.refuses(&[
                    Code::IdempotencyKeyReused,
                    Code::IdempotencyInProgress,
                    Code::InvalidHeader,
                ]);
            }
            if stands_below_a_row {
                draft.parameters.push(if_match);
                draft.refuses(&[Code::PreconditionFailed, Code::InvalidHeader]);
            }
        }
        _ => {
            draft.refuses(&[Code::Conflict, Code::StorageFull]);
            if names_a_row {
                draft.parameters.push(if_match);
                draft.refuses(&[Code::PreconditionFailed, Code::InvalidHeader]);
            }
        }
    }
    let mut builder = draft.operation(operation, path);
    for status in &draft.refusals {
        builder =
            builder.response(status.to_string(), refusal(*status, &draft.codes, draft.answers.get(status)));
    }
    builder.build()
}

/// The problem answers of one status, and where an ordinary answer has that status too, both.
fn refusal(
    status: u16,
    codes: &[Code],
    ordinary: Option<&crate::http::routes::Response>,
) -> utoipa::openapi::Response {
    let reason =
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused");
    let known: Vec<String> = codes
        .iter()
        .filter(|code| code.status() == status)
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    let mut builder = utoipa::openapi::ResponseBuilder::new()
        .description(format!("{reason}: {}.", known.join(", ")))
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        );
    if let Some(schema) = ordinary.and_then(|ordinary| ordinary.schema.as_ref()) {
        builder = builder.content(
            "application/json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build(),
        );
    }
    let header = |description: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
            .description(Some(description))
            .build()
    };
    match status {
        401 => builder = builder.header("WWW-Authenticate", header("What a credential must be (RFC 6750).")),
        429 | 503 => {
            builder = builder.header("Retry-After", header("Seconds after which a retry makes sense."))
        }
        _ => {}
    }
    builder.build()
}

/// What answers always hold is required there: absent values are null, never missing.
fn complete(mut document: OpenApi) -> OpenApi {
    let asked: BTreeSet<String> = schemas_of_requests(&document);
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            if let RefOr::T(Schema::Object(object)) = schema {
                object.properties.values_mut().for_each(describe_choice);
                if !asked.contains(name) {
                    object.required = object.properties.keys().cloned().collect();
                }
            }
        }
    }
    document
}

/// A field that may be null is a choice between null and something: the field's description is
/// the choice's, not the something's.
fn describe_choice(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(choice)) = property {
        for item in &mut choice.items {
            if let RefOr::Ref(reference) = item
                && choice.description.is_none()
            {
                choice.description =
                    Some(std::mem::take(&mut reference.description)).filter(|text| !text.is_empty());
            }
        }
    }
}

/// The schemas that request bodies reach.
fn schemas_of_requests(document: &OpenApi) -> BTreeSet<String> {
    let value = serde_json::to_value(document).unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut pending: Vec<&Value> = Vec::new();
    for item in value["paths"].as_object().into_iter().flat_map(|paths| paths.values()) {
        pending.extend(
            item.as_object()
                .into_iter()
                .flat_map(|item| item.values())
                .map(|operation| &operation["requestBody"]),
        );
    }
    while let Some(next) = pending.pop() {
        match next {
            Value::Object(fields) => {
                if let Some(name) =
                    fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
                    && found.insert(name.to_owned())
                {
                    pending.push(&value["components"]["schemas"][name]);
                }
                pending.extend(fields.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    found
}

/// What is done beside requests, for as long as the server runs: forgetting what has had its time.
pub async fn upkeep(state: Data<State>) {
    let mut hour = tokio::time::interval(std::time::Duration::from_secs(3600));
    loop {
        hour.tick().await;
        state.limits.sweep();
        let swept = state
            .store
            .write(Lane::Open, Author::system("upkeep"), |tx| {
                crate::http::idempotency::sweep(tx)?;
                crate::people::accounts::sweep(tx)
            })
            .await;
        if let Err(problem) = swept {
            tracing::warn!(%problem, "what has had its time could not be dropped");
        }
    }
}
