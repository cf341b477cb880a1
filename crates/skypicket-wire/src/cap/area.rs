//! [`Area`]: where an alert is for: words, polygons, circles and codes; together they are the area.

use super::alert::NamedValue;
use skypicket_model::LatLon;

/// One area. Shapes are WGS 84.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Area {
    /// The area in words.
    pub area_desc: String,
    /// Polygons.
    pub polygon: Vec<Polygon>,
    /// Circles.
    pub circle: Vec<Circle>,
    /// Codes, as `SAME` = `006109`.
    pub geocode: Vec<NamedValue>,
    /// Lowest, or only, height of it: feet above mean sea level.
    pub altitude: Option<f64>,
    /// Its greatest height: feet above mean sea level; only with an altitude.
    pub ceiling: Option<f64>,
}

impl Area {
    /// An area in words.
    pub fn new(area_desc: impl Into<String>) -> Self {
        Self { area_desc: area_desc.into(), ..Self::default() }
    }
}

/// At least four points, the last the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon(Vec<LatLon>);

/// A circle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    centre: LatLon,
    radius_km: f64,
}

/// Why a text or points are no shape.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadShape {
    /// Not `lat,lon`, or not `lat,lon radius`.
    #[error("'{0}' is not understood: write lat,lon")]
    Syntax(String),
    /// Not on Earth.
    #[error("'{0}' is not within ±90 and ±180 degrees")]
    Range(String),
    /// Fewer than four points.
    #[error("{0} points are fewer than four")]
    TooFew(usize),
    /// The last point is not the first.
    #[error("the last point is not the first")]
    Open,
    /// The radius is not finite or negative.
    #[error("radius {0} km is not zero or more")]
    Radius(f64),
}

impl BadShape {
    /// The flag.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "shape_syntax",
            Self::Range(_) => "shape_out_of_range",
            Self::TooFew(_) => "polygon_too_few_points",
            Self::Open => "polygon_open",
            Self::Radius(_) => "circle_radius",
        }
    }
}

impl Polygon {
    /// A polygon of its points; the last must be the first.
    pub fn new(points: Vec<LatLon>) -> Result<Self, BadShape> {
        for p in &points {
            LatLon::new(p.lat_deg, p.lon_deg).map_err(|_| BadShape::Range(point_text(*p)))?;
        }
        if points.len() < 4 {
            return Err(BadShape::TooFew(points.len()));
        }
        if points.first() != points.last() {
            return Err(BadShape::Open);
        }
        Ok(Self(points))
    }

    /// Its points, the first again at the end.
    pub fn points(&self) -> &[LatLon] {
        &self.0
    }

    /// `lat,lon lat,lon …`.
    pub fn read(text: &str) -> Result<Self, BadShape> {
        Self::new(text.split_ascii_whitespace().map(point).collect::<Result<_, _>>()?)
    }
}

impl Circle {
    /// A circle of a radius in kilometres; zero is a point.
    pub fn new(lat_deg: f64, lon_deg: f64, radius_km: f64) -> Result<Self, BadShape> {
        let centre = LatLon { lat_deg, lon_deg };
        LatLon::new(lat_deg, lon_deg).map_err(|_| BadShape::Range(point_text(centre)))?;
        if !(radius_km.is_finite() && radius_km >= 0.0) {
            return Err(BadShape::Radius(radius_km));
        }
        Ok(Self { centre, radius_km })
    }

    /// Its centre.
    pub fn centre(&self) -> LatLon {
        self.centre
    }

    /// Its radius, kilometres, 0 and more.
    pub fn radius_km(&self) -> f64 {
        self.radius_km
    }

    /// `lat,lon radius`.
    pub fn read(text: &str) -> Result<Self, BadShape> {
        let mut parts = text.split_ascii_whitespace();
        let (Some(centre), Some(radius), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(syntax(text));
        };
        let centre = point(centre)?;
        Self::new(centre.lat_deg, centre.lon_deg, decimal(radius).ok_or_else(|| syntax(text))?)
    }
}

impl std::fmt::Display for Polygon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (k, p) in self.0.iter().enumerate() {
            write!(f, "{}{}", if k > 0 { " " } else { "" }, point_text(*p))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", point_text(self.centre), self.radius_km)
    }
}

/// Rust's shortest digits, never an exponent.
fn point_text(p: LatLon) -> String {
    format!("{},{}", p.lat_deg, p.lon_deg)
}

fn syntax(text: &str) -> BadShape {
    BadShape::Syntax(text.chars().take(40).collect())
}

/// `lat,lon`; a sign before either, as in real files.
fn point(text: &str) -> Result<LatLon, BadShape> {
    let (lat, lon) = text.split_once(',').ok_or_else(|| syntax(text))?;
    let (Some(lat), Some(lon)) = (decimal(lat), decimal(lon)) else { return Err(syntax(text)) };
    LatLon::new(lat, lon).map_err(|_| BadShape::Range(text.chars().take(40).collect()))
}

/// An xs:decimal: digits, at most one point, a sign; no exponent, nothing that is not a number.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let plain = |b: u8| b.is_ascii_digit() || b"+-.".contains(&b);
    // Longer than any number that means a place or a height, and than the shortest digits of any f64 in our ranges.
    if text.len() > 400 || !text.bytes().all(plain) {
        return None;
    }
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes_that_are_none_are_named_for_what_is_wrong() {
        for (text, word) in [
            ("1,2 3,4 5,6", "polygon_too_few_points"),
            ("1,2", "polygon_too_few_points"),
            ("1,2 3,4 5,6 7,8", "polygon_open"),
            ("1,2 3,4 5,6 91,2", "shape_out_of_range"),
            ("1,2 3,-180.1 5,6 1,2", "shape_out_of_range"),
            ("1,2 3 5,6 1,2", "shape_syntax"),
            // A real file has such a comma.
            ("1,2 3,4, 5,6 1,2", "shape_syntax"),
            ("1,2 3,nan 5,6 1,2", "shape_syntax"),
            ("1,2 3,1e1 5,6 1,2", "shape_syntax"),
        ] {
            assert_eq!(Polygon::read(text).unwrap_err().word(), word, "{text}");
        }
        for (text, word) in [
            ("1,2", "shape_syntax"),
            ("1,2 3 4", "shape_syntax"),
            ("1 2 3", "shape_syntax"),
            ("1,2 inf", "shape_syntax"),
            ("1,2 -1", "circle_radius"),
            ("-90.5,2 1", "shape_out_of_range"),
        ] {
            assert_eq!(Circle::read(text).unwrap_err().word(), word, "{text}");
        }
    }

    #[test]
    fn real_spellings_are_read() {
        let p = Polygon::read("+41.12,-117.61 \n +41.06,-117.47  40.,-.5 41.120,-117.61").unwrap();
        assert_eq!(p.to_string(), "41.12,-117.61 41.06,-117.47 40,-0.5 41.12,-117.61");
        let c = Circle::read(" -16.053,-173.274 0.0 ").unwrap();
        assert_eq!((c.centre().lat_deg, c.radius_km()), (-16.053, 0.0));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            points in proptest::collection::vec((-90.0..=90.0f64, -180.0..=180.0f64), 3..9), radius in 0.0..1e9f64,
        ) {
            let mut points: Vec<_> = points.into_iter().map(|(lat_deg, lon_deg)| LatLon { lat_deg, lon_deg }).collect();
            points.push(points[0]);
            let p = Polygon::new(points.clone()).unwrap();
            prop_assert_eq!(Polygon::read(&p.to_string()), Ok(p));
            let c = Circle::new(points[0].lat_deg, points[0].lon_deg, radius).unwrap();
            prop_assert_eq!(Circle::read(&c.to_string()), Ok(c));
        }
    }
}
