//! The doors: who may come in to an operation, said once where it is declared.
//!
//! A door names the kind of credential, the least role inside the workspace, and the scopes that
//! an API token needs. The guard opens it, and the document says it.

use super::policy::{Role, Scope};
use crate::http::routes::Repeatable;

/// What somebody needs to come in.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The kind of credential.
    pub credential: CredentialNeed,
    /// The place inside a workspace; operations outside have none.
    pub place: Option<Place>,
    /// Whether `Idempotency-Key` is taken.
    pub repeatable: Repeatable,
    /// A sentence for the document.
    pub words: &'static str,
}

/// The kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialNeed {
    /// None.
    Nothing,
    /// A link's secret, which stands in the path: what it shows is counted by link, not by address.
    Link,
    /// An access token or an API token.
    Any,
    /// An access token: a signed-in person.
    Person,
}

/// The role and, for tokens, one of the scopes.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// At least this role.
    pub role: Role,
    /// One of these scopes.
    pub scopes: &'static [Scope],
}

/// Who may come in.
pub trait Door: 'static {
    /// What they need.
    const NEEDS: Needs;
}

macro_rules! doors {
    ($($(#[$doc:meta])* $door:ident: $credential:ident, $place:expr, $repeatable:ident, $words:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $door {}

        impl Door for $door {
            const NEEDS: Needs = Needs {
                credential: CredentialNeed::$credential,
                place: $place,
                repeatable: Repeatable::$repeatable,
                words: $words,
            };
        }
    )* };
}

const fn place(role: Role, scopes: &'static [Scope]) -> Option<Place> {
    Some(Place { role, scopes })
}

doors! {
    /// Everybody.
    Public: Nothing, None, Never, "Open to everybody.";
    /// Whoever has a credential that holds.
    AnyCaller: Any, None, Keyed, "Needs an access token or an API token.";
    /// Signed-in people, outside any workspace.
    People: Person, None, Keyed, "Needs an access token: a signed-in person.";
    /// Members of the workspace, and tokens with `read`.
    Reads: Any, place(Role::Viewer, &[Scope::Read]), Keyed, "For every member of the workspace; API tokens need the scope `read`.";
    /// Members who make and change things.
    Writes: Any, place(Role::Member, &[Scope::Write]), Keyed,
        "For members, admins and owners; API tokens need the scope `write`.";
    /// Whoever posts points.
    Posts: Any, place(Role::Member, &[Scope::Write, Scope::PointsWrite]), Keyed,
        "For members, admins and owners who may edit the KPI; API tokens need the scope `points:write`, or `write` and that right.";
    /// Admins and owners.
    Admins: Any, place(Role::Admin, &[Scope::Admin]), Keyed, "For admins and owners; API tokens need the scope `admin`.";
    /// Owners.
    Owners: Any, place(Role::Owner, &[Scope::Admin]), Keyed, "For owners; API tokens need the scope `admin`.";
    /// Signed-in people, outside any workspace, whose answer bears a secret.
    PeopleMakeSecrets: Person, None, Never, "Needs an access token: a signed-in person.";
    /// Members where it is about themselves, and admins; the target says about whom it is.
    Themselves: Any, place(Role::Viewer, &[Scope::Admin]), Keyed,
        "For every member where it is their own, else for admins and owners; API tokens need the scope `admin`.";
    /// Whoever leads a team, and admins; the target says which team it is.
    Leads: Any, place(Role::Member, &[Scope::Admin]), Keyed,
        "For whoever leads the team, or one above it, admins and owners; API tokens need the scope `admin`.";
    /// Signed-in members whose answer bears a secret.
    MakesSecrets: Person, place(Role::Viewer, &[]), Never, "For signed-in members; API tokens make no tokens.";
    /// Signed-in members who show something to whoever has a link, and whose answer bears its secret.
    MakesLinks: Person, place(Role::Member, &[]), Never, "For signed-in members, admins and owners; API tokens make no links.";
    /// Whoever has a link.
    Linked: Link, None, Never, "Open to whoever has the link.";
    /// Signed-in admins whose answer bears a secret.
    AdminsMakeSecrets: Person, place(Role::Admin, &[]), Never, "For signed-in admins and owners.";
}

/// Doors behind which credentials are made and judged: slow work on what the database says of them,
/// before the write and outside of it.
pub trait HandlesCredentials: Door {}
impl HandlesCredentials for Public {}
impl HandlesCredentials for PeopleMakeSecrets {}
