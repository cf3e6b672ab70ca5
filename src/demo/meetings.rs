//! How the shop talks about its numbers: what drives what, what happened, a board for the Monday meeting, what was
//! decided there, and what is accepted for a while.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::days_before;
use super::goals::id_of;
use super::script::Script;
use crate::store::Moment;

type Failure = Box<dyn std::error::Error>;

/// What is computed from other KPIs, and what is believed to drive what.
pub async fn connect(script: &Script) -> Result<(), Failure> {
    script
        .post(
            "kpis",
            json!({
                "key": "revenue-per-lead", "name": "Revenue per qualified lead", "category": "revenue", "team_id": "marketing",
                "formula": "revenue / qualified-leads", "indicator": "lagging", "target": {"min": 300.0},
                "display": {"style": "currency", "currency": "EUR", "precision": 0},
                "definition": "Revenue of the month divided by its qualified leads.",
                "decision": "Whether more leads or better leads are wanted.",
            }),
        )
        .await?;
    for (outcome, driver, lag, note) in [
        ("revenue", "qualified-leads", 1, "Whoever asks this month buys the next."),
        ("cost-per-acquisition", "visitor-to-lead", 0, "A better website needs fewer clicks."),
    ] {
        let effect = if outcome == "revenue" { "same" } else { "opposite" };
        let link = json!({"driver_id": driver, "lag_periods": lag, "effect": effect, "note": note});
        script.post(&format!("kpis/{outcome}/drivers"), link).await?;
    }
    Ok(())
}

/// What happened, what is looked at on Mondays, and what was decided a month ago.
pub async fn meet(script: &Script, now: Moment) -> Result<(), Failure> {
    let day = |back: i64| days_before(now, back).to_string();
    for (kpi, back, text) in
        [("qualified-leads", 270, "The trade fair was cancelled."), ("churn-rate", 75, "Prices rose by 8 %.")]
    {
        let note = json!({"on": day(back), "text": text});
        script.post(&format!("kpis/{kpi}/annotations"), note).await?;
    }
    let board = json!({
        "name": "Monday meeting", "description": "What the shop lives from.",
        "kpi_ids": ["revenue", "qualified-leads", "cost-per-acquisition", "churn-rate", "customer-satisfaction"],
    });
    script.post("boards", board).await?;

    let held_on = days_before(now, 28).to_string();
    let review = json!({
        "held_on": held_on, "team_id": "marketing", "notes": "Churn rises for the second month.",
        "kpi_ids": ["revenue", "qualified-leads", "churn-rate"],
        "decisions": [
            {"kpi_id": "churn-rate", "choice": "investigate", "certainty": 3,
             "summary": "Ask ten of those who left.", "revisit_on": day(1)},
            {"kpi_id": "revenue", "choice": "continue", "certainty": 4, "summary": "It holds."},
        ],
    });
    id_of(&script.post("reviews", review).await?)?;
    let until = days_before(now, 0).saturating_add(60.days()).to_string();
    let accepted = json!({
        "kpi_id": "qualified-leads", "choice": "continue", "certainty": 4, "revisit_on": until,
        "summary": "The next trade fair is in spring; until then fewer leads have to do.",
    });
    script.post("decisions", accepted).await.map(|_: Value| ())
}
