//! Members: who they are, what they may do, and how they leave.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, email, stories};

/// The id of a caller as a member.
async fn id(caller: &Caller) -> String {
    caller.get("members/me").await.expect(200).text("/id").to_owned()
}

fn names(list: &crate::harness::Answer) -> Vec<String> {
    let items = list.expect(200).at("/items").as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

stories! {
    async fn members_are_listed_by_name_and_found(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "Bob", "member").await;
        app.joins(&ann, "carl_100%", "viewer").await;
        let dora = app.joins(&ann, "dora", "admin").await;
        assert_eq!(names(&bob.get("members").await), ["ann", "Bob", "carl_100%", "dora"]);
        assert_eq!(names(&bob.get("members?role=viewer&role=owner").await), ["ann", "carl_100%"]);
        assert_eq!(names(&bob.get("members?q=OB").await), ["Bob"]);
        assert_eq!(names(&bob.get("members?q=0%25").await), ["carl_100%"]);
        assert_eq!(names(&bob.get("members?q=%25").await), ["carl_100%"]);
        assert_eq!(names(&bob.get("members?q=_").await), ["carl_100%"]);
        assert_eq!(names(&bob.get("members?q=%5C").await), Vec::<String>::new());
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.put(&format!("teams/growth/members/{}", id(&bob).await), json!({})).await.expect(201);
        assert_eq!(names(&bob.get("members?team=growth").await), ["Bob"]);
        bob.get("members?team=nothing").await.refused(404, "not_found").names("team", "not_found");
        bob.get("members?team=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        bob.get("members?role=king").await.refused(400, "invalid_query");
        bob.get("members?sort=email").await.refused(400, "invalid_query");
        dora.delete(&format!("members/{}", id(&bob).await)).await.expect(204);
        assert_eq!(names(&ann.get("members").await), ["ann", "carl_100%", "dora"]);
        assert_eq!(names(&ann.get("members?state=removed").await), ["Bob"]);
        assert_eq!(names(&ann.get("members?team=growth&state=removed").await), Vec::<String>::new());
        let page = ann.get("members?limit=2&include=total").await;
        assert_eq!(names(&page), ["ann", "carl_100%"]);
        assert_eq!(page.at("/total"), 3);
        assert!(page.header("link").contains("rel=\"next\""));
        let next = ann.get(&format!("members?limit=2&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!(names(&next), ["dora"]);
        ann.get(&format!("members?limit=2&q=a&cursor={}", page.text("/next_cursor"))).await.refused(404, "cursor_not_found");
    }

    async fn addresses_are_for_admins_and_oneself(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let (of_ann, of_bob) = (id(&ann).await, id(&bob).await);
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/email"), "bob@example.com");
        assert_eq!(bob.get(&format!("members/{of_bob}")).await.at("/email"), "bob@example.com");
        let other = bob.get(&format!("members/{of_ann}")).await;
        assert_eq!(other.at("/email"), &Value::Null);
        assert_eq!(other.at("/can"), &json!({"rename": false, "change_role": false, "suspend": false, "remove": false}));
        assert_eq!(bob.get("members/me").await.at("/can"), &json!({"rename": true, "change_role": false, "suspend": false, "remove": true}));
        bob.get("members/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        bob.get("members/bob").await.refused(400, "invalid_id");
        bob.get("members/mem_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        let stranger = app.owner_of("eve", "evil").await;
        stranger.get(&format!("members/{of_ann}")).await.refused(404, "not_found");
        stranger.delete(&format!("members/{of_ann}")).await.refused(404, "not_found");
        stranger.patch(&format!("members/{of_ann}"), json!({"role": "viewer"})).await.refused(404, "not_found");
    }

    async fn everybody_changes_their_own_name_and_admins_roles(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let (of_ann, of_adam, of_mia, of_vic) = (id(&ann).await, id(&adam).await, id(&mia).await, id(&vic).await);
        let renamed = vic.patch("members/me", json!({"name": "Victor"})).await;
        assert_eq!(renamed.expect(200).at("/name"), "Victor");
        assert_eq!(renamed.at("/version"), 3, "invited, come, renamed");
        assert_eq!(vic.get("/v1/auth/me").await.at("/name"), "vic");
        let told = app.told("acme").await.len();
        vic.patch("members/me", json!({"name": "Victor"})).await.expect(200);
        assert_eq!(app.told("acme").await.len(), told);

        let before = app.people().await;
        vic.patch("members/me", json!({"role": "owner"})).await.refused(403, "forbidden");
        mia.patch("members/me", json!({"role": "admin"})).await.refused(403, "forbidden");
        mia.patch(&format!("members/{of_vic}"), json!({"name": "x"})).await.refused(403, "forbidden");
        adam.patch("members/me", json!({"role": "owner"})).await.refused(403, "forbidden");
        adam.patch(&format!("members/{of_mia}"), json!({"role": "owner"})).await.refused(403, "forbidden");
        adam.patch(&format!("members/{of_ann}"), json!({"role": "viewer"})).await.refused(403, "forbidden");
        adam.patch(&format!("members/{of_ann}"), json!({"name": "x"})).await.refused(403, "forbidden");
        adam.delete(&format!("members/{of_ann}")).await.refused(403, "forbidden");
        mia.delete(&format!("members/{of_vic}")).await.refused(403, "forbidden");
        ann.patch("members/me", json!({"role": "admin"})).await.refused(409, "last_owner");
        ann.delete("members/me").await.refused(409, "last_owner");
        ann.patch("members/me", json!({"role": "emperor"})).await.refused(422, "validation_failed").names("/role", "unknown_value");
        ann.patch("members/me", json!({"name": null})).await.refused(422, "validation_failed").names("/name", "wrong_type");
        ann.patch("members/me", json!({"name": "   "})).await.names("/name", "malformed");
        ann.patch("members/me", json!({"state": "removed"})).await.names("/state", "unknown_value");
        ann.patch("members/me", json!({"state": "suspended"})).await.refused(409, "conflict");
        ann.patch("members/me", json!({"title": "t".repeat(101)})).await.names("/title", "too_long");
        mia.patch("members/me", json!({"state": "suspended"})).await.refused(403, "forbidden");
        mia.patch(&format!("members/{of_vic}"), json!({"state": "suspended"})).await.refused(403, "forbidden");
        adam.patch(&format!("members/{of_ann}"), json!({"state": "suspended"})).await.refused(403, "forbidden");
        ann.patch("members/me", json!({"name": "A", "version": 9})).await.refused(409, "version_conflict");
        ann.call(Method::PATCH, "members/me").header("if-match", "\"9-x\"").json(&json!({"name": "A"})).send().await
            .refused(412, "precondition_failed");
        ann.call(Method::DELETE, &format!("members/{of_vic}")).header("if-match", "\"9-x\"").send().await
            .refused(412, "precondition_failed");
        assert_eq!(app.people().await, before);

        adam.patch(&format!("members/{of_vic}"), json!({"role": "member"})).await.expect(200);
        assert_eq!(vic.get("").await.at("/role"), "member");
        ann.patch(&format!("members/{of_adam}"), json!({"role": "owner"})).await.expect(200);
        ann.patch("members/me", json!({"role": "viewer"})).await.expect(200);
        ann.patch("members/me", json!({"role": "owner"})).await.refused(403, "forbidden");
    }

    async fn two_owners_who_demote_each_other_leave_one(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "owner").await;
        let (of_ann, of_bob) = (id(&ann).await, id(&bob).await);
        for _ in 0..10 {
            let (one, other) = (format!("members/{of_bob}"), format!("members/{of_ann}"));
            let (one, other) = futures_util::future::join(
                ann.patch(&one, json!({"role": "admin"})),
                bob.patch(&other, json!({"role": "admin"})),
            )
            .await;
            let owners = ann.get("members?role=owner").await;
            assert_eq!(names(&owners).len(), 1, "{} and {}", one.raw, other.raw);
            let (keeper, lost) = if owners.at("/items/0/id") == &json!(of_ann) { (&ann, &of_bob) } else { (&bob, &of_ann) };
            keeper.patch(&format!("members/{lost}"), json!({"role": "owner"})).await.expect(200);
        }
    }

    /// Owners demote, suspend and remove each other at the same moment: one always stays.
    async fn the_last_owner_stays_however_owners_race(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "owner").await;
        let (of_ann, of_bob) = (id(&ann).await, id(&bob).await);
        let act = async |caller: &Caller, whom: &str, way: usize| {
            let path = format!("members/{whom}");
            match way % 3 {
                0 => caller.patch(&path, json!({"role": "member"})).await,
                1 => caller.patch(&path, json!({"state": "suspended"})).await,
                _ => caller.delete(&path).await,
            }
        };
        for round in 0..12 {
            let (one, other) =
                futures_util::future::join(act(&ann, &of_bob, round), act(&bob, &of_ann, round / 2)).await;
            let (keeper, lost, gone) = match ann.get("members?role=owner&state=active").await {
                owners if owners.status == 200 && owners.at("/items/0/id") == &json!(of_ann) => (&ann, &of_bob, &bob),
                _ => (&bob, &of_ann, &ann),
            };
            let owners = keeper.get("members?role=owner&state=active").await;
            assert_eq!(names(&owners).len(), 1, "{} and {}", one.raw, other.raw);
            let path = format!("members/{lost}");
            match keeper.get(&path).await.text("/state") {
                "removed" => {
                    let email = keeper.get(&path).await.text("/email").to_owned();
                    let invited = keeper.post("invitations", json!({"email": email, "role": "owner"})).await;
                    gone.post("/v1/invitations/accept", json!({"token": invited.text("/token")})).await.expect(200);
                }
                _ => {
                    keeper.patch(&path, json!({"state": "active", "role": "owner"})).await.expect(200);
                }
            }
        }
    }

    async fn whoever_is_suspended_is_out_and_back_with_all_that_was_theirs(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let of_bob = id(&bob).await;
        let path = format!("members/{of_bob}");
        let token = bob.post("tokens", json!({"name": "mine", "scopes": ["read"]})).await;
        let token = app.with_token("bob's token", token.text("/token")).inside("acme");
        bob.post("kpis", json!({"name": "Churn rate", "owner_id": "me"})).await.expect(201);
        let link = bob.post("links", json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate"})).await;
        let shared = link.text("/shared_path").to_owned();
        app.stranger().get(&shared).await.expect(200);
        let titled = bob.patch("members/me", json!({"title": "Head of retention"})).await;
        assert_eq!(titled.expect(200).at("/title"), "Head of retention");

        let suspended = ann.patch(&path, json!({"state": "suspended"})).await;
        assert_eq!(suspended.expect(200).at("/state"), "suspended");
        assert_eq!(suspended.at("/title"), "Head of retention");
        bob.get("members").await.refused(404, "not_found");
        token.get("members").await.refused(401, "invalid_credential");
        app.stranger().get(&shared).await.refused(404, "not_found");
        assert_eq!(bob.get("/v1/auth/me").await.expect(200).at("/memberships"), &json!([]));
        ann.patch("kpis/churn-rate", json!({"owner_id": "me"})).await.expect(200);
        ann.patch("kpis/churn-rate", json!({"owner_id": of_bob})).await.refused(404, "not_found").names("/owner_id", "not_found");
        ann.post("invitations", json!({"email": email("bob")})).await.refused(409, "already_exists");
        let told = app.told("acme").await;
        assert_eq!(told.iter().filter(|told| *told == "member.suspended").count(), 1);
        ann.patch(&path, json!({"state": "suspended"})).await.expect(200);
        assert_eq!(app.told("acme").await, told);

        ann.patch(&path, json!({"state": "active"})).await.expect(200);
        bob.get("members").await.expect(200);
        token.get("members").await.expect(200);
        app.stranger().get(&shared).await.expect(200);
        assert_eq!(app.told("acme").await.last().map(String::as_str), Some("member.reactivated"));
        ann.delete(&path).await.expect(204);
        ann.patch(&path, json!({"state": "active"})).await.expect(200);
        ann.patch(&path, json!({"state": "suspended"})).await.refused(409, "conflict");
        bob.get("members").await.refused(404, "not_found");
    }

    async fn whoever_is_removed_is_out_at_once_and_can_come_back(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "admin").await;
        let of_bob = id(&bob).await;
        let token = bob.post("tokens", json!({"name": "mine", "scopes": ["read"]})).await;
        let token = app.with_token("bob's token", token.text("/token")).inside("acme");
        let service = bob.post("tokens", json!({"name": "shared", "kind": "service", "role": "viewer", "scopes": ["read"]})).await;
        let service = app.with_token("a service", service.text("/token")).inside("acme");
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.put(&format!("teams/growth/members/{of_bob}"), json!({"duty": "lead"})).await.expect(201);
        token.get("members").await.expect(200);
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        bob.get("members").await.refused(404, "not_found");
        token.get("members").await.refused(401, "invalid_credential");
        service.get("members").await.expect(200);
        bob.get("/v1/auth/me").await.expect(200);
        assert_eq!(ann.get("teams/growth").await.at("/leads"), &json!([]));
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/state"), "removed");
        let told = app.told("acme").await.len();
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        ann.patch(&format!("members/{of_bob}"), json!({"role": "viewer"})).await.refused(409, "conflict");
        assert_eq!(app.told("acme").await.len(), told);

        let invited = ann.post("invitations", json!({"email": email("bob"), "role": "viewer"})).await;
        let back = bob.post("/v1/invitations/accept", json!({"token": invited.text("/token")})).await;
        assert_eq!(back.expect(200).text("/member_id"), of_bob);
        assert_eq!(bob.get("").await.at("/role"), "viewer");
        token.get("members").await.refused(401, "invalid_credential");
        bob.delete("members/me").await.expect(204);
        bob.get("").await.refused(404, "not_found");
    }

    async fn tokens_manage_members_with_the_scope_for_it(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let of_bob = id(&bob).await;
        let token = async |scopes: Value| {
            let made = ann.post("tokens", json!({"name": "t", "scopes": scopes})).await;
            app.with_token("a token", made.text("/token")).inside("acme")
        };
        let (writes, manages) = (token(json!(["read", "write"])).await, token(json!(["admin"])).await);
        writes.patch(&format!("members/{of_bob}"), json!({"role": "viewer"})).await.refused(403, "insufficient_scope");
        writes.delete("members/me").await.refused(403, "insufficient_scope");
        manages.get("members").await.refused(403, "insufficient_scope");
        manages.patch(&format!("members/{of_bob}"), json!({"role": "viewer"})).await.expect(200);
        manages.post("invitations", json!({"email": email("x")})).await.refused(403, "person_required");
    }
}
