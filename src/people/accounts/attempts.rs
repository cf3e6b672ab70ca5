//! How often somebody may try a password.
//!
//! An attempt is counted before the password is looked at, in a transaction of its own, so that
//! neither parallel attempts nor a refusal that is rolled back escape the count. After ten attempts
//! without success each further one waits, a second at first and then twice as long each time. After a hundred none is
//! looked at any more, until a new password is chosen by mail (NIST SP 800-63B-4, section 3.2.2); sessions that live go
//! on, and nothing here stands in the way of such a mail.

use diesel::dsl::auto_type;
use diesel::prelude::*;
use jiff::SignedDuration;

use super::row::AccountRow;
use crate::access::door::HandlesCredentials;
use crate::access::secret::hmac_sha256;
use crate::access::{Db, Door};
use crate::http::{Code, Problem, Result};
use crate::state::State;
use crate::store::schema::sign_in_attempts;
use crate::store::{Moment, Tx, batch};

/// Attempts without success before the first wait.
const FREE_ATTEMPTS: i32 = 10;
/// What is said of a wait that has no end, in seconds.
const A_DAY: u64 = 24 * 60 * 60;
/// The longest wait, in seconds.
const LONGEST_WAIT: i64 = 15 * 60;
/// Attempts without success after which only a new password helps.
const MOST_FAILURES: i32 = 100;
/// How long a few attempts are remembered after the last one.
const FEW_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// How long many attempts are remembered after the last one. As many as are too many are never forgotten by themselves.
const MANY_REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What attempts are counted for: an address, with an account or without, or a session's own person.
#[derive(Clone, Debug)]
pub struct Subject([u8; 32]);

impl Subject {
    /// Attempts to sign in with an address.
    pub fn of_sign_in(state: &State, email_folded: &str) -> Self {
        Self::of(state, "sign in", email_folded)
    }

    /// Attempts to name the present password of an account from within: counted apart, so that
    /// strangers at the front door cannot keep the owner from changing it.
    pub fn of_password_change(state: &State, account: &str) -> Self {
        Self::of(state, "change the password", account)
    }

    /// Mails with a token for a new password, to an address with an account or without.
    pub fn of_reset(state: &State, email_folded: &str) -> Self {
        Self::of(state, "reset the password", email_folded)
    }

    /// Mails with a token for another address.
    pub fn of_email_change(state: &State, account: &str) -> Self {
        Self::of(state, "change the address", account)
    }

    /// All that counts attempts on the password of an account.
    pub fn all_of_account(state: &State, account: &AccountRow) -> [Self; 2] {
        [
            Self::of_sign_in(state, &account.email_folded),
            Self::of_password_change(state, &account.id.to_string()),
        ]
    }

    fn of(state: &State, what: &str, whose: &str) -> Self {
        // Keyed, so that the table tells nobody which addresses were tried.
        Self(hmac_sha256(&state.keys.derive("sign-in attempts"), format!("{what}\0{whose}").as_bytes()))
    }

    /// Counts one attempt; 429 while the last ones are too recent.
    pub async fn count<D: Door + HandlesCredentials>(&self, db: &Db<D>) -> Result<()> {
        let subject = self.clone();
        match db.jot(move |tx| subject.begin(tx)).await? {
            Attempt::Now => Ok(()),
            Attempt::After(seconds) => {
                tracing::info!(request_id = db.request_id(), seconds, "a sign-in was put off");
                let detail = format!("too many attempts without success; wait {seconds} s");
                Err(Problem::new(Code::RateLimited, detail).retry_after(seconds))
            }
            Attempt::Never => {
                tracing::warn!(request_id = db.request_id(), "a sign-in was refused unseen, after too many");
                let detail = "too many attempts without success: choose a new password by mail";
                Err(Problem::new(Code::RateLimited, detail).retry_after(A_DAY))
            }
        }
    }

    /// Takes a turn at something that is done from time to time; the next one comes after a pause.
    pub fn take_turn(&self, tx: &mut Tx, pause: SignedDuration) -> Result<Turn> {
        let (now, subject) = (tx.now, self.0.as_slice());
        batch::begin_sign_in_attempts(tx, subject, now)?;
        let row = sign_in_attempts::table.filter(sign_in_attempts::subject.eq(subject));
        let taken = diesel::update(row.filter(is_free(now)))
            .set((
                sign_in_attempts::locked_until.eq(Some(now.plus(pause))),
                sign_in_attempts::last_at.eq(now),
            ))
            .execute(tx.db())?;
        if taken > 0 {
            return Ok(Turn::Now);
        }
        let locked_until: Option<Moment> = row.select(sign_in_attempts::locked_until).first(tx.db())?;
        Ok(Turn::After(seconds_until(now, locked_until)))
    }

    fn begin(&self, tx: &mut Tx) -> Result<Attempt> {
        let (now, subject) = (tx.now, self.0.as_slice());
        batch::begin_sign_in_attempts(tx, subject, now)?;
        let row = sign_in_attempts::table.filter(sign_in_attempts::subject.eq(subject));
        let free = row.filter(sign_in_attempts::failures.lt(MOST_FAILURES)).filter(is_free(now));
        let counted = diesel::update(free)
            .set((
                sign_in_attempts::failures.eq(sign_in_attempts::failures + 1),
                sign_in_attempts::last_at.eq(now),
            ))
            .execute(tx.db())?;
        let (failures, locked_until): (i32, Option<Moment>) =
            row.select((sign_in_attempts::failures, sign_in_attempts::locked_until)).first(tx.db())?;
        if counted == 0 {
            return Ok(match failures {
                ..MOST_FAILURES => Attempt::After(seconds_until(now, locked_until)),
                MOST_FAILURES.. => Attempt::Never,
            });
        }
        if let Some(wait) = wait_after(failures) {
            diesel::update(row)
                .set(sign_in_attempts::locked_until.eq(Some(now.plus(wait))))
                .execute(tx.db())?;
        }
        Ok(Attempt::Now)
    }

    /// Success: the count begins anew.
    pub fn forget(&self, tx: &mut Tx) -> Result<()> {
        diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::subject.eq(self.0.as_slice())))
            .execute(tx.db())?;
        Ok(())
    }
}

/// Whose turn it is.
pub enum Turn {
    /// It was taken.
    Now,
    /// It comes after so many seconds.
    After(u64),
}

/// Whether an attempt may be made.
enum Attempt {
    /// It may.
    Now,
    /// It may, after so many seconds.
    After(u64),
    /// It may not, whenever it comes.
    Never,
}

#[auto_type]
fn is_free(now: Moment) -> _ {
    let now: Option<Moment> = Some(now);
    sign_in_attempts::locked_until.is_null().or(sign_in_attempts::locked_until.le(now))
}

fn seconds_until(now: Moment, until: Option<Moment>) -> u64 {
    let micros = until.map_or(0, |until| until.microseconds() - now.microseconds());
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000).max(1)
}

/// How long the next attempt must wait after so many without success.
fn wait_after(failures: i32) -> Option<SignedDuration> {
    let beyond = u32::try_from(failures - FREE_ATTEMPTS).ok()?;
    let seconds = 1_i64.checked_shl(beyond).filter(|seconds| *seconds > 0).unwrap_or(LONGEST_WAIT);
    Some(SignedDuration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// Drops attempts that are long past.
pub fn sweep(tx: &mut Tx) -> Result<usize> {
    let (few, many) = (tx.now.plus(-FEW_REMEMBERED), tx.now.plus(-MANY_REMEMBERED));
    let past = sign_in_attempts::last_at
        .le(few)
        .and(sign_in_attempts::failures.lt(FREE_ATTEMPTS))
        .or(sign_in_attempts::last_at.le(many).and(sign_in_attempts::failures.lt(MOST_FAILURES)));
    Ok(diesel::delete(sign_in_attempts::table.filter(past)).execute(tx.db())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| wait_after(failures).map(|wait| wait.as_secs());
        assert_eq!(
            [1, 9, 10, 11, 12, 19, 20, 21, 100, i32::MAX].map(seconds),
            [None, None, Some(1), Some(2), Some(4), Some(512), Some(900), Some(900), Some(900), Some(900)]
        );
    }
}
