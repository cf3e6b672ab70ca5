//! Signing in takes the same work whatever is wrong with it, so that nobody learns by the clock who has an account.

use std::time::{Duration, Instant};

use regimen::access::password::Cost;

use super::{login, suspend};
use crate::harness::{App, EngineUnderTest, PASSWORD, Settings, email, play_with, stories};

/// A wrong password, no account, a suspended one with its right password, and one that has no password.
const STATES: [(&str, &str); 4] =
    [("ann", "wrong bicycles sing here"), ("nobody", PASSWORD), ("bob", PASSWORD), ("eve", PASSWORD)];

async fn people(app: &App) {
    for name in ["ann", "bob", "eve"] {
        app.person(name).await;
    }
    suspend(app, "bob").await;
    edit(app, |tx| {
        use diesel::prelude::*;
        use regimen::store::schema::accounts;
        diesel::update(accounts::table.filter(accounts::email_folded.eq(email("eve"))))
            .set(accounts::password_hash.eq(""))
            .execute(tx.db())?;
        Ok(())
    })
    .await;
}

async fn edit(app: &App, job: fn(&mut regimen::store::Tx) -> Result<(), regimen::store::StoreError>) {
    use regimen::store::{Author, Lane};
    app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written");
}

stories! {
    async fn four_kinds_of_failure_are_the_same_work(app) {
        people(&app).await;
        let mut works = Vec::new();
        for (name, password) in STATES {
            // The first attempt on an address and a later one.
            for _ in 0..2 {
                let before = app.state.hasher.made();
                let (answer, statements) = app.statements_while(login(&app, &email(name), password)).await;
                answer.refused(401, "login_failed");
                works.push((statements, app.state.hasher.made() - before));
            }
        }
        assert!(works.iter().all(|work| *work == works[0] && work.1 == 1), "{works:?}");
    }
}

/// Measures instead of counting: run it alone, on a machine that does nothing else, with
/// `cargo test --release --test api accounts::timing::measured -- --ignored --nocapture`.
#[test]
#[ignore = "it measures time, which a machine that is busy makes worthless"]
fn measured() {
    let settings = Settings { cost: Cost::LIVE, ..Settings::default() };
    play_with(EngineUnderTest::Sqlite, settings, async |app: App| {
        people(&app).await;
        let mut samples: [Vec<Duration>; 4] = Default::default();
        for round in 0..1_020 {
            for ((name, password), taken) in STATES.iter().zip(&mut samples) {
                let begun = Instant::now();
                login(&app, &email(name), password).await.expect(401);
                // The first ones warm up.
                if round >= 20 {
                    taken.push(begun.elapsed());
                }
            }
            // No attempt has to wait.
            edit(&app, |tx| {
                use diesel::prelude::*;
                diesel::delete(regimen::store::schema::sign_in_attempts::table).execute(tx.db())?;
                Ok(())
            })
            .await;
        }
        let medians = samples.map(|mut taken| {
            taken.sort_unstable();
            taken[taken.len() / 2]
        });
        let ratio = |median: &Duration| median.as_secs_f64() / medians[0].as_secs_f64();
        println!("medians: {medians:?}; ratios: {:?}", medians.iter().map(ratio).collect::<Vec<_>>());
        assert!(medians.iter().all(|median| (0.95..1.05).contains(&ratio(median))), "{medians:?}");
    });
}
