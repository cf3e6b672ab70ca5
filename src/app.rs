//! The actix App: every slice mounted, and what goes around every request.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::Scope;
use actix_web::web::{self, Data, ServiceConfig};

use crate::access::jwt::AccessTokens;
use crate::access::keys::{KeyRing, LOOKED_AT_EVERY};
use crate::access::password::Hasher;
use crate::config::Config;
use crate::http::document::Document;
use crate::http::finish::Representations;
use crate::http::limits::{LimitMode, Limits};
use crate::http::memory::Memory;
use crate::http::parameters::Parameters;
use crate::http::routes::{self, Routes};
use crate::people::sign_on::SignOn;
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

/// Everything that requests share.
pub fn state(parts: Parts) -> Result<Data<State>, String> {
    let access_tokens = AccessTokens::new(parts.config.public_url.clone(), parts.config.public_url.clone());
    Ok(Data::new(State {
        parameters: Parameters::of(&slices()),
        document: LazyLock::new(|| Document::of(&slices()).text().map(|text| text.into_bytes().into())),
        cursor_key: parts.keys.derive("page cursors"),
        refresh_key: parts.keys.derive("refresh tokens"),
        mailed_key: parts.keys.derive("mailed tokens"),
        limits: Limits::new(parts.limits, parts.config.quotas),
        memory: Memory::default(),
        points: Arc::default(),
        mail_waits: tokio::sync::Notify::new(),
        sign_on: SignOn::new(&parts.config.sign_on, parts.keys.derive("single sign-on"))?,
        store: parts.store,
        config: parts.config,
        keys: parts.keys,
        access_tokens,
        hasher: parts.hasher,
    }))
}

/// Mounts everything, for `App::configure`.
pub fn mount(state: Data<State>) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |service: &mut ServiceConfig| {
        let all = slices();
        service.app_data(Data::new(Representations::of(&all)));
        service.app_data(state);
        mount_all(service, &all);
        service
            .service(routes::page("/openapi.json", system::show_document))
            .service(routes::page("/", system::welcome))
            .service(routes::page("/docs", system::welcome))
            .service(docs())
            .service(routes::other_methods(DOCS, "GET, HEAD, OPTIONS"))
            .default_service(web::to(system::nothing_here));
    }
}

/// Mounts all paths; those inside a workspace below it and by collection, because the framework tries what is mounted
/// side by side one after the other.
fn mount_all(service: &mut ServiceConfig, all: &[Routes]) {
    let mut collections: BTreeMap<&str, Scope> = BTreeMap::new();
    let mut workspace = web::scope(routes::WORKSPACE);
    for entry in all.iter().flat_map(|routes| &routes.0) {
        if let Some((collection, path)) = entry.inside() {
            let scope = collections.remove(collection).unwrap_or_else(|| web::scope(collection));
            collections.insert(collection, scope.service(entry.resource(path)));
        } else if entry.path == routes::WORKSPACE {
            workspace = workspace.service(entry.resource(""));
        } else {
            service.service(entry.resource(entry.path));
        }
    }
    service.service(collections.into_values().fold(workspace, Scope::service));
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

/// Sees what becomes of the key file, for as long as the server runs: rotations and retirements need no restart.
pub async fn follow_keys(state: Data<State>) {
    let mut often = tokio::time::interval(LOOKED_AT_EVERY);
    loop {
        often.tick().await;
        state.keys.refresh();
    }
}

/// What is done beside requests, for as long as the server runs: forgetting what has had its time, in memory every
/// minute, and in the database every hour.
pub async fn upkeep(state: Data<State>) {
    let mut minute = tokio::time::interval(std::time::Duration::from_secs(60));
    for passed in (0..60_u8).cycle() {
        minute.tick().await;
        state.limits.sweep();
        if passed > 0 {
            continue;
        }
        let swept = state
            .store
            .write(Lane::Open, Author::system("upkeep"), |tx| {
                crate::http::idempotency::sweep(tx)?;
                crate::people::sign_on::sweep(tx)?;
                crate::people::accounts::sweep(tx)
            })
            .await;
        if let Err(problem) = swept {
            tracing::warn!(%problem, "what has had its time could not be dropped");
        }
    }
}
