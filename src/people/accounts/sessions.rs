//! Sessions: one sign-in each, renewed by refresh tokens that are used once.
//!
//! A refresh token's successor follows from it and the server's secret, so that a client that lost
//! the answer gets the same one again for ten seconds, although only hashes are stored. Using a
//! spent one later means that two hold it, and nobody can tell who is the thief: the session ends.

use diesel::prelude::*;
use jiff::SignedDuration;

use super::row::AccountRow;
use super::{Account, SignedIn};
use crate::access::caller::AccountState;
use crate::access::jwt;
use crate::access::secret::{RefreshToken, successor};
use crate::http::{Code, Problem, Result};
use crate::state::State;
use crate::store::schema::{refresh_tokens, sessions};
use crate::store::{AccountId, Moment, SessionId, Tx};

/// How long a session lives without being renewed.
const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a session lives at the most.
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a spent refresh token gives the same successor again.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// How long ended sessions are kept, for questions about what happened.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A session as it is stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub id: SessionId,
    pub account_id: AccountId,
    pub created_at: Moment,
    pub last_used_at: Moment,
    pub expires_at: Moment,
    pub revoked_at: Option<Moment>,
    pub user_agent: Option<String>,
}

impl SessionRow {
    /// When it ends unless it is renewed before.
    pub fn ends_at(&self) -> Moment {
        self.last_used_at.plus(IDLE).min(self.expires_at)
    }
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = refresh_tokens)]
struct RefreshRow {
    hash: Vec<u8>,
    session_id: SessionId,
    created_at: Moment,
    expires_at: Moment,
    used_at: Option<Moment>,
}

/// A session with a refresh token that was not used yet.
pub struct Open {
    account: AccountRow,
    session: SessionId,
    refresh: RefreshToken,
    at: Moment,
}

/// What came of a refresh token.
pub enum Renewed {
    /// The session goes on.
    Open(Box<Open>),
    /// It is not known, too old, or its session has ended.
    Refused,
    /// It was spent before: somebody else has it too, so the session was ended.
    Reused(SessionId),
}

/// Signs an account in, with a program that names itself in some way.
pub fn open(tx: &mut Tx, account: AccountRow, program: Option<&str>) -> Result<Open> {
    let now = tx.now;
    let session = SessionRow {
        id: SessionId::generate(now.timestamp()),
        account_id: account.id,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(ABSOLUTE),
        revoked_at: None,
        user_agent: program.map(str::to_owned),
    };
    diesel::insert_into(sessions::table).values(&session).execute(tx.db())?;
    let refresh = RefreshToken::generate();
    hand_out(tx, &refresh, &session)?;
    Ok(Open { account, session: session.id, refresh, at: now })
}

/// Renews a session by its refresh token, which is spent by it.
pub fn renew(tx: &mut Tx, server_secret: &[u8; 32], token: &RefreshToken) -> Result<Renewed> {
    let now = tx.now;
    let known = match known(tx, token)? {
        // One whose time is over is no use of the session, or it would seem to be in use still.
        Some(known) if known.expires_at > now => known,
        Some(_) | None => return Ok(Renewed::Refused),
    };
    // The session first, which also holds it: who ends it at the same time waits, or has done so.
    let living = sessions::table
        .filter(sessions::id.eq(known.session_id))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now));
    if diesel::update(living).set(sessions::last_used_at.eq(now)).execute(tx.db())? == 0 {
        return Ok(Renewed::Refused);
    }
    let session: SessionRow = sessions::table.find(known.session_id).first(tx.db())?;
    let account = match AccountRow::by_id(tx, session.account_id)? {
        Some(account) if account.state == AccountState::Active => account,
        _ => return Ok(Renewed::Refused),
    };
    let next = successor(server_secret, token);
    let unused = refresh_tokens::table
        .filter(refresh_tokens::hash.eq(&known.hash))
        .filter(refresh_tokens::used_at.is_null());
    if diesel::update(unused).set(refresh_tokens::used_at.eq(Some(now))).execute(tx.db())? == 1 {
        hand_out(tx, &next, &session)?;
    } else if !may_be_a_retry(tx, token, &next)? {
        revoke(tx, session.id)?;
        return Ok(Renewed::Reused(session.id));
    }
    Ok(Renewed::Open(Box::new(Open { account, session: session.id, refresh: next, at: now })))
}

/// Whether a spent token was spent just now, and nobody went on with its successor.
fn may_be_a_retry(tx: &mut Tx, token: &RefreshToken, next: &RefreshToken) -> Result<bool> {
    let now = tx.now;
    let recent =
        known(tx, token)?.and_then(|row| row.used_at).is_some_and(|used_at| now <= used_at.plus(RETRY));
    let untouched = known(tx, next)?.is_some_and(|row| row.used_at.is_none());
    Ok(recent && untouched)
}

fn known(tx: &mut Tx, token: &RefreshToken) -> Result<Option<RefreshRow>> {
    let hash = token.hash();
    Ok(refresh_tokens::table.filter(refresh_tokens::hash.eq(hash.as_slice())).first(tx.db()).optional()?)
}

fn hand_out(tx: &mut Tx, token: &RefreshToken, session: &SessionRow) -> Result<()> {
    let row = RefreshRow {
        hash: token.hash().to_vec(),
        session_id: session.id,
        created_at: tx.now,
        expires_at: tx.now.plus(IDLE).min(session.expires_at),
        used_at: None,
    };
    diesel::insert_into(refresh_tokens::table).values(&row).execute(tx.db())?;
    Ok(())
}

/// Ends one session.
pub fn revoke(tx: &mut Tx, session: SessionId) -> Result<()> {
    let living = sessions::table.filter(sessions::id.eq(session)).filter(sessions::revoked_at.is_null());
    diesel::update(living).set(sessions::revoked_at.eq(Some(tx.now))).execute(tx.db())?;
    Ok(())
}

/// The sessions of an account that have not ended, newest first.
pub fn living(tx: &mut Tx, account: AccountId) -> Result<Vec<SessionRow>> {
    let now = tx.now;
    Ok(sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_used_at.gt(now.plus(-IDLE)))
        .order(sessions::id.desc())
        .load(tx.db())?)
}

/// A session of an account, ended or not.
pub fn of_account(tx: &mut Tx, account: AccountId, id: SessionId) -> Result<Option<SessionRow>> {
    Ok(sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::id.eq(id))
        .first(tx.db())
        .optional()?)
}

/// Ends every session of an account but one.
pub fn revoke_others(tx: &mut Tx, account: AccountId, kept: SessionId) -> Result<usize> {
    let others = sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::id.ne(kept))
        .filter(sessions::revoked_at.is_null());
    Ok(diesel::update(others).set(sessions::revoked_at.eq(Some(tx.now))).execute(tx.db())?)
}

/// Forgets with which programs somebody signed in.
pub fn forget_programs(tx: &mut Tx, account: AccountId) -> Result<()> {
    diesel::update(sessions::table.filter(sessions::account_id.eq(account)))
        .set(sessions::user_agent.eq(None::<String>))
        .execute(tx.db())?;
    Ok(())
}

/// Ends every session of an account.
pub fn revoke_all(tx: &mut Tx, account: AccountId) -> Result<()> {
    let living =
        sessions::table.filter(sessions::account_id.eq(account)).filter(sessions::revoked_at.is_null());
    diesel::update(living).set(sessions::revoked_at.eq(Some(tx.now))).execute(tx.db())?;
    Ok(())
}

/// Drops sessions that ended long ago, with their refresh tokens.
pub fn sweep(tx: &mut Tx) -> Result<usize> {
    let oldest = tx.now.plus(-KEPT);
    let ended = sessions::table
        .filter(sessions::expires_at.le(oldest).or(sessions::revoked_at.le(Some(oldest))))
        .select(sessions::id);
    let ids: Vec<SessionId> = ended.limit(1000).load(tx.db())?;
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(ids.clone())))
        .execute(tx.db())?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(tx.db())?)
}

impl Open {
    /// What the caller gets: the only place where the tokens stand.
    pub fn reveal(&self, state: &State) -> Result<SignedIn> {
        let (account, session) = (self.account.id.to_string(), self.session.to_string());
        let claims = state.access_tokens.claims(&account, &session, self.at.timestamp());
        let access_token = jwt::sign(&state.keys, &claims).map_err(|fault| {
            tracing::error!(%fault, "an access token could not be signed");
            Problem::new(Code::Internal, "the access token could not be made; sign in again")
        })?;
        Ok(SignedIn {
            access_token,
            token_type: "Bearer",
            expires_in: jwt::LIFETIME_SECONDS,
            refresh_token: self.refresh.reveal(),
            account: Account::of(&self.account),
        })
    }
}
