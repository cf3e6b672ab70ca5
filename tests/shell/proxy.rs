//! A proxy between a script and the server, for answers that get lost on the way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the proxy does with one connection.
#[derive(Clone, Copy)]
pub enum Turn {
    /// It hands the request on, waits for the answer, and drops it with the connection.
    LoseTheAnswer,
    /// It answers by itself, with this status and a `Retry-After` of this many seconds.
    PutOff(u16, u32),
}

/// A proxy whose first connections go wrong in these ways; all later ones are handed through.
pub struct Proxy {
    pub address: String,
    /// The requests as they came.
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts it; it ends with the test's process.
    pub fn before(server: &str, turns: &[Turn]) -> Self {
        let server = server.strip_prefix("http://").expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, turns) = (seen.clone(), turns.to_vec());
        let mut turns = turns.into_iter();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                pass(client.expect("a client"), &server, turns.next(), &log);
            }
        });
        Self { address, seen }
    }
}

fn pass(mut client: TcpStream, server: &str, turn: Option<Turn>, log: &Mutex<Vec<String>>) {
    let request = read_request(&mut client);
    log.lock().expect("the log").push(String::from_utf8_lossy(&request).into_owned());
    if let Some(Turn::PutOff(status, seconds)) = turn {
        let head = format!(
            "HTTP/1.1 {status} Later\r\nretry-after: {seconds}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        client.write_all(head.as_bytes()).expect("the client listens");
        return;
    }
    // One request for each connection, so that the end of the answer is the end of the stream.
    let request = String::from_utf8(request).expect("text");
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut upstream = TcpStream::connect(server).expect("the server listens");
    upstream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).expect("the server answers");
    match turn {
        Some(Turn::LoseTheAnswer) => drop(client.shutdown(Shutdown::Both)),
        _ => client.write_all(&answer).expect("the client listens"),
    }
}

/// A head and as much as its `Content-Length` says.
fn read_request(client: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return request;
            }
        }
        let count = client.read(&mut buffer).expect("the client sends");
        assert!(count > 0, "the client ends in the middle of a request");
        request.extend_from_slice(&buffer[..count]);
    }
}
