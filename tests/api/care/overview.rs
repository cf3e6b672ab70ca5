//! The overview: a home page in one call.

use diesel::prelude::*;
use regimen::store::schema::teams;
use regimen::store::{Author, Lane, StoreError, TeamId, Tx};
use serde_json::json;

use super::*;
use crate::harness::stories;

/// An active objective with two key results.
async fn aim(caller: &Caller, body: Value) -> Answer {
    let mut whole = json!({
        "title": "Aim", "state": "active", "ends_on": "2026-06-30",
        "key_results": [{"title": "First", "kind": "milestone"}, {"title": "Second", "kind": "milestone"}],
    });
    whole.as_object_mut().expect("a body").extend(body.as_object().expect("fields").clone());
    let made = caller.post("objectives", whole).await;
    made.expect(201);
    made
}

async fn says(caller: &Caller, objective: &Answer, index: usize, confidence: &str) {
    let path = format!("key-results/{}/check-ins", objective.text(&format!("/key_results/{index}/id")));
    caller.post(&path, json!({"value": 0.5, "confidence": confidence})).await.expect(201);
}

/// All whole numbers of an answer by their paths, those of groups added up.
fn sums(numbers: &[&Value]) -> Vec<(String, u64)> {
    fn add(at: String, value: &Value, found: &mut std::collections::BTreeMap<String, u64>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(name, _)| *name != "net_confidence") {
                    add(format!("{at}/{name}"), value, found);
                }
            }
            count => *found.entry(at).or_default() += count.as_u64().expect("a count"),
        }
    }
    let mut found = Default::default();
    numbers.iter().for_each(|numbers| add(String::new(), numbers, &mut found));
    found.into_iter().collect()
}

/// Puts a team under another, by its row: no request does that yet.
async fn stands_under(app: &App, caller: &Caller, team: &str, parent: &str) {
    let id = async |slug: &str| {
        caller.get(&format!("teams/{slug}")).await.text("/id").parse::<TeamId>().expect("an id")
    };
    let (team, parent) = (id(team).await, id(parent).await);
    let workspace = caller.get("").await.text("/id").parse().expect("an id");
    let put = move |tx: &mut Tx| -> Result<(), StoreError> {
        diesel::update(teams::table.find(team)).set(teams::parent_id.eq(Some(parent))).execute(tx.db())?;
        Ok(())
    };
    app.state
        .store
        .write(Lane::Workspace(workspace), Author::system("a story"), put)
        .await
        .expect("it is stored");
}

/// A workspace with teams, a cycle, KPIs and objectives of all kinds.
async fn a_busy_workspace(app: &App) -> Caller {
    let owner = app.owner_of("ann", "acme").await;
    let bob = app.joins(&owner, "bob", "member").await;
    let ann = lasting(app, &owner, "ann", &["read", "write", "admin"]).await;
    ann.post("teams", json!({"name": "Growth"})).await.expect(201);
    ann.post("teams", json!({"name": "Ads"})).await.expect(201);
    stands_under(app, &ann, "ads", "growth").await;
    ann.post("teams", json!({"name": "Support"})).await.expect(201);
    ann.post("cycles", json!({"name": "Q2", "starts_on": "2026-03-30", "ends_on": "2026-06-30"}))
        .await
        .expect(201);
    for (name, team, category, value) in [
        ("Churn rate", Some("growth"), "retention", Some(6.0)),
        ("Cost per lead", Some("ads"), "cost", Some(3.0)),
        ("Answered late", Some("support"), "quality", Some(9.0)),
        ("Silent", None, "other", None),
    ] {
        let body = json!({"name": name, "team_id": team, "category": category, "target": {"max": 4}});
        let made = ann.post("kpis", body).await;
        made.expect(201);
        if let Some(value) = value {
            measured(&ann, made.text("/key"), &[("2026-03-30", value)]).await;
        }
    }
    ann.post("kpis", json!({"name": "Secret", "visibility": "private", "target": {"max": 4}}))
        .await
        .expect(201);
    ann.post("kpis/answered-late/remedies", json!({"cycle_id": "q2"})).await.expect(201);
    let one = aim(&ann, json!({"team_id": "growth", "cycle_id": "q2", "ends_on": null})).await;
    let two = aim(&bob, json!({"team_id": "ads"})).await;
    aim(&ann, json!({"title": "Nobody's", "owner_id": "me"})).await;
    ann.post("objectives", json!({"title": "A draft"})).await.expect(201);
    says(&ann, &one, 0, "on_track").await;
    says(&ann, &one, 1, "off_track").await;
    says(&ann, &two, 0, "on_track").await;
    ann
}

stories! {
    /// Each thing counts in one group, and the groups add up to the total, however they are cut.
    async fn groups_add_up_to_the_total(app) {
        let ann = a_busy_workspace(&app).await;
        app.it_is("2026-04-20T10:00:00Z");
        let whole = ann.get("overview").await;
        whole.expect(200);
        assert_eq!(whole.at("/total"), &json!({
            "kpis": {
                "total": 4, "health": {"healthy": 1, "at_risk": 0, "unhealthy": 2, "unknown": 1},
                "triage": {"untreated": 1, "failed": 0, "in_treatment": 1, "at_risk": 0, "slipping": 0, "unknown": 1, "recovered": 0, "healthy": 1},
            },
            "objectives": {
                "total": 4, "pace": {"on_track": 2, "at_risk": 0, "off_track": 2, "too_early": 0, "none": 0},
                "confidence": {"on_track": 1, "at_risk": 0, "off_track": 1, "never": 2},
            },
            "key_results": {
                "total": 7, "confidence": {"on_track": 2, "at_risk": 0, "off_track": 1, "never": 4},
                "net_confidence": 1.0 / 3.0, "overdue": 7,
            },
            "private_items": 1,
        }));
        for grouping in ["team", "owner", "category", "cycle"] {
            let (now, then) = (["", "&as_of=2026-04-20"], ["&as_of=2026-03-31", "&known_at=2026-03-31T10:00:00Z"]);
            for view in now.into_iter().chain(then) {
                let cut = ann.get(&format!("overview?group_by={grouping}{view}")).await;
                cut.expect(200);
                let groups = cut.at("/groups").as_array().expect("groups");
                let parts: Vec<&Value> = groups.iter().map(|group| &group["numbers"]).collect();
                assert_eq!(sums(&parts), sums(&[cut.at("/total")]), "{grouping}{view}");
                let none = groups.last().expect("those of none");
                assert_eq!(none[grouping], json!(null), "{grouping}{view}");
                if now.contains(&view) {
                    assert_eq!(cut.at("/total"), whole.at("/total"), "{grouping}{view}");
                }
            }
        }
        let names = async |grouping: &str, pointer: &str| -> Vec<String> {
            let cut = ann.get(&format!("overview?group_by={grouping}")).await;
            let groups = cut.at("/groups").as_array().expect("groups").clone();
            groups.iter().filter_map(|group| group.pointer(pointer)?.as_str().map(str::to_owned)).collect()
        };
        assert_eq!(names("team", "/team/name").await, ["Ads", "Growth", "Support"]);
        assert_eq!(names("owner", "/owner/name").await, ["ann", "bob"]);
        assert_eq!(names("category", "/category").await, ["cost", "other", "quality", "retention"]);
        assert_eq!(names("cycle", "/cycle/slug").await, ["q2"]);
    }

    /// A team's overview holds that of the teams under it.
    async fn a_team_stands_for_those_under_it(app) {
        let ann = a_busy_workspace(&app).await;
        let growth = ann.get("overview?team=growth").await;
        assert_eq!((growth.at("/total/kpis/total"), growth.at("/total/objectives/total")), (&json!(2), &json!(2)));
        assert_eq!(growth.at("/total/key_results/net_confidence"), &json!(1.0 / 3.0));
        assert_eq!(growth.at("/groups").as_array().map(Vec::len), Some(3), "two teams and none");
        let ads = ann.get("overview?team=ads").await;
        assert_eq!((ads.at("/total/kpis/health/healthy"), ads.at("/total/key_results/confidence/never")), (&json!(1), &json!(1)));
        let support = ann.get("overview?team=support&team=ads").await;
        assert_eq!(support.at("/total/kpis/triage/in_treatment"), 1);
        assert_eq!(groups(&ann, "?team=growth").await, ["untreated: churn-rate", "orphans: Aim Aim"]);
        let past = ann.get("overview?as_of=2026-03-30").await;
        assert_eq!((past.at("/as_of"), past.at("/total/objectives/total")), (&json!("2026-03-30"), &json!(0)));
        assert_eq!(past.at("/total/key_results/net_confidence"), &json!(null));
    }

    /// The number of statements does not grow with the number of things.
    async fn it_asks_no_more_for_many_than_for_few(app) {
        let ann = a_busy_workspace(&app).await;
        let before = app.statements_of(&ann, "overview").await;
        for number in 0..12 {
            kpi(&ann, &format!("Number {number}")).await;
            measured(&ann, &format!("number-{number}"), &[("2026-03-30", f64::from(number))]).await;
            aim(&ann, json!({"title": format!("Aim {number}")})).await;
        }
        assert_eq!(app.statements_of(&ann, "overview").await, before);
        assert!(before < 60, "{before} statements were counted");
    }

    /// Unknown parameters, unknown teams and days ahead are told as such.
    async fn queries_are_judged(app) {
        let ann = ann_cares(&app).await;
        ann.get("overview?group_by=colour").await.refused(400, "invalid_query");
        ann.get("overview?owner=me").await.refused(400, "invalid_query");
        ann.get("overview?team=nobody").await.refused(404, "not_found").names("team", "not_found");
        ann.get("overview?as_of=2026-04-01").await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get("overview?known_at=2027-01-01T00:00:00Z").await.refused(422, "validation_failed").names("known_at", "in_the_future");
        app.stranger().inside("acme").get("overview").await.refused(401, "credential_required");
        let empty = ann.get("overview?group_by=cycle").await;
        assert_eq!((empty.at("/total/kpis/total"), empty.at("/groups").as_array().map(Vec::len)), (&json!(0), Some(1)));
    }
}
