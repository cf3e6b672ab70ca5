//! Targets: a KPI's healthy band from a date on, and the tolerance beyond which it is serious.
//!
//! Every period is judged by the target in force on its own last day, so that a change of today's
//! target never rewrites history. Nothing dated is lost: what is replaced stays, and says since when.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::derive::{self, Since, TargetRow};
use super::row::KpiRow;
use crate::access::{Action, At, Db, FromSegment, Granted, Reads, Resource, Scoped, Segment, Writes};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::query::Rehearsable;
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Measure, NoContent, Note, Nothing, Page, Problem, Put,
    Result, Routes, routes,
};
use crate::maths::{Band, DatedTarget, Period, Target as Judging, TargetFault, TargetField, target_in_force};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{kpis, targets};
use crate::store::{Day, KpiId, Moment, StoreError, TargetId, Tx};

/// The paths of targets.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/targets" {
            /// List a KPI's targets, the newest date first.
            /// Those that were replaced or taken away are left out unless `include_replaced=true`.
            GET list_targets,
            /// Set a KPI's target from a date on.
            /// Without a date the first target holds from the beginning, a later one from the start of the present
            /// period; one that begins before the present period is `backdated` and for admins. There is one target
            /// per date: a new one replaces the old, which is kept. `"target": null` says that from the date on
            /// there is none. Where that very target stands already, the answer is 200 and nothing changes.
            POST create_target,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/targets/{date}" {
            /// Show the target that a KPI has from a date on.
            /// `beginning` stands for the one that holds from the beginning.
            GET show_target,
            /// Take away the target that a KPI has from a date on.
            /// The one before it then holds on. `beginning` stands for the one that holds from the beginning. What
            /// begins before the present period is for admins.
            DELETE delete_target,
        }
    }
}

/// A range with its ends included, in the KPI's unit; a missing end is open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Bounds {
    /// The lower end, in the KPI's unit.
    #[schema(example = 80.0)]
    pub min: Option<f64>,
    /// The upper end, in the KPI's unit.
    pub max: Option<f64>,
}

impl Bounds {
    /// A band as it is shown; `None` where both of its ends are open.
    pub fn unless_open(band: Band) -> Option<Self> {
        (band.min.is_some() || band.max.is_some()).then_some(Self { min: band.min, max: band.max })
    }
}

/// A range with its ends included, in the KPI's unit; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"min": 80.0}))]
pub struct NewBounds {
    /// The lower end, in the KPI's unit.
    #[serde(default)]
    pub min: Option<Measure>,
    /// The upper end, in the KPI's unit.
    #[serde(default)]
    pub max: Option<Measure>,
}

impl NewBounds {
    /// A band as people would say it; `None` where both of its ends are open.
    pub fn unless_open(band: Band) -> Option<Self> {
        let measure = |end: Option<f64>| end.map(Measure::from);
        (band.min.is_some() || band.max.is_some())
            .then_some(Self { min: measure(band.min), max: measure(band.max) })
    }

    fn band(self) -> Band {
        Band { min: self.min.map(Measure::value), max: self.max.map(Measure::value) }
    }
}

/// A target of a KPI from a date on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Target {
    /// Its id.
    id: TargetId,
    /// The first day on which it holds; null where it holds from the beginning.
    effective_from: Option<Day>,
    /// The healthy band; null where from that day on there is none.
    target: Option<Bounds>,
    /// The wider band beyond which it is serious; null where no side has a warning zone.
    tolerance: Option<Bounds>,
    /// Why it is so.
    note: Option<String>,
    /// Whether it began in the past when it was set, so that it judged anew what had been judged.
    backdated: bool,
    /// When it was set.
    recorded_at: Moment,
    /// When it was replaced or taken away; null while it stands.
    replaced_at: Option<Moment>,
}
page_type!(TargetPage, Target);

/// A target to be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"effective_from": "2026-04-01", "target": {"min": 80.0}, "tolerance": {"min": 70.0}}))]
pub struct NewTarget {
    /// The first day on which it holds, from 1900-01-01 on; by default the first day of the present period, and the
    /// beginning of time for a KPI's first target.
    #[serde(default)]
    effective_from: Option<Day>,
    /// The healthy band, with at least one end; null where from the date on there is none.
    #[schema(required = true)]
    target: Option<NewBounds>,
    /// The wider band beyond which it is serious; a side without one has no warning zone.
    #[serde(default)]
    tolerance: Option<NewBounds>,
    /// Why it is so.
    #[serde(default)]
    note: Option<Note>,
}

/// The earliest day that is taken; nobody's records of a KPI reach further.
const EARLIEST: Date = date(1900, 1, 1);

impl Rules for NewTarget {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.effective_from.is_some_and(|day| day.date() < EARLIEST) {
            errors.add("/effective_from", "out_of_bounds", format!("it must not be before {EARLIEST}"));
        }
        judge_target(self.target, self.tolerance, errors);
    }
}

/// Adds what is wrong with a target and its tolerance.
pub fn judge_target(target: Option<NewBounds>, tolerance: Option<NewBounds>, errors: &mut FieldErrors) {
    let judging =
        Judging { band: target.unwrap_or_default().band(), tolerance: tolerance.unwrap_or_default().band() };
    for fault in judging.faults() {
        let pointer = match fault.field() {
            TargetField::TargetMin => "/target/min",
            TargetField::TargetMax => "/target/max",
            TargetField::ToleranceMin => "/tolerance/min",
            TargetField::ToleranceMax => "/tolerance/max",
        };
        match fault {
            // Nothing said is no target, which is fine.
            TargetFault::NoBound if target.is_none() => {}
            TargetFault::NoBound => errors.add(pointer, "empty_band", "a target has a min, a max, or both"),
            TargetFault::MinAboveMax => {
                errors.add(pointer, "min_above_max", "target.min must not be above target.max");
            }
            TargetFault::ToleranceInsideTarget(_) => errors.add(
                pointer,
                "tolerance_inside_target",
                "the tolerance is the wider band: it must not end inside the target",
            ),
            TargetFault::ToleranceWithoutTarget(_) => {
                errors.add(pointer, "tolerance_without_target", "a side without a target takes no tolerance")
            }
            TargetFault::OutOfRange(_) => {
                errors.add(pointer, "out_of_bounds", "it must be finite and within ±1e15");
            }
        }
    }
}

/// What a body says of target and tolerance, for the maths; judged already.
pub fn said(target: Option<NewBounds>, tolerance: Option<NewBounds>) -> Option<Judging> {
    target.map(|target| Judging { band: target.band(), tolerance: tolerance.unwrap_or_default().band() })
}

/// Which of a KPI's targets are listed.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TargetFilter {
    /// Whether those that were replaced or taken away are listed too.
    #[param(inline)]
    #[serde(default = "standing")]
    include_replaced: IncludeReplaced,
}

const fn standing() -> IncludeReplaced {
    IncludeReplaced::No
}

crate::maths::word::words! {
    /// Whether what was replaced is listed too.
    pub enum IncludeReplaced {
        /// Only what stands.
        No = "false",
        /// What was replaced or taken away too.
        Yes = "true",
    }
}
crate::http::words::impl_wire_words!(IncludeReplaced);

/// A day on which a target begins, as the path names it.
#[derive(Clone, Copy, Debug)]
pub struct Beginning(Day);

impl FromSegment for Beginning {
    const PARAMETER: &'static str = "date";

    fn read(_: &mut Scoped, text: &str) -> Result<Self> {
        match (text, text.parse::<Date>()) {
            ("beginning", _) => Ok(Self(Day::BEGINNING)),
            (_, Ok(day)) => Ok(Self(day.into())),
            (_, Err(_)) => {
                Err(Problem::new(Code::InvalidId, "not a date such as 2026-03-31, or `beginning`"))
            }
        }
    }
}

async fn list_targets(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    list: Listing<TargetFilter>,
) -> Answer<Page<TargetPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (filter, paging)| {
        let mut query = targets::table
            .filter(targets::workspace_id.eq(kpi.workspace_id))
            .filter(targets::kpi_id.eq(kpi.id))
            .into_boxed();
        if filter.include_replaced == IncludeReplaced::No {
            query = query.filter(targets::replaced_at.is_null());
        }
        let mut rows: Vec<TargetRow> = query.load(tx.db())?;
        rows.sort_by_key(TargetRow::newest_first);
        let paged = paging.page_of_all(rows, TargetRow::newest_first)?;
        Ok(Page::show(&paging, paged, TargetRow::shown))
    })
    .await
}

async fn create_target(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    rehearsal: Rehearsable,
    body: Body<NewTarget>,
) -> Answer<Put<Target>> {
    db.write(kpi.to(Action::Edit), (rehearsal, body), |tx, kpi, (_, body)| {
        let change = Change {
            from: body.effective_from,
            target: said(body.target, body.tolerance),
            note: body.note.clone().map(String::from),
        };
        match set(tx, kpi, change)? {
            Set::There(row) => Ok(Put::There(Json::versioned(row.shown(), kpi.version))),
            Set::New(row) => {
                let version = touch(tx, kpi)?;
                let since = row.since(tx)?;
                derive::recompute(tx, kpi, since)?;
                let path = format!(
                    "/v1/workspaces/{}/kpis/{}/targets/{}",
                    kpi.workspace_id,
                    kpi.id,
                    row.effective_from().map_or("beginning".to_owned(), |day| day.to_string()),
                );
                Ok(Put::New(Created::at(path, row.shown(), version)))
            }
        }
    })
    .await
}

async fn show_target(db: Db<Reads>, kpi: At<KpiRow>, begins: Segment<Beginning>) -> Answer<Json<Target>> {
    db.read((kpi.to(Action::View), begins), Nothing, |tx, (kpi, begins), ()| {
        let row = TargetRow::standing_at(tx, &kpi, begins.0)?.ok_or_else(Problem::not_found)?;
        Ok(Json::versioned(row.shown(), kpi.version))
    })
    .await
}

async fn delete_target(db: Db<Writes>, kpi: At<KpiRow>, begins: Segment<Beginning>) -> Answer<NoContent> {
    db.write((kpi.to(Action::Edit), begins), Nothing, |tx, (kpi, begins), ()| {
        let row = TargetRow::standing_at(tx, kpi, begins.0)?.ok_or_else(Problem::not_found)?;
        if row.effective_from.date() < present_period(tx, kpi)?.starts_on {
            tx.require(Action::Manage, &kpi.facts())?;
        }
        row.replace(tx)?;
        let change = json!({ "effective_from": row.effective_from() });
        tx.tell(EventType::TargetDeleted, Subject::new("kpi", kpi.id, &kpi.name), change);
        touch(tx, kpi)?;
        let since = row.since(tx)?;
        derive::recompute(tx, kpi, since)?;
        Ok(NoContent)
    })
    .await
}

impl TargetRow {
    /// The first day on which it holds; `None` where it holds from the beginning.
    pub fn effective_from(&self) -> Option<Day> {
        (self.effective_from != Day::BEGINNING).then_some(self.effective_from)
    }

    /// Those of some KPIs that stand, in order of their dates.
    pub fn standing(tx: &mut Tx, kpis: &[KpiId]) -> Result<Vec<Self>, StoreError> {
        let workspace = tx.workspace_id()?;
        Ok(targets::table
            .filter(targets::workspace_id.eq(workspace))
            .filter(targets::kpi_id.eq_any(kpis))
            .filter(targets::replaced_at.is_null())
            .order((targets::kpi_id, targets::effective_from))
            .load(tx.db())?)
    }

    fn standing_at(tx: &mut Tx, kpi: &KpiRow, day: Day) -> Result<Option<Self>> {
        let standing = Self::standing(tx, &[kpi.id])?;
        Ok(standing.into_iter().find(|row| row.effective_from == day))
    }

    fn shown(self) -> Target {
        let judging = self.dated().target;
        Target {
            id: self.id,
            effective_from: self.effective_from(),
            target: judging.and_then(|judging| Bounds::unless_open(judging.band)),
            tolerance: judging.and_then(|judging| Bounds::unless_open(judging.tolerance)),
            note: self.note,
            backdated: self.backdated,
            recorded_at: self.recorded_at,
            replaced_at: self.replaced_at,
        }
    }

    /// Sorts by the newest date, then by what was recorded last; turned round, since lists ascend.
    fn newest_first(&self) -> Position {
        let day = crate::maths::days_between(self.effective_from.date(), Date::MAX);
        let recorded = i64::MAX - self.recorded_at.microseconds();
        Position { key: format!("{day:020}{recorded:020}"), id: self.id.to_string() }
    }

    fn replace(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let now = tx.now;
        diesel::update(targets::table.filter(targets::workspace_id.eq(self.workspace_id)))
            .filter(targets::id.eq(self.id))
            .set(targets::replaced_at.eq(Some(now)))
            .execute(tx.db())?;
        Ok(())
    }

    /// From when on it changes what is derived.
    fn since(&self, tx: &Tx) -> Result<Since, StoreError> {
        Ok(match self.effective_from() {
            None => Since::Beginning,
            Some(day) => Since::At(tx.workspace()?.calendar().start_of_day(day.date()).into()),
        })
    }
}

/// The standing targets of some KPIs, for the maths.
pub fn dated(tx: &mut Tx, kpis: &[KpiId]) -> Result<HashMap<KpiId, Vec<DatedTarget>>, StoreError> {
    let mut found: HashMap<KpiId, Vec<DatedTarget>> = HashMap::new();
    for row in TargetRow::standing(tx, kpis)? {
        found.entry(row.kpi_id).or_default().push(row.dated());
    }
    Ok(found)
}

/// The target of a KPI that is in force today.
pub fn in_force_today(tx: &mut Tx, kpi: KpiId) -> Result<Option<Judging>, StoreError> {
    let today = tx.workspace()?.calendar().day_of(tx.now.timestamp());
    let targets = dated(tx, &[kpi])?.remove(&kpi).unwrap_or_default();
    Ok(target_in_force(&targets, today).copied())
}

/// A target to be set.
#[derive(Debug)]
pub struct Change {
    /// The first day on which it is to hold, where one was given.
    pub from: Option<Day>,
    /// The target; none where from that day on there is to be none.
    pub target: Option<Judging>,
    /// Why it is so.
    pub note: Option<String>,
}

/// What became of a target that was to be set.
#[derive(Debug)]
pub enum Set {
    /// It stood there already.
    There(TargetRow),
    /// It is new; what is derived has to follow.
    New(TargetRow),
}

impl Set {
    /// From when on what is derived has to follow.
    pub fn since(&self, tx: &Tx) -> Result<Option<Since>, StoreError> {
        match self {
            Self::There(_) => Ok(None),
            Self::New(row) => row.since(tx).map(Some),
        }
    }
}

/// Sets a target and tells of it; what is derived is left to the caller, once all is changed.
pub fn set(tx: &mut Scoped, kpi: &KpiRow, change: Change) -> Result<Set> {
    let standing = TargetRow::standing(tx, &[kpi.id])?;
    let period = present_period(tx, kpi)?;
    let today = tx.workspace()?.calendar().day_of(tx.now.timestamp());
    let effective_from = change.from.unwrap_or_else(|| default_date(&standing, &period, today));
    let backdated = change.from.is_some_and(|day| day.date() < period.starts_on);
    if backdated {
        tx.require(Action::Manage, &kpi.facts())?;
    }
    let bounds = change.target.unwrap_or_default();
    let row = TargetRow {
        id: TargetId::generate(tx.now.timestamp()),
        workspace_id: kpi.workspace_id,
        kpi_id: kpi.id,
        effective_from,
        target_min: bounds.band.min,
        target_max: bounds.band.max,
        tolerance_min: bounds.tolerance.min,
        tolerance_max: bounds.tolerance.max,
        note: change.note,
        backdated,
        recorded_at: tx.now,
        recorded_by: tx.author().recorded_by(),
        replaced_at: None,
    };
    if let Some(old) = standing.into_iter().find(|old| old.effective_from == effective_from) {
        if old.dated() == row.dated() && old.note == row.note {
            return Ok(Set::There(old));
        }
        old.replace(tx)?;
    }
    diesel::insert_into(targets::table).values(&row).execute(tx.db())?;
    let shown = row.clone().shown();
    let told = json!({
        "effective_from": shown.effective_from,
        "target": shown.target,
        "tolerance": shown.tolerance,
        "note": shown.note,
        "backdated": shown.backdated,
    });
    tx.tell(EventType::TargetCreated, Subject::new("kpi", kpi.id, &kpi.name), told);
    Ok(Set::New(row))
}

/// From when on a target holds that comes without a date: the first one from the beginning, later ones from the
/// start of the present period, or from where the one in force began since, so that it is truly followed.
fn default_date(standing: &[TargetRow], period: &Period, today: Date) -> Day {
    if standing.is_empty() {
        return Day::BEGINNING;
    }
    let begun = standing.iter().map(|row| row.effective_from.date()).filter(|day| *day <= today).max();
    begun.map_or(period.starts_on, |day| day.max(period.starts_on)).into()
}

fn present_period(tx: &Tx, kpi: &KpiRow) -> Result<Period, StoreError> {
    Ok(tx.workspace()?.calendar().period_of(kpi.cadence, tx.now.timestamp()))
}

/// Counts a change of a KPI's target as one of the KPI, which shows it and takes it in PATCH.
fn touch(tx: &mut Tx, kpi: &Granted<KpiRow>) -> Result<i32, StoreError> {
    let (version, now) = (kpi.version + 1, tx.now);
    diesel::update(kpis::table.filter(kpis::workspace_id.eq(kpi.workspace_id)).filter(kpis::id.eq(kpi.id)))
        .set((kpis::version.eq(version), kpis::updated_at.eq(now)))
        .execute(tx.db())?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::store::{RawId, WorkspaceId};

    fn faults(said: Value) -> String {
        let mut errors = FieldErrors::new();
        serde_json::from_value::<NewTarget>(said).unwrap().judge(&mut errors);
        let errors = errors.settle().err().map(|problem| problem.errors).unwrap_or_default();
        let texts: Vec<String> =
            errors.iter().map(|error| format!("{} {}", error.pointer, error.code)).collect();
        texts.join("; ")
    }

    #[test]
    fn a_target_is_a_band_with_a_wider_tolerance() {
        assert_eq!(faults(json!({"target": {"min": 95}, "tolerance": {"min": 85}})), "");
        assert_eq!(faults(json!({"target": {"min": 1, "max": 1}, "tolerance": {"min": 1, "max": 1}})), "");
        assert_eq!(faults(json!({"target": null})), "");
        assert_eq!(faults(json!({"target": {"min": 1}, "tolerance": {}})), "");
        assert_eq!(faults(json!({"target": {}})), "/target/min empty_band");
        assert_eq!(faults(json!({"target": {"min": 2, "max": 1}})), "/target/min min_above_max");
        let inside = json!({"target": {"min": 1, "max": 5}, "tolerance": {"min": 2, "max": 4}});
        assert_eq!(
            faults(inside),
            "/tolerance/min tolerance_inside_target; /tolerance/max tolerance_inside_target"
        );
        let elsewhere = json!({"target": {"min": 1}, "tolerance": {"max": 4}});
        assert_eq!(faults(elsewhere), "/tolerance/max tolerance_without_target");
        let alone = json!({"target": null, "tolerance": {"max": 4}});
        assert_eq!(faults(alone), "/tolerance/max tolerance_without_target");
        assert_eq!(faults(json!({"target": {"max": 1e16}})), "/target/max out_of_bounds");
        let early = json!({"target": {"max": 1}, "effective_from": "1899-12-31"});
        assert_eq!(faults(early), "/effective_from out_of_bounds");
    }

    #[test]
    fn a_target_without_a_date_follows_the_one_in_force() {
        let row = |effective_from: Day| TargetRow {
            id: TargetId::from_uuid(uuid::Uuid::nil()),
            workspace_id: WorkspaceId::from_uuid(uuid::Uuid::nil()),
            kpi_id: KpiId::from_uuid(uuid::Uuid::nil()),
            effective_from,
            target_min: None,
            target_max: None,
            tolerance_min: None,
            tolerance_max: None,
            note: None,
            backdated: false,
            recorded_at: Moment::from_microseconds(0),
            recorded_by: RawId::from_uuid(uuid::Uuid::nil()),
            replaced_at: None,
        };
        let calendar = crate::maths::Calendar {
            zone: jiff::tz::TimeZone::UTC,
            week_starts_on: jiff::civil::Weekday::Monday,
        };
        let today = date(2026, 3, 15);
        let period = calendar.period_of_day(crate::maths::Cadence::Monthly, today);
        let default = |dates: &[Day]| {
            let standing: Vec<TargetRow> = dates.iter().map(|day| row(*day)).collect();
            default_date(&standing, &period, today)
        };
        let (first, tenth, next) = (date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 20));
        assert_eq!(default(&[]), Day::BEGINNING);
        assert_eq!(default(&[Day::BEGINNING]), first.into());
        assert_eq!(default(&[Day::BEGINNING, tenth.into()]), tenth.into());
        assert_eq!(default(&[Day::BEGINNING, next.into()]), first.into(), "what is planned stays planned");
        assert_eq!(default(&[next.into()]), first.into());
    }
}
