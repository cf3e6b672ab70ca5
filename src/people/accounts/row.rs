//! An account as it is stored.

use diesel::prelude::*;

use crate::access::caller::AccountState;
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::store::schema::accounts;
use crate::store::{AccountId, Moment, Tx};

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = accounts)]
pub struct AccountRow {
    pub id: AccountId,
    pub email: String,
    pub email_folded: String,
    pub name: String,
    pub password_hash: String,
    pub state: AccountState,
    pub password_changed_at: Moment,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// A hash that was verified or made outside the transaction, and what becomes of it.
#[derive(Clone, Debug)]
pub enum Renewal {
    /// It stays.
    Kept,
    /// The same password, hashed at today's cost.
    Rehashed(String),
    /// Another password.
    Changed(String),
}

/// What stands for the hash where there is no password: nothing that hashing makes looks like it.
const NO_PASSWORD: &str = "!";

impl AccountRow {
    /// The hash of the password; `None` for whoever signs in through a provider alone.
    pub fn password(&self) -> Option<&str> {
        Some(self.password_hash.as_str()).filter(|hash| *hash != NO_PASSWORD)
    }

    /// Makes an account without a password, for somebody whom a provider vouches for.
    pub fn create_without_password(tx: &mut Tx, email: &str, name: &str) -> Result<Self> {
        Self::create(tx, email, name, NO_PASSWORD)
    }

    /// The account of an address, however it is written.
    pub fn by_email(tx: &mut Tx, email: &str) -> Result<Option<Self>> {
        Ok(accounts::table.filter(accounts::email_folded.eq(folded(email))).first(tx.db()).optional()?)
    }

    /// The account with this id.
    pub fn by_id(tx: &mut Tx, id: AccountId) -> Result<Option<Self>> {
        Ok(accounts::table.filter(accounts::id.eq(id)).first(tx.db()).optional()?)
    }

    /// Whether anybody has an account.
    pub fn exist(tx: &mut Tx) -> Result<bool> {
        let any: Option<AccountId> = accounts::table.select(accounts::id).first(tx.db()).optional()?;
        Ok(any.is_some())
    }

    /// Makes an account; 409 where the address has one.
    pub fn create(tx: &mut Tx, email: &str, name: &str, password_hash: &str) -> Result<Self> {
        if Self::by_email(tx, email)?.is_some() {
            return Err(email_taken());
        }
        let row = Self {
            id: AccountId::generate(tx.now.timestamp()),
            email: email.to_owned(),
            email_folded: folded(email),
            name: name.to_owned(),
            password_hash: password_hash.to_owned(),
            state: AccountState::Active,
            password_changed_at: tx.now,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
        };
        diesel::insert_into(accounts::table).values(&row).execute(tx.db())?;
        Ok(row)
    }

    /// Holds the account as it was when its password was verified, and keeps the new hash. `None`
    /// where it is no longer so. Nobody else changes the row before this transaction ends.
    pub fn confirm(&self, tx: &mut Tx, renewal: &Renewal) -> Result<Option<Self>> {
        let (hash, changed_at, updated_at) = match renewal {
            Renewal::Kept => (&self.password_hash, self.password_changed_at, self.updated_at),
            Renewal::Rehashed(hash) => (hash, self.password_changed_at, self.updated_at),
            Renewal::Changed(hash) => (hash, tx.now, tx.now),
        };
        let unchanged = accounts::table
            .filter(accounts::id.eq(self.id))
            .filter(accounts::password_hash.eq(&self.password_hash))
            .filter(accounts::state.eq(AccountState::Active));
        let found = diesel::update(unchanged)
            .set((
                accounts::password_hash.eq(hash),
                accounts::password_changed_at.eq(changed_at),
                accounts::updated_at.eq(updated_at),
            ))
            .execute(tx.db())?;
        if found == 0 { Ok(None) } else { Self::by_id(tx, self.id) }
    }
}

/// The refusal at registration; nowhere else is it shown whether an address has an account.
pub fn email_taken() -> Problem {
    let detail = "an account with this e-mail exists: sign in";
    Problem::new(Code::AlreadyExists, detail).with("/email", "already_exists", detail)
}
