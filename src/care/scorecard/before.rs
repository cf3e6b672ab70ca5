//! How the rows of a scorecard were on an earlier day, and which of them have left it since.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Scorecard, ScorecardRow};
use crate::http::Name;
use crate::kpis::kpis::KpiKey;
use crate::maths::{Health, Trend};
use crate::store::KpiId;

/// How a KPI was on an earlier day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScorecardThen {
    /// How it was doing.
    pub health: Health,
    /// The value that was current, in the periods in which it is shown; null without one.
    #[schema(example = 4.6)]
    pub value: Option<f64>,
    /// Where its complete periods were going.
    pub trend: Option<Trend>,
}

/// A KPI that stood on the scorecard on an earlier day and does not now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScorecardLeft {
    /// The KPI's id.
    pub id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// How it was.
    pub then: ScorecardThen,
}

impl ScorecardRow {
    /// As a later day remembers it.
    fn remembered(&self) -> ScorecardThen {
        let value = self.current.as_ref().and_then(|current| current.value);
        ScorecardThen { health: self.health, value, trend: self.trend }
    }
}

impl Scorecard {
    /// Puts beside each row how it was, and lists the rows that have left.
    pub fn compare(&mut self, before: Self) {
        self.compared_to = Some(before.as_of);
        let here: HashSet<KpiId> = self.rows.iter().map(|row| row.id).collect();
        let was: HashMap<KpiId, ScorecardThen> =
            before.rows.iter().map(|row| (row.id, row.remembered())).collect();
        for row in &mut self.rows {
            row.then = was.get(&row.id).copied();
        }
        let left = before.rows.into_iter().filter(|row| !here.contains(&row.id)).map(|row| ScorecardLeft {
            then: row.remembered(),
            id: row.id,
            key: row.key,
            name: row.name,
        });
        self.left = left.collect();
    }
}
