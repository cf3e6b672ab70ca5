//! Texts and numbers with the bounds that the domain sets, the same wherever they stand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! texts {
    ($($(#[$attribute:meta])* $name:ident;)*) => { $(
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        $(#[$attribute])*
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )* };
}
pub(crate) use texts;

texts! {
    /// A name: 1 to 200 code points, no control characters, not blank.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", example = "Churn rate")]
    Name;
    /// A longer text: up to 10,000 code points, Markdown welcome, no NUL.
    #[schema(max_length = 10000, pattern = r"^[^\x00]*$", example = "Customers who left in the month, divided by those at its start.")]
    Description;
    /// A note: up to 4,000 code points, Markdown welcome, no NUL.
    #[schema(max_length = 4000, pattern = r"^[^\x00]*$", example = "The price list changed on the 3rd.")]
    Note;
    /// A unit of measurement: up to 32 code points.
    #[schema(min_length = 1, max_length = 32, pattern = r"^[^\x00-\x1f\x7f]+$", example = "days")]
    Unit;
    /// A short name inside a workspace, for addresses: `[a-z0-9]` with single `-` between, up to 64.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "acme")]
    Slug;
    /// A KPI's short name for paths and scripts: `[a-z0-9]` with single `-`, `_` or `.` between. It may not look like an id.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[a-z0-9]+([-_.][a-z0-9]+)*$", example = "churn-rate")]
    KpiKey;
    /// When: a date, which stands for the start of that day in the workspace's time zone, or an instant with its offset (RFC 3339).
    #[schema(max_length = 64, pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$", example = "2026-03-31")]
    WhenText;
    /// A tag: 1 to 50 code points, no control characters.
    #[schema(min_length = 1, max_length = 50, pattern = r"^[^\x00-\x1f\x7f]+$", example = "growth")]
    Tag;
    /// The address of a page: `https` or `http`, without a name or password in it, up to 2,000 code points.
    #[schema(min_length = 8, max_length = 2000, pattern = r"^https?://[^\s/?#@\\\x00-\x1f\x7f]+([/?#][^\s\x00-\x1f\x7f]*)?$", example = "https://tracker.example.com/tickets/42")]
    Url;
    /// An e-mail address, up to 254 code points.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$", example = "ann@example.com")]
    Email;
    /// The name of a period: a day, an ISO week, a month, quarter or year; for an irregular KPI the instant of the point.
    #[schema(min_length = 4, max_length = 40, pattern = "^(week of )?[0-9+-][0-9TZWQ:.+-]*$", example = "2026-03")]
    PeriodName;
    /// A sentence or some, made by the server for people.
    #[schema(max_length = 4000, pattern = r"^[^\x00]*$", example = "it must not be above 200")]
    Sentence;
    /// A stable name of a kind of thing, for programs.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z][a-z0-9_]*$", example = "not_found")]
    Keyword;
    /// Where in a body: a JSON pointer (RFC 6901); in a query the name of the parameter.
    #[schema(max_length = 1000, pattern = r"^[^\x00]*$", example = "/target/min")]
    Pointer;
    /// The name of a request in the log.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_-]+$", example = "01kn1kmze0ezc8pwn8jpac7c1k")]
    RequestName;
    /// The id of a thing of any kind.
    #[schema(min_length = 28, max_length = 40, pattern = "^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "kpi_01h455vb4pex5vsknk084sn02q")]
    AnyId;
    /// Where a page ended: opaque, and good for the list that made it.
    #[schema(min_length = 1, max_length = 1024, pattern = "^[0-9A-Za-z_-]+$", example = "bm90IGEgcmVhbCBvbmU")]
    Cursor;
    /// A secret as it was handed out: printable, without spaces.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[\x21-\x7e]+$", example = "rgi_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw")]
    Secret;
}

/// What a caller sent, as it can be shown: a NUL is replaced, and what goes beyond so many code
/// points is cut off and marked.
pub fn shown(text: &str, longest: usize) -> String {
    let text = text.replace('\0', "\u{fffd}");
    match text.char_indices().nth(longest) {
        None => text,
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Text as it is sorted, searched and compared: white space at the ends gone, letters lower case.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The pattern of `LIKE` for folded texts that hold this one; a backslash escapes what the pattern would read.
pub fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in folded(text).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// A measured value in the KPI's own unit: finite, within ±1e15.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(minimum = -1e15, maximum = 1e15, example = 4.2)]
pub struct Measure(f64);

impl Measure {
    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl From<f64> for Measure {
    fn from(value: f64) -> Self {
        // There is one zero: -0 is stored as 0.
        Self(value + 0.0)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from)
    }
}

mod of_the_store {
    use std::borrow::Cow;

    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
    use utoipa::{PartialSchema, ToSchema};

    use crate::store::{Day, Id, Kind, Moment};

    impl<K: Kind> PartialSchema for Id<K> {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(format!("The id of one {}: sortable by the time of its making.", K::NAME)))
                .pattern(Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", K::PREFIX)))
                .max_length(Some(K::PREFIX.len() + 27))
                .examples([format!("{}_01h455vb4pex5vsknk084sn02q", K::PREFIX)])
                .into()
        }
    }

    impl<K: Kind> ToSchema for Id<K> {
        fn name() -> Cow<'static, str> {
            format!("{}Id", K::NAME).into()
        }
    }

    impl PartialSchema for Moment {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .description(Some("An instant in UTC, with microseconds (RFC 3339)."))
                .max_length(Some(40))
                .examples(["2026-03-31T09:30:00.000000Z"])
                .into()
        }
    }
    impl ToSchema for Moment {
        fn name() -> Cow<'static, str> {
            "Moment".into()
        }
    }

    impl PartialSchema for Day {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
                .description(Some("A calendar day in the workspace's time zone."))
                .max_length(Some(20))
                .examples(["2026-03-31"])
                .into()
        }
    }
    impl ToSchema for Day {
        fn name() -> Cow<'static, str> {
            "Day".into()
        }
    }
}
