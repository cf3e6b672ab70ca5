//! What becomes of tokens: another name, somebody else who answers for them, and their end, of many at once too.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::row::{self, TokenRow, TokenState};
use super::{Names, Token};
use crate::access::caller::TokenKind;
use crate::access::{Action, Admins, At, Db, Facts, Scoped, Themselves};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::query::Rehearsable;
use crate::http::{Body, Code, FieldErrors, Json, Name, NoContent, Nothing, PatchBody, Problem, Result};
use crate::people::members::{self, MemberInput, MemberRow};
use crate::store::journal::EventType;
use crate::store::{MemberId, TokenId};

/// What can be changed of an API token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFields {
    /// What people call it.
    #[schema(example = "Nightly export")]
    name: Name,
    /// Who answers for a service token; admins change it. A personal token keeps its person.
    member_id: MemberInput,
}

impl Rules for TokenFields {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// Which API tokens are to be revoked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRevocation {
    /// Of these kinds.
    #[schema(min_items = 1, max_items = 2, example = json!(["personal", "service"]))]
    kinds: Vec<TokenKind>,
    /// Of this member, who may have left; without it those of everybody.
    #[serde(default)]
    member_id: Option<MemberId>,
}

impl Rules for TokenRevocation {
    fn judge(&self, errors: &mut FieldErrors) {
        for (index, kind) in self.kinds.iter().enumerate() {
            if self.kinds[..index].contains(kind) {
                errors.add(format!("/kinds/{index}"), "repeated", "this kind stands there already");
            }
        }
    }
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedTokens {
    /// The tokens that could be used until then, newest first.
    #[schema(max_items = 1000)]
    token_ids: Vec<TokenId>,
}

pub(super) async fn update_token(
    db: Db<Themselves>,
    id: At<TokenRow>,
    patch: PatchBody<TokenFields>,
) -> Answer<Json<Token>> {
    // Their own, or as an admin any: no other is found.
    db.write(id.whoever_finds_it(), patch, |tx, row, patch| {
        let current = TokenFields { name: row.name.as_str().into(), member_id: row.member_id.into() };
        let Some(new) = patch.merged(&current, row.version)? else {
            return shown(tx, row.clone());
        };
        if row.state(tx.now) != TokenState::Active {
            return Err(Problem::new(Code::Conflict, "the token cannot be used any more; make another one"));
        }
        let mut changed = row.clone();
        let mut change = Map::new();
        if new.member_id != current.member_id {
            let member = members::resolve(tx, "/member_id", &new.member_id)?.id;
            if member != row.member_id {
                if row.kind == TokenKind::Personal {
                    let detail = "a personal token acts for its person, and for nobody else";
                    return Err(Problem::field("/member_id", "not_applicable", detail));
                }
                tx.require(Action::Manage, &Facts::default())?;
                changed.member_id = member;
                change.insert("member_id".into(), json!(member));
            }
        }
        if new.name != current.name {
            changed.name = new.name.into();
            change.insert("name".into(), json!(changed.name));
        }
        if !change.is_empty() {
            row::save(tx, &mut changed)?;
            tx.tell(EventType::TokenUpdated, changed.subject(), change.into());
        }
        shown(tx, changed)
    })
    .await
}

pub(super) async fn revoke_token(db: Db<Themselves>, id: At<TokenRow>) -> Answer<NoContent> {
    db.write(id.whoever_finds_it(), Nothing, |tx, row, ()| {
        row.revoke(tx)?;
        Ok(NoContent)
    })
    .await
}

pub(super) async fn revoke_tokens(
    db: Db<Admins>,
    rehearsable: Rehearsable,
    body: Body<TokenRevocation>,
) -> Answer<Json<RevokedTokens>> {
    db.write((), (rehearsable, body), |tx, (), (_, which)| {
        let (workspace, now) = (tx.here()?, tx.now);
        if let Some(member) = which.member_id {
            MemberRow::by_id(tx, workspace, member)?.ok_or_else(|| Problem::not_found_at("/member_id"))?;
        }
        let mut rows = row::all(tx, workspace)?;
        rows.retain(|row| {
            row.state(now) == TokenState::Active
                && which.kinds.contains(&row.kind)
                && which.member_id.is_none_or(|member| member == row.member_id)
        });
        for row in &rows {
            row.revoke(tx)?;
        }
        Ok(Json::new(RevokedTokens { token_ids: rows.iter().map(|row| row.id).collect() }))
    })
    .await
}

/// The token as it is shown, but for the secret.
pub(super) fn shown(tx: &mut Scoped, row: TokenRow) -> Result<Json<Token>> {
    let (version, now) = (row.version, tx.now);
    let names = Names::of(tx, std::slice::from_ref(&row))?;
    Ok(Json::versioned(Token::of(row, now, &names), version))
}
