//! What a caller may ask per minute: requests, points, and sign-ins.
//!
//! The key is always a verified caller, or the peer's address where there is none; never
//! something that a caller can choose freely. Memory only: with several nodes each counts alone.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::{Code, Problem, Result};
use crate::store::RawId;

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Whether limits hold. Off is for benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LimitMode {
    /// They hold.
    On,
    /// They do not.
    Off,
}

/// The buckets of all callers.
pub struct Limits {
    mode: LimitMode,
    requests: Keyed<RawId>,
    points: Keyed<RawId>,
    strangers: Keyed<IpAddr>,
    clock: DefaultClock,
}

/// Requests a minute, and how many at once.
const REQUESTS: (u32, u32) = (1_200, 200);
/// Points a minute, and how many at once.
const POINTS: (u32, u32) = (60_000, 20_000);
/// Requests without a verified caller a minute, and how many at once.
const STRANGERS: (u32, u32) = (60, 30);

/// What is left of a limit, for the headers.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// The name of the policy.
    pub policy: &'static str,
    /// How many a minute.
    pub quota: u32,
    /// How many are left now.
    pub remaining: u32,
}

fn quota((per_minute, burst): (u32, u32)) -> Quota {
    let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(at_least_one(per_minute)).allow_burst(at_least_one(burst))
}

fn keyed<K: std::hash::Hash + Eq + Clone>(limit: (u32, u32)) -> Keyed<K> {
    RateLimiter::dashmap(quota(limit)).with_middleware::<StateInformationMiddleware>()
}

impl Limits {
    /// Full buckets for everybody.
    pub fn new(mode: LimitMode) -> Self {
        Self {
            mode,
            requests: keyed(REQUESTS),
            points: keyed(POINTS),
            strangers: keyed(STRANGERS),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request of a verified caller.
    pub fn request(&self, caller: RawId) -> Result<Left> {
        self.take(&self.requests, &caller, 1, "requests", REQUESTS)
    }

    /// Counts the points that a verified caller posts.
    pub fn points(&self, caller: RawId, count: usize) -> Result<Left> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        self.take(&self.points, &caller, count, "points", POINTS)
    }

    /// Counts one request from an address without a verified caller.
    pub fn stranger(&self, address: IpAddr) -> Result<Left> {
        self.take(&self.strangers, &network(address), 1, "unauthenticated", STRANGERS)
    }

    /// Forgets callers whose buckets are full again, so that memory stays bounded.
    pub fn sweep(&self) {
        self.requests.retain_recent();
        self.points.retain_recent();
        self.strangers.retain_recent();
    }

    fn take<K: std::hash::Hash + Eq + Clone>(
        &self,
        bucket: &Keyed<K>,
        key: &K,
        count: u32,
        policy: &'static str,
        (per_minute, burst): (u32, u32),
    ) -> Result<Left> {
        if self.mode == LimitMode::Off {
            return Ok(Left { policy, quota: per_minute, remaining: burst });
        }
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        match bucket.check_key_n(key, count) {
            Ok(Ok(snapshot)) => {
                Ok(Left { policy, quota: per_minute, remaining: snapshot.remaining_burst_capacity() })
            }
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(self.clock.now()).as_secs() + 1;
                Err(Problem::new(
                    Code::RateLimited,
                    format!("{per_minute} {policy} a minute are allowed; wait {wait} s"),
                )
                .retry_after(wait))
            }
            Err(_) => {
                Err(Problem::new(Code::RateLimited, format!("at most {burst} {policy} are taken at once"))
                    .retry_after(60))
            }
        }
    }
}

/// An IPv6 peer counts as its /64, which one customer holds whole.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let mut segments = v6.segments();
                segments[4..].fill(0);
                IpAddr::V6(segments.into())
            }
        },
    }
}
