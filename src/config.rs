//! Settings: flags and environment variables, explained by `--help`, checked once at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::http::body::Patience;
use crate::http::limits::{LimitMode, Quotas};
use crate::http::peer::Network;
use crate::mail::Transport;
use crate::people::sign_on::{ProviderSettings, SignOnArgs};
use crate::store::{DatabaseUrl, Gathering, StoreError};

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

    /// Requests a minute of one caller; a workspace has ten times that
    #[arg(long, env = "REGIMEN_RATE_LIMIT_REQUESTS", default_value_t = Quotas::default().requests)]
    pub rate_limit_requests: u32,

    /// Points a minute of one caller; a workspace has ten times that
    #[arg(long, env = "REGIMEN_RATE_LIMIT_POINTS", default_value_t = Quotas::default().points)]
    pub rate_limit_points: u32,

    /// Requests a minute from one address without a credential that holds
    #[arg(long, env = "REGIMEN_RATE_LIMIT_STRANGERS", default_value_t = Quotas::default().strangers)]
    pub rate_limit_strangers: u32,

    /// Attempts a minute from one address to sign in, to register or to reset a password
    #[arg(long, env = "REGIMEN_RATE_LIMIT_SIGN_INS", default_value_t = Quotas::default().sign_ins)]
    pub rate_limit_sign_ins: u32,

    /// Networks of the proxies in front of this server, such as 10.0.0.0/8, comma-separated: only they are believed
    /// when X-Forwarded-For names who calls
    #[arg(long, env = "REGIMEN_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// How mails leave: `smtps://USER:PASSWORD@HOST`, `smtp://USER:PASSWORD@HOST:587?tls=required`, `file:FOLDER`
    /// for a file of each, or `off`
    #[arg(long, env = "REGIMEN_MAIL", hide_env_values = true, default_value = "off")]
    pub mail: String,

    /// A file that holds the mail URL, so that its password stands in no environment
    #[arg(long, env = "REGIMEN_MAIL_FILE")]
    pub mail_file: Option<PathBuf>,

    /// Who sends mails, such as `Regimen <okr@example.com>`
    #[arg(long, env = "REGIMEN_MAIL_FROM")]
    pub mail_from: Option<String>,
    #[command(flatten)]
    pub sign_on: SignOnArgs,

    /// Threads that answer requests [default: one for each core]
    #[arg(long, env = "REGIMEN_WORKERS")]
    pub workers: Option<usize>,

    /// Whether writes that wait share a transaction; `off` is for benchmarks
    #[arg(long, hide = true, value_enum, default_value_t)]
    pub gather: Gathering,

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
    /// How much is allowed per minute, where limits hold.
    pub quotas: Quotas,
    /// The proxies that are believed when they name who calls.
    pub trusted_proxies: Vec<Network>,
    /// How mails leave.
    pub mail: Transport,
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
            quotas: Quotas {
                requests: self.rate_limit_requests,
                points: self.rate_limit_points,
                strangers: self.rate_limit_strangers,
                sign_ins: self.rate_limit_sign_ins,
            },
            trusted_proxies: self.trusted_proxies.clone(),
            mail: self.transport()?,
        })
    }

    /// How mails leave, from the flag or the file.
    fn transport(&self) -> Result<Transport, StoreError> {
        let url = match &self.mail_file {
            None => self.mail.clone(),
            Some(file) => {
                std::fs::read_to_string(file).map(|text| text.trim().to_owned()).map_err(|error| {
                    StoreError::Unusable(format!("REGIMEN_MAIL_FILE {}: {error}", file.display()))
                })?
            }
        };
        Transport::parse(&url, self.mail_from.as_deref())
            .map_err(|fault| StoreError::Unusable(format!("REGIMEN_MAIL: {fault}")))
    }
}
