//! What people say of a decision when they write it down or change it, and the rules between its fields.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::Rules;
use crate::http::text::AnyId;
use crate::http::{FieldErrors, Note};
use crate::kpis::kpis::KpiInput;
use crate::maths::{Choice, Expects};
use crate::store::{Day, DecisionId, ReviewId};

/// A decision to write down. The KPI's value, health, freshness, trend and target of its day are kept with it.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kpi_id": "churn-rate", "choice": "continue", "summary": "The new onboarding needs until summer.",
    "certainty": 4, "expects": {"what": "better", "by": "2026-06-30"}, "revisit_on": "2026-07-01",
}))]
pub struct NewDecision {
    /// The KPI because of which it was made: its id or key.
    #[schema(value_type = KpiInput, example = "churn-rate")]
    #[serde(rename = "kpi_id")]
    pub kpi: String,
    /// What was chosen.
    pub choice: Choice,
    /// What was decided and why, in Markdown.
    #[schema(example = "The new onboarding needs until summer.")]
    pub summary: Note,
    /// How sure people were: 1 is a guess, 5 is certain.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5, example = 4)]
    pub certainty: Option<i32>,
    /// What it is expected to bring; the KPI needs a value and a target then.
    #[serde(default)]
    pub expects: Option<NewExpectation>,
    /// The day on which it is to be looked at again, after that of the decision. To continue although the KPI is
    /// unhealthy accepts it until then, for at most 180 days; other decisions wait at most 1,830.
    #[serde(default)]
    pub revisit_on: Option<Day>,
    /// What it led to: ids of objectives, initiatives and targets of the KPI.
    #[serde(default)]
    #[schema(max_items = 20, example = json!([]))]
    pub led_to_ids: Vec<AnyId>,
    /// The earlier decision of the same KPI that it takes back; each can be taken back once.
    #[serde(default)]
    pub reverses_id: Option<DecisionId>,
    /// The earlier decision of the same KPI that was looked at again.
    #[serde(default)]
    pub follows_id: Option<DecisionId>,
    /// The review in which it was made; its day is the day of the decision then. Without one that is today.
    #[serde(default)]
    pub review_id: Option<ReviewId>,
}

/// What a decision is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"what": "better", "by": "2026-06-30"}))]
pub struct NewExpectation {
    /// What the KPI is to show.
    pub what: Expects,
    /// By which day: judged by the newest period that has ended by then, once the day has passed.
    #[schema(example = "2026-06-30")]
    pub by: Day,
}

impl NewDecision {
    /// Adds what is wrong with it where it stands in a body.
    pub fn judge_at(&self, pointer: &str, errors: &mut FieldErrors) {
        if self.summary.as_str().trim().is_empty() {
            errors.add(format!("{pointer}/summary"), "blank", "a decision says what was decided");
        }
        for (index, id) in self.led_to_ids.iter().enumerate() {
            if self.led_to_ids[..index].contains(id) {
                let detail = "it stands there already";
                errors.add(format!("{pointer}/led_to_ids/{index}"), "duplicate", detail);
            }
        }
    }
}

impl Rules for NewDecision {
    fn judge(&self, errors: &mut FieldErrors) {
        self.judge_at("", errors);
    }
}

/// What can be changed of a decision: nothing that was chosen, expected or kept with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionFields {
    /// What was decided and why, in Markdown; null where it was recorded with what somebody did.
    #[serde(default)]
    pub summary: Option<Note>,
    /// The day on which it is to be looked at again.
    #[serde(default)]
    pub revisit_on: Option<Day>,
    /// What it led to: ids of objectives, initiatives and targets of the KPI. What the caller may not see stays.
    #[serde(default)]
    #[schema(max_items = 200, example = json!([]))]
    pub led_to_ids: Vec<AnyId>,
    /// The review in which it was made.
    #[serde(default)]
    pub review_id: Option<ReviewId>,
}

impl Rules for DecisionFields {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.summary.as_ref().is_some_and(|summary| summary.as_str().trim().is_empty()) {
            errors.add("/summary", "blank", "a decision says what was decided");
        }
        for (index, id) in self.led_to_ids.iter().enumerate() {
            if self.led_to_ids[..index].contains(id) {
                errors.add(format!("/led_to_ids/{index}"), "duplicate", "it stands there already");
            }
        }
    }
}
