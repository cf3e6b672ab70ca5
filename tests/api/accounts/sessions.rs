//! Where somebody is signed in, and how they end it there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ann, login, refresh};
use crate::harness::{Answer, App, PASSWORD, email, stories};

async fn login_with(app: &App, name: &str, program: &str) -> Answer {
    let stranger = app.stranger();
    let call = stranger.call(reqwest::Method::POST, "/v1/auth/login").header("user-agent", program);
    let answer = call.json(&json!({"email": email(name), "password": PASSWORD})).send().await;
    answer.expect(200);
    answer
}

/// How many refresh tokens were ever handed out.
async fn count_of_refresh_tokens(app: &App) -> i64 {
    use diesel::prelude::*;
    use regimen::store::schema::refresh_tokens;
    use regimen::store::{Author, StoreError};
    let count = |tx: &mut regimen::store::Tx| -> Result<i64, StoreError> {
        Ok(refresh_tokens::table.count().get_result(tx.db())?)
    };
    app.state.store.read(Author::system("test"), count).await.expect("the store reads")
}

stories! {
    async fn ann_sees_where_she_is_signed_in(app) {
        app.stranger().post("/v1/auth/register", ann()).await.expect(201);
        app.it_is("2026-03-31T09:31:00Z");
        login_with(&app, "ann", "Mozilla/5.0 (X11; Linux)\ttabbed").await;
        app.it_is("2026-03-31T09:32:00Z");
        let long = login_with(&app, "ann", &"é".repeat(300)).await;
        app.it_is("2026-03-31T09:33:00Z");
        let here = login_with(&app, "ann", "curl/8.5").await;
        let here = app.with_token("ann", here.text("/access_token"));

        let list = here.get("/v1/auth/sessions?include=total").await;
        list.expect(200);
        assert_eq!(list.at("/total"), 4);
        assert_eq!(list.header("cache-control"), "no-store");
        assert_eq!(list.at("/items/0/user_agent"), "curl/8.5");
        assert_eq!(list.at("/items/0/is_current"), &json!(true));
        assert_eq!(list.text("/items/1/user_agent").chars().count(), 200);
        assert_eq!(list.at("/items/2/user_agent"), "Mozilla/5.0 (X11; Linux) tabbed");
        assert_eq!(list.at("/items/3/user_agent"), &Value::Null);
        for other in 1..4 {
            assert_eq!(list.at(&format!("/items/{other}/is_current")), &json!(false));
        }
        assert_eq!(list.at("/items/0/created_at"), "2026-03-31T09:33:00.000000Z");
        assert_eq!(list.at("/items/0/expires_at"), "2026-04-07T09:33:00.000000Z");
        let first = here.get("/v1/auth/sessions?limit=1").await;
        let next = here.get(&format!("/v1/auth/sessions?limit=1&cursor={}", first.text("/next_cursor"))).await;
        assert_eq!(next.at("/items/0/id"), list.at("/items/1/id"));

        // A renewal is a use, and puts the end off.
        app.it_is("2026-04-01T09:00:00Z");
        let renewed = refresh(&app, long.text("/refresh_token")).await;
        renewed.expect(200);
        let long = app.with_token("ann", renewed.text("/access_token"));
        let list = long.get("/v1/auth/sessions").await;
        assert_eq!(list.at("/items/1/last_used_at"), "2026-04-01T09:00:00.000000Z");
        assert_eq!(list.at("/items/1/expires_at"), "2026-04-08T09:00:00.000000Z");
        // What was not renewed for a week is not there any more, although nobody ended it.
        app.it_is("2026-04-08T08:59:00Z");
        let here = app.signs_in("ann").await;
        let list = here.get("/v1/auth/sessions?include=total").await;
        assert_eq!(list.at("/total"), 2);
        // A token whose time is over does not bring its session back.
        app.it_is("2026-04-08T09:00:01Z");
        refresh(&app, renewed.text("/refresh_token")).await.refused(401, "invalid_credential");
        assert_eq!(here.get("/v1/auth/sessions?include=total").await.at("/total"), 1);
    }

    async fn ann_ends_a_session_and_nobody_elses(app) {
        app.stranger().post("/v1/auth/register", ann()).await.expect(201);
        let bob = app.person("bob").await;
        let there = login(&app, &email("ann"), PASSWORD).await;
        let here = app.signs_in("ann").await;
        let there_as = app.with_token("ann", there.text("/access_token"));
        let list = there_as.get("/v1/auth/sessions").await;
        let current = |list: &Answer| {
            let items = list.at("/items").as_array().unwrap();
            items.iter().find(|item| item["is_current"] == true).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let there_id = current(&list);
        let bobs = current(&bob.get("/v1/auth/sessions").await);

        let path = |id: &str| format!("/v1/auth/sessions/{id}");
        here.delete(&path(&bobs)).await.refused(404, "not_found");
        bob.get("/v1/auth/me").await.expect(200);
        here.delete(&path("ses_01h455vb4pex5vsknk084sn02q")).await.refused(404, "not_found");
        here.delete(&path("kpi_01h455vb4pex5vsknk084sn02q")).await.refused(400, "invalid_id");
        here.delete(&path("nonsense")).await.refused(400, "invalid_id");
        app.stranger().delete(&path(&there_id)).await.refused(401, "credential_required");

        here.delete(&path(&there_id)).await.expect(204);
        there_as.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, there.text("/refresh_token")).await.refused(401, "invalid_credential");
        here.delete(&path(&there_id)).await.expect(204);
        here.get("/v1/auth/me").await.expect(200);
        // The own one too.
        let own = current(&here.get("/v1/auth/sessions").await);
        here.delete(&path(&own)).await.expect(204);
        here.get("/v1/auth/me").await.refused(401, "invalid_credential");
    }

    async fn ann_ends_all_other_sessions_at_once(app) {
        app.person("ann").await;
        let bob = app.person("bob").await;
        let mut others = Vec::new();
        for _ in 0..5 {
            others.push(app.signs_in("ann").await);
        }
        let here = app.signs_in("ann").await;
        here.delete("/v1/auth/sessions").await.expect(204);
        for other in others {
            other.get("/v1/auth/me").await.refused(401, "invalid_credential");
        }
        assert_eq!(here.get("/v1/auth/sessions?include=total").await.at("/total"), 1);
        here.get("/v1/auth/me").await.expect(200);
        bob.get("/v1/auth/me").await.expect(200);
    }

    async fn api_tokens_have_no_sessions(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("tokens", json!({"name": "script", "scopes": ["read", "write", "admin"]})).await;
        let token = app.with_token("a token", made.text("/token"));
        let own = ann.get("/v1/auth/sessions").await;
        token.get("/v1/auth/sessions").await.refused(403, "person_required");
        token.delete("/v1/auth/sessions").await.refused(403, "person_required");
        token.delete(&format!("/v1/auth/sessions/{}", own.text("/items/0/id"))).await.refused(403, "person_required");
        token.patch("/v1/auth/me", json!({"name": "x"})).await.refused(403, "person_required");
        token.post("/v1/auth/email", json!({"email": "x@example.com", "current_password": PASSWORD})).await.refused(403, "person_required");
        token.post("/v1/auth/deletion", json!({"current_password": PASSWORD})).await.refused(403, "person_required");
        ann.get("/v1/auth/me").await.expect(200);
    }

    /// A thief took the refresh token and went on with it; when the owner uses theirs, the thief's newest is dead too.
    async fn the_newest_token_of_a_thief_is_dead_too(app) {
        let stolen = app.stranger().post("/v1/auth/register", ann()).await.text("/refresh_token").to_owned();
        let mut newest = refresh(&app, &stolen).await;
        for minute in 31..36 {
            app.it_is(&format!("2026-03-31T09:{minute}:00Z"));
            newest = refresh(&app, newest.text("/refresh_token")).await;
            newest.expect(200);
        }
        let thief = app.with_token("a thief", newest.text("/access_token"));
        thief.get("/v1/auth/me").await.expect(200);
        refresh(&app, &stolen).await.refused(401, "invalid_credential");
        thief.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, newest.text("/refresh_token")).await.refused(401, "invalid_credential");
    }

    async fn retries_at_once_get_one_successor(app) {
        let first = app.stranger().post("/v1/auth/register", ann()).await.text("/refresh_token").to_owned();
        let all = futures_util::future::join_all((0..50).map(|_| async {
            let answer = refresh(&app, &first).await;
            answer.expect(200);
            answer.text("/refresh_token").to_owned()
        })).await;
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1, "{all:?}");
        assert_eq!(count_of_refresh_tokens(&app).await, 2);
    }

    async fn ann_changes_her_name(app) {
        let ann = app.owner_of("ann", "acme").await;
        let me = ann.get("/v1/auth/me").await;
        assert_eq!(me.at("/version"), 1);
        let renamed = ann.patch("/v1/auth/me", json!({"name": "Ann Smith"})).await;
        renamed.expect(200);
        assert_eq!(renamed.at("/name"), "Ann Smith");
        assert_eq!(renamed.at("/version"), 2);
        ann.patch("/v1/auth/me", json!({"name": "Ann Smith"})).await.expect(200);
        assert_eq!(ann.get("/v1/auth/me").await.at("/version"), 2);
        ann.patch("/v1/auth/me", json!({"name": "Anna", "version": 1})).await.refused(409, "version_conflict");
        ann.patch("/v1/auth/me", json!({"name": "\n"})).await.refused(422, "validation_failed").names("/name", "malformed");
        ann.patch("/v1/auth/me", json!({"name": null})).await.refused(422, "validation_failed");
        ann.patch("/v1/auth/me", json!({"email": "eve@example.com"})).await.refused(422, "validation_failed").names("/email", "unknown_field");
        // The name in the workspace is another one.
        assert_eq!(ann.get("members/me").await.at("/name"), "ann");
    }
}
