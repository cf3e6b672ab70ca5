//! What somebody answers for, and handing it over.

use serde_json::json;

use super::{made, me};
use crate::harness::{App, Caller, stories};

/// The types and names of what somebody answers for, as a caller sees it.
async fn held(caller: &Caller, member: &str) -> Vec<String> {
    let shown = caller.get(&format!("members/{member}/holdings")).await;
    let items = shown.expect(200).at("/items").as_array().expect("items");
    items
        .iter()
        .map(|item| format!("{} {}", item["type"].as_str().unwrap(), item["name"].as_str().unwrap()))
        .collect()
}

/// Ann owns the workspace; Bob is an admin who holds one of each thing.
async fn cast(app: &App) -> (Caller, Caller, String) {
    let ann = app.owner_of("ann", "acme").await;
    let bob = app.joins(&ann, "bob", "admin").await;
    let of_bob = me(&bob).await;
    ann.post("teams", json!({"name": "Growth"})).await.expect(201);
    ann.put(&format!("teams/growth/members/{of_bob}"), json!({"duty": "lead"})).await.expect(201);
    bob.post("kpis", json!({"name": "Churn rate", "owner_id": "me", "target": {"max": 4}})).await.expect(201);
    bob.post("kpis", json!({"name": "Secret", "owner_id": "me", "visibility": "private"})).await.expect(201);
    bob.post("kpis", json!({"name": "Old", "owner_id": "me"})).await.expect(201);
    bob.delete("kpis/old").await.expect(204);
    let objective = made(&bob, "objectives", json!({"title": "Keep customers", "owner_id": "me"})).await;
    let key_result =
        json!({"title": "Interviews", "kind": "increase", "start": 0, "target": 10, "owner_id": "me"});
    made(&bob, &format!("objectives/{objective}/key-results"), key_result).await;
    made(&bob, "objectives", json!({"title": "In secret", "owner_id": "me", "visibility": "private"})).await;
    made(&bob, "initiatives", json!({"objective_id": objective, "title": "Ask around", "owner_id": "me"}))
        .await;
    let done = json!({"objective_id": objective, "title": "Asked", "owner_id": "me", "status": "done"});
    made(&bob, "initiatives", done).await;
    made(&bob, "boards", json!({"name": "Monday", "owner_id": "me", "kpi_ids": ["churn-rate"]})).await;
    made(&bob, "tokens", json!({"name": "feeds", "kind": "service", "role": "viewer", "scopes": ["read"]}))
        .await;
    made(&bob, "tokens", json!({"name": "mine", "scopes": ["read"]})).await;
    made(&bob, "links", json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate"})).await;
    let wait = json!({"kpi_id": "churn-rate", "choice": "continue", "summary": "Wait for June", "revisit_on": "2026-06-30"});
    made(&bob, "decisions", wait).await;
    (ann, bob, of_bob)
}

const OPEN: [&str; 9] = [
    "kpi Churn rate",
    "objective Keep customers",
    "key_result Interviews",
    "initiative Ask around",
    "board Monday",
    "team Growth",
    "token feeds",
    "link Wiki",
    "decision continue: Churn rate",
];

stories! {
    async fn what_somebody_answers_for_is_listed(app) {
        let (ann, bob, of_bob) = cast(&app).await;
        let mia = app.joins(&ann, "mia", "member").await;
        assert_eq!(held(&ann, &of_bob).await, OPEN);
        let by_ann = ann.get(&format!("members/{of_bob}/holdings")).await;
        assert_eq!(by_ann.at("/hidden_count"), 2);
        assert_eq!(by_ann.at("/counts/kpi"), 1);
        assert!(!by_ann.raw.to_lowercase().contains("secret"));
        let own = bob.get("members/me/holdings").await;
        assert_eq!(own.expect(200).at("/hidden_count"), 0);
        assert_eq!(own.at("/counts/kpi"), 2);
        assert_eq!(own.at("/counts/objective"), 2);
        mia.get(&format!("members/{of_bob}/holdings")).await.refused(403, "forbidden");
        mia.get("members/me/holdings").await.expect(200);
        ann.get("members/mem_01h455vb4pex5vsknk084sn02q/holdings").await.refused(404, "not_found");
        app.owner_of("eve", "evil").await.get(&format!("members/{of_bob}/holdings")).await.refused(404, "not_found");
    }

    async fn it_is_handed_over_in_one_go(app) {
        let (ann, bob, of_bob) = cast(&app).await;
        let mia = app.joins(&ann, "mia", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let of_mia = me(&mia).await;
        let path = format!("members/{of_bob}/reassign");
        let told = app.told("acme").await.len();
        for caller in [&mia, &vic] {
            caller.post(&path, json!({"to": "me"})).await.refused(403, "forbidden");
        }
        vic.post("members/me/reassign", json!({"to": of_mia})).await.refused(403, "forbidden");
        bob.post(&format!("members/{}/reassign", me(&ann).await), json!({"to": "me"})).await.refused(403, "forbidden");
        ann.post(&path, json!({"to": of_bob})).await.refused(422, "validation_failed").names("/to", "same_member");
        ann.post(&path, json!({"to": "mem_01h455vb4pex5vsknk084sn02q"})).await.refused(404, "not_found").names("/to", "not_found");
        ann.post(&path, json!({"to": of_mia, "types": ["link"]})).await.names("/types/0", "unknown_value");
        ann.post(&path, json!({})).await.names("/to", "required");
        mia.post("members/me/reassign", json!({"to": of_bob, "types": ["team"]})).await.refused(403, "forbidden");
        let rehearsed = ann.post(&format!("{path}?dry_run=true"), json!({"to": of_mia})).await;
        assert_eq!(rehearsed.expect(200).at("/counts/kpi"), 1);
        assert_eq!(app.told("acme").await.len(), told);
        assert_eq!(held(&ann, &of_bob).await, OPEN);

        let first = ann.post(&path, json!({"to": of_mia, "types": ["kpi"]})).await;
        assert_eq!(first.expect(200).at("/counts/kpi"), 1);
        assert_eq!(first.at("/counts/objective"), 0);
        assert_eq!(first.at("/hidden_count"), 1);
        assert_eq!(app.told("acme").await[told..], ["kpi.updated", "member.reassigned"]);
        let kpi = mia.get("kpis/churn-rate").await;
        assert_eq!(kpi.at("/owner_id"), &json!(of_mia));
        assert_eq!(kpi.at("/version"), 2);
        let rest = ann.post(&path, json!({"to": of_mia})).await;
        rest.expect(200);
        let told = &app.told("acme").await[told + 2..];
        assert_eq!(told, ["objective.updated", "key_result.updated", "initiative.updated", "board.updated", "team.updated", "token.reassigned", "member.reassigned"]);
        assert_eq!(held(&ann, &of_bob).await, ["link Wiki", "decision continue: Churn rate"]);
        assert_eq!(held(&ann, &of_mia).await, OPEN[..7]);
        assert_eq!(ann.get("teams/growth").await.at("/leads/0/name"), "mia");
        assert_eq!(ann.get("teams/growth").await.at("/member_count"), 2);
        bob.get("kpis/secret").await.expect(200);
        mia.get("kpis/secret").await.refused(404, "not_found");
        // Nothing is left: nothing is told.
        let told = app.told("acme").await.len();
        assert_eq!(ann.post(&path, json!({"to": of_mia})).await.expect(200).at("/hidden_count"), 2);
        assert_eq!(app.told("acme").await.len(), told);
        // Their own, the secret things too; leading is handed over by admins.
        let own = bob.post("members/me/reassign", json!({"to": of_mia})).await;
        assert_eq!(own.expect(200).at("/counts/kpi"), 1);
        mia.get("kpis/secret").await.expect(200);
        let back = mia.post("members/me/reassign", json!({"to": of_bob})).await;
        assert_eq!(back.expect(200).at("/counts/team"), 0);
        assert_eq!(back.at("/counts/kpi"), 2);
        assert_eq!(held(&ann, &of_mia).await, ["team Growth", "token feeds"]);
    }

    async fn what_is_left_behind_is_told_and_can_be_handed_over_later(app) {
        let (ann, _, of_bob) = cast(&app).await;
        let mia = app.joins(&ann, "mia", "member").await;
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        let event = ann.get("events?type=member.removed").await;
        assert_eq!(event.at("/items/0/change/held/kpi"), 2);
        assert_eq!(event.at("/items/0/change/held/token"), 1);
        assert!(!held(&ann, &of_bob).await.contains(&"team Growth".to_owned()));
        let body = json!({"to": me(&mia).await});
        let handed = ann.post(&format!("members/{of_bob}/reassign"), body).await;
        assert_eq!(handed.expect(200).at("/counts/kpi"), 1);
        assert_eq!(handed.at("/from/name"), "bob");
        let to_gone = json!({"to": of_bob});
        ann.post("members/me/reassign", to_gone).await.refused(404, "not_found").names("/to", "not_found");
        mia.get("members/me/holdings").await.expect(200);
        // To somebody who is to come: what needs nobody there now.
        let invited = ann.post("invitations", json!({"email": "zoe@example.com"})).await;
        let to_come = json!({"to": invited.text("/member_id")});
        let path = format!("members/{}/reassign", me(&mia).await);
        let token = json!({"to": invited.text("/member_id"), "types": ["token"]});
        ann.post(&path, token).await.refused(409, "conflict").names("/to", "invited");
        let given = ann.post(&path, to_come).await;
        assert_eq!(given.expect(200).at("/counts/kpi"), 1);
        assert_eq!(given.at("/counts/token"), 0);
        assert_eq!(ann.get("kpis/churn-rate").await.at("/owner/name"), "zoe");
    }
}
