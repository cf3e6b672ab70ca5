//! Setting a target: from which date on, in place of which one, and who may.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;
use serde_json::json;

use super::Target;
use crate::access::{Action, Granted, Resource, Scoped};
use crate::http::Result;
use crate::http::page::Position;
use crate::kpis::derive::{Since, TargetRow};
use crate::kpis::row::KpiRow;
use crate::maths::{DatedTarget, Period, Target as Judging, target_in_force};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{kpis, targets};
use crate::store::{Day, KpiId, StoreError, TargetId, Tx};

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

    pub(super) fn standing_at(tx: &mut Tx, kpi: &KpiRow, day: Day) -> Result<Option<Self>> {
        let standing = Self::standing(tx, &[kpi.id])?;
        Ok(standing.into_iter().find(|row| row.effective_from == day))
    }

    /// Sorts by the newest date, then by what was recorded last; turned round, since lists ascend.
    pub(super) fn newest_first(&self) -> Position {
        let day = crate::maths::days_between(self.effective_from.date(), Date::MAX);
        let recorded = i64::MAX - self.recorded_at.microseconds();
        Position { key: format!("{day:020}{recorded:020}"), id: self.id.to_string() }
    }

    pub(super) fn replace(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let now = tx.now;
        diesel::update(targets::table.filter(targets::workspace_id.eq(self.workspace_id)))
            .filter(targets::id.eq(self.id))
            .set(targets::replaced_at.eq(Some(now)))
            .execute(tx.db())?;
        Ok(())
    }

    /// From when on it changes what is derived.
    pub(super) fn since(&self, tx: &Tx) -> Result<Since, StoreError> {
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
    let today = tx.today()?.date();
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
    let today = tx.today()?.date();
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
    let shown = Target::from(row.clone());
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

pub(super) fn present_period(tx: &Tx, kpi: &KpiRow) -> Result<Period, StoreError> {
    Ok(tx.workspace()?.calendar().period_of(kpi.cadence, tx.now.timestamp()))
}

/// Counts a change of a KPI's target as one of the KPI, which shows it and takes it in PATCH.
pub(super) fn touch(tx: &mut Tx, kpi: &Granted<KpiRow>) -> Result<i32, StoreError> {
    let (version, now) = (kpi.version + 1, tx.now);
    diesel::update(kpis::table.filter(kpis::workspace_id.eq(kpi.workspace_id)).filter(kpis::id.eq(kpi.id)))
        .set((kpis::version.eq(version), kpis::updated_at.eq(now)))
        .execute(tx.db())?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::store::{Moment, RawId, WorkspaceId};

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
