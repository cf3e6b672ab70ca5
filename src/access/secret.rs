//! Opaque secrets that the server hands out once and knows again only by their hash: refresh tokens,
//! invitation
//! tokens, and what stands in the address of a link.
//!
//! Each is 256 random bits in base64url behind a prefix of its kind. The kind is in the Rust type
//! and in the text that is hashed, so one kind is never taken for another (OWASP ASVS 5.0, 9.2.2).
//! The store keeps SHA-256 of the text: enough for secrets that nobody can guess.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::id::{RawId, random_bytes};

/// A kind of opaque secret.
pub trait SecretKind: 'static {
    /// What its text begins with, `_` included.
    const PREFIX: &'static str;
}

/// The kind of secret that renews a session.
pub enum Refresh {}
impl SecretKind for Refresh {
    const PREFIX: &'static str = "rgr_";
}

/// The kind of secret that lets someone join a workspace.
pub enum Invitation {}
impl SecretKind for Invitation {
    const PREFIX: &'static str = "rgi_";
}

/// The kind of secret that a mail bears, to be sent back with a new password.
pub enum PasswordReset {}
impl SecretKind for PasswordReset {
    const PREFIX: &'static str = "rgp_";
}

/// The kind of secret that a mail bears, to be sent back by whoever wants to sign in with its address.
pub enum EmailChange {}
impl SecretKind for EmailChange {
    const PREFIX: &'static str = "rge_";
}

/// The kind of secret that shows one picture or scorecard to whoever has it.
pub enum Sharing {}
impl SecretKind for Sharing {
    const PREFIX: &'static str = "rgl_";
}

/// Renews a session; each use replaces it by its [`successor`].
pub type RefreshToken = Secret<Refresh>;
/// Lets whoever holds it join a workspace, once.
pub type InvitationToken = Secret<Invitation>;

/// Shows whoever holds it one picture or scorecard.
pub type LinkSecret = Secret<Sharing>;

/// Lets whoever got it by mail choose a new password, once.
pub type PasswordResetToken = Secret<PasswordReset>;
/// Shows that whoever asked for an address reads what is sent there.
pub type EmailChangeToken = Secret<EmailChange>;

/// 256 secret bits of the kind `K`. Never printed and never serialised: [`Secret::reveal`] is the
/// one way out.
pub struct Secret<K: SecretKind> {
    bits: [u8; 32],
    kind: PhantomData<fn() -> K>,
}

impl<K: SecretKind> Secret<K> {
    /// A new secret.
    pub fn generate() -> Self {
        Self::from_bits(random_bytes())
    }

    /// The secret in a text that a caller sent: the prefix of this kind and 43 characters of
    /// base64url without padding. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(K::PREFIX)?;
        if encoded.len() != 43 {
            return None;
        }
        let mut decoded = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let bits = decoded.as_slice().try_into().ok();
        wipe(&mut decoded);
        bits.map(Self::from_bits)
    }

    /// SHA-256 of the whole text, for the store.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.reveal().as_bytes())
    }

    /// The text, to be shown to its owner once.
    pub fn reveal(&self) -> String {
        format!("{}{}", K::PREFIX, URL_SAFE_NO_PAD.encode(self.bits))
    }

    fn from_bits(bits: [u8; 32]) -> Self {
        Self { bits, kind: PhantomData }
    }
}

impl<K: SecretKind> fmt::Debug for Secret<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}[redacted]", K::PREFIX)
    }
}

impl<K: SecretKind> Drop for Secret<K> {
    fn drop(&mut self) {
        wipe(&mut self.bits);
    }
}

/// The refresh token that follows this one: HMAC-SHA256 of its text under a server secret. A client
/// that lost the answer gets the same successor again, although the store holds only hashes.
pub fn successor(server_secret: &[u8; 32], predecessor: &RefreshToken) -> RefreshToken {
    Secret::from_bits(hmac_sha256(server_secret, predecessor.reveal().as_bytes()))
}

/// The secret that a mail bears: HMAC-SHA256 of its kind and the mail's id under a server secret. A mail that is sent
/// again bears the same one, although the store holds only hashes.
pub fn of_mail<K: SecretKind>(server_secret: &[u8; 32], mail: RawId) -> Secret<K> {
    let mut message = K::PREFIX.as_bytes().to_vec();
    message.extend_from_slice(mail.uuid().as_bytes());
    Secret::from_bits(hmac_sha256(server_secret, &message))
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    tag
}

/// Overwrites what was secret before its memory is given back.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Without a reader the compiler may drop the writes.
    std::hint::black_box(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_the_journey_as_text() {
        let token = RefreshToken::generate();
        let text = token.reveal();
        assert_eq!(text.len(), 47);
        let back = RefreshToken::parse(&text).unwrap();
        assert_eq!(back.reveal(), text);
        assert_eq!(back.hash(), token.hash());
        assert_eq!(token.hash(), sha256(text.as_bytes()));
    }

    #[test]
    fn one_kind_is_never_another() {
        let refresh = RefreshToken::generate();
        let invitation = InvitationToken::generate();
        assert!(InvitationToken::parse(&refresh.reveal()).is_none());
        assert!(RefreshToken::parse(&invitation.reveal()).is_none());
        assert_ne!(RefreshToken::from_bits([7; 32]).hash(), InvitationToken::from_bits([7; 32]).hash());
    }

    #[test]
    fn only_the_exact_form_is_read() {
        let text = RefreshToken::from_bits([0xa5; 32]).reveal();
        let long = "A".repeat(1 << 20);
        for bad in [
            String::new(),
            "rgr_".into(),
            text.to_uppercase(),
            format!("{text}="),
            format!("{text}A"),
            format!(" {text}"),
            format!("{text}\n"),
            text[..46].into(),
            format!("{}{}", &text[..46], "B"),
            text.replacen("rgr_", "rgr-", 1),
            format!("rgr_{}", "+".repeat(43)),
            format!("rgr_{}", "/".repeat(43)),
            format!("rgr_{long}"),
            text[4..].into(),
            format!("rgr_{}", "é".repeat(43)),
        ] {
            assert!(RefreshToken::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_successor_depends_on_the_secret_and_on_its_predecessor_alone() {
        let token = RefreshToken::from_bits([1; 32]);
        let next = successor(&[9; 32], &token);
        assert_eq!(next.reveal(), successor(&[9; 32], &RefreshToken::from_bits([1; 32])).reveal());
        assert_ne!(next.reveal(), successor(&[8; 32], &token).reveal());
        assert_ne!(next.reveal(), successor(&[9; 32], &RefreshToken::from_bits([2; 32])).reveal());
        assert_ne!(next.reveal(), token.reveal());
        assert_ne!(successor(&[9; 32], &next).reveal(), next.reveal());
    }

    #[test]
    fn what_a_mail_bears_depends_on_the_secret_the_mail_and_the_kind() {
        let mail = |number: u128| RawId::from_uuid(uuid::Uuid::from_u128(number));
        let bits = |text: String| text[4..].to_owned();
        let token: PasswordResetToken = of_mail(&[9; 32], mail(1));
        assert_eq!(token.reveal(), of_mail::<PasswordReset>(&[9; 32], mail(1)).reveal());
        assert_ne!(token.reveal(), of_mail::<PasswordReset>(&[8; 32], mail(1)).reveal());
        assert_ne!(token.reveal(), of_mail::<PasswordReset>(&[9; 32], mail(2)).reveal());
        assert_ne!(bits(token.reveal()), bits(of_mail::<EmailChange>(&[9; 32], mail(1)).reveal()));
        assert!(EmailChangeToken::parse(&token.reveal()).is_none());
    }

    #[test]
    fn hashes_and_tags_match_published_vectors() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // RFC 4231, test case 2.
        assert_eq!(
            hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn printing_shows_the_kind_and_nothing_else() {
        assert_eq!(format!("{:?}", RefreshToken::generate()), "rgr_[redacted]");
        assert!(same(b"abc", b"abc") && !same(b"abc", b"abd") && !same(b"abc", b"ab"));
    }
}
