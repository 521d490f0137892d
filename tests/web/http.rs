//! As much of HTTP/1.1 as these tests need: one request a connection, and streams line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// No answer takes as long on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Sends a request, and reads what comes until the other side closes.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = ask(address, method, path, headers, body);
    let (status, headers) = head(&mut stream);
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = Vec::new();
    match length {
        Some((_, length)) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body).unwrap();
        }
        None => drop(stream.read_to_end(&mut body)),
    }
    Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// Sends a request.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(text.as_bytes()).unwrap();
    BufReader::new(stream)
}

/// Status and headers.
pub(crate) fn head(stream: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => return (status, headers),
        }
    }
}

/// What a stream of events says: event, id, data.
pub(crate) struct Stream {
    from: BufReader<TcpStream>,
    until: Instant,
}

impl Stream {
    pub(crate) fn open(address: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = ask(address, "GET", "/api/v1/events", headers, "");
        let (status, headers) = head(&mut stream);
        assert_eq!(status, 200);
        let kind = headers.iter().find(|(name, _)| name == "content-type").unwrap();
        assert_eq!(kind.1, "text/event-stream");
        Self { from: stream, until: Instant::now() + 2 * PATIENCE }
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> (String, Option<u64>, Value) {
        let (mut event, mut id) = (String::new(), None);
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the stream has ended");
            assert!(Instant::now() < self.until, "waited in vain for an event");
            // Pieces of a body without a length have theirs on a line of its own.
            if let Some(data) = line.trim_end().strip_prefix("data: ") {
                return (event, id, serde_json::from_str(data).unwrap());
            } else if let Some(name) = line.trim_end().strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(number) = line.trim_end().strip_prefix("id: ") {
                id = number.parse().ok();
            }
        }
    }

    /// The next entry of this kind.
    pub(crate) fn until(&mut self, wanted: &str) -> Value {
        loop {
            let (event, _, data) = self.next();
            if event == "entry" && data["entry"]["event"] == wanted {
                return data;
            }
        }
    }
}
