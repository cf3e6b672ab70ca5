//! Closed sets of words: the fixed choices that code, tables, API and documents all spell alike.
//! One declaration gives the enum, its spelling, its parser and its documentation.
//! Whoever needs them on a wire or in a table implements that once for every [`Word`].

use std::fmt;

/// A closed set of words. Declared with `words!`, never by hand.
pub trait Word: Copy + fmt::Debug + 'static {
    /// The name of the type, such as `Health`.
    const NAME: &'static str;
    /// What the set means, from the documentation of the type.
    const DOC: &'static str;
    /// Every word, in the order of declaration.
    const ALL: &'static [Self];

    /// The spelling, such as `at_risk`.
    fn as_str(self) -> &'static str;

    /// What this word means, from the documentation of the variant.
    fn describe(self) -> &'static str;
}

/// A text that is none of the words of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The name of the set, such as `Health`.
    pub name: &'static str,
    /// The text that was given.
    pub given: String,
    /// Every spelling that would have been accepted, in the order of declaration.
    pub accepted: Vec<&'static str>,
}

impl UnknownWord {
    /// The complaint about `given` in the set `W`.
    pub fn new<W: Word>(given: &str) -> Self {
        Self {
            name: W::NAME,
            given: given.to_owned(),
            accepted: W::ALL.iter().map(|word| word.as_str()).collect(),
        }
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not one of {}", self.given, self.accepted.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

/// Declares closed sets of words.
///
/// ```text
/// words! {
///     /// How a KPI is doing.
///     pub enum Health {
///         /// Within its target.
///         Healthy = "healthy",
///     }
/// }
/// ```
macro_rules! words {
    ($(
        $(#[doc = $doc:literal])+
        $visibility:vis enum $name:ident {
            $(
                $(#[doc = $variant_doc:literal])+
                $variant:ident = $word:literal
            ),+ $(,)?
        }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $(
                $(#[doc = $variant_doc])+
                $variant,
            )+
        }

        impl $name {
            /// Every word, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::maths::word::Word for $name {
            const NAME: &'static str = ::core::stringify!($name);
            const DOC: &'static str = ::core::concat!($($doc),+).trim_ascii();
            const ALL: &'static [Self] = $name::ALL;

            fn as_str(self) -> &'static str {
                $name::as_str(self)
            }

            fn describe(self) -> &'static str {
                match self {
                    $(Self::$variant => ::core::concat!($($variant_doc),+).trim_ascii(),)+
                }
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::maths::word::UnknownWord;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                match text {
                    $($word => ::core::result::Result::Ok(Self::$variant),)+
                    _ => ::core::result::Result::Err(
                        $crate::maths::word::UnknownWord::new::<Self>(text),
                    ),
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.pad($name::as_str(*self))
            }
        }
    )+};
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::Word;

    words! {
        /// A sample set,
        /// in two lines.
        enum Colour {
            /// As blood.
            Red = "red",
            /// As grass,
            /// or envy.
            DarkGreen = "dark_green",
        }
    }

    #[test]
    fn a_word_is_spelt_parsed_and_described() {
        assert_eq!(Colour::DarkGreen.as_str(), "dark_green");
        assert_eq!(format!("{:>5}", Colour::Red), "  red");
        assert_eq!("dark_green".parse(), Ok(Colour::DarkGreen));
        assert_eq!(Colour::DarkGreen.describe(), "As grass, or envy.");
        assert_eq!(Colour::NAME, "Colour");
        assert_eq!(Colour::DOC, "A sample set, in two lines.");
        assert_eq!(Colour::ALL, [Colour::Red, Colour::DarkGreen]);
        assert!(Colour::Red < Colour::DarkGreen);
    }

    #[test]
    fn an_unknown_word_names_what_is_accepted() {
        let complaint = "Red".parse::<Colour>().unwrap_err();
        assert_eq!(complaint.name, "Colour");
        assert_eq!(complaint.to_string(), "`Red` is not one of red, dark_green");
    }
}
