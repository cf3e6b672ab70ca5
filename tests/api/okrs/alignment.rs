use std::collections::HashMap;

use serde_json::{Value, json};

use super::{ann_plans, lasting, titles, told, under};
use crate::harness::{Answer, Caller, stories};

/// A draft with a title under a parent, if there is one.
pub async fn hang(caller: &Caller, title: &str, parent: Option<&Answer>) -> Answer {
    let parent = parent.map(|parent| parent.text("/id"));
    let made = caller.post("objectives", json!({"title": title, "parent_id": parent})).await;
    made.expect(201);
    made
}

/// Moves an objective under another.
async fn move_to(caller: &Caller, objective: &Answer, parent: &Answer) -> Answer {
    caller.patch(&under("objectives", objective, ""), json!({"parent_id": parent.text("/id")})).await
}

/// A team with one member.
async fn team(ann: &Caller, name: &str, member: &Caller) {
    ann.post("teams", json!({"name": name})).await.expect(201);
    let id = member.get("members/me").await.text("/id").to_owned();
    ann.put(&format!("teams/{name}/members/{id}"), json!({})).await.expect(201);
}

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("it fits") % end
    }
}

/// Every objective of the workspace with its parent.
async fn parents(ann: &Caller) -> HashMap<String, Option<String>> {
    let (mut all, mut path) = (HashMap::new(), "objectives?limit=200".to_owned());
    loop {
        let page = ann.get(&path).await;
        for item in page.expect(200).at("/items").as_array().expect("items") {
            let id = item["id"].as_str().expect("an id").to_owned();
            all.insert(id, item["parent_id"].as_str().map(str::to_owned));
        }
        match page.at("/next_cursor").as_str() {
            Some(cursor) => path = format!("objectives?limit=200&cursor={cursor}"),
            None => return all,
        }
    }
}

stories! {
    /// One parent, shown on both ends; a move is an edit like any other.
    async fn an_objective_hangs_under_one_parent(app) {
        let ann = ann_plans(&app).await;
        let pillar = hang(&ann, "Be loved", None).await;
        let other = hang(&ann, "Be known", None).await;
        let child = hang(&ann, "Answer faster", Some(&pillar)).await;
        assert_eq!(child.text("/parent_id"), pillar.text("/id"));
        assert_eq!(*child.at("/parent"), json!({"id": pillar.text("/id"), "title": "Be loved", "state": "draft"}));
        assert_eq!((child.number("/children"), child.number("/weight")), (0.0, 1.0));
        assert_eq!(ann.get(&under("objectives", &pillar, "")).await.number("/children"), 1.0);

        let moved = move_to(&ann, &child, &other).await;
        assert_eq!((moved.expect(200).text("/parent/title"), moved.number("/version")), ("Be known", 2.0));
        let events = ann.get("events?type=objective.updated").await;
        assert_eq!(*events.at("/items/0/change"), json!({"parent_id": other.text("/id")}));
        assert_eq!(move_to(&ann, &child, &other).await.expect(200).number("/version"), 2.0);
        let children = |parent: &Answer| format!("objectives?parent={}", parent.text("/id"));
        assert_eq!(titles(&ann.get(&children(&other)).await), ["Answer faster"]);
        assert_eq!(*ann.get(&children(&pillar)).await.at("/items"), json!([]));
        assert_eq!(titles(&ann.get("objectives?parent=none").await), ["Be known", "Be loved"]);
        assert_eq!(titles(&ann.get(&format!("{}&parent=none", children(&other))).await), ["Answer faster", "Be known", "Be loved"]);
        ann.get("objectives?parent=nowhere").await.refused(400, "invalid_query");
        ann.get("objectives?parent=obj_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found").names("parent", "not_found");

        // An archived child is still there, and does not count as one.
        ann.delete(&under("objectives", &child, "")).await.expect(204);
        assert_eq!(ann.get(&under("objectives", &other, "")).await.number("/children"), 0.0);
        ann.patch(&under("objectives", &child, ""), json!({"parent_id": null})).await.refused(409, "objective_closed");
    }

    /// Loops, a tenth level, parents that are not there or take no changes.
    async fn what_cannot_hang_is_refused(app) {
        let ann = ann_plans(&app).await;
        let mut line = vec![hang(&ann, "Level 1", None).await];
        for level in 2..=9 {
            let next = hang(&ann, &format!("Level {level}"), line.last()).await;
            line.push(next);
        }
        let loops = move_to(&ann, &line[0], &line[2]).await;
        loops.refused(409, "alignment_loop").names("/parent_id", "alignment_loop");
        assert!(loops.text("/detail").ends_with("\"Level 1\" under \"Level 3\" under \"Level 2\" under \"Level 1\""), "{}", loops.raw);
        let itself = move_to(&ann, &line[4], &line[4]).await;
        assert!(itself.refused(409, "alignment_loop").text("/detail").ends_with("\"Level 5\" under \"Level 5\""), "{}", itself.raw);
        let tenth = json!({"title": "Level 10", "parent_id": line[8].text("/id")});
        ann.post("objectives", tenth).await.refused(409, "too_deep").names("/parent_id", "too_deep");
        // What moves brings along what hangs under it, archived or not.
        let root = hang(&ann, "Root", None).await;
        let leaf = hang(&ann, "Leaf", Some(&root)).await;
        ann.delete(&under("objectives", &leaf, "")).await.expect(204);
        move_to(&ann, &root, &line[7]).await.refused(409, "too_deep");
        move_to(&ann, &root, &line[6]).await.expect(200);
        move_to(&ann, &line[0], &leaf).await.refused(409, "alignment_loop");

        // A parent of another workspace does not exist; nor does one of another kind.
        let eve = app.owner_of("eve", "evil").await;
        let foreign = hang(&eve, "Rule the world", None).await;
        move_to(&ann, &root, &foreign).await.refused(404, "not_found").names("/parent_id", "not_found");
        let body = json!({"title": "x", "parent_id": foreign.text("/id")});
        ann.post("objectives", body).await.refused(404, "not_found").names("/parent_id", "not_found");
        let wrong = ann.post("objectives", json!({"title": "x", "parent_id": "kpi_01h455vb4pex5vsknk084sn02q"})).await;
        wrong.refused(422, "validation_failed").names("/parent_id", "malformed");

        // Nor does anything hang under what is over.
        let free = hang(&ann, "Free", None).await;
        let gone = hang(&ann, "Gone", None).await;
        ann.delete(&under("objectives", &gone, "")).await.expect(204);
        move_to(&ann, &free, &gone).await.refused(409, "objective_closed").names("/parent_id", "closed");
        ann.post("cycles", json!({"name": "Old", "starts_on": "2026-01-01", "ends_on": "2026-03-30"})).await.expect(201);
        let old = ann.post("objectives", json!({"title": "Old", "cycle_id": "old"})).await;
        let stays = ann.post("objectives", json!({"title": "Stays", "cycle_id": "old"})).await;
        ann.patch("cycles/old", json!({"state": "closed"})).await.expect(200);
        move_to(&ann, &free, &old).await.refused(409, "cycle_closed");
        move_to(&ann, &stays, &free).await.refused(409, "cycle_closed");

        for weight in ["-1", "-0.001", "1e16"] {
            let body = format!("{{\"title\": \"x\", \"weight\": {weight}}}");
            let refused = ann.call(reqwest::Method::POST, "objectives").raw("application/json", body).send().await;
            refused.refused(422, "validation_failed").names("/weight", "out_of_bounds");
        }
        let body = "{\"title\": \"x\", \"weight\": 1e400}";
        ann.call(reqwest::Method::POST, "objectives").raw("application/json", body).send().await.refused(400, "malformed_body");
        assert_eq!(told(&ann, "objective.created").await, 15);
    }

    /// Who contributes may change it, alone or as a member of a team; others may not.
    async fn contributors_and_contributing_teams_take_part(app) {
        let ann = app.owner_of("ann", "acme").await;
        let (bob, cleo) = (app.joins(&ann, "bob", "member").await, app.joins(&ann, "cleo", "member").await);
        let vic = app.joins(&ann, "vic", "viewer").await;
        team(&ann, "sales", &cleo).await;
        team(&ann, "ops", &vic).await;
        let made = ann.post("objectives", json!({"title": "Together", "ends_on": "2026-12-31", "state": "active",
            "key_results": [{"title": "Done", "kind": "milestone"}]})).await;
        made.expect(201);
        assert_eq!((made.at("/contributor_ids"), made.at("/contributing_teams")), (&json!([]), &json!([])));
        let at = under("objectives", &made, "");
        let check_in = format!("key-results/{}/check-ins", made.text("/key_results/0/id"));
        let said = json!({"value": 0.5, "confidence": "on_track"});
        for person in [&bob, &cleo] {
            person.patch(&at, json!({"why": "mine"})).await.refused(403, "forbidden");
            person.post(&check_in, said.clone()).await.refused(403, "forbidden");
        }
        let bobs = bob.get("members/me").await.text("/id").to_owned();
        let shared = ann.patch(&at, json!({"contributor_ids": [bobs], "contributing_team_ids": ["sales", "ops"]})).await;
        shared.expect(200);
        assert_eq!(*shared.at("/contributors"), json!([{"id": bobs, "name": "bob"}]));
        let names: Vec<&Value> = shared.at("/contributing_teams").as_array().unwrap().iter().map(|team| &team["slug"]).collect();
        assert_eq!(names, ["sales", "ops"]);
        for person in [&bob, &cleo] {
            person.patch(&at, json!({"why": format!("{}", person.get("members/me").await.text("/name"))})).await.expect(200);
            person.post(&check_in, said.clone()).await.expect(201);
            assert_eq!(*person.get(&at).await.at("/can"), json!({"edit": true, "close": true, "reopen": false, "archive": true, "check_in": true}));
            assert_eq!(*person.get(&format!("key-results/{}", made.text("/key_results/0/id"))).await.at("/can/edit"), true);
        }
        vic.patch(&at, json!({"why": "viewers read"})).await.refused(403, "forbidden");
        assert_eq!(titles(&ann.get("objectives?team=sales").await), ["Together"]);
        assert_eq!(titles(&ann.get("objectives?team=ops&include=total").await), ["Together"]);

        // The same again changes nothing, in whatever order; a name stands once.
        let version = ann.get(&at).await.number("/version");
        let again = ann.patch(&at, json!({"contributor_ids": [bobs], "contributing_team_ids": ["ops", "sales"]})).await;
        assert_eq!(again.expect(200).number("/version"), version);
        ann.patch(&at, json!({"contributor_ids": ["me", "me"]})).await.refused(422, "validation_failed").names("/contributor_ids/1", "duplicate");
        ann.patch(&at, json!({"contributor_ids": ["mem_01h455vb4pex5vsknk084sn02q"]})).await.refused(404, "not_found").names("/contributor_ids/0", "not_found");
        ann.patch(&at, json!({"contributing_team_ids": ["sales", "nowhere"]})).await.refused(404, "not_found").names("/contributing_team_ids/1", "not_found");
        let crowd: Vec<String> = (0..51).map(|_| bobs.clone()).collect();
        ann.patch(&at, json!({"contributor_ids": crowd})).await.refused(422, "validation_failed").names("/contributor_ids", "too_many");
        // Who has left stays until somebody changes it, and does not stand in the way.
        ann.delete(&format!("members/{bobs}")).await.expect(204);
        ann.patch(&at, json!({"why": "without him"})).await.expect(200);
        let alone = ann.patch(&at, json!({"contributor_ids": [], "contributing_team_ids": []})).await;
        assert_eq!((alone.expect(200).at("/contributors"), alone.at("/contributing_team_ids")), (&json!([]), &json!([])));
        cleo.patch(&at, json!({"why": "mine"})).await.refused(403, "forbidden");
        assert_eq!(*ann.get("objectives?team=sales").await.at("/items"), json!([]));
    }

    /// A link beside the tree is seen on both ends, and keeps an objective from being an orphan.
    async fn what_supports_another_is_no_orphan(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let launched = |title: &str| json!({"title": title, "cycle_id": "q2-2026", "state": "active",
            "key_results": [{"title": "Done", "kind": "milestone"}]});
        let (helper, helped) = (ann.post("objectives", launched("Helper")).await, ann.post("objectives", launched("Helped")).await);
        let orphans = async |query: &str| {
            let triage = ann.get(&format!("triage{query}")).await;
            let names = triage.at("/orphans").as_array().expect("orphans").iter();
            let mut names: Vec<String> = names.map(|one| one["title"].as_str().expect("a title").to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(orphans("").await, ["Helped", "Helper"]);
        app.it_is("2026-04-10T10:00:00Z");
        let at = under("objectives", &helper, "");
        let linked = ann.patch(&at, json!({"supported_ids": [helped.text("/id")]})).await;
        assert_eq!((linked.expect(200).text("/supported/0/title"), linked.number("/version")), ("Helped", 2.0));
        assert_eq!(ann.get(&under("objectives", &helped, "")).await.text("/supporters/0/title"), "Helper");
        assert_eq!(orphans("").await, ["Helped"]);
        app.it_is("2026-04-20T10:00:00Z");
        move_to(&ann, &helped, &helper).await.expect(200);
        assert_eq!(orphans("").await, [""; 0]);
        app.it_is("2026-04-30T10:00:00Z");
        ann.patch(&at, json!({"supported_ids": []})).await.expect(200);
        assert_eq!(*ann.get(&under("objectives", &helped, "")).await.at("/supporters"), json!([]));
        // Any day is answered as it stood then.
        for (day, names) in [("04-09", vec!["Helped", "Helper"]), ("04-10", vec!["Helped"]), ("04-20", vec![]), ("04-30", vec!["Helper"])] {
            assert_eq!(orphans(&format!("?as_of=2026-{day}")).await, names, "on {day}");
        }
        ann.patch(&at, json!({"supported_ids": [helper.text("/id")]})).await.refused(422, "validation_failed").names("/supported_ids/0", "itself");
        ann.patch(&at, json!({"supported_ids": [helped.text("/id"), helped.text("/id")]})).await.refused(422, "validation_failed").names("/supported_ids/1", "duplicate");
        let eve = app.owner_of("eve", "evil").await;
        let foreign = hang(&eve, "Rule the world", None).await;
        ann.patch(&at, json!({"supported_ids": [foreign.text("/id")]})).await.refused(404, "not_found").names("/supported_ids/0", "not_found");
    }

    /// Eight writers move at random; the tree stays a tree, within its depth and its workspace.
    async fn a_thousand_random_moves_keep_the_tree_a_tree(app) {
        let ann = ann_plans(&app).await;
        let writer = lasting(&app, &app.signs_in("ann").await.inside("acme"), "a writer", &["read", "write"]).await;
        let made = futures_util::future::join_all((0..8).map(|lane| {
            let writer = &writer;
            async move {
                let mut ids = Vec::new();
                for number in (lane..500).step_by(8) {
                    let made = writer.post("objectives", json!({"title": format!("Objective {number}")})).await;
                    ids.push(made.expect(201).text("/id").to_owned());
                }
                ids
            }
        }))
        .await;
        let ids: Vec<String> = made.into_iter().flatten().collect();
        let ends = futures_util::future::join_all((0..8_u64).map(|lane| {
            let (writer, ids) = (&writer, &ids);
            async move {
                let (mut dice, mut ends) = (Dice(lane), Vec::new());
                for _ in 0..125 {
                    // Some meet often, so that they race for the same places.
                    let end = if dice.below(2) == 0 { ids.len() } else { 12 };
                    let (child, parent) = (&ids[dice.below(end)], &ids[dice.below(end)]);
                    let moved = writer.patch(&format!("objectives/{child}"), json!({"parent_id": parent})).await;
                    ends.push(moved.body["code"].as_str().unwrap_or("moved").to_owned());
                    assert!(matches!(moved.status, 200 | 409), "{}", moved.raw);
                }
                ends
            }
        }))
        .await;
        let mut counts: HashMap<String, usize> = HashMap::new();
        for end in ends.into_iter().flatten() {
            *counts.entry(end).or_default() += 1;
        }
        assert_eq!(counts.values().sum::<usize>(), 1000);
        assert!(counts["moved"] > 300 && counts["alignment_loop"] > 50, "{counts:?}");

        let parents = parents(&ann).await;
        assert_eq!(parents.len(), 500);
        for start in parents.keys() {
            let (mut level, mut at) = (1, start);
            while let Some(parent) = &parents[at] {
                (level, at) = (level + 1, parent);
                assert!(level <= 9, "{start} hangs too deep, or in a loop");
            }
        }
    }
}
