//! Prescribe: cycles, objectives, key results and check-ins, and the progress that follows.

pub mod check_ins;
pub mod cycles;
pub mod key_results;
pub mod objectives;
pub mod progress;
pub mod tree;
pub mod wire;
