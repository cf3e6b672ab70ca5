//! The things whose `can` is swept, each in the states in which its words differ. Olaf made them, and
//! they are his and his team's; where another state says so, max made them, or they are private.

use serde_json::{Value, json};

use crate::harness::{App, Caller};
use crate::sweep::World;
use crate::sweep::rights::people::Principal;

/// Every schema with a `can`, and the states in which it is looked at.
pub const STATES: &[(&str, &[&str])] = &[
    // First, while little is due.
    ("DueKpi", &["as it is", "private"]),
    ("DueObjective", &["as it is", "private"]),
    ("Annotation", &["as it is", "by max", "of an archived KPI"]),
    ("Board", &["as it is", "of a team"]),
    ("Comment", &["as it is", "by max", "deleted"]),
    ("Cycle", &["as it is", "closed"]),
    ("Decision", &["as it is"]),
    ("Driver", &["as it is", "ended"]),
    ("Guardrail", &["as it is", "ended", "of a closed objective", "of a closed cycle"]),
    (
        "Initiative",
        &[
            "as it is",
            "archived",
            "of a KPI",
            "of an archived KPI",
            "of a closed objective",
            "of a closed cycle",
        ],
    ),
    ("KeyResult", &["as it is", "archived", "of a draft", "of a closed objective", "of a closed cycle"]),
    ("Kpi", &["as it is", "archived", "computed", "private"]),
    (
        "Member",
        &["oneself", "a member", "a viewer", "an admin", "an owner", "suspended", "invited", "removed"],
    ),
    (
        "Objective",
        &[
            "as it is",
            "draft",
            "closed",
            "archived",
            "of a closed cycle",
            "closed, of a closed cycle",
            "private",
        ],
    ),
    ("Remedy", &["as it is", "withdrawn", "of a closed objective"]),
    ("Review", &["as it is", "of a team"]),
    ("Team", &["as it is", "archived"]),
    ("Workspace", &["as it is"]),
];

/// Something that is there, and how it is reached.
pub struct Thing {
    /// Where it is.
    pub path: String,
    /// Where it is shown, if elsewhere.
    shown_at: Option<String>,
    pub id: String,
    /// What hangs on it: an objective's key result.
    pub near: String,
    pub is_the_caller: bool,
}

impl Thing {
    fn at(kind: &str, id: &str) -> Self {
        Self {
            path: format!("{kind}/{id}"),
            shown_at: None,
            id: id.to_owned(),
            near: String::new(),
            is_the_caller: false,
        }
    }

    /// As a caller is shown it; none for whoever is not.
    pub async fn shown_to(&self, caller: &Caller) -> Option<Value> {
        let answer = caller.get(self.shown_at.as_deref().unwrap_or(&self.path)).await;
        match (answer.status, &self.shown_at) {
            (200, None) => Some(answer.body),
            (200, Some(_)) => found(&answer.body, &self.id).cloned(),
            (403 | 404, _) => None,
            _ => panic!("{} answered {}", answer.call, answer.raw),
        }
    }

    /// Where somebody else finds what a caller was shown: `me` is another one for them.
    pub fn path_for(&self, shown: &Value) -> String {
        if self.is_the_caller {
            format!("members/{}", shown["id"].as_str().expect("an id"))
        } else {
            self.path.clone()
        }
    }
}

/// The thing with an id and a `can`, wherever it stands.
fn found<'a>(body: &'a Value, id: &str) -> Option<&'a Value> {
    match body {
        Value::Object(fields)
            if fields.get("id").is_some_and(|own| own == id) && fields.contains_key("can") =>
        {
            Some(body)
        }
        Value::Object(fields) => fields.values().find_map(|field| found(field, id)),
        Value::Array(items) => items.iter().find_map(|item| found(item, id)),
        _ => None,
    }
}

/// Who makes things, and of what.
pub struct Things {
    app: App,
    ann: Caller,
    olga: Caller,
    olaf: Caller,
    max: Caller,
    olafs: String,
    lenas: String,
    cycle: String,
    made: usize,
}

impl Things {
    pub async fn new(app: &App, world: &World, everybody: &[Principal]) -> Self {
        let named = |name: &str| {
            let found = everybody.iter().find(|principal| principal.name == name);
            found.unwrap_or_else(|| panic!("nobody is {name}")).caller.clone()
        };
        let olaf = named("olaf, whose it is");
        Self {
            app: app.clone(),
            ann: world.ann.clone(),
            olga: named("another owner"),
            olafs: olaf.get("members/me").await.text("/id").to_owned(),
            lenas: named("lena, who leads the team").get("members/me").await.text("/id").to_owned(),
            olaf,
            max: named("another member"),
            cycle: world.thing("cycle").to_owned(),
            made: 0,
        }
    }

    /// A number that nothing had before.
    pub fn next(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    /// An owner who is not the caller.
    pub fn other_than(&self, caller: &str) -> &Caller {
        if caller.starts_with("ann") || caller.starts_with("a token narrowed") {
            &self.olga
        } else {
            &self.ann
        }
    }

    async fn post(&self, maker: &Caller, path: &str, body: Value) -> String {
        maker.post(path, body).await.expect(201).text("/id").to_owned()
    }

    /// A KPI that is unhealthy, so that it can be healed.
    async fn kpi(&mut self, state: &str) -> String {
        let number = self.next();
        let mut body = json!({
            "name": format!("KPI {number}"), "key": format!("churn-{number}"), "owner_id": self.olafs, "team_id": "growth",
            "target": {"max": 4},
        });
        match state {
            "computed" => body["formula"] = "2 * churn-rate".into(),
            "private" => body["visibility"] = "private".into(),
            _ => {}
        }
        let kpi = self.post(&self.olaf, "kpis", body).await;
        if state != "computed" {
            self.olaf.put(&format!("kpis/{kpi}/points/2026-02-28"), json!({"value": 6})).await.expect(201);
        }
        if state == "archived" {
            self.olaf.delete(&format!("kpis/{kpi}")).await.expect(204);
        }
        kpi
    }

    async fn cycle(&mut self) -> String {
        let name = format!("Cycle {}", self.next());
        let body =
            json!({"name": name, "starts_on": "2026-03-01", "ends_on": "2026-06-30", "state": "active"});
        self.post(&self.ann, "cycles", body).await
    }

    async fn close_cycle(&self, cycle: &str) {
        self.ann.patch(&format!("cycles/{cycle}"), json!({"state": "closed"})).await.expect(200);
    }

    /// An objective with a key result, before it is closed or archived; with its cycle.
    async fn objective(&mut self, state: &str) -> (String, String, String) {
        let cycle = if state.contains("of a closed cycle") { self.cycle().await } else { self.cycle.clone() };
        let number = self.next();
        let mut body = json!({
            "title": format!("Objective {number}"), "owner_id": self.olafs, "team_id": "growth", "cycle_id": cycle,
            "state": "active",
            "key_results": [{"title": "Interviews", "kind": "increase", "start": 0, "target": 10}],
        });
        match state {
            "draft" | "of a draft" => body["state"] = "draft".into(),
            "private" => body["visibility"] = "private".into(),
            _ => {}
        }
        let made = self.olaf.post("objectives", body).await;
        (made.expect(201).text("/id").to_owned(), made.text("/key_results/0/id").to_owned(), cycle)
    }

    /// Ends an objective, or its cycle, where the state says so.
    async fn end(&self, objective: &str, cycle: &str, state: &str) {
        let path = format!("objectives/{objective}");
        if state.contains("closed objective") || state.starts_with("closed") {
            self.olaf.post(&format!("{path}/close"), json!({"outcome": "partial"})).await.expect(200);
        }
        if state == "archived" {
            self.olaf.delete(&path).await.expect(204);
        }
        if state.contains("closed cycle") {
            self.close_cycle(cycle).await;
        }
    }

    /// Makes one in a state.
    pub async fn make(&mut self, schema: &str, state: &str) -> Thing {
        match schema {
            "DueKpi" => {
                let number = self.next();
                let body = json!({
                    "name": format!("KPI {number}"), "owner_id": self.olafs, "team_id": "growth",
                    "visibility": if state == "private" { "private" } else { "workspace" },
                    "cadence": "daily", "target": {"max": 4},
                });
                let kpi = self.post(&self.olaf, "kpis", body).await;
                // A value is due, and it is unhealthy.
                self.olaf
                    .put(&format!("kpis/{kpi}/points/2026-03-20"), json!({"value": 6}))
                    .await
                    .expect(201);
                Thing { shown_at: Some("due".into()), ..Thing::at("kpis", &kpi) }
            }
            "DueObjective" => {
                let body = json!({
                    "title": "To begin", "owner_id": self.olafs, "team_id": "growth", "cycle_id": self.cycle,
                    "visibility": if state == "private" { "private" } else { "workspace" },
                });
                let objective = self.post(&self.olaf, "objectives", body).await;
                Thing { shown_at: Some("due".into()), ..Thing::at("objectives", &objective) }
            }
            "Annotation" | "Decision" | "Driver" | "Kpi" | "Remedy" => self.make_of_kpi(schema, state).await,
            "Guardrail" | "Initiative" | "KeyResult" | "Objective" => {
                self.make_of_objective(schema, state).await
            }
            "Board" => {
                let mut body = json!({"name": "Monday", "kpi_ids": ["churn-rate"]});
                if state == "of a team" {
                    (body["team_id"], body["owner_id"]) = ("growth".into(), "me".into());
                }
                Thing::at("boards", &self.post(&self.olaf, "boards", body).await)
            }
            "Comment" => {
                let kpi = self.kpi("as it is").await;
                let maker = if state == "by max" { &self.max } else { &self.olaf };
                let comment =
                    self.post(maker, "comments", json!({"subject_id": kpi, "text": "Who asks?"})).await;
                if state == "deleted" {
                    self.olaf.delete(&format!("comments/{comment}")).await.expect(204);
                }
                Thing::at("comments", &comment)
            }
            "Cycle" => {
                let cycle = self.cycle().await;
                if state == "closed" {
                    self.close_cycle(&cycle).await;
                }
                Thing::at("cycles", &cycle)
            }
            "Review" => {
                let mut body = json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"]});
                if state == "of a team" {
                    body["team_id"] = "growth".into();
                }
                Thing::at("reviews", &self.post(&self.olaf, "reviews", body).await)
            }
            "Member" => self.make_member(state).await,
            "Team" if state == "as it is" => {
                let growth = self.ann.get("teams/growth").await;
                Thing::at("teams", growth.text("/id"))
            }
            "Team" => {
                let team =
                    self.post(&self.ann, "teams", json!({"name": format!("Team {}", self.made)})).await;
                let lead = json!({"duty": "lead"});
                self.ann.put(&format!("teams/{team}/members/{}", self.lenas), lead).await.expect(201);
                self.ann.delete(&format!("teams/{team}")).await.expect(204);
                Thing::at("teams", &team)
            }
            "Workspace" => Thing { path: String::new(), ..Thing::at("", "") },
            _ => panic!("make a {schema} in tests/api/sweep/can/things.rs"),
        }
    }

    async fn make_of_kpi(&mut self, schema: &str, state: &str) -> Thing {
        let kpi = self.kpi(if schema == "Kpi" { state } else { "as it is" }).await;
        match schema {
            "Kpi" => Thing::at("kpis", &kpi),
            "Annotation" => {
                let maker = if state == "by max" { &self.max } else { &self.olaf };
                let body = json!({"on": "2026-03-03", "text": "New prices"});
                let annotation = self.post(maker, &format!("kpis/{kpi}/annotations"), body).await;
                if state == "of an archived KPI" {
                    self.olaf.delete(&format!("kpis/{kpi}")).await.expect(204);
                }
                Thing::at("annotations", &annotation)
            }
            "Decision" => {
                let body = json!({"kpi_id": kpi, "choice": "investigate", "summary": "Ask those who leave"});
                Thing::at("decisions", &self.post(&self.olaf, "decisions", body).await)
            }
            "Driver" => {
                let body = json!({"driver_id": "calls"});
                let driver = self.post(&self.olaf, &format!("kpis/{kpi}/drivers"), body).await;
                if state == "ended" {
                    self.olaf.delete(&format!("drivers/{driver}")).await.expect(204);
                }
                Thing::at("drivers", &driver)
            }
            _ => {
                let (objective, _, cycle) = self.objective(state).await;
                let remedy = self
                    .post(&self.olaf, &format!("kpis/{kpi}/remedies"), json!({"objective_id": objective}))
                    .await;
                self.end(&objective, &cycle, state).await;
                if state == "withdrawn" {
                    self.olaf.delete(&format!("remedies/{remedy}")).await.expect(204);
                }
                Thing::at("remedies", &remedy)
            }
        }
    }

    async fn make_of_objective(&mut self, schema: &str, state: &str) -> Thing {
        let (objective, key_result, cycle) = self.objective(state).await;
        let thing = match schema {
            "Objective" => Thing { near: key_result, ..Thing::at("objectives", &objective) },
            "KeyResult" => Thing::at("key-results", &key_result),
            "Guardrail" => {
                let body = json!({"kpi_id": "churn-rate"});
                Thing::at(
                    "guardrails",
                    &self.post(&self.olaf, &format!("objectives/{objective}/guardrails"), body).await,
                )
            }
            _ => {
                let kpi = self.kpi("as it is").await;
                let body = match state {
                    "of a KPI" | "of an archived KPI" => json!({"title": "Ask around", "kpi_id": kpi}),
                    _ => json!({"title": "Ask around", "objective_id": objective}),
                };
                let initiative = self.post(&self.olaf, "initiatives", body).await;
                if state == "of an archived KPI" {
                    self.olaf.delete(&format!("kpis/{kpi}")).await.expect(204);
                }
                Thing::at("initiatives", &initiative)
            }
        };
        match (schema, state) {
            ("Guardrail", "ended") | ("Initiative" | "KeyResult", "archived") => {
                self.olaf.delete(&thing.path).await.expect(204);
            }
            _ => self.end(&objective, &cycle, state).await,
        }
        thing
    }

    async fn make_member(&mut self, state: &str) -> Thing {
        if state == "oneself" {
            return Thing { is_the_caller: true, ..Thing::at("members", "me") };
        }
        let name = format!("m{}", self.next());
        if state == "invited" {
            let body = json!({"email": crate::harness::email(&name), "role": "member"});
            let invited = self.ann.post("invitations", body).await;
            return Thing::at("members", invited.expect(201).text("/member_id"));
        }
        let role = match state {
            "a viewer" => "viewer",
            "an admin" => "admin",
            "an owner" => "owner",
            _ => "member",
        };
        let joined = self.app.joins(&self.ann, &name, role).await;
        let thing = Thing::at("members", joined.get("members/me").await.text("/id"));
        match state {
            "suspended" => {
                self.ann.patch(&thing.path, json!({"state": "suspended"})).await.expect(200);
            }
            "removed" => {
                self.ann.delete(&thing.path).await.expect(204);
            }
            _ => {}
        }
        thing
    }
}
