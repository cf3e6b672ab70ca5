//! Feeds: what leaves and enters in bulk.

pub mod events;
