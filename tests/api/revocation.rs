//! Whatever ends access ends it at once: after it was answered, nothing that is sent is let in and
//! nothing is written, though others ask and write all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{App, Caller, PASSWORD, email, stories};

/// Requests that are under way while access ends.
const AT_ONCE: usize = 6;
/// How many of each are sent before it ends, and after.
const ROUNDS: usize = 5;

/// What ended: whoever asks with it from then on is nobody, or has no right to write any more.
#[derive(Clone, Copy, PartialEq)]
enum Left {
    Nothing,
    Reading,
}

/// Lets a caller read and write without pause, ends their access, and holds every answer to a request
/// that was sent after the end was answered against what is left.
async fn ends(ann: &Caller, caller: &Caller, left: Left, end: impl Future<Output = ()>) {
    let ended = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicUsize::new(0));
    let day = |number: usize| format!("kpis/churn/points/2026-02-{:02}", number % 28 + 1);
    let asking = |task: usize| {
        let (ended, sent, caller) = (ended.clone(), sent.clone(), caller.clone());
        actix_web::rt::spawn(async move {
            let mut after = 0;
            let mut number = task;
            while after < ROUNDS {
                let was_over = ended.load(Ordering::SeqCst);
                let read = caller.get("kpis/churn").await;
                let write = caller.put(&day(number), json!({"value": number})).await;
                number += AT_ONCE;
                sent.fetch_add(1, Ordering::SeqCst);
                if was_over {
                    after += 1;
                    match left {
                        Left::Nothing => {
                            assert!([401, 404].contains(&read.status), "{} {}", read.call, read.raw)
                        }
                        Left::Reading => assert_eq!(read.status, 200, "{} {}", read.call, read.raw),
                    }
                    assert!([401, 403, 404].contains(&write.status), "{} {}", write.call, write.raw);
                }
            }
        })
    };
    let tasks: Vec<_> = (0..AT_ONCE).map(asking).collect();
    while sent.load(Ordering::SeqCst) < AT_ONCE * ROUNDS {
        actix_web::rt::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    end.await;
    // What is stored at this moment is all that there will ever be of this caller.
    let stored = ann.get("points?kpi=churn").await;
    ended.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.expect("every answer was as it should be");
    }
    assert_eq!(
        ann.get("points?kpi=churn").await.at("/items"),
        stored.at("/items"),
        "something was written after the end"
    );
}

async fn workspace(app: &App) -> Caller {
    let ann = app.owner_of("ann", "acme").await;
    ann.post("kpis", json!({"name": "Churn", "key": "churn"})).await.expect(201);
    ann
}

async fn id_of(caller: &Caller) -> String {
    caller.get("members/me").await.expect(200).text("/id").to_owned()
}

async fn token_of(app: &App, maker: &Caller, body: Value) -> (Caller, String) {
    let made = maker.post("tokens", body).await;
    made.expect(201);
    (app.with_token("a script", made.text("/token")).inside("acme"), made.text("/id").to_owned())
}

stories! {
    async fn signing_out_ends_access(app) {
        let ann = workspace(&app).await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let again = app.signs_in("adam").await.inside("acme");
        ends(&ann, &again, Left::Nothing, async { again.call(Method::POST, "/v1/auth/logout").send().await.expect(204); }).await;
        adam.get("").await.expect(200);
    }

    async fn another_password_ends_access(app) {
        let ann = workspace(&app).await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let elsewhere = app.signs_in("adam").await;
        let change = json!({"current_password": PASSWORD, "new_password": "eight orange tricycles hum"});
        ends(&ann, &adam, Left::Nothing, async { elsewhere.post("/v1/auth/password", change).await.expect(200); }).await;
    }

    async fn removal_ends_access_of_person_and_token(app) {
        let ann = workspace(&app).await;
        for (name, who) in [("adam", "person"), ("bert", "token")] {
            let adam = app.joins(&ann, name, "admin").await;
            let id = id_of(&adam).await;
            let body = json!({"name": "script", "scopes": ["read", "write"]});
            let caller = if who == "token" { token_of(&app, &adam, body).await.0 } else { adam };
            ends(&ann, &caller, Left::Nothing, async { ann.delete(&format!("members/{id}")).await.expect(204); }).await;
        }
    }

    async fn a_lesser_role_ends_the_right(app) {
        let ann = workspace(&app).await;
        for (name, who) in [("adam", "person"), ("bert", "token")] {
            let adam = app.joins(&ann, name, "admin").await;
            let id = id_of(&adam).await;
            let body = json!({"name": "script", "scopes": ["read", "write"]});
            let caller = if who == "token" { token_of(&app, &adam, body).await.0 } else { adam };
            let end = async { ann.patch(&format!("members/{id}"), json!({"role": "viewer"})).await.expect(200); };
            ends(&ann, &caller, Left::Reading, end).await;
        }
    }

    async fn a_revoked_token_is_dead(app) {
        let ann = workspace(&app).await;
        let service = json!({"name": "feed", "kind": "service", "role": "member", "scopes": ["read", "points:write"]});
        let (script, id) = token_of(&app, &ann, service).await;
        ends(&ann, &script, Left::Nothing, async { ann.delete(&format!("tokens/{id}")).await.expect(204); }).await;
    }

    async fn a_deleted_workspace_is_gone(app) {
        let ann = workspace(&app).await;
        let olga = app.joins(&ann, "olga", "owner").await;
        let (script, _) = token_of(&app, &olga, json!({"name": "feed", "scopes": ["read", "write"]})).await;
        ann.delete("").await.expect(204);
        for caller in [&ann, &olga, &script] {
            caller.get("kpis").await.refused(404, "not_found");
            caller.put("kpis/churn/points/2026-02-01", json!({"value": 1})).await.refused(404, "not_found");
        }
        let me = olga.get("/v1/auth/me").await;
        assert_eq!(me.expect(200).at("/memberships"), &json!([]));
        app.stranger().post("/v1/auth/login", json!({"email": email("olga"), "password": PASSWORD})).await.expect(200);
    }
}
