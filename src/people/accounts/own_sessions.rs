//! The caller's own sessions: where they are signed in, and how they end it there.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sessions::{self, SessionRow};
use crate::access::{Db, FromSegment, People, Scoped, Segment};
use crate::http::answer::Answer;
use crate::http::page::{Position, page_type};
use crate::http::{Code, Listing, NoContent, Nothing, Page, Problem, Result};
use crate::store::{Moment, SessionId};

/// A session: one sign-in of a person, with all its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The session's id.
    id: SessionId,
    /// The program with which it was begun, as that named itself; up to 200 characters. Anything can stand here: it is
    /// a hint for people, and nothing more.
    #[schema(
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f]*$",
        example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"
    )]
    user_agent: Option<String>,
    /// Whether it is the one that calls.
    is_current: bool,
    /// When it was begun.
    created_at: Moment,
    /// When it was renewed last.
    last_used_at: Moment,
    /// When it ends unless it is renewed before: seven days after the last time, and thirty days after its beginning
    /// at the latest.
    expires_at: Moment,
}

page_type!(SessionPage, Session);

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SessionFilter {}

/// A session of the caller; those of others do not exist.
pub struct OwnSession(SessionRow);

impl FromSegment for OwnSession {
    const PARAMETER: &'static str = "session";
    const REFUSES: &'static [Code] = &[Code::InvalidId, Code::NotFound];

    fn read(tx: &mut Scoped, text: &str) -> Result<Self> {
        let id: SessionId = text.parse().map_err(crate::access::target::invalid_id)?;
        let account = tx.signed()?.account;
        sessions::of_account(tx, account, id)?.map(Self).ok_or_else(Problem::not_found)
    }
}

pub async fn list_sessions(db: Db<People>, listing: Listing<SessionFilter>) -> Answer<Page<SessionPage>> {
    db.read((), listing, |tx, (), (SessionFilter {}, paging)| {
        let (account, current) = tx.signed().map(|signed| (signed.account, signed.session))?;
        let rows = sessions::living(tx, account)?;
        let paged = paging
            .page_of_all(rows, |row| Reverse(Position { key: String::new(), id: row.id.to_string() }))?;
        Ok(Page::show(&paging, paged, |row| Session {
            id: row.id,
            is_current: row.id == current,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.ends_at(),
            user_agent: row.user_agent,
        }))
    })
    .await
}

pub async fn end_own_session(db: Db<People>, session: Segment<OwnSession>) -> Answer<NoContent> {
    db.write(session, Nothing, |tx, OwnSession(row), ()| {
        sessions::revoke(tx, row.id)?;
        tracing::info!(request_id = tx.author().request_id, session = %row.id, "somebody ended a session of theirs");
        Ok(NoContent)
    })
    .await
}

pub async fn end_other_sessions(db: Db<People>) -> Answer<NoContent> {
    db.write((), Nothing, |tx, (), ()| {
        let (account, current) = tx.signed().map(|signed| (signed.account, signed.session))?;
        let ended = sessions::revoke_others(tx, account, current)?;
        tracing::info!(request_id = tx.author().request_id, %account, ended, "somebody ended their other sessions");
        Ok(NoContent)
    })
    .await
}
