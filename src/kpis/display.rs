//! Values as people read them: with the unit, percent sign or currency that the KPI has.

use crate::kpis::kpis::Display;
use crate::kpis::row::{DisplayStyle, KpiRow};
use crate::maths::Band;

/// How many characters the plain form of a number may have before it is written as a power of ten.
const PLAIN: usize = 12;

/// How the values of a KPI are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style<'a> {
    /// What stands behind the number.
    unit: Option<&'a str>,
    /// Digits after the decimal point; as many as the number needs where nothing is said.
    precision: Option<i32>,
}

impl<'a> Style<'a> {
    /// Of a style with its parts.
    pub fn new(
        style: DisplayStyle,
        currency: Option<&'a str>,
        unit: Option<&'a str>,
        precision: Option<i32>,
    ) -> Self {
        let unit = match style {
            DisplayStyle::Percent => Some("%"),
            DisplayStyle::Currency => currency.or(unit),
            DisplayStyle::Number | DisplayStyle::Duration => unit,
        };
        Self { unit, precision }
    }

    /// Of a KPI.
    pub fn of(kpi: &'a KpiRow) -> Self {
        Self::new(kpi.display_style, kpi.currency.as_deref(), kpi.unit.as_deref(), kpi.display_precision)
    }

    /// Of what a KPI says of its display.
    pub fn shown(display: &'a Display) -> Self {
        Self::new(display.style, display.currency.as_deref(), display.unit.as_deref(), display.precision)
    }

    /// What stands behind the number.
    pub fn unit(&self) -> Option<&'a str> {
        self.unit
    }

    /// The whole number with its unit: nothing is rounded away, because somebody is to reach it.
    pub fn exactly(&self, value: f64) -> String {
        self.behind(value.to_string())
    }

    /// The number as the KPI shows it, in at most `width` characters: the unit goes first.
    pub fn within(&self, value: f64, width: usize) -> String {
        let number = self.rounded(value);
        let fits = |text: &String| text.chars().count() <= width;
        let whole = Some(self.behind(number.clone())).filter(fits);
        whole.or_else(|| Some(number).filter(fits)).unwrap_or_else(|| format!("{value:.1e}"))
    }

    /// A healthy band, as in `≥ 95 %` or `10 to 20 days`.
    pub fn band(&self, band: Band) -> String {
        match (band.min, band.max) {
            (Some(min), Some(max)) => format!("{} to {}", self.rounded(min), self.behind(self.rounded(max))),
            (Some(min), None) => format!("≥ {}", self.behind(self.rounded(min))),
            (None, Some(max)) => format!("≤ {}", self.behind(self.rounded(max))),
            (None, None) => "none".into(),
        }
    }

    fn behind(&self, number: String) -> String {
        match self.unit {
            Some(unit) => format!("{number} {unit}"),
            None => number,
        }
    }

    fn rounded(&self, value: f64) -> String {
        let digits = self.precision.and_then(|digits| usize::try_from(digits).ok());
        let plain = match digits {
            Some(digits) => format!("{value:.digits$}"),
            // Four digits tell small shares apart; behind large numbers they are noise.
            None => {
                let digits = if value.abs() < 100.0 { 4 } else { 2 };
                let plain = format!("{value:.digits$}");
                plain.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        };
        match plain.as_str() {
            "-0" => "0".into(),
            plain if plain.len() > PLAIN => format!("{value:.3e}"),
            plain => plain.to_owned(),
        }
    }
}

/// A text in at most `width` code points; where something is cut off, `…` says so.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(precision: Option<i32>) -> Style<'static> {
        Style::new(DisplayStyle::Percent, None, None, precision)
    }

    #[test]
    fn values_carry_what_the_kpi_is_shown_in() {
        let euros = Style::new(DisplayStyle::Currency, Some("EUR"), Some("per lead"), Some(2));
        let days = Style::new(DisplayStyle::Number, None, Some("days"), None);
        let plain = Style::new(DisplayStyle::Number, None, None, None);
        assert_eq!(percent(None).within(86.604_277, 12), "86.6043 %");
        assert_eq!(percent(Some(1)).within(86.604_277, 12), "86.6 %");
        assert_eq!(euros.within(75.0, 12), "75.00 EUR");
        assert_eq!(days.within(2.5, 12), "2.5 days");
        assert_eq!(plain.within(-0.000_001, 12), "0");
        assert_eq!(plain.within(1_987_040.0, 12), "1987040");
        assert_eq!(plain.within(-1e15, 12), "-1.000e15");
        assert_eq!(days.within(123_456.0, 8), "123456");
        assert_eq!(days.within(123_456.0, 5), "1.2e5");
        assert_eq!(percent(Some(0)).exactly(4.25), "4.25 %");
    }

    #[test]
    fn bands_read_as_sentences_do() {
        let band = |min, max| percent(None).band(Band { min, max });
        assert_eq!(band(Some(95.0), None), "≥ 95 %");
        assert_eq!(band(None, Some(4.5)), "≤ 4.5 %");
        assert_eq!(band(Some(10.0), Some(20.0)), "10 to 20 %");
        assert_eq!(band(None, None), "none");
    }

    #[test]
    fn cutting_counts_code_points() {
        assert_eq!(cut("Überfälligkeit", 14), "Überfälligkeit");
        assert_eq!(cut("Überfälligkeiten", 8), "Überfäl…");
        assert_eq!(cut("a b c", 3), "a…");
        assert_eq!(cut("日本語の名前", 4), "日本語…");
    }
}
