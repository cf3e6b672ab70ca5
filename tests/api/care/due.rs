use reqwest::Method;
use serde_json::{Value, json};

use super::ann_cares;
use crate::harness::{Answer, App, Caller, stories};

/// Ann in a workspace with a cycle from 1 April to 10 July.
async fn ann_plans(app: &App) -> Caller {
    let ann = ann_cares(app).await;
    let cycle = json!({"name": "Q2 2026", "starts_on": "2026-04-01", "ends_on": "2026-07-10"});
    ann.post("cycles", cycle).await.expect(201);
    ann
}

async fn text(caller: &Caller, path: &str) -> String {
    let answer = caller.call(Method::GET, path).header("accept", "text/plain").send().await;
    answer.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    answer.raw.clone()
}

fn all<'a>(answer: &'a Answer, list: &str, field: &str) -> Vec<&'a str> {
    let items = answer.at(list).as_array().expect("a list");
    items.iter().map(|one| one.pointer(field).and_then(Value::as_str).expect("a text")).collect()
}

stories! {
    /// One call holds all that somebody has to update or settle, with what a form needs.
    async fn one_call_tells_what_is_due(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let nothing = ann.get("due?owner=me").await;
        assert_eq!((nothing.expect(200).text("/as_of"), nothing.at("/counts/check_ins")), ("2026-04-01", &json!(0)));

        let website = ann.post("objectives", json!({
            "title": "Launch a higher-converting website", "cycle_id": "q2-2026", "state": "active",
            "key_results": [
                {"title": "Conversion", "kind": "increase", "start": 2, "target": 4, "unit": "%"},
                {"title": "Cost per lead", "kind": "decrease", "start": 75, "target": 50, "unit": "EUR", "owner_id": null},
                {"title": "Reply time", "kind": "at_most", "target": 2, "unit": "h"},
            ],
            "initiatives": [{"title": "Shorten the form", "key_result": 0, "due_on": "2026-04-08"}, {"title": "Later", "due_on": "2026-04-09"}],
        })).await;
        website.expect(201);
        ann.post("kpis", json!({"name": "Churn rate", "display": {"style": "percent"}, "target": {"max": 3}})).await.expect(201);
        ann.put("kpis/churn-rate/points/2026-01-31", json!({"value": 2.5})).await.expect(201);
        ann.post("kpis", json!({"name": "Answered calls", "cadence": "weekly"})).await.expect(201);
        ann.put("kpis/answered-calls/points/2026-04-01", json!({"value": 80})).await.expect(201);
        ann.post("kpis", json!({"name": "Never told"})).await.expect(201);
        let draft = ann.post("objectives", json!({"title": "Begun and not ready", "cycle_id": "q2-2026", "key_results": [{"title": "More", "kind": "increase", "start": 1}]})).await;
        draft.expect(201);
        ann.post("objectives", json!({"title": "Begins later", "starts_on": "2026-06-01", "ends_on": "2026-06-30"})).await.expect(201);
        let short = json!({"title": "Short", "starts_on": "2026-04-01", "ends_on": "2026-04-05", "state": "active", "progress_source": "manual", "manual_progress": {"value": 0.7}});
        ann.post("objectives", short).await.expect(201);

        // A rhythm after the beginning a check-in is asked for, and not a day before.
        app.it_is("2026-04-07T10:00:00Z");
        assert_eq!(*ann.get("due").await.at("/check_ins"), json!([]));
        app.it_is("2026-04-08T10:00:00Z");
        let due = ann.get("due").await;
        assert_eq!(all(due.expect(200), "/check_ins", "/key_result/title"), ["Conversion", "Cost per lead", "Reply time"]);
        assert_eq!((due.text("/check_ins/0/due_on"), due.at("/check_ins/0/key_result/overdue")), ("2026-04-08", &json!(false)));
        // Seven of a hundred days have passed.
        let expected = due.number("/check_ins/0/expected_value");
        assert!((expected - 2.14).abs() < 1e-9, "{expected}");
        assert!((due.number("/check_ins/1/expected_value") - 73.25).abs() < 1e-9);
        assert_eq!(*due.at("/check_ins/2/expected_value"), Value::Null);
        assert_eq!(all(&due, "/kpis", "/key"), ["never-told", "churn-rate"]);
        assert_eq!(all(&due, "/kpis", "/freshness/state"), ["never", "stale"]);
        assert_eq!((due.number("/kpis/1/current/value"), due.at("/kpis/1/can/post_points")), (2.5, &json!(true)));
        assert_eq!(all(&due, "/initiatives", "/title"), ["Shorten the form"]);
        assert_eq!(all(&due, "/drafts", "/title"), ["Begun and not ready"]);
        assert_eq!(all(&due, "/drafts/0/missing", "/pointer"), ["/key_results/0/target"]);
        assert_eq!(all(&due, "/ended", "/title"), ["Short"]);
        assert_eq!((due.number("/ended/0/progress"), due.text("/ended/0/ends_on")), (0.7, "2026-04-05"));
        assert_eq!(*due.at("/counts"), json!({"check_ins": 3, "overdue": 0, "kpis": 2, "initiatives": 1, "drafts": 1, "ended": 1, "failed_remedies": 0}));

        // What was told is due no more, until the next rhythm; what was said is what the form shows.
        let (first, second) = (website.text("/key_results/0/id"), website.text("/key_results/1/id"));
        ann.post("check-ins/batch", json!({"check_ins": [
            {"key_result_id": first, "value": 2.2, "confidence": "at_risk", "note": "Slow", "blocker": "No designer"},
            {"key_result_id": second, "value": 74, "confidence": "on_track"},
        ]})).await.expect(200);
        assert_eq!(all(&ann.get("due").await, "/check_ins", "/key_result/title"), ["Reply time"]);
        app.it_is("2026-04-18T10:00:00Z");
        let due = ann.get("due").await;
        // The longest due comes first.
        assert_eq!(all(&due, "/check_ins", "/key_result/title"), ["Reply time", "Conversion", "Cost per lead"]);
        assert_eq!((due.text("/check_ins/1/key_result/last_check_in/note"), due.text("/check_ins/1/key_result/open_blocker/blocker")), ("Slow", "No designer"));
        assert_eq!((due.number("/counts/overdue"), due.text("/check_ins/0/due_on"), due.text("/check_ins/1/due_on")), (3.0, "2026-04-08", "2026-04-15"));

        let shown = text(&ann, "due").await;
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert_eq!(shown, "\
Due in acme on 2026-04-18

Check-ins: 3
  KEY RESULT                              LAST   EXPECTED SAID        SINCE
  Reply time                              none       none never       2026-04-08
  Conversion                             2.2 %     2.34 % at risk     2026-04-15
    blocked: No designer
  Cost per lead                         74 EUR  70.75 EUR on track    2026-04-15

Values: 3
  KPI                                     LAST            STATE       SINCE
  Never told                              none            never
  Churn rate                             2.5 %            stale       2026-03-01
  Answered calls                            80            stale       2026-04-13

Initiatives: 2
  Shorten the form                                  ann               2026-04-08
  Later                                             ann               2026-04-09

Drafts whose time has begun: 1
  Begun and not ready                               ann               2026-04-01
    missing: /key_results/0/target

Objectives past their end: 1
  Short                                             ann               2026-04-05

Failed remedies: none
");
    }

    /// Everybody sees their own, a team its own; what is over or archived is nobody's.
    async fn what_is_due_is_somebodys(app) {
        let ann = app.owner_of("ann", "acme").await;
        app.joins(&ann, "bob", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let (ann, bob) = (app.signs_in("ann").await.inside("acme"), app.signs_in("bob").await.inside("acme"));
        let bobs = ann.get("members?role=member").await.text("/items/0/id").to_owned();
        ann.post("cycles", json!({"name": "Q2 2026", "starts_on": "2026-04-01", "ends_on": "2026-07-10"})).await.expect(201);
        let objective = ann.post("objectives", json!({
            "title": "Launch", "cycle_id": "q2-2026", "state": "active", "team_id": "growth",
            "key_results": [{"title": "Hers", "kind": "milestone"}, {"title": "His", "kind": "milestone", "owner_id": bobs}],
        })).await;
        objective.expect(201);
        bob.post("kpis", json!({"name": "His KPI"})).await.expect(201);
        ann.post("kpis", json!({"name": "Team KPI", "team_id": "growth"})).await.expect(201);
        app.it_is("2026-04-20T10:00:00Z");
        let (ann, bob) = (app.signs_in("ann").await.inside("acme"), app.signs_in("bob").await.inside("acme"));
        let his = bob.get("due?owner=me").await;
        assert_eq!((all(&his, "/check_ins", "/key_result/title"), all(&his, "/kpis", "/key")), (vec!["His"], vec!["his-kpi"]));
        assert_eq!(*his.at("/check_ins/0/key_result/can/check_in"), json!(true));
        assert_eq!(ann.get(&format!("due?owner={bobs}")).await.at("/check_ins"), his.at("/check_ins"));
        let teams = ann.get("due?team=growth").await;
        assert_eq!((all(&teams, "/check_ins", "/key_result/title"), all(&teams, "/kpis", "/key")), (vec!["Hers", "His"], vec!["team-kpi"]));
        assert_eq!(all(&ann.get(&format!("due?team=growth&owner={bobs}")).await, "/check_ins", "/key_result/title"), ["His"]);
        ann.get("due?owner=obj_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("due?team=nowhere").await.refused(404, "not_found");
        ann.get("due?limit=5").await.refused(400, "invalid_query");

        ann.delete(&format!("key-results/{}", objective.text("/key_results/0/id"))).await.expect(204);
        assert_eq!(all(&ann.get("due").await, "/check_ins", "/key_result/title"), ["His"]);
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        assert_eq!(*ann.get("due").await.at("/check_ins"), json!([]));
    }
}
