//! Reading, held against a bare handler that answers as many bytes.

use super::{MONTHLY, Measuring, READERS};
use crate::Result;
use crate::base::Base;
use crate::client::request;
use crate::load::Plan;
use crate::measure::{Spread, alone, in_turn, shown};
use crate::report::Bar;
use crate::world::{WORKSPACE, World};

/// GET one KPI, another one each time, with an access token.
pub fn kpi(measuring: &mut Measuring, world: &mut World) -> Result<()> {
    let access = world.access()?;
    let requests = (0..MONTHLY.count)
        .map(|number| {
            let path = format!("/v1/workspaces/{WORKSPACE}/kpis/{}", MONTHLY.key(number));
            request("GET", &path, &access, "")
        })
        .collect();
    let plan = measuring.plan(world, READERS, requests)?;
    let bar = measuring.by_engine(0.40, 0.15);
    against_base(measuring, "GET one KPI", plan, bar)
}

/// GET a page of 50 KPIs with what each shows.
pub fn list(measuring: &mut Measuring, world: &mut World) -> Result<()> {
    let access = world.access()?;
    let path = format!("/v1/workspaces/{WORKSPACE}/kpis?limit=50");
    let plan = measuring.plan(world, READERS, vec![request("GET", &path, &access, "")])?;
    against_base(measuring, "GET 50 KPIs with health", plan, 0.20)
}

fn against_base(measuring: &mut Measuring, work: &str, plan: Plan, bar: f64) -> Result<()> {
    let first = Plan { most: 1, connections: 1, ..plan.clone() }.drive()?;
    let base = Base::start(measuring.settings.workers(), first.bytes)?;
    let bare = Plan { address: base.address.clone(), ..plan.clone() };
    let compared = in_turn(measuring.settings.rounds(), || plan.drive(), || bare.drive())?;
    let behind = format!(
        "{}; bare handler {}; {} bytes, {} connections",
        shown(&compared.ours),
        shown(&compared.theirs),
        first.bytes,
        plan.connections
    );
    let figure = compared.ratio(|one| one.per_second);
    measuring.found(format!("{work} / bare handler"), figure, "x", Some(Bar::AtLeast(bar)), behind);
    Ok(())
}

/// GET triage, one request at a time.
pub fn triage(measuring: &mut Measuring, world: &mut World) -> Result<()> {
    let access = world.access()?;
    let path = format!("/v1/workspaces/{WORKSPACE}/triage");
    let plan = measuring.plan(world, 1, vec![request("GET", &path, &access, "")])?;
    let found = alone(measuring.settings.rounds(), || plan.drive())?;
    let bytes = found.first().map_or(0, |one| one.bytes);
    let figure = Spread::of_outcomes(&found, |one| one.p99);
    let behind = format!("{}; {bytes} bytes, 1,000 KPIs, one request at a time", shown(&found));
    measuring.found("GET triage, p99", figure, "ms", Some(Bar::AtMost(25.0)), behind);
    Ok(())
}
