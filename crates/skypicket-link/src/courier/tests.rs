//! The courier with its task, under paused time: a scripted carrier, no socket.

use super::*;
use skypicket_model::{Level, delivery::Outcome};
use std::collections::VecDeque;
use tokio::sync::Semaphore;
use uuid::Uuid;

const NOW: Time = Time::from_micros(1_790_000_000_000_000);

/// After so many seconds it panics.
const FAULT_S: u64 = 13;

/// Answers by script, each after so long; the last answer for ever.
#[derive(Clone)]
struct Scripted {
    script: Arc<Mutex<VecDeque<(Duration, Sent)>>>,
    seen: Arc<Mutex<Vec<(DeliveryId, Time)>>>,
    there: Arc<Mutex<bool>>,
    /// One permit for each that may go on.
    gate: Option<Arc<Semaphore>>,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = (u64, Sent)>) -> Self {
        let script = script.into_iter().map(|(s, sent)| (Duration::from_secs(s), sent)).collect();
        Self {
            script: Arc::new(Mutex::new(script)),
            seen: Arc::default(),
            there: Arc::new(Mutex::new(true)),
            gate: None,
        }
    }

    fn seen(&self) -> Vec<DeliveryId> {
        self.seen.lock().unwrap().iter().map(|(id, _)| *id).collect()
    }
}

impl Carrier for Scripted {
    type Letter = ();

    const LONGEST: Duration = Duration::from_secs(30);

    async fn send(&self, message: &Outgoing<()>, now: Time) -> Sent {
        self.seen.lock().unwrap().push((message.delivery, now));
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        let (after, sent) = {
            let mut script = self.script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.unwrap()
        };
        tokio::time::sleep(after).await;
        assert!(after.as_secs() != FAULT_S, "a fault, by script");
        sent
    }

    async fn probe(&self) -> Result<(), Trouble> {
        if *self.there.lock().unwrap() { Ok(()) } else { Err(Trouble::of_channel(Why::NoConnection)) }
    }
}

fn id(n: u128) -> DeliveryId {
    DeliveryId(Uuid::from_u128(n))
}

fn message(n: u128, level: Level) -> Outgoing<()> {
    Outgoing { delivery: id(n), attempt: 1, reminder: 0, level, expires_at: None, letter: () }
}

fn accepted() -> Sent {
    Sent::Accepted { reference: None }
}

fn broken() -> Sent {
    Sent::Failed(Trouble::of_channel(Why::NoConnection))
}

async fn report(news: &mut mpsc::Receiver<News>) -> (DeliveryId, Sent) {
    match news.recv().await.expect("news") {
        News::Report(r) => (r.delivery, r.sent),
        other => panic!("a report was expected: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn urgent_goes_first_and_each_is_reported_once() {
    let mut carrier = Scripted::new([(0, accepted())]);
    let gate = Arc::new(Semaphore::new(0));
    carrier.gate = Some(Arc::clone(&gate));
    let (courier, mut news) = Courier::start(carrier.clone(), Settings { at_once: 3, ..Settings::named("test") });
    courier.take(message(1, Level::Advisory), NOW).unwrap();
    courier.take(message(2, Level::Advisory), NOW).unwrap();
    courier.take(message(3, Level::Caution), NOW).unwrap();
    courier.take(message(4, Level::Urgent), NOW).unwrap();
    gate.add_permits(100);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(report(&mut news).await.0);
    }
    told.sort();
    assert_eq!(told, [id(1), id(2), id(3), id(4)]);
    let seen = carrier.seen();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen, [id(4), id(3), id(1), id(2)]);
    courier.drain(Duration::from_secs(1)).await;
    assert_eq!(news.recv().await, None, "nothing more is told");
}

#[tokio::test(start_paused = true)]
async fn a_try_that_does_not_end_is_ambiguous_at_the_deadline_and_a_fault_is_too() {
    let carrier = Scripted::new([(3_600, accepted()), (0, accepted())]);
    let (courier, mut news) = Courier::start(carrier, Settings::named("test"));
    let t = Instant::now();
    courier.take(message(1, Level::Urgent), NOW).unwrap();
    let (_, sent) = report(&mut news).await;
    assert_eq!(sent.outcome(), Outcome::Ambiguous("timed_out".into()));
    assert_eq!(t.elapsed(), Duration::from_secs(30));
    courier.take(message(2, Level::Urgent), NOW).unwrap();
    assert_eq!(report(&mut news).await.1, accepted());

    let carrier = Scripted::new([(FAULT_S, accepted())]);
    let (courier, mut news) = Courier::start(carrier, Settings::named("test"));
    courier.take(message(3, Level::Urgent), NOW).unwrap();
    let (_, sent) = report(&mut news).await;
    assert_eq!(sent.outcome(), Outcome::Ambiguous("fault".into()), "a carrier that panics loses nothing");
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_told_down_and_up_and_messages_go_again() {
    let carrier =
        Scripted::new([(0, broken()), (0, broken()), (0, broken()), (0, broken()), (0, broken()), (0, accepted())]);
    *carrier.there.lock().unwrap() = false;
    let (courier, mut news) = Courier::start(carrier.clone(), Settings::named("test"));
    for n in 0..5 {
        courier.take(message(n, Level::Urgent), NOW).unwrap();
        assert_eq!(report(&mut news).await.1, broken());
    }
    assert_eq!(news.recv().await, Some(News::Down(Why::NoConnection)));
    assert_eq!(courier.take(message(9, Level::Urgent), NOW), Err(Refused::Down));
    let view = courier.view();
    assert_eq!((view.line, view.counts.failed, view.counts.refused), (Line::Down, 5, 1));
    tokio::time::advance(Duration::from_secs(100)).await;
    assert_eq!(courier.view().line, Line::Down, "it still does not answer");
    *carrier.there.lock().unwrap() = true;
    assert_eq!(news.recv().await, Some(News::Up));
    courier.take(message(9, Level::Urgent), NOW).unwrap();
    assert_eq!(report(&mut news).await.1, accepted());
    assert_eq!(courier.view().line, Line::Up);
}

#[tokio::test(start_paused = true)]
async fn the_carrier_is_told_the_centres_time_of_sending_not_of_taking() {
    let carrier = Scripted::new([(20, accepted())]);
    let (courier, mut news) = Courier::start(carrier.clone(), Settings { at_once: 3, ..Settings::named("test") });
    courier.take(message(1, Level::Advisory), NOW).unwrap();
    courier.take(message(2, Level::Advisory), NOW).unwrap();
    report(&mut news).await;
    report(&mut news).await;
    let seen = carrier.seen.lock().unwrap().clone();
    assert_eq!(seen, [(id(1), NOW), (id(2), NOW.plus_s(20.0))]);
}

#[tokio::test(start_paused = true)]
async fn what_expires_while_it_waits_is_told_in_time() {
    let carrier = Scripted::new([(25, accepted())]);
    let (courier, mut news) = Courier::start(carrier.clone(), Settings { at_once: 3, ..Settings::named("test") });
    courier.take(message(1, Level::Advisory), NOW).unwrap();
    let late = Outgoing { expires_at: Some(NOW.plus_s(10.0)), ..message(2, Level::Advisory) };
    courier.take(late, NOW).unwrap();
    let t = Instant::now();
    let (which, sent) = report(&mut news).await;
    assert_eq!((which, sent.outcome()), (id(2), Outcome::Failed("expired".into())));
    assert!(t.elapsed() < Duration::from_secs(11), "at its time, not when its turn comes: {:?}", t.elapsed());
    assert_eq!(report(&mut news).await.0, id(1));
    assert_eq!(carrier.seen(), [id(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_sends_what_it_can_and_reports_the_rest() {
    // Each takes 4 s, one advisory at a time, 10 s in all.
    let carrier = Scripted::new([(4, accepted())]);
    let (courier, mut news) = Courier::start(carrier.clone(), Settings { at_once: 3, ..Settings::named("test") });
    for n in 0..6 {
        courier.take(message(n, Level::Advisory), NOW).unwrap();
    }
    courier.drain(Duration::from_secs(10)).await;
    assert_eq!(courier.take(message(9, Level::Urgent), NOW), Err(Refused::Closed));
    let mut told = HashMap::new();
    while let Some(n) = news.recv().await {
        let News::Report(r) = n else { panic!("{n:?}") };
        assert!(told.insert(r.delivery, r.sent.outcome()).is_none());
    }
    let failed = Outcome::Failed("shut_down".into());
    for (n, expect) in [
        (0, Outcome::Accepted),
        (1, Outcome::Accepted),
        (2, Outcome::Ambiguous("shut_down".into())),
        (3, failed.clone()),
        (4, failed.clone()),
        (5, failed),
    ] {
        assert_eq!(told.get(&id(n)), Some(&expect), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_courier_and_an_owner_that_went_end_it() {
    let carrier = Scripted::new([(4, accepted())]);
    let (courier, mut news) = Courier::start(carrier, Settings::named("test"));
    courier.take(message(1, Level::Urgent), NOW).unwrap();
    drop(courier);
    let (_, sent) = report(&mut news).await;
    assert!(matches!(sent.outcome(), Outcome::Failed(w) | Outcome::Ambiguous(w) if w == "shut_down"));
    assert_eq!(news.recv().await, None);

    let (courier, news) = Courier::start(Scripted::new([(0, accepted())]), Settings::named("test"));
    drop(news);
    courier.take(message(1, Level::Urgent), NOW).unwrap();
    courier.drain(Duration::from_mins(1)).await;
}
