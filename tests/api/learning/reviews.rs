//! Reviews: written down with their decisions, and seen by everybody without what is private to others.

use serde_json::{Value, json};

use super::each;
use crate::care::{churn_turned_bad, kpi, measured};
use crate::harness::stories;

stories! {
    /// One request holds the meeting and what was decided in it.
    async fn a_review_holds_its_decisions(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let objective = ann.post("objectives", json!({"title": "Keep them"})).await;
        let made = ann.post("reviews", json!({
            "held_on": "2026-03-10", "team_id": "growth", "kpi_ids": ["refunds", "refunds"], "objective_ids": [objective.at("/id")],
            "attendee_ids": ["me"], "notes": "Long.",
            "decisions": [
                {"kpi_id": "churn-rate", "choice": "start", "summary": "Call them.", "certainty": 4},
                {"kpi_id": "churn-rate", "choice": "investigate", "summary": "Ask why."},
            ],
        })).await;
        made.expect(201);
        let path = format!("reviews/{}", made.text("/id"));
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}/{path}", ann.get("").await.text("/id")));
        assert_eq!(made.at("/kpis").as_array().expect("KPIs").iter().map(|kpi| kpi["key"].clone()).collect::<Vec<_>>(), ["churn-rate", "refunds"]);
        assert_eq!((made.at("/objectives/0/title"), made.at("/attendees/0/name"), made.at("/team/slug"), made.at("/private")), (&json!("Keep them"), &json!("ann"), &json!("growth"), &json!(0)));
        // Decisions are of the day of the meeting: February's 6 was the current value then.
        assert_eq!((made.at("/decisions/0/decided_on"), made.at("/decisions/0/moment/value")), (&json!("2026-03-10"), &json!(6.0)));
        assert_eq!(made.at("/decisions/1/review"), &json!({"id": made.at("/id"), "held_on": "2026-03-10"}));
        assert_eq!(each(&bob.get(&format!("decisions?review={}", made.text("/id"))).await, "/choice"), ["investigate", "start"]);
        assert_eq!(bob.get(&path).await.at("/can"), &json!({"edit": false}));
        bob.patch(&path, json!({"notes": "x"})).await.refused(403, "forbidden");

        // Notes, attendees and what was looked at change; what was decided on was looked at.
        let changed = ann.patch(&path, json!({"notes": null, "attendee_ids": [], "kpi_ids": [], "objective_ids": []})).await;
        assert_eq!((changed.expect(200).at("/kpis/0/key"), changed.at("/objectives"), changed.at("/version")), (&json!("churn-rate"), &json!([]), &json!(2)));
        assert_eq!(changed.at("/kpi_ids").as_array().map(Vec::len), Some(1));
        let again = ann.patch(&path, json!({"notes": null})).await;
        assert_eq!(again.expect(200).at("/version"), &json!(2));
        ann.patch(&path, json!({"kpi_ids": ["refunds"]})).await.expect(200);
        ann.patch(&path, json!({"held_on": "2026-03-11"})).await.refused(422, "validation_failed").names("/held_on", "unknown_field");
        ann.delete(&path).await.refused(405, "method_not_allowed");
        // A decision of today can be put into it, and so is its KPI.
        let late = ann.post("decisions", json!({"kpi_id": "refunds", "choice": "stop", "summary": "No more.", "review_id": made.at("/id")})).await;
        assert_eq!(late.expect(201).at("/decided_on"), "2026-03-10");
        bob.post("decisions", json!({"kpi_id": "refunds", "choice": "stop", "summary": "x", "review_id": made.at("/id")})).await.refused(403, "forbidden");

        let other = ann.post("reviews", json!({"held_on": "2026-03-31", "kpi_ids": ["refunds"]})).await;
        assert_eq!(each(&bob.get("reviews?include=total").await, "/held_on"), ["2026-03-31", "2026-03-10"]);
        assert_eq!(each(&bob.get("reviews?kpi=churn-rate").await, "/held_on"), ["2026-03-10"]);
        assert_eq!(each(&bob.get("reviews?team=growth").await, "/held_on"), ["2026-03-10"]);
        assert_eq!(each(&bob.get("reviews?from=2026-03-11&to=2026-03-31").await, "/held_on"), ["2026-03-31"]);
        let page = bob.get("reviews?limit=1").await;
        assert_eq!(each(&bob.get(&format!("reviews?limit=1&cursor={}", page.text("/next_cursor"))).await, "/held_on"), ["2026-03-10"]);
        assert_eq!(each(&bob.get("reviews?as_of=2026-03-30").await, "/held_on"), Vec::<Value>::new(), "nobody had written one down");
        let said = bob.post("comments", json!({"subject_id": other.at("/id"), "text": "Who came?"})).await;
        assert_eq!(said.expect(201).at("/subject/name"), "Review of 2026-03-31");
        let told = bob.get("events?type=review.created&type=review.updated").await;
        assert_eq!(told.at("/items").as_array().map(Vec::len), Some(4));
        assert_eq!(told.at("/items/3/change"), &json!({"held_on": "2026-03-10", "team_id": made.at("/team_id"), "attendee_ids": made.at("/attendee_ids"), "kpis": 2, "objectives": 1, "decisions": 2}));
    }

    /// What is private to others is left out and counted; it stays when others change the review.
    async fn private_things_are_left_out(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "admin").await;
        churn_turned_bad(&ann).await;
        for name in ["Secret", "Other secret"] {
            ann.post("kpis", json!({"name": name, "visibility": "private"})).await.expect(201);
        }
        let objective = ann.post("objectives", json!({"title": "Hidden goal", "visibility": "private"})).await;
        let made = ann.post("reviews", json!({
            "held_on": "2026-03-31", "kpi_ids": ["churn-rate", "other-secret"], "objective_ids": [objective.at("/id")],
            "decisions": [{"kpi_id": "secret", "choice": "stop", "summary": "Quietly."}],
        })).await;
        made.expect(201);
        let path = format!("reviews/{}", made.text("/id"));
        let seen = bob.get(&path).await;
        // Two KPIs, an objective and a decision.
        assert_eq!((seen.expect(200).at("/private"), seen.at("/kpis").as_array().map(Vec::len), seen.at("/decisions"), seen.at("/objectives")), (&json!(4), Some(1), &json!([]), &json!([])));
        for raw in [seen.raw, bob.get("reviews").await.raw, bob.get("events?limit=200").await.raw] {
            assert!(!raw.contains("ecret") && !raw.contains("Hidden goal") && !raw.contains("Quietly") && !raw.contains(objective.text("/id")), "{raw}");
        }
        bob.patch(&path, json!({"kpi_ids": [], "objective_ids": [], "notes": "Done"})).await.expect(200);
        let still = ann.get(&path).await;
        assert_eq!((still.at("/kpis").as_array().map(Vec::len), still.at("/objectives/0/title"), still.at("/private")), (Some(2), &json!("Hidden goal"), &json!(0)));
    }

    /// Everything that is wrong is told at once, and nothing is stored.
    async fn bad_reviews_are_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        churn_turned_bad(&ann).await;
        ann.post("kpis", json!({"name": "Secret", "visibility": "private"})).await.expect(201);
        for (body, pointer, code) in [
            (json!({"kpi_ids": ["churn-rate"]}), "/held_on", "required"),
            (json!({"held_on": "2026-04-01", "kpi_ids": ["churn-rate"]}), "/held_on", "in_the_future"),
            (json!({"held_on": "1899-12-31", "kpi_ids": ["churn-rate"]}), "/held_on", "out_of_bounds"),
            (json!({"held_on": "2026-03-31"}), "/kpi_ids", "nothing_looked_at"),
            (json!({"held_on": "2026-03-31", "kpi_ids": vec!["churn-rate"; 201]}), "/kpi_ids", "too_many"),
            (json!({"held_on": "2026-03-31", "kpi_ids": vec!["churn-rate"; 150], "objective_ids": vec!["obj_01h455vb4pex5vsknk084sn02q"; 51]}), "/objective_ids", "too_many"),
            (json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"], "attendee_ids": vec!["me"; 101]}), "/attendee_ids", "too_many"),
            (json!({"held_on": "2026-03-31", "decisions": [{"kpi_id": "churn-rate", "choice": "stop", "summary": " "}]}), "/decisions/0/summary", "blank"),
            (json!({"held_on": "2026-03-31", "decisions": [{"kpi_id": "churn-rate", "choice": "stop", "summary": "x", "review_id": "rev_01h455vb4pex5vsknk084sn02q"}]}), "/decisions/0/review_id", "unexpected"),
            (json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"], "author_id": "me"}), "/author_id", "unknown_field"),
        ] {
            ann.post("reviews", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        let told = bob.post("reviews", json!({
            "held_on": "2026-03-31", "team_id": "nobodys", "kpi_ids": ["churn-rate", "secret"],
            "objective_ids": ["obj_01h455vb4pex5vsknk084sn02q"], "attendee_ids": ["me", "mem_01h455vb4pex5vsknk084sn02q"],
            "decisions": [
                {"kpi_id": "churn-rate", "choice": "stop", "summary": "x", "revisit_on": "2026-03-01"},
                {"kpi_id": "secret", "choice": "stop", "summary": "x"},
                {"kpi_id": "nothing", "choice": "stop", "summary": "x"},
            ],
        })).await;
        told.refused(404, "not_found");
        for pointer in ["/team_id", "/kpi_ids/1", "/objective_ids/0", "/attendee_ids/1", "/decisions/1/kpi_id", "/decisions/2/kpi_id"] {
            told.names(pointer, "not_found");
        }
        told.names("/decisions/0/revisit_on", "not_after_decision");
        // One that contradicts what is there takes all with it.
        let first = ann.post("decisions", json!({"kpi_id": "churn-rate", "choice": "stop", "summary": "x"})).await;
        let twice = json!({"held_on": "2026-03-31", "decisions": [
            {"kpi_id": "churn-rate", "choice": "start", "summary": "x", "reverses_id": first.at("/id")},
            {"kpi_id": "churn-rate", "choice": "start", "summary": "x", "reverses_id": first.at("/id")},
        ]});
        ann.post("reviews", twice).await.refused(409, "conflict").names("/decisions/1/reverses_id", "already_reversed");
        let before = json!({"held_on": "2026-03-30", "decisions": [{"kpi_id": "churn-rate", "choice": "start", "summary": "x", "reverses_id": first.at("/id")}]});
        ann.post("reviews", before).await.refused(422, "validation_failed").names("/decisions/0/reverses_id", "decided_later");
        vic.post("reviews", json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"]})).await.refused(403, "forbidden");
        assert_eq!(ann.get("reviews").await.at("/items"), &json!([]));
        assert_eq!(each(&ann.get("decisions").await, "/choice"), ["stop"]);
        let made = ann.post("reviews", json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"]})).await;
        let path = format!("reviews/{}", made.text("/id"));
        ann.patch(&path, json!({"kpi_ids": []})).await.refused(422, "validation_failed").names("/kpi_ids", "nothing_looked_at");
        ann.patch(&path, json!({"kpi_ids": ["nothing"]})).await.refused(404, "not_found").names("/kpi_ids/0", "not_found");
        ann.get("reviews?as_of=2026-04-01").await.refused(422, "validation_failed").names("as_of", "in_the_future");
        let eve = app.owner_of("eve", "evil").await;
        eve.get(&path).await.refused(404, "not_found");
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0)]).await;
    }
}
