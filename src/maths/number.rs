//! Small rules for floats that every formula shares.
//! A result leaves this folder finite and without a negative zero.

/// The number itself where it is finite, with -0 as 0.
/// An overflow becomes the largest float of its sign, since its size is known to be large; NaN becomes `None`, since nothing is known.
pub fn bounded(number: f64) -> Option<f64> {
    if number.is_nan() { None } else { Some(number.clamp(f64::MIN, f64::MAX) + 0.0) }
}

/// The number itself where it is finite, with -0 as 0, else `None`.
pub fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number + 0.0)
}

/// The arithmetic mean in the given order, `None` without numbers or where the sum overflows.
pub fn mean(numbers: &[f64]) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    finite(numbers.iter().sum::<f64>() / numbers.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_finite_and_zero_has_no_sign() {
        assert_eq!(bounded(f64::INFINITY), Some(f64::MAX));
        assert_eq!(bounded(f64::NEG_INFINITY), Some(f64::MIN));
        assert_eq!(bounded(f64::NAN), None);
        assert!(bounded(-0.0).is_some_and(f64::is_sign_positive));
        assert!(finite(-0.0).is_some_and(f64::is_sign_positive));
        assert_eq!(finite(f64::INFINITY), None);
        assert_eq!(finite(4.2), Some(4.2));
    }

    #[test]
    fn a_mean_needs_numbers() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
        assert_eq!(mean(&[f64::MAX, f64::MAX]), None);
    }
}
