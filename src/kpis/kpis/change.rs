//! Making a KPI and changing it: what a body says is found, checked and written, and what follows is brought up
//! to date.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::fields::{KpiInput, NewKpi};
use super::formula;
use super::keys::{self, Wanted};
use super::segment::{self, SegmentOf};
use crate::access::{Action, Granted, Resource, Scoped, Visibility};
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::kpis::deeds;
use crate::kpis::derive::{self, Since};
use crate::kpis::row::KpiRow;
use crate::kpis::targets::{self, Change, Set};
use crate::maths::Target;
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::kpis;
use crate::store::{Act, DecisionId, Json, KpiId, MemberId, StoreError, TeamId, Tx};

/// Makes a KPI with the given key, or one from its name.
pub fn create(tx: &mut Scoped, fields: &NewKpi, key: Option<&str>) -> Result<KpiRow> {
    let workspace_id = tx.here()?;
    let key = match key.or(fields.key.as_ref().map(|key| key.as_str())) {
        Some(key) => key.to_owned(),
        None => keys::unused(tx, keys::suggested(fields.name.as_str()))?,
    };
    let caller = tx.member();
    let blank = KpiRow {
        id: KpiId::generate(tx.now.timestamp()),
        workspace_id,
        key,
        name: String::new(),
        name_folded: String::new(),
        definition: None,
        category: fields.category,
        cadence: fields.cadence,
        aggregation: fields.aggregation,
        indicator: None,
        display_style: fields.display.style,
        currency: None,
        display_precision: None,
        unit: None,
        owner_id: caller,
        team_id: None,
        decision: None,
        playbook_at_risk: None,
        playbook_unhealthy: None,
        visibility: Visibility::Workspace,
        tags: Json(Value::Array(Vec::new())),
        confirm_periods: None,
        recover_periods: fields.recover_periods,
        grace_days: None,
        expect_every: None,
        replaced_by: None,
        active_remedies: 0,
        planned_remedies: 0,
        failed_remedies: 0,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        archived_at: None,
        formula: None,
    };
    let row = said(tx, &blank, fields)?;
    tx.require(Action::Create, &row.facts().seen_by(Visibility::Workspace))?;
    let aliases = wanted_aliases(fields);
    require_names(tx, None, &row.key, fields)?;
    diesel::insert_into(kpis::table).values(&row).execute(tx.db())?;
    keys::rewrite(tx, &row, None, &aliases)?;
    if let Some(formula) = row.computed_from() {
        formula::must_fit(tx, &row, &formula)?;
        formula::rewrite(tx, &row)?;
    }
    let segment = segment::resolve(tx, &row, fields, None)?;
    if let Some(segment) = &segment {
        segment::must_fit(tx, &row, segment)?;
        segment::rewrite(tx, &row, Some(segment))?;
    }
    let names: Vec<String> = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    let told = Value::Object(as_map(&NewKpi::of(&row, &names, segment.as_ref(), None)));
    tx.tell(EventType::KpiCreated, Subject::new("kpi", row.id, &row.name), told);
    if let Some(target) = targets::said(fields.target, fields.tolerance) {
        targets::set(tx, &row, Change { from: None, target: Some(target), note: None })?;
    }
    derive::recompute(tx, &row, Since::Beginning)?;
    Ok(row)
}

/// The fields whose change recomputes a KPI's whole history.
const RECOMPUTED: [&str; 7] =
    ["cadence", "aggregation", "confirm_periods", "recover_periods", "grace_days", "expect_every", "formula"];

/// What is there of a KPI before it is changed.
pub struct Present {
    /// Its names in other systems.
    pub aliases: Vec<String>,
    /// What it is a part of.
    pub segment: Option<SegmentOf>,
    /// The target in force today.
    pub target: Option<Target>,
}

impl Present {
    /// Of a KPI.
    pub fn of(tx: &mut Tx, row: &KpiRow) -> Result<Self, StoreError> {
        Ok(Self {
            aliases: keys::aliases(tx, &[row.id])?.remove(&row.id).unwrap_or_default(),
            segment: segment::of(tx, &[row.id])?.remove(&row.id),
            target: targets::in_force_today(tx, row.id)?,
        })
    }
}

/// Brings a KPI to what the fields say; the row as it is then.
pub fn update(tx: &mut Scoped, kpi: &Granted<KpiRow>, present: &Present, fields: &NewKpi) -> Result<KpiRow> {
    let mut row = said(tx, kpi, fields)?;
    if let Some(key) = &fields.key {
        row.key = key.as_str().to_owned();
    }
    // A token that is narrowed to some keys or teams takes nothing out of its reach.
    tx.require(Action::Create, &row.facts().seen_by(Visibility::Workspace))?;
    let aliases = wanted_aliases(fields);
    let names: Vec<String> = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    let segment = segment::resolve(tx, &row, fields, present.segment.as_ref())?;
    let before = as_map(&NewKpi::of(kpi, &present.aliases, present.segment.as_ref(), None));
    let after = as_map(&NewKpi::of(&row, &names, segment.as_ref(), None));
    let changed: Map<String, Value> =
        after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect();
    let target = targets::said(fields.target, fields.tolerance);
    if changed.is_empty() && target == present.target {
        return Ok(row);
    }
    require_names(tx, Some(kpi.id), &row.key, fields)?;
    if row.cadence != kpi.cadence {
        formula::may_change_cadence(tx, kpi.id)?;
        segment::may_change_cadence(tx, kpi.id)?;
    }
    if row.formula != kpi.formula
        && let Some(formula) = row.computed_from()
    {
        formula::must_fit(tx, &row, &formula)?;
    }
    if segment != present.segment
        && let Some(segment) = &segment
    {
        segment::must_fit(tx, &row, segment)?;
    }
    row.version = kpi.version + 1;
    row.updated_at = tx.now;
    write(tx, &row)?;
    if segment != present.segment {
        segment::rewrite(tx, &row, segment.as_ref())?;
    }
    if row.formula != kpi.formula {
        formula::rewrite(tx, &row)?;
    }
    let mut since = None;
    if !changed.is_empty() {
        if row.key != kpi.key || names != present.aliases {
            let former = (row.key != kpi.key).then_some(kpi.key.as_str());
            keys::rewrite(tx, &row, former, &aliases)?;
        }
        if RECOMPUTED.iter().any(|name| changed.contains_key(*name)) {
            since = Some(Since::Beginning);
        }
        // Who sees it decides which remedies and inputs count.
        if row.facts().viewers != kpi.facts().viewers {
            since = Some(Since::Beginning);
        }
        tx.tell(EventType::KpiUpdated, Subject::new("kpi", row.id, &row.name), Value::Object(changed));
    }
    if target != present.target {
        let before = deeds::before(tx, kpi)?;
        let set = targets::set(tx, &row, Change { from: None, target, note: None })?;
        if let Set::New(target) = &set {
            deeds::did(tx, kpi.id, Act::SetTarget(target.id), before, None);
        }
        since = match since {
            Some(since) => Some(since),
            None => set.since(tx)?,
        };
    }
    if let Some(since) = since {
        derive::recompute(tx, &row, since)?;
    }
    Ok(row)
}

/// Archives a KPI, or takes it back into use.
pub fn set_archived(tx: &mut Scoped, kpi: &Granted<KpiRow>, archived: Archived) -> Result<KpiRow> {
    let (archived_at, event) = match archived {
        Archived::Yes { .. } => (Some(tx.now), EventType::KpiArchived),
        Archived::No => (None, EventType::KpiRestored),
    };
    let mut row = KpiRow::clone(kpi);
    if row.archived_at.is_some() == archived_at.is_some() {
        return Ok(row);
    }
    row.archived_at = archived_at;
    row.version += 1;
    row.updated_at = tx.now;
    write(tx, &row)?;
    let told = serde_json::json!({ "archived_at": archived_at });
    tx.tell(event, Subject::new("kpi", row.id, &row.name), told);
    if let Archived::Yes { decision } = archived {
        let before = deeds::before(tx, kpi)?;
        deeds::did(tx, kpi.id, Act::Archived, before, decision);
    }
    Ok(row)
}

/// Whether a KPI is to be in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archived {
    /// It is, because of a decision that was named, or else is recorded with it.
    Yes {
        /// The decision.
        decision: Option<DecisionId>,
    },
    /// It is in use.
    No,
}

fn write(tx: &mut Tx, row: &KpiRow) -> Result<(), StoreError> {
    diesel::update(kpis::table.filter(kpis::workspace_id.eq(row.workspace_id)).filter(kpis::id.eq(row.id)))
        .set(row)
        .execute(tx.db())?;
    Ok(())
}

/// The row with all that the fields say, except its key; what they name is found here.
fn said(tx: &mut Scoped, row: &KpiRow, fields: &NewKpi) -> Result<KpiRow> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let name = fields.name.as_str().to_owned();
    let formula = match &fields.formula {
        None => None,
        Some(text) => {
            Some(formula::resolve(tx, text, fields.cadence, row.computed_from().as_ref())?.to_string())
        }
    };
    let said = KpiRow {
        formula,
        owner_id: owner(tx, row.owner_id, fields.owner_id.as_ref())?,
        team_id: team(tx, row.team_id, fields.team_id.as_ref())?,
        replaced_by: replacement(tx, row, fields.replaced_by.as_ref())?,
        name_folded: folded(&name),
        name,
        definition: text(fields.definition.as_ref().map(|text| text.as_str())),
        category: fields.category,
        cadence: fields.cadence,
        aggregation: fields.aggregation,
        indicator: fields.indicator,
        display_style: fields.display.style,
        currency: text(fields.display.currency.as_ref().map(|text| text.as_str())),
        display_precision: fields.display.precision,
        unit: text(fields.display.unit.as_ref().map(|text| text.as_str())),
        decision: text(fields.decision.as_ref().map(|text| text.as_str())),
        playbook_at_risk: text(fields.playbook.at_risk.as_ref().map(|text| text.as_str())),
        playbook_unhealthy: text(fields.playbook.unhealthy.as_ref().map(|text| text.as_str())),
        visibility: fields.visibility,
        tags: Json(fields.tags.iter().map(|tag| Value::from(tag.as_str())).collect()),
        confirm_periods: fields.confirm_periods,
        recover_periods: fields.recover_periods,
        grace_days: fields.grace_days,
        expect_every: text(fields.expect_every.as_ref().map(|text| text.as_str())),
        ..row.clone()
    };
    said.facts().viewers.must_be_somebody()?;
    Ok(said)
}

/// A stored owner may have left since, and stays until another one is named.
fn owner(
    tx: &mut Scoped,
    present: Option<MemberId>,
    said: Option<&Option<MemberInput>>,
) -> Result<Option<MemberId>> {
    match said {
        None => Ok(present),
        Some(None) => Ok(None),
        Some(Some(input)) if present.map(MemberInput::from).as_ref() == Some(input) => Ok(present),
        Some(Some(input)) => Ok(Some(members::resolve(tx, "/owner_id", input)?.id)),
    }
}

/// A stored team may have been archived since, and stays until another one is named.
fn team(tx: &mut Scoped, present: Option<TeamId>, said: Option<&TeamInput>) -> Result<Option<TeamId>> {
    match said {
        None => Ok(None),
        Some(input) if present.map(TeamInput::from).as_ref() == Some(input) => Ok(present),
        Some(input) => Ok(Some(teams::resolve(tx, "/team_id", input)?.id)),
    }
}

fn replacement(tx: &mut Scoped, row: &KpiRow, said: Option<&KpiInput>) -> Result<Option<KpiId>> {
    let Some(input) = said else { return Ok(None) };
    let named = match KpiRow::seen(tx, input.as_str()) {
        // An id of another kind of thing names no KPI.
        Err(problem) if problem.code == Code::InvalidId => None,
        named => named?,
    };
    let named = named.ok_or_else(|| Problem::not_found_at("/replaced_by"))?;
    if named.id == row.id {
        return Err(Problem::field("/replaced_by", "itself", "a KPI cannot take its own place"));
    }
    Ok(Some(named.id))
}

fn wanted_aliases(fields: &NewKpi) -> BTreeSet<&str> {
    fields.aliases.iter().map(|alias| alias.as_str()).collect()
}

/// Refuses a key or an alias that some KPI goes by already, and an alias that is the key.
fn require_names(tx: &mut Scoped, own: Option<KpiId>, key: &str, fields: &NewKpi) -> Result<()> {
    let mut wanted = vec![Wanted { pointer: "/key".into(), name: key }];
    for (index, alias) in fields.aliases.iter().enumerate() {
        let pointer = format!("/aliases/{index}");
        if alias.as_str() == key {
            let detail = format!("`{key}` is the key of this very KPI");
            return Err(Problem::new(Code::AlreadyExists, detail.clone()).with(
                pointer,
                "already_exists",
                detail,
            ));
        }
        wanted.push(Wanted { pointer, name: alias.as_str() });
    }
    keys::require_free(tx, own, &wanted)
}

/// The fields by name, without the target: that is a dated thing of its own.
fn as_map(fields: &NewKpi) -> Map<String, Value> {
    let mut map = match serde_json::to_value(fields) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    };
    map.remove("target");
    map.remove("tolerance");
    map
}
