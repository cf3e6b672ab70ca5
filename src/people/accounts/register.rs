//! Making an account.

use serde::Deserialize;
use utoipa::ToSchema;

use super::row::{AccountRow, email_taken};
use super::{SignedIn, context_of, judge_password, sessions, unhashed};
use crate::access::password::Password;
use crate::access::secret::InvitationToken;
use crate::access::{Db, Public};
use crate::config::Registration;
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::{Email, folded};
use crate::http::{Body, Code, Created, FieldErrors, Name, Problem, Refusals, Refuses, Result};
use crate::people::invitations::Invited;
use crate::store::Tx;

/// A new account.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The e-mail address to sign in with; upper and lower case are the same.
    email: Email,
    /// The password: 15 to 128 characters, none of those that are guessed first, and not mostly the
    /// name of the person, the workspace or the product.
    #[schema(value_type = String, format = Password, min_length = 15, max_length = 128, example = "quiet lamp under snow")]
    password: Password,
    /// The person's name.
    name: Name,
    /// The token of an invitation to this e-mail: the account joins its workspace at once.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128, pattern = r"^[\x21-\x7e]*$", example = json!(null))]
    invitation_token: Option<String>,
}

impl Rules for NewAccount {
    fn judge(&self, errors: &mut FieldErrors) {
        let context = context_of(self.email.as_str(), self.name.as_str());
        judge_password(&self.password, &context, "/password", errors);
    }
}

/// What registering may be refused with.
pub enum NotRegistered {}
impl Refusals for NotRegistered {
    const CODES: &'static [Code] =
        &[Code::InvitationRequired, Code::NotFound, Code::LinkSpent, Code::AlreadyExists];
}

const INVITATION: &str = "/invitation_token";

pub async fn register_account(
    db: Db<Public>,
    body: Body<NewAccount, CREDENTIALS>,
    _: Refuses<NotRegistered>,
) -> Answer<Created<SignedIn>> {
    let admitted = db.admit(&(), &body).await?;
    db.count_attempt()?;
    let program = db.user_agent();
    let (rule, new) = (db.state().config.registration, admitted.input.clone());
    // Looked at before the dear hash, and again with it.
    let invited = db.look(move |tx| admit(tx, rule, &new)).await?;
    if let Some(invited) = &invited {
        let mut errors = FieldErrors::new();
        judge_password(&admitted.input.password, &[&invited.workspace.name], "/password", &mut errors);
        errors.settle()?;
    }
    let hash = db.state().hasher.hash(&admitted.input.password).await.map_err(unhashed)?;
    db.commit((), &body, admitted, move |tx, (), new| {
        tx.register_alone()?;
        let invited = admit(tx, rule, new)?;
        let account = AccountRow::create(tx, new.email.as_str(), new.name.as_str(), &hash)?;
        if let Some(invited) = invited {
            invited.join(tx, &account)?;
        }
        tracing::info!(request_id = tx.author().request_id, account = %account.id, "an account was made");
        let version = account.version;
        let signed_in = sessions::open(tx, account, program.as_deref())?.reveal(tx.state())?;
        Ok(Created::at("/v1/auth/me", signed_in, version))
    })
    .await
}

/// Whether this account may be made, and by which invitation.
fn admit(tx: &mut Tx, rule: Option<Registration>, new: &NewAccount) -> Result<Option<Invited>> {
    let email = folded(new.email.as_str());
    let invited = match (&new.invitation_token, rule) {
        (Some(token), _) => {
            let token = InvitationToken::parse(token).ok_or_else(|| Problem::not_found_at(INVITATION))?;
            Some(Invited::find(tx, &token, &email, INVITATION)?)
        }
        (None, Some(Registration::Open)) => None,
        (None, None | Some(Registration::Invited)) => {
            if AccountRow::exist(tx)? {
                return Err(Problem::new(
                    Code::InvitationRequired,
                    "ask an admin of a workspace for an invitation, and send its token as invitation_token",
                ));
            }
            None
        }
    };
    if AccountRow::by_email(tx, &email)?.is_some() {
        return Err(email_taken());
    }
    Ok(invited)
}
