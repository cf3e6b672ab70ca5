//! The brief: what a person needs to know of one KPI before deciding, in sentences made of the numbers.

use serde_json::{Value, json};

use super::decided;
use crate::harness::{Caller, stories};

async fn make(caller: &Caller, body: Value) {
    caller.post("kpis", body).await.expect(201);
}

async fn measured(caller: &Caller, key: &str, values: &[(&str, f64)]) {
    for (day, value) in values {
        caller.put(&format!("kpis/{key}/points/{day}"), json!({"value": value})).await.expect(201);
    }
}

stories! {
    /// Four questions, four answers, as JSON and as text.
    async fn a_computed_kpi_says_what_moved_it_and_what_should_follow(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Costs"})).await;
        make(&ann, json!({"name": "Tickets"})).await;
        make(&ann, json!({
            "name": "Cost per ticket", "formula": "costs / tickets", "target": {"max": 20},
            "display": {"style": "currency", "currency": "EUR"}, "definition": "Costs over tickets.",
            "decision": "Whether to hire.", "playbook": {"unhealthy": "Ask the team first.\nThen the rest."},
        })).await;
        // 1000 / 50 = 20 in January, 1500 / 50 = 30 in February: costs alone moved it, by 10.
        measured(&ann, "costs", &[("2026-01-31", 1000.0), ("2026-02-28", 1500.0)]).await;
        measured(&ann, "tickets", &[("2026-01-31", 50.0), ("2026-02-28", 50.0)]).await;
        let note = json!({"on": "2026-02-10", "text": "Two people left."});
        ann.post("kpis/cost-per-ticket/annotations", note).await.expect(201);

        let brief = ann.get("kpis/cost-per-ticket/brief").await;
        brief.expect(200);
        assert_eq!(brief.text("/as_of"), "2026-03-31");
        assert_eq!(brief.text("/kpi/health"), "unhealthy");
        assert_eq!(
            brief.text("/why/sentence"),
            "It changed by 10 EUR, and Costs moved it most: by 10 EUR. Noted on 2026-02-10: Two people left."
        );
        assert_eq!(brief.number("/why/contribution/inputs/0/contribution"), 10.0);
        assert_eq!(brief.number("/why/contribution/inputs/1/contribution"), 0.0);
        assert_eq!(brief.text("/next/group"), "untreated");
        assert_eq!(
            brief.text("/next/sentence"),
            "It has been unhealthy since 2026-02-01, 10 EUR above its target, and nothing treats it: prescribe a \
             remedy, or accept it for a while. The playbook says: Ask the team first."
        );
        assert_eq!(brief.text("/helps/verdict"), "too_early");
        assert!(brief.text("/changing/forecast").starts_with("A line needs 4 complete periods"));

        let text = ann.call(reqwest::Method::GET, "kpis/cost-per-ticket/brief").header("accept", "text/plain");
        let text = text.send().await;
        text.expect(200);
        for line in ["Cost per ticket of acme on 2026-03-31", "30 EUR in 2026-02, unhealthy", "Is it changing?", "Why?"] {
            assert!(text.raw.lines().any(|one| one == line), "no line {line}:\n{}", text.raw);
        }
        assert!(text.raw.lines().all(|line| line.chars().count() <= 80), "{}", text.raw);

        // Prescribed, it is in treatment; accepted, it says until when.
        ann.post("kpis/cost-per-ticket/remedies", json!({"title": "Answer at once"})).await.expect(201);
        decided(&ann, "cost-per-ticket", "continue", json!({"revisit_on": "2026-05-01"})).await;
        let brief = ann.get("kpis/cost-per-ticket/brief").await;
        assert_eq!(
            brief.text("/next/sentence"),
            "It has been unhealthy since 2026-02-01, 10 EUR above its target, and is in treatment. “Answer at once” \
             is at work and has closed 0 % of the gap. It is accepted as it is until 2026-05-01."
        );
        assert_eq!(brief.text("/next/accepted/until"), "2026-05-01");

        // As of January nothing was wrong.
        let then = ann.get("kpis/cost-per-ticket/brief?as_of=2026-01-31").await;
        assert_eq!(then.text("/next/sentence"), "It has been healthy since 2026-01-01 (target ≤ 20 EUR): nothing has to follow.");
        ann.get("kpis/cost-per-ticket/brief?as_of=2026-04-01").await.refused(422, "validation_failed");
    }

    /// What nobody can tell is said to be so, and what nobody has explained too.
    async fn nothing_is_made_up(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Silent"})).await;
        let brief = ann.get("kpis/silent/brief").await;
        brief.expect(200);
        assert_eq!(
            brief.text("/why/sentence"),
            "Nobody has said why: it has no inputs and no drivers, and nothing is noted on its timeline."
        );
        assert_eq!(brief.text("/next/sentence"), "Nobody can tell how it is doing: it has no target. Set one.");
        let codes: Vec<&Value> =
            brief.at("/kpi/advice").as_array().expect("advice").iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["no_definition", "no_unit", "no_data", "no_purpose", "no_target"]);
    }
}
