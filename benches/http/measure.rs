//! Two sides measured in turn, A B A B, so that what disturbs the machine disturbs both, and a ratio for each round.

use crate::Result;
use crate::load::Outcome;

/// What both sides came to, round by round.
pub struct Compared {
    /// The side that is judged.
    pub ours: Vec<Outcome>,
    /// The side that it is held against.
    pub theirs: Vec<Outcome>,
}

/// The middle of some figures, and how far they spread.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// Measures both sides in turn, after one round each that does not count.
pub fn in_turn(
    rounds: usize,
    mut ours: impl FnMut() -> Result<Outcome>,
    mut theirs: impl FnMut() -> Result<Outcome>,
) -> Result<Compared> {
    let mut compared = Compared { ours: Vec::new(), theirs: Vec::new() };
    for round in 0..=rounds {
        let (one, other) = (ours()?, theirs()?);
        if round > 0 {
            compared.ours.push(one);
            compared.theirs.push(other);
        }
    }
    Ok(compared)
}

/// Measures one side, after a round that does not count.
pub fn alone(rounds: usize, mut ours: impl FnMut() -> Result<Outcome>) -> Result<Vec<Outcome>> {
    ours()?;
    (0..rounds).map(|_| ours()).collect()
}

impl Compared {
    /// Of each round, what the one side has of a figure for each one of the other.
    pub fn ratio(&self, figure: fn(&Outcome) -> f64) -> Spread {
        let ratios = self.ours.iter().zip(&self.theirs).map(|(one, other)| figure(one) / figure(other));
        Spread::of(ratios.collect())
    }
}

impl Spread {
    /// Of some figures.
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        let median = (at(last / 2) + at(last - last / 2)) / 2.0;
        Self { median, least: at(0), most: at(last) }
    }

    /// Of one figure of some outcomes.
    pub fn of_outcomes(outcomes: &[Outcome], figure: fn(&Outcome) -> f64) -> Self {
        Self::of(outcomes.iter().map(figure).collect())
    }
}

/// Answers per second, and the times to an answer, as one text.
pub fn shown(outcomes: &[Outcome]) -> String {
    let median = |figure: fn(&Outcome) -> f64| Spread::of_outcomes(outcomes, figure).median;
    format!(
        "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
        median(|one| one.per_second),
        median(|one| one.p50),
        median(|one| one.p99)
    )
}
