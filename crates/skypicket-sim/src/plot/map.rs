//! A scene from above: targets, measurements, sensors, and tracks with their error ellipses.

use super::svg::{COLOURS, GAP, Panel, Svg, WIDTH, px, round_number, ticks};
use crate::scene::{Arrival, Header, Reading, SensorKind, State, TrackLine, Tracks, Truth};
use std::{collections::HashMap, fmt::Write};

/// Most measurements of a kind that are drawn in one panel; of more, every second, third … is.
const MOST_DOTS: usize = 1_800;
/// The same for bearings, which are long lines.
const MOST_RAYS: usize = 150;
/// Most ellipses in one panel.
const MOST_ELLIPSES: usize = 70;
/// Radius in standard deviations of the ellipse that holds 95 of 100 in two dimensions.
const R95: f64 = 2.447_746_830_680_816;
/// A track that is silent for longer than this, seconds, is not drawn across the gap (as the score has it).
const SILENT_S: f64 = 3.0;
/// Targets that are this near one another, metres, belong together when the detail is chosen.
const TOGETHER_M: f64 = 150.0;
/// Above and below the panels, pixels.
const HEAD: f64 = 62.0;
const BELOW: f64 = 40.0;

/// What the second panel shows, closer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Detail {
    /// The moment, seconds; where left out, when most targets are near one another.
    pub at_s: Option<f64>,
    /// Its side, metres; where left out, as much as those targets need.
    pub side_m: Option<f64>,
    /// Seconds before and after the moment that are drawn; 10 where left out.
    pub span_s: Option<f64>,
}

/// A measurement on the map.
struct Dot {
    t: f64,
    kind: SensorKind,
    p: [f64; 2],
    /// Of a bearing: to where its ray goes.
    to: Option<[f64; 2]>,
}

/// Level places of all measurements.
fn dots(header: &Header, arrivals: &[Arrival]) -> Vec<Dot> {
    let frame = header.origin.frame();
    let own: Vec<_> = header.sensors.iter().map(|s| skypicket_model::geo::Enu::at(s.place())).collect();
    let mut dots = Vec::new();
    for a in arrivals {
        let Arrival::Meas(m) = a else { continue };
        let (Some(sensor), Some(own)) = (header.sensors.get(m.sensor), own.get(m.sensor)) else { continue };
        let polar = |range: f64, az: f64, el: f64| {
            let level = range * libm::cos(el);
            let [e, n, _] = frame.carry(own, [level * libm::sin(az), level * libm::cos(az), range * libm::sin(el)]);
            [e, n]
        };
        let (p, to) = match m.reading {
            Reading::Radar { range, az, el, .. } => (polar(range, az, el), None),
            Reading::Sighting { range, az, .. } => (polar(range, az, 0.0), None),
            Reading::Position { lla: [lat_deg, lon_deg, h], .. } => {
                let [e, n, _] = frame.from_place(skypicket_model::Place { lat_deg, lon_deg, alt_hae_m: Some(h) });
                ([e, n], None)
            }
            Reading::Bearing { az, .. } => (polar(0.0, az, 0.0), Some(polar(sensor.rmax.min(5e4), az, 0.0))),
        };
        dots.push(Dot { t: m.t, kind: sensor.kind, p, to });
    }
    dots
}

/// What a watcher saw of a track: its confirmed reports, the last of each second, in pieces without silence.
fn seen(lines: &[TrackLine]) -> Vec<Vec<&TrackLine>> {
    let mut pieces: Vec<Vec<&TrackLine>> = Vec::new();
    let mut silent = true;
    for line in lines {
        if line.state != State::Confirmed || line.p.is_none() {
            silent = true;
            continue;
        }
        match pieces.last_mut() {
            Some(piece) if !silent => match piece.last_mut() {
                Some(before) if line.ta - before.ta > SILENT_S => pieces.push(vec![line]),
                // A late report may say how it was before the one above it; the line goes on in time.
                Some(before) if line.t < before.t => {}
                Some(before) if before.ta.floor() >= line.ta.floor() && before.suspect == line.suspect => {
                    *before = line;
                }
                _ => piece.push(line),
            },
            _ => pieces.push(vec![line]),
        }
        silent = false;
    }
    pieces
}

fn level(line: &TrackLine) -> [f64; 2] {
    line.p.map_or([f64::NAN; 2], |[e, n, _]| [e, n])
}

/// The 95 % ellipse of a report as a path, where it has one and can be seen.
fn ellipse(panel: &Panel, line: &TrackLine) -> Option<String> {
    let cov = line.cov.as_ref()?.position();
    let (a, b, c) = (cov[0][0], f64::midpoint(cov[0][1], cov[1][0]), cov[1][1]);
    let (middle, half) = (f64::midpoint(a, c), libm::hypot((a - c) / 2.0, b));
    let (long, short) = (middle + half, middle - half);
    if !(short > 0.0 && long.is_finite()) {
        return None;
    }
    let [x, y] = panel.at(level(line));
    let [long, short] = [long, short].map(|v| R95 * libm::sqrt(v) * panel.scale());
    if !(1.2..=2e3).contains(&long) {
        return None;
    }
    // Of the long axis, from east to north; on the page y goes down.
    let turn = 0.5 * libm::atan2(2.0 * b, a - c);
    let (dx, dy) = (long * libm::cos(turn), -long * libm::sin(turn));
    let (rx, ry, deg) = (px(long), px(short), px(-turn.to_degrees()));
    let mut d = String::new();
    let _ = write!(d, "M{} {}", px(x - dx), px(y - dy));
    for sign in [1.0, -1.0] {
        let _ = write!(d, "a{rx} {ry} {deg} 0 1 {} {}", px(2.0 * sign * dx), px(2.0 * sign * dy));
    }
    Some(d)
}

/// What is drawn into both panels.
struct Drawing<'a> {
    header: &'a Header,
    truth: &'a Truth,
    tracks: &'a Tracks,
    dots: Vec<Dot>,
    /// By track, its colour; only those that were ever confirmed.
    colours: HashMap<usize, usize>,
}

/// What a panel shows, for its legend.
#[derive(Default)]
struct Shown {
    /// By kind: drawn, of so many there.
    dots: HashMap<SensorKind, (usize, usize)>,
    suspects: bool,
    ellipses_s: f64,
}

impl Drawing<'_> {
    fn panel(&self, svg: &mut Svg, name: &str, panel: &Panel, times: Option<(f64, [f64; 2])>) -> Shown {
        let mut shown = Shown::default();
        let within = |t: f64| times.is_none_or(|(_, [a, b])| t >= a && t <= b);
        svg.cut(name, panel.frame);
        Self::grid(svg, panel);
        for target in &self.truth.targets {
            let way: Vec<[f64; 2]> =
                target.t.iter().zip(&target.p).filter(|(t, _)| within(**t)).map(|(_, p)| [p[0], p[1]]).collect();
            svg.path(if target.ignore { "r" } else { "t" }, &panel.line(&way));
        }
        self.measurements(svg, panel, &within, times.is_some(), &mut shown);
        self.sensors(svg, panel);
        self.tracks(svg, panel, times, &within, &mut shown);
        svg.end();
        svg.rect(panel.frame, "f");
        shown
    }

    fn grid(svg: &mut Svg, panel: &Panel) {
        let [left, top, w, h] = panel.frame;
        let step = grid_step(panel);
        let mut d = String::new();
        for x in ticks(panel.low[0], panel.high[0], step) {
            let _ = write!(d, "M{} {}v{}", px(panel.at([x, 0.0])[0]), px(top), px(h));
        }
        for y in ticks(panel.low[1], panel.high[1], step) {
            let _ = write!(d, "M{} {}h{}", px(left), px(panel.at([0.0, y])[1]), px(w));
        }
        svg.path("b", &d);
    }

    fn measurements(&self, svg: &mut Svg, panel: &Panel, within: &dyn Fn(f64) -> bool, close: bool, shown: &mut Shown) {
        let kinds =
            [SensorKind::Bearing, SensorKind::Radar, SensorKind::Sighting, SensorKind::RemoteId, SensorKind::Adsb];
        let mut bearings_alone = true;
        for kind in kinds {
            bearings_alone &= kind == SensorKind::Bearing || !self.header.sensors.iter().any(|s| s.kind == kind);
        }
        for kind in kinds {
            let of: Vec<&Dot> = self.dots.iter().filter(|d| d.kind == kind && within(d.t)).collect();
            let of: Vec<&Dot> = of.into_iter().filter(|d| d.to.is_some() || panel.holds(d.p, 0.0)).collect();
            let most = if kind == SensorKind::Bearing { MOST_RAYS } else { MOST_DOTS };
            let every = of.len().div_ceil(most).max(1);
            let drawn: Vec<&&Dot> = of.iter().step_by(every).collect();
            if of.is_empty() {
                continue;
            }
            if kind == SensorKind::Bearing {
                // Beside radars they would hide everything and tell nothing.
                if !bearings_alone {
                    shown.dots.insert(kind, (0, of.len()));
                    continue;
                }
                let mut d = String::new();
                for dot in &drawn {
                    if let Some(to) = dot.to {
                        let ([x, y], [u, v]) = (panel.at(dot.p), panel.at(to));
                        let _ = write!(d, "M{} {}L{} {}", px(x), px(y), px(u), px(v));
                    }
                }
                svg.path("r", &d);
            } else {
                let class = if kind == SensorKind::Radar { "p" } else { "c" };
                // Closer, there is room for larger dots.
                let class = if close { format!("{class} q") } else { class.to_owned() };
                svg.path(&class, &panel.dots(drawn.iter().map(|d| d.p)));
            }
            shown.dots.insert(kind, (drawn.len(), of.len()));
        }
    }

    fn sensors(&self, svg: &mut Svg, panel: &Panel) {
        let mut d = String::new();
        for s in &self.header.sensors {
            let p = [s.enu[0], s.enu[1]];
            if panel.holds(p, 0.0) {
                let [x, y] = panel.at(p);
                let _ = write!(d, "M{} {}l5 9h-10z", px(x), px(y - 6.0));
            }
        }
        svg.path("n", &d);
    }

    fn tracks(
        &self,
        svg: &mut Svg,
        panel: &Panel,
        times: Option<(f64, [f64; 2])>,
        within: &dyn Fn(f64) -> bool,
        shown: &mut Shown,
    ) {
        let mut lines: HashMap<(usize, bool), String> = HashMap::new();
        let mut reports: Vec<(usize, &TrackLine)> = Vec::new();
        for (k, track) in self.tracks.tracks.iter().enumerate() {
            let Some(colour) = self.colours.get(&k) else { continue };
            for piece in seen(track) {
                let piece: Vec<&TrackLine> = piece.into_iter().filter(|l| within(l.t)).collect();
                // Suspect or not: each run of reports to its own line, joined where they meet.
                let mut from = 0;
                for to in 1..=piece.len() {
                    if to < piece.len() && piece[to].suspect == piece[from].suspect {
                        continue;
                    }
                    let points: Vec<[f64; 2]> =
                        piece[from..(to + 1).min(piece.len())].iter().map(|l| level(l)).collect();
                    let d = panel.line(&points);
                    shown.suspects |= piece[from].suspect && !d.is_empty();
                    lines.entry((*colour, piece[from].suspect)).or_default().push_str(&d);
                    from = to;
                }
                reports.extend(piece.iter().filter(|l| panel.holds(level(l), 0.0)).map(|l| (*colour, *l)));
            }
        }
        // As many ellipses as can be told apart: at the moment of the detail, and every so many seconds around it.
        let middle = times.map_or(self.truth.header.t0, |(t, _)| t);
        let at = |every: f64| -> Vec<&(usize, &TrackLine)> {
            let near = |l: &TrackLine| {
                let steps = ((l.t - middle) / every).round();
                (l.t - middle - steps * every).abs() <= 0.5 && (every < 1e6 || steps == 0.0)
            };
            reports.iter().filter(|(_, l)| near(l)).collect()
        };
        let every = [5.0, 10.0, 20.0, 30.0, 60.0].into_iter().find(|e| at(*e).len() <= MOST_ELLIPSES);
        shown.ellipses_s = every.unwrap_or(f64::INFINITY);
        let mut rings: HashMap<(usize, bool), String> = HashMap::new();
        if every.is_some() || times.is_some() {
            for (colour, line) in at(every.unwrap_or(1e9)) {
                if let Some(d) = ellipse(panel, line) {
                    rings.entry((*colour, line.suspect)).or_default().push_str(&d);
                }
            }
        }
        for (what, more) in [(&lines, "l"), (&rings, "e")] {
            for colour in 0..COLOURS {
                for suspect in [false, true] {
                    if let Some(d) = what.get(&(colour, suspect)) {
                        svg.path(&if suspect { format!("{more} s d") } else { format!("{more} k{colour}") }, d);
                    }
                }
            }
        }
    }
}

/// Between two lines of the grid, metres.
fn grid_step(panel: &Panel) -> f64 {
    round_number(90.0 / panel.scale()).max(1.0)
}

fn distance_text(m: f64) -> String {
    if m >= 1_000.0 { format!("{} km", m / 1_000.0) } else { format!("{m} m") }
}

/// Numbers along the edges, a bar of known length, and north.
fn edges(svg: &mut Svg, panel: &Panel, kilometres: bool) {
    let [left, top, w, h] = panel.frame;
    let step = grid_step(panel);
    let unit = if kilometres { 1_000.0 } else { 1.0 };
    let text = |x: f64| {
        let x = (x / unit * 100.0).round() / 100.0;
        format!("{}", if x == 0.0 { 0.0 } else { x })
    };
    for x in ticks(panel.low[0], panel.high[0], step) {
        let at = panel.at([x, 0.0])[0];
        if at > left + 14.0 && at < left + w - 14.0 {
            svg.text(at, top + h + 14.0, "m", "middle", &text(x));
        }
    }
    for y in ticks(panel.low[1], panel.high[1], step) {
        let at = panel.at([0.0, y])[1];
        if at > top + 8.0 && at < top + h - 4.0 {
            svg.text(left - 5.0, at + 4.0, "m", "end", &text(y));
        }
    }
    let unit = if kilometres { "km" } else { "m" };
    svg.text(
        left + w,
        top + h + 30.0,
        "m",
        "end",
        &format!("{unit} east (across) and north (up) of the scene's origin"),
    );
    let bar = round_number(110.0 / panel.scale());
    let long = bar * panel.scale();
    let (x, y) = (left + 12.0, top + h - 12.0);
    svg.rect([x - 6.0, y - 20.0, long.max(44.0) + 12.0, 27.0], "g");
    svg.path("i", &format!("M{} {}v6h{}v-6", px(x), px(y - 6.0), px(long)));
    svg.text(x + long / 2.0, y - 8.0, "m", "middle", &distance_text(bar));
    let (x, y) = (left + w - 20.0, top + 12.0);
    svg.rect([x - 9.0, y - 6.0, 18.0, 38.0], "g");
    svg.path("i", &format!("M{} {}v-18l-4 7m4 -7l4 7", px(x), px(y + 17.0)));
    svg.text(x, y + 29.0, "m", "middle", "N");
}

/// Everything that is to be in the picture: least and most east and north, metres.
fn bounds(header: &Header, truth: &Truth) -> [[f64; 2]; 2] {
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    let mut take = |p: [f64; 3]| {
        for k in 0..2 {
            low[k] = low[k].min(p[k]);
            high[k] = high[k].max(p[k]);
        }
    };
    truth.targets.iter().filter(|t| !t.ignore).flat_map(|t| &t.p).for_each(|p| take(*p));
    header.sensors.iter().for_each(|s| take(s.enu));
    if low[0] > high[0] {
        return [[-500.0; 2], [500.0; 2]];
    }
    let room = 0.05 * (high[0] - low[0]).max(high[1] - low[1]).max(200.0);
    [[low[0] - room, low[1] - room], [high[0] + room, high[1] + room]]
}

/// A panel of some shape that shows at least all of this, and as much across as up.
fn fitted(frame: [f64; 4], [low, high]: [[f64; 2]; 2]) -> Panel {
    let per_px = ((high[0] - low[0]) / frame[2]).max((high[1] - low[1]) / frame[3]);
    let middle = [f64::midpoint(low[0], high[0]), f64::midpoint(low[1], high[1])];
    let half = [frame[2] * per_px / 2.0, frame[3] * per_px / 2.0];
    Panel { frame, low: [middle[0] - half[0], middle[1] - half[1]], high: [middle[0] + half[0], middle[1] + half[1]] }
}

/// When and where most targets are near one another: moment, middle, side.
fn closest(truth: &Truth, detail: &Detail) -> (f64, [f64; 2], f64) {
    let (t0, t1) = (truth.header.t0, truth.header.t1);
    let half = f64::midpoint(t0, t1);
    let moments: Vec<f64> = if let Some(t) = detail.at_s {
        vec![t]
    } else {
        let mut all: Vec<f64> = ticks(t0 + 0.1 * (t1 - t0), t1 - 0.1 * (t1 - t0), 2.0).collect();
        all.sort_by(|a, b| (a - half).abs().total_cmp(&(b - half).abs()));
        all
    };
    let mut best: Option<(usize, f64, Vec<[f64; 2]>)> = None;
    for t in moments {
        let here: Vec<[f64; 2]> = truth
            .targets
            .iter()
            .filter(|r| !r.ignore)
            .filter_map(|r| r.at(t))
            .filter(|r| r.covered)
            .map(|r| [r.p[0], r.p[1]])
            .collect();
        for p in &here {
            let near: Vec<[f64; 2]> =
                here.iter().filter(|q| libm::hypot(q[0] - p[0], q[1] - p[1]) < TOGETHER_M).copied().collect();
            if best.as_ref().is_none_or(|b| near.len() > b.0) {
                best = Some((near.len(), t, near));
            }
        }
    }
    let Some((n, t, near)) = best else { return (half, [0.0; 2], detail.side_m.unwrap_or(1_000.0)) };
    let middle = [0, 1].map(|k| near.iter().map(|p| p[k]).sum::<f64>() / n as f64);
    let far = near.iter().map(|p| libm::hypot(p[0] - middle[0], p[1] - middle[1])).fold(0.0, f64::max);
    (t, middle, detail.side_m.unwrap_or((2.4 * far + 150.0).max(400.0)))
}

/// Two panels: the whole scene, and the moment at which most targets are near one another. `about` is the heading.
pub fn scene_plot(
    about: &str,
    header: &Header,
    arrivals: &[Arrival],
    truth: &Truth,
    tracks: &Tracks,
    detail: &Detail,
) -> String {
    let mut svg = Svg::new();
    svg.text(GAP, 28.0, "h", "start", about);
    let mut order: Vec<(f64, usize)> = tracks
        .tracks
        .iter()
        .enumerate()
        .filter_map(|(k, lines)| Some((lines.iter().find(|l| l.state == State::Confirmed)?.ta, k)))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let colours = order.iter().enumerate().map(|(n, (_, k))| (*k, n % COLOURS)).collect();
    let drawing = Drawing { header, truth, tracks, dots: dots(header, arrivals), colours };

    let all = bounds(header, truth);
    let (wide, high) = (all[1][0] - all[0][0], all[1][1] - all[0][1]);
    // Side by side, or one above the other where the scene is a long line.
    let margin = 46.0;
    let flat = wide > 2.5 * high;
    let half = (WIDTH - 2.0 * margin - 2.0 * GAP) / 2.0;
    let (first, second) = if flat {
        let w = WIDTH - margin - GAP;
        let h = (w * high / wide).max(90.0);
        ([margin, HEAD, w, h], [margin, HEAD + h + BELOW + 28.0, w, 420.0])
    } else {
        ([margin, HEAD, half, half], [2.0 * margin + half + GAP, HEAD, half, half])
    };
    let overview = fitted(first, all);
    let (t, middle, side) = closest(truth, detail);
    let span = detail.span_s.unwrap_or(10.0);
    let around = |s: f64| [[middle[0] - s / 2.0, middle[1] - s / 2.0], [middle[0] + s / 2.0, middle[1] + s / 2.0]];
    let close = fitted(second, around(side));

    let head = truth.header.t1 - truth.header.t0;
    svg.text(
        first[0],
        HEAD - 10.0,
        "",
        "start",
        &format!("all {head:.0} s; the box is shown {}", if flat { "below" } else { "beside" }),
    );
    if flat {
        svg.text(second[0], second[1] - 10.0, "", "start", &moment(t, span));
    } else {
        svg.text(second[0], HEAD - 10.0, "", "start", &moment(t, span));
    }
    let whole = drawing.panel(&mut svg, "w", &overview, None);
    let kilometres = 1.0 / overview.scale() * overview.frame[2] > 3_000.0;
    edges(&mut svg, &overview, kilometres);
    let ([x, y], [u, v]) = (overview.at([close.low[0], close.high[1]]), overview.at([close.high[0], close.low[1]]));
    svg.rect([x, y, (u - x).max(3.0), (v - y).max(3.0)], "i");
    let part = drawing.panel(&mut svg, "d", &close, Some((t, [t - span, t + span])));
    edges(&mut svg, &close, false);
    let y = second[1] + second[3] + BELOW + 14.0;
    legend(&mut svg, y, truth, &whole, &part);
    svg.finish(about)
}

fn moment(t: f64, span: f64) -> String {
    format!("{:.0} to {:.0} s, with the ellipses of {t:.0} s and around", t - span, t + span)
}

/// What is what, in rows below the panels.
fn legend(svg: &mut Svg, y: f64, truth: &Truth, whole: &Shown, part: &Shown) {
    let mut items: Vec<(&str, &str, String)> = vec![
        ("t", "h20", "target, as it truly flew".into()),
        ("l k0", "h20", "confirmed track (a colour a label)".into()),
    ];
    if whole.suspects || part.suspects {
        items.push(("l s d", "h20", "track shown as suspect".into()));
    }
    items.push(("e k0", "m3 0a8 4 0 1 1 16 0a8 4 0 1 1 -16 0", format!("95 % ellipse{}", ellipses(whole, part))));
    if truth.targets.iter().any(|t| t.ignore) {
        items.push(("r", "h20", "bird (not scored)".into()));
    }
    for (kinds, class, mark, name) in [
        (&[SensorKind::Radar][..], "p", "m10 0h0", "radar plots"),
        (&[SensorKind::RemoteId, SensorKind::Adsb, SensorKind::Sighting], "c", "m10 0h0", "broadcasts and sightings"),
        (&[SensorKind::Bearing], "r", "h20", "bearings"),
    ] {
        let of = |s: &Shown| {
            kinds.iter().filter_map(|k| s.dots.get(k)).fold((0, 0), |(a, b), (drawn, all)| (a + drawn, b + all))
        };
        let [(drawn, all), (near, near_all)] = [of(whole), of(part)];
        if all.max(near_all) == 0 {
            continue;
        }
        if drawn.max(near) == 0 {
            items.push(("", "", format!("{name} are not drawn ({all})")));
        } else {
            items.push((class, mark, format!("{name}: {drawn} of {all} drawn, closer {near} of {near_all}")));
        }
    }
    items.push(("n", "m10 -5l5 9h-10z", "sensor".into()));
    let (mut x, mut row) = (GAP, y);
    for (class, mark, text) in items {
        let long = if class.is_empty() { 14.0 } else { 42.0 } + 6.3 * text.chars().count() as f64;
        if x > GAP && x + long > WIDTH - GAP {
            (x, row) = (GAP, row + 20.0);
        }
        if class.is_empty() {
            svg.text(x, row + 4.0, "m", "start", &text);
        } else {
            svg.path(class, &format!("M{} {}{mark}", px(x), px(row)));
            svg.text(x + 27.0, row + 4.0, "m", "start", &text);
        }
        x += long;
    }
    svg.reach(row + 20.0);
}

fn ellipses(whole: &Shown, part: &Shown) -> String {
    let often = |s: &Shown| {
        if s.ellipses_s.is_finite() { format!("each {:.0} s", s.ellipses_s) } else { "none".to_owned() }
    };
    let close = if part.ellipses_s.is_finite() { often(part) } else { "at the one moment".to_owned() };
    if often(whole) == close { format!(" ({close})") } else { format!(" ({}; {close})", often(whole)) }
}
