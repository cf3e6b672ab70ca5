//! The kinds of things that have an id, each with its prefix.

use super::id::{Id, Kind};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal, $name:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}

        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = $name;
        }

        #[doc = concat!("The id of a thing with the prefix `", $prefix, "_`.")]
        pub type $alias = Id<$kind>;
    )* };
}

kinds! {
    /// A person who can sign in.
    AccountKind, AccountId, "acc", "Account";
    /// One sign-in of an account.
    SessionKind, SessionId, "ses", "Session";
    /// One organisation's data.
    WorkspaceKind, WorkspaceId, "wsp", "Workspace";
    /// A user in a workspace.
    MemberKind, MemberId, "mem", "Member";
    /// A team in a workspace.
    TeamKind, TeamId, "team", "Team";
    /// An invitation into a workspace.
    InvitationKind, InvitationId, "inv", "Invitation";
    /// An API token.
    TokenKind, TokenId, "tok", "Token";
    /// A KPI.
    KpiKind, KpiId, "kpi", "Kpi";
    /// A target of a KPI.
    TargetKind, TargetId, "tgt", "Target";
    /// A cycle.
    CycleKind, CycleId, "cyc", "Cycle";
    /// An objective.
    ObjectiveKind, ObjectiveId, "obj", "Objective";
    /// A change of an objective's state.
    ObjectiveStateKind, ObjectiveStateId, "ost", "ObjectiveState";
    /// A key result.
    KeyResultKind, KeyResultId, "kr", "KeyResult";
    /// A check-in.
    CheckInKind, CheckInId, "chk", "CheckIn";
    /// A remedy: the link from a KPI to an objective meant to heal it.
    RemedyKind, RemedyId, "rem", "Remedy";
}
