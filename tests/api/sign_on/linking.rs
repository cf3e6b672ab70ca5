//! Linking a provider to an account that is there, and unlinking it.

use serde_json::json;

use super::people::suspend;
use crate::harness::{PAGE, somebody, stories};

stories! {
    async fn ann_links_the_provider_to_her_account(app) {
        let ann = app.person("ann").await;
        let person = somebody("ann", "example.com");
        app.signs_on(&person).await.refused(409, "account_not_linked");
        let linked = app.links(&ann, &person).await;
        linked.expect(200);
        let again = app.signs_on(&person).await;
        assert_eq!(again.expect(200).at("/account/id"), linked.at("/account/id"));
        // Linking it once more is no change.
        app.links(&ann, &person).await.expect(200);
        let identities = ann.get("/v1/auth/identities").await;
        assert_eq!(identities.at("/items").as_array().map(Vec::len), Some(1));
        assert_eq!(identities.at("/has_password"), true);
        assert_eq!(identities.at("/items/0/can_unlink"), true);
        // The password goes on.
        app.signs_in("ann").await;

        // A person of the provider belongs to one account, whoever else asks for them.
        let bob = app.person("bob").await;
        app.links(&bob, &person).await.refused(409, "already_exists");
        assert_eq!(bob.get("/v1/auth/identities").await.at("/items"), &json!([]));

        // Nobody else's can be unlinked.
        let path = format!("/v1/auth/identities/{}", identities.text("/items/0/id"));
        bob.delete(&path).await.refused(404, "not_found");
        bob.delete("/v1/auth/identities/idn_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        bob.delete("/v1/auth/identities/mem_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.delete(&path).await.expect(204);
        ann.delete(&path).await.refused(404, "not_found");
        app.signs_on(&person).await.refused(409, "account_not_linked");
    }

    async fn the_address_of_a_linked_person_may_be_any(app) {
        // Ann proves who she is by her session, so the provider need not vouch for anything.
        let ann = app.person("ann").await;
        let mut person = somebody("ann", "elsewhere.example");
        person["email_verified"] = json!(false);
        app.links(&ann, &person).await.expect(200);
        assert_eq!(ann.get("/v1/auth/identities").await.at("/items/0/email"), &json!(null));
        assert_eq!(app.signs_on(&person).await.expect(200).at("/account/email"), "ann@example.com");
    }

    async fn the_last_way_in_stays(app) {
        let first = app.signs_on(&somebody("ann", "example.com")).await;
        let ann = app.with_token("ann", first.text("/access_token"));
        let only = ann.get("/v1/auth/identities").await.text("/items/0/id").to_owned();
        ann.delete(&format!("/v1/auth/identities/{only}")).await.refused(409, "last_way_in");
        app.links(&ann, &somebody("ann-at-home", "example.com")).await.expect(200);
        ann.delete(&format!("/v1/auth/identities/{only}")).await.expect(204);
        let left = ann.get("/v1/auth/identities").await;
        assert_eq!(left.at("/items/0/can_unlink"), false);
        let other = left.text("/items/0/id").to_owned();
        ann.delete(&format!("/v1/auth/identities/{other}")).await.refused(409, "last_way_in");
    }

    /// A stolen access token opens no lasting way in.
    async fn ways_in_change_only_shortly_after_signing_in(app) {
        let registered = app.stranger().post("/v1/auth/register", json!({"email": "ann@example.com", "name": "Ann", "password": crate::harness::PASSWORD})).await;
        let ann = app.with_token("ann", registered.text("/access_token"));
        let link = json!({"provider": "acme-id", "redirect_uri": PAGE});
        app.links(&ann, &somebody("ann", "example.com")).await.expect(200);
        let path = format!("/v1/auth/identities/{}", ann.get("/v1/auth/identities").await.text("/items/0/id"));
        app.it_is("2026-03-31T09:40:00Z");
        let renewed = app.stranger().post("/v1/auth/refresh", json!({"refresh_token": registered.text("/refresh_token")})).await;
        let ann = app.with_token("ann", renewed.text("/access_token"));
        ann.post("/v1/auth/identities", link.clone()).await.refused(403, "sign_in_again");
        ann.delete(&path).await.refused(403, "sign_in_again");
        let fresh = app.signs_in("ann").await;
        fresh.post("/v1/auth/identities", link.clone()).await.expect(200);
        fresh.delete(&path).await.expect(204);

        app.stranger().post("/v1/auth/identities", link.clone()).await.refused(401, "credential_required");
        let answer = fresh.post("/v1/auth/identities", json!({"provider": "other", "redirect_uri": PAGE})).await;
        answer.refused(404, "not_found").names("/provider", "not_found");
        let answer = fresh.post("/v1/auth/identities", json!({"provider": "acme-id", "redirect_uri": "https://evil.example"})).await;
        answer.refused(422, "validation_failed").names("/redirect_uri", "not_registered");
    }

    /// A link that was begun ends with the session that began it.
    async fn a_link_ends_with_its_session(app) {
        let person = somebody("ann", "example.com");
        let link = json!({"provider": "acme-id", "redirect_uri": PAGE});
        let ann = app.person("ann").await;
        let begun = ann.post("/v1/auth/identities", link.clone()).await;
        let came = app.visits(&begun, &person).await;
        ann.call(reqwest::Method::POST, "/v1/auth/logout").send().await.expect(204);
        app.hands_in(&came).await.refused(401, "sign_on_refused");

        let ann = app.signs_in("ann").await;
        let begun = ann.post("/v1/auth/identities", link).await;
        let came = app.visits(&begun, &person).await;
        suspend(&app, "ann@example.com").await;
        app.hands_in(&came).await.refused(401, "sign_on_refused");
    }

    /// API tokens change no account.
    async fn tokens_link_nothing(app) {
        let ann = app.owner_of("ann", "acme").await;
        let token = ann.post("tokens", json!({"name": "script", "scopes": ["read", "admin"]})).await;
        let script = app.with_token("script", token.text("/token"));
        script.get("/v1/auth/identities").await.refused(403, "person_required");
        let link = json!({"provider": "acme-id", "redirect_uri": PAGE});
        script.post("/v1/auth/identities", link).await.refused(403, "person_required");
        script.delete("/v1/auth/identities/idn_01h455vb4pex5vsknk084sn02q").await.refused(403, "person_required");
    }
}
