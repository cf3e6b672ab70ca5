//! Teams: made by admins, seen by everybody.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, stories};

async fn id(caller: &Caller) -> String {
    caller.get("members/me").await.expect(200).text("/id").to_owned()
}

fn slugs(list: &crate::harness::Answer) -> Vec<String> {
    let items = list.expect(200).at("/items").as_array().unwrap();
    items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

stories! {
    async fn a_team_is_made_changed_and_archived(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("teams", json!({"name": "Growth & Sales", "description": "More."})).await;
        made.expect(201);
        assert_eq!(made.at("/slug"), "growth-sales");
        assert_eq!(made.at("/state"), "active");
        assert_eq!(made.at("/member_count"), 0);
        assert_eq!(ann.get(made.header("location")).await.expect(200).body, made.body);
        assert_eq!(ann.get("teams/growth-sales").await.expect(200).body, made.body);
        assert_eq!(ann.patch("teams/growth-sales", json!({"name": "Growth & Sales"})).await.expect(200).at("/version"), 1);
        let changed = ann.patch("teams/growth-sales", json!({"name": "Growth", "slug": null, "description": null})).await;
        assert_eq!(changed.expect(200).at("/slug"), "growth");
        assert_eq!(changed.at("/description"), &Value::Null);
        assert_eq!(changed.at("/version"), 2);
        ann.get("teams/growth-sales").await.refused(404, "not_found");
        ann.delete("teams/growth").await.expect(204);
        ann.delete("teams/growth").await.expect(204);
        assert_eq!(ann.get("teams/growth").await.at("/state"), "archived");
        assert_eq!(slugs(&ann.get("teams").await), Vec::<String>::new());
        assert_eq!(slugs(&ann.get("teams?state=archived").await), ["growth"]);
        ann.patch("teams/growth", json!({"name": "x"})).await.refused(409, "conflict");
        ann.put("teams/growth/members/me", json!({})).await.refused(409, "conflict");
        ann.post("teams", json!({"name": "Growth"})).await.refused(409, "already_exists").names("/slug", "already_exists");
        assert_eq!(app.told("acme").await, ["workspace.created", "team.created", "team.updated", "team.archived"]);
    }

    async fn people_are_put_into_teams(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let of_bob = id(&bob).await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.post("teams", json!({"name": "Delivery"})).await.expect(201);
        let path = format!("teams/growth/members/{of_bob}");
        let put = ann.put(&path, json!({})).await;
        put.expect(201);
        assert_eq!(put.at("/duty"), "member");
        assert_eq!(put.at("/member/name"), "bob");
        let told = app.told("acme").await.len();
        ann.put(&path, json!({"duty": "member"})).await.expect(200);
        assert_eq!(app.told("acme").await.len(), told);
        app.it_is("2026-03-31T09:31:00Z");
        let led = ann.put(&path, json!({"duty": "lead"})).await;
        assert_eq!(led.expect(200).at("/added_at"), put.at("/added_at"));
        ann.put("teams/growth/members/me", json!({})).await.expect(201);
        let people = bob.get("teams/growth/members").await;
        assert_eq!(people.expect(200).at("/items/0/member/name"), "ann");
        assert_eq!(people.at("/items/1/duty"), "lead");
        let team = bob.get("teams/growth").await;
        assert_eq!(team.at("/member_count"), 2);
        assert_eq!(team.at("/leads/0/name"), "bob");
        assert_eq!(team.at("/can/edit"), false);
        assert_eq!(slugs(&bob.get("teams").await), ["delivery", "growth"]);
        assert_eq!(slugs(&bob.get("teams?member=me").await), ["growth"]);
        assert_eq!(slugs(&ann.get(&format!("teams?member={of_bob}&q=GROW")).await), ["growth"]);
        bob.get("teams?member=bob").await.refused(400, "invalid_query");
        bob.get("teams?member=mem_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        assert_eq!(bob.get("teams/growth/members?limit=1").await.at("/items").as_array().unwrap().len(), 1);
        ann.delete(&path).await.expect(204);
        ann.delete(&path).await.refused(404, "not_found");
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        ann.put(&path, json!({})).await.refused(409, "conflict");
    }

    async fn what_is_wrong_with_a_team_is_told(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let foreign = app.owner_of("eve", "evil").await;
        foreign.post("teams", json!({"name": "Secret"})).await.expect(201);
        let of_eve = id(&foreign).await;
        let before = app.people().await;
        for (field, value, code) in [
            ("name", json!(null), "wrong_type"),
            ("name", json!(""), "too_short"),
            ("name", json!("a".repeat(201)), "too_long"),
            ("name", json!("a\u{0}"), "nul"),
            ("slug", json!("Big One"), "malformed"),
            ("slug", json!(7), "wrong_type"),
            ("description", json!("d".repeat(10_001)), "too_long"),
            ("description", json!(7), "wrong_type"),
            ("parent_id", json!(7), "wrong_type"),
            ("lead_id", json!("me"), "unknown_field"),
        ] {
            let mut body = json!({"name": "Another"});
            body[field] = value.clone();
            ann.post("teams", body).await.refused(422, "validation_failed").names(&format!("/{field}"), code);
            ann.patch("teams/growth", json!({field: value})).await.refused(422, "validation_failed").names(&format!("/{field}"), code);
        }
        ann.post("teams", json!({"name": "!!!"})).await.refused(422, "validation_failed").names("/slug", "required");
        ann.post("teams", json!({})).await.names("/name", "required");
        ann.post("teams", json!({"name": "growth"})).await.refused(409, "already_exists");
        ann.post("teams?dry_run=true", json!({"name": "Rehearsed"})).await.expect(201);
        ann.put("teams/growth/members/me?dry_run=true", json!({})).await.expect(201);
        ann.put("teams/growth/members/me", json!({"duty": "boss"})).await.refused(422, "validation_failed").names("/duty", "unknown_value");
        ann.put("teams/growth/members/me", json!({"role": "lead"})).await.names("/role", "unknown_field");
        ann.put(&format!("teams/growth/members/{of_eve}"), json!({})).await.refused(404, "not_found");
        ann.put("teams/secret/members/me", json!({})).await.refused(404, "not_found");
        ann.get("teams/secret").await.refused(404, "not_found");
        ann.get("teams/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("teams/team_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.call(Method::PATCH, "teams/growth").header("if-match", "\"9-x\"").json(&json!({"name": "x"})).send().await.refused(412, "precondition_failed");
        ann.patch("teams/growth", json!({"name": "x", "version": 9})).await.refused(409, "version_conflict");
        for caller in [&mia] {
            caller.post("teams", json!({"name": "Mine"})).await.refused(403, "forbidden");
            caller.patch("teams/growth", json!({"name": "Mine"})).await.refused(403, "forbidden");
            caller.delete("teams/growth").await.refused(403, "forbidden");
            caller.put("teams/growth/members/me", json!({})).await.refused(403, "forbidden");
            caller.delete("teams/growth/members/me").await.refused(403, "forbidden");
        }
        assert_eq!(app.people().await, before);
    }
}
