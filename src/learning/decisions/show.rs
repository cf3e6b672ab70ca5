//! Decisions as they are answered: with what they expected, judged, and with what came after them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::{self, DecisionOrigin, DecisionRow, LedTo, led_to_by};
use crate::access::hidden::Hidden;
use crate::access::{Action, Scoped};
use crate::care::remedies::Standpoint;
use crate::http::page::page_type;
use crate::http::text::{AnyId, PeriodName};
use crate::http::{Note, Problem, Result};
use crate::kpis::derive::{self, History, View};
use crate::kpis::kpis::KpiRef;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::learning::reviews::{ReviewRef, references as review_references};
use crate::learning::subject::{SubjectId, SubjectRef, references};
use crate::maths::{
    Calendar, Choice, Expectation, ExpectationInput, Expects, Freshness, Health, JudgedExpectation, Trend,
    expectation,
};
use crate::people::members::{self, MemberRef};
use crate::store::schema::{decisions, targets};
use crate::store::{
    Day, DecisionId, IDS_PER_STATEMENT, InitiativeId, KpiId, Moment, ObjectiveId, ReviewId, StoreError,
    TargetId, Tx,
};

/// What was decided because of a KPI.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The KPI because of which it was made.
    pub kpi_id: KpiId,
    /// The KPI, as a page shows it.
    pub kpi: KpiRef,
    /// Whether somebody wrote it down, or it was recorded with what somebody did.
    pub origin: DecisionOrigin,
    /// What was chosen.
    pub choice: Choice,
    /// What was decided and why, in Markdown; null where it was recorded and nobody has said more.
    pub summary: Option<Note>,
    /// How sure people were, 1 to 5; null where nobody said.
    #[schema(minimum = 1, maximum = 5)]
    pub certainty: Option<i32>,
    /// The day on which it was made.
    pub decided_on: Day,
    /// Who wrote it down, or did what it was recorded with; null where no member did.
    pub decided_by: Option<MemberRef>,
    /// The review in which it was made.
    pub review_id: Option<ReviewId>,
    /// The review, as a page shows it.
    pub review: Option<ReviewRef>,
    /// The KPI as it was; it never changes.
    pub moment: DecisionMoment,
    /// What it was expected to bring; null where nothing was said.
    pub expects: Option<ExpectedEffect>,
    /// The day on which it is to be looked at again.
    pub revisit_on: Option<Day>,
    /// The first later decision that took it up again: it followed it, or reversed it.
    pub revisited_by_id: Option<DecisionId>,
    /// The earlier decision that it took up again.
    pub follows_id: Option<DecisionId>,
    /// The earlier decision that it took back.
    pub reverses_id: Option<DecisionId>,
    /// The later decision that took it back.
    pub reversed_by_id: Option<DecisionId>,
    /// What it led to, by id.
    #[schema(value_type = Vec<AnyId>, max_items = 200)]
    pub led_to_ids: Vec<String>,
    /// The same, as a page shows it: objectives, initiatives and targets.
    #[schema(max_items = 200)]
    pub led_to: Vec<SubjectRef>,
    /// How many more things it led to that are private to others.
    #[schema(minimum = 0)]
    pub led_to_private: usize,
    /// When it was recorded.
    pub created_at: Moment,
    /// What the caller may do with it.
    pub can: DecisionCan,
}

/// A KPI as it was when something was decided because of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionMoment {
    /// The current value of then, in the KPI's unit; null where it had none.
    #[schema(example = 6.1)]
    pub value: Option<f64>,
    /// The name of the period whose value was current; null without one.
    #[schema(value_type = Option<PeriodName>)]
    pub period: Option<String>,
    /// The first day of that period.
    pub starts_on: Option<Day>,
    /// The health of then.
    pub health: Health,
    /// Whether the value was recent enough.
    pub freshness: Freshness,
    /// Where the KPI was going; null without a target, and with fewer than six complete periods.
    pub trend: Option<Trend>,
    /// The healthy band in force then, in the KPI's unit; null where there was none.
    pub target: Option<Bounds>,
    /// The wider band of then beyond which it was serious, in the KPI's unit; null where there was none.
    pub tolerance: Option<Bounds>,
}

/// What a decision was expected to bring, and whether it did.
///
/// The value of the newest period that has ended by the day is held against the value of the decision, by the band
/// that was in force then: `better` is met inside of the band or nearer to it than before, `same` no farther from it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ExpectedEffect {
    /// What the KPI was to show.
    pub what: Expects,
    /// By which day.
    pub by: Day,
    /// Whether it did; `too_early` until the day has passed, and while no later period has a value.
    pub state: Expectation,
    /// The value that it was judged by, in the KPI's unit; null while it is too early.
    pub value: Option<f64>,
}

/// What the caller may do with a decision.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DecisionCan {
    /// Change its words, when it is looked at again, and what it led to.
    pub edit: bool,
}

page_type!(DecisionPage, Decision);

/// One decision as the API shows it.
pub fn show_one(tx: &mut Scoped, row: DecisionRow, view: Option<&View>) -> Result<Decision> {
    show(tx, vec![row], view)?.pop().ok_or_else(Problem::not_found)
}

/// Decisions as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<DecisionRow>, view: Option<&View>) -> Result<Vec<Decision>> {
    let workspace = tx.here()?;
    let standpoint = Standpoint::of(tx, view)?;
    let ids: Vec<DecisionId> = rows.iter().map(|row| row.id).collect();
    let kpis = of_rows(tx, &rows, |_| true)?;
    let expecting: Vec<KpiRow> = of_rows(tx, &rows, |row| row.expects.is_some())?.into_values().collect();
    let histories = derive::histories(tx, &expecting, &view.copied().unwrap_or_default())?;
    let after = Afterwards::of(tx, &ids, standpoint.recorded_by)?;
    let mut links = led_to_by(tx, &ids, standpoint.recorded_by)?;
    let seen = Seen::of(tx, links.values().flatten().copied().collect())?;
    let people = members::names(tx, workspace, rows.iter().map(DecisionRow::maker))?;
    let reviews = review_references(tx, rows.iter().filter_map(|row| row.review_id).collect())?;
    let calendar = tx.workspace()?.calendar();
    let shown = rows.into_iter().filter_map(|row| {
        let kpi = kpis.get(&row.kpi_id)?;
        let all = links.remove(&row.id).unwrap_or_default();
        let led_to: Vec<SubjectRef> = all.iter().filter_map(|one| seen.0.get(one).cloned()).collect();
        let judged =
            histories.get(&row.kpi_id).and_then(|history| judged(&row, history, standpoint.today.into()));
        Some(Decision {
            id: row.id,
            version: row.version,
            kpi_id: row.kpi_id,
            kpi: kpi.into(),
            origin: row.origin,
            choice: row.choice,
            summary: row.summary.as_deref().map(Note::from),
            certainty: row.certainty,
            decided_on: row.decided_on,
            decided_by: people.get(&row.maker()).cloned(),
            review_id: row.review_id,
            review: row.review_id.and_then(|id| reviews.get(&id).copied()),
            moment: moment(&row, kpi, &calendar),
            expects: row.expects.zip(row.expects_by).map(|(what, by)| ExpectedEffect {
                what,
                by,
                state: judged.map_or(Expectation::TooEarly, |judged| judged.state),
                value: judged.and_then(|judged| judged.value),
            }),
            revisit_on: row.revisit_on,
            revisited_by_id: after.taken_up.get(&row.id).copied(),
            follows_id: row.follows_id,
            reverses_id: row.reverses_id,
            reversed_by_id: after.reversed.get(&row.id).copied(),
            led_to_ids: led_to.iter().map(|one| one.id.clone()).collect(),
            led_to_private: all.len() - led_to.len(),
            led_to,
            created_at: row.recorded_at,
            can: DecisionCan { edit: view.is_none() && tx.may(Action::Edit, &row::facts(&row, kpi)) },
        })
    });
    Ok(shown.collect())
}

/// The KPIs of those decisions that are asked for.
fn of_rows(
    tx: &mut Tx,
    rows: &[DecisionRow],
    wanted: impl Fn(&DecisionRow) -> bool,
) -> Result<HashMap<KpiId, KpiRow>, StoreError> {
    let ids: HashSet<KpiId> = rows.iter().filter(|row| wanted(row)).map(|row| row.kpi_id).collect();
    KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())
}

fn moment(row: &DecisionRow, kpi: &KpiRow, calendar: &Calendar) -> DecisionMoment {
    let starts_on = row.frozen_starts_at.map(|at| calendar.day_of(at.timestamp()));
    let target = row.target();
    DecisionMoment {
        value: row.frozen_value,
        period: starts_on.map(|day| period_name(kpi.cadence, day)),
        starts_on: starts_on.map(Day::from),
        health: row.frozen_health,
        freshness: row.frozen_freshness,
        trend: row.frozen_trend,
        target: target.and_then(|target| Bounds::unless_open(target.band)),
        tolerance: target.and_then(|target| Bounds::unless_open(target.tolerance)),
    }
}

/// What became of the expectation of a decision; `None` where nothing was expected.
pub fn judged(row: &DecisionRow, history: &History, today: Day) -> Option<JudgedExpectation> {
    let starts_on = history.calendar.day_of(row.frozen_starts_at?.timestamp());
    Some(expectation(&ExpectationInput {
        expects: row.expects?,
        by: row.expects_by?.date(),
        value: row.frozen_value?,
        starts_on,
        band: row.target()?.band,
        judged: &history.judged,
        today: today.date(),
    }))
}

/// What later decisions say of earlier ones.
#[derive(Debug, Default)]
pub struct Afterwards {
    /// Which decision reversed it.
    pub reversed: HashMap<DecisionId, DecisionId>,
    /// Which one was the first to follow or reverse it.
    pub taken_up: HashMap<DecisionId, DecisionId>,
}

impl Afterwards {
    /// Of some decisions, by what had been recorded by an instant.
    pub fn of(tx: &mut Tx, ids: &[DecisionId], instant: Moment) -> Result<Self, StoreError> {
        type Later = (DecisionId, Option<DecisionId>, Option<DecisionId>);
        let workspace = tx.workspace_id()?;
        let mut after = Self::default();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<Later> = decisions::table
                .filter(decisions::workspace_id.eq(workspace))
                .filter(decisions::recorded_at.le(instant))
                .filter(
                    decisions::reverses_id
                        .eq_any(ids.to_vec())
                        .or(decisions::follows_id.eq_any(ids.to_vec())),
                )
                .order((decisions::recorded_at, decisions::id))
                .select((decisions::id, decisions::reverses_id, decisions::follows_id))
                .load(tx.db())?;
            for (id, reverses, follows) in rows {
                if let Some(reversed) = reverses {
                    after.reversed.insert(reversed, id);
                }
                for earlier in reverses.into_iter().chain(follows) {
                    after.taken_up.entry(earlier).or_insert(id);
                }
            }
        }
        Ok(after)
    }
}

/// Those of some outcomes that the caller sees, as a page shows them.
pub struct Seen(pub HashMap<LedTo, SubjectRef>);

impl Seen {
    /// In few statements.
    pub fn of(tx: &mut Scoped, all: Vec<LedTo>) -> Result<Self> {
        let mut found = HashMap::new();
        if all.is_empty() {
            return Ok(Self(found));
        }
        let hidden = Hidden::from(tx)?;
        let objectives: HashSet<ObjectiveId> = hidden.objectives().load(tx.db())?.into_iter().collect();
        let initiatives: HashSet<InitiativeId> = hidden.initiatives().load(tx.db())?.into_iter().collect();
        let (mut subjects, mut of_targets) = (Vec::new(), Vec::new());
        for one in &all {
            match *one {
                LedTo::Objective(id) if !objectives.contains(&id) => subjects.push(SubjectId::Objective(id)),
                LedTo::Initiative(id) if !initiatives.contains(&id) => {
                    subjects.push(SubjectId::Initiative(id));
                }
                LedTo::Target(id) => of_targets.push(id),
                LedTo::Objective(_) | LedTo::Initiative(_) => {}
            }
        }
        for (id, shown) in references(tx, &subjects)? {
            match id {
                SubjectId::Objective(id) => found.insert(LedTo::Objective(id), shown),
                SubjectId::Initiative(id) => found.insert(LedTo::Initiative(id), shown),
                _ => None,
            };
        }
        let rows: Vec<(TargetId, Day)> = targets::table
            .filter(targets::workspace_id.eq(tx.here()?))
            .filter(targets::id.eq_any(of_targets))
            .select((targets::id, targets::effective_from))
            .load(tx.db())?;
        for (id, from) in rows {
            let begins = if from == Day::BEGINNING { "the beginning".to_owned() } else { from.to_string() };
            let name = format!("Target from {begins} on");
            found.insert(LedTo::Target(id), SubjectRef { kind: "target", id: id.to_string(), name });
        }
        Ok(Self(found))
    }
}
