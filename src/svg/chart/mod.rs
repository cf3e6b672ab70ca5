//! A chart of a KPI: its values in time, and all that they are held against.
//!
//! From above to below: what it is and how it stands, numbers of what happened, the plot, the names of periods, what is
//! done about it, what happened, and what each mark means. Every part gets lines of its own, so that no words meet.

mod plot;

use jiff::civil::{Date, date};

use super::layout::{TEXT, TITLE, fitted, flowed, width_of, wrapped};
use super::pen::{Anchor, Pen};
use super::{Picture, Said, Theme, mark, picture, spoken};
use crate::maths::{Health, NaturalLimits, Target, days_between};
use plot::Plot;

/// A chart.
#[derive(Clone, Copy)]
pub struct Chart<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What it shows, as sentences made of the numbers.
    pub description: &'a str,
    /// How it stands, in a few words each.
    pub facts: &'a [String],
    /// How it is doing.
    pub health: Health,
    /// The periods in order of time, empty ones too.
    pub points: &'a [Point],
    /// The targets in order of time.
    pub targets: &'a [Stretch<Target>],
    /// The natural limits of each segment, in order of time.
    pub segments: &'a [Stretch<NaturalLimits>],
    /// Where a line through the newest values leads.
    pub ahead: &'a [Ahead],
    /// What is done about it, the newest first.
    pub remedies: &'a [Stretch<String>],
    /// What happened on which day, in order of time.
    pub annotations: &'a [(Date, String)],
    /// A value as people read it beside an axis.
    pub number: &'a dyn Fn(f64) -> String,
}

/// A period of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its middle, in days.
    pub x: f64,
    /// What people call it.
    pub name: String,
    /// Its value, where it has one.
    pub value: Option<f64>,
    /// How it was judged.
    pub health: Health,
    /// Whether it is a signal or may be noise.
    pub says: Says,
}

/// What a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// That something changed.
    Signal,
    /// Nothing: it may be noise.
    Noise,
}

/// Something that holds for a stretch of days.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch<T> {
    /// The first day.
    pub from: f64,
    /// The end of the last day.
    pub until: f64,
    /// What holds.
    pub what: T,
}

/// A step ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    /// Its middle, in days.
    pub x: f64,
    /// The line.
    pub value: f64,
    /// The lower end of what is usual around it.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A day as a number, for what stands on the axis of time.
pub fn day(day: Date) -> f64 {
    days_between(date(1970, 1, 1), day) as f64
}

/// The narrowest and the widest chart, in pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 280..=1600;
/// How many remedies and annotations are told below the plot.
const MOST_TOLD: usize = 5;
/// From one line of text to the next.
const LINE: f64 = 18.0;
/// Room at the edges.
const ROOM: f64 = 12.0;

impl Chart<'_> {
    /// The picture, as wide as asked for in pixels and as high as it needs.
    pub fn picture(&self, width: u32, theme: Theme) -> Picture {
        let width = f64::from(width.clamp(*WIDTHS.start(), *WIDTHS.end()));
        let inner = width - 2.0 * ROOM;
        let title = wrapped(self.title, inner, TITLE, 2);
        let facts = flowed(self.facts, "  ·  ", inner - LINE, TEXT);
        let top = ROOM + 22.0 * title.len() as f64 + LINE * facts.len() as f64 + 4.0;
        let plot_height = (width * 0.42).clamp(170.0, 420.0);
        let plot = Plot::of(self, (width, ROOM), (top, plot_height));
        let remedies = self.remedies.get(..self.remedies.len().min(MOST_TOLD)).unwrap_or_default();
        let annotations = self.annotations.get(..self.annotations.len().min(MOST_TOLD)).unwrap_or_default();
        let legend = Legend::of(self, inner);
        let lines = remedies.len() + annotations.len() + self.more().len() + legend.lines.len();
        let height = plot.below() + LINE * lines as f64 + ROOM;

        let said = Said { title: self.title, description: self.description };
        picture(said, (width, height), theme, |pen| {
            pen.rect("back", (0.0, 0.0), (width, height), 6.0);
            let mut y = ROOM + 14.0;
            for line in &title {
                pen.text("title", (ROOM, y), Anchor::Start, line);
                y += 22.0;
            }
            if !facts.is_empty() {
                mark(pen, self.health, (ROOM + 6.0, y - 6.0), 4.5);
            }
            for line in &facts {
                pen.text("fact", (ROOM + LINE, y - 2.0), Anchor::Start, line);
                y += LINE;
            }
            plot.draw(pen, self);
            let mut y = plot.below() + TEXT;
            for remedy in remedies {
                plot.span(pen, remedy, y);
                y += LINE;
            }
            for (number, (day, text)) in (1..).zip(annotations) {
                pen.text("flag", (ROOM, y), Anchor::Start, &number.to_string());
                let text = format!("{day}  {text}");
                pen.text("told", (ROOM + LINE, y), Anchor::Start, &fitted(&text, inner - LINE, TEXT));
                y += LINE;
            }
            for more in self.more() {
                pen.text("soft", (ROOM, y), Anchor::Start, &fitted(&more, inner, TEXT));
                y += LINE;
            }
            legend.draw(pen, y);
        })
    }

    /// What there is no room to tell.
    fn more(&self) -> Vec<String> {
        let left = |all: usize, what: &str| {
            let left = all.saturating_sub(MOST_TOLD);
            (left > 0).then(|| format!("and {left} more {what}"))
        };
        let remedies = left(self.remedies.len(), "remedies");
        remedies.into_iter().chain(left(self.annotations.len(), "annotations")).collect()
    }
}

/// What a mark of the legend looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sample {
    Mark(Health),
    Line(&'static str),
    Area(&'static str),
    Signal,
    Flag,
}

/// What each mark means, in lines; only those that are there.
struct Legend {
    lines: Vec<Vec<(f64, Sample, String)>>,
}

/// Room for a sample before its words.
const SAMPLE: f64 = 26.0;
/// Room between entries.
const BETWEEN: f64 = 16.0;

impl Legend {
    fn of(chart: &Chart, width: f64) -> Self {
        let mut lines: Vec<Vec<(f64, Sample, String)>> = Vec::new();
        let mut x = 0.0;
        for (sample, words) in entries(chart) {
            let needs = SAMPLE + width_of(words, TEXT);
            match lines.last_mut() {
                Some(line) if x + needs <= width => line.push((x, sample, words.to_owned())),
                Some(_) | None => {
                    x = 0.0;
                    lines.push(vec![(x, sample, words.to_owned())]);
                }
            }
            x += needs + BETWEEN;
        }
        Self { lines }
    }

    fn draw(&self, pen: &mut Pen, mut y: f64) {
        for line in &self.lines {
            for (x, sample, words) in line {
                let (left, middle) = (ROOM + x, y - 4.0);
                let (right, centre) = (left + SAMPLE - 8.0, left + 9.0);
                match sample {
                    Sample::Mark(health) => mark(pen, *health, (centre, middle), 4.0),
                    Sample::Line(class) => pen.line(class, (left, middle), (right, middle)),
                    Sample::Area(class) => pen.rect(class, (left, middle - 5.0), (right - left, 10.0), 1.0),
                    Sample::Signal => plot::ring(pen, (centre, middle)),
                    Sample::Flag => pen.text("flag", (centre, y), Anchor::Middle, "1"),
                }
                pen.text("soft", (left + SAMPLE, y), Anchor::Start, words);
            }
            y += LINE;
        }
    }
}

fn entries(chart: &Chart) -> Vec<(Sample, &'static str)> {
    let has = |health| chart.points.iter().any(|point| point.value.is_some() && point.health == health);
    let healths = [Health::Healthy, Health::AtRisk, Health::Unhealthy, Health::Unknown];
    let mut entries: Vec<(Sample, &'static str)> = healths
        .into_iter()
        .filter(|health| has(*health))
        .map(|health| {
            (Sample::Mark(health), if health == Health::Unknown { "not judged" } else { spoken(health) })
        })
        .collect();
    let tolerated = |stretch: &Stretch<Target>| {
        stretch.what.tolerance.min.is_some() || stretch.what.tolerance.max.is_some()
    };
    let others = [
        (chart.points.iter().any(|point| point.says == Says::Signal), Sample::Signal, "signal, not noise"),
        (!chart.targets.is_empty(), Sample::Area("band"), "target"),
        (chart.targets.iter().any(tolerated), Sample::Line("tolerance"), "tolerance"),
        (!chart.segments.is_empty(), Sample::Line("limit"), "natural limits"),
        (!chart.segments.is_empty(), Sample::Line("centre"), "centre"),
        (!chart.ahead.is_empty(), Sample::Line("ahead"), "if it goes on like this"),
        (!chart.remedies.is_empty(), Sample::Area("remedy"), "remedy"),
        (!chart.annotations.is_empty(), Sample::Flag, "what happened"),
    ];
    entries.extend(
        others.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, sample, words)| (sample, words)),
    );
    entries
}
