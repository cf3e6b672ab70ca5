//! The command line: serve, migrate, openapi, and more to come.

use std::process::ExitCode;

use actix_web::HttpServer;
use clap::{Parser, Subcommand};
use regimen::access::keys::KeyRing;
use regimen::access::password::Hasher;
use regimen::app::{self, Parts};
use regimen::clock::Clock;
use regimen::config::{CorsOrigins, Database, Serving};
use regimen::store::migrate::{self, FileLock};
use regimen::store::{Options, Store};

/// KPIs diagnose, OKRs prescribe: a JSON API for health KPIs and the objectives that heal them.
#[derive(Parser)]
#[command(version, about)]
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
    /// Bring the database to this program's schema
    Migrate {
        #[command(flatten)]
        database: Database,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[actix_web::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("REGIMEN_LOG")
                .unwrap_or_else(|_| "warn,regimen=info".into()),
        )
        .init();
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("regimen: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn run(command: Command) -> Outcome {
    match command {
        Command::Openapi => {
            let (document, _) = app::document(&regimen::slices());
            print!("{}", app::document_text(&document)?);
            Ok(())
        }
        Command::Migrate { database } => {
            let url = database.url()?;
            let _lock = FileLock::take(&url)?;
            let steps = migrate::migrate(&url)?;
            eprintln!("{steps} migrations applied");
            Ok(())
        }
        Command::Serve { database, serving } => serve(&database, &serving, None).await,
    }
}

async fn serve(database: &Database, serving: &Serving, cors: Option<CorsOrigins>) -> Outcome {
    let config = serving.config(cors)?;
    let url = database.url()?;
    let _lock = FileLock::take(&url)?;
    match url.path() {
        Some(_) => {
            migrate::migrate(&url)?;
        }
        None => migrate::check(&url)?,
    }
    let clock = Clock::wall();
    let keys = KeyRing::load_or_create(&database.keys(&url), clock.now().timestamp())?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let store =
        Store::open(Options { url, connections: serving.connections, clock, followers: regimen::FOLLOWERS })?;
    let state =
        app::state(Parts { store, config, keys, hasher: Hasher::new(cores)?, limits: serving.rate_limits })?;
    let server = HttpServer::new(move || regimen::wrapped_app!(state))
        .workers(serving.workers.unwrap_or(cores))
        .shutdown_timeout(30)
        .bind(serving.listen)?;
    eprintln!("regimen: listening on http://{}", serving.listen);
    server.run().await?;
    Ok(())
}
