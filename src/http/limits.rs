//! What may be asked per minute: by a caller, by a workspace's callers together, and from an address.
//!
//! The key is always a verified caller, or the peer's address where there is none; never
//! something that a caller can choose freely. Memory only: with several nodes each counts alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::{Code, Problem, Result};
use crate::store::{RawId, WorkspaceId};

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Whether limits hold. Off is for benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LimitMode {
    /// They hold.
    On,
    /// They do not.
    Off,
}

/// How much is allowed per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Requests of one caller; a sixth of them at once.
    pub requests: u32,
    /// Points of one caller; a third of them at once.
    pub points: u32,
    /// Requests from one address without a verified caller; half of them at once.
    pub strangers: u32,
    /// Attempts to sign in, to register or to reset a password from one address.
    pub sign_ins: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { requests: 1_200, points: 60_000, strangers: 60, sign_ins: 30 }
    }
}

/// How much more than one caller all callers of a workspace may ask together.
const CALLERS_OF_A_WORKSPACE: u32 = 10;

/// How many addresses are counted each for itself. Beyond that, those that come anew share the count
/// of the large network that they are in, so that memory stays bounded whoever calls.
const MOST_ADDRESSES: usize = 100_000;

/// The buckets of all callers.
pub struct Limits {
    mode: LimitMode,
    requests: Bucket<RawId>,
    points: Bucket<RawId>,
    workspace_requests: Bucket<WorkspaceId>,
    workspace_points: Bucket<WorkspaceId>,
    strangers: Bucket<IpAddr>,
    sign_ins: Bucket<IpAddr>,
    clock: DefaultClock,
}

/// The buckets of one kind.
struct Bucket<K: std::hash::Hash + Eq + Clone> {
    policy: &'static str,
    per_minute: u32,
    burst: u32,
    keyed: Keyed<K>,
}

impl<K: std::hash::Hash + Eq + Clone> Bucket<K> {
    fn of(policy: &'static str, per_minute: u32, burst: u32) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let (per_minute, burst) = (at_least_one(per_minute), at_least_one(burst));
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        let keyed = RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>();
        Self { policy, per_minute: per_minute.get(), burst: burst.get(), keyed }
    }
}

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

impl Limits {
    /// Full buckets for everybody.
    pub fn new(mode: LimitMode, quotas: Quotas) -> Self {
        let together = |quota: u32| quota.saturating_mul(CALLERS_OF_A_WORKSPACE);
        let (requests, points) = (quotas.requests, quotas.points);
        Self {
            mode,
            requests: Bucket::of("requests", requests, requests / 6),
            points: Bucket::of("points", points, points / 3),
            workspace_requests: Bucket::of("workspace-requests", together(requests), together(requests / 6)),
            workspace_points: Bucket::of("workspace-points", together(points), together(points / 3)),
            strangers: Bucket::of("unauthenticated", quotas.strangers, quotas.strangers / 2),
            sign_ins: Bucket::of("sign-ins", quotas.sign_ins, quotas.sign_ins),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request of a verified caller, and for the workspace that it is made in.
    pub fn request(&self, caller: RawId, workspace: Option<WorkspaceId>) -> Result<Left> {
        let left = self.take(&self.requests, &caller, 1)?;
        if let Some(workspace) = workspace {
            self.take(&self.workspace_requests, &workspace, 1)?;
        }
        Ok(left)
    }

    /// Counts the points that a verified caller posts, and for the workspace that they are of.
    pub fn points(&self, caller: RawId, workspace: Option<WorkspaceId>, count: usize) -> Result<Left> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let left = self.take(&self.points, &caller, count)?;
        if let Some(workspace) = workspace {
            self.take(&self.workspace_points, &workspace, count)?;
        }
        Ok(left)
    }

    /// Counts one request from an address without a verified caller.
    pub fn stranger(&self, address: IpAddr) -> Result<Left> {
        self.take_by_address(&self.strangers, address)
    }

    /// Counts one attempt from an address to sign in, to register or to reset a password.
    pub fn sign_in(&self, address: IpAddr) -> Result<Left> {
        self.take_by_address(&self.sign_ins, address)
    }

    /// Forgets callers whose buckets are full again, so that memory stays bounded.
    pub fn sweep(&self) {
        self.requests.keyed.retain_recent();
        self.points.keyed.retain_recent();
        self.workspace_requests.keyed.retain_recent();
        self.workspace_points.keyed.retain_recent();
        for by_address in [&self.strangers, &self.sign_ins] {
            by_address.keyed.retain_recent();
            by_address.keyed.shrink_to_fit();
        }
    }

    fn take_by_address(&self, bucket: &Bucket<IpAddr>, address: IpAddr) -> Result<Left> {
        let own = network(address);
        let key = if bucket.keyed.len() < MOST_ADDRESSES { own } else { large_network(own) };
        self.take(bucket, &key, 1)
    }

    fn take<K: std::hash::Hash + Eq + Clone>(&self, bucket: &Bucket<K>, key: &K, count: u32) -> Result<Left> {
        let Bucket { policy, per_minute, burst, keyed } = bucket;
        if self.mode == LimitMode::Off {
            return Ok(Left { policy, quota: *per_minute, remaining: *burst });
        }
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        match keyed.check_key_n(key, count) {
            Ok(Ok(snapshot)) => {
                Ok(Left { policy, quota: *per_minute, remaining: snapshot.remaining_burst_capacity() })
            }
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(self.clock.now()).as_secs() + 1;
                tracing::info!(policy, seconds = wait, "a limit was reached");
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

/// The large network that an address is in: the /8 of IPv4, the /16 of IPv6.
fn large_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::new(v4.octets()[0], 0, 0, 0)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::new(v6.segments()[0], 0, 0, 0, 0, 0, 0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on() -> Limits {
        Limits::new(LimitMode::On, Quotas::default())
    }

    fn id(number: u128) -> RawId {
        RawId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_caller_has_a_bucket_and_its_workspace_one_of_ten_times_that() {
        let limits = on();
        let workspace = WorkspaceId::from_uuid(uuid::Uuid::from_u128(1));
        let mut taken = 0;
        for caller in 0..15 {
            taken += (0..250).filter(|_| limits.request(id(caller), Some(workspace)).is_ok()).count();
        }
        // Ten times two hundred, and what came back while this ran.
        assert!((2_000..2_200).contains(&taken), "{taken}");
        let other = WorkspaceId::from_uuid(uuid::Uuid::from_u128(2));
        assert!(limits.request(id(99), Some(other)).is_ok());
        assert!(limits.points(id(1), Some(workspace), 20_000).is_ok());
        assert!(limits.points(id(1), Some(workspace), 20_000).is_err());
        assert!(limits.points(id(2), Some(workspace), 20_001).is_err());
    }

    #[test]
    fn thirty_sign_ins_come_from_an_address_in_a_minute() {
        let limits = on();
        let from = |text: &str| limits.sign_in(text.parse().unwrap());
        assert_eq!((0..1_000).filter(|_| from("203.0.113.7").is_ok()).count(), 30);
        assert!(from("203.0.113.8").is_ok());
        // A /64 is one customer's.
        let of_one_network = (0..1_000).filter(|n| from(&format!("2001:db8:1:2:{n:x}::1")).is_ok()).count();
        assert_eq!(of_one_network, 30);
        assert!(from("2001:db8:1:3::1").is_ok());
        assert!(from("::ffff:203.0.113.7").is_err());
        assert!(
            Limits::new(LimitMode::Off, Quotas::default()).sign_in("203.0.113.7".parse().unwrap()).is_ok()
        );
    }

    #[test]
    fn however_many_addresses_call_few_are_kept() {
        let limits = on();
        for number in 0..400_000_u32 {
            let _ = limits.stranger(IpAddr::V4(Ipv4Addr::from(number.wrapping_mul(2_654_435_761))));
            let _ = limits.stranger(IpAddr::V6(Ipv6Addr::from(u128::from(number) << 66)));
        }
        assert!(limits.strangers.keyed.len() < MOST_ADDRESSES + 256 + 65_536);
    }

    #[test]
    fn other_figures_hold_as_well() {
        let limits =
            Limits::new(LimitMode::On, Quotas { requests: 60, points: 9, strangers: 0, sign_ins: 2 });
        assert_eq!((0..20).filter(|_| limits.request(id(1), None).is_ok()).count(), 10);
        assert_eq!((0..20).filter(|_| limits.points(id(1), None, 1).is_ok()).count(), 3);
        assert_eq!((0..20).filter(|_| limits.stranger("192.0.2.1".parse().unwrap()).is_ok()).count(), 1);
        assert_eq!((0..20).filter(|_| limits.sign_in("192.0.2.1".parse().unwrap()).is_ok()).count(), 2);
    }
}
