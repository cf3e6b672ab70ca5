//! Leaving for good.

use serde_json::{Value, json};

use super::{login, refresh};
use crate::harness::{Answer, Caller, PASSWORD, email, stories};

async fn delete(caller: &Caller, password: &str) -> Answer {
    caller.post("/v1/auth/deletion", json!({"current_password": password})).await
}

stories! {
    async fn bob_leaves_for_good_and_what_he_made_stays(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let session = login(&app, &email("bob"), PASSWORD).await;
        bob.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        let made = bob.post("tokens", json!({"name": "script", "scopes": ["read"]})).await;
        let token = app.with_token("bob's token", made.text("/token"));
        token.get("/v1/workspaces/acme/kpis").await.expect(200);
        let member = bob.get("members/me").await.text("/id").to_owned();
        app.mails().await;

        let before = app.people().await;
        delete(&bob, "wrong bicycles sing here").await.refused(422, "validation_failed").names("/current_password", "wrong");
        bob.post("/v1/auth/deletion", json!({})).await.names("/current_password", "required");
        app.stranger().post("/v1/auth/deletion", json!({"current_password": PASSWORD})).await.refused(401, "credential_required");
        assert_eq!(app.people().await, before);

        delete(&bob, PASSWORD).await.expect(204);
        bob.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, session.text("/refresh_token")).await.refused(401, "invalid_credential");
        token.get("/v1/workspaces/acme/kpis").await.refused(401, "invalid_credential");
        login(&app, &email("bob"), PASSWORD).await.refused(401, "login_failed");
        let notice = app.one_mail().await;
        assert_eq!((notice.to.as_str(), notice.subject.as_str()), ("bob@example.com", "Your account was deleted"));

        let shown = ann.get(&format!("members/{member}")).await;
        assert_eq!(shown.at("/name"), "bob");
        assert_eq!(shown.at("/state"), "removed");
        assert_eq!(shown.at("/email"), &Value::Null);
        assert_eq!(ann.get("kpis/churn-rate").await.at("/owner/name"), "bob");
        assert_eq!(ann.get("members?state=removed").await.at("/items/0/email"), &Value::Null);
        assert_eq!(app.told("acme").await.last().map(String::as_str), Some("member.removed"));
        assert!(erased(&app).await);
        // A password for nobody can be asked for, and none is sent.
        app.stranger().post("/v1/auth/password-reset", json!({"email": email("bob")})).await.expect(202);
        assert!(app.mails().await.is_empty());

        // The address is free, for somebody else.
        let newcomer = app.person("bob").await;
        assert_eq!(newcomer.get("/v1/auth/me").await.at("/memberships"), &json!([]));
        let invited = ann.post("invitations", json!({"email": email("bob"), "role": "viewer"})).await;
        let joined = newcomer.post("/v1/invitations/accept", json!({"token": invited.text("/token")})).await;
        joined.expect(200);
        assert_ne!(joined.text("/member_id"), member);
    }

    async fn the_last_owner_stays(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("/v1/workspaces", json!({"name": "Umbrella"})).await.expect(201);
        let bob = app.joins(&ann, "bob", "owner").await;
        let before = app.people().await;
        let refused = delete(&ann, PASSWORD).await;
        refused.refused(409, "last_owner");
        assert!(refused.text("/detail").contains("Umbrella") && !refused.text("/detail").contains("acme"), "{}", refused.raw);
        assert_eq!(app.people().await, before);
        ann.get("members/me").await.expect(200);
        // A deleted workspace holds nobody.
        ann.delete("/v1/workspaces/umbrella").await.expect(204);
        delete(&ann, PASSWORD).await.expect(204);
        let refused = delete(&bob, PASSWORD).await;
        assert!(refused.refused(409, "last_owner").text("/detail").contains("acme"), "{}", refused.raw);
    }

    /// Two owners leave at the same moment, again and again: one of them stays.
    async fn of_two_owners_who_leave_at_once_one_stays(app) {
        for round in 0..5 {
            let (one, other) = (format!("ann{round}"), format!("bob{round}"));
            let ann = app.owner_of(&one, &format!("acme{round}")).await;
            let bob = app.joins(&ann, &other, "owner").await;
            let (first, second) = futures_util::future::join(delete(&ann, PASSWORD), delete(&bob, PASSWORD)).await;
            let mut told = [first.status, second.status];
            told.sort_unstable();
            assert_eq!(told, [204, 409], "{} {}", first.raw, second.raw);
        }
    }
}

/// Nothing in the deleted account's row tells who it was.
async fn erased(app: &crate::harness::App) -> bool {
    use diesel::prelude::*;
    use regimen::store::schema::{accounts, sessions};
    use regimen::store::{AccountId, Author, StoreError};
    type Row = (AccountId, String, String, String, String);
    let read = |tx: &mut regimen::store::Tx| -> Result<(Vec<Row>, i64), StoreError> {
        let rows: Vec<Row> = accounts::table
            .filter(accounts::deleted_at.is_not_null())
            .select((
                accounts::id,
                accounts::email,
                accounts::email_folded,
                accounts::name,
                accounts::password_hash,
            ))
            .load(tx.db())?;
        let ids: Vec<AccountId> = rows.iter().map(|row| row.0).collect();
        let named = sessions::table
            .filter(sessions::account_id.eq_any(ids))
            .filter(sessions::user_agent.is_not_null())
            .count()
            .get_result(tx.db())?;
        Ok((rows, named))
    };
    let (rows, named) = app.state.store.read(Author::system("test"), read).await.expect("the store reads");
    rows.len() == 1
        && named == 0
        && rows.iter().all(|(id, email, folded, name, hash)| {
            email.is_empty() && name.is_empty() && hash.is_empty() && *folded == format!("deleted {id}")
        })
}
