//! What people talk about: KPIs, objectives and all that hangs on them, whatever their kind.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Facts, Resource, Scoped};
use crate::http::text::{AnyId, Keyword, Name};
use crate::http::{Problem, Result};
use crate::kpis::annotations::KpiAnnotation;
use crate::kpis::display::cut;
use crate::kpis::row::KpiRow;
use crate::learning::decisions::{KpiDecision, name as decision_name};
use crate::learning::reviews::{ReviewRow, name as review_name, references as review_references};
use crate::maths::Choice;
use crate::okrs::initiatives::OwnedInitiative;
use crate::okrs::key_results::OwnedKeyResult;
use crate::okrs::objectives::SharedObjective;
use crate::store::schema::{annotations, decisions, initiatives, key_results, kpis, objectives};
use crate::store::{
    AnnotationId, DecisionId, InitiativeId, KeyResultId, KpiId, ObjectiveId, ReviewId, Tx, read_subject_id,
};

/// How long a name may be.
const LONGEST_NAME: usize = 200;

/// What something is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubjectRef {
    /// The kind of thing: `objective`, `key_result`, `initiative`, `kpi`, `annotation`, `decision`, `review`
    /// or, where a decision led to it, `target`; more may come.
    #[serde(rename = "type")]
    #[schema(value_type = Keyword, example = "objective")]
    pub kind: &'static str,
    /// Its id.
    #[schema(value_type = AnyId)]
    pub id: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
}

/// The id of a thing that people talk about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectId {
    /// An objective.
    Objective(ObjectiveId),
    /// A key result.
    KeyResult(KeyResultId),
    /// An initiative.
    Initiative(InitiativeId),
    /// A KPI.
    Kpi(KpiId),
    /// An annotation of a KPI.
    Annotation(AnnotationId),
    /// A decision.
    Decision(DecisionId),
    /// A review.
    Review(ReviewId),
}

impl SubjectId {
    /// What events and answers call this kind of thing.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Objective(_) => "objective",
            Self::KeyResult(_) => "key_result",
            Self::Initiative(_) => "initiative",
            Self::Kpi(_) => "kpi",
            Self::Annotation(_) => "annotation",
            Self::Decision(_) => "decision",
            Self::Review(_) => "review",
        }
    }
}

impl std::fmt::Display for SubjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objective(id) => id.fmt(f),
            Self::KeyResult(id) => id.fmt(f),
            Self::Initiative(id) => id.fmt(f),
            Self::Kpi(id) => id.fmt(f),
            Self::Annotation(id) => id.fmt(f),
            Self::Decision(id) => id.fmt(f),
            Self::Review(id) => id.fmt(f),
        }
    }
}

/// A thing that people talk about, found in the caller's workspace.
#[derive(Debug)]
pub struct Found {
    /// Its id.
    pub id: SubjectId,
    /// What the policy looks at.
    pub facts: Facts,
}

/// Finds what an id of any kind names; `None` for a kind that nobody talks about, 404 where it is not here.
pub fn find(tx: &mut Scoped, text: &str) -> Result<Option<Found>> {
    let Ok((kind, _)) = read_subject_id(text) else { return Err(Problem::not_found()) };
    Ok(Some(match kind {
        "objective" => {
            let row = tx.find::<SharedObjective>(text)?;
            Found { id: SubjectId::Objective(row.id), facts: row.facts() }
        }
        "key_result" => {
            let found = tx.find::<OwnedKeyResult>(text)?;
            Found { id: SubjectId::KeyResult(found.row.id), facts: found.facts() }
        }
        "initiative" => {
            let found = tx.find::<OwnedInitiative>(text)?;
            Found { id: SubjectId::Initiative(found.row.id), facts: found.facts() }
        }
        "kpi" => {
            let row = tx.find::<KpiRow>(text)?;
            Found { id: SubjectId::Kpi(row.id), facts: row.facts() }
        }
        "annotation" => {
            let found = tx.find::<KpiAnnotation>(text)?;
            Found { id: SubjectId::Annotation(found.row.id), facts: found.facts() }
        }
        "decision" => {
            let found = tx.find::<KpiDecision>(text)?;
            Found { id: SubjectId::Decision(found.row.id), facts: found.facts() }
        }
        "review" => {
            let row = tx.find::<ReviewRow>(text)?;
            Found { id: SubjectId::Review(row.id), facts: row.facts() }
        }
        _ => return Ok(None),
    }))
}

/// What people call some things, in one statement for each kind.
pub fn references(tx: &mut Tx, ids: &[SubjectId]) -> Result<HashMap<SubjectId, SubjectRef>> {
    let workspace = tx.workspace_id()?;
    let (mut of_objectives, mut of_key_results) = (Vec::new(), Vec::new());
    let (mut of_initiatives, mut of_kpis) = (Vec::new(), Vec::new());
    let (mut of_annotations, mut of_decisions, mut of_reviews) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        match id {
            SubjectId::Objective(id) => of_objectives.push(*id),
            SubjectId::KeyResult(id) => of_key_results.push(*id),
            SubjectId::Initiative(id) => of_initiatives.push(*id),
            SubjectId::Kpi(id) => of_kpis.push(*id),
            SubjectId::Annotation(id) => of_annotations.push(*id),
            SubjectId::Decision(id) => of_decisions.push(*id),
            SubjectId::Review(id) => of_reviews.push(*id),
        }
    }
    let mut named: Vec<(SubjectId, String)> = Vec::new();
    if !of_objectives.is_empty() {
        let rows: Vec<(ObjectiveId, String)> = objectives::table
            .filter(objectives::workspace_id.eq(workspace))
            .filter(objectives::id.eq_any(of_objectives))
            .select((objectives::id, objectives::title))
            .load(tx.db())?;
        named.extend(rows.into_iter().map(|(id, name)| (SubjectId::Objective(id), name)));
    }
    if !of_key_results.is_empty() {
        let rows: Vec<(KeyResultId, String)> = key_results::table
            .filter(key_results::workspace_id.eq(workspace))
            .filter(key_results::id.eq_any(of_key_results))
            .select((key_results::id, key_results::title))
            .load(tx.db())?;
        named.extend(rows.into_iter().map(|(id, name)| (SubjectId::KeyResult(id), name)));
    }
    if !of_initiatives.is_empty() {
        let rows: Vec<(InitiativeId, String)> = initiatives::table
            .filter(initiatives::workspace_id.eq(workspace))
            .filter(initiatives::id.eq_any(of_initiatives))
            .select((initiatives::id, initiatives::title))
            .load(tx.db())?;
        named.extend(rows.into_iter().map(|(id, name)| (SubjectId::Initiative(id), name)));
    }
    if !of_kpis.is_empty() {
        let rows: Vec<(KpiId, String)> = kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::id.eq_any(of_kpis))
            .select((kpis::id, kpis::name))
            .load(tx.db())?;
        named.extend(rows.into_iter().map(|(id, name)| (SubjectId::Kpi(id), name)));
    }
    if !of_annotations.is_empty() {
        let rows: Vec<(AnnotationId, String)> = annotations::table
            .filter(annotations::workspace_id.eq(workspace))
            .filter(annotations::id.eq_any(of_annotations))
            .select((annotations::id, annotations::text))
            .load(tx.db())?;
        named.extend(rows.into_iter().map(|(id, text)| (SubjectId::Annotation(id), heading(&text))));
    }
    if !of_decisions.is_empty() {
        let rows: Vec<(DecisionId, Choice, String)> = decisions::table
            .inner_join(kpis::table.on(kpis::id.eq(decisions::kpi_id)))
            .filter(decisions::workspace_id.eq(workspace))
            .filter(decisions::id.eq_any(of_decisions))
            .select((decisions::id, decisions::choice, kpis::name))
            .load(tx.db())?;
        let named_by = |(id, choice, kpi): (DecisionId, Choice, String)| {
            (SubjectId::Decision(id), heading(&decision_name(choice, &kpi)))
        };
        named.extend(rows.into_iter().map(named_by));
    }
    if !of_reviews.is_empty() {
        let rows = review_references(tx, of_reviews)?;
        named.extend(rows.into_values().map(|row| (SubjectId::Review(row.id), review_name(row.held_on))));
    }
    let shown =
        |(id, name): (SubjectId, String)| (id, SubjectRef { kind: id.kind(), id: id.to_string(), name });
    Ok(named.into_iter().map(shown).collect())
}

/// The first line of a text, where it has to be a name.
fn heading(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(no words)");
    cut(&line.replace(|letter: char| letter.is_control(), " "), LONGEST_NAME)
}
