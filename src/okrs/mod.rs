//! Prescribe: cycles, objectives, key results, check-ins and initiatives, and the progress that follows.

pub mod check_ins;
pub mod copies;
pub mod cycles;
pub mod forecast;
pub mod history;
pub mod initiatives;
pub mod key_results;
pub mod objectives;
pub mod progress;
pub mod wire;
