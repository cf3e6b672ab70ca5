//! What a formula amounts to in a period.

use super::{Expression, Extreme, Operator};
use crate::maths::number::finite;

/// An input as a formula reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read<N> {
    /// Which one.
    pub input: N,
    /// How many periods before the one that is computed.
    pub periods_before: u32,
}

/// What an input has to say of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Its value, finite.
    Value(f64),
    /// Nothing: there is no point.
    Missing,
    /// There are points, but they amount to no finite number.
    Undefined,
}

/// Why a formula has no value in a period: the first that applies.
#[derive(Clone, Debug, PartialEq)]
pub enum NoValue<N> {
    /// These inputs have nothing to say.
    Missing(Vec<Read<N>>),
    /// These inputs have points that amount to no finite number.
    Undefined(Vec<Read<N>>),
    /// Something was to be divided by 0.
    DivisionByZero,
    /// A step became larger than any float.
    Overflow,
}

/// What an expression amounts to, step by step in 64-bit floats, in the order of the text.
pub fn evaluate<N: Copy + PartialEq>(
    expression: &Expression<N>,
    read: &impl Fn(Read<N>) -> Reading,
) -> Result<f64, NoValue<N>> {
    value(expression, 0, read).map_err(|stop| match stop {
        Stop::DivisionByZero => NoValue::DivisionByZero,
        Stop::Overflow => NoValue::Overflow,
        Stop::Unread => {
            let reads = expression.reads();
            let those = |wanted: Reading| -> Vec<Read<N>> {
                reads.iter().copied().filter(|one| read(*one) == wanted).collect()
            };
            match those(Reading::Missing) {
                missing if !missing.is_empty() => NoValue::Missing(missing),
                _ => NoValue::Undefined(those(Reading::Undefined)),
            }
        }
    })
}

/// Why an evaluation ends early. What is missing goes first, wherever it stands in the text.
enum Stop {
    Unread,
    DivisionByZero,
    Overflow,
}

impl Stop {
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (_, Self::Unread) => other,
            (Self::Unread | Self::DivisionByZero | Self::Overflow, _) => self,
        }
    }
}

fn value<N: Copy>(
    expression: &Expression<N>,
    periods_before: u32,
    read: &impl Fn(Read<N>) -> Reading,
) -> Result<f64, Stop> {
    match expression {
        Expression::Number(number) => Ok(*number),
        Expression::Input(input) => match read(Read { input: *input, periods_before }) {
            Reading::Value(value) => Ok(value),
            Reading::Missing | Reading::Undefined => Err(Stop::Unread),
        },
        Expression::Negated(inner) => value(inner, periods_before, read).map(|value| 0.0 - value),
        Expression::Previous(inner) => value(inner, periods_before + 1, read),
        Expression::Pair(operator, left, right) => {
            let operands = (value(left, periods_before, read), value(right, periods_before, read));
            let (left, right) = match operands {
                (Ok(left), Ok(right)) => (left, right),
                (Err(left), Err(right)) => return Err(left.or(right)),
                (Err(stop), Ok(_)) | (Ok(_), Err(stop)) => return Err(stop),
            };
            let result = match operator {
                Operator::Plus => left + right,
                Operator::Minus => left - right,
                Operator::Times => left * right,
                Operator::Over if right == 0.0 => return Err(Stop::DivisionByZero),
                Operator::Over => left / right,
            };
            finite(result).ok_or(Stop::Overflow)
        }
        Expression::Extreme(extreme, operands) => {
            let values = operands.iter().map(|operand| value(operand, periods_before, read));
            let both = |left: Result<f64, Stop>, right: Result<f64, Stop>| match (left, right) {
                (Ok(left), Ok(right)) => Ok(match extreme {
                    Extreme::Min => left.min(right),
                    Extreme::Max => left.max(right),
                }),
                (Err(left), Err(right)) => Err(left.or(right)),
                (Err(stop), Ok(_)) | (Ok(_), Err(stop)) => Err(stop),
            };
            values.reduce(both).unwrap_or(Err(Stop::Unread))
        }
    }
}
