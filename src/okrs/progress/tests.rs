use jiff::civil::date;
use proptest::prelude::*;

use super::parts::Part;
use super::*;
use crate::access::Visibility;
use crate::maths::{Confidence, KeyResultKind};
use crate::okrs::key_results::row::KeyResultSource;
use crate::okrs::objectives::ObjectiveState;
use crate::store::{Id, Json, ObjectiveId, WorkspaceId};

fn id<K: crate::store::Kind>(number: u128) -> Id<K> {
    Id::from_uuid(uuid::Uuid::from_u128(number))
}

fn noon(day: Date) -> Moment {
    Moment::from(day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp())
}

fn on(day: Date) -> Today {
    let calendar = Calendar { zone: jiff::tz::TimeZone::UTC, week_starts_on: jiff::civil::Weekday::Monday };
    Today { day, calendar, rhythm_days: 7 }
}

/// From 1 January to 11 April 2026: a hundred days.
fn objective() -> ObjectiveRow {
    let made = noon(date(2025, 12, 1));
    ObjectiveRow {
        id: id::<crate::store::ObjectiveKind>(1),
        workspace_id: WorkspaceId::from_uuid(uuid::Uuid::from_u128(1)),
        cycle_id: None,
        parent_id: None,
        title: "Sell more".into(),
        title_folded: "sell more".into(),
        why: None,
        owner_id: None,
        team_id: None,
        weight: 1.0,
        starts_on: Some(date(2026, 1, 1).into()),
        ends_on: Some(date(2026, 4, 11).into()),
        state: ObjectiveState::Active,
        progress_source: ProgressSource::KeyResults,
        manual_progress: None,
        manual_note: None,
        visibility: Visibility::Workspace,
        tags: Json(serde_json::json!([])),
        outcome: None,
        score: None,
        reflection: None,
        frozen: None,
        activated_at: Some(made),
        closed_at: None,
        version: 1,
        created_at: made,
        updated_at: made,
        archived_at: None,
    }
}

fn key_result(number: u128, kind: KeyResultKind, start: Option<f64>, target: Option<f64>) -> KeyResultRow {
    let made = noon(date(2025, 12, 1));
    KeyResultRow {
        id: id::<crate::store::KeyResultKind>(number),
        workspace_id: WorkspaceId::from_uuid(uuid::Uuid::from_u128(1)),
        objective_id: ObjectiveId::from_uuid(uuid::Uuid::from_u128(1)),
        title: format!("Key result {number}"),
        title_folded: format!("key result {number}"),
        kind,
        start,
        target,
        range_min: None,
        range_max: None,
        unit: None,
        weight: 1.0,
        owner_id: None,
        due_on: None,
        source: KeyResultSource::Manual,
        kpi_id: None,
        original_start: start,
        original_target: target,
        original_range_min: None,
        original_range_max: None,
        original_due_on: Some(date(2026, 4, 11).into()),
        activated_at: Some(made),
        frozen: None,
        version: 1,
        created_at: made,
        updated_at: made,
        archived_at: None,
    }
}

fn said(value: f64, day: Date) -> CheckInRow {
    CheckInRow {
        id: id::<crate::store::CheckInKind>(1),
        workspace_id: WorkspaceId::from_uuid(uuid::Uuid::from_u128(1)),
        key_result_id: id::<crate::store::KeyResultKind>(1),
        value: Some(value),
        confidence: Confidence::AtRisk,
        note: None,
        blocker: None,
        author_id: None,
        at: noon(day),
        recorded_at: noon(day),
        clears_blocker: false,
    }
}

/// An objective that lives by its key results.
fn summarised(objective: &ObjectiveRow, rows: &[KeyResultRow], seen: &[Measured], today: &Today) -> Summary {
    let parts = rows.iter().zip(seen).map(|(row, measured)| Part::key_result(row, measured)).collect();
    let said: Vec<Option<Confidence>> = seen.iter().map(|measured| measured.confidence).collect();
    summarise(objective, None, &Parts { parts, private: 0 }, &said, today)
}

fn measured(row: &KeyResultRow, objective: &ObjectiveRow, last: Option<&CheckInRow>, day: Date) -> Measured {
    measure(row, objective, None, last.and_then(CheckInRow::current), last, &on(day))
}

#[test]
fn half_way_at_half_time_is_on_track() {
    let (objective, row) = (objective(), key_result(1, KeyResultKind::Increase, Some(2.0), Some(4.0)));
    let last = said(3.0, date(2026, 2, 20));
    let seen = measured(&row, &objective, Some(&last), date(2026, 2, 20));
    let progress = KeyResultProgress { raw: Some(0.5), value: Some(0.5), expected: Some(0.5) };
    assert_eq!(seen.progress, progress);
    assert_eq!((seen.pace, seen.confidence, seen.overdue), (Pace::OnTrack, Some(Confidence::AtRisk), false));
    assert_eq!(seen.original, Some(0.5));
}

#[test]
fn what_was_made_late_is_expected_from_its_own_day_on() {
    let objective = objective();
    let mut row = key_result(1, KeyResultKind::Increase, Some(0.0), Some(1.0));
    row.created_at = noon(date(2026, 4, 1));
    assert_eq!(measured(&row, &objective, None, date(2026, 4, 6)).progress.expected, Some(0.5));
    row.due_on = Some(date(2026, 4, 3).into());
    assert_eq!(measured(&row, &objective, None, date(2026, 4, 2)).progress.expected, Some(0.5));
    assert_eq!(measured(&row, &objective, None, date(2026, 4, 3)).progress.expected, Some(1.0));
}

#[test]
fn a_check_in_is_overdue_on_the_tenth_day() {
    let (objective, row) = (objective(), key_result(1, KeyResultKind::Increase, Some(0.0), Some(1.0)));
    let last = said(0.5, date(2026, 2, 1));
    assert!(!measured(&row, &objective, Some(&last), date(2026, 2, 10)).overdue);
    assert!(measured(&row, &objective, Some(&last), date(2026, 2, 11)).overdue);
    // Before the first one it counts from the start day.
    assert!(!measured(&row, &objective, None, date(2026, 1, 10)).overdue);
    assert!(measured(&row, &objective, None, date(2026, 1, 11)).overdue);
}

#[test]
fn nothing_is_late_in_a_draft_or_in_the_archive() {
    let row = key_result(1, KeyResultKind::Increase, Some(0.0), Some(1.0));
    let draft = ObjectiveRow { state: ObjectiveState::Draft, activated_at: None, ..objective() };
    let stored_away = ObjectiveRow { archived_at: Some(noon(date(2026, 1, 2))), ..objective() };
    for objective in [draft, stored_away] {
        let seen = measured(&row, &objective, None, date(2026, 3, 31));
        assert_eq!((seen.pace, seen.overdue), (Pace::None, false));
    }
}

#[test]
fn moved_goalposts_show_both_ways() {
    let objective = objective();
    let mut row = key_result(1, KeyResultKind::Increase, Some(0.0), Some(10.0));
    row.target = Some(5.0);
    let last = said(5.0, date(2026, 2, 20));
    let seen = measured(&row, &objective, Some(&last), date(2026, 2, 20));
    assert_eq!((seen.progress.value, seen.original), (Some(1.0), Some(0.5)));
    let whole = summarised(&objective, &[row], &[seen], &on(date(2026, 2, 20)));
    assert_eq!((whole.progress.value, whole.progress.original), (Some(1.0), Some(0.5)));
}

#[test]
fn a_manual_value_counts_beside_the_computed_one() {
    let mut objective = objective();
    objective.progress_source = ProgressSource::Manual;
    objective.manual_progress = Some(0.3);
    let row = key_result(1, KeyResultKind::Increase, Some(0.0), Some(10.0));
    let day = date(2026, 2, 20);
    let seen = measured(&row, &objective, Some(&said(5.0, day)), day);
    let whole = summarised(&objective, &[row], &[seen], &on(day));
    assert_eq!((whole.progress.value, whole.progress.computed), (Some(0.3), Some(0.5)));
    assert_eq!((whole.progress.expected, whole.pace), (Some(0.5), Pace::OffTrack));
}

/// What fewer people may see than its parent never counts there.
#[test]
fn a_private_child_counts_where_all_see_it() {
    use crate::okrs::objectives::Circle;
    let (ann, bob) = (id::<crate::store::MemberKind>(1), id::<crate::store::MemberKind>(2));
    let team = id::<crate::store::TeamKind>(1);
    let open = ObjectiveRow { owner_id: Some(ann), ..objective() };
    let private = ObjectiveRow { visibility: Visibility::Private, ..open.clone() };
    let nobody = Circle::default();
    let with_bob = Circle { contributors: vec![bob], teams: vec![] };
    let with_team = Circle { contributors: vec![bob], teams: vec![team] };
    for (parent, circle, child, others, sees) in [
        (&open, &nobody, &open, &nobody, true),
        (&open, &nobody, &private, &with_team, false),
        (&private, &nobody, &open, &nobody, true),
        (&private, &nobody, &private, &nobody, true),
        (&private, &nobody, &private, &with_bob, true),
        (&private, &with_bob, &private, &nobody, false),
        (&private, &with_bob, &private, &with_team, true),
        (&private, &with_team, &private, &with_bob, false),
    ] {
        let (above, below) = (circle.facts(parent).viewers, others.facts(child).viewers);
        assert_eq!(above.all_see(&below), sees, "{circle:?} and {others:?}");
    }
}

/// A key result as a person would write it on paper.
#[derive(Clone, Debug)]
struct OnPaper {
    kind: KeyResultKind,
    start: f64,
    target: f64,
    value: Option<f64>,
    weight: f64,
    is_archived: bool,
}

fn on_paper() -> impl Strategy<Value = OnPaper> {
    let kinds = prop::sample::select(KeyResultKind::ALL.to_vec());
    let way = (-1e6..1e6_f64, 0.001..1e6_f64);
    let value = prop::option::of(-1e6..1e6_f64);
    let weight = prop_oneof![1 => Just(0.0), 4 => 0.0..100.0_f64];
    (kinds, way, value, weight, prop::bool::weighted(0.2)).prop_map(
        |(kind, (start, length), value, weight, is_archived)| {
            let target = if kind == KeyResultKind::Decrease { start - length } else { start + length };
            let value = if kind == KeyResultKind::Milestone {
                value.map(|value| (value.abs() / 1e6).min(1.0))
            } else {
                value
            };
            OnPaper { kind, start, target, value, weight, is_archived }
        },
    )
}

impl OnPaper {
    fn row(&self, number: u128) -> KeyResultRow {
        let is_way = matches!(self.kind, KeyResultKind::Increase | KeyResultKind::Decrease);
        let is_band = self.kind == KeyResultKind::Between;
        let takes_target = !is_band && self.kind != KeyResultKind::Milestone;
        KeyResultRow {
            original_range_min: is_band.then_some(self.start),
            original_range_max: is_band.then_some(self.target),
            range_min: is_band.then_some(self.start),
            range_max: is_band.then_some(self.target),
            weight: self.weight,
            archived_at: self.is_archived.then(|| noon(date(2026, 1, 2))),
            ..key_result(number, self.kind, is_way.then_some(self.start), takes_target.then_some(self.target))
        }
    }

    /// How far it has come, by the words of the specification.
    fn share(&self) -> Option<f64> {
        let one_if = |is_met: bool| if is_met { 1.0 } else { 0.0 };
        let share = match self.kind {
            KeyResultKind::Increase => {
                (self.value.unwrap_or(self.start) - self.start) / (self.target - self.start)
            }
            KeyResultKind::Decrease => {
                (self.start - self.value.unwrap_or(self.start)) / (self.start - self.target)
            }
            KeyResultKind::AtLeast => one_if(self.value? >= self.target),
            KeyResultKind::AtMost => one_if(self.value? <= self.target),
            KeyResultKind::Between => one_if(self.start <= self.value? && self.value? <= self.target),
            KeyResultKind::Milestone => self.value.unwrap_or(0.0),
        };
        Some(share.clamp(0.0, 1.0))
    }
}

fn near(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() < 1e-9,
        (left, right) => left == right,
    }
}

proptest! {
    #[test]
    fn progress_is_what_a_person_gets_by_hand(
        papers in prop::collection::vec(on_paper(), 0..12),
        passed in 0_i64..130,
    ) {
        let objective = objective();
        let day = date(2026, 1, 1).saturating_add(jiff::Span::new().days(passed));
        let rows: Vec<KeyResultRow> = papers.iter().zip(1..).map(|(paper, number)| paper.row(number)).collect();
        let seen: Vec<Measured> = papers
            .iter()
            .zip(&rows)
            .map(|(paper, row)| {
                let last = paper.value.map(|value| said(value, day));
                measured(row, &objective, last.as_ref(), day)
            })
            .collect();
        let whole = summarised(&objective, &rows, &seen, &on(day));

        // By hand: the weighted sum over what counts, divided by the weights.
        let (mut sum, mut counted, mut all) = (0.0, 0.0, 0.0);
        for paper in papers.iter().filter(|paper| !paper.is_archived) {
            all += paper.weight;
            if let Some(share) = paper.share() {
                sum += paper.weight * share;
                counted += paper.weight;
            }
        }
        let progress = (counted > 0.0).then(|| sum / counted);
        let expected = (counted > 0.0).then(|| if passed >= 100 { 1.0 } else { passed as f64 / 100.0 });
        let coverage = (all > 0.0).then(|| counted / all);
        prop_assert!(near(whole.progress.computed, progress), "{:?} {progress:?}", whole.progress);
        prop_assert!(near(whole.progress.value, progress));
        prop_assert!(near(whole.progress.original, progress));
        prop_assert!(near(whole.progress.expected, expected), "{:?} {expected:?}", whole.progress);
        prop_assert!(near(whole.progress.coverage, coverage));

        // The breakdown names every item, and what it adds makes the whole.
        prop_assert_eq!(whole.progress.breakdown.len(), papers.len());
        let added: f64 = whole.progress.breakdown.iter().filter_map(|item| item.contribution).sum();
        prop_assert!(near(Some(added), Some(progress.unwrap_or(0.0))));
        for (item, paper) in whole.progress.breakdown.iter().zip(&papers) {
            let counts = !paper.is_archived && paper.weight > 0.0 && paper.share().is_some();
            prop_assert_eq!(item.contribution.is_some(), counts);
            prop_assert_eq!(item.left_out.is_none(), counts);
        }

        // Pace compares the two; what is covered in part is never on track.
        let wanted = match progress.zip(expected) {
            None => Pace::None,
            Some((_, expected)) if expected < 0.2 => Pace::TooEarly,
            Some((progress, expected)) if progress >= 0.9 * expected => {
                if coverage.is_some_and(|coverage| coverage < 1.0) { Pace::AtRisk } else { Pace::OnTrack }
            }
            Some((progress, expected)) if progress >= 0.7 * expected => Pace::AtRisk,
            Some(_) => Pace::OffTrack,
        };
        let is_on_an_edge = progress.zip(expected).is_some_and(|(progress, expected)| {
            // A mean of fifths may come out a bit below or above a fifth.
            (expected - 0.2).abs() < 1e-6
                || [0.9, 0.7].iter().any(|share| (progress - share * expected).abs() < 1e-6)
        });
        prop_assert!(is_on_an_edge || whole.pace == wanted, "{:?} {wanted:?}", whole.pace);
    }
}
