//! Typed identifiers: UUIDv7 inside, TypeID text outside.
//!
//! Every row is named by 128 bits that sort by the time of their making (RFC 9562, version 7), and
//! is written as `kpi_01h455vb4pex5vsknk084sn02q`: the kind, `_`, and 26 characters of Crockford
//! base 32 (TypeID specification 0.3). The kind is part of the Rust type, so that an objective's id
//! never reaches a query about KPIs, and part of the text, so that neither people nor clients mix
//! them up.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::ids::MemberId;
use super::types::SqlId;

/// Crockford's alphabet in lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of the suffix: 130 bits hold the 128, the first character carries only three.
const SUFFIX_LENGTH: usize = 26;

/// The greatest instant that the 48 bits of a version 7 UUID can hold, in milliseconds since 1970.
const LAST_MILLISECOND: u64 = (1 << 48) - 1;

/// A kind of thing that has an id.
pub trait Kind: 'static {
    /// What stands before the `_`: lower-case letters only, as in `kpi`.
    const PREFIX: &'static str;
    /// What people call the thing in a sentence, as in `KPI` or `key result`.
    const NAME: &'static str;
}

/// An id whose kind is not known, for columns and tables that name things of many kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlId)]
pub struct RawId(pub Uuid);

impl RawId {
    /// The id of whoever did something, if that was a member: of anybody else it is the id of no member.
    pub fn as_member(self) -> MemberId {
        MemberId::from_uuid(self.uuid())
    }
}

/// The id of a `T`. Ordered by the time of its making.
#[derive(AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlId)]
pub struct Id<T: Kind> {
    raw: RawId,
    kind: PhantomData<fn() -> T>,
}

/// Why a text is not the id that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A sound id, but of another kind of thing.
    #[error("expected an id that begins with `{expected}_`, found one that begins with `{found}_`")]
    WrongKind {
        /// The prefix of the kind that was asked for.
        expected: &'static str,
        /// The prefix in the text.
        found: String,
    },
    /// No id of any kind.
    #[error("not an id: expected a prefix, `_` and 26 characters of lower-case base 32")]
    Malformed,
}

impl RawId {
    /// The id with these 128 bits.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bits.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl<T: Kind> Id<T> {
    /// The id with these 128 bits, as read from the database.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self { raw: RawId(uuid), kind: PhantomData }
    }

    /// The bits, as written to the database.
    pub fn uuid(self) -> Uuid {
        self.raw.0
    }

    /// The id without its kind.
    pub fn raw(self) -> RawId {
        self.raw
    }

    /// The id made at `at` (cut to milliseconds, kept within 1970 to the year 10889) from ten
    /// random bytes, of which the six bits that hold version and variant are not used. The same
    /// arguments give the same id.
    pub fn new_id(at: Timestamp, random: [u8; 10]) -> Self {
        Self::assemble(millisecond(at), random)
    }

    /// A new id made at `at`. Ids that one process makes for the same millisecond ascend.
    pub fn generate(at: Timestamp) -> Self {
        let mut random = random_bytes::<10>();
        let millisecond = millisecond(at);
        let count = next_count(millisecond, random);
        // The counter takes the 32 bits after the time stamp that version and variant leave free:
        // all of rand_a and the upper 20 bits of rand_b (RFC 9562, section 6.2, method 1).
        random[0] = (count >> 28) as u8;
        random[1] = (count >> 20) as u8;
        random[2] = ((count >> 14) & 0x3f) as u8;
        random[3] = (count >> 6) as u8;
        random[4] = ((count << 2) as u8) | (random[4] & 0x03);
        Self::assemble(millisecond, random)
    }

    fn assemble(millisecond: u64, random: [u8; 10]) -> Self {
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millisecond, &random).into_uuid())
    }
}

/// Whether a text has the outline of an id of any kind: letters, `_` and 26 letters or digits. Keys
/// that people choose must not look so, or a path could name two things.
pub fn looks_like_id(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(prefix, suffix)| {
        !prefix.is_empty()
            && prefix.bytes().all(|byte| byte.is_ascii_alphabetic())
            && suffix.len() == SUFFIX_LENGTH
            && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Random bytes from the operating system's generator by way of AWS-LC.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        // AWS-LC itself ends the process when it gets no entropy, so this is never reached; going
        // on with guessable secrets would be the only worse answer.
        std::process::abort();
    }
    bytes
}

fn millisecond(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0).min(LAST_MILLISECOND)
}

/// How many milliseconds are counted beside each other: a prime, so that whole seconds, as set clocks
/// show them, do not share a counter.
const COUNTERS: usize = 1021;

/// The last count given out for each of the latest milliseconds, by millisecond modulo their number:
/// threads that took the time a moment apart must not reset each other's counters.
static COUNTS: Mutex<[(u64, u32); COUNTERS]> = Mutex::new([(u64::MAX, 0); COUNTERS]);

/// The next count for this millisecond. It starts at a random place in the lower half of its range,
/// so that processes do not meet, and two thousand million ids still fit.
fn next_count(millisecond: u64, random: [u8; 10]) -> u32 {
    // A panic elsewhere cannot leave a pair half written, so a poisoned lock holds sound counts.
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = &mut counts[(millisecond % COUNTERS as u64) as usize];
    let [a, b, c, d, ..] = random;
    *slot = if slot.0 == millisecond {
        (millisecond, slot.1.saturating_add(1))
    } else {
        (millisecond, u32::from_be_bytes([a, b, c, d]) >> 1)
    };
    slot.1
}

fn encode(uuid: Uuid) -> [u8; SUFFIX_LENGTH] {
    let mut rest = uuid.as_u128();
    let mut text = [0; SUFFIX_LENGTH];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text
}

fn decode(suffix: &str) -> Option<Uuid> {
    if suffix.len() != SUFFIX_LENGTH {
        return None;
    }
    let mut bits: u128 = 0;
    for (place, byte) in suffix.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        if place == 0 && digit > 7 {
            return None; // more than 128 bits
        }
        bits = (bits << 5) | digit as u128;
    }
    Some(Uuid::from_u128(bits))
}

/// The prefix and the bits of an id whose kind is not known yet.
pub(super) fn read_untyped(text: &str) -> Result<(&str, RawId), IdError> {
    let (prefix, suffix) = text.rsplit_once('_').ok_or(IdError::Malformed)?;
    let uuid = decode(suffix).ok_or(IdError::Malformed)?;
    Ok((prefix, RawId(uuid)))
}

/// The text of an id with this prefix.
pub(super) fn write_untyped(prefix: &str, id: RawId) -> String {
    let suffix = encode(id.0).map(char::from);
    format!("{prefix}_{}", String::from_iter(suffix))
}

impl<T: Kind> FromStr for Id<T> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (prefix, suffix) = text.rsplit_once('_').ok_or(IdError::Malformed)?;
        let uuid = decode(suffix).ok_or(IdError::Malformed)?;
        if prefix == T::PREFIX {
            return Ok(Self::from_uuid(uuid));
        }
        // 63 letters is what the TypeID specification allows; it also bounds what errors repeat.
        if prefix.is_empty() || prefix.len() > 63 || !prefix.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(IdError::Malformed);
        }
        Err(IdError::WrongKind { expected: T::PREFIX, found: prefix.to_owned() })
    }
}

impl<T: Kind> fmt::Display for Id<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}_", T::PREFIX)?;
        encode(self.raw.0).into_iter().try_for_each(|byte| fmt::Write::write_char(out, char::from(byte)))
    }
}

impl<T: Kind> fmt::Debug for Id<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

// Written by hand because deriving would ask the same of `T`, which is only a name.
impl<T: Kind> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Kind> Copy for Id<T> {}
impl<T: Kind> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<T: Kind> Eq for Id<T> {}
impl<T: Kind> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: Kind> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<T: Kind> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<T: Kind> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Kind> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOf<T>(PhantomData<fn() -> T>);
        impl<T: Kind> de::Visitor<'_> for TextOf<T> {
            type Value = Id<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "the id of a {}: `{}_` and 26 characters", T::NAME, T::PREFIX)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<T>, E> {
                // The text is not repeated: it may be long, or a secret in the wrong place.
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Other("another text"), &self))
            }
        }
        deserializer.deserialize_str(TextOf(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kpi;
    impl Kind for Kpi {
        const PREFIX: &'static str = "kpi";
        const NAME: &'static str = "KPI";
    }

    fn id(text: &str) -> Result<Id<Kpi>, IdError> {
        text.parse()
    }

    #[test]
    fn vectors_of_the_typeid_specification_hold_both_ways() {
        for (uuid, suffix) in [
            ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
            ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
            ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000a"),
            ("00000000-0000-0000-0000-000000000010", "0000000000000000000000000g"),
            ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
            ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
            ("0188bac7-4afa-78aa-bc3b-bd1eef28d881", "01h2xcejqtf2nbrexx3vqjhp41"),
        ] {
            let known = Id::<Kpi>::from_uuid(uuid.parse().unwrap());
            assert_eq!(known.to_string(), format!("kpi_{suffix}"));
            assert_eq!(id(&format!("kpi_{suffix}")), Ok(known));
        }
    }

    #[test]
    fn anything_but_the_exact_form_is_refused() {
        for text in [
            "",
            "_",
            "kpi",
            "kpi_",
            "01h455vb4pex5vsknk084sn02q",
            "_01h455vb4pex5vsknk084sn02q",
            "kpi_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "kpi_01H455VB4PEX5VSKNK084SN02Q",
            "KPI_01h455vb4pex5vsknk084sn02q",
            "kpi_01h455vb4pex5vsknk084sn02",
            "kpi-01h455vb4pex5vsknk084sn02q",
            "kpi_01h455vb4pex5vsknk084sn02qq",
            "kpi_01h455vb4pex5vsknk084sn02i",
            "kpi_01h455vb4pex5vsknk084sn02u",
            "kpi_01h455vb4pex5vsknk084sn0-q",
            " kpi_01h455vb4pex5vsknk084sn02q",
            "kpi__01h455vb4pex5vsknk084sn02q",
            "kpi_01h455vb4pex5vsknk084sn02q ",
            "kpi_01h455vb4pex5vsknk084sné",
            "okr_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(id(text), Err(IdError::Malformed), "{text}");
        }
        assert_eq!(
            id("obj_01h455vb4pex5vsknk084sn02q"),
            Err(IdError::WrongKind { expected: "kpi", found: "obj".into() })
        );
    }

    #[test]
    fn the_outline_of_an_id_is_seen_whatever_its_kind() {
        assert!(looks_like_id("obj_01h455vb4pex5vsknk084sn02q"));
        assert!(looks_like_id("KPI_ZZZZZZZZZZZZZZZZZZZZZZZZZZ"));
        for text in ["", "sales", "_01h455vb4pex5vsknk084sn02q", "kpi_short", "k2_01h455vb4pex5vsknk084sn02q"]
        {
            assert!(!looks_like_id(text), "{text}");
        }
    }

    #[test]
    fn an_id_travels_as_a_string_and_says_what_it_should_have_been() {
        let text = "\"kpi_01h455vb4pex5vsknk084sn02q\"";
        let read: Id<Kpi> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(format!("{read:?}"), "kpi_01h455vb4pex5vsknk084sn02q");
        for bad in ["7", "null", "[]", "\"obj_01h455vb4pex5vsknk084sn02q\"", "\"kpi\""] {
            let error = serde_json::from_str::<Id<Kpi>>(bad).unwrap_err().to_string();
            assert!(error.contains("`kpi_`"), "{error}");
        }
    }

    #[test]
    fn ids_carry_version_time_and_randomness() {
        let at: Timestamp = "2026-11-03T10:00:00.123456Z".parse().unwrap();
        let made = Id::<Kpi>::new_id(at, [0xff; 10]).uuid();
        assert_eq!(made, Id::<Kpi>::new_id(at, [0xff; 10]).uuid());
        assert_eq!(made.get_version_num(), 7);
        assert_eq!(made.as_u128() >> 80, at.as_millisecond() as u128);
        assert_eq!(Id::<Kpi>::new_id(Timestamp::MIN, [0; 10]).uuid().as_u128() >> 80, 0);
        assert_eq!(Id::<Kpi>::generate(Timestamp::MAX).uuid().get_version_num(), 7);
    }

    #[test]
    fn ids_of_one_millisecond_ascend_even_when_another_interleaves() {
        let at: Timestamp = "2031-01-01T00:00:00Z".parse().unwrap();
        let later = at + jiff::SignedDuration::from_millis(1);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..5_000 {
            first.push(Id::<Kpi>::generate(at));
            second.push(Id::<Kpi>::generate(later));
        }
        for ids in [&first, &second] {
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(ids.iter().all(|id| id.uuid().get_variant() == uuid::Variant::RFC4122));
        }
        assert!(first.last() < second.first());
    }
}
