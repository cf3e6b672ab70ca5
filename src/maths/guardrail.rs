//! Guardrails: whether a KPI that an objective must not harm has been harmed since both were linked.
//! The answer is always derived from the periods since the baseline, with the values that they hold now.
//! The band in force at the baseline counts beside each period's own, so lowering the target hides no harm.

use jiff::Timestamp;
use jiff::civil::Date;

use super::episode::last_known_day;
use super::health::{Band, Health, gap, judge};
use super::remedy::Baseline;
use super::series::Judged;

/// Everything that the state of a guardrail follows from.
#[derive(Clone, Copy, Debug)]
pub struct GuardrailInput<'a> {
    /// The KPI's period and target when it was linked.
    pub baseline: Baseline,
    /// The KPI's value when it was linked, in its unit.
    pub baseline_value: Option<f64>,
    /// The KPI's periods that count, in order of time; those before the baseline's own are passed over.
    pub judged: &'a [Judged],
    /// The last day on which it guards: periods that begin later are passed over. `None` while it does.
    pub until: Option<Date>,
    /// The date of the KPI's newest point.
    pub newest_point_on: Option<Date>,
    /// The present instant.
    pub now: Timestamp,
}

/// Whether a guardrail holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breach {
    /// The last day of the first period of the present breach, or the date of its newest point while it runs;
    /// `None` while the guardrail holds.
    pub breached_on: Option<Date>,
    /// Whether an earlier breach has healed.
    pub breached_before: bool,
}

impl Breach {
    /// Whether it is breached.
    pub fn is_open(self) -> bool {
        self.breached_on.is_some()
    }
}

/// Whether a guardrail holds: breached while the KPI has become unhealthy since the baseline, or, where it was
/// healthy then, lies outside of the band in force then.
///
/// A KPI that was unhealthy already is not harmed by staying so; it has to have been better in between. Periods of
/// which nobody can tell change nothing.
pub fn breach(input: &GuardrailInput<'_>) -> Breach {
    let health_then =
        input.baseline.target.zip(input.baseline_value).map(|(target, value)| judge(value, &target));
    let band = input.baseline.target.map(|target| target.band);
    let band = band.filter(|_| health_then == Some(Health::Healthy));
    let mut can_become_unhealthy = health_then != Some(Health::Unhealthy);
    let mut breach = Breach::default();
    for period in since_baseline(input) {
        let is_harmed = match (is_outside(band, period.value), period.health) {
            (Some(true), _) => true,
            (_, Health::Unhealthy) => can_become_unhealthy,
            (_, Health::Healthy | Health::AtRisk) => {
                can_become_unhealthy = true;
                false
            }
            (Some(false), Health::Unknown) => false,
            (None, Health::Unknown) => continue,
        };
        breach = match (is_harmed, breach.breached_on) {
            (true, Some(_)) | (false, None) => breach,
            (true, None) => {
                let on = last_known_day(&period.period, input.newest_point_on, input.now);
                Breach { breached_on: Some(on), ..breach }
            }
            (false, Some(_)) => Breach { breached_on: None, breached_before: true },
        };
    }
    breach
}

/// The periods with a value from the baseline's own on, as long as it guards.
fn since_baseline<'a>(input: &GuardrailInput<'a>) -> impl Iterator<Item = &'a Judged> {
    let (starts_on, until) = (input.baseline.starts_on, input.until);
    input.judged.iter().filter(move |judged| {
        judged.value.is_some()
            && judged.period.ends_on >= starts_on
            && until.is_none_or(|until| judged.period.starts_on <= until)
    })
}

/// Whether a value lies outside of a band; `None` without a band.
fn is_outside(band: Option<Band>, value: Option<f64>) -> Option<bool> {
    let (band, value) = band.zip(value)?;
    Some(gap(value, &band) != 0.0)
}

#[cfg(test)]
mod tests;
