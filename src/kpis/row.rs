//! A KPI as it is stored, and how a path or a body names one.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped, Visibility};
use crate::http::{Problem, Result};
use crate::maths::formula::{self, Expression};
use crate::maths::word::words;
use crate::maths::{Aggregation, Cadence, KpiSettings, default_confirm_periods, grace_days};
use crate::store::id::looks_like_id;
use crate::store::schema::{kpi_aliases, kpis};
use crate::store::{
    IDS_PER_STATEMENT, Json, KpiId, MemberId, Moment, StoreError, TeamId, Tx, WorkspaceId, each_engine,
};

words! {
    /// What part of the organisation a KPI watches.
    pub enum Category {
        /// Winning customers.
        Acquisition = "acquisition",
        /// Keeping them active.
        Engagement = "engagement",
        /// Turning interest into customers.
        Conversion = "conversion",
        /// Keeping customers.
        Retention = "retention",
        /// What comes in.
        Revenue = "revenue",
        /// What goes out.
        Cost = "cost",
        /// How good it is.
        Quality = "quality",
        /// How fast and how reliably it arrives.
        Delivery = "delivery",
        /// How the people are.
        People = "people",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// Whether a KPI moves before what it stands for, or after.
    pub enum Indicator {
        /// It moves first: it can still be acted on.
        Leading = "leading",
        /// It moves last: it tells how things went.
        Lagging = "lagging",
    }
}

words! {
    /// How values are shown to people.
    pub enum DisplayStyle {
        /// As a plain number.
        Number = "number",
        /// As a percentage; 4.2 is 4.2 %.
        Percent = "percent",
        /// As an amount of money.
        Currency = "currency",
        /// As a stretch of time.
        Duration = "duration",
    }
}

words! {
    /// Why a KPI is known by another name.
    pub enum AliasKind {
        /// It was its key before.
        FormerKey = "former_key",
        /// Another system calls it so.
        Alias = "alias",
    }
}

crate::http::words::impl_wire_words!(Category, Indicator, DisplayStyle);
crate::store::types::impl_sql_words!(Category, Indicator, DisplayStyle, AliasKind);

/// A KPI as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = kpis, treat_none_as_null = true)]
pub struct KpiRow {
    pub id: KpiId,
    pub workspace_id: WorkspaceId,
    pub key: String,
    pub name: String,
    pub name_folded: String,
    pub definition: Option<String>,
    pub category: Category,
    pub cadence: Cadence,
    pub aggregation: Aggregation,
    pub indicator: Option<Indicator>,
    pub display_style: DisplayStyle,
    pub currency: Option<String>,
    pub display_precision: Option<i32>,
    pub unit: Option<String>,
    pub owner_id: Option<MemberId>,
    pub team_id: Option<TeamId>,
    pub decision: Option<String>,
    pub playbook_at_risk: Option<String>,
    pub playbook_unhealthy: Option<String>,
    pub visibility: Visibility,
    pub tags: Json,
    pub confirm_periods: Option<i32>,
    pub recover_periods: i32,
    pub grace_days: Option<i32>,
    pub expect_every: Option<String>,
    pub replaced_by: Option<KpiId>,
    pub active_remedies: i32,
    /// How many remedies have a draft as objective, so that nothing is done yet.
    pub planned_remedies: i32,
    /// How many remedies failed, as far as was told.
    pub failed_remedies: i32,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub archived_at: Option<Moment>,
    /// What it is computed from, with ids in the place of keys; `None` where it has points of its own.
    pub formula: Option<String>,
}

impl KpiRow {
    /// What the maths needs to know: the KPI's own settings, or the defaults of its cadence.
    pub fn settings(&self) -> KpiSettings {
        let or =
            |own: Option<i32>, default: u32| own.and_then(|own| u32::try_from(own).ok()).unwrap_or(default);
        KpiSettings {
            cadence: self.cadence,
            aggregation: self.aggregation,
            confirm_periods: or(self.confirm_periods, default_confirm_periods(self.cadence)),
            recover_periods: or(Some(self.recover_periods), 1),
            grace_days: or(self.grace_days, grace_days(self.cadence)),
            expect_every: self.expect_every.as_deref().and_then(|span| span.parse().ok()),
        }
    }

    /// What it is computed from; `None` where it has points of its own.
    pub fn computed_from(&self) -> Option<Expression<KpiId>> {
        let named = formula::read(self.formula.as_deref()?).ok()?;
        named.renamed(&mut |mention| mention.name.parse::<KpiId>()).ok()
    }

    /// Its tags.
    pub fn tags(&self) -> Vec<String> {
        let tags = self.tags.0.as_array().into_iter().flatten();
        tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    }

    /// The KPI with this id in a workspace.
    pub fn by_id(tx: &mut Tx, workspace: WorkspaceId, id: KpiId) -> Result<Option<Self>> {
        Ok(each_engine!(tx, connection => kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::id.eq(id))
            .first(connection)
            .optional())?)
    }

    /// The KPIs with these ids that are there.
    pub fn by_ids(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, Self>, StoreError> {
        let workspace = tx.workspace_id()?;
        let mut found = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<Self> = each_engine!(tx, connection => kpis::table
                .filter(kpis::workspace_id.eq(workspace))
                .filter(kpis::id.eq_any(ids))
                .load(connection))?;
            found.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(found)
    }

    /// The KPI that a body or a query names, where the caller may see it.
    pub fn seen(tx: &mut Scoped, name: &str) -> Result<Option<Self>> {
        let workspace = tx.here()?;
        Ok(Self::named(tx, workspace, name)?.filter(|found| tx.sees(&found.facts())))
    }

    /// The KPI that goes by an id, a key, or a former key or alias, whoever may see it.
    pub fn named(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<Option<Self>> {
        if looks_like_id(name) {
            return Self::by_id(tx, workspace, name.parse().map_err(invalid_id)?);
        }
        let by_key = each_engine!(tx, connection => kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::key.eq(name))
            .first(connection)
            .optional())?;
        if by_key.is_some() {
            return Ok(by_key);
        }
        let alias: Option<KpiId> = kpi_aliases::table
            .filter(kpi_aliases::workspace_id.eq(workspace))
            .filter(kpi_aliases::alias.eq(name))
            .select(kpi_aliases::kpi_id)
            .first(tx.db())
            .optional()?;
        match alias {
            Some(id) => Self::by_id(tx, workspace, id),
            None => Ok(None),
        }
    }
}

impl Resource for KpiRow {
    const PARAMETER: &'static str = "kpi";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        Self::named(tx, workspace, reference)?.ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::of(self.owner_id, self.team_id)
            .led_through(self.owner_id)
            .with_key(&self.key)
            .seen_by(self.visibility)
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}
