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
    pub deleted_at: Option<Moment>,
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

/// What stands for the hash where there is no password.
const NO_PASSWORD: &str = "";

impl AccountRow {
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

    /// The hash to hold a password against; none for whoever signs in through a provider alone, or is gone.
    pub fn phc(&self) -> Option<&str> {
        Some(self.password_hash.as_str()).filter(|phc| *phc != NO_PASSWORD)
    }

    /// Whether anybody has an account.
    pub fn exist(tx: &mut Tx) -> Result<bool> {
        let living = accounts::table.filter(accounts::deleted_at.is_null());
        let any: Option<AccountId> = living.select(accounts::id).first(tx.db()).optional()?;
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
            deleted_at: None,
        };
        diesel::insert_into(accounts::table).values(&row).execute(tx.db())?;
        Ok(row)
    }

    /// Gives the person another name.
    pub fn rename(&self, tx: &mut Tx, name: &str) -> Result<()> {
        diesel::update(accounts::table.filter(accounts::id.eq(self.id)))
            .set((
                accounts::name.eq(name),
                accounts::version.eq(accounts::version + 1),
                accounts::updated_at.eq(tx.now),
            ))
            .execute(tx.db())?;
        Ok(())
    }

    /// Gives the account another address, which no other has.
    pub fn readdress(&self, tx: &mut Tx, email: &str) -> Result<()> {
        diesel::update(accounts::table.filter(accounts::id.eq(self.id)))
            .set((
                accounts::email.eq(email),
                accounts::email_folded.eq(folded(email)),
                accounts::version.eq(accounts::version + 1),
                accounts::updated_at.eq(tx.now),
            ))
            .execute(tx.db())?;
        Ok(())
    }

    /// Erases who it was. What is left signs nobody in, and takes no address from anybody.
    pub fn erase(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(accounts::table.filter(accounts::id.eq(self.id)))
            .set((
                accounts::email.eq(""),
                // No address has this form.
                accounts::email_folded.eq(format!("deleted {}", self.id)),
                accounts::name.eq(""),
                accounts::password_hash.eq(NO_PASSWORD),
                accounts::state.eq(AccountState::Suspended),
                accounts::version.eq(accounts::version + 1),
                accounts::updated_at.eq(tx.now),
                accounts::deleted_at.eq(Some(tx.now)),
            ))
            .execute(tx.db())?;
        Ok(())
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
