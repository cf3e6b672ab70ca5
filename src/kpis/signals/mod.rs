//! The signals of a KPI: is it getting better or worse, or is it noise?
//!
//! Its complete periods as a process behaviour chart: segments with a centre and natural limits, the values that
//! are signals and why, where the process shifted, and where it is going in a sentence made of the numbers.

mod sentence;

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Action, At, Db, Reads};
use crate::http::answer::{Answer, Json};
use crate::http::text::{PeriodName, Sentence};
use crate::http::{Query, Routes, routes};
use crate::kpis::derive::{AsOf, History, history};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::{
    Band, Because, Cadence, Judgement, Period, Rule, Segment, Trend, change_is_good, judge_trend, segments,
};
use crate::store::Day;

/// The paths of signals.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/signals" {
            /// Show which values of a KPI are signals, and where it is going.
            /// A process behaviour chart (XmR) over the complete periods that have a value; missing ones are skipped.
            /// All of them are judged, and the newest 5,000 are shown. Of an irregular KPI each point stands for itself.
            GET show_signals
        }
    }
}

/// Where a KPI is going, and which of its values say so.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiSignals {
    /// Where it is going; null without a target, and with fewer than six complete periods.
    trend: Option<Trend>,
    /// What the trend is read from, or why there is none.
    because: Because,
    /// The same as a sentence made of the numbers.
    #[schema(value_type = Sentence)]
    reason: String,
    /// How many complete periods have a value; natural limits need six.
    #[schema(minimum = 0)]
    periods: usize,
    /// The stretches with one centre and one pair of limits, in order of time; none with fewer than six periods.
    #[schema(max_items = 1000)]
    segments: Vec<SignalSegment>,
    /// Where one segment ends and the next begins, in order of time.
    #[schema(max_items = 1000)]
    shifts: Vec<Shift>,
    /// The newest 5,000 complete periods that have a value, in order of time.
    #[schema(max_items = 5000)]
    points: Vec<SignalPoint>,
}

/// A stretch of periods with one centre and one pair of natural limits, all in the KPI's unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalSegment {
    /// The first day of its first period.
    starts_on: Day,
    /// The last day of its last period.
    ends_on: Day,
    /// How many periods it has.
    #[schema(minimum = 6)]
    periods: usize,
    /// The mean of its values; of the last segment that of its first 24.
    centre: f64,
    /// Centre minus 2.660 times the mean moving range.
    lower_limit: f64,
    /// Centre plus 2.660 times the mean moving range.
    upper_limit: f64,
    /// 3.267 times the mean moving range: the largest step by routine variation.
    #[schema(minimum = 0)]
    upper_range_limit: f64,
}

/// Where a process became another one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shift {
    /// What people call the first period of the new segment.
    #[schema(value_type = PeriodName)]
    period: String,
    /// The first day of that period.
    starts_on: Day,
    /// The centre before, in the KPI's unit.
    from: f64,
    /// The centre since, in the KPI's unit.
    to: f64,
    /// Whether that is for the better; null without a target, and where it is neither.
    is_good: Option<bool>,
}

/// A value and what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalPoint {
    /// What people call the period.
    #[schema(value_type = PeriodName)]
    period: String,
    /// The first day of the period.
    starts_on: Day,
    /// The value, in the KPI's unit.
    value: f64,
    /// The distance from the value before, in the KPI's unit; null for the first one of a segment.
    #[schema(minimum = 0)]
    moving_range: Option<f64>,
    /// The rules by which it is a signal; none where it is noise.
    #[schema(max_items = 3)]
    rules: Vec<Rule>,
    /// Whether a signal is for the better; null for noise, without a target, and where it is neither.
    is_good: Option<bool>,
}

/// How many points one answer shows.
const MOST_POINTS: usize = 5_000;

async fn show_signals(db: Db<Reads>, kpi: At<KpiRow>, query: Query<AsOf>) -> Answer<Json<KpiSignals>> {
    db.read(kpi.to(Action::View), query, |tx, kpi, as_of| {
        let view = as_of.view(tx)?.unwrap_or_default();
        let history = history(tx, &kpi, &view)?;
        Ok(Json::new(Chart::of(&history).show(&kpi)))
    })
    .await
}

/// Where a KPI is going, in a sentence made of the numbers.
pub fn reason(history: &History, kpi: &KpiRow) -> String {
    sentence::reason(&Chart::of(history), kpi)
}

/// The complete periods of a KPI, and what they say.
struct Chart {
    cadence: Cadence,
    periods: Vec<Period>,
    values: Vec<f64>,
    segments: Vec<Segment>,
    /// The band by which the KPI is judged.
    band: Option<Band>,
    judgement: Judgement,
}

impl Chart {
    fn of(history: &History) -> Self {
        let (periods, values): (Vec<Period>, Vec<f64>) = history.complete().into_iter().unzip();
        let segments = segments(&values);
        let band = history.state.target.map(|target| target.band);
        let judgement = judge_trend(&values, &segments, band.as_ref());
        Self { cadence: history.settings.cadence, periods, values, segments, band, judgement }
    }

    fn name(&self, period: &Period) -> String {
        period_name(self.cadence, period.starts_on)
    }

    fn is_good(&self, from: f64, to: f64) -> Option<bool> {
        self.band.as_ref().and_then(|band| change_is_good(from, to, band))
    }

    fn show(&self, kpi: &KpiRow) -> KpiSignals {
        let oldest = self.values.len().saturating_sub(MOST_POINTS);
        let first = self.segments.partition_point(|segment| segment.range.end <= oldest);
        let shown = self.segments.get(first..).unwrap_or_default();
        let Judgement { trend, because } = self.judgement;
        KpiSignals {
            trend,
            because,
            reason: sentence::reason(self, kpi),
            periods: self.values.len(),
            segments: shown.iter().filter_map(|segment| self.segment(segment)).collect(),
            shifts: shown.windows(2).filter_map(|pair| self.shift(pair)).collect(),
            points: self.points().skip(oldest).collect(),
        }
    }

    fn segment(&self, segment: &Segment) -> Option<SignalSegment> {
        let own = self.periods.get(segment.range.clone())?;
        let (first, last) = own.first().zip(own.last())?;
        Some(SignalSegment {
            starts_on: first.starts_on.into(),
            ends_on: last.ends_on.into(),
            periods: own.len(),
            centre: segment.limits.centre,
            lower_limit: segment.limits.lower,
            upper_limit: segment.limits.upper,
            upper_range_limit: segment.limits.upper_range,
        })
    }

    fn shift(&self, pair: &[Segment]) -> Option<Shift> {
        let [before, after] = pair else { return None };
        let first = self.periods.get(after.range.start)?;
        let (from, to) = (before.limits.centre, after.limits.centre);
        Some(Shift {
            period: self.name(first),
            starts_on: first.starts_on.into(),
            from,
            to,
            is_good: self.is_good(from, to),
        })
    }

    fn points(&self) -> impl Iterator<Item = SignalPoint> {
        // Without segments there is nothing to hold the values against.
        let loose = if self.segments.is_empty() { self.values.len() } else { 0 };
        let judged = self.segments.iter().flat_map(|segment| {
            let rules = segment.signals(&self.values).into_iter();
            rules.zip(segment.range.clone()).map(move |(rules, index)| (rules, Some(segment), index))
        });
        let loose = (0..loose).map(|index| (Vec::new(), None, index));
        judged.chain(loose).filter_map(|(rules, segment, index)| self.point(rules, segment, index))
    }

    fn point(&self, rules: Vec<Rule>, segment: Option<&Segment>, index: usize) -> Option<SignalPoint> {
        let (period, value) = (self.periods.get(index)?, *self.values.get(index)?);
        let start = segment.map_or(0, |segment| segment.range.start);
        let before = index.checked_sub(1).filter(|before| *before >= start);
        let against = segment.filter(|_| !rules.is_empty());
        Some(SignalPoint {
            period: self.name(period),
            starts_on: period.starts_on.into(),
            value,
            moving_range: before
                .and_then(|before| self.values.get(before))
                .map(|before| (value - before).abs())
                .filter(|range| range.is_finite()),
            is_good: against.and_then(|segment| self.is_good(segment.limits.centre, value)),
            rules,
        })
    }
}
