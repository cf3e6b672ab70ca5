//! A badge: a name, a value and a health on one line.

use super::layout::{TEXT, fitted, width_of};
use super::pen::{self, Anchor, Pen};
use super::{Picture, Said, Theme, class, picture, spoken};
use crate::maths::Health;

/// A badge.
#[derive(Clone, Copy, Debug)]
pub struct Badge<'a> {
    /// What it is about.
    pub name: &'a str,
    /// The value as people read it; `None` without one.
    pub value: Option<&'a str>,
    /// How it is doing.
    pub health: Health,
    /// A sentence made of the numbers.
    pub description: &'a str,
}

const HEIGHT: f64 = 24.0;
/// Room before and behind a text.
const ROOM: f64 = 9.0;
/// Room for the glyph of the health.
const GLYPH: f64 = 18.0;
/// The widest name, in pixels.
const WIDEST_NAME: f64 = 220.0;
/// The widest value, in pixels.
const WIDEST_VALUE: f64 = 200.0;

impl Badge<'_> {
    /// The picture: as wide as its words.
    pub fn picture(&self, theme: Theme) -> Picture {
        let name = fitted(self.name, WIDEST_NAME, TEXT);
        let word = spoken(self.health);
        let value = match self.value {
            Some(value) => format!("{} · {word}", fitted(value, WIDEST_VALUE, TEXT)),
            None => word.to_owned(),
        };
        let left = width_of(&name, TEXT) + 2.0 * ROOM;
        let right = width_of(&value, TEXT) + 2.0 * ROOM + GLYPH;
        let said = Said { title: self.name, description: self.description };
        picture(said, (left + right, HEIGHT), theme, |pen| {
            let tag = format!("tag {}", class(self.health));
            let on = match self.health {
                Health::AtRisk => "dark",
                Health::Healthy | Health::Unhealthy | Health::Unknown => "plain",
            };
            // Both halves end round on the outside: the right one begins under the left one.
            pen.rect(&tag, (left - 8.0, 0.0), (right + 8.0, HEIGHT), 4.0);
            pen.rect("label", (0.0, 0.0), (left, HEIGHT), 4.0);
            pen.rect("label", (left - 8.0, 0.0), (8.0, HEIGHT), 0.0);
            pen.text("plain", (left / 2.0, 16.0), Anchor::Middle, &name);
            glyph(pen, self.health, (left + ROOM + 6.0, HEIGHT / 2.0));
            let middle = left + GLYPH + (right - GLYPH) / 2.0;
            pen.text(on, (middle, 16.0), Anchor::Middle, &value);
        })
    }
}

/// A check, an exclamation mark in a triangle, a cross, a question's ring: told by their shapes.
fn glyph(pen: &mut Pen, health: Health, (x, y): (f64, f64)) {
    let class = format!("glyph {}", class(health));
    let at = |dx: f64, dy: f64| format!("{} {}", pen::number(x + dx), pen::number(y + dy));
    let path = match health {
        Health::Healthy => format!("M{}L{}L{}", at(-4.5, 0.5), at(-1.0, 4.0), at(5.0, -4.0)),
        Health::AtRisk => format!("M{}L{}M{}L{}", at(0.0, -5.0), at(0.0, 1.5), at(0.0, 3.5), at(0.0, 5.0)),
        Health::Unhealthy => {
            format!("M{}L{}M{}L{}", at(-4.0, -4.0), at(4.0, 4.0), at(4.0, -4.0), at(-4.0, 4.0))
        }
        Health::Unknown => format!("M{}L{}", at(-4.5, 0.0), at(4.5, 0.0)),
    };
    pen.draw("path", &[("class", &class), ("d", &path)]);
}
