//! Formulas: what they say, what is refused, and who may read which.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// A formula is a field as any other: made, shown, put, changed and taken away.
    async fn a_formula_is_said_and_comes_back(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "spend", json!({})).await;
        let customers = kpi(&ann, "new-customers", json!({})).await;
        let made = computed(&ann, "cac", " spend/new-customers ").await;
        assert_eq!(made.at("/formula/text"), "spend / new-customers");
        let keys: Vec<&str> = ["/formula/inputs/0/key", "/formula/inputs/1/key"].map(|at| made.text(at)).to_vec();
        assert_eq!(keys, ["spend", "new-customers"]);
        assert_eq!(made.at("/formula/private_inputs"), 0);
        assert_eq!(made.at("/can/post_points"), false);
        assert_eq!(made.at("/formula/no_value"), &json!({
            "period": "2026-03", "starts_on": "2026-03-01", "reason": "missing_input",
            "inputs": [made.at("/formula/inputs/0"), made.at("/formula/inputs/1")],
            "detail": "spend has no value in 2026-03; new-customers has no value in 2026-03.",
        }));
        assert_eq!(ann.get("kpis/spend").await.at("/formula"), &json!(null));

        // The same by id, and by a key of before, changes nothing.
        let same = format!("spend / {}", customers.text("/id"));
        for text in [same.as_str(), "(spend) / new-customers"] {
            assert_eq!(ann.patch("kpis/cac", json!({"formula": text})).await.expect(200).at("/version"), 1, "{text}");
        }
        ann.patch("kpis/spend", json!({"key": "all-spend"})).await.expect(200);
        assert_eq!(ann.get("kpis/cac").await.at("/formula/text"), "all-spend / new-customers");
        assert_eq!(ann.put("kpis/cac", json!({"name": "cac", "formula": "spend / new-customers"})).await.expect(200).at("/version"), 1);
        assert_eq!(ann.patch("kpis/cac", json!({"definition": "What one costs."})).await.expect(200).at("/formula/text"), "all-spend / new-customers");

        let changed = ann.patch("kpis/cac", json!({"formula": "prev(all-spend) / max(new-customers, 1)"})).await;
        assert_eq!(changed.expect(200).at("/formula/text"), "prev(all-spend) / max(new-customers, 1)");
        let gone = ann.put("kpis/cac", json!({"name": "cac"})).await;
        assert_eq!((gone.expect(200).at("/formula"), gone.at("/can/post_points")), (&json!(null), &json!(true)));
        measured(&ann, "cac", &[("2026-03-01", 3.0)]).await;
        // A rehearsal computes and keeps nothing.
        let tried = ann.post("kpis?dry_run=true", json!({"name": "Tried", "formula": "all-spend * 2"})).await;
        assert_eq!(tried.at("/formula/text"), "all-spend * 2");
        ann.get("kpis/tried").await.refused(404, "not_found");
    }

    /// All that is wrong is said, with its place.
    async fn what_is_no_formula_is_refused(app) {
        let ann = ann_measures(&app).await;
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            kpi(&ann, key, json!({})).await;
        }
        kpi(&ann, "daily", json!({"cadence": "daily"})).await;
        kpi(&ann, "now-and-then", json!({"cadence": "irregular"})).await;
        for (formula, code) in [
            (json!("a +"), "malformed"),
            (json!("a % b"), "malformed"),
            (json!("A"), "malformed"),
            (json!("mean(a, b)"), "unknown_function"),
            (json!("1 + 2"), "no_inputs"),
            (json!("a+b+c+d+e+f+g+h+i"), "too_many_inputs"),
            (json!(format!("{}a{}", "(".repeat(20), ")".repeat(20))), "too_deep"),
            (json!("a".repeat(10_000)), "too_long"),
            (json!(vec!["a"; 40].join("+")), "too_long"),
            (json!("a * 1e16"), "out_of_bounds"),
            (json!("a + daily"), "other_cadence"),
            (json!("a + now-and-then"), "other_cadence"),
            (json!(""), "too_short"),
            (json!("a\u{0}"), "nul"),
            (json!(5), "wrong_type"),
        ] {
            let refused = ann.post("kpis", json!({"name": "Wrong", "formula": formula})).await;
            refused.refused(422, "validation_failed").names("/formula", code);
        }
        let irregular = json!({"name": "Wrong", "formula": "now-and-then", "cadence": "irregular"});
        ann.post("kpis", irregular).await.refused(422, "validation_failed").names("/formula", "not_applicable");
        let unknown = ann.post("kpis", json!({"name": "Wrong", "formula": "a + x-y / team_01h455vb4pex5vsknk084sn02q"})).await;
        unknown.refused(404, "not_found").names("/formula", "not_found");
        assert_eq!(unknown.at("/errors/0/detail"), "`x-y` at character 5 does not exist, or it is not yours to know");
        assert_eq!(unknown.at("/errors/1/detail"), "`team_01h455vb4pex5vsknk084sn02q` at character 11 does not exist, or it is not yours to know");
        let eve = app.owner_of("eve", "evil").await;
        let hers = kpi(&eve, "hers", json!({})).await;
        ann.post("kpis", json!({"name": "Wrong", "formula": hers.text("/id")})).await.refused(404, "not_found");
        ann.get("kpis/wrong").await.refused(404, "not_found");
    }

    /// Nothing is computed from itself, and no tower grows without end.
    async fn formulas_form_no_loops_and_no_towers(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "l0", json!({})).await;
        for level in 1..=5 {
            computed(&ann, &format!("l{level}"), &format!("l{} + 1", level - 1)).await;
        }
        ann.post("kpis", json!({"name": "l6", "formula": "l5 + 1"})).await
            .refused(409, "limit_reached").names("/formula", "too_many_levels");
        let loops = ann.patch("kpis/l2", json!({"formula": "l0 + l4"})).await;
        loops.refused(409, "formula_loop").names("/formula", "formula_loop");
        assert_eq!(loops.text("/detail"), "the formulas would form a loop: l2 reads l4 reads l3 reads l2");
        let itself = ann.patch("kpis/l1", json!({"formula": "prev(l1) + l0"})).await;
        itself.refused(409, "formula_loop");
        assert_eq!(itself.text("/detail"), "the formulas would form a loop: l1 reads l1");
        ann.patch("kpis/l0", json!({"formula": "l1"})).await.refused(409, "formula_loop");
        // What stands above counts, too.
        computed(&ann, "side", "l0 * 2").await;
        ann.patch("kpis/l1", json!({"formula": "side"})).await.refused(409, "limit_reached");

        kpi(&ann, "popular", json!({})).await;
        for reader in 0..50 {
            computed(&ann, &format!("reader-{reader}"), "popular").await;
        }
        ann.post("kpis", json!({"name": "One more", "formula": "popular"})).await
            .refused(409, "limit_reached").names("/formula", "too_many_readers");
        // Those who read it already may go on.
        ann.patch("kpis/reader-7", json!({"formula": "popular * 2"})).await.expect(200);
    }

    /// Points and a formula do not go together, and an input keeps its cadence.
    async fn points_and_cadence_are_guarded(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "spend", json!({})).await;
        computed(&ann, "double", "spend * 2").await;
        let point = json!({"value": 1});
        ann.put("kpis/double/points/2026-03-01", point.clone()).await.refused(409, "kpi_is_computed");
        ann.post("kpis/double/points", json!({"value": 1, "at": "2026-03-01"})).await.refused(409, "kpi_is_computed");
        ann.delete("kpis/double/points/2026-03-01").await.refused(404, "not_found");
        let batch = json!([
            {"kpi": "double", "at": "2026-03-01", "value": 1}, {"kpi": "spend", "at": "2026-03-01", "value": 4},
            {"kpi": "double", "at": "2026-03-01", "value": null},
        ]);
        let taken = ann.post("points", batch).await;
        assert_eq!((taken.expect(207).at("/counts/created"), taken.at("/counts/rejected")), (&json!(1), &json!(2)));
        assert_eq!((taken.at("/rejected/0/code"), taken.at("/rejected/0/pointer")), (&json!("kpi_is_computed"), &json!("/0/kpi")));
        assert_eq!(shows(&ann, "double").await, json!(["2026-03", 8.0, "unknown", "no_target"]));

        ann.patch("kpis/spend", json!({"formula": "double"})).await.refused(409, "formula_loop");
        kpi(&ann, "other", json!({})).await;
        ann.patch("kpis/spend", json!({"formula": "other"})).await
            .refused(409, "kpi_has_points").names("/formula", "kpi_has_points");
        ann.patch("kpis/spend", json!({"cadence": "weekly"})).await
            .refused(409, "kpi_is_an_input").names("/cadence", "kpi_is_an_input");
        ann.patch("kpis/double", json!({"cadence": "weekly"})).await
            .refused(422, "validation_failed").names("/formula", "other_cadence");
        ann.patch("kpis/double", json!({"formula": null, "cadence": "weekly"})).await.expect(200);
        ann.patch("kpis/spend", json!({"cadence": "weekly"})).await.expect(200);
        ann.patch("kpis/double", json!({"formula": "spend + 1"})).await.expect(200);
        assert_eq!(shows(&ann, "double").await, json!(["2026-W09", 5.0, "unknown", "no_target"]));
        // Points that are gone stand in nobody's way.
        ann.delete("kpis/spend/points/2026-03-01").await.expect(204);
        ann.patch("kpis/other", json!({"cadence": "weekly"})).await.expect(200);
        ann.patch("kpis/spend", json!({"formula": "other"})).await.expect(200);
    }

    /// A formula tells nobody of what they may not see, and counts nothing of it.
    async fn private_inputs_stay_linked_and_do_not_count(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        kpi(&ann, "spend", json!({})).await;
        kpi(&ann, "salaries", json!({})).await;
        measured(&ann, "spend", &[("2026-03-01", 10.0)]).await;
        measured(&ann, "salaries", &[("2026-03-01", 5.0)]).await;
        computed(&ann, "costs", "spend + salaries").await;
        computed(&ann, "twice", "costs * 2").await;
        assert_eq!(shows(&bob, "twice").await, json!(["2026-03", 30.0, "unknown", "no_target"]));

        ann.patch("kpis/salaries", json!({"visibility": "private"})).await.expect(200);
        for caller in [&ann, &bob] {
            assert_eq!(shows(caller, "costs").await, json!([null, null, "unknown", "no_target"]));
            assert_eq!(gap(caller, "costs").await, json!(["2026-03", "private_input", []]));
            assert_eq!(shows(caller, "costs?as_of=2026-03-31").await, json!([null, null, "unknown", "no_target"]));
            assert_eq!(gap(caller, "twice").await, json!(["2026-03", "missing_input", ["costs"]]));
        }
        let seen = bob.get("kpis/costs").await;
        assert_eq!((seen.at("/formula/text"), seen.at("/formula/private_inputs")), (&json!("spend + [private]"), &json!(1)));
        assert!(!seen.raw.contains("salaries"));
        assert_eq!(ann.get("kpis/costs").await.at("/formula/text"), "spend + salaries");
        bob.post("kpis", json!({"name": "Peek", "formula": "salaries"})).await.refused(404, "not_found");
        bob.post("kpis", json!({"name": "Peek", "formula": "spend + [private]"})).await
            .refused(422, "validation_failed").names("/formula", "malformed");
        // Whoever does not see an input can change the rest, and the link stays.
        let id = bob.get("members/me").await.text("/id").to_owned();
        ann.patch("kpis/costs", json!({"owner_id": id})).await.expect(200);
        let changed = bob.patch("kpis/costs", json!({"definition": "All of it."})).await;
        assert_eq!(changed.expect(200).at("/formula/text"), "spend + [private]");
        // A result that only its owner sees may count what is the owner's.
        kpi(&ann, "mine", json!({"formula": "spend + salaries", "visibility": "private"})).await;
        assert_eq!(shows(&ann, "mine").await, json!(["2026-03", 15.0, "unknown", "no_target"]));
        ann.patch("kpis/salaries", json!({"visibility": "workspace"})).await.expect(200);
        assert_eq!(shows(&bob, "twice").await, json!(["2026-03", 30.0, "unknown", "no_target"]));
        ann.patch("kpis/salaries", json!({"visibility": "private", "owner_id": id})).await.expect(200);
        assert_eq!(gap(&ann, "mine").await, json!(["2026-03", "private_input", []]));
    }
}
