//! Whose account somebody gets who comes from a provider, and which workspaces they join.

use regimen::config::Registration;
use serde_json::{Value, json};

use super::with;
use crate::harness::{App, Caller, EngineUnderTest, email, play_where, somebody, stories};

/// Somebody with an address of acme.example signs in.
async fn from_acme(app: &App, name: &str) -> Caller {
    let answer = app.signs_on(&somebody(name, "acme.example")).await;
    answer.expect(200);
    app.with_token(name, answer.text("/access_token"))
}

pub async fn suspend(app: &App, address: &str) {
    use diesel::prelude::*;
    use regimen::store::schema::accounts;
    use regimen::store::{Author, Lane, StoreError};
    let address = address.to_owned();
    let job = move |tx: &mut regimen::store::Tx| -> Result<(), StoreError> {
        diesel::update(accounts::table.filter(accounts::email_folded.eq(&address)))
            .set(accounts::state.eq("suspended"))
            .execute(tx.db())?;
        Ok(())
    };
    app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written");
}

stories! {
    async fn an_address_that_nobody_vouches_for_makes_no_account(app) {
        let before = app.people().await;
        let ann = somebody("ann", "acme.example");
        for wrong in [
            with(&ann, "email_verified", json!(false)),
            with(&ann, "email_verified", json!("false")),
            with(&ann, "claims", json!({"email_verified": null})),
            with(&ann, "claims", json!({"email": null, "email_verified": null})),
            with(&ann, "email", json!("no address")),
            with(&ann, "email", json!("ann@evil.example@acme.example")),
        ] {
            app.signs_on(&wrong).await.refused(403, "email_not_verified");
        }
        assert_eq!(app.people().await, before);
    }

    async fn an_account_is_not_taken_over(app) {
        let ann = app.person("ann").await;
        let before = app.people().await;
        let claimed = somebody("somebody-else", "example.com");
        for address in ["ann@example.com", "ANN@Example.com"] {
            app.signs_on(&with(&claimed, "email", json!(address))).await.refused(409, "account_not_linked");
            let unverified = with(&with(&claimed, "email", json!(address)), "email_verified", json!(false));
            // Whoever is not vouched for learns not even that there is an account.
            app.signs_on(&unverified).await.refused(403, "email_not_verified");
        }
        assert_eq!(app.people().await, before);
        assert_eq!(ann.get("/v1/auth/identities").await.at("/items"), &json!([]));
    }

    async fn a_domain_joins_its_workspace(app) {
        let owner = app.owner_of("olga", "acme").await;
        owner.post("teams", json!({"name": "Growth"})).await.expect(201);
        let ann = from_acme(&app, "ann").await;
        let me = ann.get("/v1/auth/me").await;
        assert_eq!(me.at("/memberships/0/workspace/slug"), "acme");
        assert_eq!(me.at("/memberships/0/role"), "member");
        let team = owner.get("teams/growth/members").await;
        assert_eq!(team.at("/items/0/member/name"), "ann");
        let told = app.told("acme").await;
        assert_eq!(told[told.len() - 2..], ["member.joined", "team.updated"]);
        let events = owner.get("events?limit=2").await;
        let joined = events.at("/items").as_array().unwrap().iter().find(|event| event["type"] == "member.joined").unwrap();
        assert_eq!(joined["change"], json!({"role": "member", "provider": "acme-id"}));
        assert_eq!(joined["actor"]["name"], "ann");
        // Coming again changes nothing, and neither does what people decided since.
        from_acme(&app, "ann").await;
        assert_eq!(app.told("acme").await, told);
        let member = me.text("/memberships/0/member_id").to_owned();
        owner.patch(&format!("members/{member}"), json!({"role": "viewer"})).await.expect(200);
        from_acme(&app, "ann").await;
        assert_eq!(ann.get("/v1/auth/me").await.at("/memberships/0/role"), "viewer");
        // Who was removed comes back by invitation alone.
        owner.delete(&format!("members/{member}")).await.expect(204);
        let before = app.told("acme").await;
        let ann = from_acme(&app, "ann").await;
        assert_eq!(ann.get("/v1/auth/me").await.at("/memberships"), &json!([]));
        assert_eq!(app.told("acme").await, before);
    }

    async fn other_domains_join_nothing(app) {
        app.owner_of("olga", "acme").await;
        for (name, address) in [
            ("ann", "ann@sub.acme.example"), ("bob", "bob@notacme.example"), ("kim", "kim@acme.example.org"), ("eve", "eve@example.com"),
        ] {
            let signed_in = app.signs_on(&with(&somebody(name, "x"), "email", json!(address))).await;
            let me = app.with_token(name, signed_in.expect(200).text("/access_token")).get("/v1/auth/me").await;
            assert_eq!(me.at("/memberships"), &json!([]), "{address}");
        }
        // However it is written.
        let signed_in = app.signs_on(&with(&somebody("zoe", "x"), "email", json!("Zoe@ACME.Example"))).await;
        let me = app.with_token("zoe", signed_in.text("/access_token")).get("/v1/auth/me").await;
        assert_eq!(me.at("/memberships/0/role"), "member");
        // An address that the provider vouches for no more lets nobody join.
        let late = app.signs_on(&with(&with(&somebody("eve", "acme.example"), "email_verified", json!(false)), "name", json!("Eve"))).await;
        let me = app.with_token("eve", late.expect(200).text("/access_token")).get("/v1/auth/me").await;
        assert_eq!(me.at("/memberships"), &json!([]));
    }

    async fn a_suspended_account_does_not_get_in(app) {
        let ann = somebody("ann", "example.com");
        let signed_in = app.signs_on(&ann).await;
        suspend(&app, "ann@example.com").await;
        app.signs_on(&ann).await.refused(401, "sign_on_refused");
        app.with_token("ann", signed_in.text("/access_token")).get("/v1/auth/me").await.refused(401, "invalid_credential");
    }
}

/// Where accounts are made by invitation, a provider's word is not enough; a domain that joins is.
async fn by_invitation(app: App) {
    // The first account needs none.
    let first = app.signs_on(&somebody("olga", "example.com")).await;
    let olga = app.with_token("olga", first.expect(200).text("/access_token"));
    let ann = somebody("ann", "example.com");
    let before = app.people().await;
    app.signs_on(&ann).await.refused(403, "invitation_required");
    // The workspace of the domain is not there yet.
    app.signs_on(&somebody("kim", "acme.example")).await.refused(403, "invitation_required");
    assert_eq!(app.people().await, before);
    let workspace = json!({"name": "Acme", "slug": "acme", "time_zone": "Europe/Berlin"});
    olga.post("/v1/workspaces", workspace).await.expect(201);
    let olga = olga.inside("acme");
    app.signs_on(&somebody("kim", "acme.example")).await.expect(200);

    let invite = async |name: &str| {
        let invited = olga.post("invitations", json!({"email": email(name), "role": "admin"})).await;
        invited.expect(201);
        invited.text("/token").to_owned()
    };
    let (for_ann, for_bob) = (invite("ann").await, invite("bob").await);
    let with_token = async |person: &Value, token: &str| {
        let begun = app.begins().await;
        let came = app.visits(&begun, person).await;
        app.hands_in(&with(&came, "invitation_token", json!(token))).await
    };
    with_token(&ann, &for_bob).await.refused(404, "not_found").names("/invitation_token", "not_found");
    with_token(&ann, "rgi_none").await.refused(404, "not_found");
    with_token(&with(&ann, "email_verified", json!(false)), &for_ann)
        .await
        .refused(403, "email_not_verified");
    let joined = with_token(&ann, &for_ann).await;
    let me = app.with_token("ann", joined.expect(200).text("/access_token")).get("/v1/auth/me").await;
    assert_eq!(me.at("/memberships/0/role"), "admin");
}

#[test]
fn by_invitation_on_sqlite() {
    for rule in [None, Some(Registration::Invited)] {
        play_where(EngineUnderTest::Sqlite, rule, by_invitation);
    }
}

#[test]
fn by_invitation_on_postgres() {
    play_where(EngineUnderTest::Postgres, Some(Registration::Invited), by_invitation);
}
