//! The yardstick of reading: a bare handler that answers a constant JSON object.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Result;
use crate::support::free_address;

/// The first argument of the process that is the yardstick.
pub const MODE: &str = "base";

/// The yardstick, running in a process of its own; it ends with this.
pub struct Base {
    child: Child,
    /// `HOST:PORT`.
    pub address: String,
}

impl Base {
    /// Starts it with as many workers as the program has, answering bodies of this size.
    pub fn start(workers: usize, bytes: usize) -> Result<Self> {
        let address = free_address();
        let mut child = Command::new(std::env::current_exe()?)
            .args([MODE, &address, &workers.to_string(), &bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().ok_or("no word from the yardstick")?;
        let base = Self { child, address };
        let mut line = String::new();
        std::io::BufReader::new(said).read_line(&mut line)?;
        if line.trim() == LISTENS { Ok(base) } else { Err("the yardstick did not start".into()) }
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LISTENS: &str = "listens";

/// What the yardstick's process does.
pub fn run(arguments: &[String]) -> Result<()> {
    let [address, workers, bytes] = arguments else { return Err("base ADDRESS WORKERS BYTES".into()) };
    let empty = r#"{"text":""}"#;
    let filler = "x".repeat(bytes.parse::<usize>()?.saturating_sub(empty.len()));
    let body: &'static str = Box::leak(empty.replace("\"\"", &format!("\"{filler}\"")).into_boxed_str());
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(move || {
            let answer =
                move || std::future::ready(HttpResponse::Ok().content_type("application/json").body(body));
            App::new().default_service(web::to(answer))
        })
        .workers(workers.parse()?)
        .bind(address.as_str())?;
        println!("{LISTENS}");
        Ok(server.run().await?)
    })
}
