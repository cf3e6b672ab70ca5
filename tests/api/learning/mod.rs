//! Learning: what people say to each other.

mod comments;
