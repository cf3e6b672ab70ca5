//! Counting for the overview: everything counts once in the whole, and once in its group.

use serde::Serialize;
use utoipa::ToSchema;

use crate::care::triage::TriageGroup;
use crate::maths::{Confidence, ConfidenceCounts, Health, Pace, net_confidence};
use crate::okrs::progress::PaceTally;

/// What is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A KPI.
    Kpi {
        /// Its health.
        health: Health,
        /// Where triage puts it.
        group: TriageGroup,
    },
    /// An active objective.
    Objective {
        /// What the numbers say.
        pace: Pace,
        /// The worst that people said last of its key results.
        worst: Option<Confidence>,
        /// Its key results.
        key_results: Vec<KeyResultFacts>,
    },
    /// A KPI or an active objective that fewer people may see than the overview.
    Private,
}

/// What is counted of a key result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyResultFacts {
    /// What people said last.
    pub confidence: Option<Confidence>,
    /// Whether a check-in is overdue.
    pub is_overdue: bool,
}

/// The numbers of the whole, or of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct OverviewNumbers {
    /// KPIs in use.
    pub kpis: OverviewKpis,
    /// Active objectives.
    pub objectives: OverviewObjectives,
    /// Key results of these objectives.
    pub key_results: OverviewKeyResults,
    /// How many KPIs and active objectives were left out because fewer people may see them.
    #[schema(minimum = 0)]
    pub private_items: u32,
}

/// How KPIs are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OverviewKpis {
    /// All of them.
    #[schema(minimum = 0)]
    pub total: u32,
    /// By health.
    pub health: HealthTally,
    /// By their group in triage.
    pub triage: TriageTally,
}

/// How many KPIs are of each health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthTally {
    /// Within the target.
    #[schema(minimum = 0)]
    pub healthy: u32,
    /// Outside the target, but within the tolerance.
    #[schema(minimum = 0)]
    pub at_risk: u32,
    /// Beyond the tolerance, or outside a target that has none.
    #[schema(minimum = 0)]
    pub unhealthy: u32,
    /// Nobody can tell.
    #[schema(minimum = 0)]
    pub unknown: u32,
}

/// How many KPIs stand in each group of triage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TriageTally {
    /// Unhealthy, and nothing treats them.
    #[schema(minimum = 0)]
    pub untreated: u32,
    /// Unhealthy, nothing treats them, and a remedy failed.
    #[schema(minimum = 0)]
    pub failed: u32,
    /// Unhealthy, and in treatment.
    #[schema(minimum = 0)]
    pub in_treatment: u32,
    /// At risk.
    #[schema(minimum = 0)]
    pub at_risk: u32,
    /// Healthy, but slipping.
    #[schema(minimum = 0)]
    pub slipping: u32,
    /// Nobody can tell.
    #[schema(minimum = 0)]
    pub unknown: u32,
    /// Healthy, and recovered lately.
    #[schema(minimum = 0)]
    pub recovered: u32,
    /// Healthy besides.
    #[schema(minimum = 0)]
    pub healthy: u32,
}

/// How active objectives are going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OverviewObjectives {
    /// All of them.
    #[schema(minimum = 0)]
    pub total: u32,
    /// By what the numbers say.
    pub pace: PaceTally,
    /// By the worst that people said last of their key results.
    pub confidence: ConfidenceSpread,
}

/// How many things are of each confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConfidenceSpread {
    /// On track.
    #[schema(minimum = 0)]
    pub on_track: u32,
    /// At risk.
    #[schema(minimum = 0)]
    pub at_risk: u32,
    /// Off track.
    #[schema(minimum = 0)]
    pub off_track: u32,
    /// Never checked in.
    #[schema(minimum = 0)]
    pub never: u32,
}

/// What people say of the key results of active objectives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct OverviewKeyResults {
    /// All of them.
    #[schema(minimum = 0)]
    pub total: u32,
    /// By what people said last.
    pub confidence: ConfidenceSpread,
    /// The share on track minus the share off track among those that have a confidence: 1 is all on track, -1 all off
    /// track. Null where none has.
    #[schema(minimum = -1, maximum = 1, example = 0.25)]
    pub net_confidence: Option<f64>,
    /// How many have an overdue check-in.
    #[schema(minimum = 0)]
    pub overdue: u32,
}

impl OverviewNumbers {
    /// Counts one more.
    pub fn add(&mut self, item: &Item) {
        match item {
            Item::Kpi { health, group } => self.kpis.add(*health, *group),
            Item::Objective { pace, worst, key_results } => {
                self.objectives.add(*pace, *worst);
                key_results.iter().for_each(|facts| self.key_results.add(*facts));
            }
            Item::Private => self.private_items += 1,
        }
    }
}

impl OverviewKpis {
    fn add(&mut self, health: Health, group: TriageGroup) {
        self.total += 1;
        let count = match health {
            Health::Healthy => &mut self.health.healthy,
            Health::AtRisk => &mut self.health.at_risk,
            Health::Unhealthy => &mut self.health.unhealthy,
            Health::Unknown => &mut self.health.unknown,
        };
        *count += 1;
        let count = match group {
            TriageGroup::Untreated => &mut self.triage.untreated,
            TriageGroup::Failed => &mut self.triage.failed,
            TriageGroup::InTreatment => &mut self.triage.in_treatment,
            TriageGroup::AtRisk => &mut self.triage.at_risk,
            TriageGroup::Slipping => &mut self.triage.slipping,
            TriageGroup::Unknown => &mut self.triage.unknown,
            TriageGroup::Recovered => &mut self.triage.recovered,
            TriageGroup::Healthy => &mut self.triage.healthy,
        };
        *count += 1;
    }
}

impl OverviewObjectives {
    fn add(&mut self, pace: Pace, worst: Option<Confidence>) {
        self.total += 1;
        self.pace.add(pace);
        self.confidence.add(worst);
    }
}

impl OverviewKeyResults {
    fn add(&mut self, facts: KeyResultFacts) {
        self.total += 1;
        self.confidence.add(facts.confidence);
        self.overdue += u32::from(facts.is_overdue);
        let ConfidenceSpread { on_track, at_risk, off_track, never } = self.confidence;
        self.net_confidence =
            net_confidence(&ConfidenceCounts { worst: None, on_track, at_risk, off_track, never });
    }
}

impl ConfidenceSpread {
    fn add(&mut self, said: Option<Confidence>) {
        let count = match said {
            Some(Confidence::OnTrack) => &mut self.on_track,
            Some(Confidence::AtRisk) => &mut self.at_risk,
            Some(Confidence::OffTrack) => &mut self.off_track,
            None => &mut self.never,
        };
        *count += 1;
    }
}

/// The numbers of the whole, and those of each group that holds something, in the order of the keys. The group of
/// those without a key is always there.
pub fn count<Key: Copy + Ord>(
    items: &[(Option<Key>, Item)],
) -> (OverviewNumbers, Vec<(Option<Key>, OverviewNumbers)>) {
    let mut total = OverviewNumbers::default();
    let mut groups = std::collections::BTreeMap::from([(None, OverviewNumbers::default())]);
    for (key, item) in items {
        total.add(item);
        groups.entry(*key).or_default().add(item);
    }
    (total, groups.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn confidence() -> impl Strategy<Value = Option<Confidence>> {
        prop::option::of(prop::sample::select(Confidence::ALL.to_vec()))
    }

    fn item() -> impl Strategy<Value = Item> {
        let kpi =
            (prop::sample::select(Health::ALL.to_vec()), prop::sample::select(TriageGroup::ALL.to_vec()))
                .prop_map(|(health, group)| Item::Kpi { health, group });
        let facts = (confidence(), any::<bool>())
            .prop_map(|(confidence, is_overdue)| KeyResultFacts { confidence, is_overdue });
        let objective =
            (prop::sample::select(Pace::ALL.to_vec()), confidence(), prop::collection::vec(facts, 0..5))
                .prop_map(|(pace, worst, key_results)| Item::Objective { pace, worst, key_results });
        prop_oneof![4 => kpi, 4 => objective, 1 => Just(Item::Private)]
    }

    /// Every whole number of an answer by its path.
    fn numbers(at: &str, value: &Value, found: &mut BTreeMap<String, u64>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(name, _)| *name != "net_confidence") {
                    numbers(&format!("{at}/{name}"), value, found);
                }
            }
            value => *found.entry(at.to_owned()).or_default() += value.as_u64().unwrap(),
        }
    }

    fn flat(all: &[OverviewNumbers]) -> BTreeMap<String, u64> {
        let mut found = BTreeMap::new();
        all.iter().for_each(|one| numbers("", &serde_json::to_value(one).unwrap(), &mut found));
        found
    }

    proptest! {
        #[test]
        fn groups_add_up_to_the_whole(
            items in prop::collection::vec((prop::option::of(0_u8..5), item()), 0..60),
        ) {
            let (total, groups) = count(&items);
            let parts: Vec<OverviewNumbers> = groups.iter().map(|(_, numbers)| *numbers).collect();
            prop_assert_eq!(flat(&[total]), flat(&parts));
            prop_assert_eq!(groups.first().map(|(key, _)| *key), Some(None));

            // Each breakdown holds each thing once.
            for numbers in parts.into_iter().chain([total]) {
                let sums = flat(&[numbers]);
                let sum = |prefix: &str| -> u64 {
                    sums.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
                };
                prop_assert_eq!(sums["/kpis/total"], sum("/kpis/health/"));
                prop_assert_eq!(sums["/kpis/total"], sum("/kpis/triage/"));
                prop_assert_eq!(sums["/objectives/total"], sum("/objectives/pace/"));
                prop_assert_eq!(sums["/objectives/total"], sum("/objectives/confidence/"));
                prop_assert_eq!(sums["/key_results/total"], sum("/key_results/confidence/"));
                let net = numbers.key_results.net_confidence;
                let said = numbers.key_results.total - numbers.key_results.confidence.never;
                prop_assert_eq!(net.is_some(), said > 0);
                prop_assert!(net.is_none_or(|net| (-1.0..=1.0).contains(&net)));
            }
        }
    }
}
