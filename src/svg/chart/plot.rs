//! The plot of a chart: scales, and everything that is drawn between them.

use super::{Chart, LINE, Says, Stretch, day};
use crate::maths::Target;
use crate::svg::layout::{TEXT, fitted, width_of};
use crate::svg::mark;
use crate::svg::pen::{Anchor, Pen, number};
use crate::svg::scale::{Scale, around, ticks};

/// Where things lie in the plot.
pub struct Plot {
    across: Scale,
    up: Scale,
    ticks: Vec<(f64, String)>,
    /// The line of the numbers of what happened, above the plot; absent without any.
    flags: Option<f64>,
}

/// Room between numbers and the plot.
const GAP: f64 = 8.0;
/// Room between the names of periods.
const APART: f64 = 12.0;

impl Plot {
    /// The plot of a chart between its edges and below its words.
    pub fn of(chart: &Chart, (width, room): (f64, f64), (top, height): (f64, f64)) -> Self {
        let (low, high) = around(numbers(chart));
        let ticks = labelled(chart, ticks(low, high, (height / 48.0) as usize));
        let widest = ticks.iter().map(|(_, label)| width_of(label, TEXT)).fold(0.0, f64::max);
        let flags = (!chart.annotations.is_empty()).then_some(top + TEXT);
        let from = top + flags.map_or(6.0, |_| LINE + 4.0);
        let days = chart.points.iter().map(|point| point.x).chain(chart.ahead.iter().map(|ahead| ahead.x));
        let (first, last) =
            days.fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), x| (first.min(x), last.max(x)));
        let (first, last) = if first > last { (0.0, 1.0) } else { (first, last) };
        let left = room + widest + GAP;
        Self {
            across: Scale { low: first, high: last, from: left + GAP, to: width - room - GAP },
            up: Scale { low, high, from: from + height, to: from },
            ticks,
            flags,
        }
    }

    /// Where the words below the plot begin.
    pub fn below(&self) -> f64 {
        self.up.from + 8.0 + LINE
    }

    fn left(&self) -> f64 {
        self.across.from - GAP
    }

    fn right(&self) -> f64 {
        self.across.to + GAP
    }

    /// A day within the plot.
    fn within(&self, x: f64) -> f64 {
        self.across.at(x).clamp(self.left(), self.right())
    }

    /// Draws it, from what lies behind to what lies in front.
    pub fn draw(&self, pen: &mut Pen, chart: &Chart) {
        let (left, right, bottom) = (self.left(), self.right(), self.up.from);
        for stretch in chart.targets {
            self.target(pen, stretch);
        }
        for (value, label) in &self.ticks {
            let y = self.up.at(*value);
            pen.line("grid", (left, y), (right, y));
            pen.text("soft", (left - GAP, y + 4.0), Anchor::End, label);
        }
        pen.line("axis", (left, bottom), (right, bottom));
        if chart.points.iter().all(|point| point.value.is_none()) {
            let middle = ((left + right) / 2.0, (self.up.from + self.up.to) / 2.0);
            pen.text("soft", middle, Anchor::Middle, "There is no value yet");
            return;
        }
        for segment in chart.segments {
            let (from, until) = (self.within(segment.from), self.within(segment.until));
            for (class, value) in [
                ("limit", segment.what.lower),
                ("limit", segment.what.upper),
                ("centre", segment.what.centre),
            ] {
                pen.line(class, (from, self.up.at(value)), (until, self.up.at(value)));
            }
        }
        self.ahead(pen, chart);
        self.flags(pen, chart);
        let line: Vec<Option<(f64, f64)>> = chart
            .points
            .iter()
            .map(|point| point.value.map(|value| (self.across.at(point.x), self.up.at(value))))
            .collect();
        pen.polyline("series", &line);
        let size = if chart.points.len() > 60 { 2.5 } else { 3.75 };
        for (point, place) in
            chart.points.iter().zip(&line).filter_map(|(point, place)| Some((point, (*place)?)))
        {
            if point.says == Says::Signal {
                ring(pen, place);
            }
            mark(pen, point.health, place, size);
        }
        self.names(pen, chart);
    }

    /// A healthy band with its edges, and those of the tolerance.
    fn target(&self, pen: &mut Pen, stretch: &Stretch<Target>) {
        let (from, until) = (self.within(stretch.from), self.within(stretch.until));
        let (top, bottom) = (self.up.to, self.up.from);
        let band = stretch.what.band;
        let upper = band.max.map_or(top, |max| self.up.at(max).clamp(top, bottom));
        let lower = band.min.map_or(bottom, |min| self.up.at(min).clamp(top, bottom));
        pen.rect("band", (from, upper), (until - from, lower - upper), 0.0);
        let edges = |pen: &mut Pen, class, ends: [Option<f64>; 2]| {
            for y in ends.into_iter().flatten().map(|end| self.up.at(end)) {
                if (top..=bottom).contains(&y) {
                    pen.line(class, (from, y), (until, y));
                }
            }
        };
        edges(pen, "bound", [band.min, band.max]);
        edges(pen, "tolerance", [stretch.what.tolerance.min, stretch.what.tolerance.max]);
    }

    /// Where a line through the newest values leads, and what is usual around it.
    fn ahead(&self, pen: &mut Pen, chart: &Chart) {
        let at = |x: f64, value: f64| (self.across.at(x), self.up.at(value));
        let upper = chart.ahead.iter().map(|ahead| at(ahead.x, ahead.high));
        let lower = chart.ahead.iter().rev().map(|ahead| at(ahead.x, ahead.low));
        let outline: Vec<String> =
            upper.chain(lower).map(|(x, y)| format!("{} {}", number(x), number(y))).collect();
        if !outline.is_empty() {
            pen.draw("path", &[("class", "spread"), ("d", &format!("M{}Z", outline.join("L")))]);
        }
        let line: Vec<Option<(f64, f64)>> =
            chart.ahead.iter().map(|ahead| Some(at(ahead.x, ahead.value))).collect();
        pen.polyline("ahead", &line);
    }

    /// A line for each thing that happened, with its number; the numbers of those that lie close share a place.
    fn flags(&self, pen: &mut Pen, chart: &Chart) {
        let Some(y) = self.flags else { return };
        let mut groups: Vec<Flags> = Vec::new();
        for (index, (on, _)) in (1..).zip(chart.annotations) {
            let x = day(*on);
            if x < self.across.low - 1.0 || x > self.across.high + 1.0 {
                continue;
            }
            let x = self.within(x);
            pen.line("note", (x, self.up.to), (x, self.up.from));
            groups.push(Flags { x, first: index, last: index });
        }
        let half = |flags: &Flags| width_of(&flags.label(), TEXT) / 2.0;
        let place = |flags: &Flags| flags.x.clamp(self.left() + half(flags), self.right() - half(flags));
        // A group that grows gets a wider label, which may meet the next one.
        while let Some(meets) = groups.windows(2).position(|pair| match pair {
            [one, next] => place(one) + half(one) + 6.0 > place(next) - half(next),
            _ => false,
        }) {
            let next = groups.remove(meets + 1);
            if let Some(one) = groups.get_mut(meets) {
                one.last = next.last;
            }
        }
        for flags in &groups {
            pen.text("flag", (place(flags), y), Anchor::Middle, &flags.label());
        }
    }

    /// The names of periods, from the newest on, as many as have room.
    fn names(&self, pen: &mut Pen, chart: &Chart) {
        let y = self.up.from + TEXT + 6.0;
        let mut free = self.right();
        for (place, point) in chart.points.iter().enumerate().rev() {
            let half = width_of(&point.name, TEXT) / 2.0;
            let x = self.across.at(point.x).min(self.right() - half);
            // The first name may begin below the numbers, where there is room.
            let x = if place == 0 { x.max(self.left() - GAP + half) } else { x };
            if x + half > free || x - half < self.left() - GAP {
                continue;
            }
            pen.text("soft", (x, y), Anchor::Middle, &point.name);
            free = x - half - APART;
        }
    }

    /// Something that lasts, on a line of its own.
    pub fn span(&self, pen: &mut Pen, stretch: &Stretch<String>, y: f64) {
        let (from, until) = (self.within(stretch.from), self.within(stretch.until));
        let until = until.max(from + 4.0);
        pen.rect("remedy", (from, y - 12.0), (until - from, 15.0), 3.0);
        // Inside where the words fit, else behind it, else before it; else where most of them fit.
        let rooms = [until - from - 2.0 * GAP, self.right() - until - GAP, from - GAP - self.left()];
        let wide = width_of(&stretch.what, TEXT);
        let widest = rooms.into_iter().fold(0.0, f64::max);
        let place = rooms.iter().position(|room| *room >= wide.min(widest)).unwrap_or_default();
        let words = fitted(&stretch.what, wide.min(widest), TEXT);
        let x = match place {
            0 => from + GAP,
            1 => until + GAP,
            _ => from - GAP - width_of(&words, TEXT),
        };
        pen.text("told", (x, y), Anchor::Start, &words);
    }
}

/// The numbers of what happened at a place.
struct Flags {
    x: f64,
    first: usize,
    last: usize,
}

impl Flags {
    fn label(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}–{}", self.first, self.last)
        }
    }
}

/// The ring around a signal.
pub fn ring(pen: &mut Pen, (x, y): (f64, f64)) {
    let (x, y) = (number(x), number(y));
    pen.draw("circle", &[("class", "signal"), ("cx", &x), ("cy", &y), ("r", "8")]);
}

/// All that has to lie within the plot.
fn numbers<'a>(chart: &'a Chart) -> impl Iterator<Item = f64> + 'a {
    let values = chart.points.iter().filter_map(|point| point.value);
    let targets = chart.targets.iter().flat_map(|stretch| {
        let Target { band, tolerance } = stretch.what;
        [band.min, band.max, tolerance.min, tolerance.max].into_iter().flatten()
    });
    let limits = chart.segments.iter().flat_map(|segment| [segment.what.lower, segment.what.upper]);
    let ahead = chart.ahead.iter().flat_map(|ahead| [ahead.low, ahead.high]);
    values.chain(targets).chain(limits).chain(ahead)
}

/// The lines of the grid with their numbers, which must tell them apart.
fn labelled(chart: &Chart, ticks: Vec<f64>) -> Vec<(f64, String)> {
    let labels: Vec<String> = ticks.iter().map(|tick| (chart.number)(*tick)).collect();
    let are_apart = labels.windows(2).all(|pair| pair.first() != pair.last());
    let labels = if are_apart { labels } else { ticks.iter().map(|tick| format!("{tick:.3e}")).collect() };
    ticks.into_iter().zip(labels).collect()
}
