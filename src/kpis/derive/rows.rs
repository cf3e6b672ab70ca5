//! The rows behind a KPI's numbers, as they are stored, and what they mean to the maths.

use diesel::prelude::*;

use crate::maths::word::words;
use crate::maths::{
    Band, Cadence, Calendar, ClosedBy, DatedTarget, Folded, Freshness, Health, HealthReason, Period,
    PeriodValue, Target, Trend,
};
use crate::store::schema::{kpi_periods, kpi_states, point_revisions, points, targets};
use crate::store::transaction::AuthorKind;
use crate::store::{Day, KpiId, Moment, RawId, TargetId, WorkspaceId};

words! {
    /// Whether a value was measured or guessed.
    pub enum Quality {
        /// It was measured.
        Measured = "measured",
        /// It is an estimate.
        Estimated = "estimated",
    }

    /// Where a point came from.
    pub enum Origin {
        /// A signed-in person posted it.
        Person = "person",
        /// An API token posted it.
        Token = "token",
        /// It was loaded in bulk.
        Import = "import",
        /// It was computed.
        Formula = "formula",
    }
}
crate::http::words::impl_wire_words!(Quality, Origin);
crate::store::types::impl_sql_words!(Quality, Origin);

impl Origin {
    /// Where the points of an author come from.
    pub fn of(author: AuthorKind) -> Self {
        match author {
            AuthorKind::Person => Self::Person,
            AuthorKind::Token => Self::Token,
            AuthorKind::System => Self::Import,
        }
    }
}

/// A band from a date on, as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = targets, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct TargetRow {
    pub id: TargetId,
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    /// [`Day::BEGINNING`] where it holds from the beginning of time.
    pub effective_from: Day,
    pub target_min: Option<f64>,
    pub target_max: Option<f64>,
    pub tolerance_min: Option<f64>,
    pub tolerance_max: Option<f64>,
    pub note: Option<String>,
    pub backdated: bool,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub replaced_at: Option<Moment>,
}

impl TargetRow {
    /// The target for the maths; a row without bounds says that from its date on there is none.
    pub fn dated(&self) -> DatedTarget {
        let band = Band { min: self.target_min, max: self.target_max };
        let tolerance = Band { min: self.tolerance_min, max: self.tolerance_max };
        DatedTarget {
            effective_from: (self.effective_from != Day::BEGINNING).then(|| self.effective_from.date()),
            target: Target::unless_open(band, tolerance),
        }
    }
}

/// One measurement, as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName, Insertable)]
#[diesel(table_name = points, treat_none_as_default_value = false)]
pub struct PointRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub at: Moment,
    pub feed: String,
    pub value: f64,
    pub note: Option<String>,
    pub quality: Quality,
    pub origin: Origin,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
}

impl PointRow {
    /// What this point says, kept as a revision because it is replaced or deleted.
    pub fn replaced_at(self, replaced_at: Moment) -> RevisionRow {
        RevisionRow {
            workspace_id: self.workspace_id,
            kpi_id: self.kpi_id,
            at: self.at,
            feed: self.feed,
            replaced_at,
            value: self.value,
            note: self.note,
            quality: self.quality,
            origin: self.origin,
            recorded_at: self.recorded_at,
            recorded_by: self.recorded_by,
        }
    }
}

/// What a point said until it was replaced or deleted, as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = point_revisions, treat_none_as_default_value = false)]
pub struct RevisionRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub at: Moment,
    pub feed: String,
    pub replaced_at: Moment,
    pub value: f64,
    pub note: Option<String>,
    pub quality: Quality,
    pub origin: Origin,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
}

/// A period that holds a point, as it is stored; without a value it was not finite.
#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName, Insertable)]
#[diesel(table_name = kpi_periods, treat_none_as_default_value = false)]
pub struct PeriodRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub starts_at: Moment,
    pub value: Option<f64>,
    pub points: i32,
    pub newest_at: Moment,
    pub health: Health,
}

impl PeriodRow {
    /// The period for the maths.
    pub fn value(&self, calendar: &Calendar, cadence: Cadence) -> PeriodValue {
        self.value_after(calendar, cadence, None)
    }

    /// The same in a series, where the period before is known.
    pub fn value_after(&self, calendar: &Calendar, cadence: Cadence, before: Option<&Period>) -> PeriodValue {
        PeriodValue {
            period: calendar.period_beginning(cadence, self.starts_at.timestamp(), before),
            count: u32::try_from(self.points).unwrap_or_default(),
            folded: self.value.map_or(Folded::Overflow, Folded::Value),
        }
    }
}

/// What a KPI shows from an instant on, as it is stored; only staleness is left to the clock.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = kpi_states, treat_none_as_default_value = false)]
pub struct StateRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    /// From when on; the first stage of a KPI holds from 1970 on.
    pub from_at: Moment,
    pub period_starts_at: Option<Moment>,
    pub value: Option<f64>,
    pub previous_value: Option<f64>,
    /// As judged; see [`StateRow::verdict`] for what is shown.
    pub health: Health,
    /// Never `stale`: the clock says that.
    pub reason: Option<HealthReason>,
    pub since: Option<Day>,
    pub gap: Option<f64>,
    pub severity: Option<f64>,
    pub due_at: Option<Moment>,
    pub stale_at: Option<Moment>,
    pub episode_opened_on: Option<Day>,
    pub episode_opening_value: Option<f64>,
    pub episode_worst_value: Option<f64>,
    pub episode_worst_on: Option<Day>,
    pub closed_opened_on: Option<Day>,
    pub closed_on: Option<Day>,
    pub closed_by: Option<ClosedBy>,
    pub trend: Option<Trend>,
    /// See [`KpiState::leaves_on`](crate::maths::KpiState::leaves_on).
    pub leaves_on: Option<Day>,
    /// See [`KpiState::reach`](crate::maths::KpiState::reach).
    pub reach_min: Option<f64>,
    pub reach_max: Option<f64>,
    /// The edition of the rules by which it was derived.
    pub rules: i32,
}

/// The edition of the rules by which stages are derived; the first one had no trend, the second no `leaves_on` and no
/// reach.
pub const RULES: i32 = 2;

/// The health that is shown at a moment, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The health.
    pub health: Health,
    /// Why it is unknown, or that an unhealthy value is stale.
    pub reason: Option<HealthReason>,
    /// The health last seen, where the present one is unknown because the value is stale.
    pub last_known: Option<Health>,
}

impl StateRow {
    /// The health that is shown at a moment: as judged, unless the clock has made it stale.
    pub fn verdict(&self, now: Moment) -> Verdict {
        let judged = Verdict { health: self.health, reason: self.reason, last_known: None };
        if self.freshness(now) != Freshness::Stale {
            return judged;
        }
        match self.health {
            Health::Healthy | Health::AtRisk => Verdict {
                health: Health::Unknown,
                reason: Some(HealthReason::Stale),
                last_known: Some(self.health),
            },
            Health::Unhealthy => Verdict { reason: Some(HealthReason::Stale), ..judged },
            Health::Unknown => judged,
        }
    }

    /// Whether the value is recent enough at a moment.
    pub fn freshness(&self, now: Moment) -> Freshness {
        let reached = |at: Option<Moment>| at.is_some_and(|at| at <= now);
        match () {
            () if self.period_starts_at.is_none() && self.due_at.is_none() => Freshness::Never,
            () if reached(self.stale_at) => Freshness::Stale,
            () if reached(self.due_at) => Freshness::Due,
            () => Freshness::Fresh,
        }
    }

    /// How far the KPI has been, or may be.
    pub fn reach(&self) -> Option<Band> {
        let (min, max) = self.reach_min.zip(self.reach_max)?;
        Some(Band { min: Some(min), max: Some(max) })
    }

    /// Whether an older program derived it, which left out what it did not know.
    pub fn is_outdated(&self) -> bool {
        self.rules < RULES
    }

    /// Whether two stages differ in nothing but when they begin.
    pub(super) fn shows_the_same(&self, other: &Self) -> bool {
        Self { from_at: other.from_at, ..self.clone() } == *other
    }
}
