//! A lean HTTP/1.1 client over one open connection, so that the load costs little of the machine that it shares with
//! what it measures.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, kept open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer; its body lies in the connection's buffer until the next one comes.
pub struct Reply {
    /// The status code.
    pub status: u16,
    body: Range<usize>,
}

/// The text of a request.
pub fn request(method: &str, path: &str, bearer: &str, body: &str) -> String {
    let credential = match bearer {
        "" => String::new(),
        bearer => format!("Authorization: Bearer {bearer}\r\n"),
    };
    let content = match body {
        "" => String::new(),
        body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{credential}{content}\r\n{body}")
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and reads its whole answer.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut searched = 0;
        let head = loop {
            self.read_more().await?;
            match find(&self.buffer, b"\r\n\r\n", searched) {
                Some(at) => break at,
                None => searched = self.buffer.len().saturating_sub(3),
            }
        };
        let (status, length) = read_head(&self.buffer[..head])?;
        let body = head + 4..head + 4 + length;
        while self.buffer.len() < body.end {
            self.read_more().await?;
        }
        Ok(Reply { status, body })
    }

    /// The body of the newest answer.
    pub fn body(&self, reply: &Reply) -> &[u8] {
        &self.buffer[reply.body.clone()]
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed")),
            _ => Ok(()),
        }
    }
}

fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    text[from..].windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

/// The status, and how long the body is.
fn read_head(head: &[u8]) -> io::Result<(u16, usize)> {
    let spoiled = || io::Error::new(io::ErrorKind::InvalidData, String::from_utf8_lossy(head).into_owned());
    let text = std::str::from_utf8(head).map_err(|_| spoiled())?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().ok_or_else(spoiled)?;
    let status: u16 = status_line.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(spoiled)?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse().map_err(|_| spoiled())?));
        }
    }
    match status {
        204 | 304 => Ok((status, 0)),
        _ => Err(spoiled()),
    }
}
