//! Requests as bytes on a socket, for what HTTP clients refuse to send, and answers read as bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::harness::{Answer, App};

/// A connection to the served API.
pub struct Raw {
    stream: TcpStream,
    /// What came and was not read as an answer yet.
    pending: Vec<u8>,
}

impl Raw {
    /// A connection on which no read waits for ever: a server that hangs fails the test.
    pub fn new(app: &App) -> Self {
        let stream = TcpStream::connect(host(app)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        stream.set_write_timeout(Some(Duration::from_secs(60))).expect("a limit");
        stream.set_nodelay(true).expect("at once");
        Self { stream, pending: Vec::new() }
    }

    /// Sends bytes; a server that no longer listens is no error here.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            assert!(gone(&error), "sending: {error}");
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer; `None` where the server has closed the connection instead.
    pub fn answer(&mut self, call: &str, to_head: bool) -> Option<Answer> {
        let head = loop {
            if let Some(end) = find(&self.pending, b"\r\n\r\n") {
                let head: Vec<u8> = self.pending.drain(..end + 4).collect();
                // 100 Continue and the like come before the answer.
                if head.starts_with(b"HTTP/1.1 1") {
                    continue;
                }
                break head;
            }
            if !self.fill(call) {
                let left = String::from_utf8_lossy(&self.pending);
                assert!(left.is_empty(), "{call}: half an answer: {left}");
                return None;
            }
        };
        let (status, headers) = parse_head(call, &head);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = if to_head || matches!(status, 204 | 304) {
            Vec::new()
        } else if text("transfer-encoding") == "chunked" {
            self.chunks(call)
        } else {
            let length: usize =
                text("content-length").parse().unwrap_or_else(|_| panic!("{call}: no length"));
            self.take(call, length)
        };
        Some(Answer::new(call.to_owned(), status, headers, body))
    }

    /// Whether something came, or the end; asked without waiting.
    pub fn has_answer(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("it is a socket");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("it is a socket");
        !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the server closes the connection and sends nothing more.
    pub fn is_closed(&mut self, call: &str) -> bool {
        self.pending.is_empty() && !self.fill(call)
    }

    fn chunks(&mut self, call: &str) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match find(&self.pending, b"\r\n") {
                    Some(end) => break end,
                    None => assert!(self.fill(call), "{call}: the body ends in a chunk"),
                }
            };
            let line: Vec<u8> = self.pending.drain(..end + 2).collect();
            let size = String::from_utf8_lossy(&line[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("{call}: chunk of {size}"));
            let chunk = self.take(call, size + 2);
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    fn take(&mut self, call: &str, length: usize) -> Vec<u8> {
        while self.pending.len() < length {
            assert!(self.fill(call), "{call}: the body ends early");
        }
        self.pending.drain(..length).collect()
    }

    /// Reads more; false where there is no more.
    fn fill(&mut self, call: &str) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.pending.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if gone(&error) => false,
            Err(error) => panic!("{call}: no answer, and no end: {error}"),
        }
    }
}

/// The address as `HOST:PORT`.
pub fn host(app: &App) -> &str {
    app.url.strip_prefix("http://").expect("an address")
}

fn gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse_head(call: &str, head: &[u8]) -> (u16, HeaderMap) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "));
    let status =
        status.and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_else(|| panic!("{call}: {text}"));
    let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{call}: {line}"));
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value.trim()).expect("a value"))
    });
    (status, headers.collect())
}
