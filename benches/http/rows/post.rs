//! Posting one point at a time, durable before it is answered.

use super::{MONTHLY, MONTHS, Measuring, WRITERS};
use crate::client::request;
use crate::load::{INSTANT, Instants, NUMBER, Outcome, Plan};
use crate::measure::{Spread, alone, in_turn, shown};
use crate::report::Bar;
use crate::settings::EngineName;
use crate::world::{self, WORKSPACE, World};
use crate::{Failure, Result};

/// Points for all KPIs in turn, each in another month than the one before and at an instant of its own.
pub fn points(measuring: &Measuring, world: &World) -> Result<Plan> {
    let requests = (0..MONTHLY.count)
        .map(|number| {
            let path = format!("/v1/workspaces/{WORKSPACE}/kpis/{}/points", MONTHLY.key(number));
            let body = format!(r#"{{"at":"{INSTANT}","value":4{NUMBER}e-7}}"#);
            request("POST", &path, &world.token, &body)
        })
        .collect();
    let plan = measuring.plan(world, WRITERS, requests)?;
    let first = world::months(MONTHS).first().map_or(0, |day| world::midnight(*day));
    // A minute after the points that are there; the last step lies before today.
    let instants = Instants { origin: first + 60, steps: 35, apart: 30 * 86_400 };
    Ok(Plan { instants, ..plan })
}

/// The same load with and without gathering what waits into one transaction.
pub fn one_point(measuring: &mut Measuring, world: &mut World, other: &mut World) -> Result<()> {
    let gathered = points(measuring, world)?;
    let mut next = 0;
    let found = alone(measuring.settings.rounds(), || go_on(&gathered, &mut next))?;
    let figure = Spread::of_outcomes(&found, |one| one.p99);
    let behind = format!("{}; {WRITERS} connections, {} KPIs", shown(&found), MONTHLY.count);
    measuring.found("POST one point, p99", figure, "ms", None, behind);
    other.serve(&["--gather", "off"]).map_err(|failure| {
        Failure::from(format!(
            "`regimen serve --gather off` does not serve, so there is nothing to hold it against: {failure}"
        ))
    })?;
    let one_by_one = points(measuring, other)?;
    let mut next_alone = 0;
    let compared = in_turn(
        measuring.settings.rounds(),
        || go_on(&gathered, &mut next),
        || go_on(&one_by_one, &mut next_alone),
    )?;
    other.serve(&[])?;
    let behind = format!(
        "{}; one transaction per request {}; {WRITERS} connections",
        shown(&compared.ours),
        shown(&compared.theirs)
    );
    // The bar is SQLite's: PostgreSQL gathers commits by itself.
    let bar = |bar: Bar| (measuring.engine == EngineName::Sqlite).then_some(bar);
    let (more, sooner) = (bar(Bar::AtLeast(6.0)), bar(Bar::AtMost(0.1)));
    let work = "POST one point / one transaction per request";
    measuring.found(work, compared.ratio(|one| one.per_second), "x", more, behind);
    let p99 = compared.ratio(|one| one.p99);
    measuring.found(format!("{work}, p99"), p99, "x", sooner, "");
    Ok(())
}

/// The next stretch of a load that repeats nothing.
pub fn go_on(plan: &Plan, next: &mut u64) -> Result<Outcome> {
    let outcome = Plan { first: *next, ..plan.clone() }.drive()?;
    *next = outcome.next;
    Ok(outcome)
}
