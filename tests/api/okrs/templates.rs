use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, told, under};
use crate::harness::{Answer, stories};

/// The copy of an original, by its place in the answer.
#[track_caller]
fn copy<'a>(copied: &'a Answer, place: usize, field: &str) -> &'a Value {
    copied.at(&format!("/copies/{place}/objective{field}"))
}

stories! {
    /// A set begins anew: goals stay, values and confidence do not, and due days move with the first day.
    async fn a_set_of_objectives_is_a_template(app) {
        let ann = ann_plans(&app).await;
        ann.post("cycles", json!({"name": "Q3 2026", "starts_on": "2026-07-11", "ends_on": "2026-09-30"})).await.expect(201);
        app.it_is("2026-04-10T10:00:00Z");
        let web = launch(&ann).await;
        let top = ann.post("objectives", json!({"title": "Top", "cycle_id": "q2-2026", "progress_source": "manual", "manual_progress": {"value": 0.4}, "state": "active"})).await;
        ann.patch(&under("objectives", &web, ""), json!({"parent_id": top.text("/id")})).await.expect(200);
        let first = key_result(&web, 0);
        ann.patch(&format!("key-results/{first}"), json!({"due_on": "2026-04-30"})).await.expect(200);
        for (title, status) in [("Finished", "done"), ("Given up", "dropped")] {
            ann.post("initiatives", json!({"key_result_id": first, "title": title, "status": status, "due_on": "2026-04-11"})).await.expect(201);
        }
        ann.post(&format!("key-results/{first}/check-ins"), json!({"value": 3, "confidence": "at_risk"})).await.expect(201);
        ann.post(&under("objectives", &web, "/close"), json!({"outcome": "partial"})).await.expect(200);

        let ids = json!([web.text("/id"), top.text("/id")]);
        let rehearsed = ann.post("objective-copies?dry_run=true", json!({"objective_ids": ids})).await;
        assert_eq!(rehearsed.expect(200).at("/copies").as_array().map(Vec::len), Some(2));
        assert_eq!(told(&ann, "objective.created").await, 2);
        let copied = ann.post("objective-copies", json!({"objective_ids": ids, "cycle_id": "q3-2026", "due_days": "shift"})).await;
        copied.expect(200);
        for (field, value) in [
            ("/title", json!("Launch a higher-converting website")), ("/state", json!("draft")), ("/cycle/slug", json!("q3-2026")), ("/closings", json!([])),
            ("/parent_id", copy(&copied, 1, "/id").clone()), ("/carried_from_id", Value::Null),
            ("/key_results/0/start", json!(2.0)), ("/key_results/0/target", json!(4.0)), ("/key_results/0/weight", json!(3.0)), ("/key_results/0/current", Value::Null),
            ("/key_results/0/confidence", Value::Null), ("/key_results/0/due_on", json!("2026-08-09")), ("/key_results/1/target", json!(50.0)),
            ("/initiatives", json!({"planned": 1, "in_progress": 0, "done": 0, "dropped": 0, "overdue": 0})),
        ] {
            assert_eq!(copy(&copied, 0, field), &value, "{field}");
        }
        assert_eq!((copy(&copied, 1, "/manual_progress"), copy(&copied, 1, "/progress/source")), (&Value::Null, &json!("manual")));
        let work = ann.get(&format!("initiatives?objective={}", copy(&copied, 0, "/id").as_str().unwrap())).await;
        assert_eq!((work.text("/items/0/title"), work.text("/items/0/status"), work.text("/items/0/due_on")), ("Finished", "planned", "2026-07-21"));
        assert_eq!(*ann.get(&under("objectives", &web, "")).await.at("/carried_to"), json!([]));

        // Goals and due days can be left to be set anew, and dates of their own do without a cycle.
        let bare = ann.post("objective-copies", json!({"objective_ids": [web.text("/id")], "goals": "clear", "starts_on": "2026-10-01", "ends_on": "2026-10-31"})).await;
        for (field, value) in [
            ("/cycle", Value::Null), ("/starts_on", json!("2026-10-01")), ("/ends_on", json!("2026-10-31")), ("/parent_id", top.at("/id").clone()),
            ("/key_results/0/start", Value::Null), ("/key_results/0/target", Value::Null), ("/key_results/0/due_on", Value::Null), ("/key_results/0/unit", json!("%")),
        ] {
            assert_eq!(copy(&bare, 0, field), &value, "{field}");
        }
    }

    /// Anybody who makes objectives may copy those of others, and answers for them if so wanted.
    async fn copies_can_be_somebody_elses(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T10:00:00Z");
        let web = launch(&ann).await;
        let person = app.signs_in("ann").await.inside("acme");
        let bob = app.joins(&person, "bob", "member").await;
        let vic = app.joins(&person, "vic", "viewer").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let body = json!({"objective_ids": [web.text("/id")], "owner_id": "me", "team_id": "growth"});
        vic.post("objective-copies", body.clone()).await.refused(403, "forbidden");
        let copied = bob.post("objective-copies", body).await;
        assert_eq!(copied.expect(200).text("/copies/0/objective/owner/name"), "bob");
        assert_eq!((copy(&copied, 0, "/key_results/1/owner/name"), copy(&copied, 0, "/team/slug"), copy(&copied, 0, "/can/edit")), (&json!("bob"), &json!("growth"), &json!(true)));
        assert_eq!(bob.post("objective-copies", json!({"objective_ids": [web.text("/id")]})).await.text("/copies/0/objective/owner/name"), "ann");
    }

    /// What is wrong is told with its pointer, and nothing is copied.
    async fn bad_copies_are_refused(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T10:00:00Z");
        let web = launch(&ann).await;
        let shelved = ann.post("objectives", json!({"title": "Shelved"})).await;
        ann.delete(&under("objectives", &shelved, "")).await.expect(204);
        let eve = app.owner_of("eve", "evil").await;
        let foreign = eve.post("objectives", json!({"title": "Foreign"})).await;
        let (id, shelved) = (web.text("/id"), shelved.text("/id"));
        let copy = async |body: Value| ann.post("objective-copies", body).await;
        copy(json!({})).await.refused(422, "validation_failed").names("/objective_ids", "required");
        copy(json!({"objective_ids": []})).await.refused(422, "validation_failed").names("/objective_ids", "too_few");
        copy(json!({"objective_ids": [id, id]})).await.refused(422, "validation_failed").names("/objective_ids/1", "duplicate");
        copy(json!({"objective_ids": [foreign.text("/id"), id]})).await.refused(404, "not_found").names("/objective_ids/0", "not_found");
        copy(json!({"objective_ids": [id], "cycle_id": "nowhere"})).await.refused(404, "not_found").names("/cycle_id", "not_found");
        copy(json!({"objective_ids": [id], "owner_id": "mem_01h455vb4pex5vsknk084sn02q"})).await.refused(404, "not_found").names("/owner_id", "not_found");
        copy(json!({"objective_ids": [id], "team_id": "nowhere"})).await.refused(404, "not_found").names("/team_id", "not_found");
        copy(json!({"objective_ids": [id], "starts_on": "2026-05-02", "ends_on": "2026-05-01"})).await.refused(422, "validation_failed").names("/ends_on", "before_start");
        copy(json!({"objective_ids": [id], "cycle_id": "q2-2026", "starts_on": "2027-01-01"})).await.refused(422, "validation_failed").names("/ends_on", "before_start");
        copy(json!({"objective_ids": [id, shelved]})).await.refused(409, "objective_closed").names("/objective_ids/1", "objective_closed");
        ann.post("kpis", json!({"name": "Old", "key": "old"})).await.expect(201);
        ann.post(&under("objectives", &web, "/key-results"), json!({"title": "Reads", "kind": "at_least", "target": 1, "kpi_id": "old"})).await.expect(201);
        ann.delete("kpis/old").await.expect(204);
        copy(json!({"objective_ids": [id]})).await.refused(409, "kpi_archived").names("/objective_ids/0", "kpi_archived");
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        copy(json!({"objective_ids": [id], "cycle_id": "q2-2026"})).await.refused(409, "cycle_closed").names("/cycle_id", "cycle_closed");
        assert_eq!(told(&ann, "objective.created").await, 2);
    }
}
