//! Advice as the API gives it: what could be better, and what to do about it. It refuses nothing.

use serde::Serialize;
use utoipa::ToSchema;

use super::text::{Keyword, Sentence};
use crate::maths::AdviceCode;

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Advice {
    /// Its stable name.
    #[schema(value_type = Keyword)]
    pub code: AdviceCode,
    /// What could be better.
    #[schema(value_type = Sentence)]
    pub detail: String,
    /// What to do about it.
    #[schema(value_type = Sentence)]
    pub fix: String,
}

impl Advice {
    /// Advice for each code, in their order.
    pub fn of(codes: Vec<AdviceCode>) -> Vec<Self> {
        codes.into_iter().map(Self::from).collect()
    }

    /// That there are more KPIs than people can watch.
    pub fn too_many_kpis(count: usize, most: usize) -> Self {
        Self {
            detail: format!("There are {count} KPIs here; people keep an eye on about {most}."),
            ..Self::from(AdviceCode::TooManyKpis)
        }
    }
}

impl From<AdviceCode> for Advice {
    fn from(code: AdviceCode) -> Self {
        let (detail, fix) = match code {
            AdviceCode::NoDefinition => (
                "Nobody wrote down what exactly is measured.",
                "Write a definition: what counts, what does not, and where the numbers come from.",
            ),
            AdviceCode::NoUnit => {
                ("Its numbers have no unit.", "Say the unit, the currency, or that it is a percentage.")
            }
            AdviceCode::NoData => (
                "It has no value that says anything about today.",
                "Post a value, or archive it if nobody misses it.",
            ),
            AdviceCode::TargetOutOfReach => (
                "The target lies beyond the natural limits and beyond every past value.",
                "Change what produces the numbers, or choose a target that has been seen.",
            ),
            AdviceCode::NoPurpose => (
                "It supports no decision, drives no outcome, and no objective reads it.",
                "Write down the decision that it supports, or link it to what it should move.",
            ),
            AdviceCode::NoTarget => {
                ("Without a target nobody can tell whether it is healthy.", "Set a target, from a day on.")
            }
            AdviceCode::NoOutcome => (
                "It is leading, and nobody said which outcome it should move.",
                "Link it as a driver of an outcome KPI.",
            ),
            AdviceCode::NoLeading => (
                "It is lagging, and nobody said what moves it.",
                "Link a leading KPI as its driver, to be warned in time.",
            ),
            AdviceCode::GreenButFlat => (
                "Most of its leading KPIs are healthy or improving, and still it does not get better.",
                "Ask whether they drive it at all: look at the drift of each driver.",
            ),
            AdviceCode::NoWhy => {
                ("Nobody wrote down why.", "Say what gets better for whom when it is reached.")
            }
            AdviceCode::NoKeyResults => (
                "Nothing says how far it is.",
                "Add one to five key results that say how to know you arrived.",
            ),
            AdviceCode::ServesNothing => (
                "It heals no KPI, has no parent, and supports no other objective.",
                "Link it to what it serves, or ask whether it is worth the time.",
            ),
            AdviceCode::NoDueDay => ("It is due on no day.", "Give it a last day, or a cycle."),
            AdviceCode::NoOwner => ("Nobody answers for it.", "Name an owner."),
            AdviceCode::TooManyKpis => (
                "There are more KPIs here than people keep an eye on.",
                "Keep the vital few, and archive what supports no decision.",
            ),
        };
        Self { code, detail: detail.into(), fix: fix.into() }
    }
}
