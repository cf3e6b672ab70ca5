//! Axes: from numbers to pixels, and where the lines of the grid lie.

/// A stretch of numbers along a stretch of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The number at the beginning.
    pub low: f64,
    /// The number at the end.
    pub high: f64,
    /// The pixel at the beginning.
    pub from: f64,
    /// The pixel at the end.
    pub to: f64,
}

impl Scale {
    /// Where a number lies; in the middle where the stretch has no length.
    pub fn at(&self, number: f64) -> f64 {
        let length = self.high - self.low;
        let share = if length > 0.0 { (number - self.low) / length } else { 0.5 };
        let place = self.from + (self.to - self.from) * share;
        if place.is_finite() { place } else { f64::midpoint(self.from, self.to) }
    }
}

/// The lowest and the highest of some numbers with a little room around them; 0 to 1 without any.
pub fn around(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = numbers
        .filter(|number| number.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low { (high - low) * 0.06 } else { (high.abs() * 0.1).max(0.5) };
    (low - room, high + room)
}

/// Round numbers within a stretch, about as many as asked for: multiples of 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, about: usize) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![low];
    }
    let rough = span / about.max(1) as f64;
    let exponent = rough.log10().floor();
    let factor =
        [1.0, 2.0, 5.0].into_iter().find(|factor| factor * 10_f64.powf(exponent) >= rough).unwrap_or(10.0);
    // Dividing by a power of ten gives 0.95, where multiplying by a hundredth gives a little more.
    let multiple = |count: f64| match exponent < 0.0 {
        true => count * factor / 10_f64.powf(-exponent),
        false => count * factor * 10_f64.powf(exponent),
    };
    let step = multiple(1.0);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    if !(first.is_finite() && last.is_finite() && step > 0.0 && last - first < 100.0) {
        return vec![low];
    }
    let mut found = Vec::new();
    let mut count = first;
    while count <= last {
        found.push(multiple(count) + 0.0);
        count += 1.0;
    }
    match found.is_empty() {
        // No round number lies within: a finer grid has one.
        true if about < 64 => ticks(low, high, about.max(1) * 2),
        true => vec![low],
        false => found,
    }
}
