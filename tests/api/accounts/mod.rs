//! Accounts: registering, signing in, staying signed in, the password, and who is calling.

mod addresses;
mod deletion;
mod guesses;
mod mails;
mod outbox;
mod resets;
mod sessions;
mod timing;

use std::collections::BTreeSet;

use base64::Engine;
use regimen::config::Registration;
use serde_json::{Value, json};

use crate::harness::{App, Caller, EngineUnderTest, PASSWORD, email, play_where, stories};

fn ann() -> Value {
    json!({"email": email("ann"), "name": "Ann Smith", "password": PASSWORD})
}

/// An object with one field changed.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn login(app: &App, email: &str, password: &str) -> crate::harness::Answer {
    app.stranger().post("/v1/auth/login", json!({"email": email, "password": password})).await
}

async fn refresh(app: &App, token: &str) -> crate::harness::Answer {
    app.stranger().post("/v1/auth/refresh", json!({"refresh_token": token})).await
}

stories! {
    /// Several devices of one person sign in at the same moment, again and again.
    async fn many_sign_in_at_once(app) {
        app.person("ann").await;
        let sign_in = json!({"email": email("ann"), "password": PASSWORD});
        for _ in 0..10 {
            let devices: Vec<_> = (0..4)
                .map(|_| {
                    let (device, sign_in) = (app.stranger(), sign_in.clone());
                    actix_web::rt::spawn(async move { device.post("/v1/auth/login", sign_in).await })
                })
                .collect();
            for device in devices {
                device.await.expect("it ends").expect(200);
            }
        }
    }

    async fn ann_registers_and_is_signed_in(app) {
        let answer = app.stranger().post("/v1/auth/register", with(ann(), "email", json!("Ann@Example.com"))).await;
        answer.expect(201);
        assert_eq!(answer.header("location"), "/v1/auth/me");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.at("/token_type"), "Bearer");
        assert_eq!(answer.at("/expires_in"), 600);
        assert_eq!(answer.at("/account/email"), "Ann@Example.com");
        assert!(answer.text("/refresh_token").starts_with("rgr_"));

        let ann = app.with_token("ann", answer.text("/access_token"));
        let me = ann.get("/v1/auth/me").await;
        me.expect(200);
        assert_eq!(me.at("/kind"), "person");
        assert_eq!(me.at("/name"), "Ann Smith");
        assert_eq!(me.at("/email"), "Ann@Example.com");
        assert_eq!(me.at("/account_id"), answer.at("/account/id"));
        assert_eq!(me.at("/memberships"), &json!([]));
        assert_eq!(me.at("/token_id"), &Value::Null);
        assert_eq!(me.header("cache-control"), "no-store");

        ann.post("/v1/workspaces", json!({"name": "Acme"})).await.expect(201);
        let me = ann.get("/v1/auth/me").await;
        assert_eq!(me.at("/memberships/0/workspace/slug"), "acme");
        assert_eq!(me.at("/memberships/0/role"), "owner");
    }

    async fn an_access_token_says_ids_and_times_and_nothing_else(app) {
        let answer = app.stranger().post("/v1/auth/register", ann()).await;
        let parts: Vec<&str> = answer.text("/access_token").split('.').collect();
        let read = |part: &str| -> Value {
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        let (header, claims) = (read(parts[0]), read(parts[1]));
        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(header["alg"], "EdDSA");
        let keys = app.stranger().get("/.well-known/jwks.json").await;
        assert_eq!(&header["kid"], keys.at("/keys/0/kid"));
        let names: BTreeSet<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["aud", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"]));
        assert_eq!(&claims["sub"], answer.at("/account/id"));
    }

    async fn what_is_wrong_with_a_registration_is_told_at_once(app) {
        let stranger = app.stranger();
        let before = app.people().await;
        let register = async |body: Value| stranger.post("/v1/auth/register", body).await;
        let answer = register(json!({"email": "nobody", "name": " ", "password": "short", "admin": true})).await;
        answer.refused(422, "validation_failed");
        answer.names("/email", "malformed").names("/name", "malformed").names("/password", "too_short");
        answer.names("/admin", "unknown_field");
        register(json!({})).await.names("/email", "required").names("/name", "required").names("/password", "required");
        for (password, code) in [
            ("fourteen chars".to_owned(), "too_short"),
            ("x y".repeat(43), "too_long"),
            ("passwordpassword".to_owned(), "common"),
            ("ann smith regimen 12".to_owned(), "contextual"),
            ("seven\u{0}purple bicycles".to_owned(), "nul"),
        ] {
            register(with(ann(), "password", json!(password))).await.refused(422, "validation_failed").names("/password", code);
        }
        for wrong in [json!(7), json!(null), json!([]), json!({})] {
            register(with(ann(), "password", wrong.clone())).await.names("/password", "wrong_type");
            register(with(ann(), "email", wrong.clone())).await.names("/email", "wrong_type");
        }
        register(with(ann(), "email", json!("ann@\u{0}example.com"))).await.names("/email", "nul");
        register(with(ann(), "email", json!("ann smith@example.com"))).await.names("/email", "malformed");
        register(with(ann(), "name", json!("a".repeat(201)))).await.names("/name", "too_long");
        register(with(ann(), "name", json!("Ann\nSmith"))).await.names("/name", "malformed");
        stranger.call(reqwest::Method::POST, "/v1/auth/register").raw("application/json", "[]").send().await
            .refused(422, "validation_failed").names("", "wrong_type");
        stranger.call(reqwest::Method::POST, "/v1/auth/register").raw("application/json", vec![b' '; 4097]).send().await
            .refused(413, "body_too_large");
        stranger.call(reqwest::Method::POST, "/v1/auth/register").header("idempotency-key", "k").json(&ann()).send().await
            .refused(400, "idempotency_not_supported");
        stranger.post("/v1/auth/register?x=1", ann()).await.refused(400, "invalid_query");
        // No answer shows a password.
        let told = register(with(ann(), "password", json!("passwordpassword"))).await;
        assert!(!told.raw.contains("passwordpassword"));
        assert_eq!(app.people().await, before);
        // 15 and 128 characters are welcome.
        register(with(ann(), "password", json!("quiet lamp snow"))).await.expect(201);
        register(json!({"email": "bob@example.com", "name": "Bob", "password": "ä b7".repeat(32)})).await.refused(422, "validation_failed");
        let long: String = (0..128_u32).map(|n| char::from_u32(0x4e00 + n * 7).unwrap()).collect();
        register(json!({"email": "bob@example.com", "name": "Bob", "password": long})).await.expect(201);
        login(&app, "bob@example.com", &long).await.expect(200);
    }

    async fn an_address_has_one_account_however_it_is_written(app) {
        app.stranger().post("/v1/auth/register", ann()).await.expect(201);
        let before = app.people().await;
        for email in ["ann@example.com", "ANN@EXAMPLE.COM", "Ann@example.Com"] {
            let answer = app.stranger().post("/v1/auth/register", with(ann(), "email", json!(email))).await;
            answer.refused(409, "already_exists").names("/email", "already_exists");
        }
        assert_eq!(app.people().await, before);
        login(&app, "ANN@example.com", PASSWORD).await.expect(200);
    }

    async fn of_many_who_register_one_address_one_succeeds(app) {
        let all = futures_util::future::join_all((0..20).map(|_| async {
            app.stranger().post("/v1/auth/register", ann()).await.status
        })).await;
        assert_eq!(all.iter().filter(|status| **status == 201).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| matches!(status, 201 | 409)), "{all:?}");
        assert_eq!(app.people().await[0], 1);
    }

    async fn unknown_and_wrong_and_suspended_are_one_answer(app) {
        app.person("ann").await;
        app.person("bob").await;
        suspend(&app, "bob").await;
        let before = app.people().await;
        let mut bodies = Vec::new();
        for (email, password) in [
            ("ann@example.com", "wrong bicycles sing here"),
            ("nobody@example.com", PASSWORD),
            ("bob@example.com", PASSWORD),
            ("ann@example.com", ""),
            ("ann@example.com", &PASSWORD[..20]),
        ] {
            let mut answer = login(&app, email, password).await;
            answer.refused(401, "login_failed");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            answer.body["request_id"] = Value::Null;
            bodies.push(answer.body);
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
        assert_eq!(app.people().await, before);
        login(&app, "ann@example.com", PASSWORD).await.expect(200);
        for wrong in [json!({}), json!([]), json!(true), json!(0), json!(null)] {
            let answer = app.stranger().post("/v1/auth/login", json!({"email": email("ann"), "password": wrong})).await;
            answer.refused(422, "validation_failed").names("/password", "wrong_type");
        }
    }

    async fn a_suspended_account_is_out_at_once(app) {
        let registered = app.stranger().post("/v1/auth/register", ann()).await;
        let ann = app.with_token("ann", registered.text("/access_token"));
        ann.get("/v1/auth/me").await.expect(200);
        suspend(&app, "ann").await;
        ann.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, registered.text("/refresh_token")).await.refused(401, "invalid_credential");
    }

    async fn guessing_waits_longer_and_longer_with_an_account_or_without(app) {
        app.person("ann").await;
        for address in ["ann@example.com", "nobody@example.com"] {
            app.it_is("2026-03-31T09:30:00Z");
            for _ in 0..10 {
                login(&app, address, "wrong bicycles sing here").await.refused(401, "login_failed");
            }
            // Not even the right password is looked at now.
            let answer = login(&app, address, PASSWORD).await;
            answer.refused(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), "1");
            app.it_is("2026-03-31T09:30:02Z");
            login(&app, address, "wrong bicycles sing here").await.refused(401, "login_failed");
            let answer = login(&app, address, PASSWORD).await;
            answer.refused(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), "2");
        }
        // Other accounts are not held up, and success begins anew.
        app.person("bob").await;
        login(&app, "bob@example.com", PASSWORD).await.expect(200);
        app.it_is("2026-03-31T09:30:05Z");
        login(&app, "ann@example.com", PASSWORD).await.expect(200);
        for _ in 0..10 {
            login(&app, "ann@example.com", "wrong bicycles sing here").await.refused(401, "login_failed");
        }
    }

    async fn guesses_at_once_are_counted_each(app) {
        app.person("ann").await;
        let all = futures_util::future::join_all((0..60).map(|_| async {
            login(&app, "ann@example.com", "wrong bicycles sing here").await.status
        })).await;
        assert_eq!(all.iter().filter(|status| **status == 401).count(), 10, "{all:?}");
        assert_eq!(all.iter().filter(|status| **status == 429).count(), 50, "{all:?}");
    }

    async fn a_weaker_hash_is_made_anew_at_the_next_sign_in(app) {
        app.person("ann").await;
        let phc = {
            let hasher = regimen::access::password::Hasher::with_cost(1, regimen::access::password::Cost { memory: 8, passes: 1, lanes: 1 }).unwrap();
            hasher.hash(&regimen::access::password::Password::new(PASSWORD)).await.unwrap()
        };
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        set_hash(&app, phc.clone()).await;
        login(&app, "ann@example.com", PASSWORD).await.expect(200);
        let now = hash_of(&app).await;
        assert!(now != phc && now.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{now}");
        login(&app, "ann@example.com", PASSWORD).await.expect(200);
        assert_eq!(hash_of(&app).await, now);
    }

    async fn a_refresh_token_is_used_once(app) {
        let first = app.stranger().post("/v1/auth/register", ann()).await.text("/refresh_token").to_owned();
        let second = refresh(&app, &first).await;
        second.expect(200);
        assert_ne!(second.text("/refresh_token"), first);
        app.with_token("ann", second.text("/access_token")).get("/v1/auth/me").await.expect(200);
        // The answer was lost: within ten seconds the same successor comes again.
        app.it_is("2026-03-31T09:30:10Z");
        let again = refresh(&app, &first).await;
        again.expect(200);
        assert_eq!(again.text("/refresh_token"), second.text("/refresh_token"));
        let third = refresh(&app, second.text("/refresh_token")).await;
        third.expect(200);
        // Later than that, or when the successor is spent too, two hold it: everything ends.
        refresh(&app, &first).await.refused(401, "invalid_credential");
        refresh(&app, third.text("/refresh_token")).await.refused(401, "invalid_credential");
        app.with_token("a thief", third.text("/access_token")).get("/v1/auth/me").await.refused(401, "invalid_credential");
        for wrong in ["rgr_", "", "rgm_000000000000000000000000000000000000", &format!("rgi_{}", &first[4..])] {
            refresh(&app, wrong).await.refused(401, "invalid_credential");
        }
        app.stranger().post("/v1/auth/refresh", json!({"refresh_token": null})).await.refused(422, "validation_failed");
    }

    async fn a_stolen_refresh_token_used_later_ends_the_session(app) {
        let first = app.stranger().post("/v1/auth/register", ann()).await.text("/refresh_token").to_owned();
        let second = refresh(&app, &first).await;
        app.it_is("2026-03-31T09:30:11Z");
        refresh(&app, &first).await.refused(401, "invalid_credential");
        app.with_token("ann", second.text("/access_token")).get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, second.text("/refresh_token")).await.refused(401, "invalid_credential");
    }

    async fn a_session_has_its_time(app) {
        let mut token = app.stranger().post("/v1/auth/register", ann()).await.text("/refresh_token").to_owned();
        // Ten minutes and the leeway for the access token.
        let access = refresh(&app, &token).await;
        token = access.text("/refresh_token").to_owned();
        app.it_is("2026-03-31T09:40:29Z");
        app.with_token("ann", access.text("/access_token")).get("/v1/auth/me").await.expect(200);
        app.it_is("2026-03-31T09:40:31Z");
        app.with_token("ann", access.text("/access_token")).get("/v1/auth/me").await.refused(401, "invalid_credential");
        for day in ["2026-04-06", "2026-04-12", "2026-04-18", "2026-04-24", "2026-04-29"] {
            app.it_is(&format!("{day}T09:30:00Z"));
            let answer = refresh(&app, &token).await;
            answer.expect(200);
            token = answer.text("/refresh_token").to_owned();
        }
        // Thirty days at the most.
        app.it_is("2026-04-30T09:30:01Z");
        refresh(&app, &token).await.refused(401, "invalid_credential");
        // Seven days without being renewed.
        let token = login(&app, &email("ann"), PASSWORD).await.text("/refresh_token").to_owned();
        app.it_is("2026-05-07T09:30:02Z");
        refresh(&app, &token).await.refused(401, "invalid_credential");
    }

    async fn signing_out_ends_the_session_and_no_other(app) {
        let registered = app.stranger().post("/v1/auth/register", ann()).await;
        let (here, there) = (app.with_token("ann", registered.text("/access_token")), app.signs_in("ann").await);
        app.stranger().call(reqwest::Method::POST, "/v1/auth/logout").send().await.refused(401, "credential_required");
        here.call(reqwest::Method::POST, "/v1/auth/logout").send().await.expect(204);
        here.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, registered.text("/refresh_token")).await.refused(401, "invalid_credential");
        there.get("/v1/auth/me").await.expect(200);
    }

    async fn another_password_ends_every_session(app) {
        let registered = app.stranger().post("/v1/auth/register", ann()).await;
        let here = app.with_token("ann", registered.text("/access_token"));
        here.post("/v1/workspaces", json!({"name": "Umbrella"})).await.expect(201);
        let before = app.people().await;
        let change = async |caller: &Caller, current: &str, new: &str| {
            caller.post("/v1/auth/password", json!({"current_password": current, "new_password": new})).await
        };
        const NEW: &str = "loud drum above sand";
        change(&here, "wrong bicycles sing here", NEW).await.refused(422, "validation_failed").names("/current_password", "wrong");
        change(&here, PASSWORD, "short").await.names("/new_password", "too_short");
        change(&here, PASSWORD, &"long lamp ".repeat(13)).await.names("/new_password", "too_long");
        change(&here, PASSWORD, "passwordpassword").await.names("/new_password", "common");
        change(&here, PASSWORD, "umbrella 2026 umbrella").await.names("/new_password", "contextual");
        here.post("/v1/auth/password", json!({"new_password": NEW})).await.names("/current_password", "required");
        here.call(reqwest::Method::POST, "/v1/auth/password").header("idempotency-key", "k")
            .json(&json!({"current_password": PASSWORD, "new_password": NEW})).send().await
            .refused(400, "idempotency_not_supported");
        assert_eq!(app.people().await, before);
        let mut others = Vec::new();
        for _ in 0..9 {
            others.push(app.signs_in("ann").await);
        }
        let answer = change(&here, PASSWORD, NEW).await;
        answer.expect(200);
        for other in others.iter().chain([&here]) {
            other.get("/v1/auth/me").await.refused(401, "invalid_credential");
        }
        refresh(&app, registered.text("/refresh_token")).await.refused(401, "invalid_credential");
        app.with_token("ann", answer.text("/access_token")).get("/v1/auth/me").await.expect(200);
        refresh(&app, answer.text("/refresh_token")).await.expect(200);
        login(&app, &email("ann"), PASSWORD).await.refused(401, "login_failed");
        login(&app, &email("ann"), NEW).await.expect(200);
    }

    async fn guessing_the_password_from_within_waits_too(app) {
        let ann = app.person("ann").await;
        for _ in 0..10 {
            ann.post("/v1/auth/password", json!({"current_password": "wrong", "new_password": "loud drum above sand"})).await.names("/current_password", "wrong");
        }
        ann.post("/v1/auth/password", json!({"current_password": PASSWORD, "new_password": "loud drum above sand"})).await.refused(429, "rate_limited");
        // The front door is another one.
        login(&app, &email("ann"), PASSWORD).await.expect(200);
    }

    async fn a_token_asks_who_it_is(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("tokens", json!({"name": "Nightly", "scopes": ["read", "write"]})).await;
        let token = app.with_token("a token", made.text("/token"));
        let me = token.get("/v1/auth/me").await;
        me.expect(200);
        assert_eq!(me.at("/kind"), "personal");
        assert_eq!(me.at("/name"), "Nightly");
        assert_eq!(me.at("/workspace/slug"), "acme");
        assert_eq!(me.at("/role"), "owner");
        assert_eq!(me.at("/scopes"), &json!(["read", "write"]));
        assert_eq!(me.at("/token_id"), made.at("/id"));
        assert_eq!(me.at("/expires_at"), made.at("/expires_at"));
        assert_eq!(me.at("/email"), &Value::Null);
        token.post("/v1/auth/logout", json!({})).await.refused(403, "person_required");
        token.post("/v1/auth/password", json!({"current_password": PASSWORD, "new_password": "loud drum above sand"})).await.refused(403, "person_required");
        token.get("/v1/workspaces").await.refused(403, "person_required");
        token.post("/v1/workspaces", json!({"name": "x"})).await.refused(403, "person_required");
        token.post("/v1/invitations/accept", json!({"token": "x"})).await.refused(403, "person_required");
        ann.delete("").await.expect(204);
        token.get("/v1/auth/me").await.refused(401, "invalid_credential");
    }
}

/// With the default rule the first account is free, and later ones need an invitation.
async fn after_the_first_account_an_invitation_is_needed(app: App) {
    let all = futures_util::future::join_all((0..20).map(|number| {
        let app = app.clone();
        async move {
            let body =
                json!({"email": format!("{number}@example.com"), "name": "Somebody", "password": PASSWORD});
            let answer = app.stranger().post("/v1/auth/register", body).await;
            if answer.status == 403 {
                answer.refused(403, "invitation_required");
            }
            (answer.status, answer.body["access_token"].as_str().unwrap_or_default().to_owned())
        }
    }))
    .await;
    let firsts: Vec<&String> =
        all.iter().filter(|(status, _)| *status == 201).map(|(_, token)| token).collect();
    assert_eq!(firsts.len(), 1);
    let first = app.with_token("the first", firsts[0]);
    first.post("/v1/workspaces", json!({"name": "Purple Bicycles"})).await.expect(201);
    let first = first.inside("purple-bicycles");
    let before = app.people().await;
    let invited = first.post("invitations", json!({"email": email("bob"), "role": "viewer"})).await;
    let register = async |email: &str, password: &str, token: Value| {
        app.stranger()
            .post(
                "/v1/auth/register",
                json!({"email": email, "name": "Bob", "password": password, "invitation_token": token}),
            )
            .await
    };
    let token = invited.at("/token").clone();
    register(&email("bob"), PASSWORD, Value::Null).await.refused(403, "invitation_required");
    register(&email("mallory"), PASSWORD, token.clone())
        .await
        .refused(404, "not_found")
        .names("/invitation_token", "not_found");
    register(&email("bob"), PASSWORD, json!("rgi_nonsense")).await.refused(404, "not_found");
    register(&email("bob"), "purple bicycles 1", token.clone()).await.names("/password", "contextual");
    assert_eq!(app.people().await[0], before[0]);
    let answer = register("BOB@example.com", "quiet lamp under snow", token.clone()).await;
    answer.expect(201);
    let me = app.with_token("bob", answer.text("/access_token")).get("/v1/auth/me").await;
    assert_eq!(me.at("/memberships/0/workspace/slug"), "purple-bicycles");
    assert_eq!(me.at("/memberships/0/role"), "viewer");
    register(&email("bob"), PASSWORD, token)
        .await
        .refused(409, "link_spent")
        .names("/invitation_token", "link_spent");
    assert_eq!(
        app.told("purple-bicycles").await,
        ["workspace.created", "invitation.created", "member.joined"]
    );
}

#[test]
fn the_first_account_is_free_on_sqlite() {
    play_where(EngineUnderTest::Sqlite, None, after_the_first_account_an_invitation_is_needed);
}

#[test]
fn the_first_account_is_free_on_postgres() {
    play_where(
        EngineUnderTest::Postgres,
        Some(Registration::Invited),
        after_the_first_account_an_invitation_is_needed,
    );
}

async fn suspend(app: &App, name: &str) {
    use diesel::prelude::*;
    use regimen::store::schema::accounts;
    use regimen::store::{Author, Lane, StoreError};
    let address = email(name);
    let job = move |tx: &mut regimen::store::Tx| -> Result<(), StoreError> {
        diesel::update(accounts::table.filter(accounts::email_folded.eq(&address)))
            .set(accounts::state.eq("suspended"))
            .execute(tx.db())?;
        Ok(())
    };
    app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written");
}

async fn set_hash(app: &App, phc: String) {
    use diesel::prelude::*;
    use regimen::store::schema::accounts;
    use regimen::store::{Author, Lane, StoreError};
    let job = move |tx: &mut regimen::store::Tx| -> Result<(), StoreError> {
        diesel::update(accounts::table).set(accounts::password_hash.eq(&phc)).execute(tx.db())?;
        Ok(())
    };
    app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written");
}

async fn hash_of(app: &App) -> String {
    use diesel::prelude::*;
    use regimen::store::schema::accounts;
    use regimen::store::{Author, StoreError};
    let job = |tx: &mut regimen::store::Tx| -> Result<String, StoreError> {
        Ok(accounts::table.select(accounts::password_hash).first(tx.db())?)
    };
    app.state.store.read(Author::system("test"), job).await.expect("it is read")
}
