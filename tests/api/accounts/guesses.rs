//! How much comes from one address, whoever it says that it comes from.

use regimen::http::limits::{LimitMode, Quotas};
use serde_json::json;

use crate::harness::{App, EngineUnderTest, PASSWORD, Settings, email, play_with};

fn strict(trusted: &[&str]) -> Settings {
    Settings {
        limits: LimitMode::On,
        // Only sign-ins are scarce here.
        quotas: Quotas { strangers: 6_000, ..Quotas::default() },
        trusted_proxies: trusted.iter().map(|text| text.parse().expect("a network")).collect(),
        ..Settings::default()
    }
}

/// How many of a thousand guesses at a thousand accounts were looked at, each with another forged sender.
async fn looked_at(app: &App) -> u64 {
    let before = app.state.hasher.made();
    for number in 0..1_000_u32 {
        let stranger = app.stranger();
        let sender = format!("198.{}.{}.7", number / 250, number % 250);
        let body = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
        let call = stranger.call(reqwest::Method::POST, "/v1/auth/login").header("x-forwarded-for", &sender);
        let answer = call.header("forwarded", &format!("for={sender}")).json(&body).fetch().await;
        assert!(matches!(answer.status, 401 | 429), "{}", answer.raw);
    }
    app.state.hasher.made() - before
}

#[test]
fn a_thousand_forged_senders_are_one() {
    play_with(EngineUnderTest::Sqlite, strict(&[]), async |app: App| {
        let looked_at = looked_at(&app).await;
        // Thirty, and one more for every two seconds that this takes.
        assert!((30..60).contains(&looked_at), "{looked_at}");
        // Registering and asking for a new password count together with signing in.
        let person = json!({"email": email("ann"), "name": "Ann", "password": PASSWORD});
        let refused = app.stranger().post("/v1/auth/register", person).await;
        let reset = app.stranger().post("/v1/auth/password-reset", json!({"email": email("ann")})).await;
        let token = json!({"token": "rgp_x", "new_password": "loud drum above sand"});
        let confirmed = app.stranger().post("/v1/auth/password-reset/confirm", token).await;
        let limited = [&refused, &reset, &confirmed].iter().filter(|answer| answer.status == 429).count();
        assert!(limited >= 2, "{} {} {}", refused.raw, reset.raw, confirmed.raw);
        assert!(
            reset.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds <= 60)
                || reset.status == 202
        );
    });
}

#[test]
fn whom_a_trusted_proxy_names_is_believed() {
    play_with(EngineUnderTest::Sqlite, strict(&["127.0.0.0/8"]), async |app: App| {
        assert_eq!(looked_at(&app).await, 1_000);
    });
}
