//! The KPIs that a batch names, found in few statements.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use crate::access::{Resource, Scoped};
use crate::http::Result;
use crate::kpis::row::KpiRow;
use crate::store::KpiId;
use crate::store::id::looks_like_id;
use crate::store::schema::{kpi_aliases, kpis};

/// What a name turned out to be.
#[derive(Clone, Debug)]
pub enum Named {
    /// The KPI of that id, key, former key or alias.
    Known(KpiId),
    /// The id of another kind of thing, or none at all; why.
    InvalidId(String),
}

/// The KPIs of a workspace that some names name.
#[derive(Debug, Default)]
pub struct Names {
    /// What each name is; one that names nothing here is missing.
    pub named: HashMap<String, Named>,
    /// The KPIs themselves.
    pub kpis: HashMap<KpiId, Arc<KpiRow>>,
}

/// How many names stand in one statement.
const NAMES_PER_STATEMENT: usize = 5_000;

/// Looks up names: ids, keys, former keys and aliases.
pub fn resolve<'n>(tx: &mut Scoped, names: impl Iterator<Item = &'n str>) -> Result<Names> {
    let workspace = tx.here()?;
    let mut found = Names::default();
    let (mut ids, mut words): (Vec<KpiId>, Vec<&str>) = (Vec::new(), Vec::new());
    for name in names {
        match looks_like_id(name).then(|| name.parse::<KpiId>()) {
            None => words.push(name),
            Some(Ok(id)) => ids.push(id),
            Some(Err(error)) => {
                found.named.insert(name.to_owned(), Named::InvalidId(error.to_string()));
            }
        }
    }
    words.sort_unstable();
    words.dedup();
    for words in words.chunks(NAMES_PER_STATEMENT) {
        let aliases: Vec<(String, KpiId)> = kpi_aliases::table
            .filter(kpi_aliases::workspace_id.eq(workspace))
            .filter(kpi_aliases::alias.eq_any(words))
            .select((kpi_aliases::alias, kpi_aliases::kpi_id))
            .load(tx.db())?;
        ids.extend(aliases.iter().map(|(_, id)| *id));
        found.named.extend(aliases.into_iter().map(|(alias, id)| (alias, Named::Known(id))));
        let rows: Vec<KpiRow> = kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::key.eq_any(words))
            .load(tx.db())?;
        // A key is a KPI's present name, so it goes before another one's former.
        found.named.extend(rows.iter().map(|row| (row.key.clone(), Named::Known(row.id))));
        found.kpis.extend(rows.into_iter().map(|row| (row.id, Arc::new(row))));
    }
    ids.retain(|id| !found.kpis.contains_key(id));
    ids.sort_unstable();
    ids.dedup();
    for ids in ids.chunks(NAMES_PER_STATEMENT) {
        let rows: Vec<KpiRow> = kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::id.eq_any(ids))
            .load(tx.db())?;
        found.kpis.extend(rows.into_iter().map(|row| (row.id, Arc::new(row))));
    }
    found.kpis.retain(|_, row| tx.sees(&row.facts()));
    Ok(found)
}

impl Names {
    /// The KPI that a name names; an id names itself.
    pub fn kpi(&self, name: &str) -> Option<&Arc<KpiRow>> {
        match self.named.get(name) {
            Some(Named::Known(id)) => self.kpis.get(id),
            Some(Named::InvalidId(_)) => None,
            None => self.kpis.get(&name.parse().ok()?),
        }
    }
}
