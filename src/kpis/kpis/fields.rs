//! What people say of a KPI: the body of POST and PUT, and what PATCH merges into.

use std::collections::BTreeSet;

use jiff::civil::date;
use jiff::{Span, Unit as SpanUnit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::formula::{self, FormulaText};
use super::segment::{self, Dimension, SegmentOf};
use crate::access::Visibility;
use crate::http::body::Rules;
use crate::http::text::{KpiKey, Tag, texts};
use crate::http::{Description, FieldErrors, Name, Note, Unit};
use crate::kpis::row::{Category, DisplayStyle, Indicator, KpiRow};
use crate::kpis::targets::{NewBounds, judge_target};
use crate::maths::{Aggregation, Cadence, Target, longest_grace_days};
use crate::people::members::MemberInput;
use crate::people::teams::TeamInput;
use crate::store::id::looks_like_id;

texts! {
    /// A name of a KPI in another system: up to 200 printable characters.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", example = "crm.churn_monthly")]
    KpiAlias;
    /// A KPI in a body: its id or its key.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]+$", example = "churn-rate-2026")]
    KpiInput;
    /// A currency: three letters of ISO 4217.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    Currency;
    /// A stretch of time (ISO 8601): at least a minute, at most 366 days.
    #[schema(min_length = 3, max_length = 64, pattern = r"^PT?\d[0-9YMWDTHS.,]*$", example = "PT6H")]
    Stretch;
}

/// A KPI to be made, or what it is to be. Only the name is needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Churn rate",
    "definition": "Customers who left in the month, divided by those at its start.",
    "category": "retention",
    "cadence": "monthly",
    "display": {"style": "percent", "precision": 1},
    "target": {"max": 3.0},
    "tolerance": {"max": 5.0},
}))]
pub struct NewKpi {
    /// Its key, unique in the workspace; by default it is made from the name. A changed key stays as another name.
    #[serde(default)]
    pub key: Option<KpiKey>,
    /// What people call it.
    pub name: Name,
    /// What exactly is measured, and how.
    #[serde(default)]
    pub definition: Option<Description>,
    /// What part of the organisation it watches; `other` by default.
    #[serde(default = "other")]
    pub category: Category,
    /// How often it is measured; `monthly` by default. A change recomputes its whole history.
    #[serde(default = "monthly")]
    pub cadence: Cadence,
    /// How the points of a period become its value; `last` by default. A change recomputes its whole history.
    #[serde(default = "last")]
    pub aggregation: Aggregation,
    /// Whether it moves before what it stands for, or after.
    #[serde(default)]
    pub indicator: Option<Indicator>,
    /// Who answers for it; on creation the caller by default, nobody where that is a service token. PUT leaves it
    /// where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<MemberInput>)]
    pub owner_id: Option<Option<MemberInput>>,
    /// The team that it belongs to; without one it is the whole organisation's.
    #[serde(default)]
    pub team_id: Option<TeamInput>,
    /// How its values are shown to people.
    #[serde(default)]
    pub display: NewDisplay,
    /// The healthy band, in the KPI's unit. The first one holds from the beginning, a later one from the start of
    /// the present period. `null` ends it.
    #[serde(default)]
    pub target: Option<NewBounds>,
    /// The wider band beyond which it is serious, in the KPI's unit; a side without one has no warning zone.
    #[serde(default)]
    pub tolerance: Option<NewBounds>,
    /// The decision that it supports.
    #[serde(default)]
    pub decision: Option<Note>,
    /// What to do when it is not healthy.
    #[serde(default)]
    pub playbook: NewPlaybook,
    /// Tags, each once.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<Tag>,
    /// Who may see it; `workspace` by default. What is private counts in nothing that more people may see.
    #[serde(default = "Visibility::workspace")]
    #[schema(default = "workspace")]
    pub visibility: Visibility,
    /// Unhealthy periods in a row that open an episode; by default 3 of a daily, 2 of a weekly KPI, else 1.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 12)]
    pub confirm_periods: Option<i32>,
    /// Healthy periods in a row that close an episode.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 12, default = 1)]
    pub recover_periods: i32,
    /// Calendar days from due to stale, at most one period; by default daily 1, weekly 3, monthly 10, quarterly
    /// 20, yearly 45.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 366)]
    pub grace_days: Option<i32>,
    /// How often a feed that should never pause is expected: due after one such stretch without a point, stale
    /// after three.
    #[serde(default)]
    pub expect_every: Option<Stretch>,
    /// Its names in other systems, each once; they are taken wherever points are posted.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub aliases: Vec<KpiAlias>,
    /// The KPI that took its place.
    #[serde(default)]
    pub replaced_by: Option<KpiInput>,
    /// What it is computed from, period by period; such a KPI takes no points. A period in which an input has no
    /// value has none either. `aggregation` then only says whether the running period counts: with `sum` it counts
    /// once it is complete.
    #[serde(default)]
    pub formula: Option<FormulaText>,
    /// The KPI that it is a segment of, of the same cadence: its id or key.
    #[serde(default)]
    pub segment_of_id: Option<KpiInput>,
    /// By what that KPI is divided; needed with it, and only there.
    #[serde(default)]
    pub segment_dimension: Option<Dimension>,
}

/// How values are to be shown to people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"style": "percent", "precision": 1}))]
pub struct NewDisplay {
    /// The style; `number` by default.
    #[serde(default = "number")]
    pub style: DisplayStyle,
    /// The currency; needed with the style `currency`, and only there.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Digits after the decimal point.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9)]
    pub precision: Option<i32>,
    /// The unit.
    #[serde(default)]
    pub unit: Option<Unit>,
}

impl Default for NewDisplay {
    fn default() -> Self {
        Self { style: number(), currency: None, precision: None, unit: None }
    }
}

/// What to do when a KPI is not healthy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"at_risk": "Ask support what changed.", "unhealthy": "Call the ten largest customers."}))]
pub struct NewPlaybook {
    /// When it is at risk.
    #[serde(default)]
    pub at_risk: Option<Description>,
    /// When it is unhealthy.
    #[serde(default)]
    pub unhealthy: Option<Description>,
}

const fn other() -> Category {
    Category::Other
}

const fn monthly() -> Cadence {
    Cadence::Monthly
}

const fn last() -> Aggregation {
    Aggregation::Last
}

const fn number() -> DisplayStyle {
    DisplayStyle::Number
}

const fn one() -> i32 {
    1
}

impl NewKpi {
    /// What is said of a KPI that is there, with the target in force today.
    pub fn of(
        row: &KpiRow,
        aliases: &[String],
        segment: Option<&SegmentOf>,
        target: Option<&Target>,
    ) -> Self {
        let description = |text: &Option<String>| text.clone().map(Description::from);
        Self {
            key: Some(KpiKey::from(row.key.clone())),
            name: Name::from(row.name.clone()),
            definition: description(&row.definition),
            category: row.category,
            cadence: row.cadence,
            aggregation: row.aggregation,
            indicator: row.indicator,
            owner_id: Some(row.owner_id.map(MemberInput::from)),
            team_id: row.team_id.map(TeamInput::from),
            display: NewDisplay {
                style: row.display_style,
                currency: row.currency.clone().map(Currency::from),
                precision: row.display_precision,
                unit: row.unit.clone().map(Unit::from),
            },
            target: target.and_then(|target| NewBounds::unless_open(target.band)),
            tolerance: target.and_then(|target| NewBounds::unless_open(target.tolerance)),
            decision: row.decision.clone().map(Note::from),
            playbook: NewPlaybook {
                at_risk: description(&row.playbook_at_risk),
                unhealthy: description(&row.playbook_unhealthy),
            },
            tags: row.tags().into_iter().map(Tag::from).collect(),
            visibility: row.visibility,
            confirm_periods: row.confirm_periods,
            recover_periods: row.recover_periods,
            grace_days: row.grace_days,
            expect_every: row.expect_every.clone().map(Stretch::from),
            aliases: aliases.iter().map(|alias| KpiAlias::from(alias.as_str())).collect(),
            replaced_by: row.replaced_by.map(|id| KpiInput::from(id.to_string())),
            formula: row.formula.clone().map(FormulaText::from),
            segment_of_id: segment.map(|segment| KpiInput::from(segment.whole.to_string())),
            segment_dimension: segment.map(|segment| Dimension::from(segment.dimension.as_str())),
        }
    }
}

impl Rules for NewKpi {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.key.as_ref().is_some_and(|key| looks_like_id(key.as_str())) {
            errors.add(
                "/key",
                "looks_like_id",
                "a key may not look like an id: a prefix, `_`, 26 characters",
            );
        }
        match (self.display.style, &self.display.currency) {
            (DisplayStyle::Currency, None) => {
                errors.add("/display/currency", "required", "the style `currency` needs a currency");
            }
            (DisplayStyle::Number | DisplayStyle::Percent | DisplayStyle::Duration, Some(_)) => {
                errors.add("/display/currency", "not_applicable", "only the style `currency` has a currency");
            }
            (DisplayStyle::Currency, Some(_))
            | (DisplayStyle::Number | DisplayStyle::Percent | DisplayStyle::Duration, None) => {}
        }
        judge_target(self.target, self.tolerance, errors);
        if let Some(text) = &self.formula {
            formula::judge(text, self.cadence, errors);
        }
        segment::judge(self, errors);
        once("tags", self.tags.iter().map(Tag::as_str), errors);
        once("aliases", self.aliases.iter().map(KpiAlias::as_str), errors);
        for (index, alias) in self.aliases.iter().enumerate() {
            if looks_like_id(alias.as_str()) {
                let pointer = format!("/aliases/{index}");
                errors.add(
                    pointer,
                    "looks_like_id",
                    "a name may not look like an id: a prefix, `_`, 26 characters",
                );
            }
        }
        let longest = longest_grace_days(self.cadence);
        if self.grace_days.and_then(|days| u32::try_from(days).ok()).is_some_and(|days| days > longest) {
            let detail = format!("with the cadence {} it must not be above {longest}", self.cadence);
            errors.add("/grace_days", "out_of_bounds", detail);
        }
        if let Some(stretch) = &self.expect_every {
            judge_stretch(stretch.as_str(), errors);
        }
    }
}

/// Each item once.
fn once<'a>(field: &str, items: impl Iterator<Item = &'a str>, errors: &mut FieldErrors) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.enumerate() {
        if !seen.insert(item) {
            errors.add(format!("/{field}/{index}"), "duplicate", "it stands there already");
        }
    }
}

fn judge_stretch(text: &str, errors: &mut FieldErrors) {
    let Ok(span) = text.parse::<Span>() else {
        errors.add("/expect_every", "malformed", "it is not a duration of ISO 8601, such as PT6H");
        return;
    };
    // Counted from the first day of a leap year, so that a year is 366 days.
    match span.total((SpanUnit::Second, date(2024, 1, 1))) {
        Ok(seconds) if (60.0..=366.0 * 86_400.0).contains(&seconds) => {}
        Ok(_) | Err(_) => {
            errors.add("/expect_every", "out_of_bounds", "it must be at least a minute and at most 366 days");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is wrong with a KPI of which this is said, as `pointer code`.
    fn faults(said: Value) -> String {
        let mut body = json!({"name": "Churn"});
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        let mut errors = FieldErrors::new();
        serde_json::from_value::<NewKpi>(body).unwrap().judge(&mut errors);
        let errors = errors.settle().err().map(|problem| problem.errors).unwrap_or_default();
        let texts: Vec<String> =
            errors.iter().map(|error| format!("{} {}", error.pointer, error.code)).collect();
        texts.join("; ")
    }

    #[test]
    fn only_the_name_is_needed() {
        assert_eq!(faults(json!({})), "");
        let kpi: NewKpi = serde_json::from_value(json!({"name": "Churn"})).unwrap();
        assert_eq!((kpi.cadence, kpi.aggregation), (Cadence::Monthly, Aggregation::Last));
        assert_eq!((kpi.category, kpi.recover_periods), (Category::Other, 1));
        assert_eq!(kpi.owner_id, None, "the caller, unless it is said that nobody is");
        let nobodys: NewKpi = serde_json::from_value(json!({"name": "Churn", "owner_id": null})).unwrap();
        assert_eq!(nobodys.owner_id, Some(None));
    }

    #[test]
    fn rules_between_fields_name_the_field() {
        let id = "kpi_01h455vb4pex5vsknk084sn02q";
        assert_eq!(faults(json!({"key": id})), "/key looks_like_id");
        assert_eq!(faults(json!({"aliases": [id]})), "/aliases/0 looks_like_id");
        assert_eq!(faults(json!({"aliases": ["a", "a"]})), "/aliases/1 duplicate");
        assert_eq!(faults(json!({"tags": ["a", "b", "a"]})), "/tags/2 duplicate");
        assert_eq!(faults(json!({"display": {"style": "currency"}})), "/display/currency required");
        assert_eq!(faults(json!({"display": {"currency": "EUR"}})), "/display/currency not_applicable");
        assert_eq!(faults(json!({"grace_days": 32})), "/grace_days out_of_bounds");
        assert_eq!(faults(json!({"grace_days": 31})), "");
        assert_eq!(faults(json!({"cadence": "irregular", "grace_days": 1})), "/grace_days out_of_bounds");
        let both = faults(json!({"target": {"min": 2, "max": 1}, "tags": ["a", "a"]}));
        assert_eq!(both, "/target/min min_above_max; /tags/1 duplicate", "all at once");
    }

    #[test]
    fn a_formula_is_judged_before_its_names_are_looked_up() {
        let nine = "a + b + c + d + e + f + g + h + i";
        let long = vec!["a"; 40].join(" + ");
        for (formula, expected) in [
            ("spend / new-customers", ""),
            ("a + b + c + d + e + f + g + h", ""),
            ("spend /", "/formula malformed"),
            ("2 + 2", "/formula no_inputs"),
            (nine, "/formula too_many_inputs"),
            // 40 mentions of 30 characters each, and 39 times " + ", are 1,317.
            (&long, "/formula too_long"),
            ("mean(a, b)", "/formula unknown_function"),
        ] {
            assert_eq!(faults(json!({"formula": formula})), expected, "{formula}");
        }
        assert_eq!(faults(json!({"formula": "a", "cadence": "irregular"})), "/formula not_applicable");
    }

    #[test]
    fn a_stretch_is_a_minute_to_366_days() {
        for good in ["PT1M", "PT90S", "PT6H", "P1D", "P2W", "P1Y", "P366D", "P1DT12H"] {
            assert_eq!(faults(json!({"expect_every": good})), "", "{good}");
        }
        for bad in ["PT59S", "P367D", "PT0S", "P2Y"] {
            assert_eq!(faults(json!({"expect_every": bad})), "/expect_every out_of_bounds", "{bad}");
        }
        for bad in ["six hours", "P", "PT", "P1"] {
            assert_eq!(faults(json!({"expect_every": bad})), "/expect_every malformed", "{bad}");
        }
    }
}
