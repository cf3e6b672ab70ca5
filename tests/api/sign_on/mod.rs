//! Single sign-on: the way to the provider and back, and what is believed of it.

mod linking;
mod people;

use std::collections::HashMap;

use regimen::config::Registration;
use reqwest::Url;
use serde_json::{Value, json};

use crate::harness::{App, EngineUnderTest, PAGE, Provider, Settings, play_with, somebody, stories};

/// An object with one field changed.
fn with(object: &Value, field: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[field] = value;
    object
}

/// Tells a story to both engines with a provider of its own.
fn with_a_provider<F: Future<Output = ()>>(engine: EngineUnderTest, story: impl FnOnce(App, Provider) -> F) {
    let provider = Provider::start();
    let settings = Settings {
        registration: Some(Registration::Open),
        sign_on: vec![provider.settings()],
        ..Settings::default()
    };
    play_with(engine, settings, |app| story(app, provider));
}

stories! {
    async fn ann_signs_in_at_the_provider_and_comes_again(app) {
        let providers = app.stranger().get("/v1/auth/providers").await;
        assert_eq!(providers.body, json!({"items": [{"slug": "acme-id", "name": "Acme ID"}]}));
        let begun = app.begins().await;
        assert_eq!(begun.header("cache-control"), "no-store");
        assert_eq!(begun.text("/expires_at"), "2026-03-31T09:40:00.000000Z");
        let url = Url::parse(begun.text("/authorization_url")).unwrap();
        let query: HashMap<String, String> = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        assert_eq!(query["redirect_uri"], PAGE);
        assert_eq!(query["state"], begun.text("/state"));
        // What only the server and the caller know does not travel through the browser.
        assert!(!begun.text("/authorization_url").contains(begun.text("/session_secret")));

        let ann = somebody("ann", "example.com");
        let came = app.visits(&begun, &ann).await;
        let first = app.hands_in(&came).await;
        first.expect(200);
        assert_eq!(first.at("/account/email"), "ann@example.com");
        assert_eq!(first.at("/account/name"), "ann");
        assert_eq!(first.at("/token_type"), "Bearer");
        let me = app.with_token("ann", first.text("/access_token")).get("/v1/auth/me").await;
        assert_eq!(me.expect(200).at("/memberships"), &json!([]));

        // Another name and another address: it is the same person of the same provider.
        let renamed = with(&with(&ann, "email", json!("ann.smith@example.com")), "name", json!("Ann Smith"));
        let before = app.people().await;
        let again = app.signs_on(&renamed).await;
        assert_eq!(again.expect(200).at("/account"), first.at("/account"));
        let after = app.people().await;
        assert_eq!([after[0], after[1]], [before[0], before[1] + 1]);
        let identities = app.with_token("ann", again.text("/access_token")).get("/v1/auth/identities").await;
        assert_eq!(identities.at("/items/0/email"), "ann.smith@example.com");
        assert_eq!(identities.at("/items/0/provider_name"), "Acme ID");
        assert_eq!(identities.at("/items/0/can_unlink"), false);
        assert_eq!(identities.at("/has_password"), false);

        // An account without a password is one with a wrong password to everybody.
        let login = async |email: &str| {
            let mut answer = app.stranger().post("/v1/auth/login", json!({"email": email, "password": "!"})).await;
            answer.refused(401, "login_failed");
            answer.body["request_id"] = Value::Null;
            answer.body
        };
        assert_eq!(login("ann@example.com").await, login("nobody@example.com").await);
        let change = json!({"current_password": "!", "new_password": "eight green umbrellas dance"});
        let change = app.with_token("ann", again.text("/access_token")).post("/v1/auth/password", change).await;
        change.refused(422, "validation_failed").names("/current_password", "wrong");
    }

    async fn a_state_is_good_once_for_whoever_began(app) {
        let before = app.people().await;
        let ann = somebody("ann", "example.com");
        let (begun, other) = (app.begins().await, app.begins().await);
        let came = app.visits(&begun, &ann).await;
        // Whoever has the state alone neither gets in nor takes anything away: nobody is signed in to
        // an account that somebody else chose for them.
        for (field, value) in [
            ("session_secret", other.text("/session_secret")),
            ("state", other.text("/state")),
            ("session_secret", "rgb_"),
            ("session_secret", begun.text("/state")),
            ("state", ""),
            ("state", begun.text("/session_secret")),
            ("iss", "https://id.example.com"),
        ] {
            app.hands_in(&with(&came, field, json!(value))).await.refused(401, "sign_on_refused");
        }
        assert_eq!(app.people().await, before);
        app.hands_in(&came).await.expect(200);
        for spent in [&came, &with(&came, "code", json!("another"))] {
            app.hands_in(spent).await.refused(401, "sign_on_refused");
        }
        // The code of one sign-in is of no use in another.
        let (mine, thine) = (app.begins().await, app.begins().await);
        let (mine, thine) = (app.visits(&mine, &ann).await, app.visits(&thine, &somebody("eve", "example.com")).await);
        let mixed = app.hands_in(&with(&mine, "code", thine["code"].clone())).await;
        mixed.refused(401, "sign_on_refused");
        assert!(!mixed.raw.contains("invalid_grant") && !mixed.raw.contains("secret words"), "{}", mixed.raw);
        // It was spent by that.
        app.hands_in(&mine).await.refused(401, "sign_on_refused");
        assert_eq!(mixed.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }

    async fn a_state_lives_ten_minutes(app) {
        let ann = somebody("ann", "example.com");
        let (begun, late) = (app.begins().await, app.begins().await);
        app.it_is("2026-03-31T09:39:59Z");
        let (came, late) = (app.visits(&begun, &ann).await, app.visits(&late, &ann).await);
        app.hands_in(&came).await.expect(200);
        app.it_is("2026-03-31T09:40:00Z");
        app.hands_in(&late).await.refused(401, "sign_on_refused");
    }

    async fn people_are_sent_back_to_listed_pages_alone(app) {
        let begin = async |body: Value| app.stranger().post("/v1/auth/providers/acme-id/authorization", body).await;
        for page in [
            "https://evil.example.com/signed-in", "https://okr.example.com/signed-in/", "https://okr.example.com/signed-in?x=1",
            "http://okr.example.com/signed-in", "https://okr.example.com/SIGNED-IN", "https://okr.example.com.evil.example/signed-in",
        ] {
            begin(json!({"redirect_uri": page})).await.refused(422, "validation_failed").names("/redirect_uri", "not_registered");
        }
        begin(json!({"redirect_uri": "javascript:alert(1)"})).await.names("/redirect_uri", "malformed");
        begin(json!({})).await.names("/redirect_uri", "required");
        begin(json!({"redirect_uri": PAGE, "state": "mine"})).await.names("/state", "unknown_field");
        for unknown in ["acme", "ACME-ID", "acme-id%00"] {
            let path = format!("/v1/auth/providers/{unknown}/authorization");
            let status = app.stranger().post(&path, json!({"redirect_uri": PAGE})).await.status;
            assert!(matches!(status, 400 | 404), "{unknown}: {status}");
        }
    }

    /// Whatever is wrong with what the provider states, nobody is signed in, nothing is stored, and the
    /// caller is told one thing.
    async fn what_does_not_hold_is_not_believed(app) {
        let ann = somebody("ann", "example.com");
        let before = app.people().await;
        let now = app.clock.now().timestamp().as_second();
        let mut told = Vec::new();
        for (field, value) in [
            ("sign", json!("none")),
            ("sign", json!("HS256")),
            ("sign", json!("a stranger")),
            ("header", json!({"alg": "RS256"})),
            ("header", json!({"kid": "ed-9"})),
            ("header", json!({"kid": "oct-1", "alg": "HS256"})),
            ("header", json!({"kid": "ec-1"})),
            ("header", json!({"jwk": {"kty": "OKP"}, "kid": "none"})),
            ("header", json!({"crit": ["exp"]})),
            ("header", json!({"typ": "at+jwt"})),
            ("claims", json!({"nonce": "another"})),
            ("claims", json!({"nonce": null})),
            ("claims", json!({"aud": "another"})),
            ("claims", json!({"aud": ["another", "regimen:tests"]})),
            ("claims", json!({"azp": "another"})),
            ("claims", json!({"iss": "https://id.example.com"})),
            ("claims", json!({"exp": now - 31})),
            ("claims", json!({"exp": "never"})),
            ("claims", json!({"exp": null})),
            ("claims", json!({"iat": now + 60})),
            ("claims", json!({"iat": now - 3600})),
            ("claims", json!({"nbf": now + 60})),
            ("claims", json!({"sub": ""})),
            ("claims", json!({"sub": null})),
        ] {
            let mut answer = app.signs_on(&with(&ann, field, value.clone())).await;
            assert_eq!(answer.refused(401, "sign_on_refused").status, 401, "{field}: {value}");
            answer.body["request_id"] = Value::Null;
            told.push(answer.body);
        }
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        assert_eq!(app.people().await, before);
        for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
            app.signs_on(&with(&ann, "sign", json!(algorithm))).await.expect(200);
        }
        // One key can be meant, so it need not be named.
        app.signs_on(&with(&ann, "header", json!({"kid": null, "typ": null}))).await.expect(200);
    }

    /// Some providers state no address in the ID token and have a page about the person instead.
    async fn the_page_about_the_person_completes_them(app) {
        let thin = with(&somebody("ann", "example.com"), "claims", json!({"email": null, "email_verified": null, "name": null}));
        let page = json!({"sub": "sub-of-eve", "email": "ann@example.com", "email_verified": true});
        app.signs_on(&with(&thin, "page", page)).await.refused(401, "sign_on_refused");
        app.signs_on(&with(&thin, "page", json!({}))).await.refused(403, "email_not_verified");
        app.signs_on(&with(&thin, "page", json!({"email": "ann@example.com"}))).await.refused(403, "email_not_verified");
        let page = json!({"email": "ann@example.com", "email_verified": true, "name": "Ann Smith"});
        let signed_in = app.signs_on(&with(&thin, "page", page)).await;
        assert_eq!(signed_in.expect(200).at("/account/name"), "Ann Smith");
    }

    async fn a_provider_that_breaks_is_told_apart_and_quoted_nowhere(app) {
        let ann = somebody("ann", "example.com");
        let before = app.people().await;
        for way in ["broken", "endless", "elsewhere", "silent"] {
            let answer = app.signs_on(&with(&ann, "token_endpoint", json!(way))).await;
            answer.refused(503, "provider_unavailable");
            assert_eq!(answer.header("retry-after"), "5");
            assert!(!answer.raw.contains("secret words"), "{}", answer.raw);
        }
        assert_eq!(app.people().await, before);
    }

    async fn of_many_who_come_back_with_one_state_one_gets_in(app) {
        let begun = app.begins().await;
        let came = app.visits(&begun, &somebody("ann", "example.com")).await;
        let all = futures_util::future::join_all((0..20).map(|_| async { app.hands_in(&came).await.status })).await;
        assert_eq!(all.iter().filter(|status| **status == 200).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| matches!(status, 200 | 401)), "{all:?}");
        let people = app.people().await;
        assert_eq!([people[0], people[1]], [1, 1]);
    }

    async fn of_many_who_come_for_the_first_time_at_once_there_is_one_account(app) {
        let ann = somebody("ann", "example.com");
        let all = futures_util::future::join_all((0..8).map(|_| async { app.signs_on(&ann).await.status })).await;
        assert!(all.iter().all(|status| *status == 200), "{all:?}");
        let people = app.people().await;
        assert_eq!([people[0], people[1]], [1, 8]);
    }

    /// Nothing is stored with which a reader of the database could finish a sign-in.
    async fn a_sign_in_under_way_is_stored_as_hashes(app) {
        use diesel::prelude::*;
        use regimen::store::schema::authorizations;
        use regimen::store::{Author, Lane, StoreError};
        let begun = app.begins().await;
        let stored = |tx: &mut regimen::store::Tx| -> Result<(Vec<u8>, Vec<u8>), StoreError> {
            Ok(authorizations::table.select((authorizations::state_hash, authorizations::secret_hash)).first(tx.db())?)
        };
        let (state, secret) = app.state.store.read(Author::system("test"), stored).await.expect("it is stored");
        let sha256 = |text: &str| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().to_vec();
        assert_eq!([state, secret], [sha256(begun.text("/state")), sha256(begun.text("/session_secret"))]);
        app.it_is("2026-03-31T09:40:00Z");
        let swept = app.state.store.write(Lane::Open, Author::system("test"), regimen::people::sign_on::sweep).await;
        assert_eq!(swept.expect("it is written"), 1);
    }
}

async fn keys_change(app: App, provider: Provider) {
    let ann = somebody("ann", "example.com");
    app.signs_on(&ann).await.expect(200);
    app.signs_on(&ann).await.expect(200);
    assert_eq!(provider.was_asked_for_keys(), 1);
    provider.changes_its_keys();
    // A key that is not known is asked for, at most once a minute.
    for _ in 0..3 {
        app.signs_on(&ann).await.refused(401, "sign_on_refused");
    }
    assert_eq!(provider.was_asked_for_keys(), 1);
    app.it_is("2026-03-31T09:31:00Z");
    app.signs_on(&ann).await.expect(200);
    assert_eq!(provider.was_asked_for_keys(), 2);
    for _ in 0..3 {
        app.signs_on(&with(&ann, "header", json!({"kid": "ed-7"}))).await.refused(401, "sign_on_refused");
    }
    assert_eq!(provider.was_asked_for_keys(), 2);
    // What was given up is trusted no longer than ten minutes.
    app.it_is("2026-03-31T09:41:00Z");
    app.signs_on(&ann).await.expect(200);
    assert_eq!(provider.was_asked_for_keys(), 3);
}

#[test]
fn keys_change_on_sqlite() {
    with_a_provider(EngineUnderTest::Sqlite, keys_change);
}

#[test]
fn keys_change_on_postgres() {
    with_a_provider(EngineUnderTest::Postgres, keys_change);
}

/// A provider that is away is told as such, at the beginning and at the end, and passwords go on.
#[test]
fn a_provider_is_down() {
    with_a_provider(EngineUnderTest::Sqlite, |app, provider| async move {
        let begun = app.begins().await;
        let came = app.visits(&begun, &somebody("ann", "example.com")).await;
        provider.goes_down().await;
        app.hands_in(&came).await.refused(503, "provider_unavailable");
        app.it_is("2026-03-31T10:30:00Z");
        let body = json!({"redirect_uri": PAGE});
        let begun = app.stranger().post("/v1/auth/providers/acme-id/authorization", body).await;
        begun.refused(503, "provider_unavailable");
        app.person("ann").await;
        app.signs_in("ann").await;
    });
}

/// A provider that takes the call and never answers holds nobody for long.
#[test]
fn a_provider_hangs() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut settings = Provider::shared().settings();
    settings.issuer = format!("http://{}", silent.local_addr().expect("an address"));
    let settings = Settings { sign_on: vec![settings], ..Settings::default() };
    play_with(EngineUnderTest::Sqlite, settings, |app| async move {
        let body = json!({"redirect_uri": PAGE});
        let begun = app.stranger().post("/v1/auth/providers/acme-id/authorization", body).await;
        begun.refused(503, "provider_unavailable");
        drop(silent);
    });
}

#[test]
fn without_providers_there_is_nothing() {
    let settings = Settings { sign_on: Vec::new(), ..Settings::default() };
    play_with(EngineUnderTest::Sqlite, settings, |app| async move {
        assert_eq!(app.stranger().get("/v1/auth/providers").await.body, json!({"items": []}));
        let body = json!({"redirect_uri": PAGE});
        let begun = app.stranger().post("/v1/auth/providers/acme-id/authorization", body).await;
        begun.refused(404, "not_found");
    });
}
