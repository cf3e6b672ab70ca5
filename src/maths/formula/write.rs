//! Expressions as texts: as few parentheses as the reading needs, so that a text that was written is read as the
//! same expression again.

use std::fmt::{self, Display};

use super::{Expression, Extreme, Operator};

/// How tightly something binds its operands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Sign,
    Whole,
}

impl<N> Expression<N> {
    fn binding(&self) -> Binding {
        match self {
            Self::Pair(Operator::Plus | Operator::Minus, _, _) => Binding::Sum,
            Self::Pair(Operator::Times | Operator::Over, _, _) => Binding::Product,
            Self::Negated(_) => Binding::Sign,
            Self::Number(_) | Self::Input(_) | Self::Extreme(_, _) | Self::Previous(_) => Binding::Whole,
        }
    }
}

impl<N: Display> Expression<N> {
    /// The text, in parentheses where it binds less than it has to.
    fn within(&self, least: Binding, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.binding() >= least {
            return write!(text, "{self}");
        }
        write!(text, "({self})")
    }
}

impl<N: Display> Display for Expression<N> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Rust's own way of writing a float that reads back as the same one, short for large and small ones.
            Self::Number(number) if number.fract() == 0.0 && *number < 1e16 => write!(text, "{number}"),
            Self::Number(number) => write!(text, "{number:?}"),
            Self::Input(name) => write!(text, "{name}"),
            Self::Negated(inner) => {
                text.write_str("-")?;
                inner.within(Binding::Sign, text)
            }
            Self::Previous(inner) => write!(text, "prev({inner})"),
            Self::Pair(operator, left, right) => {
                // Operations of one kind go from the left: the right one of two needs parentheses.
                let (own, tighter) = match self.binding() {
                    Binding::Sum => (Binding::Sum, Binding::Product),
                    Binding::Product | Binding::Sign | Binding::Whole => (Binding::Product, Binding::Sign),
                };
                left.within(own, text)?;
                write!(text, " {} ", operator.sign())?;
                right.within(tighter, text)
            }
            Self::Extreme(extreme, operands) => {
                text.write_str(match extreme {
                    Extreme::Min => "min(",
                    Extreme::Max => "max(",
                })?;
                for (index, operand) in operands.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(text, "{separator}{operand}")?;
                }
                text.write_str(")")
            }
        }
    }
}
