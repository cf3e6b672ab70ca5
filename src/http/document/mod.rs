//! The OpenAPI document: what the slices say of themselves, assembled and finished.
//!
//! Handlers' types know fields, bodies and refusals; what follows from the method, from the status
//! or from the API as a whole is added here, once. Nothing of it is written by hand per operation.

mod examples;
mod headers;
mod operation;
mod references;
mod refusals;
mod schemas;

use utoipa::ToSchema;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Components, ComponentsBuilder, ContactBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, RefOr, Server, ServerBuilder,
};

use super::problem::ProblemBody;
use super::routes::Routes;
use examples::Examples;

pub use examples::EXAMPLES;
pub use headers::Header;
pub use operation::query_parameters;
pub use schemas::{of_body as schemas_of_body, referred};

/// The document.
pub struct Document {
    /// As it is served and committed.
    pub published: OpenApi,
}

impl Document {
    /// Of all slices.
    pub fn of(all: &[Routes]) -> Self {
        let examples = Examples::committed();
        let mut paths = PathsBuilder::new();
        for entry in all.iter().flat_map(|routes| &routes.0) {
            for one in &entry.operations {
                let method: HttpMethod = operation::method(&one.method);
                let mut finished = operation::finished(one, entry.path);
                examples.put_into(one.id, &mut finished);
                paths = paths.path(entry.path, PathItem::new(method, finished));
            }
        }
        let mut published = OpenApiBuilder::new()
            .info(info())
            .servers(Some([server()]))
            .paths(paths)
            .components(Some(components(all)))
            .tags(Some(tags(all)))
            .build();
        schemas::name_enums(&mut published);
        schemas::complete(&mut published);
        schemas::keep_reachable(&mut published);
        Self { published }
    }

    /// As it is served and committed: JSON for people to read.
    pub fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.published).map(|text| text + "\n")
    }
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Regimen")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(INTRODUCTION))
        .contact(Some(ContactBuilder::new().name(Some("The Regimen developers")).build()))
        .license(Some(
            LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
        ))
        .build()
}

const INTRODUCTION: &str = "KPIs diagnose, OKRs prescribe. A KPI watches the health of something that never ends; when it turns \
unhealthy, an objective is linked or made to heal it; the API shows what is untreated, what is being treated, what healed and what \
did not.\n\nTimes are RFC 3339 in UTC with microseconds, dates are dates in the workspace's time zone. Absent values are `null`, \
never missing. Enums are strings, and new values may come. Every refusal is `application/problem+json` with a stable `code`; \
`/problems` lists them.";

fn server() -> Server {
    let mut server = ServerBuilder::new()
        .url("/")
        .description(Some("This server, be it local, staging or production"))
        .build();
    server.extensions = Some(ExtensionsBuilder::new().add("x-internal", false).build());
    server
}

/// The groups of the document, in the order of the slices.
fn tags(all: &[Routes]) -> Vec<Tag> {
    let mut names: Vec<&str> = Vec::new();
    for operation in all.iter().flat_map(|routes| &routes.0).flat_map(|entry| &entry.operations) {
        if !names.contains(&operation.tag) {
            names.push(operation.tag);
        }
    }
    names
        .into_iter()
        .map(|name| TagBuilder::new().name(name).description(Some(describe_tag(name))).build())
        .collect()
}

fn describe_tag(tag: &str) -> &'static str {
    match tag {
        "auth" => "Accounts, signing in, and who is calling.",
        "workspaces" => "One organisation's data each; nothing crosses it.",
        "members" => "The people of a workspace, and inviting them.",
        "teams" => "Teams that share KPIs and objectives.",
        "tokens" => "API tokens for scripts and integrations.",
        "kpis" => "Measures with a healthy band: what they show now, and their history.",
        "points" => "Measurements: one at a time, or thousands in a call.",
        "boards" => "Ordered choices of KPIs, each for one audience.",
        "cycles" => "Stretches of time for objectives.",
        "objectives" => "Where to go, and how far it is.",
        "key-results" => "How to know that an objective was reached, and what people say of it.",
        "remedies" => "The links from unhealthy KPIs to the objectives meant to heal them.",
        "drivers" => "KPIs that are believed to move others, and whether the numbers still say so.",
        "guardrails" => "KPIs that an objective must not harm on its way.",
        "reviews" => "Meetings that looked at KPIs and objectives, and what they should talk about.",
        "decisions" => {
            "What was decided because of KPIs, whether it came true, and which KPIs help anyone decide."
        }
        "triage" => "Every KPI that needs a person, in one call.",
        "scorecard" => "What a choice of KPIs shows, one line each: for programs, spreadsheets and people.",
        "pictures" => "Charts, badges and sparklines of KPIs, as SVG.",
        "links" => "Links that show one picture or scorecard to whoever has them.",
        "overview" => "How things stand, as a whole and by group, in one call.",
        "events" => "What happened, in order.",
        "system" => "What the server says of itself.",
        _ => "More.",
    }
}

fn components(all: &[Routes]) -> Components {
    let mut schemas: Vec<(String, RefOr<Schema>)> =
        vec![(ProblemBody::name().into_owned(), <ProblemBody as utoipa::PartialSchema>::schema())];
    ProblemBody::schemas(&mut schemas);
    let mut components = ComponentsBuilder::new().security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "An access token from signing in (a JWT, ten minutes), or an API token that begins with `rgm_`. \
                     Only in this header; never in a URL or a cookie. Refusals follow RFC 6750, good practice RFC 8725.",
                ))
                .build(),
        ),
    );
    for operation in all.iter().flat_map(|routes| &routes.0).flat_map(|entry| &entry.operations) {
        schemas.extend(operation.draft.schemas.iter().cloned());
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let mut components = components.build();
    components.headers = headers::all();
    components.responses = refusals::shared(all);
    components
}
