//! Care: what is done about unhealthy KPIs, whether it worked, and what needs a person now.

mod display;
pub mod remedies;
pub mod triage;
