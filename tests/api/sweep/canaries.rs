//! Ten workspaces, each with a canary of its own in every text; people and tokens of all of them ask
//! for anything with anybody's ids. Whatever comes back, no foreign canary is in it: not in the body,
//! not in a header, not in a refusal.
//!
//! Every run sends the same; `REGIMEN_SEED` sends others, `REGIMEN_REQUESTS=1000000` sends more.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::random::{Random, seed};
use super::{Operation, World, ids_of, kind_of, operations};
use crate::harness::{Answer, App, Caller, EngineUnderTest, play};

const WORKSPACES: usize = 10;
const REQUESTS_ON_SQLITE: u64 = 100_000;
/// The code above the store is the same, and each write costs more.
const REQUESTS_ON_POSTGRES: u64 = 50_000;
/// How many are sent at once.
const AT_ONCE: u64 = 6;

#[test]
fn no_foreign_canary_sings_on_sqlite() {
    play(EngineUnderTest::Sqlite, |app| listen(app, requests(REQUESTS_ON_SQLITE)));
}

#[test]
fn no_foreign_canary_sings_on_postgres() {
    play(EngineUnderTest::Postgres, |app| listen(app, requests(REQUESTS_ON_POSTGRES)));
}

fn requests(otherwise: u64) -> u64 {
    std::env::var("REGIMEN_REQUESTS")
        .map_or(otherwise, |text| text.parse().expect("REGIMEN_REQUESTS is a number"))
}

/// The beginning of every canary of a workspace.
fn canary(workspace: usize) -> String {
    format!("CANARY{workspace}-")
}

/// Somebody, and the workspace that they are of; nobody is of none.
struct Somebody {
    caller: Caller,
    of: Option<usize>,
}

struct Aviary {
    worlds: Vec<World>,
    people: Vec<Somebody>,
    operations: Vec<Operation>,
}

impl Aviary {
    async fn new(app: &App) -> Self {
        let mut worlds = Vec::new();
        let mut people = vec![Somebody { caller: app.stranger(), of: None }];
        for of in 0..WORKSPACES {
            let mark = format!(" {}{:032x}", canary(of), (of as u128 + 1) * 0x9E37_79B9_7F4A_7C15);
            let ann = app.owner_of(&format!("ann{of}"), &format!("place{of}")).await;
            ann.patch("members/me", json!({"name": format!("Ann{mark}")})).await.expect(200);
            let world = World::filled(app, ann.clone(), &mark).await;
            for role in ["admin", "member", "viewer"] {
                let caller = app.joins(&ann, &format!("{role}{of}"), role).await;
                people.push(Somebody { caller, of: Some(of) });
            }
            let scopes = json!(["read", "points:write", "write", "admin"]);
            let token = ann.post("tokens", json!({"name": "all", "scopes": scopes})).await;
            let caller = app.with_token("a token", token.expect(201).text("/token"));
            people.extend([Somebody { caller, of: Some(of) }, Somebody { caller: ann, of: Some(of) }]);
            worlds.push(world);
        }
        let inside = |operation: &Operation| {
            operation.template.contains("{workspace}") || operation.method == Method::GET
        };
        // What a link shows is for whoever has it.
        let open = |operation: &Operation| operation.template.starts_with("/shared/");
        let operations =
            operations().into_iter().filter(|operation| inside(operation) && !open(operation)).collect();
        Self { worlds, people, operations }
    }

    /// Sends one random request, and says what came and of which workspace its sender is.
    async fn one(&self, number: u64) -> (Answer, Option<usize>, &'static str) {
        let mut random = Random::of(seed(), number);
        let somebody = random.one_of(&self.people);
        let operation = random.one_of(&self.operations);
        let home = somebody.of.unwrap_or_default();
        let anywhere =
            |random: &mut Random, odds| if random.below(odds) == 0 { random.below(WORKSPACES) } else { home };
        // What is one's own is not deleted, so that it is there for the next.
        let keeps = operation.method == Method::DELETE;
        let place = match anywhere(&mut random, if keeps { 1 } else { 3 }) {
            place if keeps && place == home => (home + 1) % WORKSPACES,
            place => place,
        };
        let mut path = operation.path(|name| {
            let of = if name == "workspace" { place } else { anywhere(&mut random, 2) };
            self.worlds[of].thing(name).to_owned()
        });
        if random.below(3) == 0 {
            path.push_str(&self.query(&mut random, operation));
        }
        let mut call = somebody.caller.call(operation.method.clone(), &path);
        if let Some(media) = operation.takes().first() {
            let mut body = self.worlds[anywhere(&mut random, 2)].example(operation);
            for place in ids_of(&body) {
                let kind =
                    kind_of(body.pointer(&place).and_then(Value::as_str).unwrap_or_default()).to_owned();
                let other = self.worlds[anywhere(&mut random, 2)].of_kind(&kind).map(Value::from);
                if let (Some(other), Some(value)) = (other, body.pointer_mut(&place)) {
                    *value = other;
                }
            }
            call = call.raw(media, body.to_string());
        }
        let answer = call.fetch().await;
        self.tidy_up(&answer).await;
        (answer, somebody.of, operation.id())
    }

    /// Takes away what was made, so that the workspaces stay as small as they are.
    async fn tidy_up(&self, answer: &Answer) {
        let made = answer.header("location");
        let owner = self.worlds.iter().position(|world| made.contains(world.thing("workspace")));
        if let (201, Some(of)) = (answer.status, owner) {
            let gone = self.worlds[of].ann.call(Method::DELETE, made).fetch().await;
            self.hears(&gone, Some(of));
        }
    }

    /// Parameters that the operation knows, with anybody's things.
    fn query(&self, random: &mut Random, operation: &Operation) -> String {
        let known: Vec<&str> = operation.said["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        if known.is_empty() {
            return String::new();
        }
        let world = random.below(WORKSPACES);
        let things: Vec<&String> = self.worlds[world].things.values().collect();
        let (name, thing) = (random.one_of(&known), random.one_of(&things));
        match *name {
            "q" => "?q=canary".to_owned(),
            name => format!("?{name}={thing}"),
        }
    }

    /// Fails where an answer holds a canary that is not its reader's.
    fn hears(&self, answer: &Answer, of: Option<usize>) {
        assert!(answer.status < 500, "{} answered {} {}", answer.call, answer.status, answer.raw);
        let headers = format!("{:?}", answer.headers);
        for text in [&answer.raw, &headers] {
            for (place, mark) in text.match_indices("CANARY") {
                // A narrow column may cut the rest of it.
                let number = text[place + mark.len()..].chars().next();
                let own = of.is_some_and(|of| of.to_string().chars().next() == number);
                assert!(own || number == Some('…'), "{} (of {of:?}) heard {text}", answer.call);
            }
        }
    }
}

async fn listen(app: App, count: u64) {
    let aviary = Arc::new(Aviary::new(&app).await);
    println!("REGIMEN_SEED={} repeats these {count} requests", seed());
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|task| {
            let aviary = aviary.clone();
            actix_web::rt::spawn(async move {
                let mut told: BTreeMap<(&'static str, u16), u64> = BTreeMap::new();
                for number in (task..count).step_by(AT_ONCE as usize) {
                    let (answer, of, operation) = aviary.one(number).await;
                    aviary.hears(&answer, of);
                    *told.entry((operation, answer.status)).or_default() += 1;
                }
                told
            })
        })
        .collect();
    let mut told: BTreeMap<(&str, u16), u64> = BTreeMap::new();
    for task in tasks {
        for (what, count) in task.await.expect("no foreign canary was heard") {
            *told.entry(what).or_default() += count;
        }
    }
    // A run in which everything was refused would show nothing.
    let taken: u64 = told.iter().filter(|((_, status), _)| *status < 300).map(|(_, count)| count).sum();
    assert!(taken > count / 8, "only {taken} of {count} were taken: {told:?}");
    // Each owner reads all there is: their own canary, and no other.
    for (of, world) in aviary.worlds.iter().enumerate() {
        let mut heard = 0;
        for operation in aviary.operations.iter().filter(|operation| operation.method == Method::GET) {
            for media in operation.answers() {
                let answer =
                    world.ann.call(Method::GET, &world.path(operation)).header("accept", media).fetch().await;
                aviary.hears(&answer, Some(of));
                heard += usize::from(answer.raw.contains(&canary(of)));
            }
        }
        assert!(heard > 20, "only {heard} answers held the canary of {of}");
    }
}
