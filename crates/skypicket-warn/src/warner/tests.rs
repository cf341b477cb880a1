//! What the engine tells, over whole stories.

use super::*;
use crate::{
    danger::tests::{HOME, track},
    policy::Ageing,
};
use proptest::prelude::*;
use skypicket_model::{
    AgencyId, Enu, LogId, ObservationId, Person, Role, SourceId, Unit, UnitId, kinematics::AirClass, people::Site,
    track::Affiliation, track::TrackIdentity,
};
use uuid::Uuid;

const T0: Time = Time::from_micros(1_700_000_000_000_000);

fn name(s: &str) -> PersonId {
    PersonId::new(s).unwrap()
}

fn directory(people: &[&str], site: Option<[f64; 2]>) -> Directory {
    let unit = UnitId::new("u").unwrap();
    let agency = AgencyId::new("a").unwrap();
    let mut d = Directory::default();
    d.units.insert(unit.clone(), Unit { id: unit.clone(), name: "U".into(), agency, leadership: vec![] });
    for p in people {
        d.people.insert(
            name(p),
            Person {
                id: name(p),
                name: format!("Picket {p}"),
                unit: unit.clone(),
                roles: [Role::Field].into(),
                channels: vec![],
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: Language::En,
                disabled: false,
            },
        );
    }
    if let Some([e, n]) = site {
        let id = UnitId::new("gate").unwrap();
        let at = Enu::at(HOME).to_place([e, n, 0.0]);
        d.sites.insert(id.clone(), Site { id, name: "West gate".into(), at, standoff_m: Some(100.0), unit });
    }
    d
}

fn position(who: &str, [e, n]: [f64; 2], at: Time) -> Position {
    Position {
        person: name(who),
        at: Enu::at(HOME).to_place([e, n, 0.0]),
        accuracy_m: 5.0,
        observed_at: at,
        via: SourceId::new("web").unwrap(),
    }
}

/// A track numbered `n`, with one observation of its own.
fn numbered(n: u128, enu: [f64; 3], vel: [f64; 3], now: Time) -> Track {
    let because = vec![ObservationId(Uuid::from_u128(1_000 + n))];
    Track { id: TrackId(Uuid::from_u128(n)), because, ..track(enu, vel, now) }
}

/// An engine and what it has told.
struct Story {
    warner: Warner,
    entry: u64,
    told: Vec<Notice>,
}

impl Story {
    fn new(d: &Directory) -> Self {
        let mut warner = Warner::new(Policy::default(), None);
        warner.configure(d);
        Self { warner, entry: 0, told: vec![] }
    }

    /// Decides and applies, as the centre does after each input; gives what was told.
    fn settle(&mut self, now: Time) -> Vec<Notice> {
        self.entry += 1;
        let ids = || IdMaker::new(LogId(Uuid::from_u128(9)), self.entry);
        let told = self.warner.decide(&mut ids(), now);
        for n in &told {
            self.warner.apply(n);
        }
        assert_eq!(self.warner.decide(&mut ids(), now), [], "told twice");
        self.told.extend(told.clone());
        told
    }

    /// One second with these tracks.
    fn second(&mut self, tracks: &[Track], now: Time) -> Vec<Notice> {
        self.warner.absorb_tracks(tracks, now);
        self.warner.tick(now);
        self.settle(now)
    }
}

fn line(n: &Notice) -> (u32, NoticeState, Level, bool) {
    (n.version, n.state, n.level, n.needs_ack)
}

#[test]
fn a_position_older_than_may_be_kept_is_forgotten_and_what_it_endangered_with_it() {
    let mut story = Story::new(&directory(&["p1", "p2"], None));
    let policy = Policy { position: Ageing { keep_s: 100.0, ..Ageing::default() }, ..Policy::default() };
    story.warner.set_policy(policy);
    let over = |s: f64| numbered(7, [0.0, 200.0, 60.0], [0.0, -5.0, 0.0], T0.plus_s(s));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    story.warner.absorb_position(&position("p2", [0.0, 0.0], T0.plus_s(90.0)), T0.plus_s(90.0));
    story.second(&[over(99.0)], T0.plus_s(99.0));
    let people = |w: &Warner| w.protected().filter(|p| matches!(p.id, ProtectedId::Person(_))).count();
    assert_eq!((people(&story.warner), story.warner.open().count()), (2, 2));
    let told = story.second(&[over(100.0)], T0.plus_s(100.0));
    assert_eq!(people(&story.warner), 1);
    assert_eq!(
        told.iter().map(|n| n.state).collect::<Vec<_>>(),
        [NoticeState::Cleared],
        "nothing is known of p1 any more"
    );
    assert!(story.warner.dangers().iter().all(|d| d.protected == ProtectedId::Person(name("p2"))));
    // The state as stored has forgotten it, too.
    let mut bytes = Vec::new();
    ciborium::into_writer(&story.warner, &mut bytes).unwrap();
    let restored: Warner = ciborium::from_reader(&bytes[..]).unwrap();
    assert_eq!(people(&restored), 1);
}

#[test]
fn an_approach_is_told_step_by_step_and_its_end_too() {
    use Level::{Advisory, Caution, Urgent};
    let mut story = Story::new(&directory(&["p1"], None));
    let mut times = vec![];
    // Head-on from 3.2 km at 12 m/s, over p1 (60 m up), away to the other side, then lost.
    for s in 0..480u32 {
        let now = T0.plus_s(f64::from(s));
        story.warner.absorb_position(&position("p1", [0.0, 0.0], now), now);
        let mut t = numbered(7, [0.0, 3_200.0 - 12.0 * f64::from(s), 60.0], [0.0, -12.0, 0.0], now);
        for i in 0..3 {
            t.vel_cov_enu[i][i] = 0.01;
        }
        for n in story.second(&[t], now) {
            times.push((s, line(&n)));
        }
    }
    let told: Vec<_> = times.iter().map(|(_, l)| *l).collect();
    assert_eq!(
        told,
        [
            (1, NoticeState::Raised, Advisory, true),
            (2, NoticeState::Updated, Caution, true),
            (3, NoticeState::Updated, Urgent, true),
            (4, NoticeState::Updated, Caution, false),
            (5, NoticeState::Updated, Advisory, false),
            (6, NoticeState::Cleared, Advisory, false),
        ],
        "{times:?}"
    );
    // The stand-off (137.5 m on the ground under 60 m of height) begins at 255.2 s, and ends at 278.1 s.
    let at: Vec<u32> = times.iter().map(|(s, _)| *s).collect();
    assert!(at[0] <= 1 && (133..=139).contains(&at[1]) && (223..=228).contains(&at[2]), "{at:?}");
    assert!((287..=291).contains(&at[3]) && at[4] == at[3] + 10 && at[5] == at[4] + 10, "{at:?}");
    let one_id: BTreeSet<_> = story.told.iter().map(|n| n.id).collect();
    assert_eq!(one_id.len(), 1);
    let codes: BTreeSet<_> = story.told.iter().map(|n| n.code.clone()).collect();
    assert!(codes.len() == 6 && codes.iter().all(|c| c.len() == 4 && c != "0000"), "{codes:?}");
    assert!(story.warner.open().next().is_none());
}

#[test]
fn texts_say_what_where_how_soon_and_what_to_do() {
    let mut story = Story::new(&directory(&["p1"], Some([4_000.0, 0.0])));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let told = story.second(&[numbered(1, [0.0, 600.0, 0.0], [0.0, -20.0, 0.0], T0)], T0);
    assert_eq!(
        told[0].text,
        "Drone. 000°, 600 m from you. It is coming closer. It may reach you in 18 s. Take cover now. Keep apart. Do not \
         touch anything that falls."
    );
    assert_eq!(
        told[0].text_es,
        "Dron. 000°, a 600 m de usted. Se está acercando. Puede llegar a usted en 18 s. Cúbrase ya. Manténganse \
         separados. No toque nada que caiga."
    );
    assert_eq!(told[0].warning().unwrap().protected_name, "Picket p1");
    assert_eq!(told[0].warning().unwrap().reasons, ["within_30_s"]);
    assert_eq!(told[0].warning().unwrap().because, [ObservationId(Uuid::from_u128(1_001))]);

    let mut t = numbered(2, [4_000.0 + 1_200.0, 0.0, 0.0], [-15.0, 0.0, 0.0], T0);
    t.place.alt_hae_m = None;
    let told = story.second(&[t], T0);
    assert_eq!(
        told[0].text,
        "Drone. 090°, 1.2 km from West gate. Height unknown. It is coming closer. It may reach West gate within 2 \
         minutes. Be ready to take cover. Keep apart. Watch the sky."
    );
    assert!(told[0].warning().unwrap().facts.height_unknown && told[0].exercise.is_none());
}

#[test]
fn a_single_report_is_told_as_possible_and_an_exercise_as_exercise() {
    let mut warner = Warner::new(Policy::default(), Some("first-light".into()));
    warner.configure(&directory(&["p1"], None));
    warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let wide = |s: f64| [[s * s, 0.0, 0.0], [0.0, s * s, 0.0], [0.0, 0.0, s * s]];
    let t = Track {
        by_people_only: true,
        state: TrackState::Tentative,
        existence: 0.4,
        cov_enu_m2: wide(90.0),
        vel_cov_enu: wide(8.0),
        class: None,
        sources: vec![SourceId::new("person.p2").unwrap()],
        ..numbered(1, [127.0, 127.0, 0.0], [0.0; 3], T0)
    };
    warner.absorb_tracks(&[t], T0);
    let told = warner.decide(&mut IdMaker::new(LogId(Uuid::nil()), 1), T0);
    assert_eq!(
        told[0].text,
        "EXERCISE. Possible drone, one report, not confirmed. 045°, about 180 m from you. Know your nearest cover. Watch \
         the sky. EXERCISE"
    );
    assert!(
        told[0].text_es.starts_with("EJERCICIO. Posible dron, un solo aviso")
            && told[0].text_es.ends_with(" EJERCICIO")
    );
    assert_eq!(told[0].exercise.as_deref(), Some("first-light"));
    assert!(told[0].warning().unwrap().facts.by_people_only && told[0].level == Level::Advisory);
}

#[test]
fn only_those_in_danger_are_warned() {
    let mut story = Story::new(&directory(&["near", "aside", "behind"], None));
    for (who, at) in [("near", [0.0, 0.0]), ("aside", [900.0, 0.0]), ("behind", [0.0, 1_500.0])] {
        story.warner.absorb_position(&position(who, at, T0), T0);
    }
    let told = story.second(&[numbered(1, [0.0, 500.0, 50.0], [0.0, -15.0, 0.0], T0)], T0);
    let who: Vec<_> = told.iter().map(|n| n.warning().unwrap().protected.clone()).collect();
    assert_eq!(who, [ProtectedId::Person(name("near"))]);
    // All three are listed as dangers, with numbers, since all are near.
    assert_eq!(story.warner.dangers().len(), 3);
}

#[test]
fn a_warning_ends_after_the_hold_when_its_track_is_deleted_or_silent() {
    for silent in [false, true] {
        let mut story = Story::new(&directory(&["p1"], None));
        story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
        let t = numbered(1, [0.0, 100.0, 0.0], [0.0; 3], T0);
        assert_eq!(story.second(std::slice::from_ref(&t), T0).len(), 1);
        let mut ended = None;
        for s in 1..80u32 {
            let now = T0.plus_s(f64::from(s));
            let gone = Track { state: TrackState::Deleted, measured_at: T0.plus_s(-20.0), at: now, ..t.clone() };
            let told = if silent || s > 1 { story.second(&[], now) } else { story.second(&[gone], now) };
            if let Some(n) = told.first() {
                assert_eq!(line(n), (2, NoticeState::Cleared, Level::Urgent, false));
                assert!(n.text.contains("no longer seen"), "{}", n.text);
                assert_eq!(n.warning().unwrap().because, t.because);
                ended = Some(s);
            }
        }
        // Deleted at 1 s, held to 11 s; or unheard for more than 30 s, held to 41 s.
        assert_eq!(ended, Some(if silent { 41 } else { 11 }));
        assert!(story.warner.tracks.is_empty() && story.warner.pairs.is_empty());
    }
}

#[test]
fn a_drone_that_circles_near_by_keeps_its_warning() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let mut told = vec![];
    // A circle of 100 m radius that comes as near as 100 m and goes as far as 300 m, once in 90 s.
    for s in 0..300u32 {
        let now = T0.plus_s(f64::from(s));
        let a = std::f64::consts::TAU * f64::from(s) / 90.0;
        let at = [200.0 - 100.0 * libm::cos(a), 100.0 * libm::sin(a), 0.0];
        let v = 100.0 * std::f64::consts::TAU / 90.0;
        let vel = [v * libm::sin(a), v * libm::cos(a), 0.0];
        told.extend(story.second(&[numbered(1, at, vel, now)], now));
    }
    assert!(told.iter().all(|n| n.state != NoticeState::Cleared && n.id == told[0].id), "{told:?}");
    assert!(told.iter().any(|n| n.level == Level::Advisory && n.text.contains("stays near")), "{told:?}");
    // What only passes at 250 m was never told and is not told by this.
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    assert_eq!(story.second(&[numbered(1, [0.0, 250.0, 0.0], [15.0, 0.0, 0.0], T0)], T0), []);
}

#[test]
fn a_flight_filed_late_ends_the_warning_and_says_why() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    story.second(&[numbered(1, [0.0, 100.0, 0.0], [0.0; 3], T0)], T0);
    let mut told = vec![];
    for s in 1..20u32 {
        let now = T0.plus_s(f64::from(s));
        let own = Track { affiliation: Affiliation::Own, ..numbered(1, [0.0, 100.0, 0.0], [0.0; 3], now) };
        told.extend(story.second(&[own], now));
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text, "Warning over: it is one of our own flights.");
    assert_eq!(told[0].warning().unwrap().reasons, ["own_flight"]);
}

#[test]
fn a_merged_track_alarms_nobody_anew() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let first = story.second(&[numbered(1, [0.0, 120.0, 0.0], [0.0; 3], T0)], T0);
    let now = T0.plus_s(1.0);
    let mut heir = numbered(2, [5.0, 118.0, 0.0], [0.0; 3], now);
    let dead = Track { state: TrackState::Deleted, ..numbered(1, [0.0, 120.0, 0.0], [0.0; 3], now) };
    heir.because.extend(dead.because.clone());
    let told = story.second(&[dead, heir.clone()], now);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(line(&told[0]), (2, NoticeState::Updated, Level::Urgent, false));
    assert_eq!((told[0].id, told[0].warning().unwrap().track), (first[0].id, heir.id));
    for s in 2..40u32 {
        let now = T0.plus_s(f64::from(s));
        assert_eq!(story.second(&[Track { at: now, measured_at: now, ..heir.clone() }], now), []);
    }
}

#[test]
fn when_both_merged_tracks_had_a_warning_one_stays() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let serial =
        |t: Track| Track { ids: vec![TrackIdentity { kind: IdKind::Serial, value: "S1".into(), p: 0.9 }], ..t };
    let a = serial(numbered(1, [0.0, 120.0, 0.0], [0.0; 3], T0));
    let b = serial(numbered(2, [5.0, 118.0, 0.0], [0.0; 3], T0));
    assert_eq!(story.second(&[a.clone(), b.clone()], T0).len(), 2);
    let now = T0.plus_s(1.0);
    let told = story.second(&[Track { state: TrackState::Deleted, ..a.clone() }, Track { at: now, ..b.clone() }], now);
    assert_eq!(told.len(), 1);
    assert!(told[0].state == NoticeState::Cleared && told[0].warning().unwrap().track == b.id, "{told:?}");
    assert!(told[0].text.contains("same drone as in another warning"));
    assert_eq!(story.warner.open().map(|n| n.warning().unwrap().track).collect::<Vec<_>>(), [b.id]);
}

#[test]
fn someone_no_longer_in_the_directory_is_no_longer_warned() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    story.warner.absorb_position(&position("stranger", [0.0, 0.0], T0), T0);
    assert_eq!(story.second(&[numbered(1, [0.0, 100.0, 0.0], [0.0; 3], T0)], T0).len(), 1);
    story.warner.configure(&directory(&["p2"], None));
    let told = story.settle(T0);
    assert_eq!(line(&told[0]), (2, NoticeState::Cleared, Level::Urgent, false));
    assert_eq!(told[0].warning().unwrap().reasons, ["not_protected"]);
}

#[test]
fn an_older_or_unusable_position_changes_nothing() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    story.warner.absorb_position(&position("p1", [9_000.0, 0.0], T0.plus_s(-5.0)), T0);
    let nan = Position { accuracy_m: f64::NAN, ..position("p1", [9_000.0, 0.0], T0.plus_s(1.0)) };
    story.warner.absorb_position(&nan, T0);
    assert_eq!(story.second(&[numbered(1, [0.0, 100.0, 0.0], [0.0; 3], T0)], T0).len(), 1);
    assert_eq!(story.warner.counts().unsound, 1);
}

#[test]
fn a_track_with_a_number_that_is_none_is_ignored() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.warner.absorb_position(&position("p1", [0.0, 0.0], T0), T0);
    let mut t = numbered(1, [0.0, 100.0, 0.0], [0.0; 3], T0);
    t.cov_enu_m2[0][0] = f64::NAN;
    assert_eq!(story.second(&[t], T0), []);
    assert!(story.warner.dangers().is_empty());
}

#[test]
fn someone_who_walks_into_danger_is_warned_by_their_own_position() {
    let mut story = Story::new(&directory(&["p1"], None));
    story.second(&[numbered(1, [0.0, 0.0, 40.0], [0.0; 3], T0)], T0);
    story.warner.absorb_position(&position("p1", [1_500.0, 0.0], T0), T0);
    assert_eq!(story.settle(T0), []);
    let now = T0.plus_s(2.0);
    story.warner.absorb_position(&position("p1", [90.0, 0.0], now), now);
    assert_eq!(story.settle(now).len(), 1);
}

#[test]
fn looking_at_the_whole_border_costs_only_those_in_reach() {
    // A thousand kilometres with 20,000 people, 50 m apart, and 1,000 drones, 1 km apart.
    let mut d = directory(&[], None);
    let unit = UnitId::new("u").unwrap();
    let at =
        |km: f64| skypicket_model::Place { lat_deg: 31.76, lon_deg: -112.0 + km / 94.66, alt_hae_m: Some(1_130.0) };
    for k in 0..20_000u32 {
        let id = name(&format!("p{k}"));
        let p = Person {
            id: id.clone(),
            name: String::new(),
            unit: unit.clone(),
            roles: [Role::Field].into(),
            channels: vec![],
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: Language::En,
            disabled: false,
        };
        d.people.insert(id, p);
    }
    let mut warner = Warner::new(Policy::default(), None);
    warner.configure(&d);
    for k in 0..20_000u32 {
        let p = Position { at: at(f64::from(k) * 0.05), ..position(&format!("p{k}"), [0.0, 0.0], T0) };
        warner.absorb_position(&p, T0);
    }
    let tracks: Vec<Track> = (0..1_000u32)
        .map(|k| Track {
            place: skypicket_model::Place { lat_deg: 31.77, ..at(f64::from(k)) },
            ..numbered(u128::from(k) + 1, [0.0; 3], [3.0, -12.0, 0.0], T0)
        })
        .collect();
    warner.absorb_tracks(&tracks, T0);
    let first = warner.counts().judged;
    // Of 20 million pairs; each drone reaches 12.4 m/s · 300 s and some, 20 people a kilometre.
    assert!((100_000..300_000).contains(&first), "{first}");
    // The tick just after repeats nothing.
    warner.tick(T0);
    assert_eq!(warner.counts().judged, first);
    // A tenth of a second later far-off pairs are left alone.
    warner.absorb_tracks(&tracks, T0.plus_s(0.1));
    let again = warner.counts();
    assert!(again.judged - first < first / 4 && again.left > 0, "{again:?}");
}

// ---- properties ----

/// One input of a random story.
#[derive(Debug, Clone)]
enum Step {
    Position(u8, f64, f64),
    Track(u8, f64, f64, f64, f64, u8),
    Tick(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3u8, -400.0..400.0f64, -400.0..400.0f64).prop_map(|(p, e, n)| Step::Position(p, e, n)),
        (0..3u8, -900.0..900.0f64, -900.0..900.0f64, -20.0..20.0f64, -20.0..20.0f64, 0..12u8)
            .prop_map(|(t, e, n, ve, vn, odd)| Step::Track(t, e, n, ve, vn, odd)),
        (1..15u8).prop_map(Step::Tick),
    ]
}

fn take(warner: &mut Warner, step: &Step, now: &mut Time) {
    match step {
        Step::Position(p, e, n) => warner.absorb_position(&position(&format!("p{p}"), [*e, *n], *now), *now),
        Step::Track(t, e, n, ve, vn, odd) => {
            let mut t = numbered(u128::from(*t) + 1, [*e, *n, 40.0], [*ve, *vn, 0.0], *now);
            match odd {
                0 => t.state = TrackState::Deleted,
                1 => t.place.alt_hae_m = None,
                2 => t.existence = 0.3,
                3 => t.cov_enu_m2[0][0] = f64::NAN,
                4 => t.affiliation = Affiliation::Own,
                5 => (t.class, t.class_p) = (Some(AirClass::Crewed), 0.9),
                _ => {}
            }
            warner.absorb_tracks(&[t], *now);
        }
        Step::Tick(s) => {
            for _ in 0..*s {
                *now = now.plus_s(1.0);
                warner.tick(*now);
            }
        }
    }
}

fn bytes(warner: &Warner) -> Vec<u8> {
    let mut out = vec![];
    ciborium::into_writer(warner, &mut out).unwrap();
    out
}

proptest! {
    /// A restored engine goes on bit for bit; deciding changes nothing; applied decisions are not made again; versions
    /// count up from 1 and each warning ends at most once.
    #[test]
    fn a_story_cut_anywhere_goes_on_the_same(steps in prop::collection::vec(step(), 1..40), cut in 0..40usize) {
        let mut whole = Warner::new(Policy::default(), None);
        whole.configure(&directory(&["p0", "p1", "p2"], Some([100.0, 0.0])));
        let mut now = T0;
        let mut versions: BTreeMap<NoticeId, (u32, bool)> = BTreeMap::new();
        let mut restored: Option<Warner> = None;
        for (k, s) in steps.iter().enumerate() {
            if k == cut {
                restored = Some(ciborium::from_reader(&*bytes(&whole)).unwrap());
            }
            let before = now;
            take(&mut whole, s, &mut now);
            let ids = || IdMaker::new(LogId(Uuid::from_u128(1)), k as u64);
            let told = whole.decide(&mut ids(), now);
            for n in &told {
                whole.apply(n);
                let (version, over) = versions.entry(n.id).or_default();
                *version += 1;
                prop_assert!(n.version == *version && !*over, "{n:?}");
                *over = n.state == NoticeState::Cleared;
                prop_assert_eq!(n.state == NoticeState::Raised, n.version == 1);
                prop_assert!(!n.text.is_empty() && !n.text_es.is_empty());
            }
            prop_assert!(whole.decide(&mut ids(), now).is_empty());
            if let Some(other) = &mut restored {
                let mut then = before;
                take(other, s, &mut then);
                let same = other.decide(&mut ids(), now);
                prop_assert_eq!(&same, &told);
                for n in &same {
                    other.apply(n);
                }
                prop_assert_eq!(bytes(other), bytes(&whole));
            }
        }
        // Each open warning stands on a level that is still held.
        for n in whole.open() {
            prop_assert!(whole.dangers().iter().any(|d| d.track == n.warning().unwrap().track && d.protected == n.warning().unwrap().protected && d.level == Some(n.level)));
        }
    }
}
