//! A new password by mail.

use regimen::mail::Transport;
use serde_json::{Value, json};

use super::{login, refresh, suspend};
use crate::harness::{Answer, App, EngineUnderTest, PASSWORD, Settings, email, play_with, stories};

const NEW: &str = "loud drum above sand";

async fn ask(app: &App, address: &str) -> Answer {
    app.stranger().post("/v1/auth/password-reset", json!({"email": address})).await
}

async fn confirm(app: &App, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "new_password": password});
    app.stranger().post("/v1/auth/password-reset/confirm", body).await
}

stories! {
    async fn ann_forgot_her_password(app) {
        let before = app.person("ann").await;
        before.post("/v1/workspaces", json!({"name": "Umbrella"})).await.expect(201);
        let session = login(&app, &email("ann"), PASSWORD).await;
        let asked = ask(&app, "ANN@example.com").await;
        asked.expect(202);
        assert_eq!(asked.raw, "");
        let mail = app.one_mail().await;
        assert_eq!(mail.to, "ann@example.com");
        let token = mail.token();
        assert!(token.starts_with("rgp_"));
        assert!(mail.text.contains(&format!("{}/reset-password#{token}", app.url)));
        assert_eq!(app.waiting_mails().await, 0);

        confirm(&app, &token, "short").await.refused(422, "validation_failed").names("/new_password", "too_short");
        confirm(&app, &token, "passwordpassword").await.names("/new_password", "common");
        confirm(&app, &token, "umbrella 2026 umbrella").await.names("/new_password", "contextual");
        let done = confirm(&app, &token, NEW).await;
        done.expect(204);
        assert_eq!(done.raw, "");
        before.get("/v1/auth/me").await.refused(401, "invalid_credential");
        refresh(&app, session.text("/refresh_token")).await.refused(401, "invalid_credential");
        login(&app, &email("ann"), PASSWORD).await.refused(401, "login_failed");
        login(&app, &email("ann"), NEW).await.expect(200);
        let notice = app.one_mail().await;
        assert_eq!((notice.to.as_str(), notice.subject.as_str()), ("ann@example.com", "Your password was changed"));
        confirm(&app, &token, PASSWORD).await.refused(409, "link_spent").names("/token", "link_spent");
        login(&app, &email("ann"), NEW).await.expect(200);
    }

    async fn nobody_learns_who_has_an_account(app) {
        app.person("ann").await;
        app.person("bob").await;
        suspend(&app, "bob").await;
        let mut told = Vec::new();
        for address in ["ann@example.com", "nobody@example.com", "bob@example.com"] {
            let hashes = app.state.hasher.made();
            let (answer, statements) = app.statements_while(ask(&app, address)).await;
            answer.expect(202);
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers.remove("date");
            told.push((answer.raw, format!("{headers:?}"), statements, app.state.hasher.made() - hashes));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        // One of them has an account that may come in.
        assert_eq!(app.one_mail().await.to, "ann@example.com");
        assert_eq!(app.waiting_mails().await, 0);
    }

    async fn of_many_uses_of_a_token_one_succeeds(app) {
        app.person("ann").await;
        ask(&app, &email("ann")).await.expect(202);
        let token = app.one_mail().await.token();
        let all = futures_util::future::join_all((0..50).map(|number| {
            let (app, token) = (&app, &token);
            async move { confirm(app, token, &format!("loud drum above sand {number}")).await.status }
        })).await;
        assert_eq!(all.iter().filter(|status| **status == 204).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| matches!(status, 204 | 409 | 503)), "{all:?}");
        confirm(&app, &token, NEW).await.refused(409, "link_spent");
    }

    async fn a_token_is_typed_and_has_its_time(app) {
        app.person("ann").await;
        ask(&app, &email("ann")).await.expect(202);
        let token = app.one_mail().await.token();
        for wrong in [json!({}), json!([]), json!(true), json!(0), json!(null)] {
            let body = json!({"token": wrong, "new_password": NEW});
            let answer = app.stranger().post("/v1/auth/password-reset/confirm", body).await;
            answer.refused(422, "validation_failed").names("/token", "wrong_type");
            app.stranger().post("/v1/auth/password-reset", json!({"email": wrong})).await.refused(422, "validation_failed").names("/email", "wrong_type");
        }
        for wrong in ["", "rgp_", &token[..46], &format!("rgr_{}", &token[4..]), &format!("rge_{}", &token[4..]), &format!("{}A", &token[..46]), "rgp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            if *wrong != token {
                confirm(&app, wrong, NEW).await.refused(409, "link_spent");
            }
        }
        // A token for a password is none for anything else.
        refresh(&app, &token).await.refused(401, "invalid_credential");
        app.with_token("a thief", &token).get("/v1/auth/me").await.refused(401, "invalid_credential");
        app.it_is("2026-03-31T09:40:00Z");
        confirm(&app, &token, NEW).await.refused(409, "link_spent");
        login(&app, &email("ann"), PASSWORD).await.expect(200);
    }

    async fn another_password_voids_what_was_mailed(app) {
        let ann = app.person("ann").await;
        app.it_is("2026-03-31T09:31:00Z");
        ask(&app, &email("ann")).await.expect(202);
        let mailed = app.one_mail().await.token();
        app.it_is("2026-03-31T09:33:00Z");
        ask(&app, &email("ann")).await.expect(202);
        app.it_is("2026-03-31T09:33:01Z");
        ann.post("/v1/auth/password", json!({"current_password": PASSWORD, "new_password": NEW})).await.expect(200);
        // What was asked for before and waits still is not sent any more.
        assert_eq!(app.one_mail().await.subject, "Your password was changed");
        confirm(&app, &mailed, PASSWORD).await.refused(409, "link_spent");
        login(&app, &email("ann"), NEW).await.expect(200);
    }

    async fn the_suspended_do_not_come_in_this_way(app) {
        app.person("ann").await;
        ask(&app, &email("ann")).await.expect(202);
        let token = app.one_mail().await.token();
        suspend(&app, "ann").await;
        confirm(&app, &token, NEW).await.refused(409, "link_spent");
        app.it_is("2026-03-31T09:35:00Z");
        ask(&app, &email("ann")).await.expect(202);
        assert!(app.mails().await.is_empty());
    }

    async fn one_mail_goes_out_in_two_minutes(app) {
        app.person("ann").await;
        for _ in 0..20 {
            ask(&app, &email("ann")).await.expect(202);
        }
        let token = app.one_mail().await.token();
        app.it_is("2026-03-31T09:31:59Z");
        ask(&app, &email("ann")).await.expect(202);
        assert!(app.mails().await.is_empty());
        app.it_is("2026-03-31T09:32:00Z");
        ask(&app, &email("ann")).await.expect(202);
        app.one_mail().await;
        // Whoever asks too often keeps nobody from what was sent.
        confirm(&app, &token, NEW).await.expect(204);
    }

    /// After a hundred guesses not even the right password is looked at. Who is signed in stays so, and a mail helps.
    async fn a_hundred_guesses_are_enough(app) {
        let living = app.person("ann").await;
        guessed(&app, 99).await;
        login(&app, &email("ann"), "wrong bicycles sing here").await.refused(401, "login_failed");
        app.it_is("2026-03-31T09:35:00Z");
        let made = app.state.hasher.made();
        for day in ["2026-03-31T09:36:00Z", "2026-04-01T09:36:00Z"] {
            app.it_is(day);
            login(&app, &email("ann"), PASSWORD).await.refused(429, "rate_limited");
            regimen_sweep(&app).await;
        }
        assert_eq!(app.state.hasher.made(), made);
        app.it_is("2026-03-31T09:36:00Z");
        living.get("/v1/auth/me").await.expect(200);
        ask(&app, &email("ann")).await.expect(202);
        confirm(&app, &app.one_mail().await.token(), NEW).await.expect(204);
        login(&app, &email("ann"), NEW).await.expect(200);
    }

    /// Whoever runs the server makes a token by hand, where no mail is sent.
    async fn the_command_line_makes_one_too(app) {
        app.person("ann").await;
        let make = |tx: &mut regimen::store::Tx| regimen::people::seed::password_reset(tx, "Ann@example.com").map(|token| token.reveal());
        let store = &app.state.store;
        let author = || regimen::store::Author::system("test");
        let token = store.write(regimen::store::Lane::Open, author(), make).await.expect("a token");
        confirm(&app, &token, NEW).await.expect(204);
        login(&app, &email("ann"), NEW).await.expect(200);
        suspend(&app, "ann").await;
        assert!(store.write(regimen::store::Lane::Open, author(), make).await.is_err());
    }
}

/// So many guesses were made at Ann's password.
async fn guessed(app: &App, failures: i32) {
    use diesel::prelude::*;
    use regimen::store::schema::sign_in_attempts;
    use regimen::store::{Author, Lane, StoreError};
    login(app, &email("ann"), "wrong bicycles sing here").await.refused(401, "login_failed");
    let job = move |tx: &mut regimen::store::Tx| -> Result<usize, StoreError> {
        Ok(diesel::update(sign_in_attempts::table.filter(sign_in_attempts::failures.gt(0)))
            .set(sign_in_attempts::failures.eq(failures))
            .execute(tx.db())?)
    };
    assert_eq!(
        app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written"),
        1
    );
}

async fn regimen_sweep(app: &App) {
    use regimen::store::{Author, Lane};
    let swept = app.state.store.write(Lane::Open, Author::system("test"), regimen::people::accounts::sweep);
    swept.await.expect("it is swept");
}

/// Where no mails are sent, the answer says so to everybody, known or not.
async fn without_mails(app: App) {
    let ann = app.person("ann").await;
    let mut bodies: Vec<Value> = Vec::new();
    for address in ["ann@example.com", "nobody@example.com"] {
        let mut answer = ask(&app, address).await;
        answer.refused(409, "mail_not_configured");
        answer.body["request_id"] = Value::Null;
        bodies.push(answer.body);
    }
    assert_eq!(bodies[0], bodies[1]);
    let change = json!({"email": "new@example.com", "current_password": PASSWORD});
    ann.post("/v1/auth/email", change).await.refused(409, "mail_not_configured");
    let change = json!({"current_password": PASSWORD, "new_password": NEW});
    ann.post("/v1/auth/password", change).await.expect(200);
    assert_eq!(app.waiting_mails().await, 0);
}

#[test]
fn without_mails_on_sqlite() {
    let settings = Settings { mail: Some(Transport::OFF), ..Settings::default() };
    play_with(EngineUnderTest::Sqlite, settings, without_mails);
}

#[test]
fn without_mails_on_postgres() {
    let settings = Settings { mail: Some(Transport::OFF), ..Settings::default() };
    play_with(EngineUnderTest::Postgres, settings, without_mails);
}
