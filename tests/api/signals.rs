//! Signals and forecasts: what the numbers say of better and worse, without anybody's opinion.

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

/// The same person by a token, which holds on while the clock moves.
async fn lasting(app: &App, person: &Caller) -> Caller {
    let scopes = json!(["read", "write", "points:write", "admin"]);
    let made = person.post("tokens", json!({"name": "lasting", "scopes": scopes})).await;
    app.with_token("a lasting caller", made.expect(201).text("/token")).inside(person.workspace())
}

/// Values of one month after the other, in one call.
async fn monthly(caller: &Caller, kpi: &str, first: (i32, i32), values: &[f64]) {
    let month = |index: i32| (first.0 + (first.1 - 1 + index) / 12, (first.1 - 1 + index) % 12 + 1);
    let points: Vec<Value> = values
        .iter()
        .zip(0..)
        .map(|(value, index)| {
            let (year, month) = month(index);
            json!({"kpi": kpi, "at": format!("{year}-{month:02}-15"), "value": value})
        })
        .collect();
    caller.post("points", json!(points)).await.expect(200);
}

/// Six values around 11, then eight around 20: the process shifts at the seventh.
const STEP: [f64; 14] = [10.0, 12.0, 11.0, 13.0, 10.0, 12.0, 20.0, 21.0, 19.0, 20.0, 22.0, 20.0, 21.0, 19.0];

async fn told(caller: &Caller) -> Vec<Value> {
    let list = caller.get("events?type=kpi.signal&after=0").await;
    list.at("/items").as_array().expect("items").iter().map(|item| item["change"].clone()).collect()
}

fn keys(list: &Answer) -> Vec<&str> {
    let items = list.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item["key"].as_str().expect("a key")).collect()
}

fn each(answer: &Answer, list: &str, field: &str) -> Vec<Value> {
    answer.at(list).as_array().expect("a list").iter().map(|item| item[field].clone()).collect()
}

fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}

stories! {
    /// The arithmetic stands beside the same series in the tests of the maths.
    async fn a_shift_is_seen_and_said(app) {
        let ann = app.owner_of("ann", "acme").await;
        let sales = json!({"name": "Sales", "target": {"min": 15}, "display": {"unit": "orders"}});
        ann.post("kpis", sales).await.expect(201);
        monthly(&ann, "sales", (2025, 1), &STEP).await;
        monthly(&ann, "sales", (2026, 3), &[500.0]).await;
        let signals = ann.get("kpis/sales/signals").await;
        signals.expect(200);
        assert_eq!((signals.text("/trend"), signals.text("/because")), ("improving", "recent_shift"));
        assert_eq!(
            signals.text("/reason"),
            "From 2025-07 on the values lie around 20.25 orders instead of 11.3333 orders: that is for the better."
        );
        assert_eq!(signals.at("/periods"), 14, "March runs on and says nothing yet");
        assert_eq!(each(&signals, "/segments", "starts_on"), ["2025-01-01", "2025-07-01"]);
        assert_eq!(each(&signals, "/segments", "ends_on"), ["2025-06-30", "2026-02-28"]);
        assert_eq!(each(&signals, "/segments", "periods"), [6, 8]);
        near(signals.number("/segments/0/centre"), 68.0 / 6.0);
        near(signals.number("/segments/0/lower_limit"), 68.0 / 6.0 - 5.32);
        near(signals.number("/segments/0/upper_limit"), 68.0 / 6.0 + 5.32);
        near(signals.number("/segments/0/upper_range_limit"), 6.534);
        let shift = signals.at("/shifts/0");
        assert_eq!((&shift["period"], &shift["to"], &shift["is_good"]), (&json!("2025-07"), &json!(20.25), &json!(true)));
        assert_eq!(each(&signals, "/points", "moving_range")[..7], [json!(null), json!(2.0), json!(1.0), json!(2.0), json!(3.0), json!(2.0), json!(null)]);
        assert_eq!(signals.at("/points/13"), &json!({
            "period": "2026-02", "starts_on": "2026-02-01", "value": 19.0, "moving_range": 2.0, "rules": [], "is_good": null,
        }));

        // The same on the KPI itself, now and then.
        let trend = async |query: &str| ann.get(&format!("kpis/sales{query}")).await.expect(200).at("/trend").clone();
        assert_eq!(trend("").await, "improving");
        assert_eq!(trend("?as_of=2026-03-31").await, "improving");
        assert_eq!(trend("?as_of=2025-06-30").await, "steady");
        assert_eq!(trend("?as_of=2025-06-29").await, Value::Null, "five complete months are too few");
        assert_eq!(trend("?known_at=2026-03-31T09:29:59Z").await, Value::Null, "nothing was known yet");
        let early = ann.get("kpis/sales/signals?as_of=2025-06-29").await;
        assert_eq!((early.expect(200).text("/because"), early.at("/segments")), ("insufficient_data", &json!([])));
        assert_eq!(early.text("/reason"), "Natural limits need 6 complete periods with a value; there are 5.");
        assert_eq!((each(&early, "/points", "value").len(), early.at("/trend")), (5, &Value::Null));
        assert_eq!(told(&ann).await, [json!({"from": null, "to": "improving", "period": "2026-02", "value": 19.0})]);
    }

    /// The trend follows the target: less can be better, and without a target nothing is.
    async fn the_target_says_what_is_better(app) {
        let ann = app.owner_of("ann", "acme").await;
        for (name, target) in [
            ("Floor", json!({"min": 15})), ("Ceiling", json!({"max": 15})), ("Between", json!({"min": 18, "max": 22})),
            ("Wide", json!({"min": 0, "max": 90})), ("None", Value::Null),
        ] {
            let mut kpi = json!({"name": name});
            if !target.is_null() {
                kpi["target"] = target;
            }
            let key = ann.post("kpis", kpi).await.expect(201).text("/key").to_owned();
            monthly(&ann, &key, (2025, 1), &STEP).await;
        }
        assert_eq!(keys(&ann.get("kpis?trend=improving").await), ["between", "floor"]);
        assert_eq!(keys(&ann.get("kpis?trend=deteriorating&trend=steady").await), ["ceiling", "wide"]);
        assert_eq!(keys(&ann.get("kpis?trend=improving&health=unhealthy").await), Vec::<&str>::new());
        assert_eq!(keys(&ann.get("kpis?trend=steady&as_of=2025-06-30").await), ["between", "ceiling", "floor", "wide"]);
        ann.get("kpis?trend=sideways").await.refused(400, "invalid_query");
        let none = ann.get("kpis/none/signals").await;
        assert_eq!((none.expect(200).at("/trend"), none.text("/because")), (&Value::Null, "no_target"));
        assert_eq!(none.at("/shifts/0/is_good"), &Value::Null);
        assert_eq!(
            none.text("/reason"),
            "2026-02 was 19, within the natural limits of 16.07 to 24.43; without a target that is neither better nor worse."
        );
        assert_eq!(ann.get("triage").await.at("/untreated/0/trend"), "deteriorating");
        // A target that turns round turns the trend with it, and the journal tells.
        ann.post("kpis/floor/targets", json!({"effective_from": "1999-01-01", "target": {"max": 15}})).await.expect(201);
        assert_eq!(ann.get("kpis/floor").await.text("/trend"), "deteriorating");
        let last = told(&ann).await.pop();
        assert_eq!(last, Some(json!({"from": "improving", "to": "deteriorating", "period": "2026-02", "value": 19.0})));
    }

    /// A month that ends by the clock is heard without a write; the journal tells what a write changed.
    async fn a_month_that_ends_is_a_signal(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        ann.post("kpis", json!({"name": "Sales", "target": {"min": 15}})).await.expect(201);
        monthly(&ann, "sales", (2025, 1), &STEP).await;
        monthly(&ann, "sales", (2026, 3), &[5.0]).await;
        assert_eq!(ann.get("kpis/sales").await.text("/trend"), "improving");
        assert_eq!(told(&ann).await.len(), 1);
        app.it_is("2026-03-31T21:59:59Z");
        assert_eq!(keys(&ann.get("kpis?trend=deteriorating").await), Vec::<&str>::new());
        app.it_is("2026-03-31T22:00:00Z");
        assert_eq!(keys(&ann.get("kpis?trend=deteriorating").await), ["sales"], "without any write");
        assert_eq!(ann.get("kpis/sales").await.text("/trend"), "deteriorating");
        let signals = ann.get("kpis/sales/signals").await;
        assert_eq!(signals.text("/because"), "newest_value");
        let newest = signals.at("/points/14");
        assert_eq!((&newest["rules"], &newest["is_good"]), (&json!(["outside_limits"]), &json!(false)));
        assert!(signals.text("/reason").starts_with("2026-03 was 5, below the natural limit of"), "{}", signals.raw);
        assert_eq!(told(&ann).await.len(), 1, "the clock writes nothing");
        assert_eq!(ann.get("kpis/sales?as_of=2026-03-30").await.text("/trend"), "improving");
        // Corrected: the signal is gone, and what was known before stays known.
        app.it_is("2026-04-01T08:00:00Z");
        ann.put("kpis/sales/points/2026-03-15", json!({"value": 20})).await.expect(200);
        assert_eq!(told(&ann).await[1..], [json!({"from": "deteriorating", "to": "improving", "period": "2026-03", "value": 20.0})]);
        assert_eq!(ann.get("kpis/sales/signals?known_at=2026-04-01T07:59:59Z").await.text("/trend"), "deteriorating");
        ann.put("kpis/sales/points/2026-03-15", json!({"value": 21})).await.expect(200);
        assert_eq!(told(&ann).await.len(), 2, "nothing that is shown changed");
    }

    /// Each point of an irregular KPI stands for itself, two on one day too; missing months are skipped.
    async fn points_stand_for_themselves_and_gaps_are_skipped(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Outages", "cadence": "irregular", "target": {"max": 5}})).await.expect(201);
        for (index, value) in [5, 6, 5, 6, 5, 6, 5, 6, 5, 6, 20].into_iter().enumerate() {
            let at = format!("2026-03-{:02}T{:02}:00:00Z", index / 2 + 1, index % 2 * 6);
            ann.put(&format!("kpis/outages/points/{at}"), json!({"value": value})).await.expect(201);
        }
        let signals = ann.get("kpis/outages/signals").await;
        assert_eq!((signals.expect(200).at("/periods"), signals.text("/trend")), (&json!(11), "deteriorating"));
        assert_eq!(each(&signals, "/points", "starts_on")[..3], ["2026-03-01", "2026-03-01", "2026-03-02"]);
        assert_eq!(each(&signals, "/points", "rules")[9..], [json!(["long_run"]), json!(["outside_limits"])]);
        assert_eq!(each(&signals, "/points", "is_good")[..2], [true, true]);
        ann.post("kpis", json!({"name": "Gaps", "target": {"min": 1}})).await.expect(201);
        for (year, value) in (2019..).zip([3.0, 4.0, 3.0, 4.0, 3.0, 4.0]) {
            monthly(&ann, "gaps", (year, 5), &[value]).await;
        }
        let gaps = ann.get("kpis/gaps/signals").await;
        assert_eq!((gaps.at("/periods"), gaps.at("/points/5/moving_range")), (&json!(6), &json!(1.0)));
        assert_eq!(gaps.text("/reason"), "2024-05 was 4, within the natural limits of 0.84 to 6.16: what varies there is noise.");
    }

    /// What an older program stored knows no trend: it is computed afresh until the KPI is written again.
    async fn an_older_programs_rows_are_caught_up(app) {
        use diesel::prelude::*;
        use regimen::store::schema::kpi_states;
        use regimen::store::{Author, Lane, StoreError, Tx};

        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Sales", "target": {"min": 15}})).await.expect(201);
        monthly(&ann, "sales", (2025, 1), &STEP).await;
        let age = |tx: &mut Tx| -> Result<(), StoreError> {
            let nothing = kpi_states::trend.eq(None::<regimen::maths::Trend>);
            let workspace = crate::harness::open_workspace(tx, "acme")?;
            let all = kpi_states::table.filter(kpi_states::workspace_id.eq(workspace));
            diesel::update(all).set((kpi_states::rules.eq(0), nothing)).execute(tx.db())?;
            Ok(())
        };
        app.state.store.write(Lane::Open, Author::system("test"), age).await.expect("it is older now");
        assert_eq!(ann.get("kpis/sales").await.text("/trend"), "improving");
        assert_eq!(keys(&ann.get("kpis?trend=improving").await), ["sales"]);
        ann.put("kpis/sales/points/2026-03-15", json!({"value": 20})).await.expect(201);
        assert_eq!(ann.get("kpis/sales").await.text("/trend"), "improving");
        assert_eq!(told(&ann).await.len(), 1, "what was shown is what is shown");
    }

    /// The trend of many KPIs costs as many statements as that of one: their series are not read.
    async fn a_list_reads_no_series(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mut asked = Vec::new();
        for name in ["One", "Two", "Three"] {
            ann.post("kpis", json!({"name": name, "target": {"min": 15}})).await.expect(201);
            monthly(&ann, &name.to_lowercase(), (2025, 1), &STEP).await;
            asked.push(app.statements_of(&ann, "kpis?trend=improving").await);
        }
        assert_eq!((asked[0], asked[1]), (asked[1], asked[2]));
    }

    async fn nobody_looks_ahead_or_at_what_is_not_theirs(app) {
        let ann = app.owner_of("ann", "acme").await;
        let eve = app.owner_of("eve", "elsewhere").await.inside("acme");
        ann.post("kpis", json!({"name": "Sales"})).await.expect(201);
        for path in ["kpis/sales/signals", "kpis/sales/forecast"] {
            let ahead = ann.get(&format!("{path}?as_of=2026-04-01&known_at=2026-04-01T00:00:00Z")).await;
            ahead.refused(422, "validation_failed").names("as_of", "in_the_future").names("known_at", "in_the_future");
            ann.get(&format!("{path}?as_of=soon")).await.refused(400, "invalid_query");
            ann.get(&format!("{path}?periods=3")).await.refused(400, "invalid_query");
            eve.get(path).await.refused(404, "not_found");
            assert_eq!(ann.get(path).await.expect(200).text(if path.ends_with("forecast") { "/outlook" } else { "/because" }), "insufficient_data");
        }
        ann.get("kpis/nothing/signals").await.refused(404, "not_found");
        ann.get("kpis/nothing/forecast").await.refused(404, "not_found");
    }

    /// 20, 19, 18, 17 by February: one less each month, so 16 in March and 10 in September.
    async fn a_line_says_when_the_target_is_reached(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Wait", "target": {"max": 10}, "display": {"unit": "days"}})).await.expect(201);
        monthly(&ann, "wait", (2025, 11), &[20.0, 19.0, 18.0, 17.0]).await;
        let forecast = ann.get("kpis/wait/forecast").await;
        assert_eq!((forecast.expect(200).text("/outlook"), forecast.number("/slope")), ("reached", -1.0));
        assert_eq!(forecast.at("/first"), &json!({
            "period": "2026-09", "starts_on": "2026-09-01", "ends_on": "2026-09-30",
            "value": 10.0, "low": 10.0, "high": 10.0, "target": {"min": null, "max": 10.0},
        }));
        assert_eq!(
            forecast.text("/reason"),
            "Over the last 4 it changed by -1 days a period; on this trend it reaches its target in 2026-09, with 10 days (10 days to 10 days)."
        );
        assert_eq!(each(&forecast, "/ahead", "period").len(), 24);
        assert_eq!(forecast.at("/ahead/0/period"), "2026-03", "the running month first");

        // A looser target from June on is reached earlier, a floor is left.
        ann.post("kpis/wait/targets", json!({"effective_from": "2026-06-01", "target": {"max": 14}})).await.expect(201);
        assert_eq!(ann.get("kpis/wait/forecast").await.text("/first/period"), "2026-06");
        ann.post("kpis/wait/targets", json!({"effective_from": "2026-06-01", "target": {"max": -90}})).await.expect(201);
        let never = ann.get("kpis/wait/forecast").await;
        assert_eq!((never.text("/outlook"), never.at("/first")), ("not_on_this_trend", &Value::Null));
        assert_eq!(never.text("/reason"), "Over the last 4 it changed by -1 days a period; on this trend ≤ 10 days is not reached within 24 periods.");
        let then = ann.get("kpis/wait/forecast?as_of=2026-01-31").await;
        assert_eq!((then.text("/outlook"), then.at("/based_on")), ("insufficient_data", &json!(3)));
        assert_eq!(then.text("/reason"), "A line needs 4 complete periods with a value; there are 3.");

        ann.post("kpis", json!({"name": "Stock", "target": {"min": 12}})).await.expect(201);
        monthly(&ann, "stock", (2025, 11), &[20.0, 19.0, 18.0, 17.0]).await;
        let stock = ann.get("kpis/stock/forecast").await;
        assert_eq!((stock.text("/outlook"), stock.text("/first/period")), ("left", "2026-08"));
        ann.post("kpis/stock/targets", json!({"target": null})).await.expect(201);
        let ended = ann.get("kpis/stock/forecast").await;
        assert_eq!((ended.text("/outlook"), ended.at("/ahead/0/target")), ("no_target", &Value::Null), "it ends in March");
        ann.delete("kpis/stock/targets/beginning").await.expect(204);
        let none = ann.get("kpis/stock/forecast").await;
        assert_eq!((none.text("/outlook"), none.number("/ahead/0/value")), ("no_target", 16.0));
    }

    /// Ten days apart, one more each time: a tenth a day.
    async fn an_irregular_kpi_is_forecast_by_days(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Cracks", "cadence": "irregular", "target": {"max": 7}})).await.expect(201);
        for (day, value) in [("2026-02-09", 1), ("2026-02-19", 2), ("2026-03-01", 3), ("2026-03-11", 4), ("2026-03-21", 5)] {
            ann.put(&format!("kpis/cracks/points/{day}"), json!({"value": value})).await.expect(201);
        }
        let forecast = ann.get("kpis/cracks/forecast").await;
        near(forecast.expect(200).number("/slope"), 0.1);
        assert_eq!((forecast.text("/outlook"), forecast.text("/first/starts_on")), ("left", "2026-04-20"));
        assert_eq!(forecast.at("/ahead/0/starts_on"), "2026-04-10", "ten days from today");
        ann.post("kpis", json!({"name": "One day", "cadence": "irregular"})).await.expect(201);
        for hour in 0..5 {
            ann.put(&format!("kpis/one-day/points/2026-03-01T0{hour}:00:00Z"), json!({"value": hour})).await.expect(201);
        }
        let flat = ann.get("kpis/one-day/forecast").await;
        assert_eq!((flat.text("/outlook"), flat.at("/ahead")), ("insufficient_data", &json!([])));
        assert_eq!(flat.text("/reason"), "The newest 5 values give no line: they stand on one day, or are too large.");
    }
}
