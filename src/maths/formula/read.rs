//! Texts as expressions.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = signed { ("*" | "/") signed }
//! signed  = "-" signed | whole
//! whole   = number | name | "(" sum ")" | ("min" | "max") "(" sum "," sum { "," sum } ")" | "prev" "(" sum ")"
//! ```
//!
//! A word is `[a-z0-9]` with single `-`, `_` or `.` between, as keys and ids are: a minus between two words wants a
//! space. A word that reads as a number is one (`100`, `0.5`, `1e-3`); any other names an input.

use std::fmt;

use super::{DEEPEST, Expression, Extreme, Operator};
use crate::maths::health::LARGEST_VALUE;

/// An input as a text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// Where it begins, in characters from 1.
    pub position: usize,
}

/// Why a text is no formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where, in characters from 1; the one after the last where more was expected.
    pub position: usize,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No formula has this character.
    Character(char),
    /// Something else was expected here.
    Unexpected {
        /// What stands there; the end where it is empty.
        found: String,
        /// What may stand there.
        wanted: &'static str,
    },
    /// There is no such function.
    UnknownFunction(String),
    /// `min` or `max` of fewer than two.
    TooFewOperands,
    /// The number is larger than any value.
    TooLarge,
    /// Too much is nested.
    TooDeep,
}

impl FaultKind {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Character(_) | Self::Unexpected { .. } | Self::TooFewOperands => "malformed",
            Self::UnknownFunction(_) => "unknown_function",
            Self::TooLarge => "out_of_bounds",
            Self::TooDeep => "too_deep",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position;
        match &self.kind {
            FaultKind::Character(character) => {
                write!(text, "character {at}, `{}`, has no meaning in a formula", character.escape_debug())
            }
            FaultKind::Unexpected { found, wanted } if found.is_empty() => {
                write!(text, "it ends at character {at}, where {wanted} is expected")
            }
            FaultKind::Unexpected { found, wanted } => {
                write!(text, "at character {at} stands `{found}`, where {wanted} is expected")
            }
            FaultKind::UnknownFunction(name) => {
                write!(text, "at character {at} stands `{name}(`; the functions are min, max and prev")
            }
            FaultKind::TooFewOperands => {
                write!(text, "at character {at} min or max closes with fewer than two operands")
            }
            FaultKind::TooLarge => write!(text, "the number at character {at} is above 1e15"),
            FaultKind::TooDeep => {
                write!(
                    text,
                    "at character {at} more than {DEEPEST} parentheses, functions and signs are nested"
                )
            }
        }
    }
}

/// Reads a formula; the first fault ends it.
pub fn read(text: &str) -> Result<Expression<Mention>, Fault> {
    let mut reader = Reader { tokens: tokens(text)?, next: 0 };
    let whole = reader.sum(0)?;
    match reader.peek() {
        Token { kind: Kind::End, .. } => Ok(whole),
        other => Err(other.unexpected("an operator or the end")),
    }
}

/// A piece of the text.
#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    position: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Word(String),
    Sign(char),
    End,
}

impl Token {
    fn is(&self, sign: char) -> bool {
        matches!(self.kind, Kind::Sign(own) if own == sign)
    }

    fn unexpected(&self, wanted: &'static str) -> Fault {
        let found = match &self.kind {
            Kind::Word(word) => word.clone(),
            Kind::Sign(sign) => sign.to_string(),
            Kind::End => String::new(),
        };
        Fault { kind: FaultKind::Unexpected { found, wanted }, position: self.position }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let characters: Vec<char> = text.chars().collect();
    let is_letter = |index: usize| {
        characters.get(index).is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    let joins = |index: usize| {
        characters.get(index).is_some_and(|letter| matches!(letter, '-' | '_' | '.')) && is_letter(index + 1)
    };
    let (mut tokens, mut index) = (Vec::new(), 0);
    while let Some(character) = characters.get(index).copied() {
        let position = index + 1;
        match character {
            ' ' | '\t' | '\n' | '\r' => index += 1,
            '+' | '-' | '*' | '/' | '(' | ')' | ',' => {
                tokens.push(Token { kind: Kind::Sign(character), position });
                index += 1;
            }
            _ if is_letter(index) => {
                let begin = index;
                while is_letter(index) || joins(index) {
                    index += 1;
                }
                let word = characters.get(begin..index).unwrap_or_default().iter().collect();
                tokens.push(Token { kind: Kind::Word(word), position });
            }
            _ => return Err(Fault { kind: FaultKind::Character(character), position }),
        }
    }
    tokens.push(Token { kind: Kind::End, position: characters.len() + 1 });
    Ok(tokens)
}

/// The number that a word is, if it is one.
fn number(word: &str) -> Option<f64> {
    let begins_with_digit = word.starts_with(|first: char| first.is_ascii_digit());
    let has_digits_and_exponent_alone =
        word.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | 'e' | '-'));
    if begins_with_digit && has_digits_and_exponent_alone { word.parse().ok() } else { None }
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
}

type Reads = Result<Expression<Mention>, Fault>;

impl Reader {
    fn peek(&self) -> Token {
        let end = Token { kind: Kind::End, position: self.tokens.len() };
        self.tokens.get(self.next).cloned().unwrap_or(end)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes one of these signs where it stands next.
    fn operator(&mut self, among: &[Operator]) -> Option<Operator> {
        let next = self.peek();
        let found = among.iter().copied().find(|operator| next.is(operator.sign()))?;
        self.next += 1;
        Some(found)
    }

    fn sum(&mut self, depth: usize) -> Reads {
        let mut left = self.product(depth)?;
        while let Some(operator) = self.operator(&[Operator::Plus, Operator::Minus]) {
            let right = self.product(depth)?;
            left = Expression::Pair(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn product(&mut self, depth: usize) -> Reads {
        let mut left = self.signed(depth)?;
        while let Some(operator) = self.operator(&[Operator::Times, Operator::Over]) {
            let right = self.signed(depth)?;
            left = Expression::Pair(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn signed(&mut self, depth: usize) -> Reads {
        let token = self.peek();
        if depth > DEEPEST {
            return Err(Fault { kind: FaultKind::TooDeep, position: token.position });
        }
        if token.is('-') {
            self.next += 1;
            return Ok(Expression::Negated(Box::new(self.signed(depth + 1)?)));
        }
        self.whole(depth)
    }

    fn whole(&mut self, depth: usize) -> Reads {
        const OPERAND: &str = "a number, a KPI, a function or an opening parenthesis";
        let token = self.take();
        match &token.kind {
            Kind::Sign('(') => {
                let inner = self.sum(depth + 1)?;
                self.close()?;
                Ok(inner)
            }
            Kind::Word(word) if self.peek().is('(') => self.function(word, token.position, depth),
            Kind::Word(word) => match number(word) {
                Some(number) if number <= LARGEST_VALUE => Ok(Expression::Number(number)),
                Some(_) => Err(Fault { kind: FaultKind::TooLarge, position: token.position }),
                None => Ok(Expression::Input(Mention { name: word.clone(), position: token.position })),
            },
            Kind::Sign(_) | Kind::End => Err(token.unexpected(OPERAND)),
        }
    }

    fn function(&mut self, name: &str, position: usize, depth: usize) -> Reads {
        let extreme = match name {
            "min" => Some(Extreme::Min),
            "max" => Some(Extreme::Max),
            "prev" => None,
            _ => return Err(Fault { kind: FaultKind::UnknownFunction(name.to_owned()), position }),
        };
        self.next += 1;
        let first = self.sum(depth + 1)?;
        let Some(extreme) = extreme else {
            self.close()?;
            return Ok(Expression::Previous(Box::new(first)));
        };
        let mut operands = vec![first];
        while self.peek().is(',') {
            self.next += 1;
            operands.push(self.sum(depth + 1)?);
        }
        let end = self.close()?;
        if operands.len() < 2 {
            return Err(Fault { kind: FaultKind::TooFewOperands, position: end });
        }
        Ok(Expression::Extreme(extreme, operands))
    }

    fn close(&mut self) -> Result<usize, Fault> {
        let token = self.take();
        if token.is(')') {
            return Ok(token.position);
        }
        Err(token.unexpected("an operator or a closing parenthesis"))
    }
}
