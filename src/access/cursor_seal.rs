//! Page cursors that clients can carry but not make up.
//!
//! A cursor says where the next page begins. It is sealed, so that a caller can neither point it
//! into rows of others nor use it with another list, filter or person: all of these are the scope,
//! which is under the seal but not in the text. What it carries is not hidden: it holds only what
//! the caller has just read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::{hmac_sha256, same};

const TAG_LENGTH: usize = 32;

/// Longest cursor that is looked at, in characters.
const LONGEST: usize = 4096;

/// The cursor for a payload within a scope: base64url of an HMAC-SHA256 and the payload.
pub fn seal(key: &[u8; 32], scope: &[&str], payload: &[u8]) -> String {
    let mut sealed = tag(key, scope, payload).to_vec();
    sealed.extend_from_slice(payload);
    URL_SAFE_NO_PAD.encode(sealed)
}

/// The payload of a cursor that was sealed with this key in this scope, else `None`.
pub fn open(key: &[u8; 32], scope: &[&str], cursor: &str) -> Option<Vec<u8>> {
    if cursor.len() > LONGEST {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (claimed, payload) = sealed.split_at_checked(TAG_LENGTH)?;
    same(claimed, &tag(key, scope, payload)).then(|| payload.to_vec())
}

fn tag(key: &[u8; 32], scope: &[&str], payload: &[u8]) -> [u8; TAG_LENGTH] {
    // Counts and lengths stand before the fields, so that no two lists of fields give one message.
    let mut message = (scope.len() as u64).to_be_bytes().to_vec();
    for field in scope.iter().map(|part| part.as_bytes()).chain([payload]) {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field);
    }
    hmac_sha256(key, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [3; 32];

    #[test]
    fn what_was_sealed_opens_in_its_scope_alone() {
        let cursor = seal(&KEY, &["acme", "kpis", "sort=name"], b"payload");
        assert_eq!(open(&KEY, &["acme", "kpis", "sort=name"], &cursor).as_deref(), Some(&b"payload"[..]));
        assert_eq!(open(&[4; 32], &["acme", "kpis", "sort=name"], &cursor), None);
        for scope in [
            &[][..],
            &["acme"],
            &["acme", "kpis"],
            &["acme", "kpis", "sort=value"],
            &["other", "kpis", "sort=name"],
            &["acmekpis", "", "sort=name"],
            &["acme", "kpissort=name", ""],
            &["acme", "kpis", "sort=name", ""],
            &["", "acme", "kpis", "sort=name"],
            &["kpis", "acme", "sort=name"],
            &["acmekpissort=name"],
        ] {
            assert_eq!(open(&KEY, scope, &cursor), None, "{scope:?}");
        }
    }

    #[test]
    fn shifted_boundaries_never_meet() {
        let tags = [
            tag(&KEY, &["ab", "c"], b"d"),
            tag(&KEY, &["a", "bc"], b"d"),
            tag(&KEY, &["abc"], b"d"),
            tag(&KEY, &["ab"], b"cd"),
            tag(&KEY, &["a", "b", "c"], b"d"),
            tag(&KEY, &["abc", ""], b"d"),
            tag(&KEY, &["", "abc"], b"d"),
            tag(&KEY, &["abcd"], b""),
            tag(&KEY, &[], b"abcd"),
            tag(&KEY, &["ab", "c", "d"], b""),
            // A field that spells out the length prefix of the next one.
            tag(&KEY, &["ab\0\0\0\0\0\0\0\u{1}c"], b"d"),
        ];
        for (place, left) in tags.iter().enumerate() {
            assert!(tags.iter().skip(place + 1).all(|right| left != right), "{place}");
        }
    }

    #[test]
    fn a_changed_cursor_does_not_open() {
        let cursor = seal(&KEY, &["acme"], b"payload");
        for place in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&KEY, &["acme"], &String::from_utf8(changed).unwrap()), None, "{place}");
        }
        let long = "A".repeat(LONGEST + 1);
        for bad in [
            "",
            "A",
            "AAAA",
            &cursor[..42],
            &cursor[..cursor.len() - 1],
            &format!("{cursor}="),
            &format!(" {cursor}"),
            "é",
            &long,
        ] {
            assert_eq!(open(&KEY, &["acme"], bad), None, "{bad}");
        }
        assert_eq!(open(&KEY, &["acme"], &seal(&KEY, &["acme"], b"")).as_deref(), Some(&b""[..]));
    }
}
