//! Mail: an outbox in the database, and whoever sends it.
//!
//! A mail is a row that is written in the transaction of what it is about, so that neither comes without the other. It
//! says on what occasion, to whom, and for which account; what it says, and the token that it bears, is made when it is
//! sent. No secret waits in the table, and none is left behind: the token follows from the row's id and the server's
//! secret, and the row is dropped once the mail is on its way. Any node sends: it takes a mail for a while, so that no
//! other sends it too, and tries again later and later where that fails. A node that dies between sending and dropping
//! leaves a mail that is sent twice.

mod letter;
mod transport;

use std::time::Duration;

use actix_web::web::Data;
use diesel::prelude::*;
use jiff::SignedDuration;

use crate::http::Result;
use crate::maths::word::words;
use crate::state::State;
use crate::store::schema::mails;
use crate::store::{AccountId, Author, Lane, MailId, Moment, Tx};
pub use letter::Letter;
pub use transport::{Transport, Unsent};

words! {
    /// On what occasion a mail is sent.
    pub enum Occasion {
        /// Somebody, perhaps nobody we know, asked for a new password.
        PasswordReset = "password_reset",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// Somebody wants to sign in with this address from now on.
        EmailConfirmation = "email_confirmation",
        /// Somebody asked for another address.
        EmailChangeAsked = "email_change_asked",
        /// The account has another address now.
        EmailChanged = "email_changed",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
    }
}
crate::store::types::impl_sql_words!(Occasion);

/// How often the outbox is looked at, should nobody say that something has come.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long a node has a mail for itself.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// How many mails are taken in one pass.
const IN_ONE_PASS: i64 = 50;
/// How long it is tried to send what only tells of something.
const NOTICE_LIVES: SignedDuration = SignedDuration::from_hours(48);
/// How long it is tried to send what somebody waits for.
const ANSWER_LIVES: SignedDuration = SignedDuration::from_mins(10);
/// The waits after the first failures; the last of them is that of all later ones.
const WAITS: [SignedDuration; 5] = [
    SignedDuration::from_secs(10),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
];

/// A mail that waits.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = mails)]
pub struct MailRow {
    /// Its id.
    pub id: MailId,
    /// On what occasion.
    pub kind: Occasion,
    /// To which address.
    pub recipient: String,
    /// About which account, where that is known.
    pub account_id: Option<AccountId>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When nobody wants it any more.
    pub expires_at: Moment,
    /// When it is to be sent, or tried again.
    pub due_at: Moment,
    /// How often somebody tried.
    pub attempts: i32,
}

/// Writes what a mail says when it is to be sent, in the transaction that takes it; `None` where it has become
/// pointless.
pub type Writer = fn(&mut Tx, &State, &MailRow) -> Result<Option<Letter>>;

/// Leaves a mail to be sent after this transaction; where mails are off, none is left. Call [`wake`] afterwards.
pub fn post(
    tx: &mut Tx,
    state: &State,
    occasion: Occasion,
    recipient: &str,
    about: Option<AccountId>,
) -> Result<()> {
    if state.config.mail.is_off() {
        return Ok(());
    }
    let lives = match occasion {
        Occasion::PasswordReset | Occasion::EmailConfirmation => ANSWER_LIVES,
        Occasion::PasswordChanged
        | Occasion::EmailChangeAsked
        | Occasion::EmailChanged
        | Occasion::AccountDeleted => NOTICE_LIVES,
    };
    let row = MailRow {
        id: MailId::generate(tx.now.timestamp()),
        kind: occasion,
        recipient: recipient.to_owned(),
        account_id: about,
        created_at: tx.now,
        expires_at: tx.now.plus(lives),
        due_at: tx.now,
        attempts: 0,
    };
    diesel::insert_into(mails::table).values(&row).execute(tx.db())?;
    Ok(())
}

/// Takes back the mails of an account that wait on some occasion.
pub fn take_back(tx: &mut Tx, account: AccountId, occasions: &[Occasion]) -> Result<()> {
    let waiting =
        mails::table.filter(mails::account_id.eq(account)).filter(mails::kind.eq_any(occasions.to_vec()));
    diesel::delete(waiting).execute(tx.db())?;
    Ok(())
}

/// Lets this node look at the outbox now.
pub fn wake(state: &State) {
    state.mail_waits.notify_one();
}

/// Sends what waits, for as long as the server runs.
pub async fn keep(state: Data<State>, write: Writer) {
    if state.config.mail.is_off() {
        return;
    }
    loop {
        // What came of it is logged where it happens; a time without news is as good as news.
        let _ = tokio::time::timeout(INTERVAL, state.mail_waits.notified()).await;
        if let Err(problem) = pass(&state, write).await {
            tracing::warn!(%problem, "the outbox could not be looked at");
        }
    }
}

/// Sends the mails that are due; answers how many went out.
pub async fn pass(state: &Data<State>, write: Writer) -> Result<usize> {
    let mut sent = 0;
    for id in state.store.read(author(), due).await? {
        let shared = state.clone();
        let taken = state.store.write(Lane::Open, author(), move |tx| take(tx, &shared, id, write)).await;
        let (row, letter) = match taken {
            Ok(Some(taken)) => taken,
            Ok(None) => continue,
            Err(problem) => {
                tracing::warn!(%problem, mail = %id, "a mail could not be written");
                continue;
            }
        };
        match state.config.mail.send(row.id, &letter).await {
            Ok(()) => {
                tracing::info!(mail = %id, occasion = row.kind.as_str(), "a mail was sent");
                state.store.write(Lane::Open, author(), move |tx| drop_row(tx, id)).await?;
                sent += 1;
            }
            Err(Unsent::Refused(why)) => {
                tracing::warn!(mail = %id, occasion = row.kind.as_str(), why, "a mail was refused for good");
                state.store.write(Lane::Open, author(), move |tx| drop_row(tx, id)).await?;
            }
            Err(Unsent::ForNow(why)) => {
                tracing::warn!(mail = %id, occasion = row.kind.as_str(), why, "a mail could not be sent now");
                let attempts = row.attempts;
                state.store.write(Lane::Open, author(), move |tx| put_off(tx, id, attempts)).await?;
            }
        }
    }
    Ok(sent)
}

fn author() -> Author {
    Author::system("mail")
}

/// The mails that are due, those that wait longest first.
fn due(tx: &mut Tx) -> Result<Vec<MailId>> {
    let now = tx.now;
    Ok(mails::table
        .filter(mails::due_at.le(now))
        .order((mails::due_at, mails::id))
        .limit(IN_ONE_PASS)
        .select(mails::id)
        .load(tx.db())?)
}

/// Takes a mail for this node, and writes it; `None` where another node was faster, or nobody wants it any more.
fn take(tx: &mut Tx, state: &State, id: MailId, write: Writer) -> Result<Option<(MailRow, Letter)>> {
    let now = tx.now;
    let free = mails::table.filter(mails::id.eq(id)).filter(mails::due_at.le(now));
    let taken = diesel::update(free)
        .set((mails::due_at.eq(now.plus(LEASE)), mails::attempts.eq(mails::attempts + 1)))
        .execute(tx.db())?;
    if taken == 0 {
        return Ok(None);
    }
    let row: MailRow = mails::table.find(id).first(tx.db())?;
    if row.expires_at <= now {
        tracing::warn!(mail = %id, occasion = row.kind.as_str(), attempts = row.attempts, "a mail was given up");
        drop_row(tx, id)?;
        return Ok(None);
    }
    match write(tx, state, &row)? {
        Some(letter) => Ok(Some((row, letter))),
        None => {
            drop_row(tx, id)?;
            Ok(None)
        }
    }
}

fn put_off(tx: &mut Tx, id: MailId, attempts: i32) -> Result<()> {
    let due_at = tx.now.plus(wait_after(attempts));
    diesel::update(mails::table.filter(mails::id.eq(id))).set(mails::due_at.eq(due_at)).execute(tx.db())?;
    Ok(())
}

fn drop_row(tx: &mut Tx, id: MailId) -> Result<()> {
    diesel::delete(mails::table.filter(mails::id.eq(id))).execute(tx.db())?;
    Ok(())
}

/// How long to wait after so many attempts.
fn wait_after(attempts: i32) -> SignedDuration {
    let earlier = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    WAITS.get(earlier).or(WAITS.last()).copied().unwrap_or(LEASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_at_an_hour() {
        let seconds = |attempts| wait_after(attempts).as_secs();
        assert_eq!(
            [-1, 0, 1, 2, 3, 4, 5, 6, i32::MAX].map(seconds),
            [10, 10, 10, 30, 120, 600, 3600, 3600, 3600]
        );
    }
}
