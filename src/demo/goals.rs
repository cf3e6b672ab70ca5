//! What the shop sets out to do beside healing its KPIs: a pillar, work, a guardrail, something
//! carried over into the next half-year, and something private.

use serde_json::{Value, json};

use super::script::Script;

type Failure = Box<dyn std::error::Error>;

/// The id of something that was made.
pub fn id_of(made: &Value) -> Result<String, Failure> {
    made["id"].as_str().map(str::to_owned).ok_or_else(|| format!("an id is missing in {made}").into())
}

/// Where everything leads; it has no end, and lives by what hangs under it.
pub async fn pillar(script: &Script) -> Result<String, Failure> {
    let pillar = json!({
        "title": "Live from those who come back", "state": "active", "progress_source": "children",
        "why": "A new customer costs ten times as much as one who stays.",
    });
    id_of(&script.post("objectives", pillar).await?)
}

/// What the shop wanted to do in the last half-year, and did not get done.
pub async fn answer_faster(script: &Script, pillar: &str) -> Result<String, Failure> {
    let objective = json!({
        "title": "Answer every mail within a day", "cycle_id": "last-half", "state": "active", "parent_id": pillar,
        "key_results": [{"title": "Mails answered within a day", "kind": "increase", "start": 40.0, "target": 95.0, "unit": "%"}],
        "initiatives": [
            {"title": "Share the mailbox", "status": "done"},
            {"title": "Write answers to the ten usual questions", "status": "in_progress", "key_result": 0},
        ],
    });
    let made = script.post("objectives", objective).await?;
    let key_result = made["key_results"][0]["id"].as_str().unwrap_or_default().to_owned();
    let said = json!({"value": 62.0, "confidence": "at_risk", "note": "Good on weekdays, bad on Mondays."});
    script.post(&format!("key-results/{key_result}/check-ins"), said).await?;
    id_of(&made)
}

/// It goes on in this half-year from where it stands.
pub async fn carry_over(script: &Script, objective: &str) -> Result<(), Failure> {
    let body = json!({
        "objective_ids": [objective], "to_cycle_id": "this-half", "state": "active",
        "close": {"outcome": "partial", "reflection": "The mailbox is shared; weekends are not covered yet."},
    });
    script.post("cycles/last-half/carry-over", body).await.map(|_| ())
}

/// The work on the website, what it must not harm, and what people say about it.
pub async fn build_the_website(script: &Script, website: &str, copy: &str) -> Result<(), Failure> {
    for work in [
        json!({"objective_id": website, "title": "Choose an agency", "status": "done"}),
        json!({"key_result_id": copy, "title": "Photograph the stock", "status": "in_progress"}),
        json!({"key_result_id": copy, "title": "Write the shop's texts", "status": "planned"}),
    ] {
        script.post("initiatives", work).await?;
    }
    let guardrail = json!({"kpi_id": "revenue", "note": "Cheaper leads must not cost sales."});
    script.post(&format!("objectives/{website}/guardrails"), guardrail).await?;
    let comment = json!({"subject_id": website, "text": "Who writes the texts while the season lasts?"});
    script.post("comments", comment).await.map(|_| ())
}

/// What its owner alone sees.
pub async fn something_private(script: &Script) -> Result<(), Failure> {
    let objective = json!({
        "title": "Find somebody to take over the workshop", "cycle_id": "this-half", "visibility": "private",
        "key_results": [{"title": "Talks held", "kind": "increase", "start": 0.0, "target": 5.0}],
    });
    script.post("objectives", objective).await.map(|_| ())
}
