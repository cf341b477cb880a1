//! A flood of names that are made up: it takes no more room than there is, what was there before stays, and a real drone still
//! gets in.

use crate::common::{Desk, T0, beacon, offset, place, time};
use skypicket_model::{TrackState, track::IDENTITY_FLOOD};
use skypicket_track::Settings;

/// So many new names a second.
const NAMES: u32 = 1_000;

fn in_flood(t: &skypicket_model::Track) -> bool {
    t.evidence.iter().any(|e| e.kind == IDENTITY_FLOOD)
}

#[test]
fn a_flood_of_names_takes_no_more_room_and_costs_nobody_else_a_track() {
    let mut d = Desk::with(Settings { max_tracks: 500, people_reserve: 50, ..Settings::default() });
    let here = place(31.76, -106.49, None);
    let real = |k: u32, t: f64| {
        beacon(t, offset(here, 10.0 * t, 2_000.0 * f64::from(k)), &format!("aa:{k:02}"), Some(&format!("REAL{k}")))
    };
    for s in 0..10 {
        for k in 0..3 {
            d.see(real(k, f64::from(s)), f64::from(s));
        }
    }
    let before: Vec<_> = d.live().into_iter().map(|t| t.id).collect();
    assert_eq!(before.len(), 3);
    for s in 10..30_u32 {
        let t = f64::from(s);
        for n in 0..NAMES {
            let name = format!("FAKE{}", s * NAMES + n);
            d.see(beacon(t, offset(here, 37.0 * f64::from(n), 30_000.0), &format!("f:{name}"), Some(&name)), t);
        }
        for k in 0..3 {
            d.see(real(k, t), t);
        }
        // One that is real comes into the middle of it, with the flood's own source.
        if s >= 20 {
            d.see(real(9, t), t);
        }
        d.tracker.tick(time(t));
        assert!(d.live().len() <= 450, "{}", d.live().len());
    }
    let live = d.live();
    let found = |name: &str| {
        let mut of = live.iter().filter(|t| t.ids.iter().any(|i| i.value == name));
        let one = of.next().unwrap_or_else(|| panic!("{name} has no track"));
        assert!(of.next().is_none());
        one
    };
    for (k, id) in before.iter().enumerate() {
        let t = found(&format!("REAL{k}"));
        assert!(t.state == TrackState::Confirmed && before.contains(&t.id) && !t.suspect && !in_flood(t), "{id} {t:?}");
    }
    // It is not new any more when it is heard again, however fast names come.
    let late = found("REAL9");
    assert!(!in_flood(late) && !late.suspect && late.at.unix_s() > T0 + 28.5, "{late:?}");
    let fake = live.iter().filter(|t| t.ids.iter().any(|i| i.value.starts_with("FAKE")));
    let (of_flood, earlier): (Vec<_>, Vec<_>) = fake.partition(|t| in_flood(t));
    assert!(of_flood.len() > 100 && of_flood.iter().all(|t| t.state == TrackState::Tentative));
    // Of those the newest stay; the first names were not yet known for a flood, and fall silent like anybody.
    assert!(of_flood.iter().all(|t| t.at.unix_s() > T0 + 28.5), "the oldest made room");
    assert!(earlier.len() < 60 && earlier.iter().all(|t| t.at.unix_s() < T0 + 10.5));
    let floods: Vec<_> = d.tracker.floods().map(|(id, f)| (id.as_str().to_owned(), f.names)).collect();
    assert_eq!(floods.len(), 1);
    assert!((u64::from(20 * NAMES) - 60..=u64::from(20 * NAMES) + 4).contains(&floods[0].1), "{floods:?}");
    for s in 30..90 {
        d.tracker.tick(time(f64::from(s)));
    }
    assert_eq!(d.tracker.floods().count(), 0, "it is over");
}

#[test]
fn the_doubted_make_room_first_and_what_a_radar_sees_never() {
    let mut d = Desk::with(Settings { max_tracks: 20, people_reserve: 0, ..Settings::default() });
    let here = place(31.76, -106.49, None);
    let at = |k: u32| offset(here, 1_000.0 * f64::from(k), 0.0);
    for k in 0..20 {
        let mut o = beacon(0.0, at(k), &format!("aa:{k:02}"), Some(&format!("N{k}")));
        if k == 7 {
            o.flags.push("clock_suspect".into());
        }
        d.see(o, 0.0);
    }
    let names =
        |d: &Desk| -> Vec<String> { d.live().iter().flat_map(|t| t.ids.iter().map(|i| i.value.clone())).collect() };
    d.see(beacon(1.0, at(30), "aa:30", Some("N30")), 1.0);
    assert!(!names(&d).contains(&"N7".to_owned()) && names(&d).len() == 20, "{:?}", names(&d));
    // All confirmed: there is no room any more.
    for s in 2..5 {
        for k in (0..20).filter(|k| *k != 7).chain([30]) {
            d.see(beacon(f64::from(s), at(k), &format!("aa:{k:02}"), Some(&format!("N{k}"))), f64::from(s));
        }
    }
    d.see(beacon(5.0, at(40), "aa:40", Some("N40")), 5.0);
    assert!(!names(&d).contains(&"N40".to_owned()) && d.tracker.refused_starts() == 1);
}

#[test]
fn who_is_heard_again_makes_room_after_all_that_were_heard_once() {
    let mut d = Desk::with(Settings { max_tracks: 20, people_reserve: 0, ..Settings::default() });
    let here = place(31.76, -106.49, None);
    let hear = |d: &mut Desk, k: u32, t: f64| {
        let at = offset(here, 1_000.0 * f64::from(k), 0.0);
        d.see(beacon(t, at, &format!("aa:{k:02}"), Some(&format!("N{k}"))), t);
    };
    for k in 0..21 {
        hear(&mut d, k, 0.1 * f64::from(k));
    }
    let there = |d: &Desk, name: &str| d.live().iter().any(|t| t.ids.iter().any(|i| i.value == name));
    assert!(!there(&d, "N0"), "the oldest made room");
    hear(&mut d, 0, 3.0);
    // As many again as there is room for: of all those before, one is there.
    for k in 21..41 {
        hear(&mut d, k, 3.0 + 0.1 * f64::from(k - 20));
    }
    assert!(there(&d, "N0") && there(&d, "N40") && !there(&d, "N20") && !there(&d, "N21") && d.live().len() == 20);
}
