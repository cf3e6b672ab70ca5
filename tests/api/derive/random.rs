//! Thousands of random writes, eight at once, told to both engines: what is stored then is the same on
//! both, is what a computation from scratch gives, and is what a small model of points and targets says.
//!
//! Every run sends the same; `REGIMEN_SEED` sends others, `REGIMEN_OPERATIONS=1000000` sends more.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use regimen::maths::{Aggregation, Cadence};
use regimen::store::workspace::WeekDay;
use regimen::store::{Day, Moment};
use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use super::naive::{Case, Memory, first_instant};
use super::scratch::held_against_scratch;
use crate::harness::{App, Caller, EngineUnderTest, play};
use crate::sweep::random::{Random, seed};

const OPERATIONS: usize = 3_000;
/// How many are sent at once, to different KPIs.
const AT_ONCE: usize = 8;
/// How often everything is compared.
const LOOKS: usize = 10;
/// How far back points lie, in hours.
const REACH: usize = 24 * 150;
const ZONE: &str = "Europe/Berlin";
const FEEDS: [&str; 3] = ["", "north", "süd"];
const CADENCES: [Cadence; 4] = [Cadence::Daily, Cadence::Weekly, Cadence::Monthly, Cadence::Irregular];
/// What is computed, from which cadence on: `0`, `4` and `8` are daily, and so on.
const COMPUTED: [(&str, &str, &str); 5] = [
    ("sum", "k0 + k4", "daily"),
    ("share", "k0 / (k4 + k8)", "daily"),
    ("again", "2 * sum - share", "daily"),
    ("weeks", "(k1 + k5 + k9) / 3", "weekly"),
    ("months", "k2 - k6 * k10", "monthly"),
];
const KPIS: usize = 12;

/// What the model knows of a KPI that takes points.
struct Modelled {
    key: String,
    case: Case,
    memory: Memory,
}

/// One write, and what the model makes of it.
#[derive(Clone)]
struct Deed {
    kpi: usize,
    method: Method,
    path: String,
    body: Option<Value>,
    /// Points as they are afterwards; none where they are gone.
    points: Vec<((Moment, &'static str), Option<f64>)>,
    then: Then,
}

/// What else follows in the model.
#[derive(Clone)]
enum Then {
    Nothing,
    Target(Day, Option<(Option<f64>, Option<f64>)>),
    Aggregation(Aggregation),
    Lengths(i32, i32),
}

fn operations() -> usize {
    std::env::var("REGIMEN_OPERATIONS")
        .map_or(OPERATIONS, |text| text.parse().expect("REGIMEN_OPERATIONS is a number"))
}

#[test]
fn random_writes_leave_the_same_on_both_engines() {
    println!("REGIMEN_SEED={} repeats these {} operations", seed(), operations());
    let told = |engine| {
        let (says, heard) = std::sync::mpsc::channel();
        play(engine, move |app| live(app, says));
        heard.into_iter().collect::<Vec<String>>()
    };
    let (on_sqlite, on_postgres) = std::thread::scope(|scope| {
        let other = scope.spawn(|| told(EngineUnderTest::Postgres));
        (told(EngineUnderTest::Sqlite), other.join())
    });
    let on_postgres = on_postgres.expect("it is told on PostgreSQL");
    assert_eq!(on_sqlite.len(), LOOKS);
    for (look, (one, other)) in on_sqlite.iter().zip(&on_postgres).enumerate() {
        let differ = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert_eq!(differ, None, "SQLite and PostgreSQL differ at look {look}");
        assert_eq!(one.len(), other.len(), "at look {look}");
    }
}

/// Lives through it, and tells what is stored at each look.
async fn live(app: App, says: std::sync::mpsc::Sender<String>) {
    let (caller, mut modelled) = begin(&app).await;
    let rounds = operations() / AT_ONCE;
    // Sixty days pass, in which points go on falling into the same months.
    let step = SignedDuration::from_mins(i64::try_from(60 * 24 * 60 / rounds).expect("a while").max(1));
    let mut results: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..rounds {
        app.clock.set(app.clock.now().plus(step));
        let mut random = Random::of(seed(), round as u64);
        let deeds = deeds(&mut random, &modelled, app.clock.now());
        let answers = join_all(deeds.iter().map(|deed| send(&caller, deed))).await;
        for (deed, answer) in deeds.iter().zip(answers) {
            let is_alone = deeds.iter().filter(|other| other.kpi == deed.kpi).count() == 1;
            check_answer(&modelled[deed.kpi], deed, &answer, is_alone);
            *results.entry(format!("{} {}", deed.method, answer.status)).or_default() += 1;
            apply(&mut modelled[deed.kpi], deed);
        }
        if (round + 1) % (rounds / LOOKS) == 0 && round / (rounds / LOOKS) < LOOKS {
            says.send(look(&app, &modelled).await).expect("somebody listens");
        }
    }
    // A run in which nothing was written would show nothing.
    let stored: usize = modelled.iter().map(|one| one.memory.points.len()).sum();
    assert!(stored > KPIS * 20 && results.len() >= 6, "{stored} points: {results:?}");
}

async fn begin(app: &App) -> (Caller, Vec<Modelled>) {
    let ann = app.owner_of("ann", "acme").await;
    // Targets may hold from long ago, which is for those who manage.
    let scopes = json!(["read", "points:write", "write", "admin"]);
    let token = ann.post("tokens", json!({"name": "writes", "scopes": scopes})).await;
    let caller = app.with_token("ann's token", token.expect(201).text("/token")).inside("acme");
    let mut modelled = Vec::new();
    for number in 0..KPIS {
        let cadence = CADENCES[number % CADENCES.len()];
        let aggregation = Aggregation::ALL[number % Aggregation::ALL.len()];
        let key = format!("k{number}");
        let body = json!({
            "name": format!("KPI {number}"), "key": key, "cadence": cadence, "aggregation": aggregation,
            "confirm_periods": 2, "recover_periods": 1,
        });
        caller.post("kpis", body).await.expect(201);
        let week_starts_on = WeekDay::Monday;
        let case = Case {
            zone: ZONE,
            week_starts_on,
            cadence,
            aggregation,
            confirm_periods: 2,
            recover_periods: 1,
            steps: Vec::new(),
        };
        modelled.push(Modelled { key, case, memory: Memory::default() });
    }
    for (key, formula, cadence) in COMPUTED {
        let body = json!({
            "name": key, "key": key, "formula": formula, "cadence": cadence, "target": {"max": 3},
        });
        caller.post("kpis", body).await.expect(201);
    }
    (caller, modelled)
}

/// Eight writes to different KPIs, of which some are sent twice.
fn deeds(random: &mut Random, modelled: &[Modelled], now: Moment) -> Vec<Deed> {
    let first = random.below(KPIS);
    let mut deeds: Vec<Deed> =
        (0..AT_ONCE).map(|slot| a_deed(random, modelled, (first + slot) % KPIS, now)).collect();
    // The same said twice at once, in place of another KPI's.
    if random.below(3) == 0 && deeds[0].method == Method::PUT {
        deeds[1] = deeds[0].clone();
    }
    deeds
}

fn a_deed(random: &mut Random, modelled: &[Modelled], kpi: usize, now: Moment) -> Deed {
    let Modelled { key, memory, .. } = &modelled[kpi];
    let blank = Deed {
        kpi,
        method: Method::PUT,
        path: format!("kpis/{key}"),
        body: None,
        points: Vec::new(),
        then: Then::Nothing,
    };
    match random.below(24) {
        0..9 => {
            let (at, text) = an_instant(random, memory, now);
            let (feed, value) = (a_feed(random), a_value(random));
            Deed {
                path: format!("kpis/{key}/points/{text}"),
                body: Some(json!({"value": value, "feed": feed})),
                points: vec![((at, feed), Some(value))],
                ..blank
            }
        }
        9..13 => {
            let (at, text) = an_instant(random, memory, now);
            let (feed, value) = (a_feed(random), a_value(random));
            Deed {
                method: Method::POST,
                path: format!("kpis/{key}/points"),
                body: Some(json!({"value": value, "feed": feed, "at": text})),
                points: vec![((at, feed), Some(value))],
                ..blank
            }
        }
        13..18 => {
            let (mut items, mut points) = (Vec::new(), Vec::new());
            for _ in 0..=random.below(8) {
                let (at, text) = an_instant(random, memory, now);
                let feed = a_feed(random);
                let value = if random.below(5) == 0 { None } else { Some(a_value(random)) };
                items.push(json!({"kpi": key, "at": text, "feed": feed, "value": value}));
                points.push(((at, feed), value));
            }
            Deed { method: Method::POST, path: "points".into(), body: Some(items.into()), points, ..blank }
        }
        18..20 => {
            let (at, text) = an_instant(random, memory, now);
            let feed = a_feed(random);
            Deed {
                method: Method::DELETE,
                path: format!("kpis/{key}/points/{text}?feed={feed}"),
                points: vec![((at, feed), None)],
                ..blank
            }
        }
        20..22 => {
            let back = i64::try_from(random.below(220)).expect("some days") - 10;
            let today = jiff::tz::TimeZone::get(ZONE).expect("a zone").to_datetime(now.timestamp()).date();
            let day = today.saturating_sub(Span::new().days(back));
            let bound = |random: &mut Random| (random.below(3) > 0).then(|| random.below(7) as f64 - 2.0);
            let (min, max) = match (bound(random), bound(random)) {
                (Some(min), Some(max)) if min > max => (Some(max), Some(min)),
                other => other,
            };
            let target = (min.is_some() || max.is_some()).then(|| json!({"min": min, "max": max}));
            let body = json!({"effective_from": day.to_string(), "target": target});
            Deed {
                method: Method::POST,
                path: format!("kpis/{key}/targets"),
                body: Some(body),
                then: Then::Target(day.into(), Some((min, max))),
                ..blank
            }
        }
        22 => match memory.targets.keys().next_back() {
            Some(day) => Deed {
                method: Method::DELETE,
                path: format!("kpis/{key}/targets/{day}"),
                then: Then::Target(*day, None),
                ..blank
            },
            None => Deed { method: Method::PATCH, body: Some(json!({})), ..blank },
        },
        _ if random.below(2) == 0 => {
            let aggregation = *random.one_of(Aggregation::ALL);
            let body = Some(json!({"aggregation": aggregation}));
            Deed { method: Method::PATCH, body, then: Then::Aggregation(aggregation), ..blank }
        }
        _ => {
            let (confirm, recover) = (1 + random.below(3) as i32, 1 + random.below(2) as i32);
            let body = Some(json!({"confirm_periods": confirm, "recover_periods": recover}));
            Deed { method: Method::PATCH, body, then: Then::Lengths(confirm, recover), ..blank }
        }
    }
}

/// When: often where there is a point already, else to the hour or on a day.
fn an_instant(random: &mut Random, memory: &Memory, now: Moment) -> (Moment, String) {
    let there: Vec<&(Moment, &str)> = memory.points.keys().collect();
    if !there.is_empty() && random.below(3) == 0 {
        let at = random.one_of(&there).0;
        return (at, at.timestamp().to_string());
    }
    let beginning: Timestamp = "2026-05-31T00:00:00Z".parse().expect("an instant");
    // Every second one among the newest days, where points come in for the most part.
    let reach = if random.below(2) == 0 { REACH } else { REACH / 15 };
    let hours = i64::try_from(random.below(reach)).expect("some hours");
    let at = beginning.min(now.timestamp()) - hours.hours();
    let at = Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).expect("an instant");
    if random.below(3) == 0 {
        let zone = jiff::tz::TimeZone::get(ZONE).expect("a zone");
        let day = zone.to_datetime(at).date();
        (first_instant(&zone, day), day.to_string())
    } else {
        (at.into(), at.to_string())
    }
}

fn a_feed(random: &mut Random) -> &'static str {
    if random.below(3) > 0 { "" } else { random.one_of::<&str>(&FEEDS) }
}

fn a_value(random: &mut Random) -> f64 {
    match random.below(30) {
        0 => 1e15,
        _ => (random.below(90) as f64 - 30.0) * 0.1,
    }
}

async fn send(caller: &Caller, deed: &Deed) -> crate::harness::Answer {
    let call = caller.call(deed.method.clone(), &deed.path);
    match &deed.body {
        Some(body) => call.json(body).fetch().await,
        None => call.fetch().await,
    }
}

/// What is answered is what the model expects; of two that say the same at once either may come first.
fn check_answer(modelled: &Modelled, deed: &Deed, answer: &crate::harness::Answer, is_alone: bool) {
    let was_there = deed.points.first().and_then(|(key, _)| modelled.memory.points.get(key));
    if deed.method == Method::DELETE && !deed.points.is_empty() {
        answer.expect(if was_there.is_some() { 204 } else { 404 });
        return;
    }
    assert!(answer.status < 300, "{} with {:?} answered {}", answer.call, deed.body, answer.raw);
    if let (Some(result), [(_, Some(value))], true) =
        (answer.body["result"].as_str(), deed.points.as_slice(), is_alone)
    {
        let expected = match was_there {
            None => "created",
            Some(there) if there == value => "unchanged",
            Some(_) => "replaced",
        };
        assert_eq!(result, expected, "{}", answer.call);
    }
    if deed.path == "points" {
        assert_eq!(answer.body["counts"]["rejected"], 0, "{}", answer.raw);
    }
}

fn apply(modelled: &mut Modelled, deed: &Deed) {
    for (key, value) in &deed.points {
        match value {
            Some(value) => modelled.memory.points.insert(*key, *value),
            None => modelled.memory.points.remove(key),
        };
    }
    match &deed.then {
        Then::Nothing => {}
        Then::Target(day, Some(bounds)) => {
            modelled.memory.targets.insert(*day, *bounds);
        }
        Then::Target(day, None) => {
            modelled.memory.targets.remove(day);
        }
        Then::Aggregation(aggregation) => modelled.case.aggregation = *aggregation,
        Then::Lengths(confirm, recover) => {
            (modelled.case.confirm_periods, modelled.case.recover_periods) = (*confirm, *recover);
        }
    }
}

/// Holds what is stored against the model and against a computation from scratch, and tells it.
async fn look(app: &App, modelled: &[Modelled]) -> String {
    let (workspace, rows, stored) = held_against_scratch(app).await;
    for one in modelled {
        let world = World {
            case: &one.case,
            store: &app.state.store,
            clock: &app.clock,
            workspace: workspace.clone(),
            kpi: rows[&one.key].clone(),
            memory: one.memory.clone(),
            past: Vec::new(),
        };
        if let Err(error) = world.check().await {
            panic!("{}: {error}", one.key);
        }
    }
    let mut told = String::new();
    for (key, (periods, stages)) in stored {
        let (workspace, kpi) = (format!("{:?}", workspace.id), format!("{:?}", rows[&key].id));
        for line in
            periods.iter().map(|row| format!("{row:?}")).chain(stages.iter().map(|row| format!("{row:?}")))
        {
            told.push_str(&format!("{key}: {}\n", line.replace(&workspace, "here").replace(&kpi, "it")));
        }
    }
    told
}
