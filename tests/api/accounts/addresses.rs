//! Another e-mail address: asked for with the password, confirmed by mail.

use serde_json::json;

use super::login;
use super::outbox::Mail;
use crate::harness::{Answer, App, Caller, PASSWORD, email, stories};

async fn ask(caller: &Caller, address: &str, password: &str) -> Answer {
    caller.post("/v1/auth/email", json!({"email": address, "current_password": password})).await
}

async fn confirm(caller: &Caller, token: &str) -> Answer {
    caller.post("/v1/auth/email/confirm", json!({"token": token})).await
}

/// The mail to an address, of those that left.
#[track_caller]
fn to<'a>(mails: &'a [Mail], address: &str) -> &'a Mail {
    let mut found = mails.iter().filter(|mail| mail.to == address);
    let one = found.next().unwrap_or_else(|| panic!("nothing to {address}: {mails:?}"));
    assert!(found.next().is_none(), "{mails:?}");
    one
}

/// Asks, and takes the token out of the mail to the new address.
async fn asked(app: &App, caller: &Caller, address: &str) -> String {
    ask(caller, address, PASSWORD).await.expect(202);
    to(&app.mails().await, address).token()
}

stories! {
    async fn ann_takes_another_address(app) {
        let ann = app.owner_of("ann", "acme").await;
        let elsewhere = app.signs_in("ann").await;
        ask(&ann, "new@example.com", "wrong bicycles sing here").await.refused(422, "validation_failed").names("/current_password", "wrong");
        ask(&ann, "ANN@example.com", PASSWORD).await.refused(422, "validation_failed").names("/email", "unchanged");
        ask(&ann, "nonsense", PASSWORD).await.names("/email", "malformed");
        app.stranger().post("/v1/auth/email", json!({"email": "new@example.com", "current_password": PASSWORD})).await.refused(401, "credential_required");
        assert_eq!(app.waiting_mails().await, 0);

        ask(&ann, "New@example.com", PASSWORD).await.expect(202);
        let mails = app.mails().await;
        assert_eq!(mails.len(), 2);
        let token = to(&mails, "New@example.com").token();
        assert!(token.starts_with("rge_"));
        assert_eq!(to(&mails, "ann@example.com").subject, "Another e-mail address was asked for");
        assert!(!to(&mails, "ann@example.com").text.contains("rge_"));
        // Nothing is changed yet.
        assert_eq!(ann.get("/v1/auth/me").await.at("/email"), "ann@example.com");
        login(&app, "new@example.com", PASSWORD).await.refused(401, "login_failed");
        ask(&ann, "other@example.com", PASSWORD).await.refused(429, "rate_limited");

        app.stranger().post("/v1/auth/email/confirm", json!({"token": token})).await.refused(401, "credential_required");
        confirm(&ann, &token).await.expect(204);
        assert_eq!(ann.get("/v1/auth/me").await.at("/email"), "New@example.com");
        elsewhere.get("/v1/auth/me").await.refused(401, "invalid_credential");
        let notice = app.one_mail().await;
        assert_eq!((notice.to.as_str(), notice.subject.as_str()), ("ann@example.com", "Your e-mail address was changed"));
        login(&app, &email("ann"), PASSWORD).await.refused(401, "login_failed");
        login(&app, "new@example.com", PASSWORD).await.expect(200);
        confirm(&ann, &token).await.refused(409, "link_spent").names("/token", "link_spent");
        // The old address is free.
        app.person("ann").await;
    }

    async fn a_taken_address_is_told_to_its_reader_alone(app) {
        let ann = app.person("ann").await;
        app.person("bob").await;
        let (free, statements) = app.statements_while(ask(&ann, "free@example.com", PASSWORD)).await;
        app.it_is("2026-03-31T09:32:00Z");
        let (taken, same) = app.statements_while(ask(&ann, "BOB@example.com", PASSWORD)).await;
        assert_eq!((free.status, &free.raw), (taken.status, &taken.raw));
        assert_eq!(statements, same);
        let mails = app.mails().await;
        assert_eq!(to(&mails, "BOB@example.com").subject, "This address has an account already");
        assert!(!to(&mails, "BOB@example.com").text.contains("rge_"));
        // What was asked for before was taken back by the later wish.
        assert!(!mails.iter().any(|mail| mail.to == "free@example.com"));
    }

    async fn a_token_is_its_askers_and_has_its_time(app) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let token = asked(&app, &ann, "new@example.com").await;
        // Bob reads that mail, and cannot take Ann's wish for his own.
        confirm(&bob, &token).await.refused(409, "link_spent");
        for wrong in [json!({}), json!([]), json!(true), json!(0), json!(null)] {
            ann.post("/v1/auth/email/confirm", json!({"token": wrong})).await.refused(422, "validation_failed").names("/token", "wrong_type");
        }
        confirm(&ann, &format!("rgp_{}", &token[4..])).await.refused(409, "link_spent");
        confirm(&ann, "").await.refused(409, "link_spent");
        app.it_is("2026-03-31T09:35:00Z");
        // What is asked for later counts.
        let later = asked(&app, &ann, "later@example.com").await;
        confirm(&ann, &token).await.refused(409, "link_spent");
        // Another password voids it.
        let changed = ann.post("/v1/auth/password", json!({"current_password": PASSWORD, "new_password": "loud drum above sand"})).await;
        let ann = app.with_token("ann", changed.text("/access_token"));
        confirm(&ann, &later).await.refused(409, "link_spent");
        assert_eq!(ann.get("/v1/auth/me").await.at("/email"), "ann@example.com");
    }

    async fn a_token_for_an_address_lasts_ten_minutes(app) {
        let ann = app.person("ann").await;
        let token = asked(&app, &ann, "new@example.com").await;
        app.it_is("2026-03-31T09:40:00Z");
        confirm(&ann, &token).await.refused(409, "link_spent");
    }

    /// Two people want one address, and somebody registers it at the same moment: it has one account in the end.
    async fn an_address_is_taken_once(app) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let anns = asked(&app, &ann, "new@example.com").await;
        let bobs = asked(&app, &bob, "new@example.com").await;
        let stranger = app.stranger();
        let registers = stranger.post("/v1/auth/register", json!({"email": "new@example.com", "name": "Eve", "password": PASSWORD}));
        let (first, second, third) = futures_util::future::join3(confirm(&ann, &anns), confirm(&bob, &bobs), registers).await;
        let won = [first.status, second.status, third.status];
        assert_eq!(won.iter().filter(|status| **status < 300).count(), 1, "{won:?}");
        assert_eq!(won.iter().filter(|status| **status == 409).count(), 2, "{won:?}");
        for lost in [first, second].iter().filter(|answer| answer.status == 409) {
            lost.refused(409, "already_exists");
        }
        login(&app, "new@example.com", PASSWORD).await.expect(200);
    }

    async fn of_many_confirmations_one_succeeds(app) {
        let ann = app.person("ann").await;
        let token = asked(&app, &ann, "new@example.com").await;
        let all = futures_util::future::join_all((0..50).map(|_| async { confirm(&ann, &token).await.status })).await;
        assert_eq!(all.iter().filter(|status| **status == 204).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| matches!(status, 204 | 409)), "{all:?}");
    }
}
