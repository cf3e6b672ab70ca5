//! Remedies and triage as they stood.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// Every day answers as it did when it ended.
    async fn a_past_day_answers_as_it_stood(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        app.it_is("2026-04-02T10:00:00Z");
        let made = prescribed(&ann, "churn-rate", json!({"state": "draft"})).await;
        let (objective, remedy) = (objective(&made), remedy(&made));
        app.it_is("2026-04-04T10:00:00Z");
        ann.call(reqwest::Method::POST, &format!("{objective}/activate")).send().await.expect(200);
        app.it_is("2026-04-06T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-05", 3.0)]).await;
        app.it_is("2026-04-08T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-07", 7.0)]).await;
        app.it_is("2026-04-10T10:00:00Z");
        ann.delete(&remedy).await.expect(204);
        app.it_is("2026-04-12T10:00:00Z");

        for (day, group, outcome) in [
            ("2026-02-27", &[][..], None),
            ("2026-04-01", &["untreated: churn-rate"], None),
            ("2026-04-02", &["untreated: churn-rate"], Some("planned")),
            ("2026-04-03", &["untreated: churn-rate"], Some("planned")),
            ("2026-04-04", &["in_treatment: churn-rate"], Some("in_progress")),
            ("2026-04-05", &["recovered: churn-rate"], Some("recovered")),
            ("2026-04-07", &["in_treatment: churn-rate"], Some("in_progress")),
            ("2026-04-09", &["in_treatment: churn-rate"], Some("in_progress")),
            ("2026-04-10", &["untreated: churn-rate", "orphans: Bring Churn rate back to 4 %"], Some("withdrawn")),
            ("2026-04-12", &["untreated: churn-rate", "orphans: Bring Churn rate back to 4 %"], Some("withdrawn")),
        ] {
            assert_eq!(groups(&ann, &format!("?as_of={day}")).await, group, "{day}");
            let list = ann.get(&format!("kpis/churn-rate/remedies?as_of={day}")).await;
            let one = ann.get(&format!("{remedy}?as_of={day}")).await;
            match outcome {
                None => {
                    assert_eq!(list.at("/items"), &json!([]), "{day}");
                    one.refused(404, "not_found");
                }
                Some(outcome) => {
                    assert_eq!(list.at("/items/0/outcome"), outcome, "{day}");
                    assert_eq!(one.at("/outcome"), outcome, "{day}");
                    assert_eq!(one.at("/withdrawn_at").is_null(), outcome != "withdrawn", "{day}");
                }
            }
            assert_eq!(ann.get(&format!("triage?as_of={day}")).await.at("/as_of"), day);
        }
        let all = ann.get("remedies?outcome=recovered&as_of=2026-04-05").await;
        assert_eq!(all.at("/items/0/recovered_on"), "2026-04-05");
        assert_eq!(ann.get("remedies?outcome=recovered").await.at("/items"), &json!([]));
        let healed = ann.get(&format!("{objective}/remedies?as_of=2026-04-04")).await;
        assert_eq!(healed.at("/items/0/objective/state"), "active");
        let planned = ann.get(&format!("{objective}/remedies?as_of=2026-04-02")).await;
        assert_eq!(planned.at("/items/0/objective/state"), "draft");
    }

    /// What was known at a moment counts, whatever was corrected since.
    async fn an_old_report_can_be_made_again(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        app.it_is("2026-04-02T10:00:00Z");
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        app.it_is("2026-04-03T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-02-28", 3.5)]).await;
        kpi(&ann, "Late").await;
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "recovered");
        assert_eq!(told(&ann, "remedy.recovered").await, 1);
        assert_eq!(groups(&ann, "").await, ["unknown: late"], "no episode is left to close");
        assert_eq!(groups(&ann, "?known_at=2026-04-03T09:59:59Z").await, ["in_treatment: churn-rate"]);
        assert_eq!(groups(&ann, "?known_at=2026-04-02T09:59:59Z").await, ["untreated: churn-rate"]);
        let then = ann.get(&format!("{}?known_at=2026-04-02T10:00:00Z", remedy(&made))).await;
        assert_eq!(then.at("/outcome"), "in_progress");
        // As of a day, by what is known now: the points of then, as they were corrected.
        assert_eq!(groups(&ann, "?as_of=2026-04-02").await, ["unknown: late"]);
    }

    /// Closing and archiving are dated too.
    async fn closing_and_archiving_are_dated(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        app.it_is("2026-04-02T10:00:00Z");
        ann.post(&format!("{}/close", objective(&made)), json!({"outcome": "missed"})).await.expect(200);
        app.it_is("2026-05-05T10:00:00Z");
        ann.delete(&objective(&made)).await.expect(204);
        ann.delete("kpis/churn-rate").await.expect(204);
        app.it_is("2026-05-07T10:00:00Z");
        for (day, group, outcome) in [
            ("2026-04-01", &["in_treatment: churn-rate"][..], "in_progress"),
            ("2026-04-02", &["in_treatment: churn-rate"], "awaiting_effect"),
            ("2026-05-01", &["in_treatment: churn-rate"], "awaiting_effect"),
            ("2026-05-02", &["failed: churn-rate"], "failed"),
            ("2026-05-04", &["failed: churn-rate"], "failed"),
            ("2026-05-05", &[], "withdrawn"),
        ] {
            assert_eq!(groups(&ann, &format!("?as_of={day}")).await, group, "{day}");
            let then = ann.get(&format!("{}?as_of={day}", remedy(&made))).await;
            assert_eq!(then.at("/outcome"), outcome, "{day}");
        }
    }
}
