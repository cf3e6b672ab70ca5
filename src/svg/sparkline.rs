//! A small line without axes: where something came from, and how it is doing.

use super::pen::{self, Pen};
use super::scale::{Scale, around};
use super::{Picture, Said, Theme, mark, picture};
use crate::maths::{Band, Health};

/// A small line.
#[derive(Clone, Debug)]
pub struct Sparkline<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same as a sentence made of the numbers.
    pub description: &'a str,
    /// Its values in order of time; the line breaks where there is none.
    pub values: &'a [Option<f64>],
    /// The healthy band of today.
    pub band: Option<Band>,
    /// How the newest one is doing.
    pub health: Health,
}

/// Room around the line, so that the mark at its end is whole.
const ROOM: f64 = 6.0;

impl Sparkline<'_> {
    /// The picture that stands for itself, in pixels.
    pub fn picture(&self, (width, height): (f64, f64), theme: Theme) -> Picture {
        let said = Said { title: self.title, description: self.description };
        picture(said, (width, height), theme, |pen| {
            pen.rect("back", (0.0, 0.0), (width, height), 4.0);
            self.draw(pen, (width, height));
        })
    }

    /// The same inside of a page, which brings the style.
    pub fn inline(&self, (width, height): (f64, f64)) -> String {
        let (across, down) = (pen::number(width), pen::number(height));
        let mut pen = Pen::default();
        let view = format!("0 0 {across} {down}");
        let size = [("width", across.as_str()), ("height", &down), ("viewBox", &view)];
        let said = [("role", "img"), ("aria-label", self.description)];
        pen.open("svg", &[size.as_slice(), &said].concat());
        self.draw(&mut pen, (width, height));
        pen.close("svg");
        pen.finish()
    }

    fn draw(&self, pen: &mut Pen, (width, height): (f64, f64)) {
        let (low, high) = around(self.values.iter().copied().flatten());
        let across = Scale {
            low: 0.0,
            high: self.values.len().saturating_sub(1) as f64,
            from: ROOM,
            to: width - ROOM,
        };
        let up = Scale { low, high, from: height - ROOM, to: ROOM };
        if let Some(band) = self.band.filter(|_| self.values.iter().any(Option::is_some)) {
            let top = band.max.map_or(0.0, |max| up.at(max).clamp(0.0, height));
            let bottom = band.min.map_or(height, |min| up.at(min).clamp(0.0, height));
            pen.rect("band", (0.0, top), (width, bottom - top), 0.0);
        }
        let points: Vec<Option<(f64, f64)>> = self
            .values
            .iter()
            .enumerate()
            .map(|(place, value)| value.map(|value| (across.at(place as f64), up.at(value))))
            .collect();
        pen.polyline("series", &points);
        if let Some(newest) = points.iter().rev().copied().flatten().next() {
            mark(pen, self.health, newest, 3.5);
        }
    }
}
