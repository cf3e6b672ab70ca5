//! Reviews as they are answered: without what is private to others, which is counted.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::{ReviewRow, attendees_of, looked_at_by};
use crate::access::hidden::Hidden;
use crate::access::{Action, Resource, Scoped};
use crate::care::remedies::Standpoint;
use crate::http::page::page_type;
use crate::http::{Description, Problem, Result};
use crate::kpis::derive::View;
use crate::kpis::kpis::{KpiRef, references as kpi_references};
use crate::learning::decisions::{Decision, DecisionRow, show as show_decisions};
use crate::okrs::objectives::{ObjectiveRef, ObjectiveRow};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::schema::decisions;
use crate::store::{Day, KpiId, MemberId, Moment, ObjectiveId, ReviewId, TeamId};

/// A meeting that looked at KPIs and objectives.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The day on which it was held.
    pub held_on: Day,
    /// The team that held it; null where it was the whole organisation's.
    pub team_id: Option<TeamId>,
    /// The team, by name.
    pub team: Option<TeamRef>,
    /// What was said, in Markdown.
    pub notes: Option<Description>,
    /// Who was there.
    #[schema(max_items = 100)]
    pub attendee_ids: Vec<MemberId>,
    /// The same, by name.
    #[schema(max_items = 100)]
    pub attendees: Vec<MemberRef>,
    /// The KPIs that were looked at, those of its decisions too.
    #[schema(max_items = 200)]
    pub kpi_ids: Vec<KpiId>,
    /// The same, as a page shows them.
    #[schema(max_items = 200)]
    pub kpis: Vec<KpiRef>,
    /// The objectives that were looked at.
    #[schema(max_items = 200)]
    pub objective_ids: Vec<ObjectiveId>,
    /// The same, as a page shows them.
    #[schema(max_items = 200)]
    pub objectives: Vec<ObjectiveRef>,
    /// What was decided, in the order of the deciding.
    #[schema(max_items = 200)]
    pub decisions: Vec<Decision>,
    /// How many KPIs, objectives and decisions more there are that are private to others.
    #[schema(minimum = 0)]
    pub private: usize,
    /// Who wrote it down; null for a service token.
    pub author_id: Option<MemberId>,
    /// Who wrote it down, by name.
    pub author: Option<MemberRef>,
    /// When it was written down.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
    /// What the caller may do with it.
    pub can: ReviewCan,
}

/// What the caller may do with a review.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ReviewCan {
    /// Change it, and write decisions in it.
    pub edit: bool,
}

page_type!(ReviewPage, Review);

/// One review as the API shows it.
pub fn show_one(tx: &mut Scoped, row: ReviewRow, view: Option<&View>) -> Result<Review> {
    show(tx, vec![row], view)?.pop().ok_or_else(Problem::not_found)
}

/// Reviews as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<ReviewRow>, view: Option<&View>) -> Result<Vec<Review>> {
    let workspace = tx.here()?;
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let ids: Vec<ReviewId> = rows.iter().map(|row| row.id).collect();
    let mut looked_at = looked_at_by(tx, &ids, recorded_by)?;
    let mut attendees = attendees_of(tx, &ids)?;
    let hidden = Hidden::from(tx)?;
    let hidden_kpis: HashSet<KpiId> = hidden.kpis().load(tx.db())?.into_iter().collect();
    let hidden_objectives: HashSet<ObjectiveId> = hidden.objectives().load(tx.db())?.into_iter().collect();
    let mut made = decisions_of(tx, &ids, recorded_by, &hidden_kpis, view)?;
    let kpi_ids: Vec<KpiId> = looked_at.values().flat_map(|looked| looked.kpis.clone()).collect();
    let kpis = kpi_references(tx, &kpi_ids)?;
    let objective_ids: Vec<ObjectiveId> =
        looked_at.values().flat_map(|looked| looked.objectives.clone()).collect();
    let objectives = ObjectiveRow::by_ids(tx, &objective_ids)?;
    let people = attendees.values().flatten().copied().chain(rows.iter().filter_map(|row| row.author_id));
    let people = members::names(tx, workspace, people.collect::<Vec<_>>())?;
    let teams = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let shown = rows.into_iter().map(|row| {
        let looked = looked_at.remove(&row.id).unwrap_or_default();
        let attendee_ids = attendees.remove(&row.id).unwrap_or_default();
        let Made { decisions, private } = made.remove(&row.id).unwrap_or_default();
        let seen = looked.kpis.iter().filter(|id| !hidden_kpis.contains(id));
        let mut of_kpis: Vec<KpiRef> = seen.filter_map(|id| kpis.get(id).cloned()).collect();
        of_kpis.sort_by(|left, right| left.key.cmp(&right.key));
        let seen = looked.objectives.iter().filter(|id| !hidden_objectives.contains(id));
        let of_objectives: Vec<ObjectiveRef> =
            seen.filter_map(|id| Some(objectives.get(id)?.shown_as_reference())).collect();
        let edit = view.is_none() && tx.may(Action::Edit, &row.facts());
        Review {
            id: row.id,
            version: row.version,
            held_on: row.held_on,
            team_id: row.team_id,
            team: row.team_id.and_then(|id| teams.get(&id).cloned()),
            notes: row.notes.as_deref().map(Description::from),
            attendees: attendee_ids.iter().filter_map(|id| people.get(id).cloned()).collect(),
            attendee_ids,
            private: private + looked.kpis.len() - of_kpis.len() + looked.objectives.len()
                - of_objectives.len(),
            kpi_ids: of_kpis.iter().map(|kpi| kpi.id).collect(),
            kpis: of_kpis,
            objective_ids: of_objectives.iter().map(|objective| objective.id).collect(),
            objectives: of_objectives,
            decisions,
            author_id: row.author_id,
            author: row.author_id.and_then(|id| people.get(&id).cloned()),
            created_at: row.recorded_at,
            updated_at: row.updated_at,
            can: ReviewCan { edit },
        }
    });
    Ok(shown.collect())
}

/// What was decided in a review, and how much of it is private to others.
#[derive(Default)]
struct Made {
    decisions: Vec<Decision>,
    private: usize,
}

fn decisions_of(
    tx: &mut Scoped,
    ids: &[ReviewId],
    recorded_by: Moment,
    hidden: &HashSet<KpiId>,
    view: Option<&View>,
) -> Result<HashMap<ReviewId, Made>> {
    let rows: Vec<DecisionRow> = decisions::table
        .filter(decisions::workspace_id.eq(tx.here()?))
        .filter(decisions::review_id.eq_any(ids.to_vec()))
        .filter(decisions::recorded_at.le(recorded_by))
        .order((decisions::recorded_at, decisions::id))
        .load(tx.db())?;
    let mut found: HashMap<ReviewId, Made> = HashMap::new();
    let (private, seen): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| hidden.contains(&row.kpi_id));
    for review in private.iter().filter_map(|row| row.review_id) {
        found.entry(review).or_default().private += 1;
    }
    for decision in show_decisions(tx, seen, view)? {
        if let Some(review) = decision.review_id {
            found.entry(review).or_default().decisions.push(decision);
        }
    }
    Ok(found)
}
