//! Learning: what people say to each other about KPIs and OKRs.

pub mod comments;
mod subject;
