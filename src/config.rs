//! Settings: flags and environment variables, explained by `--help`, checked once at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::http::body::Patience;
use crate::http::limits::LimitMode;
use crate::people::sign_on::{ProviderSettings, SignOnArgs};
use crate::store::{DatabaseUrl, StoreError};

/// Where the data and the keys are.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// Where the data is: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, default_value = "sqlite:regimen.db")]
    pub database_url: String,

    /// A file that holds the database URL, so that its password stands in no environment
    #[arg(long, env = "DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,

    /// The file of the signing keys and the server's secret, made at first start; several nodes share one
    /// [default: beside the SQLite file, else regimen.keys]
    #[arg(long, env = "REGIMEN_KEYS")]
    pub keys: Option<PathBuf>,
}

/// How the API is served.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// The address to listen on
    #[arg(long, env = "REGIMEN_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Who may make an account; by default everybody until there is one, and then by invitation
    #[arg(long, env = "REGIMEN_REGISTRATION", value_enum)]
    pub registration: Option<Registration>,

    /// Where people reach this server, for links in answers, such as https://okr.example.com
    #[arg(long, env = "REGIMEN_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// Origins of browser applications that may call, exactly as browsers send them, comma-separated
    #[arg(long, env = "REGIMEN_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// Whether rate limits hold; `off` is for benchmarks
    #[arg(long, env = "REGIMEN_RATE_LIMITS", value_enum, default_value_t = LimitMode::On)]
    pub rate_limits: LimitMode,

    #[command(flatten)]
    pub sign_on: SignOnArgs,

    /// Threads that answer requests [default: one for each core]
    #[arg(long, env = "REGIMEN_WORKERS")]
    pub workers: Option<usize>,

    /// Connections to the database
    #[arg(long, env = "REGIMEN_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..=200))]
    pub connections: u32,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever was invited; the first account needs no invitation.
    Invited,
}

/// The settings that requests look at.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who may make an account; `None`: everybody until there is one, and then by invitation.
    pub registration: Option<Registration>,
    /// Where people reach this server.
    pub public_url: String,
    /// Origins of browser applications.
    pub cors: CorsOrigins,
    /// The providers of single sign-on.
    pub sign_on: Vec<ProviderSettings>,
    /// How long bodies may take to arrive.
    pub patience: Patience,
}

/// Which browser applications may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// These, exactly.
    Exactly(Vec<String>),
    /// Those on this machine, for the demo.
    Loopback,
}

impl Database {
    /// The URL, from the flag or the file.
    pub fn url(&self) -> Result<DatabaseUrl, StoreError> {
        match &self.database_url_file {
            None => DatabaseUrl::parse(&self.database_url),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    StoreError::Unusable(format!("DATABASE_URL_FILE {}: {error}", file.display()))
                })?;
                DatabaseUrl::parse(text.trim())
            }
        }
    }

    /// The file of the keys.
    pub fn keys(&self, url: &DatabaseUrl) -> PathBuf {
        match (&self.keys, url.path()) {
            (Some(path), _) => path.clone(),
            (None, Some(database)) => database.with_extension("keys"),
            (None, None) => PathBuf::from("regimen.keys"),
        }
    }
}

impl Serving {
    /// What requests look at; an address that cannot be right is named before the port opens.
    pub fn config(&self, cors: Option<CorsOrigins>) -> Result<Config, StoreError> {
        let public_url = match &self.public_url {
            None => format!("http://{}", self.listen),
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                url.trim_end_matches('/').to_owned()
            }
            Some(url) => {
                return Err(StoreError::Unusable(format!(
                    "REGIMEN_PUBLIC_URL: {url} does not begin with https:// or http://"
                )));
            }
        };
        for origin in &self.cors_origins {
            let plain = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if plain.is_none_or(|host| host.is_empty() || host.contains(['/', '*', ' ', ','])) {
                return Err(StoreError::Unusable(format!(
                    "REGIMEN_CORS_ORIGINS: {origin} is not an origin such as https://app.example.com"
                )));
            }
        }
        Ok(Config {
            registration: self.registration,
            public_url,
            cors: cors.unwrap_or_else(|| CorsOrigins::Exactly(self.cors_origins.clone())),
            sign_on: self.sign_on.providers().map_err(StoreError::Unusable)?,
            patience: Patience::default(),
        })
    }
}
