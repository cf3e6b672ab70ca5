use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, near, under};
use crate::harness::{Answer, Caller, stories};

/// An active objective of the cycle with one milestone, under a parent.
async fn active(ann: &Caller, title: &str, parent: Option<&Answer>, more: Value) -> Answer {
    let mut body = json!({"title": title, "cycle_id": "q2-2026", "state": "active",
        "parent_id": parent.map(|parent| parent.text("/id")), "key_results": [{"title": "Done", "kind": "milestone"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = ann.post("objectives", body).await;
    made.expect(201);
    made
}

/// An active objective that lives by its children.
async fn by_children(ann: &Caller, title: &str, parent: Option<&Answer>, more: Value) -> Answer {
    let mut source = json!({"progress_source": "children", "key_results": []});
    source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    active(ann, title, parent, source).await
}

/// Says how much of the first key result is done.
async fn done(ann: &Caller, objective: &Answer, share: f64) {
    let path = format!("key-results/{}/check-ins", key_result(objective, 0));
    ann.post(&path, json!({"value": share, "confidence": "on_track"})).await.expect(201);
}

async fn seen(ann: &Caller, objective: &Answer) -> Answer {
    let seen = ann.get(&under("objectives", objective, "")).await;
    seen.expect(200);
    seen
}

/// The item of a breakdown with a title.
#[track_caller]
fn item<'a>(objective: &'a Answer, title: &str) -> &'a Value {
    let items = objective.at("/progress/breakdown").as_array().expect("a breakdown");
    items
        .iter()
        .find(|item| item["title"] == title)
        .unwrap_or_else(|| panic!("{title} is not in {}", objective.raw))
}

stories! {
    /// What is reached below is seen at the top at once, and the sum can be redone at every level.
    async fn a_parent_follows_its_children_to_the_top(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-05-21T10:00:00Z");
        let top = by_children(&ann, "Top", None, json!({})).await;
        assert_eq!((top.at("/progress/value"), top.text("/pace")), (&Value::Null, "none"));
        let middle = active(&ann, "Middle", Some(&top), json!({"progress_source": "both", "weight": 3})).await;
        let by_hand = active(&ann, "By hand", Some(&top), json!({"progress_source": "manual", "manual_progress": {"value": 0.9}})).await;
        let leaf = active(&ann, "Leaf", Some(&middle), json!({})).await;
        let twin = active(&ann, "Twin", Some(&middle), json!({"weight": 2})).await;
        done(&ann, &leaf, 0.5).await;
        done(&ann, &twin, 0.8).await;

        let shown = seen(&ann, &middle).await;
        // Its own milestone at 0, the leaf at 0.5, the twin at 0.8 twice.
        near(shown.number("/progress/value"), (0.5 + 2.0 * 0.8) / 4.0);
        assert_eq!((item(&shown, "Done")["kind"].as_str(), item(&shown, "Leaf")["kind"].as_str()), (Some("key_result"), Some("objective")));
        assert_eq!((&item(&shown, "Leaf")["objective_id"], &item(&shown, "Leaf")["key_result_id"]), (leaf.at("/id"), &Value::Null));
        near(item(&shown, "Twin")["contribution"].as_f64().unwrap(), 0.4);
        let shown = seen(&ann, &top).await;
        near(shown.number("/progress/value"), (3.0 * 0.525 + 0.9) / 4.0);
        assert_eq!((shown.number("/progress/coverage"), shown.text("/progress/source")), (1.0, "children"));
        near(item(&shown, "Middle")["value"].as_f64().unwrap(), 0.525);
        // What is expected is the mean of what is expected of what counts.
        near(shown.number("/progress/expected"), seen(&ann, &leaf).await.number("/progress/expected"));

        done(&ann, &middle, 1.0).await;
        near(seen(&ann, &top).await.number("/progress/value"), (3.0 * 0.775 + 0.9) / 4.0);
        ann.patch(&under("objectives", &by_hand, ""), json!({"weight": 0})).await.expect(200);
        let shown = seen(&ann, &top).await;
        near(shown.number("/progress/value"), 0.775);
        assert_eq!(item(&shown, "By hand")["left_out"], "zero_weight");
        // The list says the same as the objective alone.
        let listed = ann.get("objectives?parent=none").await;
        assert_eq!(*listed.at("/items/0/progress"), *shown.at("/progress"));
    }

    /// Drafts, dropped and archived children are named and do not count; closed ones count frozen.
    async fn what_does_not_count_is_named(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-05-21T10:00:00Z");
        let top = by_children(&ann, "Top", None, json!({})).await;
        let closed = active(&ann, "Closed", Some(&top), json!({})).await;
        done(&ann, &closed, 0.4).await;
        let close = |objective: &Answer| under("objectives", objective, "/close");
        ann.post(&close(&closed), json!({"outcome": "partial", "score": 1.0})).await.expect(200);
        let dropped = active(&ann, "Dropped", Some(&top), json!({})).await;
        ann.post(&close(&dropped), json!({"outcome": "dropped"})).await.expect(200);
        let archived = active(&ann, "Archived", Some(&top), json!({})).await;
        ann.delete(&under("objectives", &archived, "")).await.expect(204);
        let draft = active(&ann, "Draft", Some(&top), json!({"state": "draft"})).await;
        by_children(&ann, "Empty", Some(&top), json!({})).await;

        let shown = seen(&ann, &top).await;
        near(shown.number("/progress/value"), 0.4);
        for (title, why) in [("Dropped", "dropped"), ("Archived", "archived"), ("Draft", "draft"), ("Empty", "no_value")] {
            assert_eq!((&item(&shown, title)["left_out"], &item(&shown, title)["contribution"]), (&json!(why), &Value::Null));
        }
        assert_eq!((shown.number("/progress/coverage"), shown.number("/progress/private_items")), (0.5, 0.0));
        // Half of it is not known: it is not on track, however far the other half has come.
        assert_ne!(shown.text("/pace"), "on_track");
        ann.call(Method::POST, &under("objectives", &draft, "/activate")).send().await.expect(200);
        near(seen(&ann, &top).await.number("/progress/value"), 0.2);
        ann.call(Method::POST, &under("objectives", &archived, "/restore")).send().await.expect(200);
        near(seen(&ann, &top).await.number("/progress/value"), 0.4 / 3.0);

        // Switching the source deletes nothing.
        let by_key_results = ann.patch(&under("objectives", &top, ""), json!({"progress_source": "key_results"})).await;
        assert_eq!((by_key_results.expect(200).at("/progress/value"), by_key_results.number("/children")), (&Value::Null, 5.0));
        ann.patch(&under("objectives", &top, ""), json!({"progress_source": "children"})).await.expect(200);
        near(seen(&ann, &top).await.number("/progress/value"), 0.4 / 3.0);
        // Closing the parent freezes what it was made of.
        ann.post(&close(&top), json!({"outcome": "missed"})).await.expect(200);
        done_stays(&ann, &top, &archived).await;
    }

    /// A direction has no end: others align to it, and it is never late.
    async fn a_direction_has_no_pace(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-06-20T10:00:00Z");
        let pillar = ann.post("objectives", json!({"title": "Be loved", "state": "active", "progress_source": "children"})).await;
        pillar.expect(201);
        active(&ann, "Answer faster", Some(&pillar), json!({})).await;
        let shown = seen(&ann, &pillar).await;
        assert_eq!((shown.text("/pace"), shown.number("/progress/value")), ("none", 0.0));
        // What lives by its own key results needs an end.
        ann.patch(&under("objectives", &pillar, ""), json!({"progress_source": "both"})).await.refused(409, "not_ready").names("/cycle_id", "required");
    }

    /// However many hang under an objective, the database is asked the same number of times.
    async fn many_children_ask_no_more_than_few(app) {
        ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        let family = async |title: &str, children: usize| {
            let parent = by_children(&ann, title, None, json!({})).await;
            for number in 0..children {
                let child = active(&ann, &format!("{title} {number}"), Some(&parent), json!({"progress_source": "both"})).await;
                active(&ann, &format!("{title} {number} below"), Some(&child), json!({})).await;
            }
            parent
        };
        let (small, large) = (family("Small", 2).await, family("Large", 20).await);
        let alone = |objective: &Answer| under("objectives", objective, "");
        let below = |objective: &Answer| format!("objectives?parent={}", objective.text("/id"));
        assert_eq!(app.statements_of(&ann, &alone(&small)).await, app.statements_of(&ann, &alone(&large)).await);
        let of_two = app.statements_of(&ann, &below(&small)).await;
        assert_eq!(of_two, app.statements_of(&ann, &below(&large)).await);
        assert!((5..40).contains(&of_two), "{of_two} statements were counted");
    }
}

/// What a closed objective shows does not follow its children any more.
async fn done_stays(ann: &Caller, closed: &Answer, child: &Answer) {
    let before = seen(ann, closed).await;
    done(ann, child, 1.0).await;
    assert_eq!(*seen(ann, closed).await.at("/progress"), *before.at("/progress"));
}
