//! What is private to others, for queries: the rule of [`Viewers::hold`] in the words of SQL.
//!
//! Lists leave it out before they are paged, so that a page is short only at its end and no total
//! tells of it. A test holds both wordings of the rule against each other.
//!
//! [`Viewers::hold`]: super::policy::Viewers::hold

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::policy::Visibility;
use super::scoped::Scoped;
use crate::http::Result;
use crate::store::schema::{
    annotations, check_ins, comments, decisions, drivers, guardrails, initiatives, key_results, kpis, links,
    objective_contributors, objective_teams, objectives, remedies,
};
use crate::store::{MemberId, TeamId, WorkspaceId};

/// From whom things are hidden, and where.
///
/// A method in the singular says of a row whether it is hidden; one in the plural selects the ids of
/// all that are.
#[derive(Clone, Debug)]
pub struct Hidden {
    workspace: WorkspaceId,
    /// The caller, where it is a member.
    members: Vec<MemberId>,
    teams: Vec<TeamId>,
}

impl Hidden {
    /// From the caller.
    pub fn from(tx: &Scoped) -> Result<Self> {
        let standing = &tx.inside()?.standing;
        Ok(Self {
            workspace: tx.here()?,
            members: standing.member.into_iter().collect(),
            teams: standing.seeing_teams().to_vec(),
        })
    }

    /// A KPI that is private to others.
    pub fn kpi(&self) -> kpi_of_others {
        kpi_of_others(Visibility::Private, self.members.clone(), self.teams.clone())
    }

    /// Such KPIs.
    pub fn kpis(&self) -> kpis_of_others {
        kpis_of_others(self.workspace, self.kpi())
    }

    /// An objective that is private to others.
    pub fn objective(&self) -> objective_of_others {
        objective_of_others(
            Visibility::Private,
            self.members.clone(),
            self.teams.clone(),
            contributed_by_members(self.workspace, self.members.clone()),
            contributed_by_teams(self.workspace, self.teams.clone()),
        )
    }

    /// Such objectives.
    pub fn objectives(&self) -> objectives_of_others {
        objectives_of_others(self.workspace, self.objective())
    }

    /// A key result of one of these.
    pub fn key_result(&self) -> key_result_of_others {
        key_result_of_others(self.objectives())
    }

    /// Their key results.
    pub fn key_results(&self) -> key_results_of_others {
        key_results_of_others(self.workspace, self.objectives())
    }

    /// A check-in on one of these.
    pub fn check_in(&self) -> check_in_of_others {
        check_in_of_others(self.key_results())
    }

    /// Such check-ins.
    pub fn check_ins(&self) -> check_ins_of_others {
        check_ins_of_others(self.workspace, self.check_in())
    }

    /// An initiative under something that is private to others.
    pub fn initiative(&self) -> initiative_of_others {
        initiative_of_others(self.objectives(), self.key_results(), self.kpis())
    }

    /// Such initiatives.
    pub fn initiatives(&self) -> initiatives_of_others {
        initiatives_of_others(self.workspace, self.initiative())
    }

    /// A remedy whose KPI or objective is private to others.
    pub fn remedy(&self) -> remedy_of_others {
        remedy_of_others(self.objectives(), self.kpis())
    }

    /// Such remedies.
    pub fn remedies(&self) -> remedies_of_others {
        remedies_of_others(self.workspace, self.remedy())
    }

    /// A guardrail whose KPI or objective is private to others.
    pub fn guardrail(&self) -> guardrail_of_others {
        guardrail_of_others(self.objectives(), self.kpis())
    }

    /// Such guardrails.
    pub fn guardrails(&self) -> guardrails_of_others {
        guardrails_of_others(self.workspace, self.guardrail())
    }

    /// An annotation of a KPI that is private to others.
    pub fn annotation(&self) -> annotation_of_others {
        annotation_of_others(self.kpis())
    }

    /// Such annotations.
    pub fn annotations(&self) -> annotations_of_others {
        annotations_of_others(self.workspace, self.annotation())
    }

    /// A decision because of a KPI that is private to others.
    pub fn decision(&self) -> decision_of_others {
        decision_of_others(self.kpis())
    }

    /// Such decisions.
    pub fn decisions(&self) -> decisions_of_others {
        decisions_of_others(self.workspace, self.decision())
    }

    /// A link that shows a KPI which is private to others.
    pub fn link(&self) -> link_of_others {
        link_of_others(self.kpis())
    }

    /// Such links.
    pub fn links(&self) -> links_of_others {
        links_of_others(self.workspace, self.link())
    }

    /// A driver whose KPI or outcome is private to others.
    pub fn driver(&self) -> driver_of_others {
        driver_of_others(self.kpis(), self.kpis())
    }

    /// Such drivers.
    pub fn drivers(&self) -> drivers_of_others {
        drivers_of_others(self.workspace, self.driver())
    }

    /// A comment on something that is private to others.
    pub fn comment(&self) -> comment_of_others {
        comment_of_others(
            self.objectives(),
            self.key_results(),
            self.initiatives(),
            self.kpis(),
            self.annotations(),
            self.decisions(),
        )
    }

    /// Such comments.
    pub fn comments(&self) -> comments_of_others {
        comments_of_others(self.workspace, self.comment())
    }
}

#[auto_type]
fn kpi_of_others(private: Visibility, members: Vec<MemberId>, teams: Vec<TeamId>) -> _ {
    kpis::visibility
        .eq(private)
        .and(kpis::owner_id.is_null().or(kpis::owner_id.assume_not_null().ne_all(members)))
        .and(kpis::team_id.is_null().or(kpis::team_id.assume_not_null().ne_all(teams)))
}

#[auto_type]
fn kpis_of_others(workspace: WorkspaceId, hidden: kpi_of_others) -> _ {
    kpis::table.filter(kpis::workspace_id.eq(workspace)).filter(hidden).select(kpis::id)
}

#[auto_type]
fn contributed_by_members(workspace: WorkspaceId, members: Vec<MemberId>) -> _ {
    objective_contributors::table
        .filter(objective_contributors::workspace_id.eq(workspace))
        .filter(objective_contributors::member_id.eq_any(members))
        .select(objective_contributors::objective_id)
}

#[auto_type]
fn contributed_by_teams(workspace: WorkspaceId, teams: Vec<TeamId>) -> _ {
    objective_teams::table
        .filter(objective_teams::workspace_id.eq(workspace))
        .filter(objective_teams::team_id.eq_any(teams))
        .select(objective_teams::objective_id)
}

#[auto_type]
fn objective_of_others(
    private: Visibility,
    members: Vec<MemberId>,
    teams: Vec<TeamId>,
    by_members: contributed_by_members,
    by_teams: contributed_by_teams,
) -> _ {
    objectives::visibility
        .eq(private)
        .and(objectives::owner_id.is_null().or(objectives::owner_id.assume_not_null().ne_all(members)))
        .and(objectives::team_id.is_null().or(objectives::team_id.assume_not_null().ne_all(teams)))
        .and(objectives::id.ne_all(by_members))
        .and(objectives::id.ne_all(by_teams))
}

#[auto_type]
fn objectives_of_others(workspace: WorkspaceId, hidden: objective_of_others) -> _ {
    objectives::table.filter(objectives::workspace_id.eq(workspace)).filter(hidden).select(objectives::id)
}

#[auto_type]
fn key_result_of_others(objectives: objectives_of_others) -> _ {
    key_results::objective_id.eq_any(objectives)
}

#[auto_type]
fn key_results_of_others(workspace: WorkspaceId, objectives: objectives_of_others) -> _ {
    key_results::table
        .filter(key_results::workspace_id.eq(workspace))
        .filter(key_results::objective_id.eq_any(objectives))
        .select(key_results::id)
}

#[auto_type]
fn check_in_of_others(key_results: key_results_of_others) -> _ {
    check_ins::key_result_id.eq_any(key_results)
}

#[auto_type]
fn check_ins_of_others(workspace: WorkspaceId, hidden: check_in_of_others) -> _ {
    check_ins::table.filter(check_ins::workspace_id.eq(workspace)).filter(hidden).select(check_ins::id)
}

// An id that is absent is in no list, which SQL would call unknown: it is asked for first.
#[auto_type]
fn initiative_of_others(
    objectives: objectives_of_others,
    key_results: key_results_of_others,
    kpis: kpis_of_others,
) -> _ {
    initiatives::objective_id
        .is_not_null()
        .and(initiatives::objective_id.assume_not_null().eq_any(objectives))
        .or(initiatives::key_result_id
            .is_not_null()
            .and(initiatives::key_result_id.assume_not_null().eq_any(key_results)))
        .or(initiatives::kpi_id.is_not_null().and(initiatives::kpi_id.assume_not_null().eq_any(kpis)))
}

#[auto_type]
fn initiatives_of_others(workspace: WorkspaceId, hidden: initiative_of_others) -> _ {
    initiatives::table.filter(initiatives::workspace_id.eq(workspace)).filter(hidden).select(initiatives::id)
}

#[auto_type]
fn remedy_of_others(objectives: objectives_of_others, kpis: kpis_of_others) -> _ {
    remedies::objective_id.eq_any(objectives).or(remedies::kpi_id.eq_any(kpis))
}

#[auto_type]
fn remedies_of_others(workspace: WorkspaceId, hidden: remedy_of_others) -> _ {
    remedies::table.filter(remedies::workspace_id.eq(workspace)).filter(hidden).select(remedies::id)
}

#[auto_type]
fn guardrail_of_others(objectives: objectives_of_others, kpis: kpis_of_others) -> _ {
    guardrails::objective_id.eq_any(objectives).or(guardrails::kpi_id.eq_any(kpis))
}

#[auto_type]
fn guardrails_of_others(workspace: WorkspaceId, hidden: guardrail_of_others) -> _ {
    guardrails::table.filter(guardrails::workspace_id.eq(workspace)).filter(hidden).select(guardrails::id)
}

#[auto_type]
fn annotation_of_others(kpis: kpis_of_others) -> _ {
    annotations::kpi_id.eq_any(kpis)
}

#[auto_type]
fn annotations_of_others(workspace: WorkspaceId, hidden: annotation_of_others) -> _ {
    annotations::table.filter(annotations::workspace_id.eq(workspace)).filter(hidden).select(annotations::id)
}

#[auto_type]
fn decision_of_others(kpis: kpis_of_others) -> _ {
    decisions::kpi_id.eq_any(kpis)
}

#[auto_type]
fn decisions_of_others(workspace: WorkspaceId, hidden: decision_of_others) -> _ {
    decisions::table.filter(decisions::workspace_id.eq(workspace)).filter(hidden).select(decisions::id)
}

#[auto_type]
fn link_of_others(kpis: kpis_of_others) -> _ {
    links::kpi_id.is_not_null().and(links::kpi_id.assume_not_null().eq_any(kpis))
}

#[auto_type]
fn links_of_others(workspace: WorkspaceId, hidden: link_of_others) -> _ {
    links::table.filter(links::workspace_id.eq(workspace)).filter(hidden).select(links::id)
}

#[auto_type]
fn driver_of_others(drivers: kpis_of_others, outcomes: kpis_of_others) -> _ {
    drivers::driver_id.eq_any(drivers).or(drivers::outcome_id.eq_any(outcomes))
}

#[auto_type]
fn drivers_of_others(workspace: WorkspaceId, hidden: driver_of_others) -> _ {
    drivers::table.filter(drivers::workspace_id.eq(workspace)).filter(hidden).select(drivers::id)
}

#[auto_type]
fn comment_of_others(
    objectives: objectives_of_others,
    key_results: key_results_of_others,
    initiatives: initiatives_of_others,
    kpis: kpis_of_others,
    annotations: annotations_of_others,
    decisions: decisions_of_others,
) -> _ {
    comments::objective_id
        .is_not_null()
        .and(comments::objective_id.assume_not_null().eq_any(objectives))
        .or(comments::key_result_id
            .is_not_null()
            .and(comments::key_result_id.assume_not_null().eq_any(key_results)))
        .or(comments::initiative_id
            .is_not_null()
            .and(comments::initiative_id.assume_not_null().eq_any(initiatives)))
        .or(comments::kpi_id.is_not_null().and(comments::kpi_id.assume_not_null().eq_any(kpis)))
        .or(comments::annotation_id
            .is_not_null()
            .and(comments::annotation_id.assume_not_null().eq_any(annotations)))
        .or(comments::decision_id
            .is_not_null()
            .and(comments::decision_id.assume_not_null().eq_any(decisions)))
}

#[auto_type]
fn comments_of_others(workspace: WorkspaceId, hidden: comment_of_others) -> _ {
    comments::table.filter(comments::workspace_id.eq(workspace)).filter(hidden).select(comments::id)
}
