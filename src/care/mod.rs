//! Care: what is done about unhealthy KPIs, whether it worked, and what needs a person now.

pub mod acceptance;
pub mod announcements;
mod baseline;
mod compared;
pub mod due;
pub mod guardrails;
pub mod holdings;
pub mod links;
pub mod overview;
pub mod pictures;
pub mod remedies;
pub mod retrospective;
pub mod scorecard;
pub mod text;
pub mod tree;
pub mod triage;

use crate::kpis::display;
