//! Care: what is done about unhealthy KPIs, whether it worked, and what needs a person now.

pub mod due;
pub mod remedies;
pub mod retrospective;
mod text;
pub mod triage;

use crate::kpis::display;
