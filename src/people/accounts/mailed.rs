//! The tokens that mails bear: sent back once, within ten minutes, and void when password or address have changed.

use diesel::prelude::*;
use jiff::SignedDuration;

use super::row::AccountRow;
use crate::access::caller::AccountState;
use crate::http::{Code, Problem, Result};
use crate::maths::word::words;
use crate::store::schema::mailed_tokens;
use crate::store::{AccountId, Moment, Tx};

/// How long a token can be sent back (OWASP ASVS 5.0, 6.5.5).
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

words! {
    /// What a mailed token is good for.
    pub enum Purpose {
        /// A new password without the present one.
        PasswordReset = "password_reset",
        /// Another address.
        EmailChange = "email_change",
    }
}
crate::store::types::impl_sql_words!(Purpose);

#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = mailed_tokens)]
pub struct MailedRow {
    pub hash: Vec<u8>,
    pub purpose: Purpose,
    pub account_id: AccountId,
    /// The address that it was sent to.
    pub email: String,
    pub created_at: Moment,
    pub expires_at: Moment,
    pub used_at: Option<Moment>,
}

/// Lets a token be sent back; one that is known already stays as it is, time included.
pub fn issue(tx: &mut Tx, hash: [u8; 32], purpose: Purpose, account: AccountId, email: &str) -> Result<()> {
    let known: Option<MailedRow> = mailed_tokens::table.find(hash.to_vec()).first(tx.db()).optional()?;
    if known.is_none() {
        let row = MailedRow {
            hash: hash.to_vec(),
            purpose,
            account_id: account,
            email: email.to_owned(),
            created_at: tx.now,
            expires_at: tx.now.plus(LIFETIME),
            used_at: None,
        };
        diesel::insert_into(mailed_tokens::table).values(&row).execute(tx.db())?;
    }
    Ok(())
}

/// The account that a token may be sent back for now, without spending it.
pub fn account_of(tx: &mut Tx, hash: &[u8; 32], purpose: Purpose) -> Result<Option<AccountRow>> {
    let now = tx.now;
    let row: Option<MailedRow> = mailed_tokens::table
        .filter(mailed_tokens::hash.eq(hash.as_slice()))
        .filter(mailed_tokens::purpose.eq(purpose))
        .filter(mailed_tokens::used_at.is_null())
        .filter(mailed_tokens::expires_at.gt(now))
        .first(tx.db())
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(AccountRow::by_id(tx, row.account_id)?.filter(|account| account.state == AccountState::Active))
}

/// Spends a token: of all who send it, one gets it.
pub fn spend(tx: &mut Tx, hash: &[u8; 32], purpose: Purpose) -> Result<MailedRow> {
    let now = tx.now;
    let unused = mailed_tokens::table
        .filter(mailed_tokens::hash.eq(hash.as_slice()))
        .filter(mailed_tokens::purpose.eq(purpose))
        .filter(mailed_tokens::used_at.is_null())
        .filter(mailed_tokens::expires_at.gt(now));
    if diesel::update(unused).set(mailed_tokens::used_at.eq(Some(now))).execute(tx.db())? == 0 {
        return Err(spent());
    }
    Ok(mailed_tokens::table.find(hash.to_vec()).first(tx.db())?)
}

/// Voids all tokens of an account that were not used, or those for one purpose.
pub fn void(tx: &mut Tx, account: AccountId, purposes: &[Purpose]) -> Result<()> {
    let unused = mailed_tokens::table
        .filter(mailed_tokens::account_id.eq(account))
        .filter(mailed_tokens::purpose.eq_any(purposes.to_vec()))
        .filter(mailed_tokens::used_at.is_null());
    diesel::delete(unused).execute(tx.db())?;
    Ok(())
}

/// The one refusal of a token, whatever is wrong with it.
pub fn spent() -> Problem {
    let detail = "the token is not known, was used, or its time is over: ask for a new one";
    Problem::new(Code::LinkSpent, detail).with("/token", "link_spent", detail)
}

/// Drops tokens whose time is over.
pub fn sweep(tx: &mut Tx) -> Result<usize> {
    let now = tx.now;
    Ok(diesel::delete(mailed_tokens::table.filter(mailed_tokens::expires_at.le(now))).execute(tx.db())?)
}
