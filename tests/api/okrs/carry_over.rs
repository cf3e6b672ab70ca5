use serde_json::{Value, json};

use super::{ann_plans, key_result, lasting, launch, near, titles, told, under};
use crate::harness::{Answer, Caller, stories};

/// The cycle after that of the plans.
async fn next_cycle(ann: &Caller) {
    let cycle = json!({"name": "Q3 2026", "starts_on": "2026-07-11", "ends_on": "2026-09-30"});
    ann.post("cycles", cycle).await.expect(201);
}

/// The copy of an original, by its place in the answer.
#[track_caller]
fn copy<'a>(carried: &'a Answer, place: usize, field: &str) -> &'a Value {
    carried.at(&format!("/copies/{place}/objective{field}"))
}

stories! {
    /// What is open goes on from where it stands, with its people, its work and its place in the tree.
    async fn open_objectives_go_on_in_the_next_cycle(app) {
        let owner = app.owner_of("ann", "acme").await;
        let bob = app.joins(&owner, "bob", "member").await.get("members/me").await.text("/id").to_owned();
        let gone = app.joins(&owner, "gus", "member").await.get("members/me").await.text("/id").to_owned();
        let ann = lasting(&app, &owner, "ann", &["read", "write", "admin"]).await;
        ann.post("cycles", json!({"name": "Q2 2026", "starts_on": "2026-04-01", "ends_on": "2026-07-10"})).await.expect(201);
        next_cycle(&ann).await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        ann.post("kpis", json!({"name": "Conversion", "key": "conversion"})).await.expect(201);
        ann.put("kpis/conversion/points/2026-03-15", json!({"value": 2})).await.expect(201);
        let company = ann.post("objectives", json!({"title": "Company", "ends_on": "2027-12-31", "progress_source": "children", "state": "active"})).await;
        let top = ann.post("objectives", json!({"title": "Grow", "cycle_id": "q2-2026", "parent_id": company.text("/id"), "state": "active", "progress_source": "children", "weight": 2})).await;
        let web = ann.post("objectives", json!({
            "title": "Website", "why": "They leave.", "cycle_id": "q2-2026", "parent_id": top.expect(201).text("/id"), "state": "active", "weight": 3,
            "team_id": "growth", "owner_id": bob, "contributor_ids": [gone, bob], "tags": ["web"], "ends_on": "2026-06-30",
            "key_results": [
                {"title": "Conversion", "kind": "increase", "target": 4, "kpi_id": "conversion", "weight": 2},
                {"title": "Cost", "kind": "decrease", "start": 75, "target": 50, "unit": "EUR", "due_on": "2026-08-01", "owner_id": gone},
                {"title": "Speed", "kind": "at_most", "target": 2},
                {"title": "Shelved", "kind": "milestone"},
            ],
            "initiatives": [
                {"title": "Shorten the form", "key_result": 0, "status": "in_progress", "due_on": "2026-06-01", "url": "https://tracker.example.com/1"},
                {"title": "Buy fewer ads", "key_result": 1, "status": "done"},
                {"title": "Tune", "key_result": 2},
                {"title": "Ask around"},
            ]})).await;
        web.expect(201);
        let draft = ann.post("objectives", json!({"title": "Later", "cycle_id": "q2-2026"})).await;
        let over = launch(&ann).await;
        ann.post(&under("objectives", &over, "/close"), json!({"outcome": "missed"})).await.expect(200);
        ann.delete(&format!("key-results/{}", key_result(&web, 3))).await.expect(204);
        app.it_is("2026-06-20T10:00:00Z");
        ann.put("kpis/conversion/points/2026-06-15", json!({"value": 3})).await.expect(201);
        for (place, value) in [(1, 60.0), (2, 1.5)] {
            ann.post(&format!("key-results/{}/check-ins", key_result(&web, place)), json!({"value": value, "confidence": "at_risk"})).await.expect(201);
        }
        leaves(&app, &gone).await;

        // A rehearsal stores nothing.
        let body = json!({"to_cycle_id": "q3-2026"});
        let rehearsed = ann.post("cycles/q2-2026/carry-over?dry_run=true", body.clone()).await;
        assert_eq!(rehearsed.expect(200).at("/copies").as_array().map(Vec::len), Some(3));
        assert_eq!(titles(&ann.get("objectives?cycle=q3-2026").await), Vec::<&str>::new());
        assert_eq!(told(&ann, "objective.carried_over").await, 0);

        let before = ann.get(&under("objectives", &web, "")).await;
        let carried = ann.post("cycles/q2-2026/carry-over", body).await;
        carried.expect(200);
        assert_eq!(carried.at("/copies").as_array().map(Vec::len), Some(3));
        assert_eq!((carried.text("/copies/0/source/title"), carried.text("/copies/1/source/title"), carried.text("/copies/2/source/title")), ("Grow", "Website", "Later"));
        assert_eq!((copy(&carried, 0, "/parent_id"), copy(&carried, 1, "/parent_id")), (company.at("/id"), copy(&carried, 0, "/id")));
        for (field, value) in [
            ("/title", json!("Website")), ("/why", json!("They leave.")), ("/state", json!("draft")), ("/weight", json!(3.0)), ("/cycle/slug", json!("q3-2026")),
            ("/team/slug", json!("growth")), ("/owner/name", json!("bob")), ("/contributor_ids", json!([bob])), ("/tags", json!(["web"])),
            ("/ends_on", Value::Null), ("/carried_from_id", web.at("/id").clone()), ("/carried_from/title", json!("Website")), ("/carried_to", json!([])),
            ("/key_results/0/title", json!("Conversion")), ("/key_results/0/start", json!(3.0)), ("/key_results/0/target", json!(4.0)), ("/key_results/0/weight", json!(2.0)),
            ("/key_results/0/kpi/key", json!("conversion")), ("/key_results/0/due_on", Value::Null),
            ("/key_results/1/start", json!(60.0)), ("/key_results/1/target", json!(50.0)), ("/key_results/1/due_on", json!("2026-08-01")), ("/key_results/1/owner/name", json!("bob")),
            ("/key_results/1/current", Value::Null), ("/key_results/1/confidence", Value::Null),
        ] {
            assert_eq!(copy(&carried, 1, field), &value, "{field}");
        }
        assert_eq!(copy(&carried, 1, "/key_results").as_array().map(Vec::len), Some(2));
        assert_eq!(carried.at("/copies/1/left_out"), &json!([{"id": key_result(&web, 2), "title": "Speed"}]));
        let id = copy(&carried, 1, "/id").as_str().unwrap().to_owned();
        let work = ann.get(&format!("initiatives?objective={id}")).await;
        assert_eq!(titles(&work), ["Shorten the form", "Ask around"]);
        assert_eq!((work.text("/items/0/status"), work.text("/items/0/due_on"), work.text("/items/0/key_result/title")), ("in_progress", "2026-06-01", "Conversion"));
        // The originals stay as they were, and know where they go on.
        let after = ann.get(&under("objectives", &web, "")).await;
        assert_eq!((after.text("/state"), after.at("/version"), after.at("/progress")), ("active", before.at("/version"), before.at("/progress")));
        assert_eq!((after.text("/carried_to/0/title"), after.at("/carried_to/0/id")), ("Website", copy(&carried, 1, "/id")));
        assert_eq!(told(&ann, "objective.carried_over").await, 3);
        assert_eq!(ann.get(&under("objectives", &draft, "")).await.text("/carried_to/0/state"), "draft");
        assert_eq!(ann.get("tree?cycle=q3-2026").await.at("/objectives/1/level"), 2);
    }

    /// With `close` the originals end in the same step; parents freeze what their children reached.
    async fn carrying_over_can_end_the_originals(app) {
        let ann = ann_plans(&app).await;
        next_cycle(&ann).await;
        app.it_is("2026-05-01T10:00:00Z");
        let top = ann.post("objectives", json!({"title": "Top", "cycle_id": "q2-2026", "state": "active", "progress_source": "children"})).await;
        let web = launch(&ann).await;
        ann.patch(&under("objectives", &web, ""), json!({"parent_id": top.text("/id")})).await.expect(200);
        let draft = ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2-2026"})).await;
        for (place, value) in [(0, 3.0), (1, 50.0)] {
            ann.post(&format!("key-results/{}/check-ins", key_result(&web, place)), json!({"value": value, "confidence": "on_track"})).await.expect(201);
        }
        // Active at once: what is met comes along, and wants a new target first.
        let body = |state: &str, met: &str| json!({"objective_ids": [web.text("/id"), draft.text("/id"), top.text("/id")], "to_cycle_id": "q3-2026", "state": state, "met": met,
            "close": {"outcome": "dropped", "reflection": "It goes on."}});
        let refused = ann.post("cycles/q2-2026/carry-over", body("active", "include")).await;
        refused.refused(409, "not_ready").names("/objective_ids/0", "required").names("/objective_ids/1", "required");
        assert_eq!((told(&ann, "objective.closed").await, told(&ann, "objective.carried_over").await), (0, 0));
        let carried = ann.post("cycles/q2-2026/carry-over", body("draft", "include")).await;
        carried.expect(200);
        assert_eq!((copy(&carried, 0, "/key_results/1/start"), copy(&carried, 0, "/key_results/1/target")), (&json!(50.0), &Value::Null));
        assert_eq!((carried.text("/copies/0/source/state"), carried.text("/copies/2/source/state")), ("closed", "closed"));
        assert_eq!(copy(&carried, 0, "/parent_id"), copy(&carried, 2, "/id"));
        let closed = ann.get(&under("objectives", &top, "")).await;
        assert_eq!((closed.text("/outcome"), closed.text("/reflection")), ("dropped", "It goes on."));
        near(closed.number("/score"), (3.0 * 0.5 + 1.0) / 4.0);
        assert_ne!(*ann.get(&under("objectives", &draft, "")).await.at("/archived_at"), Value::Null);
        assert_eq!((told(&ann, "objective.closed").await, told(&ann, "objective.archived").await), (2, 1));
        // What is over is carried over no more.
        let again = ann.post("cycles/q2-2026/carry-over", body("draft", "leave_out")).await;
        again.refused(409, "objective_closed").names("/objective_ids/0", "objective_closed").names("/objective_ids/1", "objective_closed");
        assert_eq!(ann.post("cycles/q2-2026/carry-over", json!({"to_cycle_id": "q3-2026"})).await.expect(200).at("/copies"), &json!([]));
    }

    /// A closed cycle can still be carried over; it changes nothing there.
    async fn a_closed_cycle_goes_on_elsewhere(app) {
        let ann = ann_plans(&app).await;
        next_cycle(&ann).await;
        app.it_is("2026-05-01T10:00:00Z");
        let parent = ann.post("objectives", json!({"title": "Stays", "cycle_id": "q2-2026"})).await;
        let web = launch(&ann).await;
        ann.patch(&under("objectives", &web, ""), json!({"parent_id": parent.text("/id")})).await.expect(200);
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        let carried = ann.post("cycles/q2-2026/carry-over", json!({"objective_ids": [web.text("/id")], "to_cycle_id": "q3-2026", "state": "active"})).await;
        carried.expect(200);
        assert_eq!((copy(&carried, 0, "/state"), copy(&carried, 0, "/parent_id")), (&json!("active"), &Value::Null), "the parent takes none any more");
        // It never had a value, so it begins where it began.
        assert_eq!((copy(&carried, 0, "/key_results/0/start"), copy(&carried, 0, "/pace")), (&json!(2.0), &json!("too_early")));
        assert_eq!(ann.get(&under("objectives", &web, "")).await.text("/state"), "active");
    }

    /// What is wrong is told with its pointer, and nothing is copied.
    async fn bad_carrying_over_is_refused(app) {
        let ann = ann_plans(&app).await;
        next_cycle(&ann).await;
        app.it_is("2026-04-10T10:00:00Z");
        let web = launch(&ann).await;
        let elsewhere = ann.post("objectives", json!({"title": "Elsewhere", "cycle_id": "q3-2026"})).await;
        let eve = app.owner_of("eve", "evil").await;
        let foreign = eve.post("objectives", json!({"title": "Foreign"})).await;
        let foreign_cycle = eve.post("cycles", json!({"name": "Q9", "starts_on": "2026-04-01", "ends_on": "2026-07-10"})).await;
        let carry = async |body: Value| ann.post("cycles/q2-2026/carry-over", body).await;
        let (id, other) = (web.text("/id"), elsewhere.text("/id"));
        carry(json!({})).await.refused(422, "validation_failed").names("/to_cycle_id", "required");
        carry(json!({"to_cycle_id": "nowhere"})).await.refused(404, "not_found").names("/to_cycle_id", "not_found");
        carry(json!({"to_cycle_id": foreign_cycle.text("/id")})).await.refused(404, "not_found").names("/to_cycle_id", "not_found");
        carry(json!({"to_cycle_id": "q2-2026"})).await.refused(422, "validation_failed").names("/to_cycle_id", "same_cycle");
        carry(json!({"to_cycle_id": "q3-2026", "objective_ids": []})).await.refused(422, "validation_failed").names("/objective_ids", "too_few");
        carry(json!({"to_cycle_id": "q3-2026", "objective_ids": vec![id; 101]})).await.refused(422, "validation_failed").names("/objective_ids", "too_many");
        carry(json!({"to_cycle_id": "q3-2026", "objective_ids": [id, id]})).await.refused(422, "validation_failed").names("/objective_ids/1", "duplicate");
        carry(json!({"to_cycle_id": "q3-2026", "objective_ids": [id, foreign.text("/id")]})).await.refused(404, "not_found").names("/objective_ids/1", "not_found");
        carry(json!({"to_cycle_id": "q3-2026", "objective_ids": [id, other]})).await.refused(422, "validation_failed").names("/objective_ids/1", "not_in_cycle");
        carry(json!({"to_cycle_id": "q3-2026", "met": "maybe"})).await.refused(422, "validation_failed").names("/met", "unknown_value");
        carry(json!({"to_cycle_id": "q3-2026", "close": {"score": 1}})).await.refused(422, "validation_failed").names("/close/outcome", "required");
        ann.post("cycles/nowhere/carry-over", json!({"to_cycle_id": "q3-2026"})).await.refused(404, "not_found");
        let bob = app.joins(&app.signs_in("ann").await.inside("acme"), "bob", "member").await;
        bob.post("cycles/q2-2026/carry-over", json!({"to_cycle_id": "q3-2026", "objective_ids": [id]})).await.refused(403, "forbidden").names("/objective_ids/0", "forbidden");
        ann.patch("cycles/q3-2026", json!({"state": "closed"})).await.expect(200);
        carry(json!({"to_cycle_id": "q3-2026"})).await.refused(409, "cycle_closed").names("/to_cycle_id", "cycle_closed");
        assert_eq!((told(&ann, "objective.created").await, told(&ann, "objective.carried_over").await), (2, 0));
    }
}

/// Somebody leaves the workspace.
async fn leaves(app: &crate::harness::App, member: &str) {
    let owner = app.signs_in("ann").await.inside("acme");
    owner.delete(&format!("members/{member}")).await.expect(204);
}
