//! What the server says of itself: whether it lives and is ready, its document, its keys.
//!
//! None of it belongs to a workspace, and all of it is open to everybody.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::{Db, Public};
use crate::http::answer::{Answer, Answers, Json, Reply};
use crate::http::text::Keyword;
use crate::http::{Code, Draft, Problem, Result, Routes, routes};
use crate::state::State;

/// The paths of the server itself.
pub fn routes() -> Routes {
    routes! { "system",
        "/livez" {
            /// Whether the process lives.
            /// It says nothing of the database; see `/readyz`.
            GET show_liveness
        }
        "/readyz" {
            /// Whether requests can be served: the database answers, for reading and for writing.
            GET show_readiness
        }
        "/.well-known/jwks.json" {
            /// The public keys with which other systems verify access tokens (RFC 7517).
            /// Tokens are signed with EdDSA; `kid` in their header names the key. Keep the keys for five minutes, and
            /// ask again for one that you do not know.
            GET show_keys
        }
    }
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// `ok`; where it is not, the answer is a problem.
    #[schema(value_type = Keyword)]
    status: &'static str,
}

/// The public keys, as a JSON Web Key Set.
#[derive(Serialize, ToSchema)]
pub struct KeySet {
    /// The keys that access tokens are verified with.
    #[schema(max_items = 16)]
    keys: Vec<PublicKey>,
}

/// A public key, as a JSON Web Key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub struct PublicKey {
    /// The type of key: `OKP`.
    #[schema(max_length = 8, pattern = "^[A-Z]+$", example = "OKP")]
    kty: String,
    /// The curve: `Ed25519`.
    #[schema(max_length = 16, pattern = "^[0-9A-Za-z-]+$", example = "Ed25519")]
    crv: String,
    /// The public key, base64url.
    #[schema(
        max_length = 128,
        pattern = "^[0-9A-Za-z_-]+$",
        example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    )]
    x: String,
    /// The name of the key, as in the header of tokens.
    #[schema(
        max_length = 128,
        pattern = "^[0-9A-Za-z_-]+$",
        example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )]
    kid: String,
    /// The algorithm: `EdDSA`.
    #[schema(max_length = 16, pattern = "^[0-9A-Za-z]+$", example = "EdDSA")]
    alg: String,
    /// What it is for: `sig`.
    #[serde(rename = "use")]
    #[schema(max_length = 8, pattern = "^[a-z]+$", example = "sig")]
    usage: String,
}

async fn show_liveness(db: Db<Public>) -> Answer<Json<Status>> {
    db.answer(Json::new(Status { status: "ok" }))
}

async fn show_readiness(db: Db<Public>) -> Answer<Json<Status>> {
    db.state().store.ready().await.map_err(Problem::from)?;
    db.answer(Json::new(Status { status: "ok" }))
}

async fn show_keys(db: Db<Public>) -> Answer<Kept<Json<KeySet>>> {
    let jwks = db.state().keys.jwks();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let keys = jwks["keys"].as_array().into_iter().flatten();
    db.answer(Kept(Json::new(KeySet {
        keys: keys
            .map(|key| PublicKey {
                kty: text(key, "kty"),
                crv: text(key, "crv"),
                x: text(key, "x"),
                kid: text(key, "kid"),
                alg: text(key, "alg"),
                usage: text(key, "use"),
            })
            .collect(),
    })))
}

/// What everybody may keep for five minutes.
#[derive(Debug)]
struct Kept<R>(R);

impl<R: Answers> Answers for Kept<R> {
    const MEDIA: &'static [&'static str] = R::MEDIA;

    fn into_reply(self) -> Reply {
        self.0.into_reply().kept_by_all()
    }

    fn describe(draft: &mut Draft) {
        R::describe(draft);
    }
}

/// The OpenAPI document; it cannot describe itself.
pub async fn show_document(state: Data<State>, request: HttpRequest) -> Result<HttpResponse> {
    // Making it takes too long for a thread that others wait for.
    let made = web::block(move || state.document.as_ref().cloned().map_err(ToString::to_string)).await;
    let document = made.map_err(|error| error.to_string()).flatten().map_err(|fault| {
        tracing::error!(fault, "the document cannot be made");
        Problem::new(Code::Internal, "the log has more under the request's id")
    })?;
    Ok(Reply::bytes("application/json", document, None).respond(&request))
}

/// Answers whatever no path takes.
pub async fn nothing_here() -> Result<HttpResponse> {
    Err(Problem::new(Code::NotFound, "there is no such path"))
}

/// Sends people who open the address in a browser to the documentation.
pub async fn welcome() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", "/docs/"))
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("Regimen: KPIs diagnose, OKRs prescribe. The API is described at /docs/ and /openapi.json.\n")
}
