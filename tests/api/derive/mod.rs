//! What hangs on points, held against a second, naive computation: whatever order they come in,
//! however often they are corrected, what is stored is what follows from what was said.

mod long;
mod naive;
mod random;
mod scratch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::prelude::*;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use regimen::access::Visibility;
use regimen::clock::Clock;
use regimen::kpis::derive::{
    History, PeriodRow, Quality, Since, StateRow, TargetRow, View, history, recompute, shown,
};
use regimen::kpis::points::record::{Content, Entry, Outcome, Posting, record};
use regimen::kpis::row::{Category, DisplayStyle, KpiRow};
use regimen::maths::{Aggregation, Cadence, Health, HealthReason};
use regimen::store::journal::{EventType, Subject};
use regimen::store::schema::{events, kpi_periods, kpi_states, kpis, targets, workspaces};
use regimen::store::{
    Author, Day, Json, KpiId, Lane, Moment, Opening, Store, StoreError, TargetId, Tx, WorkspaceId,
    WorkspaceRow,
};

use crate::harness::stories;
use naive::{Case, Memory, Naive, Step, a_case, first_instant, open_episode};
use scratch::still_shown;

/// A workspace with one KPI, its store, and what was said in it.
struct World<'a> {
    case: &'a Case,
    store: &'a Store,
    clock: &'a Clock,
    workspace: WorkspaceRow,
    kpi: KpiRow,
    memory: Memory,
    /// What was known at which moments.
    past: Vec<(Moment, Memory)>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl<'a> World<'a> {
    async fn new(case: &'a Case, store: &'a Store, clock: &'a Clock) -> Self {
        clock.set(Moment::from("2026-03-31T09:30:00Z".parse::<Timestamp>().expect("an instant")));
        let now = clock.now();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let workspace = WorkspaceRow {
            id: WorkspaceId::generate(now.timestamp()),
            slug: format!("world-{number}"),
            name: "World".into(),
            name_folded: "world".into(),
            time_zone: case.zone.into(),
            week_starts_on: case.week_starts_on,
            check_in_rhythm_days: 7,
            event_sequence: 0,
            revision: 0,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let kpi = KpiRow {
            id: KpiId::generate(now.timestamp()),
            workspace_id: workspace.id,
            key: "kpi".into(),
            name: "KPI".into(),
            name_folded: "kpi".into(),
            definition: None,
            category: Category::Other,
            cadence: case.cadence,
            aggregation: case.aggregation,
            indicator: None,
            display_style: DisplayStyle::Number,
            currency: None,
            display_precision: None,
            unit: None,
            owner_id: None,
            team_id: None,
            decision: None,
            playbook_at_risk: None,
            playbook_unhealthy: None,
            visibility: Visibility::Workspace,
            tags: Json(serde_json::json!([])),
            confirm_periods: Some(case.confirm_periods),
            recover_periods: case.recover_periods,
            grace_days: None,
            expect_every: None,
            replaced_by: None,
            active_remedies: 0,
            planned_remedies: 0,
            failed_remedies: 0,
            version: 1,
            created_at: now,
            updated_at: now,
            archived_at: None,
            formula: None,
        };
        let rows = (workspace.clone(), kpi.clone());
        store
            .write(Lane::Open, Author::system("test"), move |tx| -> Result<(), StoreError> {
                tx.open(Opening::Workspace(rows.0.id))?;
                diesel::insert_into(workspaces::table).values(&rows.0).execute(tx.db())?;
                diesel::insert_into(kpis::table).values(&rows.1).execute(tx.db())?;
                Ok(())
            })
            .await
            .expect("a workspace");
        Self { case, store, clock, workspace, kpi, memory: Memory::default(), past: Vec::new() }
    }

    async fn write<R: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx, &KpiRow) -> Result<R, StoreError> + Send + 'static,
    ) -> R {
        let kpi = self.kpi.clone();
        let lane = Lane::Workspace(self.workspace.id);
        self.store.write(lane, Author::system("test"), move |tx| job(tx, &kpi)).await.expect("it is written")
    }

    async fn read<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx, &KpiRow) -> Result<R, StoreError> + Send + 'static,
    ) -> R {
        let (kpi, workspace) = (self.kpi.clone(), self.workspace.clone());
        let job = move |tx: &mut Tx| {
            tx.serve(workspace)?;
            job(tx, &kpi)
        };
        self.store.read(Author::system("test"), job).await.expect("it is read")
    }

    async fn post(&mut self, points: &[(i64, &'static str, Option<f64>)]) -> TestCaseResult {
        let now = self.clock.now();
        let mut latest: BTreeMap<(Moment, &'static str), Option<f64>> = BTreeMap::new();
        for (hours, feed, value) in points {
            // To the hour, so that points meet.
            let hour = now.timestamp().as_second().div_euclid(3_600) - hours;
            let at = Moment::from_microseconds(hour * 3_600_000_000);
            latest.insert((at, feed), *value);
        }
        let entries: Vec<_> = latest.clone().into_iter().collect();
        let before = self.memory.points.clone();
        let outcomes = self
            .write(move |tx, kpi| {
                let kpi = Arc::new(kpi.clone());
                let entries: Vec<Entry> = entries
                    .iter()
                    .map(|((at, feed), value)| {
                        let content = value.map_or(Content::Nothing, |value| Content::Said {
                            value,
                            note: None,
                            quality: Quality::Measured,
                        });
                        Entry { kpi: kpi.clone(), at: *at, feed: (*feed).to_owned(), content }
                    })
                    .collect();
                let posting = Posting { entries, subject: Subject::new("kpi", kpi.id, "KPI") };
                let recorded = record(tx, &[(tx.shared_author(), posting)])?;
                Ok(recorded.into_iter().flat_map(|recorded| recorded.outcomes).collect::<Vec<_>>())
            })
            .await;
        for ((key, value), outcome) in latest.into_iter().zip(outcomes) {
            let expected = match (before.get(&key), value) {
                (None, None) => Outcome::Unchanged,
                (Some(old), Some(new)) if *old == new => Outcome::Unchanged,
                (None, Some(_)) => Outcome::Created,
                (Some(_), Some(_)) => Outcome::Replaced,
                (Some(_), None) => Outcome::Deleted,
            };
            prop_assert_eq!(outcome, expected);
            match value {
                Some(value) => self.memory.points.insert(key, value),
                None => self.memory.points.remove(&key),
            };
        }
        Ok(())
    }

    async fn set_target(&mut self, from: Option<i64>, min: Option<f64>, max: Option<f64>) {
        let (min, max) = match (min, max) {
            (Some(min), Some(max)) if min > max => (Some(max), Some(min)),
            other => other,
        };
        let zone = TimeZone::get(self.case.zone).expect("a zone");
        let today = zone.to_datetime(self.clock.now().timestamp()).date();
        let day =
            from.map_or(Day::BEGINNING, |days| Day::from(today.saturating_sub(jiff::Span::new().days(days))));
        self.write(move |tx, kpi| {
            let now = tx.now;
            diesel::update(
                targets::table
                    .filter(targets::kpi_id.eq(kpi.id))
                    .filter(targets::effective_from.eq(day))
                    .filter(targets::replaced_at.is_null()),
            )
            .set(targets::replaced_at.eq(Some(now)))
            .execute(tx.db())?;
            let row = TargetRow {
                id: TargetId::generate(now.timestamp()),
                workspace_id: kpi.workspace_id,
                kpi_id: kpi.id,
                effective_from: day,
                target_min: min,
                target_max: max,
                tolerance_min: None,
                tolerance_max: None,
                note: None,
                backdated: false,
                recorded_at: now,
                recorded_by: tx.author().recorded_by(),
                replaced_at: None,
            };
            diesel::insert_into(targets::table).values(&row).execute(tx.db())?;
            let calendar = tx.workspace()?.calendar();
            let since = match day {
                Day::BEGINNING => Since::Beginning,
                day => Since::At(calendar.start_of_day(day.date()).into()),
            };
            recompute(tx, kpi, since)
        })
        .await;
        self.memory.targets.insert(day, (min, max));
    }

    /// The same instant never sees two writes, so that `known_at` can tell them apart.
    fn wait(&self, by: SignedDuration) {
        self.clock.set(self.clock.now().plus(by));
    }

    async fn stored(&self) -> (Vec<PeriodRow>, Vec<StateRow>) {
        self.read(|tx, kpi| {
            let periods = kpi_periods::table
                .filter(kpi_periods::kpi_id.eq(kpi.id))
                .order(kpi_periods::starts_at)
                .load(tx.db())?;
            let states = kpi_states::table
                .filter(kpi_states::kpi_id.eq(kpi.id))
                .order(kpi_states::from_at)
                .load(tx.db())?;
            Ok((periods, states))
        })
        .await
    }

    async fn seen(&self, view: View) -> (History, Option<StateRow>) {
        self.read(move |tx, kpi| Ok((history(tx, kpi, &view)?, shown(tx, &[kpi.id])?.remove(&kpi.id)))).await
    }

    /// What counts now, by the naive rules.
    fn counting(&self, periods: &[Naive], now: Moment) -> Vec<Naive> {
        let counts = |period: &&Naive| {
            self.case.aggregation != Aggregation::Sum
                || self.case.cadence == Cadence::Irregular
                || period.ends_at <= now
        };
        periods.iter().filter(counts).cloned().collect()
    }

    async fn check(&self) -> TestCaseResult {
        let naive = self.memory.periods(self.case);
        let (periods, states) = self.stored().await;
        let plain: Vec<_> = periods
            .iter()
            .map(|row| (row.starts_at, row.value, row.points, row.newest_at, row.health))
            .collect();
        let expected: Vec<_> = naive
            .iter()
            .map(|one| (one.starts_at, Some(one.value), one.count, one.newest_at, one.health))
            .collect();
        prop_assert_eq!(plain, expected, "the stored periods");

        self.check_now(&naive).await?;
        self.write(|tx, kpi| recompute(tx, kpi, Since::Beginning)).await;
        // Before the first write there is nothing to compare with.
        if !states.is_empty() {
            let again = self.stored().await;
            prop_assert_eq!(&again.0, &periods, "periods from scratch");
            let now = self.clock.now();
            prop_assert_eq!(still_shown(&again.1, now), still_shown(&states, now), "states from scratch");
        }
        Ok(())
    }

    /// What is shown now, by the row and by the history, against the naive rules.
    async fn check_now(&self, naive: &[Naive]) -> TestCaseResult {
        let now = self.clock.now();
        let counting = self.counting(naive, now);
        let (history, row) = self.seen(View::default()).await;
        let Some(row) = row else {
            prop_assert!(naive.is_empty());
            return Ok(());
        };
        let verdict = row.verdict(now);
        prop_assert_eq!(verdict.health, history.state.health);
        prop_assert_eq!(verdict.reason, history.state.health_reason);
        prop_assert_eq!(verdict.last_known, history.state.last_known);
        prop_assert_eq!(row.freshness(now), history.state.freshness);
        prop_assert_eq!(&history.state_row(&self.kpi), &StateRow { from_at: now, ..row.clone() });

        let current = counting.last();
        prop_assert_eq!(row.period_starts_at, current.map(|period| period.starts_at));
        prop_assert_eq!(row.value, current.map(|period| period.value));
        let is_stale = row.stale_at.is_some_and(|at| at <= now);
        let expected = match current {
            Some(Naive { health: Health::Healthy, .. }) if is_stale => {
                (Health::Unknown, Some(HealthReason::Stale))
            }
            Some(Naive { health: Health::Unhealthy, .. }) if is_stale => {
                (Health::Unhealthy, Some(HealthReason::Stale))
            }
            Some(Naive { health: Health::Unknown, .. }) => (Health::Unknown, Some(HealthReason::NoTarget)),
            Some(period) => (period.health, None),
            None => {
                let zone = TimeZone::get(self.case.zone).expect("a zone");
                let today = zone.to_datetime(now.timestamp()).date();
                let missing = match self.memory.target(today) {
                    None => HealthReason::NoTarget,
                    Some(_) => HealthReason::NoData,
                };
                (Health::Unknown, Some(missing))
            }
        };
        prop_assert_eq!((verdict.health, verdict.reason), expected);

        let opened = open_episode(self.case, &counting);
        let zone = TimeZone::get(self.case.zone).expect("a zone");
        let day = |at: Moment| Day::from(zone.to_datetime(at.timestamp()).date());
        prop_assert_eq!(row.episode_opened_on, opened.map(day));
        Ok(())
    }

    /// As it stood on some days, and as it was known at some moments.
    async fn check_the_past(&self) -> TestCaseResult {
        for (known_at, memory) in &self.past {
            let (history, _) = self.seen(View { as_of: None, known_at: Some(*known_at) }).await;
            let values: Vec<_> = history
                .judged
                .iter()
                .map(|judged| (Moment::from(judged.period.starts_at), judged.value, judged.health))
                .collect();
            let expected: Vec<_> = memory
                .periods(self.case)
                .iter()
                .map(|one| (one.starts_at, Some(one.value), one.health))
                .collect();
            prop_assert_eq!(values, expected, "as known at {}", known_at);
        }
        let zone = TimeZone::get(self.case.zone).expect("a zone");
        let today = zone.to_datetime(self.clock.now().timestamp()).date();
        for days in [0, 1, 9, 40, 100] {
            let day = today.saturating_sub(jiff::Span::new().days(days));
            let end = match days {
                0 => self.clock.now(),
                _ => first_instant(&zone, day.tomorrow().expect("a day")),
            };
            let mut memory = self.memory.clone();
            if days > 0 {
                memory.points.retain(|(at, _), _| *at < end);
            }
            let (history, _) = self.seen(View { as_of: Some(day.into()), known_at: None }).await;
            let counting = self.counting(&memory.periods(self.case), end);
            let value = history.state.current.and_then(|current| current.value);
            prop_assert_eq!(value, counting.last().map(|period| period.value), "as of {}", day);
            let opened = history.state.episode.map(|episode| Day::from(episode.opened_on));
            let expected = open_episode(self.case, &counting)
                .map(|at| Day::from(zone.to_datetime(at.timestamp()).date()));
            prop_assert_eq!(opened, expected, "as of {}", day);
        }
        Ok(())
    }

    /// One transaction tells at most once of a KPI's health, or else of its history.
    async fn check_the_journal(&self) -> TestCaseResult {
        let told: Vec<(Moment, EventType)> = self
            .read(|tx, kpi| {
                Ok(events::table
                    .filter(events::workspace_id.eq(kpi.workspace_id))
                    .order(events::sequence)
                    .select((events::at, events::kind))
                    .load(tx.db())?)
            })
            .await;
        // No two writes of this world share a moment, but for the one that computes from scratch.
        for one in told.chunk_by(|left, right| left.0 == right.0) {
            let kinds: Vec<EventType> = one.iter().map(|(_, kind)| *kind).collect();
            let follows = match kinds.as_slice() {
                [EventType::PointsRecorded, rest @ ..] => rest,
                rest => rest,
            };
            let follows = match follows {
                [EventType::KpiSignal, rest @ ..] => rest,
                rest => rest,
            };
            let is_told_once =
                matches!(follows, [] | [EventType::KpiHealthChanged] | [EventType::KpiHistoryChanged]);
            prop_assert!(is_told_once, "{kinds:?}");
        }
        Ok(())
    }
}

async fn live_through(case: &Case, store: &Store, clock: &Clock) -> TestCaseResult {
    let mut world = World::new(case, store, clock).await;
    let mut last = Vec::new();
    for step in &case.steps {
        world.wait(SignedDuration::from_secs(61));
        match step {
            Step::Points(points) => {
                world.post(points).await?;
                last = points.clone();
            }
            Step::Again if !last.is_empty() => world.post(&last.clone()).await?,
            Step::Again => {}
            Step::Target(from, min, max) => world.set_target(*from, *min, *max).await,
            Step::Wait(hours) => {
                world.wait(SignedDuration::from_hours(*hours));
                // Nothing is written, and what is shown follows the clock.
                world.check_now(&world.memory.periods(case)).await?;
            }
        }
        world.past.push((clock.now(), world.memory.clone()));
    }
    world.check().await?;
    world.check_the_past().await?;
    world.check_the_journal().await
}

stories! {
    /// Late points, corrections, deletions and duplicates in any order leave what a computation from scratch gives.
    async fn any_order_of_points_leaves_what_follows_from_them(app) {
        let (store, clock) = (app.state.store.clone(), app.clock.clone());
        // The runner is synchronous, so it gets a thread and a runtime of its own.
        let tried = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
            TestRunner::new_with_rng(config, rng)
                .run(&a_case(), |case| runtime.block_on(live_through(&case, &store, &clock)))
                .map_err(|error| error.to_string())
        });
        if let Err(error) = tried.join().expect("the runner ends") {
            panic!("{error}");
        }
    }
}
