//! Decisions: what they keep, how they are judged, and what they refuse.

use serde_json::{Value, json};

use super::{decided, each};
use crate::care::{ann_cares, churn_turned_bad, kpi, measured};
use crate::harness::{Answer, Caller, stories};

fn at(made: &Answer) -> String {
    format!("decisions/{}", made.text("/id"))
}

/// Whether what was expected came true, and by which value.
async fn judged(caller: &Caller, path: &str) -> Value {
    let shown = caller.get(path).await;
    shown.expect(200);
    json!([shown.at("/expects/state"), shown.at("/expects/value")])
}

/// The keys of the unhealthy KPIs that nothing treats, with until when they are accepted.
async fn untreated(caller: &Caller, query: &str) -> Vec<Value> {
    let shown = caller.get(&format!("triage{query}")).await;
    let rows = shown.expect(200).at("/untreated").as_array().expect("rows").clone();
    rows.iter().map(|row| json!([row["key"], row["accepted_until"]])).collect()
}

stories! {
    /// The KPI as it was stays with the decision, whatever comes; what was expected is judged by the band of then.
    async fn a_decision_keeps_its_moment(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = ann.post("decisions", json!({
            "kpi_id": "churn-rate", "choice": "start", "summary": "Call those who left.", "certainty": 4,
            "expects": {"what": "better", "by": "2026-04-30"}, "revisit_on": "2026-05-01",
        })).await;
        made.expect(201);
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}/{}", ann.get("").await.text("/id"), at(&made)));
        let moment = json!({
            "value": 6.0, "period": "2026-02", "starts_on": "2026-02-01", "health": "unhealthy",
            "freshness": "fresh", "trend": null, "target": {"min": null, "max": 4.0}, "tolerance": null,
        });
        assert_eq!(made.at("/moment"), &moment);
        assert_eq!((made.at("/decided_on"), made.at("/decided_by"), made.at("/origin")), (&json!("2026-03-31"), &Value::Null, &json!("person")));
        assert_eq!(made.at("/expects"), &json!({"what": "better", "by": "2026-04-30", "state": "too_early", "value": null}));

        app.it_is("2026-04-30T20:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-30", 5.0)]).await;
        assert_eq!(judged(&ann, &at(&made)).await, json!(["too_early", null]));
        // 6 was 2 over the band, 5 is 1 over it.
        app.it_is("2026-05-01T10:00:00Z");
        assert_eq!(judged(&ann, &at(&made)).await, json!(["met", 5.0]));
        assert_eq!(judged(&ann, &format!("{}?as_of=2026-04-30", at(&made))).await, json!(["too_early", null]));
        // A correction counts, and what was known before can be told again; a moved target changes nothing.
        app.it_is("2026-05-02T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-30", 7.0)]).await;
        ann.post("kpis/churn-rate/targets", json!({"effective_from": "2026-04-01", "target": {"max": 9}})).await.expect(201);
        assert_eq!(judged(&ann, &at(&made)).await, json!(["not_met", 7.0]));
        assert_eq!(judged(&ann, &format!("{}?known_at=2026-05-01T12:00:00Z", at(&made))).await, json!(["met", 5.0]));
        assert_eq!(ann.get(&at(&made)).await.at("/moment"), &moment);
        ann.get(&format!("{}?as_of=2026-03-30", at(&made))).await.refused(404, "not_found");
        ann.get(&format!("{}?as_of=2026-05-03", at(&made))).await.refused(422, "validation_failed").names("as_of", "in_the_future");
        assert_eq!(each(&ann.get("decisions?origin=person&as_of=2026-03-30").await, "/id"), Vec::<Value>::new());

        // It is due until a later one takes it up.
        assert_eq!(each(&ann.get("decisions?revisit_by=2026-05-01").await, "/id"), [made.at("/id").clone()]);
        assert_eq!(each(&ann.get("decisions?revisit_by=2026-04-30").await, "/id"), Vec::<Value>::new());
        let next = decided(&ann, "churn-rate", "stop", json!({"follows_id": made.at("/id")})).await;
        assert_eq!(each(&ann.get("decisions?revisit_by=2026-05-01").await, "/id"), Vec::<Value>::new());
        assert_eq!(each(&ann.get("decisions?revisit_by=2026-05-01&known_at=2026-05-02T09:00:00Z").await, "/id"), [made.at("/id").clone()]);
        let taken_up = ann.get(&at(&made)).await;
        assert_eq!((taken_up.at("/revisited_by_id"), taken_up.at("/reversed_by_id")), (next.at("/id"), &Value::Null));
        let back = decided(&ann, "churn-rate", "start", json!({"reverses_id": next.at("/id")})).await;
        assert_eq!(ann.get(&at(&next)).await.at("/reversed_by_id"), back.at("/id"));
    }

    /// Words, the day to look again and what came of it can change; what was chosen cannot, and nothing is deleted.
    async fn what_may_change_of_a_decision(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        churn_turned_bad(&ann).await;
        let open = ann.post("objectives", json!({"title": "Keep them"})).await;
        let secret = ann.post("objectives", json!({"title": "Buy them", "visibility": "private"})).await;
        let made = decided(&bob, "churn-rate", "investigate", json!({"led_to_ids": [open.at("/id")]})).await;
        assert_eq!((made.at("/decided_by/name"), made.at("/can")), (&json!("bob"), &json!({"edit": true})));
        assert_eq!(made.at("/led_to"), &json!([{"type": "objective", "id": open.at("/id"), "name": "Keep them"}]));
        for (field, value) in [("choice", json!("stop")), ("certainty", json!(5)), ("expects", json!(null)), ("reverses_id", json!(null))] {
            bob.patch(&at(&made), json!({field: value})).await.refused(422, "validation_failed").names(&format!("/{field}"), "unknown_field");
        }
        bob.delete(&at(&made)).await.refused(405, "method_not_allowed");
        vic.patch(&at(&made), json!({"summary": "x"})).await.refused(403, "forbidden");
        assert_eq!(vic.get(&at(&made)).await.at("/can/edit"), &json!(false));
        let hers = ann.patch(&at(&made), json!({"led_to_ids": [open.at("/id"), secret.at("/id")], "revisit_on": "2026-04-15"})).await;
        assert_eq!((hers.expect(200).at("/version"), hers.at("/led_to_private"), hers.at("/led_to/1/name")), (&json!(2), &json!(0), &json!("Buy them")));
        // Bob does not learn of the secret one, and cannot take it away.
        let his = bob.patch(&at(&made), json!({"led_to_ids": [], "summary": "Ask them."})).await;
        assert_eq!((his.expect(200).at("/led_to_ids"), his.at("/led_to_private"), his.at("/summary")), (&json!([]), &json!(1), &json!("Ask them.")));
        assert!(!his.raw.contains("Buy them") && !bob.get("events?limit=200").await.raw.contains("Buy them"));
        assert_eq!(ann.get(&at(&made)).await.at("/led_to_ids"), &json!([secret.at("/id")]));
        let again = bob.patch(&at(&made), json!({"summary": "Ask them."})).await;
        assert_eq!(again.expect(200).at("/version"), &json!(3));
        bob.patch(&at(&made), json!({"led_to_ids": [secret.at("/id")]})).await.refused(404, "not_found").names("/led_to_ids/0", "not_found");
        bob.patch(&at(&made), json!({"revisit_on": "2026-03-31"})).await.refused(422, "validation_failed").names("/revisit_on", "not_after_decision");
        bob.patch(&at(&made), json!({"summary": "y", "version": 2})).await.refused(409, "version_conflict");
        let said = bob.post("comments", json!({"subject_id": made.at("/id"), "text": "When?"})).await;
        assert_eq!(said.expect(201).at("/subject"), &json!({"type": "decision", "id": made.at("/id"), "name": "investigate: Churn rate"}));
        let told = ann.get("events?type=decision.created&type=decision.updated").await;
        assert_eq!(told.at("/items").as_array().map(Vec::len), Some(3));
        // With its KPI it is hidden, and so is what was said of it.
        ann.patch("kpis/churn-rate", json!({"visibility": "private"})).await.expect(200);
        bob.get(&at(&made)).await.refused(404, "not_found");
        for list in ["decisions", "comments", "events?type=decision.created"] {
            assert_eq!(bob.get(list).await.at("/items"), &json!([]), "{list}");
        }
    }

    /// An unhealthy KPI is accepted for a while: last in its group, until the day, while nobody decides otherwise.
    async fn an_unhealthy_kpi_is_accepted_for_a_while(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        measured(&ann, "refunds", &[("2026-01-31", 3.0), ("2026-02-28", 4.5)]).await;
        assert_eq!(untreated(&ann, "").await, [json!(["churn-rate", null]), json!(["refunds", null])]);
        // 180 days from the 31st of March: 30 of April, 31, 30, 31, 31 and 27 of September.
        let too_far = json!({"kpi_id": "churn-rate", "choice": "continue", "summary": "Wait.", "revisit_on": "2026-09-28"});
        ann.post("decisions", too_far).await.refused(422, "validation_failed").names("/revisit_on", "too_far");
        let accepted = decided(&ann, "churn-rate", "continue", json!({"summary": "Wait.", "revisit_on": "2026-09-27"})).await;
        assert_eq!(untreated(&ann, "").await, [json!(["refunds", null]), json!(["churn-rate", "2026-09-27"])]);
        let row = ann.get("triage").await;
        assert_eq!(row.at("/untreated/1/accepted"), &json!({"until": "2026-09-27", "by": null, "why": "Wait.", "decision_id": accepted.at("/id")}));
        let text = ann.call(reqwest::Method::GET, "triage").header("accept", "text/plain").send().await;
        assert!(text.raw.contains("\n    accepted until 2026-09-27: Wait.\n"), "{}", text.raw);
        ann.patch(&at(&accepted), json!({"revisit_on": "2026-09-28"})).await.refused(422, "validation_failed").names("/revisit_on", "too_far");
        ann.patch(&at(&accepted), json!({"revisit_on": "2026-04-10"})).await.expect(200);
        // The day itself counts; a day later nobody accepts it any more, and one can look back.
        app.it_is("2026-04-10T12:00:00Z");
        assert_eq!(untreated(&ann, "").await[1], json!(["churn-rate", "2026-04-10"]));
        app.it_is("2026-04-11T12:00:00Z");
        assert_eq!(untreated(&ann, "").await[0], json!(["churn-rate", null]));
        assert_eq!(untreated(&ann, "?as_of=2026-04-01").await[1], json!(["churn-rate", "2026-04-10"]));
        assert_eq!(untreated(&ann, "?as_of=2026-03-30").await[0], json!(["churn-rate", null]));
        // Another decision, or taking it back, ends it as well.
        let again = decided(&ann, "churn-rate", "continue", json!({"revisit_on": "2026-06-30"})).await;
        assert_eq!(untreated(&ann, "").await[1], json!(["churn-rate", "2026-06-30"]));
        let otherwise = decided(&ann, "churn-rate", "investigate", json!({})).await;
        assert_eq!(untreated(&ann, "").await[0], json!(["churn-rate", null]));
        decided(&ann, "churn-rate", "adjust", json!({"reverses_id": otherwise.at("/id")})).await;
        assert_eq!(untreated(&ann, "").await[0], json!(["churn-rate", null]));
        decided(&ann, "churn-rate", "continue", json!({"follows_id": again.at("/id"), "revisit_on": "2026-06-30"})).await;
        // The next episode is another matter.
        app.it_is("2026-05-05T12:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-30", 3.0), ("2026-05-05", 8.0)]).await;
        assert_eq!(untreated(&ann, "").await, [json!(["churn-rate", null]), json!(["refunds", null])]);
        // What is healthy can wait longer, and accepts nothing.
        kpi(&ann, "Calm").await;
        measured(&ann, "calm", &[("2026-05-01", 1.0)]).await;
        decided(&ann, "calm", "continue", json!({"revisit_on": "2027-05-05"})).await;
    }

    /// What names nothing, too much or another KPI is refused, all of it at once.
    async fn bad_decisions_are_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        ann.post("kpis", json!({"name": "Silent", "target": {"max": 1}})).await.expect(201);
        ann.post("kpis", json!({"name": "Secret", "visibility": "private"})).await.expect(201);
        let of_churn = decided(&ann, "churn-rate", "adjust", json!({})).await;
        let of_secret = decided(&ann, "secret", "adjust", json!({})).await;
        let whole = json!({"kpi_id": "churn-rate", "choice": "start", "summary": "x"});
        let with = |name: &str, value: Value| { let mut body = whole.clone(); body[name] = value; body };
        for (body, pointer, code) in [
            (json!({"choice": "start", "summary": "x"}), "/kpi_id", "required"),
            (with("choice", json!("wait")), "/choice", "unknown_value"),
            (with("summary", json!("  ")), "/summary", "blank"),
            (with("summary", json!(null)), "/summary", "wrong_type"),
            (with("certainty", json!(0)), "/certainty", "out_of_bounds"),
            (with("certainty", json!(6)), "/certainty", "out_of_bounds"),
            (with("certainty", json!(2.5)), "/certainty", "wrong_type"),
            (with("expects", json!({"what": "better"})), "/expects/by", "required"),
            (with("expects", json!({"what": "better", "by": "2026-03-31"})), "/expects/by", "not_after_decision"),
            (with("expects", json!({"what": "better", "by": "2036-03-31"})), "/expects/by", "too_far"),
            (with("revisit_on", json!("2026-03-31")), "/revisit_on", "not_after_decision"),
            (with("revisit_on", json!("2031-04-05")), "/revisit_on", "too_far"),
            (with("led_to_ids", json!(["cyc_01h455vb4pex5vsknk084sn02q"])), "/led_to_ids/0", "unexpected_kind"),
            (with("led_to_ids", json!(vec![of_churn.at("/id"); 2])), "/led_to_ids/1", "duplicate"),
            (with("decided_on", json!("2026-03-01")), "/decided_on", "unknown_field"),
            (with("origin", json!("recorded")), "/origin", "unknown_field"),
            (json!({"kpi_id": "refunds", "choice": "start", "summary": "x", "reverses_id": of_churn.at("/id")}), "/reverses_id", "of_another_kpi"),
            (json!({"kpi_id": "refunds", "choice": "start", "summary": "x", "follows_id": of_churn.at("/id")}), "/follows_id", "of_another_kpi"),
        ] {
            ann.post("decisions", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        let both = json!({"kpi_id": "refunds", "choice": "stop", "summary": "x", "reverses_id": of_churn.at("/id"), "follows_id": "dec_01h455vb4pex5vsknk084sn02q", "revisit_on": "2026-03-01"});
        let told = ann.post("decisions", both).await;
        told.refused(404, "not_found").names("/follows_id", "not_found").names("/reverses_id", "of_another_kpi").names("/revisit_on", "not_after_decision");
        for (body, pointer) in [
            (json!({"kpi_id": "nothing", "choice": "start", "summary": "x"}), "/kpi_id"),
            (json!({"kpi_id": "secret", "choice": "start", "summary": "x"}), "/kpi_id"),
            (with("reverses_id", of_secret.at("/id").clone()), "/reverses_id"),
            (with("led_to_ids", json!(["obj_01h455vb4pex5vsknk084sn02q"])), "/led_to_ids/0"),
            (with("led_to_ids", json!(["tgt_01h455vb4pex5vsknk084sn02q"])), "/led_to_ids/0"),
            (with("review_id", json!("rev_01h455vb4pex5vsknk084sn02q")), "/review_id"),
        ] {
            bob.post("decisions", body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        let target = ann.post("kpis/refunds/targets", json!({"effective_from": "2026-05-01", "target": {"max": 2}})).await;
        bob.post("decisions", with("led_to_ids", json!([target.at("/id")]))).await.refused(404, "not_found").names("/led_to_ids/0", "not_found");
        vic.post("decisions", whole.clone()).await.refused(403, "forbidden");
        let silent = |body: Value| { let mut body = body; body["kpi_id"] = json!("silent"); body };
        let expecting = with("expects", json!({"what": "same", "by": "2026-04-30"}));
        ann.post("decisions", silent(expecting)).await.refused(409, "kpi_has_no_value").names("/expects", "kpi_has_no_value");
        let reversing = with("reverses_id", of_churn.at("/id").clone());
        ann.post("decisions", reversing.clone()).await.expect(201);
        ann.post("decisions", reversing).await.refused(409, "conflict").names("/reverses_id", "already_reversed");
        ann.delete("kpis/refunds").await.expect(204);
        ann.post("decisions", json!({"kpi_id": "refunds", "choice": "start", "summary": "x"})).await.refused(409, "kpi_archived").names("/kpi_id", "kpi_archived");
        ann.get("decisions/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        bob.get(&at(&of_secret)).await.refused(404, "not_found");
        ann.get("decisions?kpi=nothing").await.refused(404, "not_found");
        ann.get("decisions?review=obj_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("decisions?choice=wait").await.refused(400, "invalid_query");
        assert_eq!(each(&ann.get("decisions?choice=start&origin=person&include=total").await, "/choice"), ["start"]);
        let eve = app.owner_of("eve", "evil").await;
        eve.get(&at(&of_churn)).await.refused(404, "not_found");
    }
}
