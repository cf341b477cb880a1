use super::*;
use proptest::prelude::*;

fn peer_greeting() -> Vec<u8> {
    let mut g = Subscriber::greeting().to_vec();
    // What libzmq says today.
    g[11] = 1;
    g
}

fn peer_ready(socket: &str) -> Vec<u8> {
    let mut body = b"\x05READY\x08Identity\0\0\0\0\x0bsocket-type".to_vec();
    body.extend(u32::try_from(socket.len()).unwrap().to_be_bytes());
    body.extend(socket.as_bytes());
    write_frame(COMMAND, &body)
}

fn all(s: &mut Subscriber, bytes: &[u8]) -> Result<Vec<Step>, ZmtpError> {
    let mut steps = Vec::new();
    s.take(bytes, &mut |step| steps.push(step)).map(|()| steps)
}

fn open(topics: &[&str]) -> Subscriber {
    let topics: Vec<_> = topics.iter().map(|t| (*t).to_owned()).collect();
    let mut s = Subscriber::new(&topics, 1_000);
    all(&mut s, &[peer_greeting(), peer_ready("PUB")].concat()).unwrap();
    s
}

#[test]
fn a_handshake_ends_in_a_subscription_for_each_topic() {
    let mut s = Subscriber::new(&["a".into(), "b".into()], 1_000);
    assert_eq!(all(&mut s, &peer_greeting()).unwrap(), [Step::Send(ready())]);
    let steps = all(&mut s, &peer_ready("XPUB")).unwrap();
    assert_eq!(steps, [Step::Send(vec![0, 2, 1, b'a']), Step::Send(vec![0, 2, 1, b'b']), Step::Ready]);
    let mut s = Subscriber::new(&[], 1_000);
    let steps = all(&mut s, &[peer_greeting(), peer_ready("PUB")].concat()).unwrap();
    assert_eq!(steps[1], Step::Send(vec![0, 1, 1]), "no topic is every topic");
}

#[test]
fn the_greeting_is_that_of_the_standard() {
    let g = Subscriber::greeting();
    assert_eq!((g[0], g[9], g[10], g[11], g.len()), (0xFF, 0x7F, 3, 0, 64));
    assert_eq!(&g[12..17], b"NULL\0");
    assert!(g[32..].iter().all(|b| *b == 0), "not as a server, and filler");
}

#[test]
fn messages_of_one_and_of_several_frames_come_whole() {
    let mut s = open(&[]);
    let long = vec![7; 300];
    let bytes = [write_frame(MORE, b"topic"), write_frame(0, b"{}"), write_frame(0, &long)].concat();
    let want = [Step::Message(vec![b"topic".to_vec(), b"{}".to_vec()]), Step::Message(vec![long])];
    assert_eq!(all(&mut s, &bytes).unwrap(), want);
}

#[test]
fn a_ping_is_answered_with_what_it_brought() {
    let mut s = open(&[]);
    let steps = all(&mut s, &write_frame(COMMAND, b"\x04PING\0\x0Ame")).unwrap();
    assert_eq!(steps, [Step::Send(write_frame(COMMAND, b"\x04PONGme"))]);
    assert_eq!(all(&mut s, &write_frame(COMMAND, b"\x05OTHER")).unwrap(), [], "what is not known is passed over");
}

#[test]
fn what_is_no_session_with_a_publisher_is_refused_by_name() {
    let mut other = peer_greeting();
    other[12..17].copy_from_slice(b"CURVE");
    let mut old = peer_greeting();
    old[10] = 1;
    let huge = [vec![LONG], u64::MAX.to_be_bytes().to_vec()].concat();
    let ready = || [peer_greeting(), peer_ready("PUB")].concat();
    for (bytes, reason) in [
        (b"HTTP/1.1 400".to_vec(), "zmtp_not"),
        (old, "zmtp_version"),
        (other, "zmtp_mechanism"),
        ([peer_greeting(), peer_ready("REP")].concat(), "zmtp_socket"),
        ([peer_greeting(), write_frame(COMMAND, b"\x05ERROR\x04full")].concat(), "zmtp_error"),
        ([peer_greeting(), write_frame(0, b"x")].concat(), "zmtp_broken"),
        ([peer_greeting(), write_frame(COMMAND, b"\x05READY")].concat(), "zmtp_broken"),
        ([peer_greeting(), write_frame(COMMAND, b"\x05READY\xFFx")].concat(), "zmtp_broken"),
        ([ready(), vec![8, 0]].concat(), "zmtp_broken"),
        ([ready(), huge].concat(), "too_long"),
        ([ready(), write_frame(0, &[0; 1_001])].concat(), "too_long"),
        ([ready(), write_frame(MORE, &[0; 600]), write_frame(0, &[0; 600])].concat(), "too_long"),
        ([ready(), write_frame(MORE, b"").repeat(17)].concat(), "zmtp_frames"),
    ] {
        let mut s = Subscriber::new(&[], 1_000);
        assert_eq!(all(&mut s, &bytes).unwrap_err().reason(), reason, "{bytes:?}");
        assert_eq!(all(&mut s, b"more").unwrap(), [], "it is over");
    }
}

#[test]
fn a_length_that_was_only_said_takes_no_memory() {
    let mut s = Subscriber::new(&[], 1 << 30);
    all(&mut s, &[peer_greeting(), peer_ready("PUB")].concat()).unwrap();
    all(&mut s, &[vec![LONG], (1u64 << 29).to_be_bytes().to_vec(), vec![0; 10]].concat()).unwrap();
    assert!(s.kept.capacity() < 1_000, "{}", s.kept.capacity());
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_same_comes_out(
        bodies in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..6),
        cut in 1_usize..70,
    ) {
        let mut bytes = [peer_greeting(), peer_ready("PUB")].concat();
        for (more, body) in &bodies {
            bytes.extend(write_frame(u8::from(*more), body));
        }
        let whole = all(&mut Subscriber::new(&[], 2_000), &bytes);
        let mut s = Subscriber::new(&[], 2_000);
        let mut pieces = Vec::new();
        let mut end = Ok(());
        for piece in bytes.chunks(cut) {
            end = end.and(s.take(piece, &mut |step| pieces.push(step)));
        }
        prop_assert_eq!(whole, end.map(|()| pieces));
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..500), greeted: bool) {
        let mut s = if greeted { open(&[]) } else { Subscriber::new(&[], 1_000) };
        let _ = s.take(&bytes, &mut |_| {});
    }
}
