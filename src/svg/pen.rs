//! Writing elements: whatever text comes in, what comes out is well-formed XML.

use std::fmt::Write;

/// Writes elements one after another.
#[derive(Debug, Default)]
pub struct Pen(String);

/// At which end of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

impl Pen {
    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.0.push('>');
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    /// An element without content.
    pub fn draw(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.0.push_str("/>");
    }

    /// An element around a text.
    pub fn whole(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.0.push_str(&escaped(text));
        self.close(name);
    }

    /// The style, which is ours and holds nothing to escape.
    pub fn style(&mut self, style: &str) {
        let _ = write!(self.0, "<style>{style}</style>");
    }

    /// A line of text.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = (number(x), number(y));
        self.whole("text", &[("class", class), ("x", &x), ("y", &y), ("text-anchor", anchor)], text);
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let ends = [x1, y1, x2, y2].map(number);
        let [x1, y1, x2, y2] = &ends;
        self.draw("line", &[("class", class), ("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)]);
    }

    /// A rectangle by its upper left corner, its size and the radius of its corners.
    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) {
        let sizes = [x, y, width.max(0.0), height.max(0.0), radius].map(number);
        let [x, y, width, height, radius] = &sizes;
        let place = [("class", class), ("x", x), ("y", y), ("width", width), ("height", height)];
        let rounded = [("rx", radius.as_str())];
        let attributes: Vec<(&str, &str)> =
            place.iter().map(|(name, value)| (*name, *value)).chain(rounded).collect();
        self.draw("rect", &attributes);
    }

    /// A line through points, broken where there is none.
    pub fn polyline(&mut self, class: &str, points: &[Option<(f64, f64)>]) {
        let mut path = String::new();
        let mut is_drawing = false;
        for point in points {
            let Some((x, y)) = point else {
                is_drawing = false;
                continue;
            };
            let _ = write!(path, "{}{} {}", if is_drawing { 'L' } else { 'M' }, number(*x), number(*y));
            is_drawing = true;
        }
        if !path.is_empty() {
            self.draw("path", &[("class", class), ("d", &path)]);
        }
    }

    /// All that was written.
    pub fn finish(self) -> String {
        self.0
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.0, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"{}\"", escaped(value));
        }
    }
}

/// A coordinate: two digits behind the point are finer than any screen, and the same on every machine.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_owned() }
}

/// Text in which nothing is markup, and which any reader of XML 1.0 takes: what no document may hold is replaced.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            // Marks that turn the direction of the text would reach beyond their own.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}
