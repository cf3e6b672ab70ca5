//! The bytes of an answer, shared by all who get it, with what its tag is made of.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;
use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};

use super::coding::Coding;

/// The bytes of an answer. A copy is cheap: the bytes are shared, and so is their digest, which is made once.
#[derive(Clone, Debug, Default)]
pub struct Content {
    bytes: Bytes,
    digest: Arc<OnceLock<[u8; SHA256_OUTPUT_LEN]>>,
}

impl Content {
    /// The bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The half of a tag that digests all that the answer shows, and how it is coded: sixteen hexadecimal digits.
    pub fn state(&self, coding: Coding) -> String {
        let shown = self.digest.get_or_init(|| {
            let mut shown = [0; SHA256_OUTPUT_LEN];
            shown.copy_from_slice(digest(&SHA256, &self.bytes).as_ref());
            shown
        });
        let mut context = Context::new(&SHA256);
        context.update(coding.as_str().as_bytes());
        context.update(shown);
        context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), digest: Arc::default() }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_tells_what_is_shown_and_how_it_is_coded() {
        let content = Content::from(b"shown".to_vec());
        let copy = content.clone();
        assert_eq!(content.state(Coding::Identity), copy.state(Coding::Identity));
        assert_eq!(content.state(Coding::Identity).len(), 16);
        let others = [content.state(Coding::Gzip), Content::from(b"shown.".to_vec()).state(Coding::Identity)];
        assert!(!others.contains(&content.state(Coding::Identity)));
    }
}
