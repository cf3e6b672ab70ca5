//! Many invitations in one call: judged one by one, and answered with what became of each.

use std::collections::HashSet;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::invite::{Known, invite};
use super::{Invitation, InvitationRow, Names, NewInvitation};
use crate::access::secret::InvitationToken;
use crate::access::{AdminsMakeSecrets, Db, Scoped};
use crate::http::answer::{Answer, SecretBatch};
use crate::http::body::{self, Input};
use crate::http::text::{Keyword, Pointer, Sentence, folded, shown};
use crate::http::{Describe, Draft, Problem, Result, json, schema};
use crate::state::State;

/// Invitations in one call at the most.
const MOST: usize = 500;

/// Many invitations.
#[derive(ToSchema)]
#[schema(min_items = 1, max_items = 500)]
#[allow(dead_code, reason = "it only carries the schema: items are read one by one")]
struct NewInvitations(Vec<NewInvitation>);

/// A body of many invitations.
#[derive(Clone)]
pub struct Posted {
    raw: Bytes,
}

/// One item: whom it names, for the answer, and the invitation that it is, or why it is none.
pub struct Submission {
    email: Option<String>,
    new: std::result::Result<NewInvitation, Refusal>,
}

#[derive(Clone, Debug)]
struct Refusal {
    code: String,
    reason: String,
    field: String,
}

/// What became of many invitations.
#[derive(Serialize, ToSchema)]
pub struct InvitationsMade {
    /// How many items came to what.
    counts: InvitationCounts,
    /// The invitations that were made, in the order of their items.
    #[schema(max_items = 500)]
    created: Vec<CreatedInvitation>,
    /// The items that were refused, in their order.
    #[schema(max_items = 500)]
    rejected: Vec<RejectedInvitation>,
}

/// How many items came to what; together they are all items.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct InvitationCounts {
    /// Invitations that were made.
    #[schema(minimum = 0)]
    created: usize,
    /// Items that were refused.
    #[schema(minimum = 0)]
    rejected: usize,
}

/// An item that was taken.
#[derive(Serialize, ToSchema)]
pub struct CreatedInvitation {
    /// Its place among the items, from 0.
    #[schema(minimum = 0)]
    index: usize,
    /// The invitation, with its token and link.
    invitation: Invitation,
}

/// An item that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedInvitation {
    /// Its place among the items, from 0.
    #[schema(minimum = 0)]
    index: usize,
    /// The address that it names; null where it cannot be read.
    #[schema(value_type = Option<Sentence>, example = "ann@example.com")]
    email: Option<String>,
    /// A stable name for what is wrong, such as `already_exists`, `forbidden`, `not_found`, `repeated` or that of a field error.
    #[schema(value_type = Keyword)]
    code: String,
    /// The same for people.
    #[schema(value_type = Sentence)]
    reason: String,
    /// A JSON pointer to the field, with the item's index first.
    #[schema(value_type = Pointer)]
    pointer: String,
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = body::take(request, payload, &["application/json"], body::BATCH);
        Box::pin(async move { Ok(Self { raw: raw.await?.1 }) })
    }
}

impl Describe for Posted {
    fn describe(draft: &mut Draft) {
        draft.takes::<NewInvitations>(&["application/json"]);
        draft.also_knows::<NewInvitation>();
        draft.refuses(body::REFUSALS);
    }
}

impl Input for Posted {
    type Parsed = Vec<Submission>;

    fn parse(&self, _: &State) -> Result<Vec<Submission>> {
        let Value::Array(items) = json::read(&self.raw)? else {
            return Err(Problem::field("", "wrong_type", "many invitations are an array"));
        };
        match items.len() {
            0 => Err(Problem::field("", "too_few", "there is no invitation in it")),
            1..=MOST => Ok(items.into_iter().map(submission).collect()),
            _ => {
                let detail = format!("at most {MOST} invitations are taken in one call");
                Err(Problem::field("", "too_many", detail))
            }
        }
    }

    fn raw(&self) -> &[u8] {
        &self.raw
    }
}

fn submission(item: Value) -> Submission {
    let email = item.get("email").and_then(Value::as_str).map(|email| shown(email, 254));
    let new = schema::check::<NewInvitation>(&item).map_err(|problem| refusal(&problem)).and_then(|()| {
        serde_json::from_value(item).map_err(|error| Refusal {
            code: "invalid".into(),
            reason: error.to_string(),
            field: String::new(),
        })
    });
    Submission { email, new }
}

/// All that is wrong with an item in one: the first field, and what is said of every one.
fn refusal(problem: &Problem) -> Refusal {
    let Some(first) = problem.errors.first() else {
        let code = problem.code.as_str().to_owned();
        return Refusal { code, reason: problem.detail.clone(), field: String::new() };
    };
    let reasons: Vec<String> = problem
        .errors
        .iter()
        .map(|error| match error.pointer.trim_start_matches('/') {
            "" => error.detail.clone(),
            field => format!("{field}: {}", error.detail),
        })
        .collect();
    Refusal { code: first.code.clone(), reason: reasons.join("; "), field: first.pointer.clone() }
}

pub async fn create_invitations(
    db: Db<AdminsMakeSecrets>,
    posted: Posted,
) -> Answer<SecretBatch<InvitationsMade>> {
    db.write((), posted, |tx, (), submitted| take(tx, submitted)).await
}

fn take(tx: &mut Scoped, submitted: &[Submission]) -> Result<SecretBatch<InvitationsMade>> {
    let judged = submitted.iter().filter_map(|item| item.new.as_ref().ok());
    let mut known = Known::of(tx, judged.map(|new| folded(new.email.as_str())))?;
    let mut named: HashSet<String> = HashSet::new();
    let (mut made, mut rejected): (Vec<(usize, InvitationRow, InvitationToken)>, Vec<_>) =
        (Vec::new(), Vec::new());
    for (index, item) in submitted.iter().enumerate() {
        let judged = item.new.as_ref().map_err(Clone::clone);
        let taken = judged.and_then(|new| {
            if !named.insert(folded(new.email.as_str())) {
                let (code, field) = ("repeated".to_owned(), "/email".to_owned());
                return Err(Refusal { code, reason: "this address stands there already".into(), field });
            }
            Ok(new)
        });
        let taken = match taken {
            Ok(new) => match invite(tx, &mut known, new) {
                Ok(made) => Ok(made),
                // What the database could not do refuses the whole.
                Err(problem) if problem.status().is_server_error() => return Err(problem),
                Err(problem) => Err(refusal(&problem)),
            },
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok((row, token)) => made.push((index, row, token)),
            Err(Refusal { code, reason, field }) => rejected.push(RejectedInvitation {
                index,
                email: item.email.clone(),
                code,
                reason: shown(&reason, 4000),
                pointer: shown(&format!("/{index}{field}"), 1000),
            }),
        }
    }
    let rows: Vec<InvitationRow> = made.iter().map(|(_, row, _)| row.clone()).collect();
    let names = Names::of(tx, &rows)?;
    let created: Vec<CreatedInvitation> = made
        .into_iter()
        .map(|(index, row, token)| CreatedInvitation {
            index,
            invitation: Invitation::revealed(tx, row, &names, &token),
        })
        .collect();
    let status = match (created.is_empty(), rejected.is_empty()) {
        (true, _) => 422,
        (false, true) => 200,
        (false, false) => 207,
    };
    let counts = InvitationCounts { created: created.len(), rejected: rejected.len() };
    Ok(SecretBatch { status, body: InvitationsMade { counts, created, rejected } })
}
