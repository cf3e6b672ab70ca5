//! API tokens: what scripts and integrations send instead of a person's sign-in.
//!
//! `rgm_`, 30 random characters of base 62 (178 bits), and the CRC-32 of these 34 characters as six
//! characters of base 62. The prefix lets scanners find leaked tokens, and the checksum lets them
//! and the server drop mistyped or invented ones without a look into the database (after GitHub's
//! token format of 2021). As a regular expression: `\brgm_[0-9A-Za-z]{36}\b`.

use std::fmt;

use super::secret::{sha256, wipe};
use crate::store::id::random_bytes;

/// What every API token begins with.
pub const PREFIX: &str = "rgm_";

const BODY_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API token whose checksum is right. Whether anyone was ever given it only the store knows.
pub struct ApiToken(String);

impl ApiToken {
    /// A new token.
    pub fn generate() -> Self {
        let mut text = String::with_capacity(PREFIX.len() + BODY_LENGTH + CHECKSUM_LENGTH);
        text.push_str(PREFIX);
        while text.len() < PREFIX.len() + BODY_LENGTH {
            let mut bytes = random_bytes::<40>();
            let free = PREFIX.len() + BODY_LENGTH - text.len();
            text.extend(bytes.iter().filter_map(|byte| digit(*byte)).take(free));
            wipe(&mut bytes);
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The token in a text that a caller sent; `None` when its shape or its checksum is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        if rest.len() != BODY_LENGTH + CHECKSUM_LENGTH
            || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        let (signed, sum) = text.split_at(PREFIX.len() + BODY_LENGTH);
        // A checksum keeps no secret, so comparing it may take any time.
        (checksum(signed) == sum).then(|| Self(text.to_owned()))
    }

    /// SHA-256 of the whole text, for the store.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// What lists show so that people know their tokens apart: `rgm_…` and the last four characters.
    pub fn hint(&self) -> String {
        let last = self.0.get(self.0.len() - 4..).unwrap_or_default();
        format!("{PREFIX}…{last}")
    }

    /// The text, to be shown to its owner once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}[redacted]")
    }
}

impl Drop for ApiToken {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// A character for a random byte; `None` for the eight values that would favour some characters.
fn digit(byte: u8) -> Option<char> {
    (byte < 248).then(|| char::from(DIGITS[usize::from(byte % 62)]))
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut sum = [b'0'; CHECKSUM_LENGTH];
    for place in sum.iter_mut().rev() {
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    sum.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_new_token_has_the_published_shape_and_reads_back() {
        let token = ApiToken::generate();
        assert_eq!(token.reveal().len(), 40);
        let back = ApiToken::parse(token.reveal()).unwrap();
        assert_eq!(back.hash(), token.hash());
        assert_eq!(token.hash(), sha256(token.reveal().as_bytes()));
        assert_eq!(token.hint(), format!("rgm_…{}", &token.reveal()[36..]));
        assert_eq!(format!("{token:?}"), "rgm_[redacted]");
    }

    #[test]
    fn the_checksum_is_fixed_for_all_time() {
        const KNOWN_SUM: &str = "0o67Ht";
        // Tokens outlive versions of this program: this one must always be read.
        let text = format!("rgm_{}", "0".repeat(30));
        assert_eq!(checksum(&text), KNOWN_SUM);
        assert!(ApiToken::parse(&format!("{text}{KNOWN_SUM}")).is_some());
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn every_single_changed_character_is_noticed() {
        let token = ApiToken::generate();
        for place in 0..token.reveal().len() {
            for other in ['0', 'z', 'A', '_', ' '] {
                let mut changed: Vec<char> = token.reveal().chars().collect();
                if changed[place] != other {
                    changed[place] = other;
                    assert!(ApiToken::parse(&changed.into_iter().collect::<String>()).is_none());
                }
            }
        }
        let text = token.reveal();
        for bad in [
            "",
            "rgm_",
            &text[1..],
            &text[..39],
            &format!("{text}0"),
            &format!("{text}\n"),
            &text.to_uppercase(),
        ] {
            assert!(ApiToken::parse(bad).is_none(), "{bad}");
        }
        assert!(ApiToken::parse(&format!("rgm_{}", "é".repeat(18))).is_none());
    }

    #[test]
    fn characters_are_unbiased_and_tokens_differ() {
        let mut counts = [[0_u32; 62]; BODY_LENGTH];
        let mut seen = HashSet::new();
        let draws = 20_000;
        for _ in 0..draws {
            let token = ApiToken::generate();
            for (place, byte) in token.reveal().bytes().skip(4).take(BODY_LENGTH).enumerate() {
                counts[place][DIGITS.iter().position(|known| *known == byte).unwrap()] += 1;
            }
            assert!(seen.insert(token.hash()));
        }
        let expected = f64::from(draws) / 62.0;
        for place in counts {
            let chi: f64 = place.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            // 61 degrees of freedom: chance exceeds 140 less than once in ten million positions.
            assert!(chi < 140.0, "{chi}");
        }
        assert_eq!((0..=255).filter_map(digit).count(), 248);
    }
}
