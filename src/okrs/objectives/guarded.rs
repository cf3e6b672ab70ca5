//! The KPIs that objectives must not harm, as objectives show them.
//!
//! Whether a guardrail holds is for those who care for KPIs to say; the table of contents names them.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::kpis::derive::View;
use crate::kpis::kpis::KpiRef;
use crate::store::{Day, GuardrailId, ObjectiveId, StoreError, Tx};

/// A KPI that an objective must not harm, where the objective is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ObjectiveGuardrail {
    /// The guardrail's id.
    pub id: GuardrailId,
    /// The KPI.
    pub kpi: KpiRef,
    /// Whether the KPI has been harmed since it was linked, and is not healed.
    pub breached: bool,
    /// The day of the present breach; null while it holds.
    pub breached_on: Option<Day>,
}

/// Tells the guardrails that stand on objectives, now or as they stood, in few statements.
pub type Guards = fn(
    &mut Tx,
    &[ObjectiveId],
    Option<&View>,
) -> Result<HashMap<ObjectiveId, Vec<ObjectiveGuardrail>>, StoreError>;
