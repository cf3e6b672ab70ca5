//! Zoe looks after her account, and leaves in the end.

use reqwest::Method;
use serde_json::{Value, json};

use super::recorder::Recorder;
use crate::harness::{App, Caller, PASSWORD, email};

async fn signs_in(app: &App, address: &str, password: &str) -> Caller {
    let stranger = app.stranger();
    let call = stranger.call(Method::POST, "/v1/auth/login");
    let call =
        call.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let signed_in = call.json(&json!({"email": address, "password": password})).send().await;
    app.with_token("zoe", signed_in.text("/access_token"))
}

/// Every operation on an account beyond signing in and out.
pub async fn tell(app: &App, story: &mut Recorder) {
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    let stranger = app.stranger();
    let called = |path: &str| format!("/v1/auth/{path}");
    app.mails().await;

    let registered = app.person("zoe").await;
    registered.delete(&called("sessions")).await.expect(204);
    story.tell(&registered, patch, &called("me"), Some(json!({"name": "Zoe Miller"}))).await;
    registered.call(post.clone(), &called("logout")).send().await.expect(204);

    let before = signs_in(app, &email("zoe"), PASSWORD).await;
    let list = story.tell(&before, get, &called("sessions"), None).await;
    let zoe = signs_in(app, &email("zoe"), PASSWORD).await;
    story.tell(&zoe, delete.clone(), &called(&format!("sessions/{}", list.text("/items/0/id"))), None).await;
    story.tell(&zoe, delete, &called("sessions"), None).await;

    let body = |body: Value| Some(body);
    story
        .tell(&stranger, post.clone(), &called("password-reset"), body(json!({"email": email("zoe")})))
        .await;
    let new = "eight green umbrellas dance";
    let token = app.one_mail().await.token();
    let reset = body(json!({"token": token, "new_password": new}));
    story.tell(&stranger, post.clone(), &called("password-reset/confirm"), reset).await;
    app.mails().await;

    let zoe = signs_in(app, &email("zoe"), new).await;
    let change = body(json!({"email": "zoe.miller@example.com", "current_password": new}));
    story.tell(&zoe, post.clone(), &called("email"), change).await;
    let mails = app.mails().await;
    let mail =
        mails.iter().find(|mail| mail.to.starts_with("zoe.miller")).expect("a mail to the new address");
    story.tell(&zoe, post.clone(), &called("email/confirm"), body(json!({"token": mail.token()}))).await;
    story.tell(&zoe, post, &called("deletion"), body(json!({"current_password": new}))).await;
}
