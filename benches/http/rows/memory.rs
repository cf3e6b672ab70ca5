//! How much memory the program keeps, as the kernel says.

use super::batches::{Among, Batch};
use super::post::{go_on, points};
use super::{MONTHLY, Measuring, READERS};
use crate::Result;
use crate::client::request;
use crate::measure::Spread;
use crate::report::Bar;
use crate::world::{WORKSPACE, World};

/// Just started, with the database open.
pub fn idle(measuring: &mut Measuring, world: &mut World) -> Result<()> {
    world.serve(&[])?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let figure = Spread::of(vec![mebibytes(world, "VmRSS")?]);
    measuring.found("memory, idle", figure, "MiB", Some(Bar::AtMost(40.0)), "resident, 2 s after the start");
    Ok(())
}

/// The most that it kept since it was started, after reads, single points and batches.
pub fn under_load(measuring: &mut Measuring, world: &mut World) -> Result<()> {
    world.serve(&[])?;
    let access = world.access()?;
    let paths = ["triage".to_owned(), "kpis?limit=50".to_owned(), format!("kpis/{}", MONTHLY.key(7))];
    for path in paths {
        let request = request("GET", &format!("/v1/workspaces/{WORKSPACE}/{path}"), &access, "");
        measuring.plan(world, READERS, vec![request])?.drive()?;
    }
    go_on(&points(measuring, world)?, &mut 10_000_000)?;
    for number in 0..10 {
        Batch { kpis: MONTHLY, over: 1_000, among: Among::Months, number: 800 + number }.post(world)?;
    }
    let (most, after) = (mebibytes(world, "VmHWM")?, mebibytes(world, "VmRSS")?);
    let behind = format!(
        "the most ever resident; {after:.0} MiB right after. {READERS} readers of triage, 50 KPIs and one KPI, \
         64 writers of single points, ten batches of 5,000"
    );
    measuring.found("memory, under load", Spread::of(vec![most]), "MiB", Some(Bar::AtMost(200.0)), behind);
    Ok(())
}

fn mebibytes(world: &World, name: &str) -> Result<f64> {
    let process = world.server.as_ref().ok_or("nothing serves")?.process();
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such figure")?;
    let kibibytes: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kibibytes / 1024.0)
}
