//! The demo: two workspaces to look at, loaded through the API itself.
//!
//! `harbour-street` is invented and says so: the marketing of a small shop, dated relative to the
//! day of loading. `nhs-england` is real: three years of waiting times in emergency departments.
//! The loader calls the served App in process, with a clock that it sets, so that the demo obeys
//! every rule that callers obey.

mod goals;
mod harbour_street;
mod meetings;
mod nhs_england;
mod script;
pub mod start;
mod tour;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::access::Scope;
use crate::access::password::Password;
use crate::app::{self, Parts};
use crate::clock::Clock;
use crate::http::limits::LimitMode;
use crate::http::{Problem, Result as Judged};
use crate::people::seed;
use crate::store::{Author, Lane, Moment, Store, Tx};

pub use tour::tour;

use script::Script;

/// The address that the demo's user signs in with.
pub const EMAIL: &str = "demo@regimen.example";
const NAME: &str = "Dana Demo";
const TOKEN: &str = "demo";
const SLUGS: [&str; 2] = [nhs_england::SLUG, harbour_street::SLUG];

type Failure = Box<dyn std::error::Error>;

/// Makes what an App needs around a store.
pub type PartsFor<'a> = dyn Fn(Store) -> Result<Parts, Failure> + 'a;

/// What the demo holds before it is loaded.
enum Found {
    Nothing,
    Whole,
    Half,
    SomethingElse,
}

/// What a newcomer needs to look around.
pub struct Access {
    /// The password of the demo's user.
    pub password: String,
    /// A token for `nhs-england`.
    pub token: String,
    /// A token for `harbour-street`.
    pub start_token: String,
}

/// Loads what is missing, and gives the demo's user a fresh password and fresh tokens.
pub async fn load(parts: &PartsFor<'_>, store: &Store, say: &dyn Fn(&str)) -> Result<Access, Failure> {
    match look(store).await? {
        Found::Nothing => fill(parts, store, say).await?,
        Found::Whole => say("the demo is loaded already"),
        Found::Half => {
            return Err("an earlier load of the demo was cut off: remove the database and start again".into());
        }
        Found::SomethingElse => {
            return Err(
                "this database holds something else than the demo: name another one with --database-url"
                    .into(),
            );
        }
    }
    renew(&parts(store.clone())?).await
}

async fn look(store: &Store) -> Judged<Found> {
    store
        .read(Author::system("demo"), |tx| {
            let census = seed::census(tx)?;
            Ok(match (census.emails.as_slice(), census.slugs.as_slice()) {
                ([], []) => Found::Nothing,
                ([email], slugs)
                    if email == EMAIL && slugs.iter().all(|slug| SLUGS.contains(&slug.as_str())) =>
                {
                    // The shop's last objective is made at the very end of loading.
                    if harbour_street::is_told(tx)? { Found::Whole } else { Found::Half }
                }
                _ => Found::SomethingElse,
            })
        })
        .await
}

/// Loads both workspaces, each by its own script.
async fn fill(parts: &PartsFor<'_>, store: &Store, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let now = store.clock().now();
    let clock = Clock::set_to(now);
    let loading = Parts { limits: LimitMode::Off, ..parts(store.with_clock(clock.clone()))? };
    let hash = loading.hasher.hash(&Password::new(fresh_password())).await?;
    write(&loading.store, move |tx| seed::account(tx, EMAIL, NAME, &hash).map(|_| ())).await?;
    let state = app::state(loading)?;

    say("loading nhs-england: A&E waiting times of every hospital in England, April 2016 to March 2019");
    let script = Script::open(&state, clock.clone(), nhs_england::workspace(), now).await?;
    nhs_england::load(&script).await?;
    script.close(&state.store).await?;

    say("loading harbour-street: the invented marketing of a small shop, dated back from today");
    let beginning = harbour_street::beginning(now);
    let script = Script::open(&state, clock, harbour_street::workspace(), beginning).await?;
    harbour_street::load(&script, now).await?;
    script.close(&state.store).await
}

/// A fresh password and fresh tokens; the earlier ones end.
async fn renew(parts: &Parts) -> Result<Access, Failure> {
    let password = fresh_password();
    let hash = parts.hasher.hash(&Password::new(password.clone())).await?;
    write(&parts.store, move |tx| {
        let account = seed::find_account(tx, EMAIL)?.ok_or_else(Problem::not_found)?;
        seed::set_password(tx, account, hash.clone())
    })
    .await?;
    let token = renew_token(&parts.store, nhs_england::SLUG).await?;
    let start_token = renew_token(&parts.store, harbour_street::SLUG).await?;
    Ok(Access { password, token, start_token })
}

async fn renew_token(store: &Store, slug: &'static str) -> Judged<String> {
    write(store, move |tx| {
        let member = seed::enter(tx, slug, EMAIL)?;
        seed::revoke_tokens(tx, TOKEN)?;
        let token = seed::token(tx, member.id, TOKEN, &[Scope::Read, Scope::Write], A_YEAR)?;
        Ok(token.reveal().to_owned())
    })
    .await
}

/// How long the demo's tokens last, and those of its loader.
const A_YEAR: SignedDuration = SignedDuration::from_hours(366 * 24);

async fn write<R: Send + 'static>(
    store: &Store,
    job: impl Fn(&mut Tx) -> Judged<R> + Send + 'static,
) -> Judged<R> {
    store.write(Lane::Open, Author::system("demo"), job).await
}

/// Long, random, and easy to copy.
fn fresh_password() -> String {
    let secret = crate::access::secret::RefreshToken::generate().reveal();
    format!(
        "demo-{}",
        secret.chars().filter(char::is_ascii_alphanumeric).skip(4).take(24).collect::<String>()
    )
}

/// The one line on standard output.
pub fn announcement(url: &str, access: &Access) -> Value {
    json!({
        "url": url,
        "workspace": nhs_england::SLUG,
        "email": EMAIL,
        "password": access.password,
        "token": access.token,
        "start": {"workspace": harbour_street::SLUG, "token": access.start_token},
    })
}

/// The start of the day that lies so many days before a moment, in the shop's zone.
fn days_before(now: Moment, days: i64) -> jiff::civil::Date {
    let today = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    today.saturating_sub(jiff::Span::new().days(days))
}
