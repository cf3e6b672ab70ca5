//! Words of the domain on the wire: strings in JSON, named enums in the document.

/// Gives words their JSON form and their named schema: `impl_wire_words!(Health, Cadence)`.
macro_rules! impl_wire_words {
    ($($word:ty),* $(,)?) => { $(
        const _: () = {
            use $crate::maths::word::Word;

            impl serde::Serialize for $word {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }
            impl<'de> serde::Deserialize<'de> for $word {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
            impl utoipa::PartialSchema for $word {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                    $crate::http::words::schema::<$word>()
                }
            }
            impl utoipa::ToSchema for $word {
                fn name() -> std::borrow::Cow<'static, str> {
                    <$word as Word>::NAME.into()
                }
            }
        };
    )* };
}
pub(crate) use impl_wire_words;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::maths::word::Word;

/// The schema of a word: its spellings, and what each of them means.
pub fn schema<W: Word>() -> RefOr<Schema> {
    let meanings: Vec<String> =
        W::ALL.iter().map(|word| format!("- `{}`: {}", word.as_str(), word.describe())).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .title(Some(W::NAME))
        .description(Some(format!("{}\n\n{}", W::DOC, meanings.join("\n"))))
        .enum_values(Some(W::ALL.iter().map(|word| word.as_str())))
        .into()
}

mod of_the_maths {
    use crate::maths::{
        AdviceCode, Aggregation, Because, Cadence, Choice, ClosedBy, Confidence, Direction, Expectation,
        Expects, Freshness, Health, HealthReason, KeyResultKind, LeftOut, ObjectiveOutcome, Pace,
        ProgressSource, RemedyOutcome, Rule, Trend, UsefulnessVerdict,
    };

    impl_wire_words!(
        AdviceCode,
        Aggregation,
        Because,
        Cadence,
        Choice,
        ClosedBy,
        Confidence,
        Direction,
        Expectation,
        Expects,
        Freshness,
        Health,
        HealthReason,
        KeyResultKind,
        LeftOut,
        ObjectiveOutcome,
        Pace,
        ProgressSource,
        RemedyOutcome,
        Rule,
        Trend,
        UsefulnessVerdict,
    );
    crate::store::types::impl_sql_words!(
        Aggregation,
        Cadence,
        Choice,
        ClosedBy,
        Confidence,
        Expects,
        Freshness,
        Health,
        HealthReason,
        KeyResultKind,
        ObjectiveOutcome,
        ProgressSource,
        RemedyOutcome,
        Trend,
    );
}

mod of_the_store {
    use crate::store::journal::{Audience, EventType};
    use crate::store::transaction::AuthorKind;
    use crate::store::workspace::WeekDay;

    impl_wire_words!(Audience, AuthorKind, EventType, WeekDay);
}
