//! A provider of single sign-on on this machine: it publishes a discovery document, signs a simulated
//! person in, checks PKCE and the client's secret, and changes its keys when told to.
//!
//! What the person is like, and how the provider misbehaves, travels with the simulated browser in the
//! header `x-person`, so that stories share one provider and do not meet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regimen::access::Role;
use regimen::people::sign_on::{ClientSecret, JoinRule, ProviderSettings};
use reqwest::Url;
use serde_json::{Value, json};

use super::caller::Answer;
use super::server::App as Served;

/// The name by which the provider knows the server; a colon in it must survive the header.
pub const CLIENT: &str = "regimen:tests";
/// The secret that goes with it.
const SECRET: &str = "hush, hush & say + nothing: 100 %";
/// The page that it sends people back to.
pub const PAGE: &str = "https://okr.example.com/signed-in";

/// A provider.
#[derive(Clone)]
pub struct Provider {
    pub url: String,
    inner: Arc<Inner>,
    handle: ServerHandle,
}

struct Inner {
    issuer: String,
    number: AtomicU32,
    codes: Mutex<HashMap<String, Asked>>,
    people: Mutex<HashMap<String, Value>>,
    keys: Mutex<Keys>,
    /// How often its keys were asked for.
    asked: AtomicU32,
}

/// What somebody was sent with.
struct Asked {
    query: HashMap<String, String>,
    person: Value,
}

struct Keys {
    generation: u32,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Keys {
    fn new(generation: u32) -> Self {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { generation, ec, ed: Ed25519KeyPair::generate().expect("a key") }
    }
}

/// The key of RSA takes a while to make.
fn rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key"))
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    /// The one that stories share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Provider> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of a story's own.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            issuer: url.clone(),
            number: AtomicU32::new(0),
            codes: Mutex::default(),
            people: Mutex::default(),
            keys: Mutex::new(Keys::new(1)),
            asked: AtomicU32::new(0),
        });
        let (tell, told) = mpsc::channel();
        let served = inner.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::Data::from(served.clone()))
                        .route("/.well-known/openid-configuration", web::get().to(discovery))
                        .route("/authorize", web::get().to(authorize))
                        .route("/token", web::post().to(token))
                        .route("/keys", web::get().to(keys))
                        .route("/person", web::get().to(person))
                })
                .workers(1)
                .disable_signals()
                .listen(listener)
                .expect("it listens")
                .run();
                tell.send(server.handle()).expect("somebody waits");
                server.await.expect("it serves");
            });
        });
        Self { url, inner, handle: told.recv().expect("it started") }
    }

    /// How a server is set up with it; whoever has an address of acme.example joins the workspace acme.
    pub fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            slug: "acme-id".into(),
            name: "Acme ID".into(),
            issuer: self.url.clone(),
            client_id: CLIENT.into(),
            client_secret_file: None,
            client_secret: Some(ClientSecret::new(SECRET)),
            redirect_uris: vec![PAGE.into()],
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            joins: vec![JoinRule {
                domain: "acme.example".into(),
                workspace: "acme".into(),
                role: Role::Member,
                teams: vec!["growth".into()],
            }],
        }
    }

    /// Signs with other keys from now on, and publishes only them.
    pub fn changes_its_keys(&self) {
        let mut keys = held(&self.inner.keys);
        *keys = Keys::new(keys.generation + 1);
    }

    /// How often its keys were asked for.
    pub fn was_asked_for_keys(&self) -> u32 {
        self.inner.asked.load(Ordering::SeqCst)
    }

    /// Serves no more.
    pub async fn goes_down(&self) {
        self.handle.stop(false).await;
    }
}

async fn discovery(inner: web::Data<Inner>) -> HttpResponse {
    let issuer = &inner.issuer;
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/person"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

/// The person is signed in at once and sent back.
async fn authorize(inner: web::Data<Inner>, request: HttpRequest) -> HttpResponse {
    let query: HashMap<String, String> = serde_html_form::from_str(request.query_string()).expect("a query");
    let said = |name: &str| query.get(name).map_or("", String::as_str);
    assert_eq!(
        ["tenant", "response_type", "client_id", "code_challenge_method", "scope"].map(said),
        ["1", "code", CLIENT, "S256", "openid email profile"]
    );
    assert_eq!([said("code_challenge").len(), said("nonce").len()], [43, 43], "{query:?}");
    let person = request.headers().get("x-person").and_then(|person| person.to_str().ok()).expect("a person");
    let person: Value = serde_json::from_str(person).expect("JSON");
    let mut back = Url::parse(said("redirect_uri")).expect("a page");
    let code = format!("provider-code-{}", inner.number.fetch_add(1, Ordering::SeqCst));
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", said("state"))
        .append_pair("iss", &inner.issuer);
    held(&inner.codes).insert(code, Asked { query, person });
    HttpResponse::Found().insert_header(("location", back.as_str())).finish()
}

/// A code is exchanged once, by the client that it was made for, with the verifier of its challenge.
async fn token(inner: web::Data<Inner>, request: HttpRequest, body: String) -> HttpResponse {
    let refuse = |error: &str| {
        HttpResponse::BadRequest()
            .json(json!({"error": error, "error_description": "provider's secret words"}))
    };
    let form: HashMap<String, String> = serde_html_form::from_str(&body).expect("a form");
    let said = |name: &str| form.get(name).map_or("", String::as_str);
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    let decoded = STANDARD.decode(header.strip_prefix("Basic ").unwrap_or_default()).expect("base64");
    let decoded = String::from_utf8(decoded).expect("UTF-8");
    let (id, secret) = decoded.split_once(':').unwrap_or_default();
    let plain = |text: &str| -> String {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(&format!("v={text}")).expect("a form");
        pairs[0].1.clone()
    };
    if (plain(id).as_str(), plain(secret).as_str()) != (CLIENT, SECRET) {
        return refuse("invalid_client");
    }
    let Some(asked) = held(&inner.codes).remove(said("code")) else { return refuse("invalid_grant") };
    let challenge = b64(digest::digest(&digest::SHA256, said("code_verifier").as_bytes()));
    if said("grant_type") != "authorization_code"
        || Some(&challenge) != asked.query.get("code_challenge")
        || form.get("redirect_uri") != asked.query.get("redirect_uri")
    {
        return refuse("invalid_grant");
    }
    match asked.person["token_endpoint"].as_str() {
        Some("broken") => return HttpResponse::InternalServerError().body("provider's secret words"),
        Some("endless") => return HttpResponse::Ok().body("[".repeat(100_000)),
        Some("elsewhere") => {
            return HttpResponse::TemporaryRedirect().insert_header(("location", "/token")).finish();
        }
        Some("silent") => return HttpResponse::Ok().json(json!({"access_token": "at"})),
        _ => {}
    }
    let access = format!("at-{}", inner.number.fetch_add(1, Ordering::SeqCst));
    held(&inner.people).insert(access.clone(), asked.person.clone());
    let token = inner.id_token(&asked);
    HttpResponse::Ok().json(json!({"access_token": access, "token_type": "Bearer", "id_token": token}))
}

async fn keys(inner: web::Data<Inner>) -> HttpResponse {
    inner.asked.fetch_add(1, Ordering::SeqCst);
    let keys = held(&inner.keys);
    let generation = keys.generation;
    // RSAPublicKey: a sequence of the modulus, 257 bytes with its sign, and the exponent 65537.
    let der = rsa().public_key().as_ref();
    let ec = keys.ec.public_key().as_ref();
    HttpResponse::Ok().json(json!({"keys": [
        {"kty": "oct", "kid": format!("oct-{generation}"), "k": b64("a secret that signs nothing here")},
        {"kty": "RSA", "use": "sig", "kid": format!("rsa-{generation}"), "n": b64(&der[9..9 + 256]), "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": format!("ec-{generation}"), "x": b64(&ec[1..33]), "y": b64(&ec[33..])},
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": format!("ed-{generation}"), "x": b64(keys.ed.public_key().as_ref())},
    ]}))
}

/// The page about a person.
async fn person(inner: web::Data<Inner>, request: HttpRequest) -> HttpResponse {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    let people = held(&inner.people);
    let Some(person) = people.get(header.strip_prefix("Bearer ").unwrap_or_default()) else {
        return HttpResponse::Unauthorized().finish();
    };
    let mut said = person["page"].clone();
    if said.get("sub").is_none() {
        said["sub"] = person["sub"].clone();
    }
    HttpResponse::Ok().json(said)
}

impl Inner {
    /// What is stated of a person, with what they override, signed as they say.
    fn id_token(&self, asked: &Asked) -> String {
        let (keys, person) = (held(&self.keys), &asked.person);
        let now = person["now"].as_i64().expect("the time");
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": person["sub"], "nonce": asked.query["nonce"],
            "iat": now, "exp": now + 300,
            "email": person["email"], "email_verified": person["email_verified"], "name": person["name"],
        });
        change(&mut claims, &person["claims"]);
        let algorithm = person["sign"].as_str().unwrap_or("EdDSA");
        let (stated, key) = match algorithm {
            "RS256" | "PS256" => (algorithm, "rsa"),
            "ES256" => (algorithm, "ec"),
            "EdDSA" | "a stranger" => ("EdDSA", "ed"),
            // Whoever takes a public key for a secret is deceived.
            "HS256" => (algorithm, "ed"),
            _ => ("none", "ed"),
        };
        let mut header = json!({"typ": "JWT", "alg": stated, "kid": format!("{key}-{}", keys.generation)});
        change(&mut header, &person["header"]);
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let (bytes, random) = (message.as_bytes(), SystemRandom::new());
        let with_rsa = |padding: &'static dyn aws_lc_rs::signature::RsaEncoding| {
            let mut signature = vec![0; rsa().public_modulus_len()];
            rsa().sign(padding, &random, bytes, &mut signature).expect("it signs");
            signature
        };
        let signature = match algorithm {
            "RS256" => with_rsa(&RSA_PKCS1_SHA256),
            "PS256" => with_rsa(&RSA_PSS_SHA256),
            "ES256" => keys.ec.sign(&random, bytes).expect("it signs").as_ref().to_vec(),
            "EdDSA" => keys.ed.sign(bytes).as_ref().to_vec(),
            "a stranger" => Ed25519KeyPair::generate().expect("a key").sign(bytes).as_ref().to_vec(),
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, keys.ed.public_key().as_ref());
                hmac::sign(&key, bytes).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{message}.{}", b64(signature))
    }
}

/// Puts other values in; null takes one out.
fn change(object: &mut Value, by: &Value) {
    for (name, value) in by.as_object().into_iter().flatten() {
        if value.is_null() {
            object.as_object_mut().expect("an object").remove(name);
        } else {
            object[name] = value.clone();
        }
    }
}

/// Somebody whom the provider knows and vouches for.
pub fn somebody(name: &str, domain: &str) -> Value {
    json!({"sub": format!("sub-of-{name}"), "email": format!("{name}@{domain}"), "email_verified": true, "name": name})
}

impl Served {
    /// A stranger begins to sign in.
    pub async fn begins(&self) -> Answer {
        let begun = self
            .stranger()
            .post("/v1/auth/providers/acme-id/authorization", json!({"redirect_uri": PAGE}))
            .await;
        begun.expect(200);
        begun
    }

    /// What the person's browser does: it goes to the provider, where they sign in, and comes back. The
    /// body of what the front end hands in then.
    pub async fn visits(&self, begun: &Answer, person: &Value) -> Value {
        let mut person = person.clone();
        person["now"] = json!(self.clock.now().timestamp().as_second());
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let sent = browser
            .expect("a browser")
            .get(begun.text("/authorization_url"))
            .header("x-person", person.to_string())
            .send()
            .await
            .expect("the provider answers");
        let back = sent.headers()["location"].to_str().expect("a page");
        let query: HashMap<String, String> = Url::parse(back)
            .expect("a page")
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        assert!(back.starts_with(PAGE) && query["state"] == begun.text("/state"), "{back}");
        json!({"code": query["code"], "state": query["state"], "session_secret": begun.text("/session_secret"), "iss": query["iss"]})
    }

    /// The front end hands in what came back.
    pub async fn hands_in(&self, body: &Value) -> Answer {
        self.stranger().post("/v1/auth/providers/acme-id/callback", body.clone()).await
    }

    /// Somebody signs in at the provider, from the beginning to the end.
    pub async fn signs_on(&self, person: &Value) -> Answer {
        let begun = self.begins().await;
        self.hands_in(&self.visits(&begun, person).await).await
    }

    /// Somebody who is signed in links the provider to their account.
    pub async fn links(&self, caller: &super::Caller, person: &Value) -> Answer {
        let begun =
            caller.post("/v1/auth/identities", json!({"provider": "acme-id", "redirect_uri": PAGE})).await;
        begun.expect(200);
        self.hands_in(&self.visits(&begun, person).await).await
    }
}
