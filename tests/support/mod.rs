//! What the tests of the program itself share: a place for its data on either engine, and the
//! program serving from there.
#![allow(dead_code, reason = "each test target uses what it needs")]

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

pub mod postgres;

/// The program as it was built for these tests.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_regimen");

/// An empty database, and a folder for whatever else the program keeps; both go away with it.
pub struct Place {
    pub url: String,
    pub folder: PathBuf,
    database: Option<String>,
}

impl Place {
    /// A file that does not exist yet: the program migrates it when it serves.
    pub fn on_sqlite(name: &str) -> Self {
        let folder = folder(&format!("{name}_sqlite"));
        Self { url: format!("sqlite:{}", folder.join("test.db").display()), folder, database: None }
    }

    /// A database of its own, migrated by the program. No engine is ever skipped in silence.
    pub fn on_postgres(name: &str) -> Self {
        let database = format!("regimen_{name}_{}", std::process::id());
        postgres::drop_database(&database);
        postgres::create_database(&database);
        let place = Self {
            url: postgres::database_url(&database),
            folder: folder(&format!("{name}_postgres")),
            database: Some(database),
        };
        let migrated = place.command(&["migrate"]).output().expect("it runs");
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        place
    }

    /// The program with these arguments, this database, and the folder as its working directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).args(["--database-url", &self.url]).current_dir(&self.folder);
        // What the caller's shell has set is no part of the test.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REGIMEN_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The program serving from here, on a free port.
    pub fn serve(&self, more: &[&str]) -> Server {
        self.try_serve(more).unwrap_or_else(|said| panic!("the program ended before it listened: {said:#?}"))
    }

    /// The same; where it ends before it listens, what it said.
    pub fn try_serve(&self, more: &[&str]) -> Result<Server, Vec<String>> {
        let mut command = self.command(&["serve", "--listen", &free_address()]);
        command.args(more).env("REGIMEN_LOG", "error");
        let (server, said) = Server::try_start(command)?;
        // Nobody may close its standard error while it runs.
        std::thread::spawn(move || said.for_each(drop));
        Ok(server)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(name) = &self.database {
            postgres::drop_database(name);
        }
    }
}

/// The program while it serves; it is killed when this goes away.
pub struct Server {
    child: Child,
    /// Where it listens, as `http://HOST:PORT`.
    pub address: String,
}

/// What the program says on standard error.
pub type Said = Lines<BufReader<ChildStderr>>;

impl Server {
    /// Starts a command that serves, and waits until it listens; answers what it says from then on.
    pub fn start(command: Command) -> (Self, Said) {
        Self::try_start(command)
            .unwrap_or_else(|said| panic!("the program ended before it listened: {said:#?}"))
    }

    /// The same; where it ends before it listens, what it said.
    pub fn try_start(mut command: Command) -> Result<(Self, Said), Vec<String>> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut server = Self { child, address: String::new() };
        let mut said = BufReader::new(server.child.stderr.take().expect("its messages")).lines();
        let mut heard = Vec::new();
        for line in said.by_ref() {
            let line = line.expect("it says text");
            if let Some((_, address)) = line.split_once("listening on ") {
                address.clone_into(&mut server.address);
                return Ok((server, said));
            }
            heard.push(line);
        }
        Err(heard)
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody listens on.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("regimen_{name}_{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
