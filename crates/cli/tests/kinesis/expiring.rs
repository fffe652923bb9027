//! A proxy to the Kinesis emulator with expiring iterators: every other read is rejected, starting with the first.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::moto::Moto;

const EXPIRED: &str = r#"{"__type":"ExpiredIteratorException","message":"Iterator expired."}"#;

/// Starts the proxy, which runs until the test ends, and returns its URL.
pub(crate) fn start(moto: &Moto) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let upstream = moto.url().trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        let mut reads = 0;
        for client in listener.incoming() {
            pass(client.expect("a connection"), &upstream, &mut reads);
        }
    });
    url
}

/// Forwards one request and its response.
fn pass(client: TcpStream, upstream: &str, reads: &mut u32) {
    let mut client = BufReader::new(client);
    let (mut head, mut length, mut is_read) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        client.read_line(&mut line).expect("a line of the head");
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        is_read |= lower.starts_with("x-amz-target:") && lower.contains(".getrecords");
        head += &line;
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).expect("the body");
    let mut client = client.into_inner();
    *reads += u32::from(is_read);
    if is_read && !reads.is_multiple_of(2) {
        let length = EXPIRED.len();
        let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
        write!(client, "{head}\r\ncontent-length: {length}\r\n\r\n{EXPIRED}").expect("responded");
        return;
    }
    let mut server = TcpStream::connect(upstream).expect("the emulator");
    write!(server, "{head}connection: close\r\n\r\n").expect("forwarded");
    server.write_all(&body).expect("forwarded");
    std::io::copy(&mut server, &mut client).expect("forwarded");
}
