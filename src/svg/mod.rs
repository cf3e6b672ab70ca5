//! Pictures as SVG: numbers and words in, text out.
//!
//! It knows no database, no request and no clock. What is drawn needs no script, no font and nothing from another
//! place; colours are those that colour-blind people tell apart (Okabe and Ito, *Color Universal Design*, 2008), and
//! none of them stands alone: shapes, dashes and words say the same.

pub mod badge;
pub mod chart;
mod layout;
mod pen;
mod scale;
pub mod sparkline;
mod theme;

pub use badge::Badge;
pub use chart::{Ahead, Chart, Point, Says, Stretch};
pub use pen::escaped;
pub use sparkline::Sparkline;
pub use theme::{Theme, palette, sparkline_rules};

use crate::maths::Health;
use pen::Pen;
use theme::style;

/// A picture that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The document.
    pub text: String,
    /// The style in it, which is all that it may load.
    pub style: String,
}

/// What somebody reads who does not see a picture.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    title: &'a str,
    description: &'a str,
}

/// A whole picture of a size in pixels, with what is drawn in it.
fn picture(said: Said, (width, height): (f64, f64), theme: Theme, draw: impl FnOnce(&mut Pen)) -> Picture {
    let style = style(theme);
    let (across, down) = (pen::number(width), pen::number(height));
    let mut pen = Pen::default();
    pen.open(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("width", &across),
            ("height", &down),
            ("viewBox", &format!("0 0 {across} {down}")),
            ("role", "img"),
            ("aria-labelledby", "title description"),
            ("lang", "en"),
        ],
    );
    pen.whole("title", &[("id", "title")], said.title);
    pen.whole("desc", &[("id", "description")], said.description);
    pen.style(&style);
    draw(&mut pen);
    pen.close("svg");
    Picture { text: pen.finish(), style }
}

/// The class of what shows a health.
fn class(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::AtRisk => "at-risk",
        Health::Unhealthy => "unhealthy",
        Health::Unknown => "unknown",
    }
}

/// A health as people say it.
pub fn spoken(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::AtRisk => "at risk",
        Health::Unhealthy => "unhealthy",
        Health::Unknown => "unknown",
    }
}

/// The mark of a health beside a word, inside of a page, which brings the style; who listens hears the word alone.
pub fn glyph(health: Health) -> String {
    let mut pen = Pen::default();
    pen.open(
        "svg",
        &[("class", "glyph"), ("viewBox", "0 0 16 16"), ("aria-hidden", "true"), ("focusable", "false")],
    );
    mark(&mut pen, health, (8.0, 8.0), 5.0);
    pen.close("svg");
    pen.finish()
}

/// The mark of a health around a point: a disc, a triangle, a diamond, a ring. Each is told by its shape alone.
fn mark(pen: &mut Pen, health: Health, (x, y): (f64, f64), size: f64) {
    let class = format!("mark {}", class(health));
    let at = |dx: f64, dy: f64| format!("{} {}", pen::number(x + dx * size), pen::number(y + dy * size));
    match health {
        Health::Healthy | Health::Unknown => {
            let (x, y, r) = (pen::number(x), pen::number(y), pen::number(size));
            pen.draw("circle", &[("class", &class), ("cx", &x), ("cy", &y), ("r", &r)]);
        }
        Health::AtRisk => {
            let path = format!("M{}L{}L{}Z", at(0.0, -1.25), at(1.2, 0.9), at(-1.2, 0.9));
            pen.draw("path", &[("class", &class), ("d", &path)]);
        }
        Health::Unhealthy => {
            let path = format!("M{}L{}L{}L{}Z", at(0.0, -1.4), at(1.4, 0.0), at(0.0, 1.4), at(-1.4, 0.0));
            pen.draw("path", &[("class", &class), ("d", &path)]);
        }
    }
}

#[cfg(test)]
mod tests;
