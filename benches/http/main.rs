//! How fast the served program is: real requests over open connections, held against a bare handler and against the
//! engines themselves, side by side in one run.
//!
//! This executable is also the load (`load`) and the bare handler (`base`), each in a process of its own.

mod base;
mod client;
mod engine;
mod load;
mod load_points;
mod measure;
mod report;
mod rows;
mod settings;
mod sqlite_file;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use settings::{EngineName, Settings};

/// Why something could not be measured.
pub type Failure = Box<dyn std::error::Error>;
/// What was measured, or why not.
pub type Result<T> = std::result::Result<T, Failure>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((mode, _)) if mode == load::MODE => load::run().map(|()| ExitCode::SUCCESS),
        Some((mode, rest)) if mode == base::MODE => base::run(rest).map(|()| ExitCode::SUCCESS),
        _ => measure_all(Settings::parse(), &arguments),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::FAILURE
    })
}

/// Where PostgreSQL is, for the tests and for this.
const POSTGRES: &str = "TEST_POSTGRES_URL";

fn measure_all(mut settings: Settings, arguments: &[String]) -> Result<ExitCode> {
    if settings.wants_engine(EngineName::Postgres) && std::env::var_os(POSTGRES).is_none() {
        return with_postgres(arguments);
    }
    settings.load_at_start = std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned();
    let started = Instant::now();
    let mut rows = Vec::new();
    for engine in [EngineName::Sqlite, EngineName::Postgres] {
        if !settings.wants_engine(engine) {
            continue;
        }
        match forced_to_disk(engine) {
            Ok(()) => rows.extend(rows::run(&settings, engine)),
            Err(failure) => rows.push(report::Row {
                work: "everything".to_owned(),
                engine,
                found: Err(failure.to_string()),
            }),
        }
    }
    let text = report::text(&rows, &settings, started.elapsed().as_secs_f64());
    println!("\n{text}");
    if let Some(path) = settings.out() {
        std::fs::write(&path, text)?;
        eprintln!("written to {}", path.display());
    }
    let all_measured = !rows.is_empty() && rows.iter().all(|row| row.found.is_ok());
    Ok(if all_measured { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A commit that no disk has seen is no commit: its speed says nothing.
fn forced_to_disk(engine: EngineName) -> Result<()> {
    if engine == EngineName::Sqlite {
        return Ok(());
    }
    let url = std::env::var(POSTGRES)?;
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value = engine::setting(&url, name)?;
        if value != "on" {
            return Err(format!("{name} is {value} on the server of {POSTGRES}: it must be on").into());
        }
    }
    Ok(())
}

/// The same again, with a server that is thrown away afterwards.
fn with_postgres(arguments: &[String]) -> Result<ExitCode> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres");
    let status = Command::new("bash")
        .args([script, "with"])
        .arg(std::env::current_exe()?)
        .args(arguments)
        .env("TEST_POSTGRES_FSYNC", "on")
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
