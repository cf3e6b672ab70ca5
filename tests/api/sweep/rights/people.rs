//! Who calls: every kind of credential, and what the policy knows of the one behind it.

use serde_json::{Value, json};

use super::table::{Deed, Rule, Whose};
use crate::harness::{App, Caller, PASSWORD, email};
use crate::sweep::{Operation, World};

/// What the policy knows of somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// Nothing: there is no credential, or none that holds.
    Nobody,
    /// A person or a token, and not of this workspace.
    Outside(Kind),
    /// Somebody in it.
    Inside { role: Role, kind: Kind, is: Is },
}

/// In the order of what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Member,
    Admin,
    Owner,
}

/// A signed-in person, or a token with these scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Person,
    Token(&'static [&'static str]),
}

/// Who of the story stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Ann,
    Olaf,
    /// Tess, who is in the team.
    Tess,
    /// Lena, who leads it.
    Lena,
    Another,
    /// No member at all: for it, there is no `me`.
    Nobody,
}

/// What must come of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is not refused for who calls.
    Passes,
    /// 401.
    Unknown,
    /// 403.
    Forbidden,
    /// 404, as if there were nothing.
    Nothing,
}

pub struct Principal {
    pub name: &'static str,
    pub caller: Caller,
    pub standing: Standing,
}

const ALL: &[&str] = &["read", "points:write", "write", "admin"];

impl Standing {
    /// What the table says of them.
    pub fn outcome(self, operation: &Operation, rule: Rule) -> Outcome {
        use Outcome::{Forbidden, Nothing, Passes, Unknown};
        let (role, kind, is) = match (self, rule) {
            (_, Rule::Open) => return Passes,
            (Self::Nobody, _) => return Unknown,
            (_, Rule::Credential) => return Passes,
            (Self::Outside(kind) | Self::Inside { kind, .. }, Rule::Person) => {
                return if kind == Kind::Person { Passes } else { Forbidden };
            }
            (
                Self::Outside(Kind::Token(_)) | Self::Inside { kind: Kind::Token(_), .. },
                Rule::AnnsAccount,
            ) => {
                return Forbidden;
            }
            (Self::Outside(_), _) => return Nothing,
            (Self::Inside { role, kind, is }, _) => (role, kind, is),
        };
        if is == Is::Nobody && operation.template.contains("{member}") {
            return Nothing;
        }
        let has = |scope| match kind {
            Kind::Person => true,
            Kind::Token(scopes) => scopes.contains(&scope),
        };
        let theirs = |whose| match whose {
            Whose::Olafs => {
                role >= Role::Admin || role == Role::Member && matches!(is, Is::Olaf | Is::Tess | Is::Lena)
            }
            Whose::Anns => role >= Role::Admin,
        };
        let when = |may| if may { Passes } else { Forbidden };
        match rule {
            Rule::Open | Rule::Credential | Rule::Person => Passes,
            Rule::AnnsAccount => {
                if is == Is::Ann {
                    Passes
                } else {
                    Nothing
                }
            }
            Rule::Reads => when(has("read")),
            Rule::Makes => when(role >= Role::Member && has("write")),
            Rule::Changes(whose) => when(role >= Role::Member && has("write") && theirs(whose)),
            Rule::Posts => when(match kind {
                _ if role < Role::Member => false,
                Kind::Token(scopes) if scopes.contains(&"points:write") => true,
                _ => has("write") && theirs(Whose::Olafs),
            }),
            Rule::PostsMany => when(role >= Role::Member && (has("write") || has("points:write"))),
            Rule::Manages => when(role >= Role::Admin && has("admin")),
            Rule::Leads => {
                when((role >= Role::Admin || role == Role::Member && is == Is::Lena) && has("admin"))
            }
            Rule::Owns => when(role >= Role::Owner && has("admin")),
            Rule::MakesTokens => when(kind == Kind::Person),
            Rule::MakesLinks => when(kind == Kind::Person && role >= Role::Member),
            Rule::Invites => when(kind == Kind::Person && role >= Role::Admin),
            Rule::Known(deed) => {
                let scope = match deed {
                    Deed::Look => "read",
                    Deed::End => "admin",
                };
                // Admins know of all; by a token only with `admin`. Ann's are her own.
                let knows = is == Is::Ann || role >= Role::Admin && has("admin");
                if knows { when(has(scope)) } else { Nothing }
            }
            Rule::Oneself => when(has("admin")),
            Rule::HandsOver => when(role >= Role::Member && has("admin")),
        }
    }
}

/// Everybody of the sweep. Whatever must be old is made first; then two days pass.
pub async fn everybody(app: &App) -> (World, Vec<Principal>) {
    let world = World::new(app).await;
    let early = world.ann.clone();
    let token = async |maker: &Caller, body: Value| {
        let made = maker.post("tokens", body).await;
        made.expect(201);
        app.with_token("a token", made.text("/token")).inside("acme")
    };
    let expiring = token(&early, json!({"name": "old", "scopes": ALL, "expires_in_days": 1})).await;
    app.it_is("2026-04-02T09:30:00Z");
    let ann = app.signs_in("ann").await.inside("acme");
    let world = World { ann: ann.clone(), ..world };

    let olga = app.joins(&ann, "olga", "owner").await;
    let adam = app.joins(&ann, "adam", "admin").await;
    let olaf = app.joins(&ann, "olaf", "member").await;
    let tess = app.joins(&ann, "tess", "member").await;
    let lena = app.joins(&ann, "lena", "member").await;
    let max = app.joins(&ann, "max", "member").await;
    let vera = app.joins(&ann, "vera", "viewer").await;
    let me = async |caller: &Caller| caller.get("members/me").await.expect(200).text("/id").to_owned();
    let team = world.thing("team");
    ann.put(&format!("teams/{team}/members/{}", me(&tess).await), json!({})).await.expect(201);
    let lead = json!({"duty": "lead"});
    ann.put(&format!("teams/{team}/members/{}", me(&lena).await), lead).await.expect(201);
    for path in [format!("kpis/{}", world.thing("kpi")), format!("objectives/{}", world.thing("objective"))] {
        ann.patch(&path, json!({"owner_id": me(&olaf).await, "team_id": team})).await.expect(200);
    }

    let rita = app.joins(&ann, "rita", "owner").await;
    let ritas = token(&rita, json!({"name": "left behind", "scopes": ALL})).await;
    ann.delete(&format!("members/{}", me(&rita).await)).await.expect(204);
    let demoted = app.joins(&ann, "dora", "admin").await;
    let doras = token(&demoted, json!({"name": "made as an admin", "scopes": ALL})).await;
    ann.patch(&format!("members/{}", me(&demoted).await), json!({"role": "viewer"})).await.expect(200);
    let revoked = ann.post("tokens", json!({"name": "revoked", "scopes": ALL})).await;
    ann.delete(&format!("tokens/{}", revoked.text("/id"))).await.expect(204);
    let gone = app.signs_in("max").await;
    gone.call(reqwest::Method::POST, "/v1/auth/logout").send().await.expect(204);
    let iris = app.person("iris").await;
    ann.post("invitations", json!({"email": email("iris"), "role": "owner"})).await.expect(201);

    let eve = app.owner_of("eve", "elsewhere").await;
    let eves_token = eve.post("tokens", json!({"name": "hers", "scopes": ALL})).await;
    let eves_admin = app.joins(&eve, "ella", "admin").await;
    let eves_viewer = app.joins(&eve, "emil", "viewer").await;
    let wrong_password = app
        .stranger()
        .post("/v1/auth/login", json!({"email": email("ann"), "password": format!("{PASSWORD}!")}))
        .await;
    wrong_password.refused(401, "login_failed");

    let inside = |role, is| Standing::Inside { role, kind: Kind::Person, is };
    let by_token = |role, is, scopes| Standing::Inside { role, kind: Kind::Token(scopes), is };
    let mut all = Vec::new();
    let mut add = |name, caller: Caller, standing| {
        all.push(Principal { name, caller: caller.inside("acme"), standing })
    };
    add("a stranger", app.stranger(), Standing::Nobody);
    add("somebody with garbage", app.with_token("garbage", "garbage"), Standing::Nobody);
    add(
        "somebody with a forged token",
        app.with_token("a forger", "rgm_000000000000000000000000000000000000"),
        Standing::Nobody,
    );
    add("somebody whose access token is too old", early, Standing::Nobody);
    add("somebody who signed out", gone, Standing::Nobody);
    add("a token too old", expiring, Standing::Nobody);
    add("a revoked token", app.with_token("revoked", revoked.text("/token")), Standing::Nobody);
    add("somebody of no workspace", app.person("nora").await, Standing::Outside(Kind::Person));
    add("an invited owner who has not accepted", iris, Standing::Outside(Kind::Person));
    add("a removed owner", rita, Standing::Outside(Kind::Person));
    add("the owner of another workspace", eve, Standing::Outside(Kind::Person));
    add("an admin of another workspace", eves_admin, Standing::Outside(Kind::Person));
    add("a viewer of another workspace", eves_viewer, Standing::Outside(Kind::Person));
    add(
        "a token of another workspace",
        app.with_token("hers", eves_token.text("/token")),
        Standing::Outside(Kind::Token(ALL)),
    );
    add("ann, an owner", ann.clone(), inside(Role::Owner, Is::Ann));
    add("another owner", olga.clone(), inside(Role::Owner, Is::Another));
    add("an admin", adam.clone(), inside(Role::Admin, Is::Another));
    add("olaf, whose it is", olaf.clone(), inside(Role::Member, Is::Olaf));
    add("tess, whose team's it is", tess.clone(), inside(Role::Member, Is::Tess));
    add("lena, who leads the team", lena.clone(), inside(Role::Member, Is::Lena));
    add("another member", max.clone(), inside(Role::Member, Is::Another));
    add("a viewer", vera.clone(), inside(Role::Viewer, Is::Another));
    add("a demoted admin", demoted, inside(Role::Viewer, Is::Another));
    add("the token of a demoted admin", doras, by_token(Role::Viewer, Is::Another, ALL));
    for (name, scopes) in [
        ("ann's token to read", &["read"] as &'static [&'static str]),
        ("ann's token to post", &["points:write"]),
        ("ann's token to write", &["write"]),
        ("ann's token to manage", &["admin"]),
        ("ann's token for all", ALL),
    ] {
        add(
            name,
            token(&ann, json!({"name": name, "scopes": scopes})).await,
            by_token(Role::Owner, Is::Ann, scopes),
        );
    }
    let olafs = token(&olaf, json!({"name": "olaf's", "scopes": ["read", "write"]})).await;
    add("olaf's token", olafs, by_token(Role::Member, Is::Olaf, &["read", "write"]));
    let others = token(&max, json!({"name": "max's", "scopes": ["read", "write", "points:write"]})).await;
    add(
        "another member's token",
        others,
        by_token(Role::Member, Is::Another, &["read", "write", "points:write"]),
    );
    let service =
        json!({"name": "service", "kind": "service", "role": "member", "scopes": ["read", "write"]});
    add(
        "a service token",
        token(&ann, service).await,
        by_token(Role::Member, Is::Nobody, &["read", "write"]),
    );
    let screen = json!({"name": "screen", "kind": "service", "role": "viewer", "scopes": ["read"]});
    add("a screen's token", token(&adam, screen).await, by_token(Role::Viewer, Is::Nobody, &["read"]));
    // A personal token of somebody who left holds no more than a revoked one.
    add("the token of a removed owner", ritas, Standing::Nobody);
    (world, all)
}
