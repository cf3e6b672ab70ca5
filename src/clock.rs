//! The one clock: every moment and every id that Regimen makes comes from here.
//!
//! Tests and the demo set it; clippy forbids the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::store::types::Moment;

/// The wall clock, or a hand that somebody moves.
#[derive(Clone, Debug)]
pub struct Clock(Hand);

#[derive(Clone, Debug)]
enum Hand {
    Wall,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn wall() -> Self {
        Self(Hand::Wall)
    }

    /// A clock that stands still until it is moved with [`Clock::set`].
    pub fn set_to(moment: Moment) -> Self {
        Self(Hand::Set(Arc::new(AtomicI64::new(moment.microseconds()))))
    }

    /// Moves the hand of a settable clock; the wall clock stays as it is.
    pub fn set(&self, moment: Moment) {
        if let Hand::Set(hand) = &self.0 {
            hand.store(moment.microseconds(), Ordering::SeqCst);
        }
    }

    /// Now, in whole microseconds.
    #[allow(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Hand::Wall => Moment::from(jiff::Timestamp::now()),
            Hand::Set(hand) => Moment::from_microseconds(hand.load(Ordering::SeqCst)),
        }
    }
}
