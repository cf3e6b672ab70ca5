//! Prescribe: cycles, objectives, key results and check-ins, and the progress that follows.

pub mod check_ins;
pub mod cycles;
pub mod key_results;
pub mod objectives;
pub mod progress;
mod wire;

use crate::http::Routes;

/// The slices of this folder.
pub fn routes() -> Vec<Routes> {
    vec![cycles::routes(), objectives::routes(), key_results::routes(), check_ins::routes()]
}
