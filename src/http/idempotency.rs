//! `Idempotency-Key`: a POST that is sent twice has one effect and one answer.
//!
//! The answer is written in the transaction of its effect and kept for 24 hours. A second call
//! while the first runs waits for the same lock, and then finds the answer.

use aws_lc_rs::digest::{Context, SHA256};
use diesel::prelude::*;
use jiff::SignedDuration;

use super::answer::Reply;
use super::problem::{Code, Problem, Result};
use crate::store::schema::idempotent_replies;
use crate::store::{Json, Moment, RawId, Tx};

/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// One key of one caller for one operation, and what came with it.
#[derive(Clone, Debug)]
pub struct Key {
    caller: RawId,
    operation: String,
    key: String,
    fingerprint: Vec<u8>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = idempotent_replies)]
struct Row {
    caller_id: RawId,
    operation: String,
    idempotency_key: String,
    fingerprint: Vec<u8>,
    status: i32,
    headers: Json,
    body: Vec<u8>,
    created_at: Moment,
}

impl Key {
    /// The fingerprint digests all parts of the request, each with its length.
    pub fn new(caller: RawId, operation: &str, key: &str, parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self {
            caller,
            operation: operation.to_owned(),
            key: key.to_owned(),
            fingerprint: context.finish().as_ref().to_vec(),
        }
    }

    /// What it is, apart from what came with it: of two requests with the same only one has an effect.
    pub fn identity(&self) -> (RawId, &str, &str) {
        (self.caller, &self.operation, &self.key)
    }

    /// The answer that was given before, if the request was the same.
    pub fn recall(&self, tx: &mut Tx) -> Result<Option<Reply>> {
        let oldest = tx.now.plus(-KEPT);
        let found: Option<Row> = idempotent_replies::table
            .filter(idempotent_replies::caller_id.eq(self.caller))
            .filter(idempotent_replies::operation.eq(&self.operation))
            .filter(idempotent_replies::idempotency_key.eq(&self.key))
            .first(tx.db())
            .optional()?;
        let Some(row) = found else { return Ok(None) };
        if row.created_at <= oldest {
            self.forget(tx)?;
            return Ok(None);
        }
        if row.fingerprint != self.fingerprint {
            return Err(Problem::new(
                Code::IdempotencyKeyReused,
                "another request came with this key in the last 24 hours",
            ));
        }
        Ok(Some(Reply {
            status: u16::try_from(row.status).unwrap_or(200),
            headers: serde_json::from_value(row.headers.0).unwrap_or_default(),
            body: row.body.into(),
        }))
    }

    /// Keeps the answer with its effect.
    pub fn remember(&self, tx: &mut Tx, reply: &Reply) -> Result<()> {
        let row = Row {
            caller_id: self.caller,
            operation: self.operation.clone(),
            idempotency_key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            status: i32::from(reply.status),
            headers: Json(serde_json::json!(reply.headers)),
            body: reply.body.to_vec(),
            created_at: tx.now,
        };
        diesel::insert_into(idempotent_replies::table).values(&row).execute(tx.db())?;
        Ok(())
    }

    fn forget(&self, tx: &mut Tx) -> Result<()> {
        diesel::delete(
            idempotent_replies::table
                .filter(idempotent_replies::caller_id.eq(self.caller))
                .filter(idempotent_replies::operation.eq(&self.operation))
                .filter(idempotent_replies::idempotency_key.eq(&self.key)),
        )
        .execute(tx.db())?;
        Ok(())
    }
}

/// Drops what is older than it is kept.
pub fn sweep(tx: &mut Tx) -> Result<usize> {
    let oldest = tx.now.plus(-KEPT);
    Ok(diesel::delete(idempotent_replies::table.filter(idempotent_replies::created_at.le(oldest)))
        .execute(tx.db())?)
}
