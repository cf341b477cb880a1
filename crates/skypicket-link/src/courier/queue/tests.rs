//! The queue by itself: examples, and a random life against a model of it.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use uuid::Uuid;

const WALL: Time = Time::from_micros(1_790_000_000_000_000);

fn id(n: u32) -> DeliveryId {
    DeliveryId(Uuid::from_u128(u128::from(n)))
}

fn message(n: u32, level: Level) -> Outgoing<()> {
    Outgoing { delivery: id(n), attempt: 1, reminder: 0, level, expires_at: None, letter: () }
}

fn accepted() -> Sent {
    Sent::Accepted { reference: None }
}

fn broken() -> Sent {
    Sent::Failed(Trouble::of_channel(Why::NoConnection))
}

fn small() -> Settings {
    Settings { room: 8, at_once: 3, ..Settings::named("test") }
}

fn send(q: &mut Queue<()>, now: Instant) -> Option<DeliveryId> {
    match q.next(now) {
        Next::Send(g) => Some(g.message.delivery),
        _ => None,
    }
}

fn reports(q: &mut Queue<()>) -> Vec<(DeliveryId, Sent)> {
    let mut out = Vec::new();
    while let Some(n) = q.news() {
        if let News::Report(r) = n {
            out.push((r.delivery, r.sent));
        }
    }
    out
}

#[test]
fn a_full_queue_refuses_the_lower_levels_first_and_drives_nothing_out() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    let mut n = 0;
    let mut fill = |q: &mut Queue<()>, level| {
        let mut taken = 0;
        loop {
            n += 1;
            match q.take(message(n, level), WALL, t) {
                Ok(()) => taken += 1,
                Err(why) => {
                    assert_eq!(why, Refused::Full);
                    assert_eq!(
                        why.sent().unwrap().outcome(),
                        skypicket_model::delivery::Outcome::Failed("queue_full".into())
                    );
                    return taken;
                }
            }
        }
    };
    assert_eq!(fill(&mut q, Level::Advisory), 6);
    assert_eq!(fill(&mut q, Level::Caution), 1);
    assert_eq!(fill(&mut q, Level::Urgent), 1);
    assert!(reports(&mut q).is_empty(), "nothing that was taken has failed");
    assert_eq!(q.view(t).counts.refused, 3);
}

#[test]
fn the_same_delivery_is_never_there_twice() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    q.take(message(1, Level::Caution), WALL, t).unwrap();
    assert_eq!(q.take(message(1, Level::Caution), WALL, t), Err(Refused::Already));
    assert_eq!(send(&mut q, t), Some(id(1)));
    assert_eq!(q.take(message(1, Level::Urgent), WALL, t), Err(Refused::Already), "under way");
    q.done(id(1), accepted(), t);
    assert!(q.take(message(1, Level::Urgent), WALL, t).is_ok());
    assert!(Refused::Already.sent().is_none(), "not a failure");
}

#[test]
fn what_expired_or_was_taken_back_while_waiting_is_not_sent() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    let late = Outgoing { expires_at: Some(WALL.plus_s(10.0)), ..message(1, Level::Urgent) };
    q.take(late.clone(), WALL, t).unwrap();
    q.take(message(2, Level::Urgent), WALL, t).unwrap();
    q.take(message(3, Level::Urgent), WALL, t).unwrap();
    assert_eq!(q.cancel(&[id(2), id(9)], t), 1);
    let t = t + Duration::from_secs(10);
    assert_eq!(send(&mut q, t), Some(id(3)));
    assert_eq!(send(&mut q, t), None);
    assert_eq!(q.cancel(&[id(3)], t), 0, "under way");
    let failed = |why| Sent::Failed(Trouble::of_message(why));
    assert_eq!(reports(&mut q), [(id(2), failed(Why::Cancelled)), (id(1), failed(Why::Expired))]);
    assert_eq!(q.take(late, WALL.plus_s(10.0), t), Err(Refused::Expired));
    let v = q.view(t);
    assert_eq!((v.counts.expired, v.counts.cancelled, v.counts.failed), (1, 1, 0));
}

#[test]
fn an_owner_that_does_not_listen_fills_the_room_and_no_more() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    for n in 0..8 {
        q.take(message(n, Level::Urgent), WALL, t).unwrap();
        send(&mut q, t).unwrap();
        q.done(id(n), accepted(), t);
    }
    assert_eq!(q.take(message(8, Level::Urgent), WALL, t), Err(Refused::Full));
    assert_eq!(reports(&mut q).len(), 8);
    assert!(q.take(message(8, Level::Urgent), WALL, t).is_ok());
}

#[test]
fn slow_advisories_leave_a_place_for_an_urgent_one() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    for n in 0..5 {
        q.take(message(n, Level::Advisory), WALL, t).unwrap();
    }
    assert!(send(&mut q, t).is_some());
    assert_eq!(send(&mut q, t), None, "an advisory may use one place of three");
    q.take(message(10, Level::Caution), WALL, t).unwrap();
    q.take(message(11, Level::Urgent), WALL, t).unwrap();
    assert_eq!(send(&mut q, t), Some(id(11)));
    assert_eq!(send(&mut q, t), None);
    q.done(id(11), accepted(), t);
    assert_eq!(send(&mut q, t), Some(id(10)));
}

#[test]
fn five_failures_in_a_row_bring_it_down_and_a_probe_and_one_message_bring_it_up() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    for n in 0..6 {
        q.take(message(n, Level::Urgent), WALL, t).unwrap();
    }
    for n in 0..5 {
        assert_eq!(send(&mut q, t), Some(id(n)));
        q.done(id(n), broken(), t);
    }
    let told: Vec<_> = std::iter::from_fn(|| q.news()).collect();
    assert_eq!(told.get(5), Some(&News::Down(Why::NoConnection)));
    assert!(
        matches!(told.get(6), Some(News::Report(r)) if r.delivery == id(5) && r.sent == Sent::Failed(Trouble::of_message(Why::ChannelDown))),
        "what waited goes to another channel: {told:?}"
    );
    assert_eq!(q.take(message(7, Level::Urgent), WALL, t), Err(Refused::Down));
    let Next::Wait(Some(again)) = q.next(t) else { panic!("rests") };
    assert!(matches!(q.next(again), Next::Probe));
    assert!(matches!(q.next(again), Next::Wait(None)), "one probe at a time");
    q.probed(&Err(Trouble::of_channel(Why::NoConnection)), again);
    let Next::Wait(Some(again)) = q.next(again) else { panic!("rests on") };
    assert!(matches!(q.next(again), Next::Probe));
    q.probed(&Ok(()), again);
    assert_eq!(q.news(), Some(News::Up));
    q.take(message(7, Level::Urgent), WALL, again).unwrap();
    q.take(message(8, Level::Urgent), WALL, again).unwrap();
    assert_eq!(send(&mut q, again), Some(id(7)));
    assert_eq!(send(&mut q, again), None, "on trial one goes alone");
    assert_eq!(q.view(again).line, Line::Trial);
    q.done(id(7), accepted(), again);
    assert_eq!(q.view(again).line, Line::Up);
    assert_eq!(send(&mut q, again), Some(id(8)));
}

#[test]
fn on_trial_one_failure_is_down_again() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    for n in 0..5 {
        q.take(message(n, Level::Urgent), WALL, t).unwrap();
        send(&mut q, t).unwrap();
        q.done(id(n), broken(), t);
    }
    let Next::Wait(Some(again)) = q.next(t) else { panic!("rests") };
    assert!(matches!(q.next(again), Next::Probe));
    q.probed(&Ok(()), again);
    q.take(message(9, Level::Urgent), WALL, again).unwrap();
    send(&mut q, again).unwrap();
    q.done(id(9), broken(), again);
    assert_eq!(q.view(again).line, Line::Down);
}

#[test]
fn trouble_of_one_message_says_nothing_against_the_channel() {
    let t = Instant::now();
    let mut q = Queue::new(small());
    for n in 0..50 {
        q.take(message(n, Level::Urgent), WALL, t).unwrap();
        send(&mut q, t).unwrap();
        q.done(id(n), Sent::Failed(Trouble::of_message(Why::Refused).with_code(550)), t);
        reports(&mut q);
    }
    assert_eq!(q.view(t).line, Line::Up);
}

#[test]
fn a_short_rest_that_is_asked_for_is_waited_for_and_a_long_one_is_down() {
    let t = Instant::now();
    let busy = |s| Sent::Failed(Trouble::of_channel(Why::Busy).with_code(429).with_rest(Some(Duration::from_secs(s))));
    let mut q = Queue::new(small());
    q.take(message(1, Level::Urgent), WALL, t).unwrap();
    q.take(message(2, Level::Urgent), WALL, t).unwrap();
    send(&mut q, t).unwrap();
    q.done(id(1), busy(2), t);
    let later = t + Duration::from_secs(2);
    assert!(matches!(q.next(t), Next::Wait(Some(at)) if at == later));
    assert_eq!(q.view(t).line, Line::Up);
    assert_eq!(send(&mut q, later), Some(id(2)));
    q.done(id(2), busy(60), later);
    assert_eq!(q.view(later).line, Line::Down);
}

/// One step of a random life.
#[derive(Debug, Clone)]
enum Step {
    Take { n: u32, level: Level, lives_s: Option<u8> },
    Pass { ms: u32 },
    Done { which: usize, how: u8 },
    Cancel { n: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = prop_oneof![Just(Level::Advisory), Just(Level::Caution), Just(Level::Urgent)];
    let step = prop_oneof![
        5 => (0u32..60, level, prop::option::of(0u8..20)).prop_map(|(n, level, lives_s)| Step::Take { n, level, lives_s }),
        2 => (1u32..3_000).prop_map(|ms| Step::Pass { ms }),
        4 => (0usize..8, 0u8..12).prop_map(|(which, how)| Step::Done { which, how }),
        1 => (0u32..60).prop_map(|n| Step::Cancel { n }),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    /// Whatever happens: what is taken is reported exactly once; none goes while a higher one waits, or out of the
    /// order of its level, or late, or twice at once; and all bounds hold.
    #[test]
    fn never_lost_doubled_reordered_or_out_of_bounds(steps in steps(), room in 3usize..20, at_once in 3usize..6, rate in prop::option::of(1u8..20)) {
        let per_s = rate.map(f64::from);
        let settings = Settings { room, at_once, per_s, burst: 4, ..Settings::named("test") };
        let mut q = Queue::new(settings);
        let start = Instant::now();
        let mut ms = 0u64;
        // The order of taking, the model's own.
        let mut waiting: Vec<(u32, Level, Option<u64>)> = Vec::new();
        let mut under_way: Vec<u32> = Vec::new();
        let mut owed: HashMap<u32, u32> = HashMap::new();
        let mut sent_at: Vec<u64> = Vec::new();
        let end = [Step::Pass { ms: 1 }];
        for step in steps.iter().chain(&end) {
            let now = start + Duration::from_millis(ms);
            let wall = WALL.plus_s(ms as f64 / 1e3);
            match *step {
                Step::Take { n, level, lives_s } => {
                    let expires_at = lives_s.map(|s| wall.plus_s(f64::from(s)));
                    let m = Outgoing { expires_at, ..message(n, level) };
                    let before = waiting.len();
                    match q.take(m, wall, now) {
                        Ok(()) => {
                            prop_assert!(!owed.contains_key(&n));
                            owed.insert(n, 1);
                            waiting.push((n, level, lives_s.map(|s| ms + 1_000 * u64::from(s))));
                        }
                        Err(Refused::Full) => prop_assert!(before + 2 * (room / 8).max(1) >= room || level != Level::Urgent),
                        Err(_) => {}
                    }
                }
                Step::Pass { ms: passed } => ms += u64::from(passed),
                Step::Done { which, how } => if !under_way.is_empty() {
                    let n = under_way.remove(which % under_way.len());
                    let sent = match how {
                        0..=3 => accepted(),
                        4 => Sent::Delivered,
                        5 => Sent::Ambiguous(Trouble::of_channel(Why::Broken)),
                        6 => Sent::Failed(Trouble::of_message(Why::Refused)),
                        7 => Sent::Failed(Trouble::of_channel(Why::Busy).with_rest(Some(Duration::from_secs(2)))),
                        _ => broken(),
                    };
                    q.done(id(n), sent, now);
                },
                Step::Cancel { n } => {
                    let there = waiting.iter().any(|w| w.0 == n);
                    // It may have expired without our having looked.
                    prop_assert!(q.cancel(&[id(n)], now) <= usize::from(there));
                }
            }
            let now = start + Duration::from_millis(ms);
            let mut probes = 0;
            loop {
                let next = q.next(now);
                // What has failed meanwhile waits no more.
                while let Some(news) = q.news() {
                    if let News::Report(r) = news {
                        let n = u32::try_from(r.delivery.0.as_u128()).unwrap();
                        prop_assert!(owed.remove(&n).is_some(), "reported twice or never taken: {}", n);
                        waiting.retain(|w| w.0 != n);
                    }
                }
                match next {
                    Next::Send(going) => {
                        let n = u32::try_from(going.message.delivery.0.as_u128()).unwrap();
                        let at = waiting.iter().position(|w| w.0 == n);
                        let (_, level, expires) = waiting.remove(at.expect("sent though it does not wait"));
                        prop_assert!(expires.is_none_or(|e| e > ms), "sent late");
                        prop_assert!(waiting.iter().all(|w| w.1 <= level), "a higher level was held behind a lower one");
                        prop_assert!(!waiting.iter().take(at.unwrap()).any(|w| w.1 == level), "out of order within its level");
                        under_way.push(n);
                        sent_at.push(ms);
                        prop_assert!((going.now.since_s(WALL) - ms as f64 / 1e3).abs() < 1e-3, "the carrier's time is the centre's");
                    }
                    Next::Probe => {
                        probes += 1;
                        prop_assert!(probes == 1, "one probe at a time");
                        q.probed(&if ms.is_multiple_of(2) { Ok(()) } else { Err(Trouble::of_channel(Why::NoConnection)) }, now);
                    }
                    Next::Wait(at) => { prop_assert!(at.is_none_or(|at| at > now), "would spin"); break }
                    Next::Done => break,
                }
            }
            prop_assert!(under_way.len() <= at_once);
            prop_assert_eq!(under_way.iter().collect::<HashSet<_>>().len(), under_way.len(), "one delivery twice at once");
            prop_assert!(waiting.len() <= room);
            let v = q.view(now);
            prop_assert_eq!(v.urgent + v.caution + v.advisory, waiting.len());
            prop_assert_eq!(v.under_way, under_way.len());
            prop_assert_eq!(q.places.len(), waiting.len() + under_way.len());
            prop_assert!(q.expiries.len() <= waiting.len());
            if let Some(per_s) = per_s {
                for (i, from) in sent_at.iter().enumerate() {
                    let n = (sent_at.len() - i) as f64;
                    let window_s = (sent_at.last().unwrap() - from) as f64 / 1e3;
                    prop_assert!(n <= 4.0 + window_s * per_s + 1e-3, "faster than the channel bears");
                }
            }
        }
        // The end: all that is owed is told.
        let now = start + Duration::from_millis(ms);
        q.give_up(now);
        for n in under_way {
            q.done(id(n), accepted(), now);
        }
        for (delivery, _) in reports(&mut q) {
            let n = u32::try_from(delivery.0.as_u128()).unwrap();
            prop_assert!(owed.remove(&n).is_some(), "reported twice");
        }
        prop_assert!(owed.is_empty(), "lost: {:?}", owed);
        prop_assert!(matches!(q.next(now), Next::Done));
        prop_assert!(q.places.is_empty() && q.expiries.is_empty() && q.news.is_empty() && q.untold == 0);
    }
}
