//! Signing in, staying signed in, signing out.

use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::Subject;
use super::row::{AccountRow, Renewal};
use super::sessions::{self, Renewed};
use super::{SignedIn, unhashed};
use crate::access::caller::AccountState;
use crate::access::password::{Password, Verdict};
use crate::access::secret::RefreshToken;
use crate::access::{Db, People, Public};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::{Email, folded};
use crate::http::{Body, Code, FieldErrors, Json, NoContent, Nothing, Problem, Refusals, Refuses};

/// What somebody signs in with.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The e-mail address; upper and lower case are the same.
    email: Email,
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "quiet lamp under snow")]
    password: Password,
}

impl Rules for Credentials {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// A refresh token, to be spent.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refreshing {
    /// The refresh token of the last sign-in or refresh.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rgr_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    refresh_token: String,
}

impl Rules for Refreshing {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What signing in may be refused with.
pub enum NotSignedIn {}
impl Refusals for NotSignedIn {
    const CODES: &'static [Code] = &[Code::LoginFailed];
}

/// What refreshing may be refused with.
pub enum NotRefreshed {}
impl Refusals for NotRefreshed {
    const CODES: &'static [Code] = &[Code::InvalidCredential];
}

fn login_failed() -> Problem {
    Problem::new(Code::LoginFailed, "e-mail and password do not fit together")
}

pub async fn create_session(
    db: Db<Public>,
    body: Body<Credentials, CREDENTIALS>,
    _: Refuses<NotSignedIn>,
) -> Answer<Json<SignedIn>> {
    let admitted = db.admit(&(), &body).await?;
    let sent = admitted.input.clone();
    let email = folded(sent.email.as_str());
    let subject = Subject::of_sign_in(db.state(), &email);
    subject.count(&db).await?;
    let found = db.look(move |tx| AccountRow::by_email(tx, &email)).await?;
    let phc = found.as_ref().and_then(AccountRow::password);
    let verdict = db.state().hasher.verify(&sent.password, phc).await.map_err(unhashed)?;
    let (account, renewal) = match (found, verdict) {
        (Some(account), Verdict::Right) if account.state == AccountState::Active => (account, Renewal::Kept),
        (Some(account), Verdict::RightButOutdated) if account.state == AccountState::Active => {
            let hash = db.state().hasher.hash(&sent.password).await.map_err(unhashed)?;
            (account, Renewal::Rehashed(hash))
        }
        (Some(_) | None, Verdict::Right | Verdict::RightButOutdated | Verdict::Wrong) => {
            tracing::info!(request_id = db.request_id(), "a sign-in failed");
            return Err(login_failed());
        }
    };
    db.commit((), &body, admitted, move |tx, (), _| {
        let account = account.confirm(tx, &renewal)?.ok_or_else(login_failed)?;
        subject.forget(tx)?;
        tracing::info!(request_id = tx.author().request_id, account = %account.id, "somebody signed in");
        Ok(Json::new(sessions::open(tx, account)?.reveal(tx.state())?))
    })
    .await
}

pub async fn refresh_session(
    db: Db<Public>,
    body: Body<Refreshing, CREDENTIALS>,
    _: Refuses<NotRefreshed>,
) -> Answer<Json<SignedIn>> {
    let refused =
        || Problem::new(Code::InvalidCredential, "the refresh token is not known, spent or too old");
    let admitted = db.admit(&(), &body).await?;
    let token = RefreshToken::parse(&admitted.input.refresh_token).ok_or_else(refused)?;
    let server_secret = db.state().refresh_key;
    // What a reuse ends must stay ended although the request is refused.
    match db.jot(move |tx| sessions::renew(tx, &server_secret, &token)).await? {
        Renewed::Open(open) => db.answer(Json::new(open.reveal(db.state())?)),
        Renewed::Refused => Err(refused()),
        Renewed::Reused(session) => {
            tracing::warn!(
                request_id = db.request_id(),
                %session,
                "a spent refresh token was used again, so its session was ended"
            );
            Err(refused())
        }
    }
}

pub async fn end_session(db: Db<People>) -> Answer<NoContent> {
    db.write((), Nothing, |tx, (), ()| {
        let session = tx.signed()?.session;
        sessions::revoke(tx, session)?;
        tracing::info!(request_id = tx.author().request_id, %session, "somebody signed out");
        Ok(NoContent)
    })
    .await
}
