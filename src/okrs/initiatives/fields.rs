//! What people say of an initiative when they make or change it, and the rules that hold for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::row::{InitiativeRow, InitiativeStatus, Parent, Parents};
use crate::access::Scoped;
use crate::http::body::Rules;
use crate::http::text::{Url, folded};
use crate::http::{FieldErrors, Name, Problem, Result};
use crate::kpis::kpis::KpiInput;
use crate::kpis::row::KpiRow;
use crate::okrs::objectives::ObjectiveRow;
use crate::okrs::wire::refused_at;
use crate::people::members::{self, MemberInput};
use crate::store::{Day, KeyResultId, ObjectiveId};

/// An initiative to make: work that is meant to move a key result, an objective or a KPI, one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "objective_id": "obj_01h455vb4pex5vsknk084sn02q", "title": "Shorten the order form", "due_on": "2026-04-30",
    "url": "https://tracker.example.com/tickets/42",
}))]
pub struct NewInitiative {
    /// The key result that it is meant to move.
    #[serde(default)]
    pub key_result_id: Option<KeyResultId>,
    /// The objective that it is meant to move.
    #[serde(default)]
    pub objective_id: Option<ObjectiveId>,
    /// The KPI that it is meant to move: its id or key.
    #[serde(default)]
    #[schema(value_type = Option<KpiInput>)]
    #[serde(rename = "kpi_id")]
    pub kpi: Option<String>,
    /// What is to be done.
    #[schema(example = "Shorten the order form")]
    pub title: Name,
    /// Where it stands.
    #[serde(default = "planned")]
    #[schema(default = "planned")]
    pub status: InitiativeStatus,
    /// Who answers for it; on creation the caller where nothing is said.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The day by which it is to be done.
    #[serde(default)]
    #[schema(example = "2026-04-30")]
    pub due_on: Option<Day>,
    /// Where the work itself is kept: its page in the tool that people work with.
    #[serde(default)]
    pub url: Option<Url>,
}

/// Where a new initiative stands if nothing is said.
pub fn planned() -> InitiativeStatus {
    InitiativeStatus::Planned
}

/// An initiative to make together with its objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewObjectiveInitiative {
    /// The key result that it is meant to move, by its place in `key_results`, from 0; null: the objective.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 24, example = 0)]
    pub key_result: Option<usize>,
    /// What is to be done.
    #[schema(example = "Shorten the order form")]
    pub title: Name,
    /// Where it stands.
    #[serde(default = "planned")]
    #[schema(default = "planned")]
    pub status: InitiativeStatus,
    /// Who answers for it; the objective's owner where nothing is said.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The day by which it is to be done.
    #[serde(default)]
    #[schema(example = "2026-04-30")]
    pub due_on: Option<Day>,
    /// Where the work itself is kept.
    #[serde(default)]
    pub url: Option<Url>,
}

impl NewObjectiveInitiative {
    /// Adds what is wrong with it where it stands in a body with so many key results.
    pub fn judge_at(&self, pointer: &str, key_results: usize, errors: &mut FieldErrors) {
        if self.key_result.is_some_and(|place| place >= key_results) {
            let detail = format!("`key_results` has {key_results} items, counted from 0");
            errors.add(format!("{pointer}/key_result"), "out_of_bounds", detail);
        }
    }

    /// The same under the objective that was made, or one of its key results, in the order of the body.
    fn under(&self, objective: ObjectiveId, key_results: &[KeyResultId]) -> NewInitiative {
        let key_result_id = self.key_result.and_then(|place| key_results.get(place).copied());
        NewInitiative {
            key_result_id,
            objective_id: key_result_id.is_none().then_some(objective),
            kpi: None,
            title: self.title.clone(),
            status: self.status,
            owner_id: self.owner_id.clone(),
            due_on: self.due_on,
            url: self.url.clone(),
        }
    }

    /// The row of it, whose body stands at a pointer; nothing is stored.
    pub fn plan(
        &self,
        tx: &mut Scoped,
        objective: &ObjectiveRow,
        key_results: &[KeyResultId],
        pointer: &str,
    ) -> Result<InitiativeRow> {
        let new = self.under(objective.id, key_results);
        let mut row = InitiativeRow::blank(tx)?.with(tx, &new, pointer)?;
        row.owner_id = row.owner_id.or(objective.owner_id);
        Ok(InitiativeRow { key_result_id: new.key_result_id, objective_id: new.objective_id, ..row })
    }
}

/// The fields that name a parent.
const PARENTS: [&str; 3] = ["/key_result_id", "/objective_id", "/kpi_id"];

impl Rules for NewInitiative {
    fn judge(&self, errors: &mut FieldErrors) {
        let named = [self.key_result_id.is_some(), self.objective_id.is_some(), self.kpi.is_some()];
        match named.into_iter().filter(|is_named| *is_named).count() {
            0 => errors.add("", "parent_required", "it needs key_result_id, objective_id or kpi_id"),
            1 => {}
            _ => {
                for (pointer, _) in PARENTS.into_iter().zip(named).filter(|(_, is_named)| *is_named) {
                    errors.add(pointer, "several_parents", "an initiative is meant to move one thing");
                }
            }
        }
    }
}

impl InitiativeRow {
    /// What people said of it.
    pub fn fields(&self) -> NewInitiative {
        NewInitiative {
            key_result_id: self.key_result_id,
            objective_id: self.objective_id,
            kpi: self.kpi_id.map(|id| id.to_string()),
            title: self.title.as_str().into(),
            status: self.status,
            owner_id: self.owner_id.map(MemberInput::from),
            due_on: self.due_on,
            url: self.url.as_deref().map(Url::from),
        }
    }

    /// The row under another parent, and that parent; 404 with the pointer where it is not here.
    pub fn under(self, tx: &mut Scoped, fields: &NewInitiative) -> Result<(Self, Parent)> {
        let kpi = match &fields.kpi {
            None => None,
            Some(name) => {
                let found = KpiRow::seen(tx, name).map_err(|problem| refused_at(problem, "/kpi_id"))?;
                Some(found.ok_or_else(|| Problem::not_found_at("/kpi_id"))?.id)
            }
        };
        let row = Self {
            key_result_id: fields.key_result_id,
            objective_id: fields.objective_id,
            kpi_id: kpi,
            ..self
        };
        let pointer = if row.key_result_id.is_some() { "/key_result_id" } else { "/objective_id" };
        let parent = Parents::of(tx, &[&row])?.of_row(&row);
        let parent = parent.filter(|parent| tx.sees(&parent.facts()));
        Ok((row, parent.ok_or_else(|| Problem::not_found_at(pointer))?))
    }

    /// The row with other fields beside its parent. An owner who is named anew has to be a member.
    pub fn with(self, tx: &mut Scoped, fields: &NewInitiative, pointer: &str) -> Result<Self> {
        let owner_id = if fields.owner_id == self.fields().owner_id {
            self.owner_id
        } else {
            let pointer = format!("{pointer}/owner_id");
            members::resolve_optional(tx, &pointer, fields.owner_id.as_ref())?.map(|owner| owner.id)
        };
        Ok(Self {
            title: fields.title.as_str().to_owned(),
            title_folded: folded(fields.title.as_str()),
            status: fields.status,
            owner_id,
            due_on: fields.due_on,
            url: fields.url.as_ref().map(|url| url.as_str().to_owned()),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Kind, Moment};

    fn id<K: Kind>() -> crate::store::Id<K> {
        crate::store::Id::generate(Moment::from_microseconds(0).timestamp())
    }

    #[test]
    fn an_initiative_has_exactly_one_parent() {
        let judged = |key_result: bool, objective: bool, kpi: bool| {
            let new = NewInitiative {
                key_result_id: key_result.then(id),
                objective_id: objective.then(id),
                kpi: kpi.then(|| "churn-rate".to_owned()),
                title: "Work".into(),
                status: planned(),
                owner_id: None,
                due_on: None,
                url: None,
            };
            let mut errors = FieldErrors::new();
            new.judge(&mut errors);
            let mut pointers: Vec<String> = errors.pointers().into_iter().collect();
            pointers.sort();
            pointers.join(" ")
        };
        assert!(judged(true, false, false).is_empty());
        assert!(judged(false, true, false).is_empty());
        assert!(judged(false, false, true).is_empty());
        assert_eq!(judged(true, false, true), "/key_result_id /kpi_id");
        assert_eq!(judged(true, true, true), "/key_result_id /kpi_id /objective_id");
        let mut errors = FieldErrors::new();
        let none = serde_json::json!({ "title": "Work" });
        serde_json::from_value::<NewInitiative>(none).expect("it reads").judge(&mut errors);
        assert_eq!(errors.pointers().into_iter().collect::<Vec<_>>(), [""]);
    }
}
