//! What a write makes of a KPI's periods: the rows that have to change.

use std::collections::HashMap;

use super::fold::{self, FoldedPeriod, Numbers, Range};
use super::rows::{PeriodRow, StateRow};
use crate::kpis::row::KpiRow;
use crate::maths::{Calendar, Checkpoint, DatedTarget, KpiSettings, MOST_READ, PeriodValue};
use crate::store::Moment;

/// What the store holds of a KPI before it is brought up to date.
#[derive(Default)]
pub struct Stored {
    /// Its targets in any order.
    pub targets: Vec<DatedTarget>,
    /// Its periods in order of time: all of them, or those that a checkpoint reads.
    pub periods: Vec<PeriodRow>,
    /// The stages of what it shows.
    pub stages: Vec<StateRow>,
}

/// What is to be changed in the store.
pub struct Outcome {
    /// The periods that are new, or others than they were.
    pub changed: Vec<PeriodRow>,
    /// The beginnings of those that are no more, in order of time.
    pub gone: Vec<Moment>,
    /// The stages of what the KPI shows.
    pub stages: Vec<StateRow>,
}

impl Outcome {
    /// The first and the last period before the one that was shown whose value or health is another now,
    /// and how many there are.
    pub fn past_changes(
        &self,
        stored: &Stored,
        shown_before: Option<&StateRow>,
    ) -> Option<(Moment, Moment, usize)> {
        let current = shown_before?.period_starts_at?;
        let before = |starts_at: Moment| {
            let found = stored.periods.binary_search_by_key(&starts_at, |row| row.starts_at).ok()?;
            stored.periods.get(found).map(|row| (row.value, row.health))
        };
        let mut past: Vec<Moment> = self
            .changed
            .iter()
            .filter(|row| before(row.starts_at) != Some((row.value, row.health)))
            .map(|row| row.starts_at)
            .chain(self.gone.iter().copied())
            .filter(|starts_at| *starts_at < current)
            .collect();
        past.sort();
        Some((*past.first()?, *past.last()?, past.len()))
    }
}

/// A KPI whose periods in some stretches of time are folded again.
#[derive(Clone, Copy)]
pub struct Renewal<'a> {
    /// How the workspace divides time.
    pub calendar: &'a Calendar,
    /// The KPI.
    pub kpi: &'a KpiRow,
    /// Its settings.
    pub settings: &'a KpiSettings,
    /// The stretches of time, in order.
    pub ranges: &'a [Range],
    /// The present instant.
    pub now: Moment,
}

impl Renewal<'_> {
    /// The stored periods, with those in their places that are folded again, in order of time.
    pub fn series(&self, stored: &Stored, touched: &[FoldedPeriod]) -> Vec<FoldedPeriod> {
        let kept = stored.periods.iter().filter(|row| !fold::holds(self.ranges, row.starts_at));
        let mut periods = fold::stored(kept, self.calendar, self.settings);
        periods.extend(touched);
        periods.sort_by_key(|folded| folded.value.period.starts_at);
        periods
    }

    /// What follows from the whole series.
    pub fn outcome(&self, stored: &Stored, series: &[FoldedPeriod]) -> Outcome {
        let values = values(series);
        let stages = self.numbers(stored, series, &values).stages(self.kpi, self.now);
        self.changes(stored, series, stages)
    }

    /// What follows from what a checkpoint reads of it; `None` where only the whole can tell.
    pub fn outcome_after(
        &self,
        checkpoint: &Checkpoint,
        stored: &Stored,
        series: &[FoldedPeriod],
    ) -> Option<Outcome> {
        let values = values(series);
        let stages = self.numbers(stored, series, &values).stages_after(checkpoint, self.kpi, self.now)?;
        Some(self.changes(stored, series, stages))
    }

    /// A newer checkpoint, if so much was read that it is worth its row.
    pub fn checkpoint(
        &self,
        before: Option<&Checkpoint>,
        stored: &Stored,
        series: &[FoldedPeriod],
    ) -> Option<Checkpoint> {
        if series.len() <= MOST_READ {
            return None;
        }
        let now = self.now.timestamp();
        Checkpoint::of(before, self.calendar, self.settings, &values(series), &stored.targets, now)
    }

    fn numbers<'n>(
        &'n self,
        stored: &'n Stored,
        series: &[FoldedPeriod],
        values: &'n [PeriodValue],
    ) -> Numbers<'n> {
        Numbers {
            calendar: self.calendar,
            settings: self.settings,
            series: values,
            targets: &stored.targets,
            latest_point_at: series.last().map(|newest| newest.newest_at),
        }
    }

    fn changes(&self, stored: &Stored, series: &[FoldedPeriod], stages: Vec<StateRow>) -> Outcome {
        let is_touched = |starts_at: Moment| fold::holds(self.ranges, starts_at);
        let touched: Vec<FoldedPeriod> = series
            .iter()
            .filter(|folded| is_touched(folded.value.period.starts_at.into()))
            .copied()
            .collect();
        let rows = fold::period_rows(self.kpi, &touched, &stored.targets);
        let touched = stored.periods.iter().filter(|row| is_touched(row.starts_at));
        let mut before: HashMap<Moment, &PeriodRow> = touched.map(|row| (row.starts_at, row)).collect();
        let changed = rows.into_iter().filter(|row| before.remove(&row.starts_at) != Some(row)).collect();
        let mut gone: Vec<Moment> = before.into_keys().collect();
        gone.sort();
        Outcome { changed, gone, stages }
    }
}

fn values(series: &[FoldedPeriod]) -> Vec<PeriodValue> {
    series.iter().map(|folded| folded.value).collect()
}
