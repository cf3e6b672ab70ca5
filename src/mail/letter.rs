//! What a mail says: plain text, and as little as will do.

/// A mail as it is written: to whom, about what, and the text.
#[derive(Clone)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: &'static str,
    /// The text, in lines that end with `\n`.
    pub text: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text may bear a token.
        out.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}
