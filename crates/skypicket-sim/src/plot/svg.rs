//! [`Svg`]: a picture that is being drawn, and the [`Panel`] that turns what is drawn into its pixels.

use std::fmt::Write;

/// Width of all pictures, pixels.
pub(super) const WIDTH: f64 = 960.0;
/// Between the parts of a picture and around them, pixels.
pub(super) const GAP: f64 = 16.0;
/// How many colours tell tracks apart.
pub(super) const COLOURS: usize = 6;

/// Colours by name, light and dark. Tracks are from Okabe and Ito's palette (2008), for eyes that see red and green
/// alike, made darker or lighter until each is at least 3 : 1 against its ground.
const STYLE: &str = "\
svg{--g:#fff;--i:#22262b;--m:#5c646d;--f:#c3c9d0;--b:#e4e7eb;--t:#bfc5cc;--p:#8a929b;--c:#2f7d54;\
--k0:#0064a8;--k1:#b84a00;--k2:#00795a;--k3:#a3458b;--k4:#806400;--k5:#5546b8;--s:#c0182b;\
font:13px system-ui,'DejaVu Sans',sans-serif}\
@media(prefers-color-scheme:dark){svg{--g:#1b1e22;--i:#e6e9ec;--m:#a4acb5;--f:#4a525b;--b:#31373e;--t:#5d656e;--p:#828b95;\
--c:#66c796;--k0:#5cb3f2;--k1:#f59248;--k2:#3ecfa5;--k3:#ec9fd2;--k4:#e0c04a;--k5:#aaa0ff;--s:#ff6a70}}\
text{fill:var(--i)}.m{fill:var(--m);font-size:11px}.h{font-size:15px;font-weight:600}\
.g{fill:var(--g)}.f{fill:none;stroke:var(--f)}.b{fill:none;stroke:var(--b)}.i{fill:none;stroke:var(--i);stroke-width:1.5}\
.t{fill:none;stroke:var(--t);stroke-width:5;stroke-linecap:round;stroke-linejoin:round}\
.p{fill:none;stroke:var(--p);stroke-width:2;stroke-linecap:round}\
.c{fill:none;stroke:var(--c);stroke-width:3;stroke-linecap:round}\
.r{fill:none;stroke:var(--p);stroke-width:.7;opacity:.55}\
.n{fill:var(--m)}.k0{stroke:var(--k0)}.k1{stroke:var(--k1)}.k2{stroke:var(--k2)}.k3{stroke:var(--k3)}.k4{stroke:var(--k4)}\
.k5{stroke:var(--k5)}.s{stroke:var(--s)}.l{fill:none;stroke-width:1.7;stroke-linejoin:round}.e{fill:none;stroke-width:1}\
.d{stroke-dasharray:5 4}.q{stroke-width:3.6}.band{fill:var(--b);stroke:none}";

/// A picture.
pub(super) struct Svg {
    body: String,
    height: f64,
}

/// Text as it may stand in XML, which has no signs for control and none for what is no character.
fn plain(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A tenth of a pixel is enough, and a nought after the point says nothing.
pub(super) fn px(x: f64) -> String {
    let tenths = (x * 10.0).round();
    // No "-0".
    let tenths = if tenths == 0.0 { 0.0 } else { tenths };
    if tenths % 10.0 == 0.0 { format!("{:.0}", tenths / 10.0) } else { format!("{:.1}", tenths / 10.0) }
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { body: String::new(), height: 0.0 }
    }

    /// The picture reaches at least so far down.
    pub(super) fn reach(&mut self, y: f64) {
        self.height = self.height.max(y);
    }

    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let (x, y) = (px(x), px(y));
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
        let _ = writeln!(self.body, "<text x=\"{x}\" y=\"{y}\"{class}{anchor}>{}</text>", plain(text));
    }

    /// Text that is read from below.
    pub(super) fn upright(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let (x, y) = (px(x), px(y));
        let _ = writeln!(
            self.body,
            "<text transform=\"translate({x} {y})rotate(-90)\" class=\"{class}\" text-anchor=\"middle\">{}</text>",
            plain(text)
        );
    }

    pub(super) fn rect(&mut self, [x, y, w, h]: [f64; 4], class: &str) {
        let [x, y, w, h] = [x, y, w, h].map(px);
        let _ = writeln!(self.body, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"{class}\"/>");
    }

    /// A path; what is empty is not drawn.
    pub(super) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{d}\"/>");
        }
    }

    /// What follows is cut off at a frame, until [`Self::end`].
    pub(super) fn cut(&mut self, name: &str, [x, y, w, h]: [f64; 4]) {
        let [x, y, w, h] = [x, y, w, h].map(px);
        let _ = writeln!(
            self.body,
            "<clipPath id=\"{name}\"><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/></clipPath>\
             <g clip-path=\"url(#{name})\">"
        );
    }

    pub(super) fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The whole picture; `says` is for who cannot see it.
    pub(super) fn finish(self, says: &str) -> String {
        let (w, h) = (px(WIDTH), px(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n<rect width=\"{w}\" height=\"{h}\" class=\"g\"/>\n{}</svg>\n",
            plain(says),
            self.body
        )
    }
}

/// Part of a picture with its own scale: x to the right and y up, from `low` to `high`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    /// Left, top, width, height in pixels.
    pub(super) frame: [f64; 4],
    pub(super) low: [f64; 2],
    pub(super) high: [f64; 2],
}

impl Panel {
    pub(super) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, w, h] = self.frame;
        let share = |v: f64, k: usize| (v - self.low[k]) / (self.high[k] - self.low[k]);
        [left + w * share(x, 0), top + h * (1.0 - share(y, 1))]
    }

    /// Pixels of one unit across.
    pub(super) fn scale(&self) -> f64 {
        self.frame[2] / (self.high[0] - self.low[0])
    }

    /// Whether a point is in it, or at most so many pixels beside it.
    pub(super) fn holds(&self, p: [f64; 2], beside: f64) -> bool {
        let ([x, y], [left, top, w, h]) = (self.at(p), self.frame);
        (left - beside..=left + w + beside).contains(&x) && (top - beside..=top + h + beside).contains(&y)
    }

    /// A line through points, thinned to what can be seen; pieces far outside are left out.
    pub(super) fn line(&self, points: &[[f64; 2]]) -> String {
        let mut d = String::new();
        let mut piece: Vec<[f64; 2]> = Vec::new();
        let mut flush = |piece: &mut Vec<[f64; 2]>| {
            if piece.len() > 1 {
                write_line(&mut d, &thinned(piece, 0.35));
            }
            piece.clear();
        };
        for (k, p) in points.iter().enumerate() {
            let near = |q: Option<&[f64; 2]>| q.is_some_and(|q| self.holds(*q, 20.0));
            let beside = near(k.checked_sub(1).and_then(|k| points.get(k))) || near(points.get(k + 1));
            if near(Some(p)) || beside {
                piece.push(self.at(*p));
            } else {
                flush(&mut piece);
            }
        }
        flush(&mut piece);
        d
    }

    /// Dots at points that are in it.
    pub(super) fn dots(&self, points: impl IntoIterator<Item = [f64; 2]>) -> String {
        let mut d = String::new();
        for p in points.into_iter().filter(|p| self.holds(*p, 0.0)) {
            let [x, y] = self.at(p);
            let _ = write!(d, "M{} {}h0", px(x), px(y));
        }
        d
    }
}

/// Points of a path: the first by its place, the rest by the way from the one before.
fn write_line(d: &mut String, points: &[[f64; 2]]) {
    let tenths = |p: &[f64; 2]| p.map(|x| (x * 10.0).round());
    let mut before: Option<[f64; 2]> = None;
    for p in points.iter().map(tenths) {
        match before {
            None => {
                let _ = write!(d, "M{} {}", px(p[0] / 10.0), px(p[1] / 10.0));
            }
            Some(b) => {
                let _ = write!(d, "l{} {}", px((p[0] - b[0]) / 10.0), px((p[1] - b[1]) / 10.0));
            }
        }
        before = Some(p);
    }
}

/// A line without the points that are less than `off` from it (Ramer, Douglas and Peucker).
fn thinned(points: &[[f64; 2]], off: f64) -> Vec<[f64; 2]> {
    let mut keep = vec![false; points.len()];
    let mut parts = vec![(0, points.len().saturating_sub(1))];
    while let Some((a, b)) = parts.pop() {
        let (Some(p), Some(q)) = (points.get(a), points.get(b)) else { continue };
        keep[a] = true;
        keep[b] = true;
        let (dx, dy) = (q[0] - p[0], q[1] - p[1]);
        let long = libm::hypot(dx, dy);
        let away = |r: &[f64; 2]| {
            if long < 1e-9 {
                libm::hypot(r[0] - p[0], r[1] - p[1])
            } else {
                (dx * (r[1] - p[1]) - dy * (r[0] - p[0])).abs() / long
            }
        };
        let farthest = (a + 1..b).map(|k| (k, away(&points[k]))).max_by(|x, y| x.1.total_cmp(&y.1));
        if let Some((k, far)) = farthest
            && far > off
        {
            parts.extend([(a, k), (k, b)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(p, _)| *p).collect()
}

/// The roundest number of 1, 2 and 5 times a power of ten that is at most `most`.
pub(super) fn round_number(most: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(most.max(1e-12))));
    [5.0, 2.0, 1.0].into_iter().map(|k| k * power).find(|x| *x <= most * (1.0 + 1e-9)).unwrap_or(power)
}

/// Multiples of a step from `low` to `high`.
pub(super) fn ticks(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = libm::ceil(low / step - 1e-9);
    (0..1_000u32).map(move |k| (first + f64::from(k)) * step).take_while(move |x| *x <= high + step * 1e-9)
}
