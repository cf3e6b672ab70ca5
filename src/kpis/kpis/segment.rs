//! Segments: a KPI may be a part of another one, by a dimension such as channel or region.
//!
//! Whole and part have one cadence. The links form no loops, and parts of parts go only so far down.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{KpiInput, NewKpi};
use super::formula::named;
use crate::access::Scoped;
use crate::http::text::texts;
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::links::Links;
use crate::store::schema::kpi_segments;
use crate::store::{KpiId, StoreError, Tx};

texts! {
    /// By what a KPI is divided into segments, such as `channel` or `region`: `[a-z0-9]` with single `-` or `_` between.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "region")]
    Dimension;
}

/// The field that names the whole.
const WHOLE: &str = "/segment_of_id";
/// How many KPIs are segments of one at the most.
pub const MOST_SEGMENTS: usize = 500;
/// How many levels of segments there are at the most.
const LEVELS: usize = 5;

/// What a KPI is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentOf {
    /// The whole.
    pub whole: KpiId,
    /// By what the whole is divided.
    pub dimension: String,
}

/// A whole and its dimension go together.
pub fn judge(fields: &NewKpi, errors: &mut FieldErrors) {
    match (&fields.segment_of_id, &fields.segment_dimension) {
        (Some(_), None) => {
            errors.add("/segment_dimension", "required", "a segment says by what its whole is divided");
        }
        (None, Some(_)) => errors.add(WHOLE, "required", "a dimension needs the KPI that is divided by it"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// What some KPIs are parts of.
pub fn of(tx: &mut Tx, kpis: &[KpiId]) -> Result<HashMap<KpiId, SegmentOf>, StoreError> {
    let workspace = tx.workspace_id()?;
    let rows: Vec<(KpiId, KpiId, String)> = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(workspace))
        .filter(kpi_segments::kpi_id.eq_any(kpis))
        .select((kpi_segments::kpi_id, kpi_segments::whole_id, kpi_segments::dimension))
        .load(tx.db())?;
    Ok(rows.into_iter().map(|(id, whole, dimension)| (id, SegmentOf { whole, dimension })).collect())
}

/// What a KPI is to be a part of; a stored whole may have become private since, and stays until another is named.
pub fn resolve(
    tx: &mut Scoped,
    kpi: &KpiRow,
    fields: &NewKpi,
    present: Option<&SegmentOf>,
) -> Result<Option<SegmentOf>> {
    let Some((input, dimension)) = fields.segment_of_id.as_ref().zip(fields.segment_dimension.as_ref())
    else {
        return Ok(None);
    };
    let kept = present.filter(|present| input.as_str() == present.whole.to_string());
    let whole = match kept {
        Some(present) => KpiRow::by_ids(tx, &[present.whole])?.remove(&present.whole),
        None => seen(tx, input)?,
    };
    let whole = whole.ok_or_else(|| Problem::not_found_at(WHOLE))?;
    if whole.id == kpi.id {
        return Err(Problem::field(WHOLE, "itself", "a KPI is no segment of itself"));
    }
    if whole.cadence != fields.cadence {
        let detail = format!("it is measured {}, and this KPI {}", whole.cadence, fields.cadence);
        return Err(Problem::field(WHOLE, "other_cadence", detail));
    }
    Ok(Some(SegmentOf { whole: whole.id, dimension: dimension.as_str().to_owned() }))
}

/// The KPI that a body names; the id of another kind of thing names none.
fn seen(tx: &mut Scoped, input: &KpiInput) -> Result<Option<KpiRow>> {
    match KpiRow::seen(tx, input.as_str()) {
        Err(problem) if problem.code == Code::InvalidId => Ok(None),
        found => found,
    }
}

/// Refuses a whole that is a part of the KPI itself, that stands too deep, or that has as many parts as it may.
pub fn must_fit(tx: &mut Scoped, kpi: &KpiRow, segment: &SegmentOf) -> Result<()> {
    let workspace = tx.here()?;
    let links: Vec<(KpiId, KpiId)> = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(workspace))
        .filter(kpi_segments::kpi_id.ne(kpi.id))
        .select((kpi_segments::kpi_id, kpi_segments::whole_id))
        .load(tx.db())?;
    let up = Links::new(links.iter().copied());
    if let Some(way) = up.way(segment.whole, kpi.id) {
        let line: Vec<KpiId> = std::iter::once(kpi.id).chain(way).collect();
        let detail = format!("the segments would form a loop: {}", named(tx, &line, " is a segment of ")?);
        let refusal = Problem::new(Code::SegmentLoop, detail);
        return Err(refusal.with(WHOLE, "segment_loop", "it is a segment of this very KPI"));
    }
    let down = Links::new(links.iter().map(|(part, whole)| (*whole, *part)));
    let longest = |links: &Links<KpiId>, from: KpiId| links.longest_line(from).unwrap_or_default();
    if longest(&up, segment.whole) + 1 + longest(&down, kpi.id) > LEVELS {
        let detail = format!("segments of segments go {LEVELS} levels down at the most");
        return Err(Problem::new(Code::LimitReached, detail.clone()).with(WHOLE, "too_deep", detail));
    }
    if down.from(segment.whole).count() >= MOST_SEGMENTS {
        let detail = format!("a KPI has at most {MOST_SEGMENTS} segments");
        return Err(Problem::new(Code::LimitReached, detail.clone()).with(WHOLE, "limit_reached", detail));
    }
    Ok(())
}

/// Refuses another cadence while the KPI has segments.
pub fn may_change_cadence(tx: &mut Tx, kpi: KpiId) -> Result<()> {
    let workspace = tx.workspace_id()?;
    let parts: i64 = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(workspace))
        .filter(kpi_segments::whole_id.eq(kpi))
        .count()
        .get_result(tx.db())?;
    if parts == 0 {
        return Ok(());
    }
    let detail = "its segments have the same cadence as the whole";
    Err(Problem::new(Code::Conflict, detail).with("/cadence", "has_segments", detail))
}

/// Stores what a KPI is a part of.
pub fn rewrite(tx: &mut Tx, kpi: &KpiRow, segment: Option<&SegmentOf>) -> Result<(), StoreError> {
    let own = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(kpi.workspace_id))
        .filter(kpi_segments::kpi_id.eq(kpi.id));
    diesel::delete(own).execute(tx.db())?;
    if let Some(SegmentOf { whole, dimension }) = segment {
        diesel::insert_into(kpi_segments::table)
            .values((
                kpi_segments::workspace_id.eq(kpi.workspace_id),
                kpi_segments::kpi_id.eq(kpi.id),
                kpi_segments::whole_id.eq(whole),
                kpi_segments::dimension.eq(dimension),
            ))
            .execute(tx.db())?;
    }
    Ok(())
}
