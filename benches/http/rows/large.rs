//! The same work where many points are stored, held against a database with ten thousand.

use super::batches::{Among, Batch};
use super::post::go_on;
use super::{MONTHS, Measuring};
use crate::Result;
use crate::client::request;
use crate::load::{INSTANT, Instants, NUMBER, Plan};
use crate::load_points::{DAILY, Filled, MONTHLY, fill};
use crate::measure::{Spread, in_turn, shown};
use crate::report::Bar;
use crate::world::{self, WORKSPACE};

const SMALL: u64 = 10_000;

/// How many days at each end of a history are its oldest and its newest.
const NEWEST: usize = 10;

/// Everything about large tables: each size against the small one, and against the size before it.
pub fn all(measuring: &mut Measuring) -> Result<()> {
    let mut known = vec![fill(measuring.engine, "bench_small", SMALL)?];
    for points in &measuring.settings.points {
        let mut filled = fill(measuring.engine, &format!("bench_{points}"), *points)?;
        let size = millions(filled.points);
        let behind =
            format!("table and index; what is derived takes {:.1} more", filled.derived_bytes_per_point);
        let figure = Spread::of(vec![filled.bytes_per_point]);
        measuring.found(format!("bytes per point, {size}"), figure, "bytes", None, behind);
        measuring.section("start to ready", |measuring| start(measuring, &mut filled));
        measuring.section("points at depth", |measuring| depth(measuring, &filled));
        for smaller in known.iter_mut().rev() {
            measuring.section("reads of a large table", |measuring| reads(measuring, &mut filled, smaller));
        }
        if let Some(small) = known.first() {
            measuring.section("batches into a large table", |measuring| batches(measuring, &filled, small));
        }
        known.push(filled);
    }
    Ok(())
}

/// From the start of the process until it says that it is ready.
fn start(measuring: &mut Measuring, filled: &mut Filled) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..measuring.settings.rounds() {
        filled.world.stop();
        let started = std::time::Instant::now();
        filled.world.serve(&[])?;
        filled.world.call("GET", "/readyz", "", &serde_json::Value::Null)?;
        times.push(started.elapsed().as_secs_f64());
    }
    let work = format!("start to ready, {}", millions(filled.points));
    measuring.found(work, Spread::of(times), "s", Some(Bar::AtMost(2.0)), "after kill -9");
    Ok(())
}

/// What is read most, one request at a time.
fn reads(measuring: &mut Measuring, large: &mut Filled, small: &mut Filled) -> Result<()> {
    let year = world::days(365);
    let (Some(from), Some(to)) = (year.first(), year.last()) else { return Err("no days".into()) };
    let first = DAILY.key(0);
    let paths = [
        ("GET one KPI", format!("kpis/{}", DAILY.key(500))),
        ("GET triage", "triage".to_owned()),
        ("GET a year of daily periods", format!("kpis/{first}/periods?from={from}&to={to}")),
        ("GET a year of daily points", format!("points?kpi={first}&from={from}&to={to}")),
    ];
    for (what, path) in paths {
        let path = format!("/v1/workspaces/{WORKSPACE}/{path}");
        let (ours, theirs) = (large.world.access()?, small.world.access()?);
        let plan = measuring.plan(&large.world, 1, vec![request("GET", &path, &ours, "")])?;
        let other = measuring.plan(&small.world, 1, vec![request("GET", &path, &theirs, "")])?;
        let compared = in_turn(measuring.settings.rounds(), || plan.drive(), || other.drive())?;
        let behind = format!("{}; {} there", shown(&compared.ours), shown(&compared.theirs));
        let work = format!("{what}, {} / {}", millions(large.points), millions(small.points));
        measuring.found(work, compared.ratio(|one| one.p50), "x", Some(Bar::AtMost(1.2)), behind);
    }
    Ok(())
}

/// Many points in one body: into KPIs that are the same in both, and into those that hold the mass.
fn batches(measuring: &mut Measuring, large: &Filled, small: &Filled) -> Result<()> {
    let alike = format!("with {MONTHS} months each");
    let deep = format!("with {} days each, against {}", large.days, small.days);
    let kinds = [
        (MONTHLY, 50, Among::Months, &alike),
        (MONTHLY, 200, Among::Months, &alike),
        (DAILY, 1_000, Among::NewestDays, &deep),
        (DAILY, 1_000, Among::Months, &deep),
    ];
    for (kpis, over, among, of) in kinds {
        let first = measuring.rows.len() * 100;
        let (mut ratios, mut times) = (Vec::new(), Vec::new());
        for round in 0..=2 * measuring.settings.rounds() {
            let batch = Batch { kpis, over, among, number: first + round };
            let (ours, theirs) = (batch.post(&large.world)?, batch.post(&small.world)?);
            if round > 0 {
                ratios.push(ours / theirs);
                times.push((ours, theirs));
            }
        }
        let (ours, theirs): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
        let behind =
            format!("{:.0} ms; {:.0} ms there; {of}", Spread::of(ours).median, Spread::of(theirs).median);
        let work = format!(
            "POST 5,000 points over {over} {} KPIs{}, {} / {}",
            kpis.cadence,
            match (kpis.cadence, among) {
                ("daily", Among::Months) => ", three years late",
                (_, Among::Months | Among::NewestDays) => "",
            },
            millions(large.points),
            millions(small.points)
        );
        measuring.found(work, Spread::of(ratios), "x", Some(Bar::AtMost(1.3)), behind);
    }
    Ok(())
}

/// Late and corrected points at the old end of a daily KPI with ten years of them, held against its newest ten days.
fn depth(measuring: &mut Measuring, filled: &Filled) -> Result<()> {
    let days = world::days(i32::try_from(filled.days_of_first)?);
    let (oldest, newest) = (&days[..NEWEST.min(days.len())], &days[days.len().saturating_sub(NEWEST)..]);
    // Not the KPI whose year is read, or that year would hold more points than the other database's.
    let path = format!("/v1/workspaces/{WORKSPACE}/kpis/{}/points", DAILY.key(1));
    let token = &filled.world.token;
    let late = |days: &[jiff::civil::Date]| -> Result<Plan> {
        let body = format!(r#"{{"at":"{INSTANT}","value":4{NUMBER}e-7}}"#);
        let plan = measuring.plan(&filled.world, 1, vec![request("POST", &path, token, &body)])?;
        let origin = days.first().map_or(0, |day| world::midnight(*day)) + 3_600;
        Ok(Plan { instants: Instants { origin, steps: days.len() as u64, apart: 86_400 }, ..plan })
    };
    let corrected = |days: &[jiff::civil::Date]| -> Result<Plan> {
        let body = |day: &jiff::civil::Date| format!(r#"{{"at":"{day}","value":4{NUMBER}e-7}}"#);
        let requests = days.iter().map(|day| request("POST", &path, token, &body(day))).collect();
        measuring.plan(&filled.world, 1, requests)
    };
    let kinds = [
        ("POST one late point", late(oldest)?, late(newest)?),
        ("POST one corrected point", corrected(oldest)?, corrected(newest)?),
    ];
    for (what, deep, recent) in kinds {
        let (mut next, mut next_recent) = (0, 0);
        let compared = in_turn(
            measuring.settings.rounds(),
            || go_on(&deep, &mut next),
            || go_on(&recent, &mut next_recent),
        )?;
        let behind = format!("{}; newest {}", shown(&compared.ours), shown(&compared.theirs));
        let work = format!("{what} ten years back / among the newest");
        measuring.found(work, compared.ratio(|one| one.p50), "x", None, behind);
    }
    Ok(())
}

fn millions(points: u64) -> String {
    match points {
        few if few < 500_000 => format!("{} thousand", (few + 500) / 1000),
        many => format!("{:.1} million", many as f64 / 1e6),
    }
}
