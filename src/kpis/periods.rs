//! Periods.
use jiff::civil::{Date, Weekday};

use crate::maths::Cadence;

/// What people call a period: `2026`, `2026-Q1`, `2026-03`, `2026-W14`, `2026-03-31`.
///
/// Weeks are numbered only where they begin on Monday, as ISO 8601 does; others go by their first day.
pub fn period_name(cadence: Cadence, starts_on: Date) -> String {
    match cadence {
        Cadence::Daily | Cadence::Irregular => starts_on.to_string(),
        Cadence::Weekly if starts_on.weekday() == Weekday::Monday => {
            let week = starts_on.iso_week_date();
            format!("{}-W{:02}", week.year(), week.week())
        }
        Cadence::Weekly => format!("week of {starts_on}"),
        Cadence::Monthly => format!("{:04}-{:02}", starts_on.year(), starts_on.month()),
        Cadence::Quarterly => format!("{:04}-Q{}", starts_on.year(), (starts_on.month() - 1) / 3 + 1),
        Cadence::Yearly => format!("{:04}", starts_on.year()),
    }
}
