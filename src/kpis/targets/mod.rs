//! Targets: a KPI's healthy band from a date on, and the tolerance beyond which it is serious.
//!
//! Every period is judged by the target in force on its own last day, so that a change of today's
//! target never rewrites history. Nothing dated is lost: what is replaced stays, and says since when.

mod bounds;
mod set;
mod what_if;

use diesel::prelude::*;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

pub use bounds::{Bounds, NewBounds, judge_target, said};
pub use set::{Change, Set, dated, in_force_today, set};

use set::{present_period, touch};
use what_if::WhatIf;

use super::deeds::{self, Behind, OfAnotherKpi};
use super::derive::{self, TargetRow};
use super::row::KpiRow;
use crate::access::{Action, At, Db, FromSegment, Reads, Resource, Scoped, Segment, Writes};
use crate::http::answer::Answer;
use crate::http::body::{Mode, Rules};
use crate::http::page::page_type;
use crate::http::query::Rehearsable;
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, NoContent, Note, Nothing, Page, Problem, Put, Query,
    Refuses, Result, Routes, routes,
};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::targets;
use crate::store::{Act, Day, DecisionId, Moment, TargetId};

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
            /// With `dry_run=true` the answer says in `what_if` how past periods would have been judged by it.
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
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// Whether it began in the past when it was set, so that it judged anew what had been judged.
    backdated: bool,
    /// When it was set.
    recorded_at: Moment,
    /// When it was replaced or taken away; null while it stands.
    replaced_at: Option<Moment>,
    /// With `dry_run=true`: how past periods would have been judged, had this target held all along; else null.
    what_if: Option<WhatIf>,
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
    /// The decision that this comes from, one of this KPI. Without one a decision is recorded with it.
    #[serde(default)]
    decision_id: Option<DecisionId>,
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
        Ok(Page::show(&paging, paged, Target::from))
    })
    .await
}

async fn create_target(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    rehearsal: Rehearsable,
    body: Body<NewTarget>,
) -> Answer<Put<Target>> {
    db.write(kpi.to(Action::Edit), (rehearsal, body), |tx, kpi, (rehearsal, body)| {
        deeds::must_be_of(tx, kpi, body.decision_id, "/decision_id")?;
        let before = deeds::before(tx, kpi)?;
        let change = Change {
            from: body.effective_from,
            target: said(body.target, body.tolerance),
            note: body.note.clone().map(String::from),
        };
        let what_if = match rehearsal.mode() {
            Mode::ForReal => None,
            Mode::Rehearsal => Some(WhatIf::of(tx, kpi, change.target)?),
        };
        let shown = |row: TargetRow| Target { what_if, ..Target::from(row) };
        match set(tx, kpi, change)? {
            Set::There(row) => Ok(Put::There(Json::versioned(shown(row), kpi.version))),
            Set::New(row) => {
                let version = touch(tx, kpi)?;
                let since = row.since(tx)?;
                derive::recompute(tx, kpi, since)?;
                deeds::did(tx, kpi.id, Act::SetTarget(row.id), before, body.decision_id);
                let path = format!(
                    "/v1/workspaces/{}/kpis/{}/targets/{}",
                    kpi.workspace_id,
                    kpi.id,
                    row.effective_from().map_or("beginning".to_owned(), |day| day.to_string()),
                );
                Ok(Put::New(Created::at(path, shown(row), version)))
            }
        }
    })
    .await
}

async fn show_target(db: Db<Reads>, kpi: At<KpiRow>, begins: Segment<Beginning>) -> Answer<Json<Target>> {
    db.read((kpi.to(Action::View), begins), Nothing, |tx, (kpi, begins), ()| {
        let row = TargetRow::standing_at(tx, &kpi, begins.0)?.ok_or_else(Problem::not_found)?;
        Ok(Json::versioned(row.into(), kpi.version))
    })
    .await
}

async fn delete_target(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    begins: Segment<Beginning>,
    behind: Query<Behind>,
    _: Refuses<OfAnotherKpi>,
) -> Answer<NoContent> {
    db.write((kpi.to(Action::Edit), begins), behind, |tx, (kpi, begins), behind| {
        let decision = behind.found(tx, kpi)?;
        let before = deeds::before(tx, kpi)?;
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
        deeds::did(tx, kpi.id, Act::EndedTarget(row.id), before, decision);
        Ok(NoContent)
    })
    .await
}

impl From<TargetRow> for Target {
    fn from(row: TargetRow) -> Self {
        let judging = row.dated().target;
        Self {
            id: row.id,
            effective_from: row.effective_from(),
            target: judging.and_then(|judging| Bounds::unless_open(judging.band)),
            tolerance: judging.and_then(|judging| Bounds::unless_open(judging.tolerance)),
            note: row.note,
            backdated: row.backdated,
            recorded_at: row.recorded_at,
            replaced_at: row.replaced_at,
            what_if: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

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
}
