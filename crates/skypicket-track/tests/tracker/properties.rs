//! What holds for any input: sound numbers, the same result for the same record, no place on Earth special.

use crate::common::*;
use proptest::prelude::*;
use skypicket_model::{
    Enu, IdMaker, LogId, Measurement, Observation, ObservationId, PersonId, Place, SightingId, Time, Track, TrackAct,
    TrackClass, TrackPart,
    observation::{IdClaim, IdKind, LogNormalRange},
};
use skypicket_track::{Settings, Tracker};
use uuid::Uuid;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    Seen(Box<Observation>, f64),
    Tick(f64),
    Retract(u128, f64),
    /// What a person does to two of the tracks that are there then.
    Act(u8, usize, usize, f64),
}

/// A number that may be anything.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -1e4..1e4f64,
        1 => any::<f64>(),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(0.0), Just(-0.0), Just(1e300), Just(5e-324), Just(180.0)],
    ]
}

fn tame_observation() -> impl Strategy<Value = Observation> {
    let near = (-400.0..400.0f64, -400.0..400.0f64, prop::option::of(300.0..700.0f64), 0..2usize);
    let kind = 0..6u8;
    (near, kind, 0.5..80.0f64, 0..4u8, 0..3u8, 0.0..360.0f64, 30.0..2_000.0f64).prop_map(
        |((e, n, alt, home), kind, sigma, address, serial, az, range)| {
            let home = [place(47.0, 8.0, None), place(31.0, -106.0, None)][home];
            let at = Place { alt_hae_m: alt, ..offset(home, e, n) };
            let from = Place { alt_hae_m: alt, ..home };
            match kind {
                0 => position("feed", 0.0, at, sigma),
                1 | 2 => beacon(0.0, at, &format!("aa:{address}"), ["S1", "S2"].get(usize::from(serial)).copied()),
                3 => observation(
                    "radar-1",
                    0.0,
                    Measurement::RangeAzEl {
                        from,
                        range_m: range,
                        azimuth_deg: az,
                        elevation_deg: alt.map(|a| a / 100.0),
                        sigma: [sigma, 1.0, 1.0],
                    },
                ),
                4 => {
                    let mut o = observation(
                        &format!("person.p{address}"),
                        0.0,
                        Measurement::Bearing {
                            from,
                            from_sigma_m: sigma,
                            azimuth_deg: az,
                            azimuth_error: vec![(0.9, 5.0), (0.1, 25.0)],
                            elevation_deg: alt.map(|a| (a / 20.0, 10.0)),
                            range: (serial > 0).then_some(LogNormalRange { median_m: range, sigma_ln: 0.5 }),
                        },
                    );
                    o.signal.transport = Some("person".into());
                    o.sighting = Some(SightingId(Uuid::from_u128(u128::from(address))));
                    o
                }
                _ => {
                    let mut o = beacon(0.0, at, &format!("aa:{address}"), Some("S1"));
                    o.measurement = Measurement::Presence { from: Some(from), radius_m: Some(sigma * 3.0) };
                    o
                }
            }
        },
    )
}

fn wild_observation() -> impl Strategy<Value = Observation> {
    (
        tame_observation(),
        proptest::array::uniform6(wild()),
        proptest::array::uniform3(proptest::array::uniform3(wild())),
        0..9u8,
    )
        .prop_map(|(mut o, x, cov, what)| {
            let odd = Place { lat_deg: x[0], lon_deg: x[1], alt_hae_m: Some(x[2]) };
            match what {
                0 => o.measurement = Measurement::Position { at: odd, cov_enu_m2: cov },
                1 => o.measurement = Measurement::Position { at: place(47.0, 8.0, Some(0.0)), cov_enu_m2: cov },
                2 => {
                    o.measurement = Measurement::RangeAzEl {
                        from: place(47.0, 8.0, Some(400.0)),
                        range_m: x[0],
                        azimuth_deg: x[1],
                        elevation_deg: Some(x[2]),
                        sigma: [x[3], x[4], x[5]],
                    };
                }
                3 | 4 => {
                    o.measurement = Measurement::Bearing {
                        from: if what == 3 { place(47.0, 8.0, Some(400.0)) } else { odd },
                        from_sigma_m: x[3].abs(),
                        azimuth_deg: x[4],
                        azimuth_error: vec![(1.0, x[5])],
                        elevation_deg: Some((x[0], x[1])),
                        range: Some(LogNormalRange { median_m: x[2], sigma_ln: x[3] }),
                    };
                }
                5 => o.claims.velocity_enu_mps = Some([x[0], x[1], x[2]]),
                6 => o.signal.receiver_at = Some(odd),
                7 => {
                    o.claims.height_takeoff_m = Some(x[0]);
                    o.claims.ids = vec![IdClaim { kind: IdKind::Serial, value: "x".repeat(300) }];
                }
                _ => o.received_at = Time::from_micros(i64::from_ne_bytes(x[0].to_ne_bytes())),
            }
            o
        })
}

/// A story: each event some seconds after the one before, its observation up to 40 s old.
fn story(wild: bool) -> impl Strategy<Value = Vec<Event>> {
    let seen = if wild {
        prop_oneof![1 => wild_observation().boxed(), 1 => tame_observation().boxed()].boxed()
    } else {
        tame_observation().boxed()
    };
    let age = prop_oneof![3 => Just(0.0), 2 => 0.0..3.0f64, 1 => -5.0..140.0f64];
    let event = (seen, 0.0..2.5f64, age, 0..12u8);
    let two = (any::<usize>(), any::<usize>());
    proptest::collection::vec((event, two), 1..60).prop_map(|events| {
        let mut now = 200.0;
        events
            .into_iter()
            .map(|((mut o, gap, age, what), (one, other))| {
                now += gap;
                match what {
                    3..=5 => Event::Act(what - 3, one, other, now),
                    0 | 1 => Event::Tick(now),
                    2 => Event::Retract(u128::from(gap > 1.0), now),
                    _ => {
                        o.observed_at = time(now - age);
                        Event::Seen(Box::new(o), now)
                    }
                }
            })
            .collect()
    })
}

fn step(tracker: &mut Tracker, entry: u64, event: &Event) -> Vec<Track> {
    match event {
        Event::Seen(o, now) => {
            let mut ids = IdMaker::new(LogId(Uuid::from_u128(4)), entry);
            let o = Observation { id: ObservationId(Uuid::from_u128(u128::from(entry))), ..(**o).clone() };
            tracker.observe(&o, &mut ids, time(*now))
        }
        Event::Tick(now) => tracker.tick(time(*now)),
        Event::Retract(s, now) => tracker.retract(SightingId(Uuid::from_u128(*s)), time(*now)),
        Event::Act(kind, one, other, now) => {
            let live = tracker.tracks();
            let (Some(t), Some(with)) = (live.get(one % live.len().max(1)), live.get(other % live.len().max(1))) else {
                return Vec::new();
            };
            let why = "as seen".to_owned();
            let act = match kind {
                0 => TrackAct::Merge { track: t.id, with: with.id, why },
                1 if t.ids.is_empty() || other % 2 == 0 => {
                    let Some(source) = t.sources.get(other % t.sources.len().max(1)).cloned() else {
                        return Vec::new();
                    };
                    TrackAct::Split { track: t.id, part: TrackPart::Source { source }, why }
                }
                1 => {
                    let name = &t.ids[other % t.ids.len()];
                    let part = TrackPart::Identity { kind: name.kind, value: name.value.clone() };
                    TrackAct::Split { track: t.id, part, why }
                }
                _ => {
                    let class = [None, Some(TrackClass::Bird), Some(TrackClass::Unknown)][other % 3];
                    TrackAct::Classify { track: t.id, class, affiliation: None, why }
                }
            };
            let mut ids = IdMaker::new(LogId(Uuid::from_u128(4)), entry);
            tracker.act(&act, &PersonId::new("w1").unwrap(), &mut ids, time(*now))
        }
    }
}

fn sound(t: &Track) -> bool {
    let numbers = t
        .cov_enu_m2
        .iter()
        .chain(&t.vel_cov_enu)
        .chain(&t.cross_cov_enu)
        .flatten()
        .chain(&t.vel_enu_mps)
        .all(|x| x.is_finite());
    numbers
        && t.place.check().is_ok()
        && (0.0..=1.0).contains(&t.existence)
        && (0.0..=1.0).contains(&t.class_p)
        && t.ids.iter().all(|i| (0.0..=1.0).contains(&i.p))
        && t.because.len() <= Track::BECAUSE
        && (1..=Track::LINEAGE).contains(&t.lineage.len())
        && t.height_takeoff_m.is_none_or(f64::is_finite)
        && definite(t)
}

fn bytes<T: serde::Serialize>(x: &T) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(x, &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_input_makes_a_track_unsound(story in story(true)) {
        let mut tracker = Tracker::new(Settings::default());
        for (k, event) in story.iter().enumerate() {
            for t in step(&mut tracker, k as u64, event) {
                prop_assert!(sound(&t), "{event:?} made {t:?}");
            }
        }
        for t in tracker.tracks() {
            prop_assert!(sound(&t), "{t:?}");
        }
    }

    #[test]
    fn the_same_record_gives_the_same_tracks_also_through_a_snapshot(story in story(false), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(story.len());
        let (mut once, mut again) = (Tracker::new(Settings::default()), Tracker::new(Settings::default()));
        for (k, event) in story.iter().enumerate() {
            if k == cut {
                again = ciborium::from_reader(bytes(&again).as_slice()).unwrap();
            }
            let (a, b) = (step(&mut once, k as u64, event), step(&mut again, k as u64, event));
            prop_assert_eq!(bytes(&a), bytes(&b));
        }
        prop_assert_eq!(bytes(&once), bytes(&again));
    }

    /// What the caller was told, put together, is what there is.
    #[test]
    fn every_track_has_its_own_id_and_every_change_is_told(story in story(false)) {
        let mut tracker = Tracker::new(Settings::default());
        let mut known = std::collections::BTreeMap::new();
        for (k, event) in story.iter().enumerate() {
            let out = step(&mut tracker, k as u64, event);
            prop_assert!(out.is_sorted_by(|a, b| a.id < b.id));
            for t in out {
                if t.state == skypicket_model::TrackState::Deleted {
                    known.remove(&t.id);
                } else {
                    known.insert(t.id, t.because);
                }
            }
            let live: std::collections::BTreeMap<_, _> = tracker.tracks().into_iter().map(|t| (t.id, t.because)).collect();
            prop_assert_eq!(&live, &known, "after {:?}", event);
        }
    }

    /// The same scene elsewhere on Earth gives the same tracks there. What is said of climbing holds for the middle of the
    /// square of the Earth that a thing is in, and upright there is upright elsewhere in it only to a seventieth of a degree:
    /// that is worth a centimetre or two, of a place known to metres.
    #[test]
    fn moving_the_scene_moves_the_result(
        seed in any::<u64>(), lat in -60.0..60.0f64, turn in -170.0..170.0f64, ve in -15.0..15.0f64,
    ) {
        let run = |lon: f64| {
            let home = place(lat, lon, Some(300.0));
            let (mut d, mut noise) = (Desk::new(), Noise(seed));
            for k in 0..25 {
                let t = f64::from(k);
                let at = offset(home, ve * t + 8.0 * noise.normal(), 8.0 * noise.normal());
                d.see(beacon(t, at, "aa:01", Some("S1")), t);
                d.see(plot("radar-1", t + 0.4, home, offset(home, 900.0 + ve * t, 300.0), &mut noise, [8.0, 0.5, 0.5]), t + 0.4);
            }
            let mut live = d.live();
            live.sort_by_key(|t| t.id);
            live.iter()
                .map(|t| (Enu::at(home).from_place(t.place), t.vel_enu_mps, t.existence, t.cov_enu_m2))
                .collect::<Vec<_>>()
        };
        let (here, there) = (run(0.0), run(turn));
        prop_assert_eq!(here.len(), there.len());
        for (a, b) in here.iter().zip(&there) {
            for k in 0..3 {
                prop_assert!((a.0[k] - b.0[k]).abs() < 0.05 && (a.1[k] - b.1[k]).abs() < 0.05, "{a:?} {b:?}");
                prop_assert!((a.3[k][k] / b.3[k][k] - 1.0).abs() < 1e-3, "{a:?} {b:?}");
            }
            prop_assert!((a.2 - b.2).abs() < 1e-6);
        }
    }
}

/// Straight flights with honest errors: the normalised estimation error squared per dimension is about 1.
#[test]
fn the_covariance_is_honest_for_positions_and_for_radar() {
    let home = place(31.76, -106.49, Some(1_150.0));
    for radar in [false, true] {
        let (mut sum, mut n) = (0.0, 0.0);
        let (mut sum_v, mut rmse2) = (0.0, 0.0);
        for seed in 0..60u64 {
            let (mut d, mut noise) = (Desk::new(), Noise(1_000 + seed));
            // The engine's own motion: quiet flight and manoeuvre by turns, white acceleration at a tenth of a second, and
            // climbs that die away.
            let flight = skypicket_track::sky::Settings::default().flight;
            let mut mode = 0;
            let (mut p, mut v) =
                ([1_500.0, 1_000.0, 120.0], [12.0 * noise.normal(), 12.0 * noise.normal(), noise.normal()]);
            for k in 0..400 {
                if noise.even() < 0.1 / flight.stay[mode] {
                    mode = 1 - mode;
                }
                for a in 0..3 {
                    let q = flight.q[mode] * if a < 2 { 1.0 } else { flight.up };
                    p[a] += v[a] * 0.1;
                    v[a] += (q * 0.1).sqrt() * noise.normal();
                }
                v[2] *= 1.0 - 0.1 / flight.level;
                if k % 10 != 9 {
                    continue;
                }
                let t = f64::from(k) * 0.1;
                let truth = Enu::at(home).to_place(p);
                let o = if radar {
                    plot("radar-1", t, home, truth, &mut noise, [10.0, 0.6, 0.6])
                } else {
                    let at =
                        Enu::at(truth).to_place([10.0 * noise.normal(), 10.0 * noise.normal(), 10.0 * noise.normal()]);
                    let mut o = position("rid-1", t, at, 10.0);
                    o.signal.address = Some("aa:01".into());
                    o
                };
                let out = d.see(o, t);
                if k < 100 || out.is_empty() {
                    continue;
                }
                let track = out.iter().min_by(|a, b| apart(a.place, truth).total_cmp(&apart(b.place, truth))).unwrap();
                let frame = Enu::at(truth);
                let e = frame.from_place(track.place);
                sum += mahalanobis2(&track.cov_enu_m2, e) / 3.0;
                sum_v += mahalanobis2(&track.vel_cov_enu, std::array::from_fn(|k| track.vel_enu_mps[k] - v[k])) / 3.0;
                rmse2 += e[0] * e[0] + e[1] * e[1] + e[2] * e[2];
                n += 1.0;
            }
        }
        let (nees, nees_v, rmse) = (sum / n, sum_v / n, libm::sqrt(rmse2 / n));
        println!("radar {radar}: NEES/dim position {nees:.3} velocity {nees_v:.3}, rmse {rmse:.1} m over {n} updates");
        assert!((0.85..1.15).contains(&nees) && (0.85..1.2).contains(&nees_v));
    }
}

fn mahalanobis2(cov: &[[f64; 3]; 3], e: [f64; 3]) -> f64 {
    let [[a, b, c], [_, d, f], [_, _, g]] = *cov;
    let det = a * (d * g - f * f) - b * (b * g - f * c) + c * (b * f - d * c);
    let inverse = [
        [d * g - f * f, c * f - b * g, b * f - c * d],
        [c * f - b * g, a * g - c * c, b * c - a * f],
        [b * f - c * d, b * c - a * f, a * d - b * b],
    ];
    let mut sum = 0.0;
    for i in 0..3 {
        for j in 0..3 {
            sum += e[i] * inverse[i][j] * e[j] / det;
        }
    }
    sum
}
