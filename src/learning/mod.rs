//! Learning: what people say and decide because of KPIs, and whether it helped.

pub mod agenda;
pub mod brief;
pub mod comments;
pub mod decisions;
pub mod reviews;
mod subject;
pub mod usefulness;
