//! A daily KPI of years: what is shown follows from its newest days and a checkpoint, and is what all days say.

use std::ops::Range;

use diesel::prelude::*;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use regimen::store::schema::kpi_checkpoints;
use regimen::store::{Author, Moment, StoreError, Tx};
use serde_json::{Value, json};

use super::scratch::held_against_scratch;
use crate::harness::{App, Caller, open_workspace, stories};

const TODAY: Date = date(2026, 3, 31);

fn day(back: i32) -> String {
    TODAY.saturating_sub(back.days()).to_string()
}

/// Days from back to nearer, each with a value that has no pattern.
async fn post_days(caller: &Caller, back: Range<i32>) {
    let value =
        |back: i32| f64::from(u32::try_from(back + 500).expect("a number").wrapping_mul(2_654_435_761) >> 25);
    let points: Vec<Value> =
        back.rev().map(|back| json!({"kpi": "sales", "at": day(back), "value": value(back)})).collect();
    caller.post("points", Value::from(points)).await.expect(200);
}

/// Up to which instant the checkpoint covers, if there is one.
async fn covered(app: &App) -> Option<Moment> {
    let asked = |tx: &mut Tx| -> Result<Option<Moment>, StoreError> {
        let workspace = open_workspace(tx, "acme")?;
        Ok(kpi_checkpoints::table
            .filter(kpi_checkpoints::workspace_id.eq(workspace))
            .select(kpi_checkpoints::covers_until)
            .first(tx.db())
            .optional()?)
    };
    app.state.store.read(Author::system("test"), asked).await.expect("it is read")
}

stories! {
    /// Writes among the newest days leave the checkpoint, writes behind it void it, and what is shown is always right.
    async fn a_long_series_is_read_from_its_newest_days(app) {
        app.clock.set(Moment::from("2026-03-31T09:30:00Z".parse::<Timestamp>().expect("an instant")));
        let ann = app.owner_of("ann", "acme").await;
        // Months pass, which a session does not outlive.
        let scopes = json!(["read", "points:write", "write", "admin"]);
        let token = ann.post("tokens", json!({"name": "writes", "scopes": scopes})).await;
        let ann = app.with_token("ann's token", token.expect(201).text("/token")).inside("acme");
        let body = json!({"name": "Sales", "key": "sales", "cadence": "daily", "aggregation": "last",
            "target": {"min": 30}});
        ann.post("kpis", body).await.expect(201);
        post_days(&ann, 340..400).await;
        assert_eq!(covered(&app).await, None, "sixty days are read as they are");
        post_days(&ann, 1..340).await;
        let first = covered(&app).await.expect("most of four hundred days are covered");
        assert!(first >= Moment::from("2026-02-01T00:00:00Z".parse::<Timestamp>().expect("an instant")));
        held_against_scratch(&app).await;

        // Among the newest days.
        let put = async |back: i32, value: f64| {
            let answer = ann.put(&format!("kpis/sales/points/{}", day(back)), json!({"value": value})).await;
            assert!(answer.status == 200 || answer.status == 201, "{}", answer.raw);
        };
        let before = covered(&app).await;
        put(0, 4.0).await;
        put(2, 2.0).await;
        ann.delete(&format!("kpis/sales/points/{}", day(1))).await.expect(204);
        let target = json!({"effective_from": day(0), "target": {"min": 3}});
        ann.post("kpis/sales/targets", target).await.expect(201);
        assert_eq!(covered(&app).await, before, "what it covers is as it was");
        held_against_scratch(&app).await;

        // Behind the checkpoint.
        put(300, -5.0).await;
        held_against_scratch(&app).await;
        ann.delete(&format!("kpis/sales/points/{}", day(200))).await.expect(204);
        held_against_scratch(&app).await;
        let target = json!({"effective_from": day(100), "target": {"min": 60}});
        ann.post("kpis/sales/targets", target).await.expect(201);
        held_against_scratch(&app).await;
        for settings in [
            json!({"confirm_periods": 2, "recover_periods": 2}),
            json!({"aggregation": "sum"}),
            json!({"aggregation": "max", "confirm_periods": 3, "recover_periods": 1}),
        ] {
            ann.patch("kpis/sales", settings).await.expect(200);
            held_against_scratch(&app).await;
        }

        // As days go by, it follows.
        let before = covered(&app).await.expect("there is one");
        for ahead in 1..=70 {
            app.clock.set(app.clock.now().plus(SignedDuration::from_hours(24)));
            put(-ahead, f64::from(ahead % 9) * 10.0).await;
        }
        assert!(covered(&app).await.expect("there is one") > before.plus(SignedDuration::from_hours(24 * 40)));
        held_against_scratch(&app).await;

        // A few days need none.
        let gone: Vec<Value> =
            (-40..400).map(|back| json!({"kpi": "sales", "at": day(back), "value": null})).collect();
        ann.post("points", Value::from(gone)).await.expect(200);
        assert_eq!(covered(&app).await, None);
        held_against_scratch(&app).await;
    }
}
