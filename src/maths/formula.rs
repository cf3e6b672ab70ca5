//! Formulas: a number computed from others, period by period, such as `spend / new-customers`.
//! A text is read into an expression, an expression is evaluated over what its inputs were, and it is written as a
//! text again. There is a value or a reason for none: never NaN, never infinity, never 0 for what is missing.

mod evaluate;
mod read;
mod write;

pub use evaluate::{NoValue, Read, Reading, evaluate};
pub use read::{Fault, FaultKind, Mention, read};

/// How many inputs a formula reads at the most.
pub const MOST_INPUTS: usize = 8;
/// How deep parentheses, functions and signs may be nested.
pub const DEEPEST: usize = 16;

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
}

impl Operator {
    /// Its sign.
    pub fn sign(self) -> char {
        match self {
            Self::Plus => '+',
            Self::Minus => '-',
            Self::Times => '*',
            Self::Over => '/',
        }
    }
}

/// Which of several values is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// A formula whose inputs are named by `N`: texts when it was read, ids once they are known.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression<N> {
    /// A number, at least 0: a sign is an operation of its own.
    Number(f64),
    /// The value of an input in the same period.
    Input(N),
    /// Minus.
    Negated(Box<Self>),
    /// Two operands.
    Pair(Operator, Box<Self>, Box<Self>),
    /// `min(…)` and `max(…)` of two or more.
    Extreme(Extreme, Vec<Self>),
    /// `prev(…)`: the same, one period before.
    Previous(Box<Self>),
}

/// One input over another, times a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio<N> {
    /// The number; 1 where there is none.
    pub scale: f64,
    /// What is divided.
    pub over: N,
    /// By what.
    pub under: N,
}

impl<N> Expression<N> {
    /// The same with other names for its inputs; the first that has none decides.
    pub fn renamed<M, E>(self, name: &mut impl FnMut(N) -> Result<M, E>) -> Result<Expression<M>, E> {
        Ok(match self {
            Self::Number(number) => Expression::Number(number),
            Self::Input(input) => Expression::Input(name(input)?),
            Self::Negated(inner) => Expression::Negated(Box::new(inner.renamed(name)?)),
            Self::Previous(inner) => Expression::Previous(Box::new(inner.renamed(name)?)),
            Self::Pair(operator, left, right) => {
                let left = left.renamed(name)?;
                Expression::Pair(operator, Box::new(left), Box::new(right.renamed(name)?))
            }
            Self::Extreme(extreme, operands) => {
                let operands: Result<Vec<_>, E> =
                    operands.into_iter().map(|operand| operand.renamed(name)).collect();
                Expression::Extreme(extreme, operands?)
            }
        })
    }
}

impl<N: Copy + PartialEq> Expression<N> {
    /// Its inputs, each once, in the order of the text.
    pub fn inputs(&self) -> Vec<N> {
        let mut inputs = Vec::new();
        for read in self.reads() {
            if !inputs.contains(&read.input) {
                inputs.push(read.input);
            }
        }
        inputs
    }

    /// What it reads, each once, in the order of the text.
    pub fn reads(&self) -> Vec<Read<N>> {
        let mut reads = Vec::new();
        self.gather(0, &mut reads);
        reads
    }

    fn gather(&self, periods_before: u32, reads: &mut Vec<Read<N>>) {
        match self {
            Self::Number(_) => {}
            Self::Input(input) => {
                let read = Read { input: *input, periods_before };
                if !reads.contains(&read) {
                    reads.push(read);
                }
            }
            Self::Negated(inner) => inner.gather(periods_before, reads),
            Self::Previous(inner) => inner.gather(periods_before + 1, reads),
            Self::Pair(_, left, right) => {
                left.gather(periods_before, reads);
                right.gather(periods_before, reads);
            }
            Self::Extreme(_, operands) => {
                operands.iter().for_each(|operand| operand.gather(periods_before, reads));
            }
        }
    }

    /// The ratio that the whole is: one input over another in the same period, perhaps times a number, such as
    /// `100 * late / all`.
    pub fn as_ratio(&self) -> Option<Ratio<N>> {
        let (scale, over, under) = match self {
            Self::Pair(Operator::Over, over, under) => {
                let (scale, over) = over.scaled()?;
                (scale, over, under.as_ref())
            }
            Self::Pair(Operator::Times, _, _) => {
                let (scale, ratio) = self.scaled()?;
                match ratio {
                    Self::Pair(Operator::Over, over, under) => (scale, over.as_ref(), under.as_ref()),
                    _ => return None,
                }
            }
            _ => return None,
        };
        match (over, under) {
            (Self::Input(over), Self::Input(under)) => Some(Ratio { scale, over: *over, under: *under }),
            (_, _) => None,
        }
    }

    /// A number times something else, or that alone.
    fn scaled(&self) -> Option<(f64, &Self)> {
        match self {
            Self::Pair(Operator::Times, left, right) => match (left.as_ref(), right.as_ref()) {
                (Self::Number(scale), other) | (other, Self::Number(scale)) => Some((*scale, other)),
                (_, _) => None,
            },
            other => Some((1.0, other)),
        }
    }
}

#[cfg(test)]
mod tests;
