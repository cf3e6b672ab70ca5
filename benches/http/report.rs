//! What was measured, as a table for people.

use std::fmt::Write as _;
use std::process::Command;

use crate::measure::Spread;
use crate::settings::{EngineName, Settings};

/// One figure.
pub struct Row {
    /// What was done, against what.
    pub work: String,
    /// On which engine.
    pub engine: EngineName,
    /// What was found, or why nothing was.
    pub found: Result<Found, String>,
}

/// A figure that was found.
pub struct Found {
    /// The figure, with its spread over the rounds.
    pub figure: Spread,
    /// What it counts: `x` is a ratio.
    pub unit: &'static str,
    /// What it should be.
    pub bar: Option<Bar>,
    /// What stands behind it.
    pub behind: String,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Bar {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Bar {
    fn is_reached(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bar) => figure >= bar,
            Self::AtMost(bar) => figure <= bar,
        }
    }

    fn shown(self, unit: &str) -> String {
        match self {
            Self::AtLeast(bar) => format!(">= {bar} {unit}"),
            Self::AtMost(bar) => format!("<= {bar} {unit}"),
        }
    }
}

const HEAD: &str = "| work | engine | bar | found | spread | reached | behind it |\n\
    | --- | --- | --- | --- | --- | --- | --- |\n";

impl Row {
    /// As a line of the table.
    pub fn line(&self) -> String {
        let (work, engine) = (&self.work, self.engine.shown());
        match &self.found {
            Err(why) => format!("| {work} | {engine} | | could not be measured | | | {} |", one_line(why)),
            Ok(Found { figure, unit, bar, behind }) => {
                let wanted = bar.map_or_else(String::new, |bar| bar.shown(unit));
                let reached = match bar {
                    None => "",
                    Some(bar) if bar.is_reached(figure.median) => "yes",
                    Some(_) => "**no**",
                };
                format!(
                    "| {work} | {engine} | {wanted} | {} {unit} | {} to {} | {reached} | {} |",
                    number(figure.median),
                    number(figure.least),
                    number(figure.most),
                    one_line(behind)
                )
            }
        }
    }
}

/// Three digits that say something.
fn number(figure: f64) -> String {
    let digits = match figure.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{figure:.digits$}")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "/")
}

/// The whole report.
pub fn text(rows: &[Row], settings: &Settings, seconds: f64) -> String {
    let mut text = String::from(
        "# Results\n\nWritten by `cargo bench --bench http`; see [README.md](README.md) for what each row is.\n\n",
    );
    for (name, value) in machine(settings) {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- took: {seconds:.0} s\n");
    text.push_str(HEAD);
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    text
}

fn machine(settings: &Settings) -> Vec<(&'static str, String)> {
    let first = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| line.split_once(':').map(|(_, value)| value.trim().to_owned()))
    };
    let unknown = || "unknown".to_owned();
    let memory = first("/proc/meminfo", "MemTotal").and_then(|text| {
        let kibibytes: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some(format!("{:.1} GiB", kibibytes / 1024.0 / 1024.0))
    });
    #[allow(clippy::disallowed_methods, reason = "the report says when it was made")]
    let now = jiff::Timestamp::now();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    vec![
        ("date", format!("{now:.0}")),
        ("commit", said("git", &["describe", "--always", "--dirty"]).unwrap_or_else(unknown)),
        ("command", format!("cargo bench --bench http -- {}", arguments.join(" "))),
        ("cores", settings.workers().to_string()),
        ("processor", first("/proc/cpuinfo", "model name").unwrap_or_else(unknown)),
        ("memory", memory.unwrap_or_else(unknown)),
        ("kernel", said("uname", &["-sr"]).unwrap_or_else(unknown)),
        ("load when it began", settings.load_at_start.clone()),
        (
            "rounds",
            format!(
                "{} of {} s for each side, after one that does not count",
                settings.rounds, settings.seconds
            ),
        ),
    ]
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
