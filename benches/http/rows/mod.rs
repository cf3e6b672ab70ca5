//! What is measured, row by row.

mod batches;
mod large;
mod memory;
mod post;
mod reads;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Result;
use crate::load::Plan;
use crate::measure::Spread;
use crate::report::{Bar, Found, Row};
use crate::settings::{EngineName, Name, Settings};
use crate::world::{self, Kpis, WORKSPACE, World};

/// How many clients write at once.
const WRITERS: usize = 64;
/// How many clients read at once.
const READERS: usize = 32;

/// The KPIs on which most is measured: three years of months.
pub const MONTHLY: Kpis = Kpis { prefix: "kpi", count: 1_000, cadence: "monthly", aggregation: "last" };
const MONTHS: i32 = 36;

/// What the rows of one engine share.
pub struct Measuring<'a> {
    settings: &'a Settings,
    engine: EngineName,
    rows: Vec<Row>,
}

/// Measures everything that is asked for on one engine.
pub fn run(settings: &Settings, engine: EngineName) -> Vec<Row> {
    let mut measuring = Measuring { settings, engine, rows: Vec::new() };
    measuring.section("the workspace with 1,000 KPIs", |measuring| {
        let early = [Name::Kpi, Name::List, Name::Triage, Name::Memory, Name::Post, Name::Batch];
        if !early.into_iter().any(|name| settings.wants(name)) {
            return Ok(());
        }
        let mut world = measuring.monthly_world("bench")?;
        measuring.one(Name::Memory, "memory", |measuring| memory::idle(measuring, &mut world));
        measuring.one(Name::Kpi, "GET one KPI", |measuring| reads::kpi(measuring, &mut world));
        measuring.one(Name::List, "GET 50 KPIs", |measuring| reads::list(measuring, &mut world));
        measuring.one(Name::Triage, "GET triage", |measuring| reads::triage(measuring, &mut world));
        if settings.wants(Name::Post) || settings.wants(Name::Batch) {
            let mut other = measuring.monthly_world("bench_other")?;
            measuring.one(Name::Post, "POST one point", |measuring| {
                post::one_point(measuring, &mut world, &mut other)
            });
            measuring.one(Name::Batch, "POST 5,000 points", |measuring| {
                batches::against_the_engine(measuring, &mut world, &mut other)
            });
        }
        measuring.one(Name::Memory, "memory", |measuring| memory::under_load(measuring, &mut world));
        Ok(())
    });
    if settings.wants(Name::Large) {
        measuring.section("large tables", large::all);
    }
    measuring.rows
}

impl Measuring<'_> {
    /// Runs what makes several rows; where it cannot go on, that is a row.
    fn section(&mut self, what: &str, job: impl FnOnce(&mut Self) -> Result<()>) {
        eprintln!("{}: {what}", self.engine.shown());
        let done = catch_unwind(AssertUnwindSafe(|| job(self)));
        let why = match done {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.to_string(),
            Err(panic) => panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default(),
        };
        self.add(Row { work: what.to_owned(), engine: self.engine, found: Err(why) });
    }

    /// The same, where it is asked for.
    fn one(&mut self, name: Name, what: &str, job: impl FnOnce(&mut Self) -> Result<()>) {
        if self.settings.wants(name) {
            self.section(what, job);
        }
    }

    fn add(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    fn found(
        &mut self,
        work: impl Into<String>,
        figure: Spread,
        unit: &'static str,
        bar: Option<Bar>,
        behind: impl Into<String>,
    ) {
        let found = Found { figure, unit, bar, behind: behind.into() };
        self.add(Row { work: work.into(), engine: self.engine, found: Ok(found) });
    }

    /// A bar of this engine: the two have their own.
    fn by_engine(&self, sqlite: f64, postgres: f64) -> f64 {
        match self.engine {
            EngineName::Sqlite => sqlite,
            EngineName::Postgres => postgres,
        }
    }

    fn monthly_world(&self, name: &str) -> Result<World> {
        let world = World::new(self.engine, name)?;
        world.make_kpis(WORKSPACE, MONTHLY)?;
        world.make_points(MONTHLY, &world::months(MONTHS))?;
        Ok(world)
    }

    fn plan(&self, world: &World, connections: usize, requests: Vec<String>) -> Result<Plan> {
        Ok(Plan::new(world.address()?, connections, self.settings.seconds, requests))
    }
}
