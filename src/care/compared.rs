//! Comparing a report with itself as of an earlier day: the weekly meeting in one call.

use crate::access::Scoped;
use crate::care::remedies::Standpoint;
use crate::http::{FieldErrors, Result};
use crate::kpis::derive::View;
use crate::store::Day;

/// How the day of before is seen: by what is counted for the day that is shown.
pub fn before(tx: &Scoped, compare_to: Option<Day>, view: Option<&View>) -> Result<Option<View>> {
    let Some(day) = compare_to else { return Ok(None) };
    let shown = Day::from(Standpoint::of(tx, view)?.today);
    let mut errors = FieldErrors::new();
    if day > shown {
        errors.add(
            "compare_to",
            "after_as_of",
            format!("it must not be after {shown}, the day that is shown"),
        );
    }
    errors.settle()?;
    Ok(Some(View { as_of: Some(day), known_at: view.and_then(|view| view.known_at) }))
}
