//! Many points in one body, held against the engine itself.

use serde_json::{Value, json};

use super::{MONTHLY, MONTHS, Measuring};
use crate::Result;
use crate::client::request;
use crate::engine::{Engine, Manner};
use crate::load::Plan;
use crate::measure::Spread;
use crate::report::Bar;
use crate::settings::EngineName;
use crate::world::{self, Kpis, WORKSPACE, World};

/// How many points are in one body.
pub const POINTS: usize = 5_000;

/// A batch: which KPIs, and when.
#[derive(Clone, Copy)]
pub struct Batch {
    /// All KPIs that there are; a batch takes the next ones each time.
    pub kpis: Kpis,
    /// Over how many of them its points are spread.
    pub over: usize,
    /// Where in their histories.
    pub among: Among,
    /// The number of the batch: no two have a point in common.
    pub number: usize,
}

/// Where points fall.
#[derive(Clone, Copy)]
pub enum Among {
    /// Months of the last three years, from the oldest on.
    Months,
    /// The five days before yesterday.
    NewestDays,
}

impl Among {
    /// The beginnings of these months or days.
    fn beginnings(self) -> Vec<i64> {
        let mut days = match self {
            Self::Months => world::months(MONTHS),
            Self::NewestDays => world::days(6),
        };
        // The present month may have had its first minutes only.
        days.pop();
        days.into_iter().map(world::midnight).collect()
    }
}

impl Batch {
    /// The points: a KPI's number, seconds since 1970, and a value.
    pub fn points(&self) -> Vec<(usize, i64, f64)> {
        let beginnings = self.among.beginnings();
        let first = self.number * self.over % self.kpis.count;
        (0..POINTS)
            .map(|index| {
                let (kpi, turn) = (first + index % self.over, index / self.over);
                let beginning = beginnings.get(turn % beginnings.len()).copied().unwrap_or_default();
                let second = 3_600 + self.number as i64 * 10 + (turn / beginnings.len()) as i64;
                (kpi, beginning + second, world::value(kpi, turn + self.number))
            })
            .collect()
    }

    /// The request that posts it.
    pub fn request(&self, token: &str) -> String {
        let points: Vec<Value> = self
            .points()
            .into_iter()
            .map(|(kpi, at, value)| {
                let at = jiff::Timestamp::from_second(at).unwrap_or_default();
                json!({"kpi": self.kpis.key(kpi), "at": at.to_string(), "value": value})
            })
            .collect();
        request("POST", &format!("/v1/workspaces/{WORKSPACE}/points"), token, &json!(points).to_string())
    }

    /// How long the program takes for it, in milliseconds.
    pub fn post(&self, world: &World) -> Result<f64> {
        Ok(Plan::each_once(world.address()?, 1, vec![self.request(&world.token)]).drive()?.p50)
    }
}

/// The program's time against the engine's, for few KPIs and for many.
pub fn against_the_engine(measuring: &mut Measuring, world: &mut World, other: &mut World) -> Result<()> {
    other.stop();
    for (over, bar) in [(50, 0.6), (1_000, 0.4)] {
        held_against(measuring, world, other, over, Manner::Arrays, Some(Bar::AtLeast(bar)))?;
        if measuring.engine == EngineName::Postgres {
            held_against(measuring, world, other, over, Manner::RowByRow, None)?;
        }
    }
    other.serve(&[])
}

fn held_against(
    measuring: &mut Measuring,
    world: &World,
    other: &World,
    over: usize,
    manner: Manner,
    bar: Option<Bar>,
) -> Result<()> {
    let mut engine = Engine::open(other, MONTHLY.prefix, manner)?;
    // Each comparison has batches of its own, and so its own instants.
    let first = measuring.rows.len() * 100;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=2 * measuring.settings.rounds() {
        let batch = Batch { kpis: MONTHLY, over, among: Among::Months, number: first + round };
        let posted = batch.post(world)?;
        let stored = engine.store(&batch.points())?.as_secs_f64() * 1000.0;
        if round > 0 {
            ours.push(posted);
            theirs.push(stored);
        }
    }
    let ratio = Spread::of(theirs.iter().zip(&ours).map(|(engine, program)| engine / program).collect());
    let rate = |times: Vec<f64>| POINTS as f64 / Spread::of(times).median * 1000.0;
    let (manner, engine) = match (measuring.engine, manner) {
        (EngineName::Sqlite, _) => ("", "prepared statement"),
        (EngineName::Postgres, Manner::Arrays) => ("", "one statement with arrays"),
        (EngineName::Postgres, Manner::RowByRow) => (", row by row", "prepared statement row by row"),
    };
    let behind = format!("{:.0} points/s; {engine} {:.0} points/s", rate(ours), rate(theirs));
    let work = format!("POST 5,000 points over {over} KPIs / the engine's own speed{manner}");
    measuring.found(work, ratio, "x", bar, behind);
    Ok(())
}
