//! Curves: the score over time and the cost over size.

use super::svg::{COLOURS, GAP, Panel, Svg, WIDTH, px, round_number, ticks};
use crate::score::Step;
use serde::{Deserialize, Serialize};

/// Left of a chart, for its numbers and its name.
const LEFT: f64 = 64.0;
/// Below a chart, the same.
const BELOW: f64 = 40.0;

/// A level to hold a curve against.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Metres.
    pub gospa: f64,
    /// What it is.
    pub name: String,
}

/// What the lines of a border of some length cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// On the line.
    pub targets: u64,
    /// That arrived.
    pub measurements: u64,
    /// Mean of one measurement, nanoseconds of one core.
    pub ns: f64,
    /// Of one arrival, 99 of 100 are quicker, microseconds.
    pub p99_us: f64,
    /// The slowest arrival, microseconds.
    pub worst_us: f64,
}

/// Numbers along the axes, and their names.
fn axes(svg: &mut Svg, p: &Panel, xs: &[(f64, String)], ys: &[(f64, String)], names: [&str; 2]) {
    let [left, top, w, h] = p.frame;
    for (x, text) in xs {
        let [x, _] = p.at([*x, p.low[1]]);
        svg.path("b", &format!("M{} {}v{}", px(x), px(top), px(h)));
        svg.text(x, top + h + 15.0, "m", "middle", text);
    }
    for (y, text) in ys {
        let [_, y] = p.at([p.low[0], *y]);
        svg.path("b", &format!("M{} {}h{}", px(left), px(y), px(w)));
        svg.text(left - 6.0, y + 4.0, "m", "end", text);
    }
    svg.rect(p.frame, "f");
    svg.text(left + w / 2.0, top + h + 32.0, "m", "middle", names[0]);
    svg.upright(left - 44.0, top + h / 2.0, "m", names[1]);
}

fn numbers(low: f64, high: f64, most: f64) -> Vec<(f64, String)> {
    let step = round_number((high - low) / most);
    let step = if (high - low) / step > 1.6 * most { 2.0 * step } else { step };
    ticks(low, high, step).map(|x| (x, format!("{x}"))).collect()
}

/// How the score goes: GOSPA of each comparison, one curve a run, and below it how many targets were missed and how many
/// tracks false, as the mean of the runs. Nought is at the foot of both.
pub fn course_plot(title: &str, runs: &[(String, Vec<Step>)], level: Option<&Level>) -> String {
    let mut svg = Svg::new();
    svg.text(GAP, 28.0, "h", "start", title);
    let steps = || runs.iter().flat_map(|r| &r.1);
    let end = steps().map(|s| s.t).fold(1.0, f64::max);
    let most = steps().map(|s| s.gospa).chain(level.map(|l| l.gospa)).fold(1.0, f64::max) * 1.05;
    let wide = WIDTH - LEFT - GAP - 4.0;
    let top = Panel { frame: [LEFT, 66.0, wide, 260.0], low: [0.0; 2], high: [end, most] };
    let seconds = numbers(0.0, end, 10.0);
    axes(&mut svg, &top, &seconds, &numbers(0.0, most, 6.0), ["", "GOSPA, m"]);
    // What each curve is, from the left.
    let mut x = LEFT;
    let mut key = |svg: &mut Svg, class: &str, text: &str| {
        svg.path(class, &format!("M{} 50h22", px(x)));
        svg.text(x + 28.0, 54.0, "m", "start", text);
        x += 46.0 + 6.2 * text.chars().count() as f64;
    };
    for (k, (name, steps)) in runs.iter().enumerate() {
        let class = format!("l k{}", k % COLOURS);
        svg.path(&class, &top.line(&steps.iter().map(|s| [s.t, s.gospa]).collect::<Vec<_>>()));
        key(&mut svg, &class, name);
    }
    if let Some(level) = level {
        svg.path("i d", &top.line(&[[0.0, level.gospa], [end, level.gospa]]));
        key(&mut svg, "i d", &level.name);
    }
    // Means of the runs, second by second: they have the same moments.
    let longest = runs.iter().map(|r| r.1.len()).max().unwrap_or(0);
    let mean = |of: fn(&Step) -> usize| -> Vec<[f64; 2]> {
        (0..longest)
            .filter_map(|k| {
                let here: Vec<&Step> = runs.iter().filter_map(|r| r.1.get(k)).collect();
                let sum: usize = here.iter().map(|s| of(s)).sum();
                Some([here.first()?.t, sum as f64 / here.len() as f64])
            })
            .collect()
    };
    let (missed, wrong) = (mean(|s| s.missed), mean(|s| s.false_tracks));
    let high = missed.iter().chain(&wrong).map(|p| p[1]).fold(1.0, f64::max) * 1.05;
    let y = 66.0 + 260.0 + BELOW + 24.0;
    let below = Panel { frame: [LEFT, y, wide, 110.0], low: [0.0; 2], high: [end, high] };
    axes(&mut svg, &below, &seconds, &numbers(0.0, high, 3.0), ["time in the scene, s", "number"]);
    svg.path("l k1", &below.line(&missed));
    svg.path("l k0 d", &below.line(&wrong));
    svg.path("l k1", &format!("M{} {}h22", px(LEFT), px(y - 14.0)));
    svg.text(LEFT + 28.0, y - 10.0, "m", "start", "missed targets");
    svg.path("l k0 d", &format!("M{} {}h22", px(LEFT + 150.0), px(y - 14.0)));
    svg.text(LEFT + 178.0, y - 10.0, "m", "start", "false tracks (both: mean of the runs above)");
    svg.reach(y + 110.0 + BELOW);
    svg.finish(title)
}

/// What one measurement costs over the number of targets, which goes by powers of ten; the grey band is as wide as
/// `within` times the cheapest.
pub fn growth_plot(title: &str, rows: &[Growth], within: f64) -> String {
    let mut svg = Svg::new();
    svg.text(GAP, 28.0, "h", "start", title);
    let log = |n: u64| libm::log10(n.max(1) as f64);
    let (first, last) = rows.iter().fold((u64::MAX, 1), |(a, b), r| (a.min(r.targets), b.max(r.targets)));
    let cheapest = rows.iter().map(|r| r.ns).fold(f64::INFINITY, f64::min);
    let most =
        rows.iter().map(|r| r.ns).fold(1.0, f64::max).max(if cheapest.is_finite() { cheapest * within } else { 1.0 });
    let low = if rows.is_empty() { 0.0 } else { log(first) };
    let p = Panel {
        frame: [LEFT, 66.0, WIDTH - LEFT - GAP - 4.0, 280.0],
        low: [low - 0.1, 0.0],
        high: [log(last).max(low + 0.1) + 0.1, most * 1.1],
    };
    if cheapest.is_finite() {
        let [x, y] = p.at([p.low[0], cheapest * within]);
        let [_, foot] = p.at([p.low[0], cheapest]);
        svg.path("band", &format!("M{} {}h{}v{}h-{}z", px(x), px(y), px(p.frame[2]), px(foot - y), px(p.frame[2])));
    }
    let xs: Vec<(f64, String)> = rows.iter().map(|r| (log(r.targets), grouped(r.targets))).collect();
    axes(
        &mut svg,
        &p,
        &xs,
        &numbers(0.0, most * 1.1, 6.0),
        ["targets on the line (each step about three times as many)", "ns a measurement"],
    );
    let points: Vec<[f64; 2]> = rows.iter().map(|r| [log(r.targets), r.ns]).collect();
    svg.path("l k0", &p.line(&points));
    svg.path("c k0", &p.dots(points.iter().copied()));
    for r in rows {
        let [x, y] = p.at([log(r.targets), r.ns]);
        svg.text(x, y - 9.0, "m", "middle", &format!("{:.0}", r.ns));
    }
    svg.path("l k0", &format!("M{} 50h22", px(LEFT)));
    svg.text(LEFT + 28.0, 54.0, "m", "start", "mean cost of a measurement, one core");
    svg.rect([LEFT + 270.0, 44.0, 22.0, 11.0], "band");
    svg.text(LEFT + 298.0, 54.0, "m", "start", &format!("{within} times the cheapest"));
    svg.reach(66.0 + 280.0 + BELOW);
    svg.finish(title)
}

/// 10,000 as it is read.
fn grouped(n: u64) -> String {
    if n >= 1_000 { format!("{},{:03}", n / 1_000, n % 1_000) } else { n.to_string() }
}
