//! The kinds of things that have an id, each with its prefix.

use super::id::{Id, IdError, Kind, RawId, read_untyped, write_untyped};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal, $name:literal, $subject:literal;)*) => {
        /// What events call each kind of thing, and the prefix of its ids.
        const SUBJECTS: &[(&str, &str)] = &[$(($subject, $prefix)),*];
    $(
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
    AccountKind, AccountId, "acc", "Account", "account";
    /// One sign-in of an account.
    SessionKind, SessionId, "ses", "Session", "session";
    /// A mail that waits to be sent.
    MailKind, MailId, "mail", "Mail", "mail";
    /// An identity: who a provider of single sign-on says that somebody is.
    IdentityKind, IdentityId, "idn", "Identity", "identity";
    /// One organisation's data.
    WorkspaceKind, WorkspaceId, "wsp", "Workspace", "workspace";
    /// A user in a workspace.
    MemberKind, MemberId, "mem", "Member", "member";
    /// A team in a workspace.
    TeamKind, TeamId, "team", "Team", "team";
    /// An invitation into a workspace.
    InvitationKind, InvitationId, "inv", "Invitation", "invitation";
    /// An API token.
    TokenKind, TokenId, "tok", "Token", "token";
    /// A KPI.
    KpiKind, KpiId, "kpi", "Kpi", "kpi";
    /// A driver: the link from a KPI to one that it is believed to move.
    DriverKind, DriverId, "drv", "Driver", "driver";
    /// A target of a KPI.
    TargetKind, TargetId, "tgt", "Target", "target";
    /// A cycle.
    CycleKind, CycleId, "cyc", "Cycle", "cycle";
    /// An objective.
    ObjectiveKind, ObjectiveId, "obj", "Objective", "objective";
    /// A change of an objective's state.
    ObjectiveStateKind, ObjectiveStateId, "ost", "ObjectiveState", "objective_state";
    /// A change of an objective's parent.
    ObjectiveMoveKind, ObjectiveMoveId, "omv", "ObjectiveMove", "objective_move";
    /// A closing of an objective.
    ClosingKind, ClosingId, "cls", "Closing", "closing";
    /// A link from an objective to one that it supports.
    SupportKind, SupportId, "sup", "Support", "support";
    /// A key result.
    KeyResultKind, KeyResultId, "kr", "KeyResult", "key_result";
    /// A check-in.
    CheckInKind, CheckInId, "chk", "CheckIn", "check_in";
    /// An initiative: work that is meant to move a key result, an objective or a KPI.
    InitiativeKind, InitiativeId, "ini", "Initiative", "initiative";
    /// A comment: what somebody said about a thing.
    CommentKind, CommentId, "com", "Comment", "comment";
    /// A remedy: the link from a KPI to an objective meant to heal it.
    RemedyKind, RemedyId, "rem", "Remedy", "remedy";
    /// A guardrail: the link from an objective to a KPI that it must not harm.
    GuardrailKind, GuardrailId, "grd", "Guardrail", "guardrail";
    /// An annotation: something that happened, on a KPI's timeline.
    AnnotationKind, AnnotationId, "ann", "Annotation", "annotation";
    /// A review: a meeting that looked at KPIs and objectives.
    ReviewKind, ReviewId, "rev", "Review", "review";
    /// A decision that was made because of a KPI.
    DecisionKind, DecisionId, "dec", "Decision", "decision";
    /// A link from a decision to what it led to.
    DecisionLinkKind, DecisionLinkId, "dln", "DecisionLink", "decision_link";
    /// A board: an ordered choice of KPIs for one audience.
    BoardKind, BoardId, "brd", "Board", "board";
    /// A link that shows one picture or scorecard to whoever has it.
    LinkKind, LinkId, "lnk", "Link", "link";
}

/// The prefix of the ids of what events call `subject`.
pub fn prefix(subject: &str) -> Option<&'static str> {
    SUBJECTS.iter().find(|(known, _)| *known == subject).map(|(_, prefix)| *prefix)
}

/// An id in its typed form, for the kind of thing that an event calls `subject`.
pub fn subject_id(subject: &str, id: RawId) -> String {
    write_untyped(prefix(subject).unwrap_or(subject), id)
}

/// Reads an id of any kind: what events call that kind of thing, and the id without it.
pub fn read_subject_id(text: &str) -> Result<(&'static str, RawId), IdError> {
    let (prefix, id) = read_untyped(text)?;
    let known = SUBJECTS.iter().find(|(_, known)| *known == prefix);
    known.map(|(subject, _)| (*subject, id)).ok_or(IdError::Malformed)
}
