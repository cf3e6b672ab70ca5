use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::access::Visibility;
use crate::maths::{
    Aggregation, Band, Cadence, DatedTarget, Folded, Health, PeriodValue, ProgressSource, Target,
    judge_series,
};
use crate::okrs::objectives::ObjectiveState;
use crate::store::{Day, Json, RawId, RemedyId, WorkspaceId};

const TODAY: Date = date(2026, 3, 31);

fn calendar() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_starts_on: Weekday::Monday }
}

fn noon(day: Date) -> Moment {
    day.at(12, 0, 0, 0).to_zoned(calendar().zone).expect("an instant").timestamp().into()
}

fn nil() -> uuid::Uuid {
    uuid::Uuid::nil()
}

fn objective(state: RecordedState, closed_on: Option<Date>) -> ObjectiveThen {
    let at = noon(date(2026, 1, 20));
    let row = ObjectiveRow {
        id: ObjectiveId::from_uuid(nil()),
        workspace_id: WorkspaceId::from_uuid(nil()),
        cycle_id: None,
        parent_id: None,
        title: "Win them back".into(),
        title_folded: "win them back".into(),
        why: None,
        owner_id: None,
        team_id: None,
        weight: 1.0,
        starts_on: None,
        ends_on: None,
        state: ObjectiveState::Active,
        progress_source: ProgressSource::KeyResults,
        manual_progress: None,
        manual_note: None,
        visibility: Visibility::Workspace,
        tags: Json(json!([])),
        outcome: None,
        score: None,
        reflection: None,
        frozen: None,
        activated_at: Some(at),
        closed_at: closed_on.map(noon),
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    };
    ObjectiveThen { row, state }
}

/// Made on 20 January because of January's 6.1, under a target of at most 4.
fn remedy() -> RemedyRow {
    let at = noon(date(2026, 1, 20));
    RemedyRow {
        id: RemedyId::from_uuid(nil()),
        workspace_id: WorkspaceId::from_uuid(nil()),
        kpi_id: KpiId::from_uuid(nil()),
        objective_id: ObjectiveId::from_uuid(nil()),
        note: None,
        baseline_value: Some(6.0),
        baseline_health: Health::Unhealthy,
        baseline_starts_at: Some(calendar().start_of_day(date(2026, 1, 1)).into()),
        baseline_min: None,
        baseline_max: Some(4.0),
        baseline_tolerance_min: None,
        baseline_tolerance_max: None,
        unhealthy_since: Some(Day::from(date(2026, 1, 1))),
        shown_outcome: RemedyOutcome::InProgress,
        version: 1,
        created_at: at,
        created_by: RawId::from_uuid(nil()),
        updated_at: at,
        withdrawn_at: None,
        withdrawn_by: None,
    }
}

/// Monthly values from January 2025 on; from January 2026 on they are judged by `max`.
fn seen(values: &[f64], target_max: f64) -> Seen {
    let calendar = calendar();
    let settings = KpiSettings::new(Cadence::Monthly, Aggregation::Last);
    let mut day = date(2025, 1, 1);
    let series: Vec<PeriodValue> = values
        .iter()
        .map(|value| {
            let period = calendar.period_of_day(Cadence::Monthly, day);
            day = period.ends_on.tomorrow().expect("a day");
            PeriodValue { period, count: 1, folded: Folded::Value(*value) }
        })
        .collect();
    let target = Target::new(Band { min: None, max: Some(target_max) });
    let targets = [DatedTarget { effective_from: None, target: Some(target) }];
    Seen {
        settings,
        counting: judge_series(&series, &targets),
        value_now: values.last().copied(),
        newest_point_on: series.last().map(|newest| newest.period.starts_on),
        now: noon(TODAY).timestamp(),
    }
}

fn year(rest: &[f64]) -> Vec<f64> {
    let before = [3.0, 3.4, 3.1, 3.5, 3.2, 3.3, 3.0, 3.4, 3.1, 3.5, 3.2, 3.3];
    before.iter().chain(rest).copied().collect()
}

fn told(remedy: &RemedyRow, objective: &ObjectiveThen, seen: &Seen, today: Date) -> Told {
    tell(remedy, objective, seen, 0, &Standpoint { today, recorded_by: noon(today) }, &calendar())
}

#[test]
fn while_people_work_on_it_the_share_of_the_gap_tells_how_it_goes() {
    let at_work = objective(RecordedState::Active, None);
    let worse = told(&remedy(), &at_work, &seen(&year(&[6.0, 7.0]), 4.0), TODAY);
    assert_eq!(worse.outcome, RemedyOutcome::InProgress);
    assert_eq!(worse.share_of_gap_closed, Some(-0.5));
    assert_eq!(worse.days_to_remedy, Some(19));
    assert_eq!((worse.recovered_on, worse.effect_by), (None, None));
    let better = told(&remedy(), &at_work, &seen(&year(&[6.0, 4.5]), 4.0), TODAY);
    assert_eq!(better.share_of_gap_closed, Some(0.75));
}

#[test]
fn a_recovery_says_when_how_fast_and_whether_it_may_be_chance() {
    let at_work = objective(RecordedState::Active, None);
    let healed = told(&remedy(), &at_work, &seen(&year(&[6.0, 3.9]), 4.0), TODAY);
    assert_eq!(healed.outcome, RemedyOutcome::Recovered);
    assert_eq!(healed.recovered_on, Some(date(2026, 2, 28)));
    assert_eq!(healed.days_to_recovery, Some(39));
    assert_eq!(healed.share_of_gap_closed, Some(1.0));
    assert_eq!(healed.may_be_chance, Some(true));
    let relapsed = told(&remedy(), &at_work, &seen(&year(&[6.0, 3.9, 5.0]), 4.0), TODAY);
    assert_eq!(relapsed.outcome, RemedyOutcome::Relapsed);
    assert_eq!(relapsed.recovered_on, Some(date(2026, 2, 28)));
}

#[test]
fn lowering_the_target_is_no_recovery() {
    let at_work = objective(RecordedState::Active, None);
    let moved = told(&remedy(), &at_work, &seen(&year(&[6.0, 5.5]), 8.0), TODAY);
    assert_eq!(moved.outcome, RemedyOutcome::TargetMoved);
    assert_eq!(moved.recovered_on, None);
    assert_eq!(moved.share_of_gap_closed, Some(0.25));
}

#[test]
fn what_is_closed_waits_one_period_for_its_effect() {
    let over = objective(RecordedState::Closed, Some(date(2026, 2, 28)));
    let ill = seen(&year(&[6.0, 6.0]), 4.0);
    let waiting = told(&remedy(), &over, &ill, date(2026, 3, 27));
    assert_eq!(waiting.outcome, RemedyOutcome::AwaitingEffect);
    assert_eq!(waiting.effect_by, Some(date(2026, 3, 28)));
    assert_eq!(told(&remedy(), &over, &ill, date(2026, 3, 28)).outcome, RemedyOutcome::Failed);
    let planned = objective(RecordedState::Draft, None);
    assert_eq!(told(&remedy(), &planned, &ill, TODAY).outcome, RemedyOutcome::Planned);
}

#[test]
fn what_came_after_its_end_is_not_its_doing() {
    let healed = seen(&year(&[6.0, 3.9]), 4.0);
    let archived = objective(RecordedState::Archived, None);
    let gone = told(&remedy(), &archived, &healed, TODAY);
    assert_eq!(gone.outcome, RemedyOutcome::Withdrawn);
    assert_eq!((gone.recovered_on, gone.share_of_gap_closed), (None, None));
    let at_work = objective(RecordedState::Active, None);
    let ended = RemedyRow { withdrawn_at: Some(noon(date(2026, 3, 10))), ..remedy() };
    assert_eq!(told(&ended, &at_work, &healed, TODAY).outcome, RemedyOutcome::Withdrawn);
    // It had not ended yet on the day before.
    assert_eq!(told(&ended, &at_work, &healed, date(2026, 3, 9)).outcome, RemedyOutcome::Recovered);
}

#[test]
fn a_day_in_the_past_ends_just_before_the_next_one_begins() {
    let now = noon(TODAY);
    let seen = |as_of, known_at| Standpoint::seen(&calendar(), now, Some(&View { as_of, known_at }));
    let march = |day| Some(Day::from(date(2026, 3, day)));
    let end = Moment::from(calendar().start_of_day(date(2026, 3, 30)));
    let before_end = Moment::from_microseconds(end.microseconds() - 1);
    assert_eq!(seen(march(29), None), Standpoint { today: date(2026, 3, 29), recorded_by: before_end });
    assert_eq!(seen(march(31), None), Standpoint { today: TODAY, recorded_by: now });
    assert_eq!(seen(None, None), Standpoint { today: TODAY, recorded_by: now });
    let known = noon(date(2026, 3, 1));
    assert_eq!(seen(march(29), Some(known)).recorded_by, known);
    assert_eq!(seen(march(1), Some(now)).today, date(2026, 3, 1));
    assert!(seen(march(1), Some(now)).recorded_by < now);
}
