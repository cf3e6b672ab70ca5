//! Where the KPIs of triage stood on an earlier day, and which of them have left it since.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Placed;
use super::group::TriageGroup;
use crate::http::Name;
use crate::kpis::kpis::KpiKey;
use crate::maths::Health;
use crate::store::KpiId;

/// Where a KPI stood on an earlier day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct TriageBefore {
    /// Its group.
    pub group: TriageGroup,
    /// How it was doing.
    pub health: Health,
    /// The value that was current, in the KPI's unit; null without one.
    #[schema(example = 4.6)]
    pub value: Option<f64>,
    /// How bad its gap was.
    #[schema(minimum = 0, example = 1.5)]
    pub severity: Option<f64>,
}

/// A KPI that needed a person on an earlier day, and needs nobody now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TriageLeft {
    /// The KPI's id.
    pub id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// Where it stood.
    pub before: TriageBefore,
    /// How it is doing; null where it went into the archive.
    pub health: Option<Health>,
    /// The current value, in the KPI's unit; null without one.
    #[schema(example = 3.9)]
    pub value: Option<f64>,
}

impl Placed {
    /// Where it stands, as a later day remembers it.
    fn remembered(&self) -> TriageBefore {
        let value = self.kpi.current.as_ref().and_then(|current| current.value);
        TriageBefore { group: self.group, health: self.kpi.health, value, severity: self.severity }
    }
}

/// Puts beside each KPI where it stood, and answers those that have left, by key.
pub fn compare(placed: &mut [Placed], before: Vec<Placed>) -> Vec<TriageLeft> {
    let needs_somebody = |group: TriageGroup| group != TriageGroup::Healthy;
    let stood: HashMap<KpiId, TriageBefore> =
        before.iter().map(|then| (then.kpi.id, then.remembered())).collect();
    for now in placed.iter_mut() {
        now.before = stood.get(&now.kpi.id).copied();
    }
    let stands: HashMap<KpiId, &Placed> = placed.iter().map(|now| (now.kpi.id, now)).collect();
    let left = before.into_iter().filter_map(|then| {
        let remembered = then.remembered();
        let now = stands.get(&then.kpi.id);
        let has_left = now.is_none_or(|now| !needs_somebody(now.group));
        (needs_somebody(remembered.group) && has_left).then(|| TriageLeft {
            id: then.kpi.id,
            health: now.map(|now| now.kpi.health),
            value: now.and_then(|now| now.remembered().value),
            key: then.kpi.key,
            name: then.kpi.name,
            before: remembered,
        })
    });
    left.collect()
}
