//! What is healthy and slips: who sees it coming, and whether it was prevented.

use serde_json::json;

use super::*;
use crate::harness::stories;

/// Five months that creep towards the ceiling of 4. The ten slopes between them have the median
/// (0.45 + 0.45) / 2, the line goes through the medians (December, 3.0), so March is 3 + 3 · 0.45 = 4.35.
async fn churn_creeps_up(caller: &Caller) {
    kpi(caller, "Churn rate").await;
    let months = [
        ("2025-10-15", 2.0),
        ("2025-11-15", 2.5),
        ("2025-12-15", 3.0),
        ("2026-01-15", 3.4),
        ("2026-02-15", 3.8),
    ];
    measured(caller, "churn-rate", &months).await;
}

stories! {
    /// Nothing is red yet, and still somebody is asked to look.
    async fn what_would_leave_its_band_soon_is_slipping(app) {
        let ann = ann_cares(&app).await;
        churn_creeps_up(&ann).await;
        kpi(&ann, "Calm").await;
        measured(&ann, "calm", &[("2025-12-15", 2.0), ("2026-01-15", 2.0), ("2026-02-15", 2.0)]).await;
        assert_eq!(groups(&ann, "").await, ["slipping: churn-rate"]);
        let shown = ann.get("triage").await;
        assert_eq!(shown.at("/slipping/0/leaves_on"), "2026-03-01");
        assert_eq!(shown.at("/slipping/0/health"), "healthy");
        assert_eq!(shown.at("/counts/healthy"), 1);
        assert_eq!(ann.get("kpis/churn-rate").await.at("/leaves_on"), "2026-03-01");
        assert_eq!(ann.get("kpis/calm").await.at("/leaves_on"), &json!(null));
        assert_eq!(ann.get("overview").await.at("/total/kpis/triage/slipping"), 1);

        // Three months made no line; by the fourth, 3.4, it led to 2.75 + 3.5 · 0.4833 = 4.44 in March.
        assert_eq!(groups(&ann, "?as_of=2025-12-31").await, Vec::<String>::new());
        assert_eq!(groups(&ann, "?as_of=2026-01-31").await, ["slipping: churn-rate"]);
        let text = ann.call(reqwest::Method::GET, "triage").header("accept", "text/plain").send().await;
        let line = text.raw.lines().find(|line| line.contains("Churn rate")).expect("a line");
        assert!(line.ends_with("2026-03-01 none"), "{line}");

        // It turned at once: the newest value is the median of nothing that climbs.
        measured(&ann, "churn-rate", &[("2026-02-15", 1.0), ("2026-01-15", 1.0)]).await;
        assert_eq!(groups(&ann, "").await, Vec::<String>::new());
    }

    /// A remedy is made to keep it within its band, and holds until its objective ends.
    async fn what_slips_takes_a_remedy_that_prevents(app) {
        let ann = ann_cares(&app).await;
        churn_creeps_up(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        assert_eq!(made.at("/outcome"), "in_progress");
        assert_eq!(made.at("/baseline/health"), "healthy");
        assert_eq!(made.at("/days_to_remedy"), &json!(null));
        assert_eq!(made.at("/share_of_gap_closed"), &json!(null));
        assert_eq!(made.at("/objective/title"), "Keep Churn rate ≤ 4 %");
        let goal = ann.get(&objective(&made)).await;
        assert_eq!(goal.at("/key_results/0/kind"), "at_most");
        assert_eq!(goal.at("/key_results/0/target"), 4.0);
        assert_eq!(goal.at("/key_results/0/title"), "Churn rate ≤ 4 %");
        assert_eq!(active(&ann, "churn-rate").await, 1.0);
        assert_eq!(ann.get("triage").await.at("/slipping/0/remedies/0/outcome"), "in_progress");

        app.it_is("2026-04-02T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-03-31", 3.9)]).await;
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "in_progress");
        let close = json!({"outcome": "achieved", "score": 1});
        ann.post(&format!("{}/close", objective(&made)), close).await.expect(200);
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "held");
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 1);

        // What comes after the end is another story; what held, held.
        app.it_is("2026-05-02T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-05-01", 9.0)]).await;
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "held");
        assert_eq!(groups(&ann, "").await, ["untreated: churn-rate"]);
    }

    /// What breaks in spite of it is in treatment, and heals or does not as any other.
    async fn what_breaks_in_spite_of_it_is_to_be_healed(app) {
        let ann = ann_cares(&app).await;
        churn_creeps_up(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        measured(&ann, "churn-rate", &[("2026-03-31", 6.0)]).await;
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "in_progress");
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"]);
        app.it_is("2026-04-20T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-04-19", 3.0)]).await;
        let healed = ann.get(&remedy(&made)).await;
        assert_eq!(healed.at("/outcome"), "recovered");
        assert_eq!(healed.at("/recovered_on"), "2026-04-19");
    }

    /// A band with two ends is kept on both sides; what neither is ill nor slips takes nothing.
    async fn both_ends_are_kept(app) {
        let ann = ann_cares(&app).await;
        ann.post("kpis", json!({"name": "Stock", "target": {"min": 10, "max": 40}})).await.expect(201);
        let months = [
            ("2025-11-15", 22.0), ("2025-12-15", 19.0), ("2026-01-15", 16.0), ("2026-02-15", 13.0),
        ];
        measured(&ann, "stock", &months).await;
        // February's 13 less 3 a month is 10 in March, on the bound, and 7 in April.
        assert_eq!(ann.get("kpis/stock").await.at("/leaves_on"), "2026-04-01");
        let made = prescribed(&ann, "stock", json!({"note": "Order earlier."})).await;
        let goal = ann.get(&objective(&made)).await;
        assert_eq!(goal.at("/title"), "Keep Stock 10 to 40");
        assert_eq!(goal.at("/key_results/0/kind"), "between");
        assert_eq!(goal.at("/key_results/0/range"), &json!({"min": 10.0, "max": 40.0}));

        kpi(&ann, "Calm").await;
        measured(&ann, "calm", &[("2026-02-15", 2.0)]).await;
        ann.post("kpis/calm/remedies", json!({})).await.refused(409, "kpi_is_healthy");
    }
}
