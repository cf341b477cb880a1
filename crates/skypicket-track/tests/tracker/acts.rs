//! What people decide about tracks: merge, split, classify; and what a track says of its own story.

use crate::common::*;
use skypicket_model::{
    LatLon, OwnFlight, PersonId, Place, Refusal, SourceId, Track, TrackAct, TrackChange, TrackClass, TrackId,
    TrackPart, TrackState, UnitId,
    kinematics::AirClass,
    lineage::{DropReason, ReportKind},
    observation::IdKind,
    sighting::RangeClass,
    track::Affiliation,
};
use skypicket_track::Tracker;

fn w1() -> PersonId {
    PersonId::new("w1").unwrap()
}

fn source(s: &str) -> SourceId {
    SourceId::new(s).unwrap()
}

fn merge(track: TrackId, with: TrackId) -> TrackAct {
    TrackAct::Merge { track, with, why: "one light, seen by both".into() }
}

fn off_source(track: TrackId, s: &str) -> TrackAct {
    TrackAct::Split { track, part: TrackPart::Source { source: source(s) }, why: "two lights".into() }
}

fn off_name(track: TrackId, serial: &str) -> TrackAct {
    let part = TrackPart::Identity { kind: IdKind::Serial, value: serial.into() };
    TrackAct::Split { track, part, why: "two lights".into() }
}

fn call(track: TrackId, class: Option<TrackClass>, affiliation: Option<Affiliation>) -> TrackAct {
    TrackAct::Classify { track, class, affiliation, why: "seen through glasses".into() }
}

impl Desk {
    /// What w1 decides, as at the door.
    fn act(&mut self, act: &TrackAct, now: f64) -> Result<Vec<Track>, Refusal> {
        self.tracker.check(act)?;
        let mut ids = self.ids();
        Ok(self.tracker.act(act, &w1(), &mut ids, time(now)))
    }

    fn named(&self, serial: &str) -> Track {
        let named = |t: &Track| t.ids.first().is_some_and(|i| i.value == serial);
        let found: Vec<Track> = self.live().into_iter().filter(named).collect();
        assert_eq!(found.len(), 1, "{serial}: {found:#?}");
        found.into_iter().next().unwrap()
    }
}

fn home() -> Place {
    place(31.76, -106.49, Some(1_150.0))
}

/// A radar's drone, and a Remote ID of it with a bad receiver of satellites, 300 m beside, each second.
fn radar_and_astray(d: &mut Desk, noise: &mut Noise, seconds: std::ops::Range<u32>, radar: bool) {
    for k in seconds {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 800.0 + 3.0 * t, 300.0) };
        if radar {
            d.see(plot("radar-1", t + 0.2, home(), at, noise, [8.0, 0.4, 0.4]), t + 0.2);
        }
        d.see(beacon(t + 0.5, offset(at, 0.0, 300.0), "aa:01", Some("S1")), t + 0.5);
    }
}

#[test]
fn two_tracks_that_a_person_says_are_one_stay_one_though_their_reports_are_apart() {
    let (mut d, mut noise) = (Desk::new(), Noise(5));
    radar_and_astray(&mut d, &mut noise, 0..20, true);
    let live = d.live();
    assert_eq!(live.len(), 2, "{live:#?}");
    let claimed = d.named("S1");
    let seen = live.iter().find(|t| t.id != claimed.id).unwrap().clone();
    let older = if (seen.since, seen.id) <= (claimed.since, claimed.id) { seen.id } else { claimed.id };
    let told = d.act(&merge(claimed.id, seen.id), 20.0).unwrap();
    let ended = told.iter().find(|t| t.state == TrackState::Deleted).unwrap();
    assert_ne!(ended.id, older);
    assert!(matches!(
        ended.lineage.last().map(|e| &e.what),
        Some(TrackChange::MergedInto { track, by: Some(by), why }) if *track == older && *by == w1() && why == "one light, seen by both"
    ));
    // A minute of both goes to the one.
    let before = d.tracker.track(older).unwrap().measured_at;
    radar_and_astray(&mut d, &mut noise, 21..80, true);
    let live = d.live();
    assert_eq!(live.len(), 1, "{live:#?}");
    let t = &live[0];
    assert!(t.id == older && t.measured_at > before && t.state == TrackState::Confirmed);
    assert_eq!(t.sources, [source("radar-1"), source("rid-1")]);
    assert_eq!(t.ids.first().unwrap().value, "S1");
    assert!(matches!(&t.lineage[0].what, TrackChange::Started { .. }));
    assert!(t.lineage.iter().any(|e| matches!(&e.what, TrackChange::TookOver { track, .. } if *track == ended.id)));
    // When only one of them is left, the track goes on with that.
    radar_and_astray(&mut d, &mut noise, 80..140, false);
    let live = d.live();
    assert_eq!(live.len(), 1, "{live:#?}");
    assert!(live[0].measured_at > t.measured_at);
}

#[test]
fn two_names_of_one_source_that_a_person_says_are_one_stay_one_and_each_alone_leads_it() {
    let mut d = Desk::new();
    let story = |d: &mut Desk, seconds: std::ops::Range<u32>, names: &[(&str, f64)]| {
        for k in seconds {
            let t = f64::from(k);
            for (serial, north) in names {
                let mut o = beacon(t, offset(home(), 500.0, *north), "", Some(serial));
                o.signal.address = None;
                d.see(o, t);
            }
        }
    };
    let (one, two) = (("S1", 0.0), ("S2", 200.0));
    story(&mut d, 0..10, &[one, two]);
    let (a, b) = (d.named("S1").id, d.named("S2").id);
    d.act(&merge(a, b), 10.0).unwrap();
    story(&mut d, 11..60, &[one, two]);
    assert_eq!(d.live().len(), 1, "{:#?}", d.live());
    // Whichever goes on alone has the track soon.
    for (name, from) in [(two, 60), (one, 100)] {
        story(&mut d, from..from + 30, &[name]);
        let live = d.live();
        assert_eq!(live.len(), 1, "{live:#?}");
        let off = apart(live[0].place, offset(home(), 500.0, name.1));
        assert!(off < 20.0, "{off} m from what {} says", name.0);
    }
}

#[test]
fn what_a_merged_name_reports_far_away_is_a_track_of_its_own() {
    let (mut d, mut noise) = (Desk::new(), Noise(6));
    radar_and_astray(&mut d, &mut noise, 0..20, true);
    let live = d.live();
    d.act(&merge(live[0].id, live[1].id), 20.0).unwrap();
    for k in 21..26 {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 800.0 + 3.0 * t, 300.0) };
        d.see(plot("radar-1", t + 0.2, home(), at, &mut noise, [8.0, 0.4, 0.4]), t + 0.2);
        d.see(beacon(t + 0.5, offset(at, 4_000.0, 0.0), "aa:01", Some("S1")), t + 0.5);
    }
    assert_eq!(d.live().len(), 2, "a second thing is never hidden by a decision about the first");
}

#[test]
fn a_radar_that_sees_a_merged_track_beside_itself_starts_no_other() {
    let (mut d, mut noise) = (Desk::new(), Noise(7));
    let far = offset(home(), -6_000.0, 0.0);
    let story = |d: &mut Desk, noise: &mut Noise, seconds: std::ops::Range<u32>| {
        for k in seconds {
            let t = f64::from(k);
            let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 900.0 + 5.0 * t, 400.0) };
            d.see(plot("radar-1", t + 0.2, home(), at, noise, [5.0, 0.3, 0.3]), t + 0.2);
            // Turned by two degrees: 200 m at seven kilometres.
            let turned = offset(at, 0.0, 240.0);
            let seen = Place { alt_hae_m: Some(1_250.0), ..turned };
            d.see(plot("radar-2", t + 0.6, far, seen, noise, [5.0, 0.1, 0.1]), t + 0.6);
        }
    };
    story(&mut d, &mut noise, 0..20);
    let live = d.confirmed();
    assert_eq!(live.len(), 2, "{live:#?}");
    d.act(&merge(live[1].id, live[0].id), 20.0).unwrap();
    story(&mut d, &mut noise, 21..60);
    let live = d.live();
    assert_eq!(live.len(), 1, "{live:#?}");
    assert_eq!(live[0].sources, [source("radar-1"), source("radar-2")]);
    // Something that flies where neither sees the drone is another thing.
    for k in 60..66 {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 900.0 + 5.0 * t, 1_200.0) };
        d.see(plot("radar-2", t, far, at, &mut noise, [5.0, 0.1, 0.1]), t);
    }
    assert_eq!(d.live().len(), 2, "{:#?}", d.live());
}

#[test]
fn it_does_not_matter_which_of_the_two_is_named_first() {
    let run = |swap: bool| {
        let (mut d, mut noise) = (Desk::new(), Noise(8));
        radar_and_astray(&mut d, &mut noise, 0..20, true);
        let live = d.live();
        let (a, b) = if swap { (1, 0) } else { (0, 1) };
        let told = d.act(&merge(live[a].id, live[b].id), 20.0).unwrap();
        radar_and_astray(&mut d, &mut noise, 21..30, true);
        (told, d.live())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_forgers_track_that_is_merged_with_a_trusted_one_keeps_the_evidence_and_drags_nothing_away() {
    let (mut d, mut noise) = (Desk::new(), Noise(9));
    for k in 0..20 {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 800.0, 300.0) };
        d.see(plot("radar-1", t + 0.2, home(), at, &mut noise, [8.0, 0.4, 0.4]), t + 0.2);
        // Exact to the metre, with a clock that is wrong, and louder than from there.
        let mut o = position("rid-1", t + 0.5, offset(at, 600.0, 900.0), 1.0);
        o.signal.transport = Some("wifi_beacon".into());
        o.signal.address = Some("aa:01".into());
        o.signal.receiver_at = Some(home());
        o.signal.rssi_dbm = Some(-20.0);
        o.claims.ids = beacon(0.0, at, "x", Some("F1")).claims.ids;
        o.claims.claimed_at = Some(time(t - 900.0));
        d.see(o, t + 0.5);
    }
    let forged = d.named("F1");
    assert!(forged.suspect, "{forged:#?}");
    let seen = d.live().into_iter().find(|t| t.id != forged.id).unwrap();
    let told = d.act(&merge(forged.id, seen.id), 20.0).unwrap();
    let one = told.iter().find(|t| t.state != TrackState::Deleted).unwrap();
    assert!(one.suspect && one.evidence == forged.evidence, "{one:#?}");
    assert!(apart(one.place, seen.place) < 60.0, "{} m from where the radar sees it", apart(one.place, seen.place));
}

#[test]
fn a_track_whose_source_is_split_off_becomes_two_that_are_not_merged_again() {
    let mut d = Desk::new();
    let at = |t: f64, north: f64| offset(home(), 500.0 + 4.0 * t, north);
    let story = |d: &mut Desk, seconds: std::ops::Range<u32>, apart_m: f64| {
        for k in seconds {
            let t = f64::from(k);
            let mut o = beacon(t, at(t, 0.0), "aa:01", Some("S1"));
            d.see(o.clone(), t);
            o = beacon(t + 0.5, at(t, apart_m), "aa:02", Some("S1"));
            o.source = source("rid-2");
            d.see(o, t + 0.5);
        }
    };
    story(&mut d, 0..10, 5.0);
    let whole = d.live();
    assert_eq!((whole.len(), whole[0].sources.len()), (1, 2), "{whole:#?}");
    let told = d.act(&off_source(whole[0].id, "rid-2"), 10.0).unwrap();
    assert_eq!(told.len(), 2);
    let (old, new) = if told[0].id == whole[0].id { (&told[0], &told[1]) } else { (&told[1], &told[0]) };
    assert_eq!((&old.sources[..], &new.sources[..]), (&[source("rid-1")][..], &[source("rid-2")][..]));
    assert!(new.state == TrackState::Confirmed && new.since == time(10.0));
    assert!(
        matches!(&new.lineage[0].what, TrackChange::SplitFrom { track, by, .. } if *track == old.id && *by == w1())
    );
    assert!(matches!(&old.lineage.last().unwrap().what, TrackChange::SplitOff { track, .. } if *track == new.id));
    // One serial, one place, and still two: each goes on with what its own source says.
    story(&mut d, 11..40, 8.0);
    let live = d.live();
    assert_eq!(live.len(), 2, "{live:#?}");
    for t in &live {
        assert_eq!(t.sources.len(), 1, "{t:#?}");
        assert!(t.measured_at > time(37.0), "{t:#?}");
    }
    // Whoever says that it is one after all has the last word.
    d.act(&merge(old.id, new.id), 40.0).unwrap();
    story(&mut d, 41..60, 8.0);
    assert_eq!((d.live().len(), d.live()[0].id), (1, old.id), "{:#?}", d.live());
}

#[test]
fn an_identity_that_is_split_off_goes_its_own_way_and_the_rest_is_not_called_so_any_more() {
    let (mut d, mut noise) = (Desk::new(), Noise(11));
    let story = |d: &mut Desk, noise: &mut Noise, seconds: std::ops::Range<u32>, apart_m: f64| {
        for k in seconds {
            let t = f64::from(k);
            let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 800.0 + 3.0 * t, 300.0) };
            d.see(plot("radar-1", t + 0.2, home(), at, noise, [8.0, 0.4, 0.4]), t + 0.2);
            d.see(beacon(t + 0.5, offset(at, 0.0, apart_m), "aa:01", Some("S1")), t + 0.5);
        }
    };
    story(&mut d, &mut noise, 0..12, 0.0);
    let whole = d.live();
    assert_eq!(whole.len(), 1, "{whole:#?}");
    d.act(&off_name(whole[0].id, "S1"), 12.0).unwrap();
    story(&mut d, &mut noise, 13..40, 15.0);
    let claimed = d.named("S1");
    assert_ne!(claimed.id, whole[0].id);
    let rest = d.tracker.track(whole[0].id).unwrap();
    assert!(rest.ids.is_empty() && rest.sources == [source("radar-1")], "{rest:#?}");
    assert_eq!(claimed.sources, [source("rid-1")]);
    assert_eq!(d.live().len(), 2, "{:#?}", d.live());
}

/// The whole was where the other was heard last, 300 m from where the one that is split off flies.
#[test]
fn each_part_goes_on_where_it_says_itself_whichever_was_heard_last_before_the_split() {
    for last in ["S1", "S2"] {
        let mut d = Desk::new();
        let at = |name: &str| Place {
            alt_hae_m: Some(1_250.0),
            ..offset(home(), if name == "S1" { 0.0 } else { 300.0 }, 900.0)
        };
        let hear = |d: &mut Desk, t: f64, names: &[&str]| {
            for name in names {
                let mut o = beacon(t, at(name), "", Some(name));
                o.signal.address = None;
                d.see(o, t);
            }
        };
        for k in 0..8 {
            hear(&mut d, f64::from(k), &["S1", "S2"]);
        }
        let [one, two] = ["S1", "S2"].map(|name| d.named(name).id);
        d.act(&merge(one, two), 8.0).unwrap();
        let whole = d.live()[0].id;
        for k in 8..12 {
            hear(&mut d, 0.5 + f64::from(k), &["S1", "S2"]);
        }
        hear(&mut d, 12.0, &[last]);
        d.act(&off_name(whole, "S2"), 12.1).unwrap();
        for k in 0..20 {
            hear(&mut d, 12.2 + 0.2 * f64::from(k), &["S1", "S2"]);
        }
        let live = d.live();
        assert_eq!(live.len(), 2, "{last}: {live:#?}");
        for name in ["S1", "S2"] {
            assert!(apart(d.named(name).place, at(name)) < 15.0, "{last} {name}: {:?}", d.named(name).place);
        }
    }
}

#[test]
fn a_name_that_was_split_off_is_not_taken_back_when_it_comes_again_unless_a_person_says_so() {
    let (mut d, mut noise) = (Desk::new(), Noise(14));
    let story = |d: &mut Desk, noise: &mut Noise, seconds: std::ops::Range<u32>, radar: bool, named: bool| {
        for k in seconds {
            let t = f64::from(k);
            let at = Place { alt_hae_m: Some(1_250.0), ..offset(home(), 800.0, 300.0) };
            if radar {
                d.see(plot("radar-1", t + 0.2, home(), at, noise, [8.0, 0.4, 0.4]), t + 0.2);
            }
            if named {
                d.see(beacon(t + 0.5, at, "aa:01", Some("S1")), t + 0.5);
            }
            d.tracker.tick(time(t + 0.9));
        }
    };
    story(&mut d, &mut noise, 0..12, true, true);
    let whole = d.live().remove(0).id;
    d.act(&off_name(whole, "S1"), 12.0).unwrap();
    // Its own track is over, the other goes on.
    story(&mut d, &mut noise, 13..400, true, false);
    assert_eq!(d.live().iter().map(|t| t.id).collect::<Vec<_>>(), [whole]);
    story(&mut d, &mut noise, 400..420, true, true);
    let again = d.named("S1");
    assert_ne!(again.id, whole);
    assert!(d.tracker.track(whole).unwrap().ids.is_empty());
    d.act(&merge(whole, again.id), 420.0).unwrap();
    story(&mut d, &mut noise, 421..440, true, true);
    let live = d.live();
    assert_eq!((live.len(), live[0].id), (1, whole), "{live:#?}");
    assert!(live[0].sources.contains(&source("rid-1")) && live[0].measured_at > time(438.0));
    // It leads the track again when nothing else does.
    story(&mut d, &mut noise, 440..600, false, true);
    let live = d.live();
    assert_eq!((live.len(), live[0].id), (1, whole), "{live:#?}");
    assert!(live[0].at > time(598.0), "{:?}", live[0].at);
}

#[test]
fn what_nobody_knows_after_a_split_counts_as_the_most_agile() {
    let mut d = Desk::new();
    for k in 0..10 {
        let t = f64::from(k);
        let mut o = beacon(t, offset(home(), 500.0, 0.0), "aa:01", Some("S1"));
        o.claims.class = Some(AirClass::Crewed);
        d.see(o, t);
        d.see(position("feed-1", t + 0.5, offset(home(), 505.0, 0.0), 12.0), t + 0.5);
    }
    let whole = d.live();
    assert_eq!((whole.len(), whole[0].class), (1, Some(AirClass::Crewed)), "{whole:#?}");
    for t in d.act(&off_source(whole[0].id, "feed-1"), 10.0).unwrap() {
        assert_eq!(t.class, None, "no part may be taken for crewed by what the other claimed: {t:#?}");
    }
}

#[test]
fn what_a_person_decided_goes_before_the_trackers_belief_until_it_is_taken_back() {
    let mut d = Desk::new();
    let see = |d: &mut Desk, t: f64| {
        let mut o = beacon(t, offset(home(), 500.0, 0.0), "aa:01", Some("S1"));
        o.claims.class = Some(AirClass::Rotor);
        d.see(o, t)
    };
    for k in 0..5 {
        see(&mut d, f64::from(k));
    }
    let before = d.live().remove(0);
    let told = d.act(&call(before.id, Some(TrackClass::Bird), Some(Affiliation::Neutral)), 5.0).unwrap();
    assert_eq!(told.len(), 1);
    // It lasts, whatever is reported.
    see(&mut d, 6.0);
    let t = d.live().remove(0);
    assert_eq!((t.class, t.class_p, t.affiliation), (Some(AirClass::Bird), 1.0, Affiliation::Neutral));
    assert_eq!(t.state, TrackState::Confirmed, "it hides nothing");
    let decided = t.decided.as_ref().unwrap();
    assert_eq!((&decided.by, decided.at, &*decided.why), (&w1(), time(5.0), "seen through glasses"));
    assert_eq!((decided.believed.class, decided.believed.affiliation), (Some(AirClass::Rotor), Affiliation::Unknown));
    assert!(decided.believed.class_p > 0.8);
    // A drone of an unknown kind is no class, which counts as the most agile.
    d.act(&call(t.id, Some(TrackClass::Drone), None), 7.0).unwrap();
    let t = d.live().remove(0);
    assert_eq!((t.class, t.class_p, t.affiliation), (None, 0.0, Affiliation::Unknown));
    let undo = TrackAct::Classify { track: t.id, class: None, affiliation: None, why: String::new() };
    d.act(&undo, 8.0).unwrap();
    let t = d.live().remove(0);
    assert_eq!((t.class, t.decided), (Some(AirClass::Rotor), None));
    assert_eq!(d.act(&undo, 9.0).unwrap_err().code, "nothing_decided");
}

#[test]
fn a_person_can_say_that_an_own_flight_is_not_ours_but_only_a_filed_flight_is_own() {
    let mut d = Desk::new();
    let at = offset(home(), 500.0, 0.0);
    d.tracker.set_own_flights(&[OwnFlight {
        id: "f1".into(),
        unit: UnitId::new("u").unwrap(),
        centre: LatLon { lat_deg: at.lat_deg, lon_deg: at.lon_deg },
        radius_m: 500.0,
        from: time(-60.0),
        until: time(600.0),
        serial: Some("S1".into()),
    }]);
    for k in 0..5 {
        d.see(beacon(f64::from(k), at, "aa:01", Some("S1")), f64::from(k));
    }
    let t = d.live().remove(0);
    assert_eq!(t.affiliation, Affiliation::Own);
    assert_eq!(d.act(&call(t.id, None, Some(Affiliation::Own)), 5.0).unwrap_err().code, "own_is_filed");
    d.act(&call(t.id, None, Some(Affiliation::Hostile)), 5.0).unwrap();
    let t = d.live().remove(0);
    assert_eq!((t.affiliation, t.decided.unwrap().believed.affiliation), (Affiliation::Hostile, Affiliation::Own));
}

#[test]
fn what_cannot_be_done_is_refused_with_what_to_do() {
    let mut d = Desk::new();
    let refused = |d: &mut Desk, act: &TrackAct| {
        let before = d.live();
        let refusal = d.act(act, 50.0).unwrap_err();
        assert_eq!(d.live(), before);
        (refusal.code, refusal.message)
    };
    for k in 0..5 {
        d.see(beacon(f64::from(k), offset(home(), 500.0, 0.0), "aa:01", Some("S1")), f64::from(k));
        d.see(beacon(f64::from(k), offset(home(), 40_000.0, 0.0), "aa:02", Some("S2")), f64::from(k));
    }
    let (near, far) = (d.named("S1").id, d.named("S2").id);
    assert_eq!(refused(&mut d, &merge(near, near)).0, "merge_into_itself");
    assert_eq!(refused(&mut d, &merge(near, far)).0, "too_far_apart");
    assert_eq!(refused(&mut d, &merge(near, TrackId(uuid::Uuid::from_u128(77)))).0, "not_found");
    assert_eq!(refused(&mut d, &off_source(near, "rid-1")).0, "one_source");
    assert_eq!(refused(&mut d, &off_name(near, "S1")).0, "one_source");
    let (code, message) = refused(&mut d, &off_source(near, "radar-9"));
    assert_eq!(code, "unknown_part");
    assert!(message.contains("rid-1"), "it says which there are: {message}");
    assert_eq!(refused(&mut d, &off_name(near, "S9")).0, "unknown_part");
    let unsaid = TrackAct::Merge { track: near, with: far, why: "  ".into() };
    assert_eq!(refused(&mut d, &unsaid).0, "why_needed");
    let long = TrackAct::Merge { track: near, with: far, why: "x".repeat(201) };
    assert_eq!(refused(&mut d, &long).0, "why_too_long");
    // What is over is said to be, and where it went.
    d.see(beacon(5.0, offset(home(), 540.0, 150.0), "aa:03", Some("S3")), 5.0);
    let third = d.named("S3").id;
    d.act(&merge(near, third), 6.0).unwrap();
    let (left, lost) = (d.named("S1").id, if d.named("S1").id == near { third } else { near });
    let (code, message) = refused(&mut d, &call(lost, Some(TrackClass::Bird), None));
    assert_eq!(code, "track_over");
    assert!(message.contains(&left.to_string()), "{message}");
    for k in 7..400 {
        d.tracker.tick(time(f64::from(k)));
    }
    assert!(d.live().is_empty());
    assert_eq!(d.tracker.check(&call(far, Some(TrackClass::Bird), None)).unwrap_err().code, "track_over");
}

#[test]
fn a_merge_is_done_again_the_same_from_a_snapshot() {
    let (mut d, mut noise) = (Desk::new(), Noise(12));
    radar_and_astray(&mut d, &mut noise, 0..20, true);
    let live = d.live();
    let mut bytes = Vec::new();
    ciborium::into_writer(&d.tracker, &mut bytes).unwrap();
    let mut again: Tracker = ciborium::from_reader(bytes.as_slice()).unwrap();
    let act = merge(live[0].id, live[1].id);
    let told = d.act(&act, 20.0).unwrap();
    let mut ids = d.ids();
    assert_eq!(again.act(&act, &w1(), &mut ids, time(20.0)), told);
    // The decision itself is kept, too.
    bytes.clear();
    ciborium::into_writer(&again, &mut bytes).unwrap();
    let mut e = Desk { tracker: ciborium::from_reader(bytes.as_slice()).unwrap(), entry: d.entry, count: d.count };
    let mut same = Noise(noise.0);
    radar_and_astray(&mut d, &mut noise, 21..40, true);
    radar_and_astray(&mut e, &mut same, 21..40, true);
    assert_eq!(d.live(), e.live());
    assert_eq!(d.live().len(), 1);
}

#[test]
fn a_track_says_how_it_began_what_became_of_it_and_why_it_ended() {
    let mut d = Desk::new();
    let eye = place(31.76, -106.49, None);
    d.see(report(&sighting("agent-1", 1, 0.0, eye, 45.0, RangeClass::To300), 1.0), 1.0);
    let at = d.live()[0].place;
    for k in 0..4 {
        d.see(beacon(2.0 + f64::from(k), at, "aa:01", Some("S1")), 2.0 + f64::from(k));
    }
    let mut last = Vec::new();
    for k in 6..700 {
        last.extend(d.tracker.tick(time(f64::from(k))).into_iter().filter(|t| t.state == TrackState::Deleted));
    }
    assert_eq!(last.len(), 1);
    let lineage = &last[0].lineage;
    let what: Vec<&TrackChange> = lineage.iter().map(|e| &e.what).collect();
    assert!(lineage.is_sorted_by_key(|e| e.at), "{lineage:#?}");
    assert_eq!(
        what[0],
        &TrackChange::Started { by: ReportKind::Person, sources: vec![source("person.agent-1")] },
        "{lineage:#?}"
    );
    assert!(what.contains(&&TrackChange::Confirmed { by_desk: false }));
    assert!(what.contains(&&TrackChange::Named { kind: IdKind::Serial, value: "S1".into(), before: None }));
    assert_eq!(what.last(), Some(&&TrackChange::Dropped { why: DropReason::Silence }));
    // What never was more than one word ends in doubt; what is taken back, by that.
    let mut d = Desk::new();
    let s = sighting("agent-1", 1, 0.0, eye, 45.0, RangeClass::To300);
    d.see(report(&s, 1.0), 1.0);
    let told = d.tracker.retract(s.id, time(2.0));
    assert_eq!(told[0].lineage.last().unwrap().what, TrackChange::Dropped { why: DropReason::Retracted });
}

#[test]
fn however_much_happens_to_a_track_how_it_began_is_kept() {
    let mut d = Desk::new();
    d.see(beacon(0.0, offset(home(), 500.0, 0.0), "aa:01", Some("S1")), 0.0);
    let id = d.live()[0].id;
    for k in 0..40 {
        let class = if k % 2 == 0 { TrackClass::Bird } else { TrackClass::Drone };
        d.act(&call(id, Some(class), None), 1.0).unwrap();
    }
    let t = d.tracker.track(id).unwrap();
    assert_eq!(t.lineage.len(), Track::LINEAGE);
    assert!(matches!(t.lineage[0].what, TrackChange::Started { .. }));
}

#[test]
fn two_that_became_one_by_their_name_say_so_without_a_person() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    for k in 0..4 {
        let t = f64::from(k);
        d.see(beacon(t, here, "aa:01", Some("S1")), t);
        d.see(beacon(t + 0.5, offset(here, 3.0, 0.0), "bb:02", None), t + 0.5);
    }
    assert_eq!(d.live().len(), 2);
    let told = d.see(beacon(4.5, offset(here, 3.0, 0.0), "bb:02", Some("S1")), 4.5);
    let ended = told.iter().find(|t| t.state == TrackState::Deleted).unwrap();
    let left = d.live().remove(0);
    assert!(matches!(
        &ended.lineage.last().unwrap().what,
        TrackChange::MergedInto { track, by: None, .. } if *track == left.id
    ));
    assert!(left.lineage.iter().any(|e| matches!(&e.what, TrackChange::TookOver { by: None, .. })));
}

/// A snapshot as it was written before people could decide anything about tracks.
fn as_before(value: &mut ciborium::Value) {
    const NEW: [&str; 5] = ["decisions", "lineage", "decided", "called", "said"];
    if let Some(map) = value.as_map_mut() {
        map.retain(|(k, _)| !NEW.iter().any(|new| k.as_text() == Some(new)));
        for (_, v) in map {
            as_before(v);
        }
    } else if let Some(list) = value.as_array_mut() {
        for item in list {
            as_before(item);
        }
    }
}

#[test]
fn a_snapshot_of_before_opens_and_its_tracks_go_on_and_can_be_decided_about() {
    let (mut d, mut noise) = (Desk::new(), Noise(13));
    radar_and_astray(&mut d, &mut noise, 0..20, true);
    let before = d.live();
    let mut value = ciborium::Value::serialized(&d.tracker).unwrap();
    as_before(&mut value);
    let mut bytes = Vec::new();
    ciborium::into_writer(&value, &mut bytes).unwrap();
    d.tracker = ciborium::from_reader(bytes.as_slice()).unwrap();
    let after = d.live();
    let ids = |all: &[Track]| all.iter().map(|t| (t.id, t.existence.to_bits())).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
    assert!(after.iter().all(|t| t.lineage.is_empty() && t.decided.is_none()));
    d.act(&merge(after[0].id, after[1].id), 20.0).unwrap();
    radar_and_astray(&mut d, &mut noise, 21..40, true);
    assert_eq!(d.live().len(), 1);
}
