//! Checkpoints, as they are stored: a write reads the newest periods of a long series, and not all of it.
//!
//! They hold by what nothing before them has changed. A write that reaches back behind one reads the whole series
//! again, and leaves a newer one or none.

use std::collections::HashMap;

use diesel::prelude::*;

use super::rows::RULES;
use crate::kpis::row::KpiRow;
use crate::maths::{Checkpoint, ClosedBy, Episode, Health, NaturalLimits, NewestSegment, Reading, Spell};
use crate::store::schema::kpi_checkpoints;
use crate::store::{Day, IDS_PER_STATEMENT, KpiId, Moment, StoreError, Tx, WorkspaceId, batch, each_engine};

/// What the older periods of a KPI come to, as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = kpi_checkpoints, treat_none_as_default_value = false)]
pub struct CheckpointRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub covers_until: Moment,
    pub reads_from: Moment,
    pub centre: f64,
    pub lower: f64,
    pub upper: f64,
    pub upper_range: f64,
    /// Where the newest segment began, if it is the younger one; the limits are those of the one before it then.
    pub segment_from: Option<Moment>,
    pub read_first: Option<f64>,
    pub read_last: Option<f64>,
    pub read_count: Option<i32>,
    pub read_distances: Option<f64>,
    pub read_ranges: Option<f64>,
    pub lowest: f64,
    pub highest: f64,
    pub health: Health,
    pub since: Day,
    pub open_opened_on: Option<Day>,
    pub open_opening_value: Option<f64>,
    pub open_worst_value: Option<f64>,
    pub open_worst_on: Option<Day>,
    pub open_worst_gap: Option<f64>,
    pub closed_opened_on: Option<Day>,
    pub closed_opening_value: Option<f64>,
    pub closed_worst_value: Option<f64>,
    pub closed_worst_on: Option<Day>,
    pub closed_worst_gap: Option<f64>,
    pub closed_on: Option<Day>,
    pub closed_by: Option<ClosedBy>,
    /// The edition of the rules by which it was read.
    pub rules: i32,
}

impl CheckpointRow {
    fn of(kpi: &KpiRow, checkpoint: &Checkpoint) -> Self {
        let Checkpoint { covers_until, reads_from, segment, lowest, highest, spell, open, closed } =
            checkpoint;
        let (limits, segment_from, read) = match segment {
            NewestSegment::Older { limits, read } => (limits, None, read.as_ref()),
            NewestSegment::Younger { starts_at, before } => (before, Some(Moment::from(*starts_at)), None),
        };
        let (open, closed) = (open.as_ref(), closed.as_ref());
        Self {
            workspace_id: kpi.workspace_id,
            kpi_id: kpi.id,
            covers_until: (*covers_until).into(),
            reads_from: (*reads_from).into(),
            centre: limits.centre,
            lower: limits.lower,
            upper: limits.upper,
            upper_range: limits.upper_range,
            segment_from,
            read_first: read.map(|read| read.first),
            read_last: read.map(|read| read.last),
            read_count: read.map(|read| i32::try_from(read.count).unwrap_or(i32::MAX)),
            read_distances: read.map(|read| read.distances),
            read_ranges: read.map(|read| read.ranges),
            lowest: *lowest,
            highest: *highest,
            health: spell.health,
            since: spell.since.into(),
            open_opened_on: open.map(|open| open.opened_on.into()),
            open_opening_value: open.map(|open| open.opening_value),
            open_worst_value: open.map(|open| open.worst_value),
            open_worst_on: open.map(|open| open.worst_on.into()),
            open_worst_gap: open.map(|open| open.worst_gap),
            closed_opened_on: closed.map(|closed| closed.opened_on.into()),
            closed_opening_value: closed.map(|closed| closed.opening_value),
            closed_worst_value: closed.map(|closed| closed.worst_value),
            closed_worst_on: closed.map(|closed| closed.worst_on.into()),
            closed_worst_gap: closed.map(|closed| closed.worst_gap),
            closed_on: closed.and_then(|closed| closed.closed_on).map(Day::from),
            closed_by: closed.and_then(|closed| closed.closed_by),
            rules: RULES,
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            covers_until: self.covers_until.timestamp(),
            reads_from: self.reads_from.timestamp(),
            segment: self.segment(),
            lowest: self.lowest,
            highest: self.highest,
            spell: Spell { health: self.health, since: self.since.date() },
            open: self.open(),
            closed: self.closed(),
        }
    }

    fn segment(&self) -> NewestSegment {
        let Self { centre, lower, upper, upper_range, .. } = *self;
        let limits = NaturalLimits { centre, lower, upper, upper_range };
        match self.segment_from {
            None => NewestSegment::Older { limits, read: self.read() },
            Some(starts_at) => NewestSegment::Younger { starts_at: starts_at.timestamp(), before: limits },
        }
    }

    fn read(&self) -> Option<Reading> {
        Some(Reading {
            first: self.read_first?,
            last: self.read_last?,
            count: u32::try_from(self.read_count?).ok()?,
            distances: self.read_distances?,
            ranges: self.read_ranges?,
        })
    }

    fn open(&self) -> Option<Episode> {
        Some(Episode {
            opened_on: self.open_opened_on?.date(),
            opening_value: self.open_opening_value?,
            worst_value: self.open_worst_value?,
            worst_on: self.open_worst_on?.date(),
            worst_gap: self.open_worst_gap?,
            closed_on: None,
            closed_by: None,
        })
    }

    fn closed(&self) -> Option<Episode> {
        Some(Episode {
            opened_on: self.closed_opened_on?.date(),
            opening_value: self.closed_opening_value?,
            worst_value: self.closed_worst_value?,
            worst_on: self.closed_worst_on?.date(),
            worst_gap: self.closed_worst_gap?,
            closed_on: self.closed_on.map(Day::date),
            closed_by: self.closed_by,
        })
    }
}

/// The stored ones; one that was read by other rules counts for nothing, but is in the way of a newer one.
pub fn stored(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, Checkpoint>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<CheckpointRow> = each_engine!(tx, connection => kpi_checkpoints::table
            .filter(kpi_checkpoints::workspace_id.eq(workspace))
            .filter(kpi_checkpoints::kpi_id.eq_any(ids))
            .filter(kpi_checkpoints::rules.eq(RULES))
            .load(connection))?;
        found.extend(rows.into_iter().map(|row| (row.kpi_id, row.checkpoint())));
    }
    Ok(found)
}

/// What becomes of the checkpoint of a KPI.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It goes on to hold, or there is none.
    Stays,
    /// It is void.
    Goes(KpiId),
    /// A newer one takes its place.
    Renewed(Box<CheckpointRow>),
}

impl Fate {
    /// That of the checkpoint that was stored, if any, when one was used or not, and a newer one may be had.
    pub fn of(
        kpi: &KpiRow,
        was_stored: Option<&Checkpoint>,
        used: Option<&Checkpoint>,
        newer: Option<&Checkpoint>,
    ) -> Self {
        match (newer, was_stored, used) {
            (Some(newer), _, _) => Self::Renewed(Box::new(CheckpointRow::of(kpi, newer))),
            (None, Some(_), None) => Self::Goes(kpi.id),
            (None, None, None) | (None, _, Some(_)) => Self::Stays,
        }
    }
}

/// Stores what became of some.
pub fn settle(tx: &mut Tx, fates: Vec<Fate>) -> Result<(), StoreError> {
    let (mut gone, mut renewed) = (Vec::new(), Vec::new());
    for fate in fates {
        match fate {
            Fate::Stays => {}
            Fate::Goes(kpi) => gone.push(kpi),
            Fate::Renewed(row) => {
                gone.push(row.kpi_id);
                renewed.push(*row);
            }
        }
    }
    batch::replace_checkpoints(tx, &gone, &renewed)
}
