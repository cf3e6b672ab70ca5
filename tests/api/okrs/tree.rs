use diesel::prelude::*;
use regimen::okrs::key_results::KeyResultRow;
use regimen::okrs::objectives::ObjectiveRow;
use regimen::okrs::objectives::row::{ObjectiveStateRow, RecordedState};
use regimen::store::schema::{key_results, objective_states, objectives};
use regimen::store::{
    Author, KeyResultId, Lane, ObjectiveId, ObjectiveStateId, RawId, StoreError, WorkspaceId,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, near, under};
use crate::harness::{Answer, App, Caller, stories};

/// What stands where in a tree: levels and titles.
fn outline(tree: &Answer) -> Vec<(u64, String)> {
    let items = tree.expect(200).at("/objectives").as_array().expect("objectives").iter();
    let line = |item: &Value| {
        (item["level"].as_u64().unwrap(), item["objective"]["title"].as_str().unwrap().to_owned())
    };
    items.map(line).collect()
}

fn lines(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(level, title)| (*level, (*title).to_owned())).collect()
}

/// A cycle of its own with so many objectives on five levels, each with three key results.
async fn forest(app: &App, ann: &Caller, slug: &str, count: usize, branches: usize) {
    let cycle = json!({"name": slug, "starts_on": "2026-04-01", "ends_on": "2026-07-10"});
    ann.post("cycles", cycle).await.expect(201);
    let three: Vec<Value> =
        (1..=3).map(|number| json!({"title": format!("Part {number}"), "kind": "milestone"})).collect();
    let root = json!({"title": "Root", "cycle_id": slug, "state": "active", "progress_source": "both", "key_results": three});
    let root = ann.post("objectives", root).await;
    let path = format!("key-results/{}/check-ins", key_result(&root, 0));
    ann.post(&path, json!({"value": 0.5, "confidence": "on_track"})).await.expect(201);
    let kpi = ann.post("kpis", json!({"name": format!("Of {slug}"), "target": {"max": 4}})).await;
    ann.put(&format!("kpis/{}/points/2026-03-31", kpi.text("/key")), json!({"value": 6})).await.expect(201);
    let link = json!({"objective_id": root.text("/id")});
    ann.post(&format!("kpis/{}/remedies", kpi.text("/key")), link).await.expect(201);
    ann.post(&under("objectives", &root, "/guardrails"), json!({"kpi_id": kpi.text("/key")}))
        .await
        .expect(201);
    ann.post("initiatives", json!({"objective_id": root.text("/id"), "title": "Plant"})).await.expect(201);
    let workspace: WorkspaceId = ann.get("").await.text("/id").parse().expect("an id");
    let id: ObjectiveId = root.expect(201).text("/id").parse().expect("an id");
    // By the rows themselves: thousands of requests would tell nothing more.
    let copied: Result<(), StoreError> = app
        .state
        .store
        .write(Lane::Workspace(workspace), Author::system("a story"), move |tx| {
            let now = tx.now;
            let root: ObjectiveRow = objectives::table.filter(objectives::id.eq(id)).first(tx.db())?;
            let own = key_results::table.filter(key_results::objective_id.eq(id));
            let parts: Vec<KeyResultRow> = own.load(tx.db())?;
            let mut ids = vec![id];
            for number in 1..count {
                let row = ObjectiveRow {
                    id: ObjectiveId::generate(now.timestamp()),
                    parent_id: Some(ids[(number - 1) / branches]),
                    title: format!("Objective {number:04}"),
                    title_folded: format!("objective {number:04}"),
                    ..root.clone()
                };
                diesel::insert_into(objectives::table).values(&row).execute(tx.db())?;
                let state = ObjectiveStateRow {
                    id: ObjectiveStateId::generate(now.timestamp()),
                    workspace_id: workspace,
                    objective_id: row.id,
                    state: RecordedState::Active,
                    at: now,
                    recorded_by: RawId::from_uuid(uuid::Uuid::nil()),
                };
                diesel::insert_into(objective_states::table).values(&state).execute(tx.db())?;
                for part in &parts {
                    let id = KeyResultId::generate(now.timestamp());
                    let part = KeyResultRow { id, objective_id: row.id, ..part.clone() };
                    diesel::insert_into(key_results::table).values(&part).execute(tx.db())?;
                }
                ids.push(row.id);
            }
            Ok(())
        })
        .await;
    copied.expect("the rows are copied");
}

stories! {
    /// A page of a cycle needs one call: its objectives in order, with all that hangs on them.
    async fn a_whole_cycle_comes_in_one_call(app) {
        let ann = ann_plans(&app).await;
        ann.get("tree").await.refused(404, "not_found").names("cycle", "not_found");
        app.it_is("2026-04-01T10:00:00Z");
        let empty = ann.get("tree").await;
        assert_eq!((empty.text("/cycle/slug"), empty.text("/as_of"), empty.at("/objectives")), ("q2-2026", "2026-04-01", &json!([])));
        let make = async |title: &str, parent: Option<&Answer>, more: Value| {
            let mut body = json!({"title": title, "cycle_id": "current", "state": "active", "parent_id": parent.map(|parent| parent.text("/id")),
                "key_results": [{"title": "Done", "kind": "milestone"}]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = ann.post("objectives", body).await;
            made.expect(201);
            made
        };
        let company = make("Grow", None, json!({"progress_source": "children", "key_results": []})).await;
        let sales = make("Sell more", Some(&company), json!({})).await;
        make("Answer faster", Some(&company), json!({"state": "draft"})).await;
        let other = make("Be known", None, json!({"progress_source": "both"})).await;
        make("Without a cycle", None, json!({"cycle_id": null, "ends_on": "2026-12-31"})).await;
        let first = ann.get("tree?cycle=q2-2026").await;
        assert_eq!(outline(&first), lines(&[(1, "Be known"), (1, "Grow"), (2, "Answer faster"), (2, "Sell more")]));
        let same = ann.call(Method::GET, "tree?cycle=q2-2026").header("if-none-match", first.header("etag")).send().await;
        same.expect(304);

        app.it_is("2026-05-11T10:00:00Z");
        let path = format!("key-results/{}/check-ins", key_result(&sales, 0));
        ann.post(&path, json!({"value": 0.5, "confidence": "at_risk", "note": "slow"})).await.expect(201);
        let seen = ann.get("tree").await;
        near(seen.number("/objectives/1/objective/progress/value"), 0.5);
        assert_eq!(seen.text("/objectives/1/objective/progress/breakdown/1/left_out"), "draft");
        assert_eq!(seen.text("/objectives/3/objective/key_results/0/last_check_in/note"), "slow");
        assert_eq!(seen.at("/objectives/3/objective/can/edit"), true);

        // Then one moves, one is closed, and a new one comes.
        app.it_is("2026-05-21T10:00:00Z");
        ann.patch(&under("objectives", &sales, ""), json!({"parent_id": other.text("/id")})).await.expect(200);
        app.it_is("2026-05-31T10:00:00Z");
        ann.post(&path, json!({"value": 0.75, "confidence": "on_track"})).await.expect(201);
        ann.post(&under("objectives", &sales, "/close"), json!({"outcome": "partial"})).await.expect(200);
        make("Zero", None, json!({})).await;
        ann.post(&path, json!({"value": 1, "confidence": "on_track"})).await.refused(409, "objective_closed");
        let now = ann.get("tree").await;
        assert_eq!(outline(&now), lines(&[(1, "Be known"), (2, "Sell more"), (1, "Grow"), (2, "Answer faster"), (1, "Zero")]));
        near(now.number("/objectives/0/objective/progress/value"), 0.375);

        let then = ann.get("tree?as_of=2026-05-11").await;
        assert_eq!(outline(&then), outline(&seen));
        assert_eq!(*then.at("/objectives/1/objective/progress"), *seen.at("/objectives/1/objective/progress"));
        assert_eq!((then.text("/objectives/3/objective/state"), then.at("/objectives/3/objective/outcome")), ("active", &Value::Null));
        assert_eq!((then.at("/objectives/3/objective/can/edit"), then.number("/objectives/1/objective/children")), (&json!(false), 2.0));
        let moved = ann.get("tree?as_of=2026-05-21").await;
        near(moved.number("/objectives/0/objective/progress/value"), 0.25);
        assert_eq!(*ann.get("tree?as_of=2026-03-31").await.at("/objectives"), json!([]));
        // What was known at an instant counts as it was known, seen from today.
        let known = ann.get("tree?known_at=2026-05-15T00:00:00Z").await;
        assert_eq!(outline(&known), outline(&seen));
        near(known.number("/objectives/1/objective/progress/value"), 0.5);
        ann.get("tree?as_of=2026-06-01").await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get("tree?cycle=nowhere").await.refused(404, "not_found");
        ann.get("tree?cycle=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("tree?depth=3").await.refused(400, "invalid_query");
    }

    /// A page of one objective needs one call: all that hangs under it, whatever the cycle.
    async fn what_hangs_under_an_objective_comes_in_one_call(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-02T10:00:00Z");
        let make = async |title: &str, parent: Option<&Answer>, cycle: Value| {
            let made = ann.post("objectives", json!({"title": title, "cycle_id": cycle, "ends_on": "2026-06-30", "state": "active",
                "parent_id": parent.map(|parent| parent.text("/id")), "key_results": [{"title": "Done", "kind": "milestone"}]})).await;
            made.expect(201);
            made
        };
        let top = make("Grow", None, json!(null)).await;
        let middle = make("Sell more", Some(&top), json!("current")).await;
        let low = make("Call people", Some(&middle), json!(null)).await;
        make("Elsewhere", None, json!("current")).await;
        let kpi = ann.post("kpis", json!({"name": "Churn rate", "target": {"max": 4}})).await;
        ann.put("kpis/churn-rate/points/2026-04-01", json!({"value": 6})).await.expect(201);
        let link = json!({"objective_id": middle.text("/id")});
        ann.post("kpis/churn-rate/remedies", link).await.expect(201);
        ann.post(&under("objectives", &top, "/guardrails"), json!({"kpi_id": kpi.text("/id")})).await.expect(201);
        app.it_is("2026-04-06T10:00:00Z");
        for (field, id, title) in [("objective_id", middle.text("/id"), "Hire"), ("key_result_id", &key_result(&middle, 0), "Train")] {
            ann.post("initiatives", json!({field: id, "title": title, "due_on": "2026-04-05", "owner_id": "me"})).await.expect(201);
        }
        let seen = ann.get(&format!("tree?objective={}", top.text("/id"))).await;
        assert_eq!(outline(&seen), lines(&[(1, "Grow"), (2, "Sell more"), (3, "Call people")]));
        assert_eq!(seen.at("/cycle"), &Value::Null);
        assert_eq!(seen.at("/objectives/0/objective/guardrails/0/kpi/key"), "churn-rate");
        assert_eq!((seen.at("/objectives/1/remedies/0/outcome"), seen.at("/objectives/1/remedies/0/kpi/key")), (&json!("in_progress"), &json!("churn-rate")));
        let work = seen.at("/objectives/1/initiatives");
        assert_eq!((&work[0]["title"], &work[0]["key_result_id"], &work[0]["overdue"]), (&json!("Hire"), &Value::Null, &json!(true)));
        assert_eq!((&work[1]["title"], &work[1]["owner"]["name"]), (&json!("Train"), &json!("ann")));
        assert_eq!(seen.at("/objectives/2/initiatives"), &json!([]));
        let id = middle.text("/id");
        assert_eq!(outline(&ann.get(&format!("tree?objective={id}")).await), lines(&[(1, "Sell more"), (2, "Call people")]));
        let of_cycle = ann.get(&format!("tree?objective={}&cycle=current", top.text("/id"))).await;
        assert_eq!((outline(&of_cycle), of_cycle.text("/cycle/slug")), (lines(&[(1, "Sell more")]), "q2-2026"));
        // As it stood: the work had not been thought of, and later it hangs elsewhere.
        ann.patch(&under("objectives", &low, ""), json!({"parent_id": null})).await.expect(200);
        assert_eq!(outline(&ann.get(&format!("tree?objective={id}")).await), lines(&[(1, "Sell more")]));
        let then = ann.get(&format!("tree?objective={id}&as_of=2026-04-02")).await;
        assert_eq!(outline(&then), lines(&[(1, "Sell more"), (2, "Call people")]));
        assert_eq!((then.at("/objectives/0/initiatives"), then.at("/objectives/0/remedies/0/outcome")), (&json!([]), &json!("in_progress")));
        assert_eq!(*ann.get(&format!("tree?objective={id}&as_of=2026-04-01")).await.at("/objectives"), json!([]));
        ann.get("tree?objective=obj_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found").names("objective", "not_found");
        ann.get("tree?objective=nonsense").await.refused(400, "invalid_query");
    }

    /// Two thousand objectives with six thousand key results ask the database as often as twenty.
    async fn a_large_tree_asks_no_more_than_a_small_one(app) {
        ann_plans(&app).await;
        app.it_is("2026-04-10T10:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        forest(&app, &ann, "small", 20, 2).await;
        forest(&app, &ann, "large", 2000, 7).await;
        let root = async |cycle: &str| ann.get(&format!("objectives?cycle={cycle}&q=root")).await.text("/items/0/id").to_owned();
        let (small_root, large_root) = (root("small").await, root("large").await);
        let levels = async |root: &str| app.statements_of(&ann, &format!("tree?objective={root}")).await;
        assert_eq!(levels(&small_root).await, levels(&large_root).await);
        for view in ["", "&as_of=2026-04-10"] {
            let of = |cycle: &str| format!("tree?cycle={cycle}{view}");
            let (small, large) = (app.statements_of(&ann, &of("small")).await, app.statements_of(&ann, &of("large")).await);
            assert_eq!(small, large);
            assert!((10..60).contains(&small), "{small} statements were counted");
        }
        let small = ann.get("tree?cycle=small").await;
        assert_eq!(small.expect(200).at("/objectives").as_array().map(Vec::len), Some(20));
        let large: Value = serde_json::from_str(&ann.call(Method::GET, "tree?cycle=large").fetch().await.raw).expect("JSON");
        let objectives = large["objectives"].as_array().expect("objectives");
        let key_results = objectives.iter().map(|item| item["objective"]["key_results"].as_array().map_or(0, Vec::len));
        assert_eq!((objectives.len(), key_results.sum::<usize>()), (2000, 6000));
        assert_eq!(objectives.iter().map(|item| item["level"].as_u64()).max(), Some(Some(5)));
    }
}
