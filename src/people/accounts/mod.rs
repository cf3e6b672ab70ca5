//! Accounts: registering, signing in and staying so, changing the password, and who is calling.
//!
//! An account belongs to a person and to no workspace; memberships say where it takes part. Whatever
//! is wrong with a sign-in, the answer and the work behind it are the same, so that nobody learns
//! which addresses have accounts. An e-mail is kept as it was typed, and compared without regard to
//! case; what looks alike in other alphabets, and `+tags`, are different addresses.

mod attempts;
mod me;
mod password;
mod register;
mod row;
mod sessions;
mod sign_in;

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::password::{HashError, Password, PasswordFault};
use crate::http::text::{Email, Name};
use crate::http::{Code, FieldErrors, Problem, Routes, routes};
use crate::store::{AccountId, Moment};
pub use me::Membership;
use me::show_me;
use password::change_password;
use register::register_account;
pub use row::{AccountRow, Renewal};
pub use sessions::{open as open_session, revoke_all as revoke_sessions};
use sign_in::{create_session, end_session, refresh_session};

/// The paths of accounts.
pub fn routes() -> Routes {
    routes! { "auth",
        "/v1/auth/register" {
            /// Make an account, and sign in.
            /// Open until there is an account, and then by invitation, unless the server is set up
            /// otherwise. With an `invitation_token` the new account joins its workspace at once; the
            /// e-mail must be the one that was invited.
            POST register_account
        }
        "/v1/auth/login" {
            /// Sign in with e-mail and password.
            /// An unknown e-mail, a wrong password and a suspended account all get the same answer.
            /// After ten attempts in a row without success further ones must wait, longer each time.
            POST create_session
        }
        "/v1/auth/refresh" {
            /// Get a new access token.
            /// A refresh token is used once; the answer bears the next one. For ten seconds the same
            /// one may be sent again, should the answer be lost; later use ends the session. A session
            /// lives seven days without being renewed, and thirty days at the most.
            POST refresh_session
        }
        "/v1/auth/logout" {
            /// Sign out: end the session with all its tokens, at once.
            POST end_session
        }
        "/v1/auth/me" {
            /// Who is calling: the person and where they take part, or the API token.
            GET show_me
        }
        "/v1/auth/password" {
            /// Change the password.
            /// It ends every session of the account; the answer bears the tokens of a new one.
            POST change_password
        }
    }
}

/// A sign-in: what to send with further requests. Each token is shown here and nowhere else.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// Send it as `Authorization: Bearer`; a JWT that other systems can verify too.
    #[schema(
        max_length = 4096,
        pattern = r"^[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+$",
        example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhY2NfMDFoIn0.c2lnbmF0dXJl"
    )]
    access_token: String,
    /// How to send it: `Bearer`.
    #[schema(max_length = 6, pattern = "^Bearer$", example = "Bearer")]
    token_type: &'static str,
    /// How long the access token is good for, in seconds.
    #[schema(example = 600, minimum = 1, maximum = 86400)]
    expires_in: i64,
    /// What `/v1/auth/refresh` takes, once.
    #[schema(
        max_length = 128,
        pattern = "^rgr_[0-9A-Za-z_-]+$",
        example = "rgr_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    refresh_token: String,
    /// Who signed in.
    account: Account,
}

/// A person who can sign in.
#[derive(Serialize, ToSchema)]
pub struct Account {
    /// The account's id.
    id: AccountId,
    /// The e-mail address, as it was typed.
    #[schema(value_type = Email)]
    email: String,
    /// The person's name.
    #[schema(value_type = Name)]
    name: String,
    /// When the account was made.
    created_at: Moment,
}

impl Account {
    fn of(row: &AccountRow) -> Self {
        Self { id: row.id, email: row.email.clone(), name: row.name.clone(), created_at: row.created_at }
    }
}

/// What else an attacker would try who knows the account.
fn context_of<'a>(email: &'a str, name: &'a str) -> [&'a str; 2] {
    [email.split('@').next().unwrap_or_default(), name]
}

/// Adds what is wrong with a new password.
fn judge_password(password: &Password, context: &[&str], pointer: &str, errors: &mut FieldErrors) {
    for fault in password.faults(context) {
        let code = match fault {
            PasswordFault::TooShort => "too_short",
            PasswordFault::TooLong => "too_long",
            PasswordFault::Common => "common",
            PasswordFault::Context => "contextual",
        };
        errors.add(pointer, code, format!("the password {fault}"));
    }
}

/// What callers see of a hash that could not be made.
fn unhashed(error: HashError) -> Problem {
    match error {
        HashError::HasherBusy => {
            Problem::new(Code::Unavailable, "too many sign-ins at once; nothing was stored; try again")
                .retry_after(2)
        }
        HashError::TooLong => Problem::field("/password", "too_long", "the password is too long"),
        HashError::Failed => {
            Problem::new(Code::Internal, "nothing was stored; the log has more under the request's id")
        }
    }
}

/// Drops what the tables of sign-ins need no more.
pub fn sweep(tx: &mut crate::store::Tx) -> crate::http::Result<usize> {
    Ok(attempts::sweep(tx)? + sessions::sweep(tx)?)
}
