//! One Rust type per idea, whatever the engine keeps.
//!
//! `Moment` is `timestamptz` or integer microseconds, `Day` is `date` or integer days, `Json` is
//! `jsonb` or text, ids are `uuid` or a 16-byte blob. Every type speaks to each engine and,
//! through `MultiConnection`, to both.

use std::fmt;
use std::io::Write;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Integer, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::connection::{MultiBackend, MultiRawValue};
use super::id::{Id, Kind, RawId};

/// `uuid`, or a blob of 16 bytes.
#[derive(Debug, Clone, Copy, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct SqlId;

/// `timestamptz`, or integer microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct SqlMoment;

/// `date`, or integer days since 1970-01-01.
#[derive(Debug, Clone, Copy, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1082, array_oid = 1182), sqlite_type(name = "Integer"))]
pub struct SqlDay;

/// `jsonb`, or text.
#[derive(Debug, Clone, Copy, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807), sqlite_type(name = "Text"))]
pub struct SqlJson;

impl diesel::sql_types::SqlOrd for SqlMoment {}
impl diesel::sql_types::SqlOrd for SqlDay {}

/// An instant in whole microseconds, so that what is stored comes back as it was sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlMoment)]
pub struct Moment(i64);

/// A calendar day, without a zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlDay)]
pub struct Day(Date);

/// A JSON value kept as it is.
#[derive(Clone, Debug, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlJson)]
pub struct Json(pub serde_json::Value);

const UNIX_TO_2000_MICROSECONDS: i64 = 946_684_800_000_000;
const EPOCH: Date = date(1970, 1, 1);
const MILLENNIUM: Date = date(2000, 1, 1);

impl Moment {
    /// From microseconds since 1970 UTC; what no calendar reaches is held at its end.
    pub fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond()))
    }

    /// Microseconds since 1970 UTC.
    pub fn microseconds(self) -> i64 {
        self.0
    }

    /// The same instant for the maths.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// This instant and some time more, or less where `by` is negative.
    pub fn plus(self, by: SignedDuration) -> Self {
        let more = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self::from_microseconds(self.0.saturating_add(more))
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

impl Day {
    /// Stands for the beginning of time: earlier than any day that is accepted from outside.
    pub const BEGINNING: Self = Self(date(1, 1, 1));

    /// The day for the maths.
    pub fn date(self) -> Date {
        self.0
    }

    fn since(self, origin: Date) -> i32 {
        origin.until(self.0).map_or(0, |span| span.get_days())
    }

    fn after(origin: Date, days: i32) -> Self {
        Self(origin.saturating_add(jiff::Span::new().days(days)))
    }
}

impl From<Date> for Day {
    fn from(day: Date) -> Self {
        Self(day)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! as_text {
    ($type:ty, $parse:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                let parse: fn(&str) -> Result<Self, jiff::Error> = $parse;
                parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(Moment, |text| text.parse::<Timestamp>().map(Self::from));
as_text!(Day, |text| text.parse::<Date>().map(Self));

/// A type that each engine reads and writes, for both at once.
macro_rules! on_both_engines {
    ([$($generics:tt)*] $type:ty, $sql:ty) => {
        impl<$($generics)*> ToSql<$sql, MultiBackend> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> diesel::serialize::Result {
                out.set_value((<$sql>::default(), self));
                Ok(IsNull::No)
            }
        }
        impl<$($generics)*> FromSql<$sql, MultiBackend> for $type {
            fn from_sql(raw: MultiRawValue<'_>) -> diesel::deserialize::Result<Self> {
                raw.from_sql::<Self, $sql>()
            }
        }
    };
}

macro_rules! known_to_multi {
    ($($sql:ty),*) => { $(
        impl diesel::sql_types::HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$sql>(lookup)
            }
        }
    )* };
}
known_to_multi!(SqlId, SqlMoment, SqlDay, SqlJson);

on_both_engines!([] Moment, SqlMoment);
on_both_engines!([] Day, SqlDay);
on_both_engines!([] Json, SqlJson);
on_both_engines!([] RawId, SqlId);
on_both_engines!([K: Kind] Id<K>, SqlId);

impl ToSql<SqlMoment, Pg> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        out.write_all(&(self.0 - UNIX_TO_2000_MICROSECONDS).to_be_bytes())?;
        Ok(IsNull::No)
    }
}
impl FromSql<SqlMoment, Pg> for Moment {
    fn from_sql(raw: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let since_2000 = <i64 as FromSql<BigInt, Pg>>::from_sql(raw)?;
        Ok(Self::from_microseconds(since_2000.saturating_add(UNIX_TO_2000_MICROSECONDS)))
    }
}
impl ToSql<SqlMoment, Sqlite> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
        out.set_value(self.0);
        Ok(IsNull::No)
    }
}
impl FromSql<SqlMoment, Sqlite> for Moment {
    fn from_sql(raw: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(raw).map(Self::from_microseconds)
    }
}

impl ToSql<SqlDay, Pg> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        out.write_all(&self.since(MILLENNIUM).to_be_bytes())?;
        Ok(IsNull::No)
    }
}
impl FromSql<SqlDay, Pg> for Day {
    fn from_sql(raw: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self::after(MILLENNIUM, <i32 as FromSql<Integer, Pg>>::from_sql(raw)?))
    }
}
impl ToSql<SqlDay, Sqlite> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
        out.set_value(self.since(EPOCH));
        Ok(IsNull::No)
    }
}
impl FromSql<SqlDay, Sqlite> for Day {
    fn from_sql(raw: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        Ok(Self::after(EPOCH, <i32 as FromSql<Integer, Sqlite>>::from_sql(raw)?))
    }
}

/// `jsonb` begins with its format's version.
const JSONB_VERSION: u8 = 1;

impl ToSql<SqlJson, Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}
impl FromSql<SqlJson, Pg> for Json {
    fn from_sql(raw: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match raw.as_bytes() {
            [JSONB_VERSION, text @ ..] => Ok(Self(serde_json::from_slice(text)?)),
            _ => Err("jsonb of a version that is not known".into()),
        }
    }
}
impl ToSql<SqlJson, Sqlite> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}
impl FromSql<SqlJson, Sqlite> for Json {
    fn from_sql(raw: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(raw)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}

macro_rules! ids_on_each_engine {
    ($([$($generics:tt)*] $type:ty, $bytes:expr, $from:expr;)*) => { $(
        impl<$($generics)*> ToSql<SqlId, Pg> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
                let bytes: fn(&Self) -> uuid::Uuid = $bytes;
                out.write_all(bytes(self).as_bytes())?;
                Ok(IsNull::No)
            }
        }
        impl<$($generics)*> FromSql<SqlId, Pg> for $type {
            fn from_sql(raw: PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let from: fn(uuid::Uuid) -> Self = $from;
                Ok(from(uuid::Uuid::from_slice(raw.as_bytes())?))
            }
        }
        impl<$($generics)*> ToSql<SqlId, Sqlite> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
                let bytes: fn(&Self) -> uuid::Uuid = $bytes;
                out.set_value(bytes(self).as_bytes().to_vec());
                Ok(IsNull::No)
            }
        }
        impl<$($generics)*> FromSql<SqlId, Sqlite> for $type {
            fn from_sql(raw: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
                let from: fn(uuid::Uuid) -> Self = $from;
                let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(raw)?;
                Ok(from(uuid::Uuid::from_slice(&bytes)?))
            }
        }
    )* };
}
ids_on_each_engine! {
    [] RawId, |id| id.uuid(), RawId::from_uuid;
    [K: Kind] Id<K>, |id| id.uuid(), Id::from_uuid;
}

/// Lets every word of the domain be a text column: `impl_sql_words!(Health, Cadence)`.
macro_rules! impl_sql_words {
    ($($word:ty),* $(,)?) => { $(
        const _: () = {
            use diesel::sql_types::Text;
            use $crate::store::connection::{MultiBackend, MultiRawValue};

            #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
            #[diesel(foreign_derive, sql_type = Text)]
            #[allow(dead_code, reason = "only carries the derives to the word")]
            struct Proxy($word);

            impl diesel::serialize::ToSql<Text, MultiBackend> for $word {
                fn to_sql<'b>(
                    &'b self,
                    out: &mut diesel::serialize::Output<'b, '_, MultiBackend>,
                ) -> diesel::serialize::Result {
                    out.set_value((Text, self.as_str()));
                    Ok(diesel::serialize::IsNull::No)
                }
            }
            impl diesel::serialize::ToSql<Text, diesel::pg::Pg> for $word {
                fn to_sql<'b>(
                    &'b self,
                    out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
                ) -> diesel::serialize::Result {
                    <str as diesel::serialize::ToSql<Text, diesel::pg::Pg>>::to_sql(self.as_str(), out)
                }
            }
            impl diesel::serialize::ToSql<Text, diesel::sqlite::Sqlite> for $word {
                fn to_sql<'b>(
                    &'b self,
                    out: &mut diesel::serialize::Output<'b, '_, diesel::sqlite::Sqlite>,
                ) -> diesel::serialize::Result {
                    out.set_value(self.as_str());
                    Ok(diesel::serialize::IsNull::No)
                }
            }
            impl diesel::deserialize::FromSql<Text, diesel::pg::Pg> for $word {
                fn from_sql(raw: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                    Ok(std::str::from_utf8(raw.as_bytes())?.parse::<Self>()?)
                }
            }
            impl diesel::deserialize::FromSql<Text, diesel::sqlite::Sqlite> for $word {
                fn from_sql(
                    raw: <diesel::sqlite::Sqlite as diesel::backend::Backend>::RawValue<'_>,
                ) -> diesel::deserialize::Result<Self> {
                    let text = <String as diesel::deserialize::FromSql<Text, diesel::sqlite::Sqlite>>::from_sql(raw)?;
                    Ok(text.parse::<Self>()?)
                }
            }
            impl diesel::deserialize::FromSql<Text, MultiBackend> for $word {
                fn from_sql(raw: MultiRawValue<'_>) -> diesel::deserialize::Result<Self> {
                    Ok(raw.from_sql::<String, Text>()?.parse::<Self>()?)
                }
            }
        };
    )* };
}
pub(crate) use impl_sql_words;
