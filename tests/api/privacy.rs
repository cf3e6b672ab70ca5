//! What is private: who sees it, and that it counts in nothing that more people see.

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

/// Makes something, and gives its id.
async fn made(caller: &Caller, path: &str, body: Value) -> String {
    let made = caller.post(path, body).await;
    made.expect(201);
    made.text("/id").to_owned()
}

/// Ann owns the workspace; Bob, Cid and Vera are members, Cid in the team Growth.
async fn cast(app: &App) -> (Caller, Caller, Caller, Caller) {
    let ann = app.owner_of("ann", "acme").await;
    let bob = app.joins(&ann, "bob", "member").await;
    let cid = app.joins(&ann, "cid", "member").await;
    let vera = app.joins(&ann, "vera", "viewer").await;
    ann.post("teams", json!({"name": "Growth"})).await.expect(201);
    let id = cid.get("members/me").await.text("/id").to_owned();
    ann.put(&format!("teams/growth/members/{id}"), json!({})).await.expect(201);
    let cycle = json!({"name": "Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"});
    ann.post("cycles", cycle).await.expect(201);
    (ann, bob, cid, vera)
}

fn ids(page: &Answer) -> Vec<String> {
    let items = page.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

async fn me(caller: &Caller) -> String {
    caller.get("members/me").await.text("/id").to_owned()
}

stories! {
    /// The rule is said twice, in the policy and in SQL: what one may open is what one may list.
    async fn the_two_rules_agree(app) {
        let (ann, bob, cid, vera) = cast(&app).await;
        let (a, b, v) = (me(&ann).await, me(&bob).await, me(&vera).await);
        let mut objectives = Vec::new();
        for owner in [&a, &b] {
            for contributors in [vec![], vec![&v], vec![&b, &v]] {
                for team in [Value::Null, json!("growth")] {
                    for teams in [json!([]), json!(["growth"])] {
                        let body = json!({
                            "title": "A secret", "visibility": "private", "owner_id": owner,
                            "contributor_ids": contributors, "team_id": team, "contributing_team_ids": teams,
                        });
                        objectives.push(made(&ann, "objectives", body).await);
                    }
                }
            }
        }
        let mut kpis = Vec::new();
        for (index, owner) in [json!(a), json!(b), Value::Null].into_iter().enumerate() {
            for team in [Value::Null, json!("growth")] {
                if owner.is_null() && team.is_null() { continue }
                let body = json!({"name": format!("Secret {index} {team}"), "visibility": "private", "owner_id": owner, "team_id": team});
                kpis.push(made(&ann, "kpis", body).await);
            }
        }
        let mut seen = Vec::new();
        for caller in [&ann, &bob, &cid, &vera] {
            let mut counts = Vec::new();
            for (list, all) in [("objectives", &objectives), ("kpis", &kpis)] {
                let listed = caller.get(&format!("{list}?limit=200&include=total")).await;
                let mut listed_ids = ids(&listed);
                listed_ids.sort();
                assert_eq!(listed.number("/total"), listed_ids.len() as f64);
                let mut opened = Vec::new();
                for id in all {
                    match caller.get(&format!("{list}/{id}")).await.status {
                        200 => opened.push(id.clone()),
                        status => assert_eq!(status, 404),
                    }
                }
                opened.sort();
                assert_eq!(listed_ids, opened);
                counts.push(opened.len());
            }
            seen.push(counts);
        }
        // Of 24 objectives and 5 KPIs: Ann those that she owns, Bob also those that he contributes to,
        // Cid those of his team, Vera those that she contributes to.
        assert_eq!(seen, [[12, 2], [16, 2], [18, 3], [16, 0]]);
    }

    /// Something that nobody would ever see again cannot be made.
    async fn somebody_sees_what_is_private(app) {
        let (ann, bob, ..) = cast(&app).await;
        let nobodys = json!({"name": "Nobody's", "visibility": "private", "owner_id": null});
        ann.post("kpis", nobodys).await.refused(422, "validation_failed").names("/visibility", "nobody");
        let id = made(&ann, "objectives", json!({"title": "Mine", "visibility": "private"})).await;
        let path = format!("objectives/{id}");
        ann.patch(&path, json!({"owner_id": null})).await.refused(422, "validation_failed").names("/visibility", "nobody");
        ann.patch(&path, json!({"visibility": "secret"})).await.refused(422, "validation_failed");
        bob.get(&path).await.refused(404, "not_found");
        ann.patch(&path, json!({"owner_id": me(&bob).await})).await.expect(200);
        ann.get(&path).await.refused(404, "not_found");
        assert_eq!(bob.get(&path).await.expect(200).text("/visibility"), "private");
    }

    /// What is named in a body or a query has to be seen by the caller.
    async fn hidden_things_cannot_be_named(app) {
        let (ann, bob, ..) = cast(&app).await;
        let objective = made(&ann, "objectives", json!({"title": "Hidden", "visibility": "private"})).await;
        let key_result = made(&ann, &format!("objectives/{objective}/key-results"), json!({"title": "Far", "kind": "milestone"})).await;
        let kpi = made(&ann, "kpis", json!({"name": "Hidden", "visibility": "private", "target": {"max": 1}})).await;
        let own = made(&bob, "objectives", json!({"title": "Seen"})).await;
        let path = format!("objectives/{own}");
        for (body, pointer) in [
            (json!({"parent_id": objective}), "/parent_id"),
            (json!({"supported_ids": [objective]}), "/supported_ids/0"),
        ] {
            bob.patch(&path, body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        let read = json!({"title": "Reads it", "kind": "at_most", "target": 1, "kpi_id": kpi});
        bob.post(&format!("{path}/key-results"), read).await.refused(404, "not_found").names("/kpi_id", "not_found");
        for (field, id) in [("objective_id", &objective), ("key_result_id", &key_result), ("kpi_id", &kpi)] {
            let body = json!({"title": "Work", field: id});
            bob.post("initiatives", body).await.refused(404, "not_found").names(&format!("/{field}"), "not_found");
        }
        let said = json!({"check_ins": [{"key_result_id": key_result, "value": 1, "confidence": "on_track"}]});
        bob.post("check-ins/batch", said).await.refused(404, "not_found").names("/check_ins/0/key_result_id", "not_found");
        bob.post("comments", json!({"subject_id": objective, "text": "Hm"})).await.refused(404, "not_found");
        bob.put("kpis/hidden/points/2026-03-01", json!({"value": 1})).await.refused(404, "not_found");
        let points = bob.post("points", json!([{"kpi": "hidden", "at": "2026-03-01", "value": 1}])).await;
        assert_eq!(points.expect(422).text("/rejected/0/code"), "not_found");
        for query in ["objectives?parent={o}", "key-results?objective={o}", "initiatives?objective={o}", "initiatives?kpi={k}", "remedies?kpi={k}", "points?kpi={k}", "comments?subject={o}"] {
            let query = query.replace("{o}", &objective).replace("{k}", &kpi);
            bob.get(&query).await.refused(404, "not_found");
        }
    }

    /// A private part is linked and does not count where more people see the whole; every number is the
    /// same for everybody, and the links themselves are shown to those who see both ends.
    async fn what_is_private_counts_in_nothing_that_more_people_see(app) {
        let (ann, bob, ..) = cast(&app).await;
        let active = |title: &str, more: Value| {
            let mut body = json!({"title": title, "cycle_id": "q1", "state": "active"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let milestone = json!([{"title": "Done", "kind": "milestone"}]);
        let parent = made(&ann, "objectives", active("Open", json!({"progress_source": "children"}))).await;
        let child = json!({"parent_id": parent, "key_results": milestone});
        made(&ann, "objectives", active("Open child", child.clone())).await;
        let mut hidden = child.clone();
        hidden["visibility"] = json!("private");
        let hidden = made(&ann, "objectives", active("Hidden child", hidden)).await;
        let key_result = ann.get(&format!("objectives/{hidden}")).await.text("/key_results/0/id").to_owned();
        ann.post(&format!("key-results/{key_result}/check-ins"), json!({"value": 1, "confidence": "on_track"})).await.expect(201);
        for caller in [&ann, &bob] {
            let seen = caller.get(&format!("objectives/{parent}")).await;
            assert_eq!(seen.expect(200).number("/progress/value"), 0.0);
            assert_eq!((seen.number("/progress/private_items"), seen.number("/children")), (1.0, 1.0));
            assert_eq!(seen.at("/progress/breakdown").as_array().map(Vec::len), Some(1));
        }
        assert_eq!(ann.get(&format!("objectives/{hidden}")).await.text("/parent/title"), "Open");

        // A private objective treats nothing that everybody sees; once everybody sees it, it does.
        made(&ann, "kpis", json!({"name": "Churn", "target": {"max": 4}})).await;
        ann.put("kpis/churn/points/2026-02-28", json!({"value": 6})).await.expect(201);
        ann.post("kpis/churn/remedies", json!({"objective_id": hidden})).await.expect(201);
        for caller in [&ann, &bob] {
            let triage = caller.get("triage").await;
            assert_eq!(triage.expect(200).text("/untreated/0/key"), "churn");
            assert_eq!(caller.get("kpis/churn").await.number("/remedies/active"), 0.0);
        }
        assert_eq!(ids(&ann.get("kpis/churn/remedies").await).len(), 1);
        assert_eq!(ids(&bob.get("kpis/churn/remedies").await).len(), 0);
        ann.patch(&format!("objectives/{hidden}"), json!({"visibility": "workspace"})).await.expect(200);
        for caller in [&ann, &bob] {
            assert_eq!(caller.get("triage").await.text("/in_treatment/0/key"), "churn");
            assert_eq!(caller.get("kpis/churn").await.number("/remedies/active"), 1.0);
            assert_eq!(caller.get(&format!("objectives/{parent}")).await.number("/progress/value"), 0.5);
            assert_eq!(caller.get(&format!("objectives/{hidden}")).await.number("/remedies"), 1.0);
        }
        // Now the KPI becomes private: the objective is for everybody, and heals nothing that they see.
        ann.patch("kpis/churn", json!({"visibility": "private"})).await.expect(200);
        for caller in [&ann, &bob] {
            assert_eq!(caller.get(&format!("objectives/{hidden}")).await.number("/remedies"), 0.0);
        }
        assert_eq!(ann.get("triage").await.text("/in_treatment/0/key"), "churn");
        assert_eq!(*bob.get("triage").await.at("/in_treatment"), json!([]));

        // A private KPI gives no value to an objective of everybody's.
        let read = json!({"title": "Churn", "kind": "decrease", "start": 6, "target": 4, "kpi_id": "churn"});
        let read = made(&ann, &format!("objectives/{hidden}/key-results"), read).await;
        for (caller, key) in [(&ann, json!("churn")), (&bob, Value::Null)] {
            let seen = caller.get(&format!("key-results/{read}")).await;
            assert_eq!((seen.expect(200).at("/current"), seen.at("/progress/value")), (&Value::Null, &Value::Null));
            assert_eq!(seen.at("/kpi").get("key").cloned().unwrap_or_default(), key);
        }
        // The journal of a batch names what everybody may see, and counts the rest.
        ann.post("kpis", json!({"name": "Sales"})).await.expect(201);
        let points = json!([{"kpi": "churn", "at": "2026-03-01", "value": 5}, {"kpi": "sales", "at": "2026-03-01", "value": 5}]);
        ann.post("points", points).await.expect(200);
        let told = bob.get("events?type=points.recorded").await;
        assert_eq!(*told.at("/items/0/change/kpis"), json!(["sales"]));
        assert_eq!(told.number("/items/0/change/private_kpis"), 1.0);
        assert_eq!(told.at("/items").as_array().map(Vec::len), Some(1));
    }

    /// A guardrail is there for those who see both ends, and counts where all who see the one see the other.
    async fn a_guardrail_counts_where_everybody_sees_its_other_end(app) {
        let (ann, ..) = cast(&app).await;
        let milestone = json!([{"title": "Done", "kind": "milestone"}]);
        let body = json!({"title": "Grow", "cycle_id": "q1", "state": "active", "key_results": milestone});
        let grow = made(&ann, "objectives", body).await;
        made(&ann, "kpis", json!({"name": "Refunds", "target": {"max": 4}})).await;
        let guardrail = made(&ann, &format!("objectives/{grow}/guardrails"), json!({"kpi_id": "refunds"})).await;
        app.it_is("2026-04-05T10:00:00Z");
        let (ann, bob) = (app.signs_in("ann").await.inside("acme"), app.signs_in("bob").await.inside("acme"));
        ann.put("kpis/refunds/points/2026-04-02", json!({"value": 6})).await.expect(201);
        let (guardrail, grow) = (format!("guardrails/{guardrail}"), format!("objectives/{grow}"));
        let length = |answer: &Answer, pointer: &str| answer.expect(200).at(pointer).as_array().map(Vec::len);
        for caller in [&ann, &bob] {
            assert_eq!(*caller.get(&guardrail).await.expect(200).at("/breached"), json!(true));
            assert_eq!(how_many(&caller.get("events?type=guardrail.breached").await), 1);
            assert_eq!(length(&caller.get(&grow).await, "/guardrails"), Some(1));
            assert_eq!(caller.get("triage").await.number("/counts/breached_guardrails"), 1.0);
            let seen = caller.get("overview").await;
            assert_eq!((seen.number("/total/kpis/total"), seen.number("/total/objectives/total")), (1.0, 1.0));
            assert_eq!(seen.number("/total/private_items"), 0.0);
        }

        // A private KPI is harmed by no objective that more people see.
        ann.patch("kpis/refunds", json!({"visibility": "private"})).await.expect(200);
        for caller in [&ann, &bob] {
            assert_eq!(length(&caller.get(&grow).await, "/guardrails"), Some(0));
            let tree = caller.get("tree?cycle=q1").await;
            assert_eq!(length(&tree, "/objectives/0/objective/guardrails"), Some(0));
            let seen = caller.get("overview").await;
            assert_eq!((seen.number("/total/kpis/total"), seen.number("/total/objectives/total")), (0.0, 1.0));
            assert_eq!(seen.number("/total/private_items"), 1.0);
        }
        ann.get(&guardrail).await.expect(200);
        bob.get(&guardrail).await.refused(404, "not_found");
        for (caller, seen) in [(&ann, 1), (&bob, 0)] {
            assert_eq!(ids(&caller.get(&format!("{grow}/guardrails")).await).len(), seen);
            assert_eq!(how_many(&caller.get("events?type=guardrail.created").await), seen);
            assert_eq!(how_many(&caller.get("events?type=guardrail.breached").await), seen);
            assert_eq!(caller.get("triage").await.number("/counts/breached_guardrails"), seen as f64);
        }
        assert_eq!(length(&ann.get("triage").await, "/untreated/0/guardrails"), Some(1));
        let own = made(&bob, "objectives", json!({"title": "His"})).await;
        let named = bob.post(&format!("objectives/{own}/guardrails"), json!({"kpi_id": "refunds"})).await;
        named.refused(404, "not_found").names("/kpi_id", "not_found");

        // A private objective harms nothing that more people see.
        ann.patch("kpis/refunds", json!({"visibility": "workspace"})).await.expect(200);
        ann.patch(&grow, json!({"visibility": "private"})).await.expect(200);
        for (caller, seen) in [(&ann, 1), (&bob, 0)] {
            let triage = caller.get("triage").await;
            assert_eq!(length(&triage, "/untreated/0/guardrails"), Some(0));
            assert_eq!(triage.number("/counts/breached_guardrails"), 0.0);
            assert_eq!(ids(&caller.get("kpis/refunds/guardrails").await).len(), seen);
            assert_eq!(how_many(&caller.get("events?type=guardrail.breached").await), seen);
            let seen = caller.get("overview").await;
            assert_eq!((seen.number("/total/kpis/total"), seen.number("/total/objectives/total")), (1.0, 0.0));
            assert_eq!(seen.number("/total/private_items"), 1.0);
        }
        assert_eq!(length(&ann.get(&grow).await, "/guardrails"), Some(1));
        bob.get(&guardrail).await.refused(404, "not_found");
    }

    /// The tree ends where something private to others begins, and shows no remedy of what they hide.
    async fn a_tree_leaves_out_what_is_private_to_others(app) {
        let (ann, bob, ..) = cast(&app).await;
        let top = made(&ann, "objectives", json!({"title": "Top", "cycle_id": "q1"})).await;
        let body = json!({"title": "Hidden", "cycle_id": "q1", "parent_id": top, "visibility": "private"});
        let hidden = made(&ann, "objectives", body).await;
        let body = json!({"title": "Leaf", "cycle_id": "q1", "parent_id": hidden});
        made(&ann, "objectives", body).await;
        made(&ann, "kpis", json!({"name": "Churn", "visibility": "private", "target": {"max": 4}})).await;
        ann.put("kpis/churn/points/2026-02-28", json!({"value": 6})).await.expect(201);
        ann.post("kpis/churn/remedies", json!({"objective_id": top})).await.expect(201);
        let seen = async |caller: &Caller, query: &str| {
            let tree = caller.get(&format!("tree?{query}")).await;
            let objectives = tree.expect(200).at("/objectives").as_array().expect("objectives").clone();
            let told = |one: &Value| json!([one["level"], one["objective"]["title"], one["remedies"].as_array().map(Vec::len)]);
            Value::Array(objectives.iter().map(told).collect())
        };
        let under = format!("objective={top}");
        for view in ["", "&as_of=2026-03-31"] {
            let whole = json!([[1, "Top", 1], [2, "Hidden", 0], [3, "Leaf", 0]]);
            assert_eq!(seen(&ann, &format!("cycle=q1{view}")).await, whole);
            assert_eq!(seen(&ann, &format!("{under}{view}")).await, whole);
            assert_eq!(seen(&bob, &format!("cycle=q1{view}")).await, json!([[1, "Leaf", 0], [1, "Top", 0]]));
            assert_eq!(seen(&bob, &format!("{under}{view}")).await, json!([[1, "Top", 0]]));
        }
        bob.get(&format!("tree?objective={hidden}")).await.refused(404, "not_found");
    }

    /// Copies are seen by whom the originals are seen by, and what is private to others is not known to who copies.
    async fn copies_of_private_objectives_stay_private(app) {
        let (ann, bob, ..) = cast(&app).await;
        ann.post("cycles", json!({"name": "Q2", "starts_on": "2026-04-01", "ends_on": "2026-06-30"})).await.expect(201);
        let kpi = made(&ann, "kpis", json!({"name": "Hidden", "visibility": "private"})).await;
        let hidden = made(&ann, "objectives", json!({"title": "Hidden", "visibility": "private", "cycle_id": "q1"})).await;
        let key_results = json!([{"title": "Reads it", "kind": "at_most", "target": 1, "kpi_id": kpi}]);
        let open = json!({
            "title": "Open", "cycle_id": "q1", "parent_id": hidden, "contributor_ids": [me(&bob).await], "key_results": key_results,
        });
        let open = made(&ann, "objectives", open).await;
        for (path, body) in [
            ("cycles/q1/carry-over", json!({"to_cycle_id": "q2", "objective_ids": [open, hidden]})),
            ("objective-copies", json!({"objective_ids": [open, hidden]})),
        ] {
            bob.post(path, body).await.refused(404, "not_found").names("/objective_ids/1", "not_found");
        }
        // All that is open is all that he sees; the copy hangs under nothing and reads nothing that he does not know.
        let carried = bob.post("cycles/q1/carry-over", json!({"to_cycle_id": "q2"})).await;
        assert_eq!(carried.expect(200).at("/copies").as_array().map(Vec::len), Some(1));
        let copy = |field: &str| carried.at(&format!("/copies/0/objective{field}"));
        assert_eq!((copy("/title"), copy("/parent_id"), copy("/visibility")), (&json!("Open"), &Value::Null, &json!("workspace")));
        assert_eq!((copy("/key_results/0/source"), copy("/key_results/0/kpi_id")), (&json!("manual"), &Value::Null));

        // For her the copy of the parent is private too, and what hung under it reads the KPI still.
        let carried = ann.post("cycles/q1/carry-over", json!({"to_cycle_id": "q2"})).await;
        assert_eq!(carried.expect(200).at("/copies").as_array().map(Vec::len), Some(2));
        let copies: Vec<&str> = ["/copies/0/objective/id", "/copies/1/objective/id"].map(|field| carried.text(field)).to_vec();
        assert_eq!((carried.text("/copies/0/objective/visibility"), carried.text("/copies/1/objective/parent_id")), ("private", copies[0]));
        assert_eq!(carried.text("/copies/1/objective/key_results/0/kpi_id"), kpi);
        bob.get(&format!("objectives/{}", copies[0])).await.refused(404, "not_found");
        assert_eq!(*bob.get(&format!("objectives/{}", copies[1])).await.expect(200).at("/parent_id"), Value::Null);
        let template = ann.post("objective-copies", json!({"objective_ids": [hidden], "cycle_id": "q2"})).await;
        assert_eq!(template.expect(200).text("/copies/0/objective/visibility"), "private");
        assert_eq!(ids(&bob.get("objectives?cycle=q2").await).len(), 2);
        assert_eq!(bob.get("tree?cycle=q2").await.at("/objectives").as_array().map(Vec::len), Some(2));

        // Where one end is private, those who do not see it are not told of the other.
        let (original, copy) = (format!("objectives/{hidden}"), format!("objectives/{}", copies[0]));
        ann.patch(&copy, json!({"visibility": "workspace"})).await.expect(200);
        let seen = bob.get(&copy).await;
        assert_eq!((seen.expect(200).at("/carried_from_id"), seen.at("/carried_from")), (&Value::Null, &Value::Null));
        assert_eq!(ann.get(&copy).await.text("/carried_from/title"), "Hidden");
        ann.patch(&original, json!({"visibility": "workspace"})).await.expect(200);
        ann.patch(&copy, json!({"visibility": "private"})).await.expect(200);
        assert_eq!(*bob.get(&original).await.expect(200).at("/carried_to"), json!([]));
        assert_eq!(ann.get(&original).await.text("/carried_to/0/title"), "Hidden");
    }

    /// What a cycle came to is the same for everybody: it counts what everybody sees, and says how much it left out.
    async fn a_summary_counts_what_everybody_sees(app) {
        let (ann, bob, ..) = cast(&app).await;
        let hidden_kpi = made(&ann, "kpis", json!({"name": "Hidden", "visibility": "private", "target": {"max": 4}})).await;
        made(&ann, "kpis", json!({"name": "Churn", "target": {"max": 4}})).await;
        for key in ["hidden", "churn"] {
            ann.put(&format!("kpis/{key}/points/2026-02-28"), json!({"value": 6})).await.expect(201);
        }
        let milestone = json!({"title": "Done", "kind": "milestone"});
        let reads = json!({"title": "Reads it", "kind": "decrease", "start": 8, "target": 4, "kpi_id": hidden_kpi});
        let mut objectives = Vec::new();
        for (visibility, key_results) in [("workspace", json!([milestone, reads])), ("private", json!([milestone]))] {
            let body = json!({"title": visibility, "cycle_id": "q1", "state": "active", "visibility": visibility, "key_results": key_results});
            objectives.push(made(&ann, "objectives", body).await);
        }
        let key_result = ann.get(&format!("objectives/{}", objectives[0])).await.text("/key_results/0/id").to_owned();
        ann.post(&format!("key-results/{key_result}/check-ins"), json!({"value": 1, "confidence": "on_track"})).await.expect(201);
        for (key, objective) in ["hidden", "churn"].into_iter().zip(&objectives) {
            ann.post(&format!("kpis/{key}/remedies"), json!({"objective_id": objective})).await.expect(201);
        }
        let seen = bob.get("cycles/q1/summary").await;
        assert_eq!((seen.expect(200).number("/objectives/total"), seen.number("/private_items")), (1.0, 1.0));
        assert_eq!((seen.number("/key_results/total"), seen.number("/key_results/met"), seen.number("/mean_progress")), (2.0, 1.0, 1.0));
        assert_eq!((seen.number("/remedies/outcomes/in_progress"), seen.number("/remedies/healed")), (0.0, 0.0));
        assert_eq!(seen.at("/never_checked_in").as_array().map(Vec::len), Some(1));
        assert_eq!(ann.get("cycles/q1/summary").await.at(""), seen.at(""));
    }
}

/// How many items a page has.
fn how_many(page: &Answer) -> usize {
    page.expect(200).at("/items").as_array().map_or(0, Vec::len)
}
