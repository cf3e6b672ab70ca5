//! One served API for one story: its own database, its own port, a clock that stands still.

use std::future::Future;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::web::Data;
use actix_web::{HttpServer, rt::System};
use regimen::access::keys::KeyRing;
use regimen::access::password::{Cost, Hasher};
use regimen::app::{self, Parts};
use regimen::clock::Clock;
use regimen::config::{Config, CorsOrigins, Registration};
use regimen::http::body::Patience;
use regimen::http::limits::{LimitMode, Quotas};
use regimen::http::peer::Network;
use regimen::mail::Transport;
use regimen::people::sign_on::ProviderSettings;
use regimen::state::State;
use regimen::store::{DatabaseUrl, Gathering, Moment, Options, Store, migrate, roles};
use serde_json::json;

use super::caller::Caller;
use super::provider::Provider;
use super::statements;

#[path = "../../support/postgres.rs"]
mod postgres;

/// The engine that a story is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineUnderTest {
    Sqlite,
    Postgres,
}

/// A served API.
#[derive(Clone)]
pub struct App {
    pub url: String,
    pub clock: Clock,
    pub state: Data<State>,
    /// The database, for whoever owns it.
    pub database: DatabaseUrl,
    pub outbox: PathBuf,
    /// The same as it is served: on PostgreSQL by a role that owns nothing.
    pub served: DatabaseUrl,
    http: reqwest::Client,
}

/// When every story begins: a Tuesday.
pub const BEGINNING: &str = "2026-03-31T09:30:00Z";

/// Serves the API for one story, tells it, and cleans up.
pub fn play<F: Future<Output = ()>>(engine: EngineUnderTest, story: impl FnOnce(App) -> F) {
    play_where(engine, Some(Registration::Open), story);
}

/// The same where another rule says who may make an account.
pub fn play_where<F: Future<Output = ()>>(
    engine: EngineUnderTest,
    registration: Option<Registration>,
    story: impl FnOnce(App) -> F,
) {
    play_with(engine, Settings { registration, ..Settings::default() }, story);
}

/// What a story may set otherwise.
pub struct Settings {
    pub registration: Option<Registration>,
    pub origins: Vec<String>,
    pub patience: Patience,
    pub limits: LimitMode,
    pub quotas: Quotas,
    pub trusted_proxies: Vec<Network>,
    /// How mails leave; by itself to the story's own folder.
    pub mail: Option<Transport>,
    pub cost: Cost,
    pub sign_on: Vec<ProviderSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            registration: Some(Registration::Open),
            origins: vec!["https://app.example.com".into()],
            patience: Patience::default(),
            limits: LimitMode::Off,
            quotas: Quotas::default(),
            trusted_proxies: Vec::new(),
            mail: None,
            cost: Cost { memory: 64, passes: 1, lanes: 1 },
            sign_on: vec![Provider::shared().settings()],
        }
    }
}

/// The same with other settings.
pub fn play_with<F: Future<Output = ()>>(
    engine: EngineUnderTest,
    settings: Settings,
    story: impl FnOnce(App) -> F,
) {
    let scratch = Scratch::new(engine);
    statements::count();
    System::new().block_on(async {
        let clock = Clock::set_to(moment(BEGINNING));
        let url = DatabaseUrl::parse(&scratch.url).expect("a URL");
        let served = DatabaseUrl::parse(&scratch.served).expect("a URL");
        let store = Store::open(Options {
            url: served.clone(),
            connections: 3,
            clock: clock.clone(),
            followers: regimen::FOLLOWERS,
            gathering: Gathering::On,
        })
        .expect("the store opens");
        let keys = KeyRing::load_or_create(&scratch.folder.join("test.keys"), clock.now().timestamp())
            .expect("keys");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let outbox = scratch.folder.join("mails");
        let config = Config {
            registration: settings.registration,
            public_url: address.clone(),
            cors: CorsOrigins::Exactly(settings.origins),
            sign_on: settings.sign_on,
            patience: settings.patience,
            quotas: settings.quotas,
            trusted_proxies: settings.trusted_proxies,
            mail: settings.mail.unwrap_or_else(|| {
                Transport::parse(&format!("file:{}", outbox.display()), None).expect("a folder")
            }),
        };
        let hasher = Hasher::with_cost(2, settings.cost).expect("a hasher");
        let state = app::state(Parts { store, config, keys, hasher, limits: settings.limits })
            .expect("the document compiles");
        let shared = state.clone();
        let server = HttpServer::new(move || regimen::wrapped_app!(shared))
            .workers(2)
            .disable_signals()
            .listen(listener)
            .expect("it listens")
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = reqwest::Client::new();
        let app = App { url: address, clock, state, database: url, served, outbox, http };
        story(app).await;
        handle.stop(false).await;
    });
}

/// A moment, as RFC 3339.
pub fn moment(text: &str) -> Moment {
    Moment::from(text.parse::<jiff::Timestamp>().expect("an instant"))
}

impl App {
    /// Moves the clock.
    pub fn it_is(&self, instant: &str) {
        self.clock.set(moment(instant));
    }

    /// Somebody without a credential.
    pub fn stranger(&self) -> Caller {
        Caller::new("a stranger", self.url.clone(), self.http.clone(), None)
    }

    /// Somebody with a credential of whatever kind.
    pub fn with_token(&self, name: &str, token: &str) -> Caller {
        Caller::new(name, self.url.clone(), self.http.clone(), Some(token.to_owned()))
    }

    /// Somebody who registers now.
    pub async fn person(&self, name: &str) -> Caller {
        let answer = self
            .stranger()
            .post("/v1/auth/register", json!({"email": email(name), "name": name, "password": PASSWORD}))
            .await;
        answer.expect(201);
        self.with_token(name, answer.text("/access_token"))
    }

    /// The fewest statements that the database is asked while a caller gets a path, a second later each time, so that
    /// nothing is answered from memory.
    pub async fn statements_of(&self, caller: &Caller, path: &str) -> usize {
        // A token's first use is noted beside the request, and not counted.
        caller.call(reqwest::Method::GET, path).fetch().await.expect(200);
        let mut fewest = usize::MAX;
        for _ in 0..3 {
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
            self.clock.set(self.clock.now().plus(jiff::SignedDuration::from_secs(1)));
            let before = self.asked();
            caller.call(reqwest::Method::GET, path).fetch().await.expect(200);
            fewest = fewest.min(self.asked() - before);
        }
        fewest
    }

    /// What comes of something, and how many statements the database is asked meanwhile.
    pub async fn statements_while<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let before = self.asked();
        let outcome = work.await;
        (outcome, self.asked() - before)
    }

    /// The same while a minute passes.
    pub async fn statements_of_a_minute(&self) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..3 {
            let before = self.asked();
            self.minute_passes().await;
            fewest = fewest.min(self.asked() - before);
        }
        fewest
    }

    /// How many statements the database was asked so far.
    pub fn asked(&self) -> usize {
        statements::asked(match &self.served {
            DatabaseUrl::Sqlite(path) => path.to_str().expect("UTF-8"),
            DatabaseUrl::Postgres(url) => url,
        })
    }

    /// Somebody who registered before and signs in now.
    pub async fn signs_in(&self, name: &str) -> Caller {
        let answer =
            self.stranger().post("/v1/auth/login", json!({"email": email(name), "password": PASSWORD})).await;
        answer.expect(200);
        self.with_token(name, answer.text("/access_token"))
    }

    /// How many rows the tables about people hold: what a refusal must not change.
    pub async fn people(&self) -> Vec<i64> {
        use diesel::prelude::*;
        use regimen::store::schema::*;
        use regimen::store::{Author, Opening, StoreError, WorkspaceId};
        let count = |tx: &mut regimen::store::Tx| -> Result<Vec<i64>, StoreError> {
            tx.open(Opening::System)?;
            let all: Vec<WorkspaceId> = workspaces::table.select(workspaces::id).load(tx.db())?;
            let mut counted = vec![
                accounts::table.count().get_result(tx.db())?,
                sessions::table.count().get_result(tx.db())?,
                i64::try_from(all.len()).expect("few workspaces"),
            ];
            for workspace in all {
                tx.open(Opening::Workspace(workspace))?;
                counted.extend([
                    members::table
                        .filter(members::workspace_id.eq(workspace))
                        .count()
                        .get_result::<i64>(tx.db())?,
                    invitations::table
                        .filter(invitations::workspace_id.eq(workspace))
                        .count()
                        .get_result(tx.db())?,
                    teams::table.filter(teams::workspace_id.eq(workspace)).count().get_result(tx.db())?,
                    team_members::table
                        .filter(team_members::workspace_id.eq(workspace))
                        .count()
                        .get_result(tx.db())?,
                    tokens::table.filter(tokens::workspace_id.eq(workspace)).count().get_result(tx.db())?,
                    events::table.filter(events::workspace_id.eq(workspace)).count().get_result(tx.db())?,
                ]);
            }
            Ok(counted)
        };
        self.state.store.read(Author::system("test"), count).await.expect("the store reads")
    }

    /// Every row of the database, as text, by table: what a refusal must not change.
    pub async fn rows(&self) -> std::collections::BTreeMap<String, String> {
        super::rows::rows(&self.database)
    }

    /// The names of all columns of the database.
    pub fn columns(&self) -> std::collections::BTreeSet<String> {
        super::rows::columns(&self.database)
    }

    /// Tells what the clock alone has changed, as the server does every minute.
    pub async fn minute_passes(&self) {
        regimen::care::announcements::pass(&self.state.store).await.expect("the workspaces are told");
    }

    /// The types of the workspace's events so far, oldest first.
    pub async fn told(&self, slug: &str) -> Vec<String> {
        use diesel::prelude::*;
        use regimen::store::journal::EventType;
        use regimen::store::schema::events;
        use regimen::store::{Author, StoreError};
        let slug = slug.to_owned();
        let read = move |tx: &mut regimen::store::Tx| -> Result<Vec<EventType>, StoreError> {
            let workspace = open_workspace(tx, &slug)?;
            Ok(events::table
                .filter(events::workspace_id.eq(workspace))
                .order(events::sequence)
                .select(events::kind)
                .load(tx.db())?)
        };
        let told = self.state.store.read(Author::system("test"), read).await.expect("the store reads");
        told.into_iter().map(|kind| kind.as_str().to_owned()).collect()
    }

    /// Somebody who registers and makes a workspace with this slug.
    pub async fn owner_of(&self, name: &str, slug: &str) -> Caller {
        let owner = self.person(name).await;
        owner
            .post("/v1/workspaces", json!({"name": slug, "slug": slug, "time_zone": "Europe/Berlin"}))
            .await
            .expect(201);
        owner.inside(slug)
    }

    /// Somebody who registers and joins by invitation of `inviter`.
    pub async fn joins(&self, inviter: &Caller, name: &str, role: &str) -> Caller {
        let invited = inviter.post("invitations", json!({"email": email(name), "role": role})).await;
        invited.expect(201);
        let person = self.person(name).await;
        person.post("/v1/invitations/accept", json!({"token": invited.text("/token")})).await.expect(200);
        person.inside(inviter.workspace())
    }
}

/// Opens a workspace for what a test reads or changes in the store itself.
pub fn open_workspace(
    tx: &mut regimen::store::Tx,
    slug: &str,
) -> Result<regimen::store::WorkspaceId, regimen::store::StoreError> {
    use diesel::prelude::*;
    use regimen::store::schema::workspaces;
    tx.open_slug(slug)?;
    let id = workspaces::table.filter(workspaces::slug.eq(slug)).select(workspaces::id).first(tx.db())?;
    tx.open(regimen::store::Opening::Workspace(id))?;
    Ok(id)
}

/// The password of everybody.
pub const PASSWORD: &str = "seven purple bicycles sing";

/// The address of somebody.
pub fn email(name: &str) -> String {
    format!("{name}@example.com")
}

/// A database and a folder that go away with the story.
struct Scratch {
    url: String,
    served: String,
    folder: PathBuf,
    database: Option<String>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    fn new(engine: EngineUnderTest) -> Self {
        let name = format!("regimen_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).expect("a folder");
        match engine {
            EngineUnderTest::Sqlite => {
                let path = folder.join("test.db");
                std::fs::copy(sqlite_template(), &path).expect("a copy of the template");
                let url = format!("sqlite:{}", path.display());
                Self { served: url.clone(), url, folder, database: None }
            }
            EngineUnderTest::Postgres => {
                let template = postgres_template();
                postgres::copy_database(&name, template);
                let url = postgres::database_url(&name);
                Self { served: postgres::as_serving_role(&url), url, folder, database: Some(name) }
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(name) = &self.database {
            postgres::drop_database(name);
        }
    }
}

/// A migrated file that stories copy.
fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("regimen_template_{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        migrate::migrate(&DatabaseUrl::parse(&format!("sqlite:{}", path.display())).expect("a URL"))
            .expect("it migrates");
        path
    })
}

/// A migrated database that stories copy.
fn postgres_template() -> &'static String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("regimen_template_{}", std::process::id());
        postgres::drop_database(&name);
        postgres::create_database(&name);
        let url = DatabaseUrl::parse(&postgres::database_url(&name)).expect("a URL");
        migrate::migrate(&url).expect("it migrates");
        postgres::make_serving_role();
        roles::grant(&url, postgres::SERVING).expect("it is granted");
        name
    })
}
