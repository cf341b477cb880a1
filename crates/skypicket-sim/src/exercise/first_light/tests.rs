//! The exercise run through the engines, as the centre would.

use super::*;
use skypicket_model::{IdMaker, LogId, NoticeState, ProtectedId, Track, TrackId, track::Affiliation};
use skypicket_track::{Settings, Tracker};
use skypicket_warn::{Policy, Warner};
use std::collections::BTreeSet;
use uuid::Uuid;

const T0: Time = Time::from_micros(1_790_000_000_000_000);

/// What was told and done, with the second of it.
#[derive(Default)]
struct Outcome {
    notices: Vec<(f64, Notice)>,
    sightings: Vec<(f64, Sighting)>,
    acknowledged: BTreeSet<(PersonId, NoticeId)>,
    refused: Vec<String>,
    /// The own flight's tracks while it was in its area.
    own: BTreeSet<(TrackId, Affiliation)>,
    most_tracks: usize,
}

/// A centre cut down to tracker and warner.
struct Centre {
    scene: FirstLight,
    tracker: Tracker,
    warner: Warner,
    entry: u64,
    out: Outcome,
}

impl Centre {
    fn new(seed: u64) -> Self {
        let scene = FirstLight::new(seed, T0);
        let mut warner = Warner::new(Policy::default(), Some("first-light".into()));
        warner.configure(&scene.directory());
        Self { scene, tracker: Tracker::new(Settings::default()), warner, entry: 0, out: Outcome::default() }
    }

    fn ids(&mut self) -> IdMaker {
        self.entry += 1;
        IdMaker::new(LogId(Uuid::from_u128(1)), self.entry)
    }

    fn settle(&mut self, mut ids: IdMaker, now: Time) {
        for n in self.warner.decide(&mut ids, now) {
            self.warner.apply(&n);
            if let ProtectedId::Person(p) = &n.warning().unwrap().protected {
                self.scene.on_notice(&n, std::slice::from_ref(p), now);
            }
            self.out.notices.push((now.since_s(T0), n));
        }
    }

    fn tracks(&mut self, tracks: &[Track], ids: IdMaker, now: Time) {
        self.warner.absorb_tracks(tracks, now);
        self.settle(ids, now);
    }

    fn run(mut self, seconds: u32) -> Outcome {
        for step in 0..seconds * 4 {
            let now = T0.plus_s(f64::from(step) / 4.0);
            for event in self.scene.events_until(now) {
                let mut ids = self.ids();
                match event.what {
                    Happening::Observation(o) => {
                        let changed = self.tracker.observe(&o, &mut ids, now);
                        self.tracks(&changed, ids, now);
                    }
                    Happening::Position(p) => {
                        self.warner.absorb_position(&p, now);
                        self.settle(ids, now);
                    }
                    Happening::Act { by, act: Act::Sighting { sighting } } => {
                        assert_eq!(by, sighting.reporter);
                        if let Err(e) = sighting.check() {
                            self.out.refused.push(e.to_string());
                        }
                        let o = sighting.observation(skypicket_model::ObservationId(ids.make()), now);
                        self.out.sightings.push((now.since_s(T0), *sighting));
                        let changed = self.tracker.observe(&o, &mut ids, now);
                        self.tracks(&changed, ids, now);
                    }
                    Happening::Act { act: Act::OwnFlight(f), .. } => self.tracker.set_own_flights(&[f]),
                    Happening::Act { by, act: Act::Acknowledge { notice, .. } } => {
                        self.out.acknowledged.insert((by, notice));
                    }
                    Happening::Act { .. } | Happening::Reach { .. } => {}
                }
            }
            if step % 4 == 0 {
                let ids = self.ids();
                let all = self.tracker.tick(now);
                self.out.most_tracks = self.out.most_tracks.max(all.len());
                for t in &all {
                    if t.id_of(skypicket_model::observation::IdKind::Serial).is_some_and(|i| i.value == sky::OWN_SERIAL)
                    {
                        self.out.own.insert((t.id, t.affiliation));
                    }
                }
                self.warner.absorb_tracks(&all, now);
                self.warner.tick(now);
                self.settle(ids, now);
            }
        }
        self.out
    }
}

fn who(n: &Notice) -> String {
    n.warning().unwrap().protected.to_string()
}

/// The first two rounds of the intruder, for two seeds.
#[test]
fn the_western_pickets_are_warned_in_time_and_nobody_of_anything_else() {
    for seed in [1, 2] {
        let out = Centre::new(seed).run(700);
        for (s, n) in &out.notices {
            println!("{s:6.1} {} v{} {:?} {:?} ack {} {}", who(n), n.version, n.state, n.level, n.needs_ack, n.text);
        }
        println!("{} tracks at most, {} sightings", out.most_tracks, out.sightings.len());
        assert_eq!(out.refused, Vec::<String>::new());
        // Urgent for those under its way, each before it can be inside their stand-off, in both rounds.
        for round in 0..2u32 {
            let from = sky::INTRUDER_FIRST_S + f64::from(round) * sky::INTRUDER_EVERY_S;
            for person in ["visitor", "picket-2", "picket-3"] {
                let phone = PHONES.iter().find(|p| p.id == person).unwrap();
                let inside = (0..300)
                    .map(|s| from + f64::from(s))
                    .find(|t| {
                        sky::intruder(seed, *t).is_some_and(|d| {
                            let (e, n) = (d[0] - phone.at[0], d[1] - phone.at[1]);
                            libm::sqrt(e * e + n * n + d[2] * d[2]) <= 150.0
                        })
                    })
                    .unwrap();
                let first = out.notices.iter().find(|(s, n)| *s >= from && who(n) == person).map_or(0.0, |(s, _)| *s);
                assert!(first + 20.0 < inside, "{person}: first told at {first}, inside at {inside}");
                let urgent = out
                    .notices
                    .iter()
                    .find(|(s, n)| *s >= from && who(n) == person && n.level == Level::Urgent && n.needs_ack)
                    .map(|(s, _)| *s);
                let urgent = urgent.unwrap_or_else(|| panic!("{person} was not warned in round {round}"));
                assert!(urgent + 12.0 < inside, "{person}: urgent at {urgent}, inside at {inside}");
            }
        }
        // The eastern pickets, a kilometre away and beside the own flight, are left in peace.
        for (s, n) in &out.notices {
            assert!(!["picket-4", "picket-5", "picket-6"].contains(&&*who(n)), "{s} {n:?}");
            assert_eq!(n.exercise.as_deref(), Some("first-light"));
        }
        // The own flight is one track, known as own from its first second on.
        assert_eq!(out.own.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 1);
        assert!(out.own.iter().all(|(_, a)| *a == Affiliation::Own), "{:?}", out.own);
        assert!(out.notices.iter().all(|(_, n)| out.own.iter().all(|(id, _)| n.track() != Some(*id))));
        // Those who answer have acknowledged, and the silent one has not.
        let by: BTreeSet<String> = out.acknowledged.iter().map(|(p, _)| p.to_string()).collect();
        assert!(by.contains("picket-2") && !by.contains("picket-3") && !by.contains("visitor"), "{by:?}");
        assert!(!out.sightings.is_empty());
        // Calm: each round is one warning a person, raised once and cleared once.
        for person in ["visitor", "picket-2", "picket-3"] {
            let raised = out.notices.iter().filter(|(_, n)| who(n) == person && n.state == NoticeState::Raised).count();
            let cleared =
                out.notices.iter().filter(|(_, n)| who(n) == person && n.state == NoticeState::Cleared).count();
            assert!((2..=3).contains(&raised) && cleared == raised, "{person}: {raised} raised, {cleared} cleared");
        }
    }
}

#[test]
fn within_any_five_minutes_of_the_hour_somebody_flies_at_the_visitor() {
    for start in (0..3_300).step_by(10) {
        let near = (start..start + 300).any(|t| {
            sky::intruder(7, f64::from(t))
                .is_some_and(|d| libm::hypot(d[0] - sky::INTRUDER_TARGET[0], d[1] - sky::INTRUDER_TARGET[1]) < 900.0)
        });
        assert!(near, "nothing from {start} s on");
    }
}

#[test]
fn nothing_jumps() {
    for t in 0..4_000 {
        let t = f64::from(t) / 2.0;
        let steps = [
            sky::intruder(3, t).zip(sky::intruder(3, t + 0.5)),
            Some((sky::own(t), sky::own(t + 0.5))),
            sky::passer(t).zip(sky::passer(t + 0.5)),
        ];
        for (a, b) in steps.into_iter().flatten() {
            let d = libm::sqrt(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum());
            assert!(d < 12.5, "{t}: {a:?} {b:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_events_however_time_is_cut() {
    let all = |seed: u64, step: f64| {
        let mut scene = FirstLight::new(seed, T0);
        let mut events = Vec::new();
        let mut t = 0.0;
        while t < 240.0 {
            t += step;
            events.extend(scene.events_until(T0.plus_s(t)));
        }
        events
    };
    let (a, b) = (all(5, 240.0), all(5, 0.25));
    assert_eq!(a, b);
    assert_ne!(a, all(6, 240.0));
    assert!(a.windows(2).all(|w| w[0].at <= w[1].at));
    // Six people and the visitor are heard of, each about every five seconds.
    let positions = a.iter().filter(|e| matches!(e.what, Happening::Position(_))).count();
    assert!((7 * 46..=7 * 49).contains(&positions), "{positions}");
    let reached = a.iter().filter(|e| matches!(e.what, Happening::Reach { up: true, .. })).count();
    assert_eq!(reached, 6);
}

#[test]
fn a_real_phone_silences_the_simulated_one() {
    let visitor = named(VISITOR, PersonId::new);
    let mut scene = FirstLight::new(1, T0);
    let heard = |scene: &mut FirstLight, until: f64| {
        let events = scene.events_until(T0.plus_s(until));
        events.iter().filter(|e| matches!(&e.what, Happening::Position(p) if p.person == visitor)).count()
    };
    assert!(heard(&mut scene, 20.0) > 2);
    scene.is_live(&visitor, T0.plus_s(20.0));
    assert_eq!(heard(&mut scene, 139.0), 0);
    assert!(heard(&mut scene, 160.0) > 2);
}

#[test]
fn a_long_sleep_is_not_made_up_for() {
    let mut scene = FirstLight::new(1, T0);
    scene.events_until(T0.plus_s(10.0));
    let events = scene.events_until(T0.plus_s(86_400.0));
    assert!(events.len() < 2_000, "{}", events.len());
}

#[test]
fn an_answer_to_an_older_version_is_dropped() {
    let out = Centre::new(1).run(200);
    let (_, n) = out.notices.iter().find(|(_, n)| n.version == 1 && who(n) == "picket-2").unwrap();
    let person = named("picket-2", PersonId::new);
    let mut scene = FirstLight::new(1, T0);
    scene.on_notice(n, std::slice::from_ref(&person), T0);
    let second = Notice { version: 2, ..n.clone() };
    scene.on_notice(&second, &[person], T0.plus_s(0.1));
    let acts = scene.events_until(T0.plus_s(60.0));
    let versions: BTreeSet<u32> = acts
        .iter()
        .filter_map(|e| match &e.what {
            Happening::Act { act: Act::Receipt { version, .. } | Act::Acknowledge { version, .. }, .. } => {
                Some(*version)
            }
            _ => None,
        })
        .collect();
    assert_eq!(versions, [2].into());
}
