//! Handing things over: each changes as by an edit of its own, with an event of its own.

use diesel::prelude::*;
use serde_json::json;

use super::HoldingType;
use super::load::{Held, Thing};
use crate::access::Scoped;
use crate::http::Result;
use crate::people::members::{MemberRef, MemberRow};
use crate::people::teams;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{boards, initiatives, key_results, kpis, objectives, tokens};
use crate::store::{IDS_PER_STATEMENT, RawId, TeamId};

/// Gives things of one table another owner.
macro_rules! own {
    ($tx:expr, $table:ident, $ids:expr, $to:expr) => {{
        let (workspace, now) = ($tx.here()?, $tx.now);
        for ids in $ids.chunks(IDS_PER_STATEMENT) {
            diesel::update(
                $table::table
                    .filter($table::workspace_id.eq(workspace))
                    .filter($table::id.eq_any(ids.to_vec())),
            )
            .set((
                $table::owner_id.eq(Some($to)),
                $table::version.eq($table::version + 1),
                $table::updated_at.eq(now),
            ))
            .execute($tx.db())?;
        }
    }};
}

/// Hands over things of one type.
pub fn hand_over(tx: &mut Scoped, held: &Held, from: &MemberRow, to: &MemberRef) -> Result<()> {
    let ids: Vec<RawId> = held.things.iter().map(|thing| thing.id).collect();
    let kind = match held.kind {
        HoldingType::Kpi => {
            own!(tx, kpis, ids, to.id);
            EventType::KpiUpdated
        }
        HoldingType::Objective => {
            own!(tx, objectives, ids, to.id);
            EventType::ObjectiveUpdated
        }
        HoldingType::KeyResult => {
            own!(tx, key_results, ids, to.id);
            EventType::KeyResultUpdated
        }
        HoldingType::Initiative => {
            own!(tx, initiatives, ids, to.id);
            EventType::InitiativeUpdated
        }
        HoldingType::Board => {
            own!(tx, boards, ids, to.id);
            EventType::BoardUpdated
        }
        HoldingType::Team => {
            for id in ids {
                teams::hand_over(tx, TeamId::from_uuid(id.uuid()), from.id, to.id)?;
            }
            return Ok(());
        }
        HoldingType::Token => return tokens_to(tx, &held.things, to),
        // They stay with whoever made them.
        HoldingType::Link | HoldingType::Decision => return Ok(()),
    };
    for thing in &held.things {
        let subject = Subject { kind: held.kind.as_str(), id: thing.id, name: thing.name.clone() };
        tx.tell(kind, subject, json!({ "owner_id": to.id }));
    }
    Ok(())
}

fn tokens_to(tx: &mut Scoped, things: &[Thing], to: &MemberRef) -> Result<()> {
    let workspace = tx.here()?;
    for thing in things {
        diesel::update(
            tokens::table.filter(tokens::workspace_id.eq(workspace)).filter(tokens::id.eq(thing.id)),
        )
        .set(tokens::member_id.eq(to.id))
        .execute(tx.db())?;
        let subject = Subject { kind: "token", id: thing.id, name: thing.name.clone() };
        tx.tell(EventType::TokenReassigned, subject, json!({ "member_id": to.id }));
    }
    Ok(())
}
