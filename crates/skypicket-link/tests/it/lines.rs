//! Newline JSON over UDP and TCP.

use crate::centre::{Call, Calls, NOW_S, centre, soon, source};
use skypicket_link::{ListenError, TcpLines, TcpLinesConfig, UdpLines, UdpLinesConfig};
use skypicket_model::Observation;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

fn line(lat: f64) -> String {
    format!("{{\"t\":{NOW_S},\"lla\":[{lat},-106.4,1200]}}\n")
}

fn tcp_config(more: &str) -> TcpLinesConfig {
    toml::from_str(&format!("id = \"feed-1\"\nlisten = \"127.0.0.1:0\"\n{more}")).unwrap()
}

async fn tcp(calls: &Calls, config: TcpLinesConfig) -> (SocketAddr, std::sync::Arc<skypicket_link::Health>) {
    let server = TcpLines::bind(config, None).await.unwrap();
    let (addr, health) = (server.local_addr(), server.health());
    tokio::spawn(server.run(calls.intake(), calls.shutdown()));
    (addr, health)
}

async fn observations(calls: &mut Calls, n: usize) -> Vec<Observation> {
    let mut all = Vec::new();
    while all.len() < n {
        all.extend(calls.next_that(|c| if let Call::Observe(_, b) = c { Some(b) } else { None }).await);
    }
    all
}

fn lats(all: &[Observation]) -> Vec<f64> {
    all.iter().map(|o| o.measurement.position().unwrap().lat_deg).collect()
}

#[tokio::test]
async fn a_datagram_may_hold_several_lines_and_a_bad_one_costs_only_itself() {
    let mut calls = centre(0);
    let config: UdpLinesConfig =
        toml::from_str("id = \"feed-1\"\nlisten = \"127.0.0.1:0\"\nsources = [\"radar-2\"]").unwrap();
    let server = UdpLines::bind(config).await.unwrap();
    let (addr, health) = (server.local_addr(), server.health());
    let running = tokio::spawn(server.run(calls.intake(), calls.shutdown()));

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let radar = line(3.0).replace("{\"t\"", "{\"source\":\"radar-2\",\"t\"");
    let foreign = line(9.0).replace("{\"t\"", "{\"source\":\"radar-3\",\"t\"");
    let datagram = format!("{}garbage\n\n{}{radar}{foreign}{}", line(1.0), line(2.0), line(4.0).trim_end());
    socket.send_to(datagram.as_bytes(), addr).await.unwrap();

    let (mut refused, mut got) = (Vec::new(), Vec::new());
    while got.len() < 4 {
        match calls.next().await {
            Call::Refused { reason, offset, .. } => refused.push((reason, offset.unwrap())),
            Call::Observe(s, batch) => got.extend(batch.into_iter().map(|o| (s.clone(), o))),
            other => panic!("{other:?}"),
        }
    }
    let garbage = line(1.0).len() as u64;
    assert_eq!(refused[0], ("json_syntax".to_owned(), garbage));
    assert_eq!(refused[1].0, "source");
    let names: Vec<_> = got.iter().map(|(s, _)| s.as_str()).collect();
    assert_eq!(names, ["feed-1", "feed-1", "radar-2", "feed-1"]);
    assert_eq!(got[2].1.source, source("radar-2"));
    let s = health.snapshot();
    assert_eq!((s.received, s.decoded, s.refused.len()), (6, 4, 2));

    calls.stop();
    soon(running).await.unwrap();
}

#[tokio::test]
async fn a_bad_line_closes_neither_its_connection_nor_another() {
    let mut calls = centre(0);
    let (addr, health) = tcp(&calls, tcp_config("")).await;
    let (mut a, mut b) = (TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap());
    a.write_all(b"{\"t\":NaN}\n{\"t\":1,\"t\":2}\n\xff\n").await.unwrap();
    assert_eq!(calls.next_refusal().await, ("json_syntax".into(), Some(5)));
    assert_eq!(calls.next_refusal().await.0, "json_duplicate_key");
    assert_eq!(calls.next_refusal().await, ("json_utf8".into(), Some(24)));
    b.write_all(line(1.0).as_bytes()).await.unwrap();
    assert_eq!(lats(&observations(&mut calls, 1).await), [1.0]);
    // In pieces, and the last without its end.
    let text = format!("{}{}", line(2.0), line(3.0).trim_end());
    let (head, tail) = text.as_bytes().split_at(40);
    a.write_all(head).await.unwrap();
    a.flush().await.unwrap();
    a.write_all(tail).await.unwrap();
    a.shutdown().await.unwrap();
    assert_eq!(lats(&observations(&mut calls, 2).await), [2.0, 3.0]);
    assert_eq!(health.snapshot().decoded, 3);
}

#[tokio::test]
async fn a_line_over_the_limit_is_refused_once_and_skipped() {
    let mut calls = centre(0);
    let (addr, health) = tcp(&calls, tcp_config("")).await;
    let mut a = TcpStream::connect(addr).await.unwrap();
    a.write_all(line(1.0).as_bytes()).await.unwrap();
    a.write_all(&vec![b'x'; 300_000]).await.unwrap();
    a.write_all(format!("\n{}", line(2.0)).as_bytes()).await.unwrap();
    let (mut refused, mut got) = (Vec::new(), Vec::new());
    while got.len() < 2 {
        match calls.next().await {
            Call::Refused { reason, offset, sample } => refused.push((reason, offset, sample.len())),
            Call::Observe(_, batch) => got.extend(lats(&batch)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, [("line_too_long".to_owned(), Some(line(1.0).len() as u64), 256)]);
    assert_eq!(got, [1.0, 2.0]);
    assert_eq!(health.snapshot().received, 3);
}

#[tokio::test]
async fn connections_over_the_bound_are_closed_and_counted_and_room_is_given_back() {
    let mut calls = centre(0);
    let (addr, _) = tcp(&calls, tcp_config("max_connections_per_address = 1")).await;
    let mut first = TcpStream::connect(addr).await.unwrap();
    first.write_all(line(1.0).as_bytes()).await.unwrap();
    assert_eq!(lats(&observations(&mut calls, 1).await), [1.0]);
    let mut second = TcpStream::connect(addr).await.unwrap();
    assert_eq!(calls.next_refusal().await.0, "too_many_connections");
    // Closed, or reset where the system was quicker than the read.
    assert_eq!(soon(second.read(&mut [0; 8])).await.unwrap_or(0), 0);
    // The end of the first is told by its last line, which comes at its end.
    first.write_all(line(2.0).trim_end().as_bytes()).await.unwrap();
    first.shutdown().await.unwrap();
    assert_eq!(lats(&observations(&mut calls, 1).await), [2.0]);
    assert_eq!(soon(first.read(&mut [0; 8])).await.unwrap(), 0);
    loop {
        let mut third = TcpStream::connect(addr).await.unwrap();
        if third.write_all(line(3.0).as_bytes()).await.is_err() {
            continue;
        }
        match calls.next().await {
            Call::Observe(_, batch) => break assert_eq!(lats(&batch), [3.0]),
            Call::Refused { reason, .. } => assert_eq!(reason, "too_many_connections"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_silent_connection_is_let_go() {
    let mut calls = centre(0);
    let (addr, _) = tcp(&calls, tcp_config("idle_timeout_s = 1")).await;
    let mut silent = TcpStream::connect(addr).await.unwrap();
    silent.write_all(line(1.0).as_bytes()).await.unwrap();
    assert_eq!(calls.next_refusal().await, ("idle".into(), Some(line(1.0).len() as u64)));
    assert_eq!(soon(silent.read(&mut [0; 8])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_shutdown_ends_it_with_connections_open() {
    let calls = centre(0);
    let server = TcpLines::bind(tcp_config(""), None).await.unwrap();
    let addr = server.local_addr();
    let running = tokio::spawn(server.run(calls.intake(), calls.shutdown()));
    let mut a = TcpStream::connect(addr).await.unwrap();
    calls.stop();
    soon(running).await.unwrap();
    assert_eq!(soon(a.read(&mut [0; 8])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn beyond_loopback_needs_a_plain_word() {
    let open = |more: &str| toml::from_str(&format!("id = \"f\"\nlisten = \"0.0.0.0:0\"\n{more}")).unwrap();
    assert!(matches!(TcpLines::bind(open(""), None).await, Err(ListenError::NotLoopback { .. })));
    assert!(TcpLines::bind(open("insecure = true"), None).await.is_ok());
    assert!(toml::from_str::<UdpLinesConfig>("id = \"f\"\nlisten = \"127.0.0.1:0\"\nport = 3").is_err());
}
