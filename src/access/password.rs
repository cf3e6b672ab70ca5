//! Passwords: how they are hashed and verified.
//!
//! Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet; ASVS 5.0,
//! 11.4.2), kept as PHC strings that carry their parameters. Hashing is dear on purpose, so it runs
//! off the async threads, and never more often at once than there are permits. What may be chosen as
//! a password is in `password_rules.rs`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::password_rules::MOST_BYTES;
pub use super::password_rules::{PasswordFault, PasswordRules};
use super::secret::wipe;
use crate::store::id::random_bytes;

/// Most hashes that run at once, however many cores there are.
const MOST_PERMITS: usize = 4;

/// How long a request waits for its turn to hash.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Salt and tag in bytes, as RFC 9106, section 3.1, recommends.
const SALT_LENGTH: usize = 16;
const TAG_LENGTH: usize = 32;

/// A password as someone typed it. Never printed and never serialised.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Takes a typed password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Everything that is wrong with it as a new password: see [`PasswordRules::check`].
    pub fn faults(&self, context: &[&str]) -> Vec<PasswordFault> {
        PasswordRules::check(&self.0, context)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password([redacted])")
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// What hashing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What new hashes cost.
    pub const LIVE: Self = Self { memory: 19_456, passes: 2, lanes: 1 };
}

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right,
    /// The password is right, and its hash is weaker than those made now: hash it anew.
    RightButOutdated,
    /// The password is wrong, or there is no account.
    Wrong,
}

/// Why there is no hash or no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many wait already; try again in a moment.
    #[error("too many passwords are being hashed")]
    HasherBusy,
    /// More than [`MOST_BYTES`] to hash.
    #[error("the password is too long")]
    TooLong,
    /// The stored hash is none, or the library failed.
    #[error("the password could not be hashed")]
    Failed,
}

/// Hashes and verifies passwords, a few at a time. Clones share the permits.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    limit: usize,
    made: Arc<AtomicU64>,
    cost: Cost,
    /// Verified where there is no account, so that this takes as long as where there is one.
    dummy: Arc<str>,
}

impl Hasher {
    /// A hasher for a machine of so many cores, which takes as long to make as one hash.
    pub fn new(cores: usize) -> Result<Self, HashError> {
        Self::with_cost(cores, Cost::LIVE)
    }

    /// A hasher of another cost, for tests that hash many passwords.
    pub fn with_cost(cores: usize, cost: Cost) -> Result<Self, HashError> {
        let limit = cores.clamp(1, MOST_PERMITS);
        let dummy = hash(&random_bytes::<32>(), cost)?.into();
        let made = Arc::new(AtomicU64::new(0));
        Ok(Self { permits: Arc::new(Semaphore::new(limit)), limit, made, cost, dummy })
    }

    /// The PHC string of a password, with a salt of its own. Waits up to 2 s for its turn.
    pub async fn hash(&self, password: &Password) -> Result<String, HashError> {
        if password.0.len() > MOST_BYTES {
            return Err(HashError::TooLong);
        }
        let (password, cost) = (password.clone(), self.cost);
        self.in_turn(move || hash(password.0.as_bytes(), cost)).await
    }

    /// Whether the password is that of the hash. Without a hash the answer is always
    /// [`Verdict::Wrong`], after the same work. Waits up to 2 s for its turn.
    pub async fn verify(&self, password: &Password, phc: Option<&str>) -> Result<Verdict, HashError> {
        if password.0.len() > MOST_BYTES {
            // No hash was ever made of one, whoever it is.
            return Ok(Verdict::Wrong);
        }
        let known = phc.is_some();
        let phc = phc.map_or_else(|| self.dummy.clone(), Arc::from);
        let (password, cost) = (password.clone(), self.cost);
        let verdict = self.in_turn(move || verify(password.0.as_bytes(), &phc, cost)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    /// How many hashes run at this moment, for the metrics.
    pub fn running(&self) -> usize {
        self.limit.saturating_sub(self.permits.available_permits())
    }

    /// How many hashes have begun to run so far, for the metrics.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let turn = tokio::time::timeout(LONGEST_WAIT, self.permits.clone().acquire_owned());
        let permit = turn.await.map_err(|_| HashError::HasherBusy)?.map_err(|_| HashError::Failed)?;
        self.made.fetch_add(1, Ordering::Relaxed);
        let task = tokio::task::spawn_blocking(move || {
            // The permit belongs to the work: a client that hangs up drops the future and not this,
            // or hanging up would be a way past the limit.
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| HashError::Failed)?
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hasher")
            .field("limit", &self.limit)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

fn hash(password: &[u8], cost: Cost) -> Result<String, HashError> {
    let params =
        Params::new(cost.memory, cost.passes, cost.lanes, Some(TAG_LENGTH)).map_err(|_| HashError::Failed)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password, &random_bytes::<SALT_LENGTH>())
        .map(|hash| hash.to_string())
        .map_err(|_| HashError::Failed)
}

fn verify(password: &[u8], phc: &str, cost: Cost) -> Result<Verdict, HashError> {
    let stored = PasswordHash::new(phc).map_err(|_| HashError::Failed)?;
    // Algorithm, version and cost are those of the stored hash.
    match Argon2::default().verify_password(password, &stored) {
        Ok(()) if is_outdated(&stored, cost) => Ok(Verdict::RightButOutdated),
        Ok(()) => Ok(Verdict::Right),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(_) => Err(HashError::Failed),
    }
}

/// Whether a hash is weaker in any respect than those made now. One that costs more stays, so that a
/// node with older settings never weakens what a newer one wrote.
fn is_outdated(stored: &PasswordHash, cost: Cost) -> bool {
    let below = |name: &str, wanted: u32| stored.params.get_decimal(name).is_none_or(|found| found < wanted);
    stored.algorithm != Algorithm::Argon2id.ident()
        || stored.version != Some(Version::V0x13.into())
        || below("m", cost.memory)
        || below("t", cost.passes)
        || below("p", cost.lanes)
        || stored.salt.as_ref().is_none_or(|salt| salt.len() < SALT_LENGTH)
        || stored.hash.as_ref().is_none_or(|tag| tag.len() < TAG_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

    fn run<T>(story: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(story)
    }

    fn is_base64(text: &str, length: usize) -> bool {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
    }

    #[test]
    fn hashes_have_the_live_cost_and_a_salt_of_their_own() {
        run(async {
            let hasher = Hasher::new(2).unwrap();
            let password = Password::new("quiet lamp under snow");
            let phc = hasher.hash(&password).await.unwrap();
            let parts: Vec<_> = phc.split('$').collect();
            assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
            assert!(parts.len() == 6 && is_base64(parts[4], 22) && is_base64(parts[5], 43), "{phc}");
            assert_eq!(hasher.verify(&password, Some(&phc)).await, Ok(Verdict::Right));
            assert_eq!(
                hasher.verify(&Password::new("quiet lamp under snow "), Some(&phc)).await,
                Ok(Verdict::Wrong)
            );
            assert_eq!(hasher.verify(&password, None).await, Ok(Verdict::Wrong));
            assert!(hasher.dummy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            let cheap = Hasher::with_cost(2, CHEAP).unwrap();
            let mut salts = HashSet::new();
            for _ in 0..1_000 {
                salts.insert(cheap.hash(&password).await.unwrap().split('$').nth(4).unwrap().to_owned());
            }
            assert_eq!(salts.len(), 1_000);
        });
    }

    #[test]
    fn nothing_of_a_password_is_cut_off() {
        run(async {
            let hasher = Hasher::with_cost(1, CHEAP).unwrap();
            let (one, other) = (format!("{}a", "x".repeat(72)), format!("{}b", "x".repeat(72)));
            let phc = hasher.hash(&Password::new(one.as_str())).await.unwrap();
            assert_eq!(hasher.verify(&Password::new(one), Some(&phc)).await, Ok(Verdict::Right));
            assert_eq!(hasher.verify(&Password::new(other), Some(&phc)).await, Ok(Verdict::Wrong));
            let long = Password::new("x".repeat(1025));
            assert_eq!(hasher.hash(&long).await, Err(HashError::TooLong));
            assert_eq!(hasher.verify(&long, Some(&phc)).await, Ok(Verdict::Wrong));
        });
    }

    #[test]
    fn weaker_hashes_are_seen_and_stronger_ones_left() {
        let password = b"quiet lamp under snow";
        let mut judged = Vec::new();
        for (memory, passes) in [(7_168, 1), (19_456, 1), (12_288, 3), (19_456, 2), (20_000, 3)] {
            let phc = hash(password, Cost { memory, passes, lanes: 1 }).unwrap();
            judged.push(verify(password, &phc, Cost::LIVE).unwrap() == Verdict::RightButOutdated);
            assert_eq!(verify(b"wrong", &phc, Cost::LIVE), Ok(Verdict::Wrong));
        }
        assert_eq!(judged, [true, true, true, false, false]);
        for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i] {
            let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
            let other = Argon2::new(algorithm, Version::V0x13, params)
                .hash_password_with_salt(password, &[1; 16])
                .unwrap();
            assert_eq!(verify(password, &other.to_string(), Cost::LIVE), Ok(Verdict::RightButOutdated));
        }
        for broken in [
            "",
            "plain",
            "$argon2id$",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
        ] {
            assert!(
                !matches!(
                    verify(password, broken, Cost::LIVE),
                    Ok(Verdict::Right | Verdict::RightButOutdated)
                ),
                "{broken}"
            );
        }
    }

    #[test]
    fn a_turn_ends_with_the_work_and_not_with_the_caller() {
        run(async {
            let hasher = Hasher::with_cost(9, CHEAP).unwrap();
            assert_eq!(hasher.limit, MOST_PERMITS);
            let (release, wait) = std::sync::mpsc::channel::<()>();
            let work = hasher.in_turn(move || wait.recv().map_err(|_| HashError::Failed));
            // The caller gives up while its work runs.
            assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
            assert_eq!(hasher.running(), 1);
            release.send(()).unwrap();
            while hasher.running() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }

    #[test]
    fn hanging_up_lets_no_more_run_at_once() {
        run(async {
            let hasher = Hasher::with_cost(3, CHEAP).unwrap();
            let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let work = || {
                let (now, most) = (now.clone(), most.clone());
                move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                }
            };
            let callers: Vec<_> = (0..400_u64)
                .map(|number| {
                    let (hasher, work) = (hasher.clone(), work());
                    // Every other caller hangs up, some while they wait and some while they are served.
                    let patience = Duration::from_millis(if number % 2 == 0 { number % 13 } else { 10_000 });
                    tokio::spawn(
                        async move { tokio::time::timeout(patience, hasher.in_turn(work)).await.is_ok() },
                    )
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
                assert!(hasher.running() <= 3);
            }
            while hasher.running() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
            assert!(hasher.made() >= 200);
        });
    }

    #[test]
    fn whoever_waits_too_long_is_told_so() {
        run(async {
            let hasher = Hasher::with_cost(1, CHEAP).unwrap();
            let held = hasher.permits.clone().acquire_owned().await.unwrap();
            let password = Password::new("quiet lamp under snow");
            assert_eq!(hasher.verify(&password, None).await, Err(HashError::HasherBusy));
            drop(held);
            // Not even the password of the dummy opens an account that is none.
            let phc = hasher.hash(&password).await.unwrap();
            let hasher = Hasher { dummy: phc.into(), ..hasher };
            assert_eq!(hasher.verify(&password, None).await, Ok(Verdict::Wrong));
            assert_eq!(format!("{password:?}"), "Password([redacted])");
        });
    }
}
