use jiff::civil::date;

use super::*;
use crate::care::triage::{ClosedEpisode, TriageCounts};
use crate::kpis::kpis::{CurrentValue, Display, KpiFreshness, KpiTarget};
use crate::kpis::row::{Category, DisplayStyle};
use crate::maths::{Cadence, ClosedBy, Health};
use crate::okrs::objectives::{ObjectiveRef, ObjectiveState};
use crate::people::members::MemberRef;
use crate::store::{Day, KpiId, MemberId, ObjectiveId, RemedyId};

fn nil() -> uuid::Uuid {
    uuid::Uuid::nil()
}

fn row(name: &str, value: f64, outcomes: &[RemedyOutcome]) -> TriageRow {
    let starts_on = Day::from(date(2026, 2, 1));
    TriageRow {
        id: KpiId::from_uuid(nil()),
        key: "churn-rate".into(),
        name: name.into(),
        category: Category::Retention,
        cadence: Cadence::Monthly,
        display: Display { style: DisplayStyle::Percent, currency: None, precision: None, unit: None },
        owner_id: None,
        owner: None,
        team_id: None,
        team: None,
        health: Health::Unhealthy,
        health_reason: None,
        last_known: None,
        since: Some(starts_on),
        current: Some(CurrentValue {
            period: "2026-02".into(),
            starts_on,
            value: Some(value),
            complete: true,
            change: None,
            change_ratio: None,
            change_is_good: None,
        }),
        target: Some(KpiTarget { effective_from: None, min: None, max: Some(4.0) }),
        tolerance: None,
        gap: None,
        severity: None,
        freshness: KpiFreshness { state: Freshness::Fresh, due_on: None, stale_on: None },
        trend: None,
        leaves_on: None,
        episode: None,
        last_episode: None,
        accepted_until: None,
        accepted: None,
        remedies: outcomes
            .iter()
            .map(|outcome| TriageRemedy {
                id: RemedyId::from_uuid(nil()),
                objective: ObjectiveRef {
                    id: ObjectiveId::from_uuid(nil()),
                    title: "Win them back".into(),
                    state: ObjectiveState::Active,
                },
                outcome: *outcome,
                share_of_gap_closed: None,
            })
            .collect(),
        guardrails: Vec::new(),
        before: None,
    }
}

fn triage() -> Triage {
    Triage {
        as_of: date(2026, 3, 31).into(),
        compared_to: None,
        counts: TriageCounts::default(),
        untreated: Vec::new(),
        failed: Vec::new(),
        in_treatment: Vec::new(),
        at_risk: Vec::new(),
        slipping: Vec::new(),
        unknown: Vec::new(),
        recovered: Vec::new(),
        orphans: Vec::new(),
        loose_ends: None,
        left: Vec::new(),
    }
}

#[test]
fn every_group_has_its_lines() {
    let never = TriageRow {
        current: None,
        target: None,
        health_reason: Some(HealthReason::NoData),
        freshness: KpiFreshness { state: Freshness::Never, due_on: None, stale_on: None },
        ..row("Newsletter open rate", 0.0, &[])
    };
    let closed_on = Day::from(date(2026, 3, 30));
    let healed = TriageRow {
        last_episode: Some(ClosedEpisode {
            opened_on: date(2026, 1, 1).into(),
            closed_on,
            closed_by: ClosedBy::Value,
        }),
        ..row("Qualified leads", 3.25, &[RemedyOutcome::Recovered])
    };
    let shown = Triage {
        untreated: vec![
            row("Churn rate", 6.1, &[]),
            row("Time to first answer of the support team", 123.45, &[]),
        ],
        in_treatment: vec![row("Conversion", 2.0, &[RemedyOutcome::Failed, RemedyOutcome::InProgress])],
        unknown: vec![never],
        recovered: vec![healed],
        orphans: vec![Orphan {
            id: ObjectiveId::from_uuid(nil()),
            title: "Tidy the warehouse".into(),
            state: ObjectiveState::Active,
            owner_id: None,
            owner: Some(MemberRef { id: MemberId::from_uuid(nil()), name: "Ann".into() }),
            team_id: None,
            team: None,
            cycle_id: None,
            cycle: None,
            activated_at: None,
        }],
        compared_to: None,
        counts: TriageCounts { healthy: 4, ..TriageCounts::default() },
        ..triage()
    };
    insta::assert_snapshot!(table("Harbour Street", &shown), @r"
    Triage of Harbour Street on 2026-03-31

    Untreated: 2
      KPI                                VALUE TARGET         SINCE      REMEDY
      Churn rate                         6.1 % ≤ 4 %          2026-02-01 none
      Time to first answer of the…    123.45 % ≤ 4 %          2026-02-01 none

    Failed: none

    In treatment: 1
      KPI                                VALUE TARGET         SINCE      REMEDY
      Conversion                           2 % ≤ 4 %          2026-02-01 in progress

    At risk: none

    Slipping: none

    Unknown: 1
      KPI                                VALUE TARGET         STALE ON   REASON
      Newsletter open rate                none none           never      no data

    Recovered: 1
      KPI                                VALUE TARGET         ON         REMEDY
      Qualified leads                   3.25 % ≤ 4 %          2026-03-30 recovered

    Objectives that heal no KPI: 1
      Tidy the warehouse                                    Ann

    Healthy besides: 4
    ");
}

#[test]
fn nothing_to_do_is_said_in_a_word_each() {
    insta::assert_snapshot!(table("Harbour Street", &triage()), @r"
    Triage of Harbour Street on 2026-03-31

    Untreated: none

    Failed: none

    In treatment: none

    At risk: none

    Slipping: none

    Unknown: none

    Recovered: none

    Objectives that heal no KPI: none

    Healthy besides: none
    ");
}

#[test]
fn no_line_has_more_than_eighty_columns() {
    let long = "Ä".repeat(200);
    let shown = Triage {
        untreated: vec![
            TriageRow {
                display: Display {
                    style: DisplayStyle::Number,
                    currency: None,
                    precision: Some(9),
                    unit: Some("u".repeat(32)),
                },
                target: Some(KpiTarget { effective_from: None, min: Some(-1e15), max: Some(1e15) }),
                ..row(&long, -987_654_321_098_765.0, &[RemedyOutcome::InProgress])
            },
            row(&long, 1e-9, &[RemedyOutcome::TargetMoved]),
        ],
        orphans: vec![Orphan {
            id: ObjectiveId::from_uuid(nil()),
            title: long.as_str().into(),
            state: ObjectiveState::Active,
            owner_id: None,
            owner: Some(MemberRef { id: MemberId::from_uuid(nil()), name: long.clone() }),
            team_id: None,
            team: None,
            cycle_id: None,
            cycle: None,
            activated_at: None,
        }],
        ..triage()
    };
    for line in table(&long, &shown).lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert_eq!(line, line.trim_end());
    }
}
