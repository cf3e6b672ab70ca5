//! Accounts: registering, signing in and staying so, changing password and address, leaving for good, and who is
//! calling.
//!
//! An account belongs to a person and to no workspace; memberships say where it takes part. Whatever
//! is wrong with a sign-in, the answer and the work behind it are the same, so that nobody learns
//! which addresses have accounts. An e-mail is kept as it was typed, and compared without regard to
//! case; what looks alike in other alphabets, and `+tags`, are different addresses.

mod attempts;
mod deletion;
mod email;
mod letters;
mod mailed;
mod me;
mod own_sessions;
mod password;
mod register;
mod reset;
mod row;
mod sessions;
mod sign_in;

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::password::{HashError, Password, PasswordFault};
use crate::http::text::{Email, Name};
use crate::http::{Code, FieldErrors, Problem, Routes, routes};
use crate::store::{AccountId, Moment};
use deletion::delete_account;
use email::{confirm_email, request_email_change};
pub use letters::write_letter;
pub use mailed::{Purpose, issue as issue_mailed};
pub use me::Membership;
use me::{show_me, update_me};
use own_sessions::{end_other_sessions, end_own_session, list_sessions};
use password::change_password;
use register::register_account;
use reset::{request_password_reset, reset_password};
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
            /// After ten attempts in a row without success further ones must wait, longer each time; after
            /// a hundred none is looked at until a new password is chosen by mail.
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
            GET show_me,
            /// Change the name of the person who calls.
            /// The names that they have in workspaces stay: those are changed there.
            PATCH update_me
        }
        "/v1/auth/sessions" {
            /// List the caller's own sessions, newest first.
            /// Those that have not ended: one for each sign-in.
            GET list_sessions,
            /// End all sessions of the caller but the one that calls.
            /// With all their tokens, at once. The one that calls ends by signing out.
            DELETE end_other_sessions
        }
        "/v1/auth/sessions/{session}" {
            /// End one of the caller's own sessions, at once.
            /// It may be the one that calls; one that has ended already stays so.
            DELETE end_own_session
        }
        "/v1/auth/password" {
            /// Change the password.
            /// It ends every session of the account; the answer bears the tokens of a new one. Where mails
            /// are sent, one tells of it.
            POST change_password
        }
        "/v1/auth/password-reset" {
            /// Ask for a new password by mail.
            /// The answer is the same whether the address has an account or not. The mail bears a token that
            /// can be used once, within ten minutes. One mail is sent in two minutes, however often it is asked
            /// for. Suspended accounts get none.
            POST request_password_reset
        }
        "/v1/auth/password-reset/confirm" {
            /// Choose a new password with the token of a mail.
            /// It ends every session of the account and signs nobody in. A change of the password or of the
            /// address voids what was mailed before.
            POST reset_password
        }
        "/v1/auth/email" {
            /// Ask for another e-mail address.
            /// A mail to the new address bears a token that confirms it, another one tells the present address.
            /// Whether an account has the new address already is told there alone.
            POST request_email_change
        }
        "/v1/auth/email/confirm" {
            /// Confirm the new e-mail address with the token of the mail.
            /// From then on it is the one to sign in with; every session but the one that calls ends.
            POST confirm_email
        }
        "/v1/auth/deletion" {
            /// Delete the caller's account.
            /// Memberships, sessions and personal tokens end at once, address and name are erased, and the
            /// address is free again. What the person made in workspaces stays, under the name that they had there.
            /// The last owner of a workspace stays: the refusal names the workspaces.
            POST delete_account
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
    Ok(attempts::sweep(tx)? + sessions::sweep(tx)? + mailed::sweep(tx)?)
}
