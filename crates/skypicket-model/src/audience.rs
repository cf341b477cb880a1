//! [`Audience`]: whom a notice is for, as a rule; [`Area`], and a person's standing wish to be told ([`Subscription`]).
//!
//! A rule names people by identity, never by call-sign. Who it means is worked out when a version is issued, and kept
//! with the rule that put each person on the list.

use crate::{AgencyId, Enu, LatLon, Level, PersonId, Place, Role, UnitId};
use serde::{Deserialize, Serialize};

/// One rule of whom a notice is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Audience {
    /// These people.
    People {
        /// Who.
        people: Vec<PersonId>,
    },
    /// Everybody in a unit.
    Unit {
        /// Which.
        unit: UnitId,
        /// And its chain of leaders, wherever they belong.
        #[serde(default)]
        leadership: bool,
    },
    /// Everybody in an agency.
    Agency {
        /// Which.
        agency: AgencyId,
    },
    /// Everybody with a role.
    Role {
        /// Which.
        role: Role,
    },
    /// Whoever is on duty now, by a roster.
    OnDuty {
        /// Which.
        roster: UnitId,
    },
    /// Whoever last said that they are there.
    InArea {
        /// Where.
        area: Area,
    },
    /// Whoever has an open warning.
    InDanger {},
    /// Whoever a drone could reach within so many seconds, warned or not.
    InDangerSoon {
        /// Seconds, 1 to 3,600.
        within_s: f64,
    },
    /// Whoever is near somebody with an open warning.
    Neighbours {
        /// How near, metres, 1 to 100,000.
        within_m: f64,
    },
    /// Whoever asked for notices of this level and place.
    Subscribers {},
    /// Everybody who watches at the centre.
    Centre {},
    /// Everybody in the directory.
    Everybody {},
}

/// A stretch of ground.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
pub enum Area {
    /// Around a point.
    Circle {
        /// Middle.
        centre: LatLon,
        /// Radius, metres, over 0 and at most 1,000,000.
        radius_m: f64,
    },
    /// Within straight lines between points; the last is joined to the first.
    Polygon {
        /// The corners in their order around it, 3 to 200, none over 1,000 km from the first; no side crosses another.
        points: Vec<LatLon>,
    },
}

impl Area {
    /// Largest radius, metres.
    pub const MOST_RADIUS_M: f64 = 1_000_000.0;

    /// Most corners of a polygon.
    pub const MOST_POINTS: usize = 200;

    /// Whether a point lies in it; `spare_m` metres outside still count (how well the point is known).
    pub fn holds(&self, at: LatLon, spare_m: f64) -> bool {
        match self {
            Self::Circle { centre, radius_m } => distance_m(*centre, at) <= radius_m + spare_m,
            // Corners as seen from the point: it is the origin.
            Self::Polygon { points } => {
                let corners: Vec<(f64, f64)> = points.iter().map(|p| seen_from(at, *p)).collect();
                around_origin(&corners) || edges(&corners).any(|(a, b)| from_origin(a, b) <= spare_m)
            }
        }
    }

    /// Whether it has anything in common with another.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Circle { centre, radius_m }) => self.holds(*centre, *radius_m),
            (Self::Circle { centre, radius_m }, _) => other.holds(*centre, *radius_m),
            (Self::Polygon { points: mine }, Self::Polygon { points: theirs }) => {
                let (Some(a), Some(b)) = (mine.first(), theirs.first()) else { return false };
                let flat =
                    |points: &[LatLon]| -> Vec<(f64, f64)> { points.iter().map(|p| seen_from(*a, *p)).collect() };
                let (mine, theirs) = (flat(mine), flat(theirs));
                self.holds(*b, 0.0)
                    || other.holds(*a, 0.0)
                    || edges(&mine).any(|(p, q)| edges(&theirs).any(|(r, s)| cross(p, q, r, s)))
            }
        }
    }

    /// A circle around all of it: middle and radius, metres.
    pub fn around(&self) -> (LatLon, f64) {
        match self {
            Self::Circle { centre, radius_m } => (*centre, *radius_m),
            Self::Polygon { points } => {
                let first = points.first().copied().unwrap_or(LatLon { lat_deg: 0.0, lon_deg: 0.0 });
                let seen: Vec<(f64, f64)> = points.iter().map(|p| seen_from(first, *p)).collect();
                let mid = |of: fn(&(f64, f64)) -> f64| {
                    let (low, high) = seen.iter().map(of).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
                    if seen.is_empty() { 0.0 } else { f64::midpoint(low, high) }
                };
                let (east, north) = (mid(|p| p.0), mid(|p| p.1));
                let place = Place { lat_deg: first.lat_deg, lon_deg: first.lon_deg, alt_hae_m: None };
                let middle = Enu::at(place).to_place([east, north, 0.0]);
                let middle = LatLon { lat_deg: middle.lat_deg, lon_deg: middle.lon_deg };
                let radius = points.iter().map(|p| distance_m(middle, *p)).fold(0.0, f64::max);
                (middle, radius)
            }
        }
    }

    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        let on_earth = |p: &LatLon| LatLon::new(p.lat_deg, p.lon_deg).map(drop).map_err(|e| format!("area: {e}"));
        match self {
            Self::Circle { centre, radius_m } => {
                on_earth(centre)?;
                if !(*radius_m > 0.0 && *radius_m <= Self::MOST_RADIUS_M) {
                    return Err(format!("area: radius_m is {radius_m}: give over 0 and at most 1000000 metres"));
                }
                Ok(())
            }
            Self::Polygon { points } => {
                if !(3..=Self::MOST_POINTS).contains(&points.len()) {
                    return Err(format!("area: {} points; give 3 to {}", points.len(), Self::MOST_POINTS));
                }
                points.iter().try_for_each(on_earth)?;
                let far = points.iter().any(|p| distance_m(points[0], *p) > Self::MOST_RADIUS_M);
                if far {
                    return Err("area: a point is over 1000 km from the first".into());
                }
                match crossing(points) {
                    Some((a, b)) => Err(format!(
                        "area: the side from point {a} crosses the side from point {b}: give the points in their order around it"
                    )),
                    None => Ok(()),
                }
            }
        }
    }
}

/// East and north of a point as seen from another, metres.
fn seen_from(origin: LatLon, p: LatLon) -> (f64, f64) {
    let place = |p: LatLon| Place { lat_deg: p.lat_deg, lon_deg: p.lon_deg, alt_hae_m: None };
    let (distance, bearing_deg) = place(origin).distance_and_bearing(place(p));
    let (sin, cos) = (libm::sin(bearing_deg.to_radians()), libm::cos(bearing_deg.to_radians()));
    (distance * sin, distance * cos)
}

fn edges(corners: &[(f64, f64)]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Whether a polygon holds the origin (even-odd rule).
fn around_origin(corners: &[(f64, f64)]) -> bool {
    let crossings = edges(corners)
        .filter(|((ax, ay), (bx, by))| (*ay > 0.0) != (*by > 0.0) && ax - ay * (bx - ax) / (by - ay) > 0.0);
    crossings.count() % 2 == 1
}

/// Distance of a stretch from the origin.
fn from_origin((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx * dx + dy * dy;
    let t = if length2 > 0.0 { (-(ax * dx + ay * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    libm::hypot(ax + t * dx, ay + t * dy)
}

/// The first two sides that cross, by the points from which they start, counted from 1: what is inside is anybody's guess.
fn crossing(points: &[LatLon]) -> Option<(usize, usize)> {
    let first = points.first()?;
    let corners: Vec<(f64, f64)> = points.iter().map(|p| seen_from(*first, *p)).collect();
    let sides: Vec<_> = edges(&corners).collect();
    sides.iter().enumerate().find_map(|(i, (p, q))| {
        let later = sides.iter().enumerate().skip(i + 1);
        later.filter(|(_, (r, s))| cross(*p, *q, *r, *s)).map(|(j, _)| (i + 1, j + 1)).next()
    })
}

/// Whether two stretches cross.
fn cross(p: (f64, f64), q: (f64, f64), r: (f64, f64), s: (f64, f64)) -> bool {
    let side = |a: (f64, f64), b: (f64, f64), c: (f64, f64)| (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    side(p, q, r) * side(p, q, s) < 0.0 && side(r, s, p) * side(r, s, q) < 0.0
}

fn distance_m(a: LatLon, b: LatLon) -> f64 {
    let place = |p: LatLon| Place { lat_deg: p.lat_deg, lon_deg: p.lon_deg, alt_hae_m: None };
    place(a).distance_and_bearing(place(b)).0
}

/// A person's wish to be told of what is this bad, there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// From this level on.
    pub level: Level,
    /// Where; anywhere when it is not said.
    #[serde(default)]
    pub area: Option<Area>,
}

impl Subscription {
    /// Most of one person.
    pub const MOST: usize = 20;
}

impl Audience {
    /// Most rules of one notice.
    pub const MOST: usize = 100;
    /// Most people named in one rule.
    pub const MOST_PEOPLE: usize = 10_000;

    /// What is wrong with it by itself, in words.
    pub fn check(&self) -> Result<(), String> {
        let within = |what: &str, got: f64, most: f64| {
            if (1.0..=most).contains(&got) { Ok(()) } else { Err(format!("{what} is {got}: give 1 to {most}")) }
        };
        match self {
            Self::People { people } if people.is_empty() => Err("people: none is named".into()),
            Self::People { people } if people.len() > Self::MOST_PEOPLE => {
                Err(format!("people: {} are more than {}", people.len(), Self::MOST_PEOPLE))
            }
            Self::InArea { area } => area.check(),
            Self::InDangerSoon { within_s } => within("within_s", *within_s, 3_600.0),
            Self::Neighbours { within_m } => within("within_m", *within_m, 100_000.0),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_holds_what_is_near_and_what_may_be_near() {
        let centre = LatLon { lat_deg: 31.76, lon_deg: -106.49 };
        let area = Area::Circle { centre, radius_m: 1_000.0 };
        let north = |m: f64| LatLon { lat_deg: 31.76 + m / 110_880.0, lon_deg: -106.49 };
        assert!(area.holds(north(990.0), 0.0));
        assert!(!area.holds(north(1_050.0), 0.0));
        assert!(area.holds(north(1_050.0), 100.0));
        assert!(area.meets(&Area::Circle { centre: north(1_900.0), radius_m: 950.0 }));
        assert!(!area.meets(&Area::Circle { centre: north(1_900.0), radius_m: 800.0 }));
    }

    #[test]
    fn a_polygon_holds_what_is_inside_and_what_may_be_and_meets_what_crosses_it() {
        let at =
            |east: f64, north: f64| LatLon { lat_deg: 31.76 + north / 110_880.0, lon_deg: -106.49 + east / 94_700.0 };
        let polygon = |c: &[(f64, f64)]| Area::Polygon { points: c.iter().map(|(e, n)| at(*e, *n)).collect() };
        // An L: 10 km wide and high, 2 km thick.
        let l = polygon(&[(0.0, 0.0), (10e3, 0.0), (10e3, 2e3), (2e3, 2e3), (2e3, 10e3), (0.0, 10e3)]);
        assert!(l.check().is_ok());
        assert!(l.holds(at(1e3, 9e3), 0.0) && l.holds(at(9e3, 1e3), 0.0));
        assert!(!l.holds(at(5e3, 5e3), 2_900.0) && l.holds(at(5e3, 5e3), 3_100.0));
        assert!(!l.holds(at(-200.0, 5e3), 100.0) && l.holds(at(-200.0, 5e3), 300.0));
        let bar = polygon(&[(-1e3, 5e3), (20e3, 5e3), (20e3, 6e3), (-1e3, 6e3)]);
        assert!(l.meets(&bar) && bar.meets(&l), "it crosses, though no corner of either is in the other");
        let corner = polygon(&[(4e3, 4e3), (9e3, 4e3), (9e3, 9e3), (4e3, 9e3)]);
        assert!(!l.meets(&corner) && !corner.meets(&l));
        assert!(polygon(&[(0.5e3, 0.5e3), (1e3, 0.5e3), (1e3, 1e3)]).meets(&l), "one inside the other");
        let circle = Area::Circle { centre: at(5e3, 5e3), radius_m: 3_100.0 };
        assert!(l.meets(&circle) && circle.meets(&l));
        let (middle, radius) = l.around();
        assert!(distance_m(middle, at(5e3, 5e3)) < 50.0 && (radius - 7_071.0).abs() < 80.0, "{middle:?} {radius}");
        let bow = polygon(&[(0.0, 0.0), (5e3, 5e3), (5e3, 0.0), (0.0, 5e3)]).check();
        assert_eq!(
            bow.unwrap_err(),
            "area: the side from point 1 crosses the side from point 3: give the points in their order around it"
        );
        let over_the_date_line = [(0.1, 179.9), (0.1, -179.9), (-0.1, -179.9), (-0.1, 179.9)];
        let points =
            over_the_date_line.iter().map(|(lat_deg, lon_deg)| LatLon { lat_deg: *lat_deg, lon_deg: *lon_deg });
        let small = Area::Polygon { points: points.collect() };
        assert!(small.check().is_ok() && small.holds(LatLon { lat_deg: 0.0, lon_deg: 180.0 }, 0.0));
        for bad in [polygon(&[(0.0, 0.0), (1.0, 1.0)]), polygon(&[(0.0, 0.0), (1.1e6, 0.0), (1.0, 1.0)])] {
            assert!(bad.check().is_err());
        }
    }

    #[test]
    fn rules_that_mean_nobody_or_nonsense_are_refused_in_words() {
        for (rule, why) in [
            (Audience::People { people: Vec::new() }, "none"),
            (Audience::InDangerSoon { within_s: f64::NAN }, "within_s"),
            (Audience::Neighbours { within_m: 0.0 }, "within_m"),
            (
                Audience::InArea {
                    area: Area::Circle { centre: LatLon { lat_deg: 91.0, lon_deg: 0.0 }, radius_m: 1.0 },
                },
                "latitude",
            ),
        ] {
            assert!(rule.check().unwrap_err().contains(why), "{rule:?}");
        }
        assert!(serde_json::from_str::<Audience>(r#"{"to":"unit","unit":"u","leaders":true}"#).is_err());
    }
}
