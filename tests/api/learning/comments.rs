use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

/// Ann, who owns the workspace, Bob, a member, and Vic, a viewer.
async fn three(app: &App) -> (Caller, Caller, Caller) {
    let ann = app.owner_of("ann", "acme").await;
    let bob = app.joins(&ann, "bob", "member").await;
    let vic = app.joins(&ann, "vic", "viewer").await;
    (ann, bob, vic)
}

/// The id of the only member with a role.
async fn id_of(ann: &Caller, role: &str) -> String {
    ann.get(&format!("members?role={role}")).await.text("/items/0/id").to_owned()
}

fn texts(page: &Answer) -> Vec<&str> {
    let items = page.at("/items").as_array().expect("items");
    items.iter().map(|item| item["text"].as_str().unwrap_or("(deleted)")).collect()
}

stories! {
    /// A thread is flat, and what was changed or deleted leaves a mark.
    async fn a_thread_keeps_its_marks(app) {
        let (ann, bob, vic) = three(&app).await;
        let (bobs, vics) = (id_of(&ann, "member").await, id_of(&ann, "viewer").await);
        let objective = ann.post("objectives", json!({"title": "Launch", "key_results": [{"title": "Share", "kind": "milestone"}], "initiatives": [{"title": "Work"}]})).await;
        let work = ann.get("initiatives").await;
        let kpi = ann.post("kpis", json!({"name": "Churn rate"})).await;
        let about = objective.text("/id");
        let first = ann.post("comments", json!({"subject_id": about, "text": "Who **leads**?", "mentions": [bobs, vics, bobs]})).await;
        assert_eq!(*first.expect(201).at("/subject"), json!({"type": "objective", "id": about, "name": "Launch"}));
        let mut both = vec![bobs.clone(), vics.clone()];
        both.sort();
        assert_eq!((first.at("/mentions"), first.text("/author/name")), (&json!(both), "ann"));
        assert_eq!(first.at("/mentioned").as_array().map(Vec::len), Some(2));
        assert_eq!((first.at("/edited_at"), first.at("/can")), (&Value::Null, &json!({"edit": true, "delete": true})));
        app.it_is("2026-03-31T09:35:00Z");
        let second = bob.post("comments", json!({"subject_id": about, "text": "I do", "mentions": ["me"]})).await;
        second.expect(201);
        for id in [objective.text("/key_results/0/id"), work.text("/items/0/id"), kpi.text("/id")] {
            let made = bob.post("comments", json!({"subject_id": id, "text": "Elsewhere"})).await;
            assert_eq!(made.expect(201).text("/subject_id"), id);
        }
        let thread = vic.get(&format!("comments?subject={about}&include=total")).await;
        assert_eq!((texts(&thread), thread.number("/total")), (vec!["Who **leads**?", "I do"], 2.0));
        assert_eq!(*thread.at("/items/0/can"), json!({"edit": false, "delete": false}));
        assert_eq!(texts(&vic.get(&format!("comments?subject={about}&sort=newest")).await), ["I do", "Who **leads**?"]);
        assert_eq!(texts(&ann.get(&format!("comments?mention={vics}")).await), ["Who **leads**?"]);
        assert_eq!(texts(&bob.get("comments?mention=me").await), ["Who **leads**?", "I do"]);
        assert_eq!(texts(&bob.get(&format!("comments?author=me&subject={about}&subject={}", kpi.text("/id"))).await), ["I do", "Elsewhere"]);
        let page = ann.get("comments?limit=2").await;
        let rest = ann.get(&format!("comments?limit=200&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!((texts(&page).len(), texts(&rest).len(), rest.at("/next_cursor")), (2, 3, &Value::Null));

        // Changed by its author alone; deleted by its author, and by admins and owners.
        app.it_is("2026-03-31T11:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        let bob = app.signs_in("bob").await.inside("acme");
        let at = |answer: &Answer| format!("comments/{}", answer.text("/id"));
        let edited = ann.patch(&at(&first), json!({"text": "Who leads it?"})).await;
        assert_eq!((edited.expect(200).text("/text"), edited.text("/edited_at"), edited.at("/mentions")), ("Who leads it?", "2026-03-31T11:00:00.000000Z", &json!(both)));
        assert_eq!(edited.text("/at"), first.text("/at"));
        assert_eq!(ann.patch(&at(&first), json!({"text": "Who leads it?"})).await.expect(200).number("/version"), 2.0);
        let fewer = ann.patch(&at(&first), json!({"mentions": [vics]})).await;
        assert_eq!(*fewer.expect(200).at("/mentions"), json!([vics]));
        ann.patch(&at(&second), json!({"text": "x"})).await.refused(403, "forbidden");
        bob.patch(&at(&first), json!({"text": "x"})).await.refused(403, "forbidden");
        bob.delete(&at(&first)).await.refused(403, "forbidden");
        assert_eq!(*ann.get(&at(&second)).await.at("/can"), json!({"edit": false, "delete": true}));
        ann.delete(&at(&second)).await.expect(204);
        ann.delete(&at(&second)).await.expect(204);
        let gone = bob.get(&at(&second)).await;
        assert_eq!((gone.expect(200).at("/text"), gone.at("/mentions"), gone.text("/author/name")), (&Value::Null, &json!([]), "bob"));
        assert_eq!((gone.text("/deleted_at"), gone.at("/can")), ("2026-03-31T11:00:00.000000Z", &json!({"edit": false, "delete": false})));
        bob.patch(&at(&second), json!({"text": "x"})).await.refused(409, "conflict");
        assert_eq!(texts(&bob.get(&format!("comments?subject={about}")).await), ["Who leads it?", "(deleted)"]);
        bob.delete(&at(&ann.post("comments", json!({"subject_id": about, "text": "Mine"})).await)).await.refused(403, "forbidden");
        bob.delete(&format!("comments/{}", rest.text("/items/0/id"))).await.expect(204);

        // The journal tells that and to whom, never what.
        let told = ann.get("events?type=comment.created&type=comment.updated&type=comment.deleted&limit=200").await;
        assert_eq!(told.at("/items").as_array().map(Vec::len), Some(10));
        assert!(!told.raw.contains("leads"), "{}", told.raw);
        let last = told.at("/items/9");
        assert_eq!((last["type"].as_str(), &last["subject"]["name"], &last["change"]["subject"]["id"]), (Some("comment.created"), &json!("Launch"), &json!(about)));
        assert_eq!(last["change"]["mentions"].as_array().map(Vec::len), Some(2));
    }

    /// Viewers read; who is mentioned is a member; what is over can still be talked about.
    async fn bad_comments_are_refused(app) {
        let (ann, bob, vic) = three(&app).await;
        let eve = app.owner_of("eve", "elsewhere").await;
        let foreign = eve.post("kpis", json!({"name": "Theirs"})).await;
        let eves = eve.get("members").await.text("/items/0/id").to_owned();
        let kpi = ann.post("kpis", json!({"name": "Churn rate"})).await;
        let id = kpi.text("/id");
        let cycle = ann.post("cycles", json!({"name": "Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"})).await;
        for (body, pointer, code) in [
            (json!({"text": "x"}), "/subject_id", "required"),
            (json!({"subject_id": "churn-rate", "text": "x"}), "/subject_id", "malformed"),
            (json!({"subject_id": cycle.text("/id"), "text": "x"}), "/subject_id", "unexpected_kind"),
            (json!({"subject_id": id, "text": " \n"}), "/text", "blank"),
            (json!({"subject_id": id, "text": "x".repeat(10_001)}), "/text", "too_long"),
            (json!({"subject_id": id, "text": "a\u{0}b"}), "/text", "nul"),
            (json!({"subject_id": id, "text": "x", "mentions": vec!["me"; 21]}), "/mentions", "too_many"),
            (json!({"subject_id": id, "text": "x", "author_id": "me"}), "/author_id", "unknown_field"),
        ] {
            ann.post("comments", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        for (body, pointer) in [
            (json!({"subject_id": foreign.text("/id"), "text": "x"}), "/subject_id"),
            (json!({"subject_id": "kpi_01h455vb4pex5vsknk084sn02q", "text": "x"}), "/subject_id"),
            (json!({"subject_id": id, "text": "x", "mentions": ["me", eves]}), "/mentions/1"),
        ] {
            ann.post("comments", body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        vic.post("comments", json!({"subject_id": id, "text": "x"})).await.refused(403, "forbidden");
        let made = bob.post("comments", json!({"subject_id": id, "text": "x"})).await;
        made.expect(201);
        let path = format!("comments/{}", made.text("/id"));
        bob.patch(&path, json!({"text": ""})).await.refused(422, "validation_failed").names("/text", "blank");
        bob.patch(&path, json!({"subject_id": id})).await.refused(422, "validation_failed").names("/subject_id", "unknown_field");
        bob.patch(&path, json!({"text": "y", "version": 7})).await.refused(409, "version_conflict");
        eve.get(&path).await.refused(404, "not_found");
        ann.get("comments/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("comments?subject=kpi_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.get(&format!("comments?subject={}", cycle.text("/id"))).await.refused(400, "invalid_query");
        ann.delete("kpis/churn-rate").await.expect(204);
        bob.post("comments", json!({"subject_id": id, "text": "Why was it given up?"})).await.expect(201);
        // Who was mentioned and left stays mentioned; nobody who left is mentioned anew.
        let bobs = id_of(&ann, "member").await;
        let asked = ann.post("comments", json!({"subject_id": id, "text": "Bob?", "mentions": [bobs]})).await;
        ann.delete(&format!("members/{bobs}")).await.expect(204);
        let edited = ann.patch(&format!("comments/{}", asked.text("/id")), json!({"text": "Bob or Vic?"})).await;
        assert_eq!(*edited.expect(200).at("/mentions"), json!([bobs]));
        ann.post("comments", json!({"subject_id": id, "text": "Bob?", "mentions": [bobs]})).await.refused(404, "not_found").names("/mentions/0", "not_found");
    }
}
