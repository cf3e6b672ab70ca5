//! Tokens that must not be accepted: by hand, and by mutation.

mod mutants;
mod table;
