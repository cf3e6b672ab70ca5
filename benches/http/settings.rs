//! What the command line says.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures the served program against the bars, and writes what was found to benches/RESULTS.md.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo bench --bench http --")]
pub struct Settings {
    /// How many points the large tables hold, comma-separated
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    pub points: Vec<u64>,

    /// Only these rows, comma-separated
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Name>,

    /// Only on this engine
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// How often both sides are measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..))]
    pub rounds: u16,

    /// For how many seconds each time
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,

    /// Where the table is written; without it a run of some rows only prints
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,

    /// What /proc/loadavg said before anything was started
    #[arg(skip)]
    pub load_at_start: String,
}

/// A row, or rows that need the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// GET one KPI
    Kpi,
    /// GET a list of 50 KPIs with health
    List,
    /// GET triage of 1,000 KPIs
    Triage,
    /// POST one point from 64 clients
    Post,
    /// POST 5,000 points in one body
    Batch,
    /// Memory, idle and under load
    Memory,
    /// All that is measured on large tables
    Large,
}

/// The two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// The embedded one
    Sqlite,
    /// A server of its own
    Postgres,
}

impl EngineName {
    /// As people write it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Settings {
    /// Whether a row is asked for.
    pub fn wants(&self, name: Name) -> bool {
        self.only.is_empty() || self.only.contains(&name)
    }

    /// Whether an engine is asked for.
    pub fn wants_engine(&self, engine: EngineName) -> bool {
        self.engine.is_none_or(|only| only == engine)
    }

    /// Threads that answer, of the program and of the yardstick alike.
    pub fn workers(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }

    /// How often both sides are measured.
    pub fn rounds(&self) -> usize {
        usize::from(self.rounds)
    }

    /// Where the table goes.
    pub fn out(&self) -> Option<PathBuf> {
        let whole = self.only.is_empty() && self.engine.is_none();
        let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/RESULTS.md");
        self.out.clone().or_else(|| whole.then(usual))
    }
}
