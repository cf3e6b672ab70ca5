//! The command line: serve, migrate, openapi, token, reset, keys, demo.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::todo, clippy::dbg_macro, clippy::panic)
)]
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use actix_web::HttpServer;
use actix_web::web::ServiceConfig;
use clap::{Parser, Subcommand, ValueEnum};
use regimen::access::Scope;
use regimen::access::keys::{Duty, KeyRing};
use regimen::access::password::Hasher;
use regimen::app::{self, Parts};
use regimen::care::announcements;
use regimen::clock::Clock;
use regimen::config::{Config, CorsOrigins, Database, Serving};
use regimen::demo;
use regimen::http::Result as Judged;
use regimen::http::document::Document;
use regimen::http::limits::LimitMode;
use regimen::mail;
use regimen::people::seed;
use regimen::store::migrate::{self, FileLock};
use regimen::store::roles;
use regimen::store::{Author, DatabaseUrl, Gathering, Lane, Options, Store, StoreError};

/// KPIs diagnose, OKRs prescribe: a JSON API for health KPIs and the objectives that heal them.
///
/// Settings can be given as flags or in the environment; `regimen COMMAND --help` names both.
/// REGIMEN_LOG sets what is logged, as in `warn,regimen=info`.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API; migrates a SQLite file first
    Serve {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        serving: Serving,
    },
    /// Bring the database to this program's schema, as the role that owns it
    Migrate {
        #[command(flatten)]
        database: Database,
        /// On PostgreSQL: grant this role what serving needs, and no more
        #[arg(long)]
        grant_to: Option<String>,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Make an API token for a member of a workspace, and print it once
    Token {
        #[command(flatten)]
        database: Database,
        /// The workspace's slug
        #[arg(long)]
        workspace: String,
        /// The member's e-mail address
        #[arg(long)]
        email: String,
        /// What the token is for
        #[arg(long)]
        name: String,
        /// What it may be used for: read, points:write, write, admin
        #[arg(long, required = true, value_delimiter = ',', value_parser = |text: &str| text.parse::<Scope>())]
        scopes: Vec<Scope>,
    },
    /// Let somebody choose a new password where no mail reaches them, and print the token for it once
    Reset {
        #[command(flatten)]
        database: Database,
        /// The person's e-mail address
        #[arg(long)]
        email: String,
    },
    /// The keys that sign access tokens; running servers follow within seconds
    #[command(subcommand)]
    Keys(Keys),
    /// Load two workspaces to look at, and serve them
    Demo {
        #[command(flatten)]
        serving: Serving,
        /// The demo's own database; one that holds anything else is refused
        #[arg(long, default_value = "sqlite:regimen-demo.db")]
        database_url: String,
        /// Stop after loading
        #[arg(long, value_enum, num_args = 0, default_value_t = AfterLoading::Serve, default_missing_value = "stop")]
        load_only: AfterLoading,
    },
}

/// What is done with the keys.
#[derive(Subcommand)]
enum Keys {
    /// Say which there are, and what each does
    List {
        #[command(flatten)]
        database: Database,
    },
    /// Sign with a new key; tokens signed with the present one stay good for their minutes
    Rotate {
        #[command(flatten)]
        database: Database,
    },
    /// Drop a key at once, with every token that it signed: for one that leaked
    Retire {
        #[command(flatten)]
        database: Database,
        /// The key's name, as `list` says it
        kid: String,
    },
}

/// What the demo does once it is loaded.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AfterLoading {
    /// It serves.
    Serve,
    /// It stops.
    Stop,
}

/// How long a token of the command line lasts: 90 days.
const LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(90 * 24);

type Failure = Box<dyn std::error::Error>;

/// Faster than the system's, and gives memory back: see benches/README.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("REGIMEN_LOG")
                .unwrap_or_else(|_| cli.command.logs().into()),
        )
        .init();
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("regimen: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    /// What is logged where REGIMEN_LOG does not say: the demo's messages are for people.
    fn logs(&self) -> &'static str {
        match self {
            Self::Serve { .. } => "warn,regimen=info",
            Self::Migrate { .. }
            | Self::Openapi
            | Self::Token { .. }
            | Self::Reset { .. }
            | Self::Keys(_)
            | Self::Demo { .. } => "warn",
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Openapi => {
            print!("{}", Document::of(&regimen::slices()).text()?);
            Ok(())
        }
        Command::Migrate { database, grant_to } => {
            let url = database.url()?;
            let _lock = FileLock::take(&url)?;
            let steps = migrate::migrate(&url)?;
            eprintln!("regimen: {steps} migrations applied");
            if let Some(role) = grant_to {
                roles::grant(&url, &role)?;
                eprintln!("regimen: {role} may serve");
            }
            Ok(())
        }
        Command::Token { database, workspace, email, name, scopes } => {
            let url = database.url()?;
            migrate::check(&url)?;
            let store = open(url, 2, Gathering::On)?;
            let token = store
                .write(Lane::Open, Author::system("command line"), move |tx| -> Judged<String> {
                    let member = seed::enter(tx, &workspace, &email)?;
                    let token = seed::token(tx, member.id, &name, &scopes, LIFETIME)?;
                    Ok(token.reveal().to_owned())
                })
                .await?;
            println!("{token}");
            Ok(())
        }
        Command::Reset { database, email } => {
            let url = database.url()?;
            migrate::check(&url)?;
            let store = open(url, 2, Gathering::On)?;
            let token = store
                .write(Lane::Open, Author::system("command line"), move |tx| -> Judged<String> {
                    Ok(seed::password_reset(tx, &email)?.reveal())
                })
                .await?;
            eprintln!("regimen: good for ten minutes, with POST /v1/auth/password-reset/confirm");
            println!("{token}");
            Ok(())
        }
        Command::Keys(keys) => Ok(change_keys(keys)?),
        Command::Serve { database, serving } => {
            let config = serving.config(None)?;
            let url = database.url()?;
            let _lock = FileLock::take(&url)?;
            prepare(&url)?;
            let keys = database.keys(&url);
            let store = open(url, serving.connections, serving.gather)?;
            let parts = parts(store, config, &keys, serving.rate_limits)?;
            serve(parts, &serving, |_| (), |address| eprintln!("regimen: listening on {address}")).await
        }
        Command::Demo { serving, database_url, load_only } => {
            let config = serving.config(Some(CorsOrigins::Loopback))?;
            let url = DatabaseUrl::parse(&database_url)?;
            let _lock = FileLock::take(&url)?;
            prepare(&url)?;
            let keys = url
                .path()
                .map_or_else(|| PathBuf::from("regimen-demo.keys"), |path| path.with_extension("keys"));
            let store = open(url, serving.connections, serving.gather)?;
            let parts = |store: Store| parts(store, config.clone(), &keys, serving.rate_limits);
            let access = demo::load(&parts, &store, &|line| eprintln!("regimen: {line}")).await?;
            let address = config.public_url.clone();
            if load_only == AfterLoading::Stop {
                println!("{}", demo::announcement(&address, &access));
                return Ok(());
            }
            serve(parts(store)?, &serving, demo::start::mount, |listening| {
                println!("{}", demo::announcement(&address, &access));
                eprintln!("regimen: listening on {listening}\n{}", demo::tour(&address, &access));
            })
            .await
        }
    }
}

fn change_keys(keys: Keys) -> Result<(), Failure> {
    let now = Clock::wall().now().timestamp();
    let path = |database: &Database| -> Result<PathBuf, StoreError> { Ok(database.keys(&database.url()?)) };
    let (ring, done) = match keys {
        Keys::List { database } => (KeyRing::load(&path(&database)?)?, None),
        Keys::Rotate { database } => {
            let ring = KeyRing::rotate(&path(&database)?, now)?;
            (ring, Some("a new key signs; running servers follow within seconds".to_owned()))
        }
        Keys::Retire { database, kid } => {
            let path = path(&database)?;
            let signs =
                KeyRing::load(&path)?.lines().iter().any(|line| line.kid == kid && line.duty == Duty::Signs);
            if signs {
                return Err(format!(
                    "the key {kid} signs: run `regimen keys rotate` first, and then retire it"
                )
                .into());
            }
            let ring = KeyRing::drop_key(&path, &kid)?;
            (ring, Some(format!("{kid} is gone; running servers refuse its tokens within seconds")))
        }
    };
    for line in ring.lines() {
        let duty = match line.duty {
            Duty::Signs => "signs".to_owned(),
            Duty::VerifiesUntil(until) => format!("verifies until {until:.0}"),
            Duty::Verifies => "verifies".to_owned(),
        };
        println!("{}  made {:.0}  {duty}", line.kid, line.created_at);
    }
    if let Some(done) = done {
        eprintln!("regimen: {done}");
    }
    Ok(())
}

/// A SQLite file is migrated where it is served; a server's schema is for `regimen migrate`.
fn prepare(url: &DatabaseUrl) -> Result<(), StoreError> {
    match url.path() {
        Some(_) => migrate::migrate(url).map(|_| ()),
        None => migrate::check(url).and_then(|()| roles::may_serve(url)),
    }
}

fn open(url: DatabaseUrl, connections: u32, gathering: Gathering) -> Result<Store, StoreError> {
    let (clock, followers) = (Clock::wall(), regimen::FOLLOWERS);
    Store::open(Options { url, connections, clock, followers, gathering })
}

fn parts(store: Store, config: Config, keys: &std::path::Path, limits: LimitMode) -> Result<Parts, Failure> {
    let keys = KeyRing::load_or_create(keys, store.clock().now().timestamp())?;
    Ok(Parts { store, config, keys, hasher: Hasher::new(cores())?, limits })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Serves the API, and what is mounted beside it, until SIGTERM or Ctrl-C; what is under way then is
/// finished, for half a minute at most.
async fn serve(
    parts: Parts,
    serving: &Serving,
    beside: fn(&mut ServiceConfig),
    listening: impl FnOnce(&str),
) -> Result<(), Failure> {
    let state = app::state(parts)?;
    let served = state.clone();
    let server = HttpServer::new(move || regimen::wrapped_app!(served).configure(beside))
        .workers(serving.workers.unwrap_or_else(cores))
        .shutdown_timeout(30)
        .bind(serving.listen)
        .map_err(|error| format!("{}: {error}", serving.listen))?;
    listening(&format!("http://{}", serving.listen));
    actix_web::rt::spawn(announcements::keep(state.store.clone()));
    actix_web::rt::spawn(mail::keep(state.clone(), regimen::LETTERS));
    actix_web::rt::spawn(app::follow_keys(state.clone()));
    actix_web::rt::spawn(app::upkeep(state));
    server.run().await?;
    Ok(())
}
