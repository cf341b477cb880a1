//! Reads an evaluation-kit measurement file on standard input and writes tracks on standard output.
use serde_json::{Value, json};
use skypicket_model::{Enu, Place};
use skypicket_track::sky::{Belief, Measured, Plot, Sense, Sensor, Settings, Sky};
use std::io::{BufRead, BufWriter, Write};

fn f(v: &Value, k: &str) -> f64 {
    v[k].as_f64().unwrap_or(f64::NAN)
}

fn main() {
    let stdin = std::io::stdin();
    let mut lines = stdin.lock().lines().map(|l| serde_json::from_str::<Value>(&l.unwrap()).unwrap());
    let header = lines.next().unwrap();
    let o = &header["origin"];
    let scene = Enu::at(Place { lat_deg: f(o, "lat"), lon_deg: f(o, "lon"), alt_hae_m: Some(f(o, "h")) });
    let mut names = std::collections::BTreeMap::new();
    let mut sensors = Vec::new();
    for (k, s) in header["sensors"].as_array().unwrap().iter().enumerate() {
        names.insert(s["id"].as_str().unwrap().to_owned(), k);
        let own = Enu::at(Place { lat_deg: f(s, "lat"), lon_deg: f(s, "lon"), alt_hae_m: Some(f(s, "h")) });
        let sense = match s["kind"].as_str().unwrap() {
            "radar" => Sense::Radar,
            "bearing" => Sense::Bearing,
            "sighting" => Sense::Person,
            _ => Sense::Claim,
        };
        sensors.push(Sensor {
            sense,
            at: scene.from_place(own.origin()),
            axes: own.turn_from(&scene),
            pd: f(s, "pd"),
            clutter: s["clutter_density"].as_f64().unwrap_or(0.0).max(if sense == Sense::Radar { 1e-6 } else { 1e-3 }),
            range: [f(s, "rmin"), f(s, "rmax")],
            sector: [f(s, "az0"), f(s, "az_width") / 2.0],
            elevation: [f(s, "el_min"), f(s, "el_max")],
            floor: s["min_height"].as_f64().unwrap_or(f64::NEG_INFINITY),
            sound: s["speed_of_sound"].as_f64(),
        });
    }
    let n = sensors.len();
    let kinds: Vec<Sense> = sensors.iter().map(|s| s.sense).collect();
    let mut sky = Sky::new(Settings::default(), sensors).unwrap();
    let mut waiting: Vec<Vec<Plot>> = vec![Vec::new(); n];
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut reports = Vec::new();
    let mut known: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    let mut texts: Vec<String> = Vec::new();
    let mut tick = 0.0;
    for r in lines {
        let ta = f(&r, "ta");
        reports.clear();
        while tick + 1.0 <= ta {
            tick += 1.0;
            sky.tick(tick, &mut reports);
            emit(&mut out, &reports, tick, &texts);
            reports.clear();
        }
        let k = names[r["sensor"].as_str().unwrap()];
        let t = f(&r, "t");
        if r["type"] == "scan" {
            sky.scan(k, t, &waiting[k], &mut reports);
            waiting[k].clear();
        } else {
            let z = &r["z"];
            let v: Vec<f64> = r["R"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            let m = match kinds[k] {
                Sense::Radar => Measured { z: [f(z, "range"), f(z, "az"), f(z, "el")], r: [v[0], v[1], v[2]] },
                Sense::Bearing => Measured { z: [0.0, f(z, "az"), 0.0], r: [1.0, v[0], 1.0] },
                Sense::Person => Measured { z: [f(z, "range"), f(z, "az"), 0.0], r: [v[0], v[1], 1.0] },
                Sense::Claim => Measured {
                    z: scene.from_place(Place {
                        lat_deg: f(z, "lat"),
                        lon_deg: f(z, "lon"),
                        alt_hae_m: Some(f(z, "h")),
                    }),
                    r: [v[0], v[1], v[2]],
                },
            };
            let name = r["id"].as_str().map(|text| {
                *known.entry(text.to_owned()).or_insert_with(|| {
                    texts.push(text.to_owned());
                    texts.len() as u32 - 1
                })
            });
            let plot = Plot { m, name };
            match kinds[k] {
                Sense::Radar | Sense::Bearing => waiting[k].push(plot),
                _ => sky.scan(k, t, &[plot], &mut reports),
            }
        }
        emit(&mut out, &reports, ta, &texts);
    }
}

fn emit(out: &mut impl Write, reports: &[skypicket_track::sky::Report], ta: f64, texts: &[String]) {
    for r in reports {
        let c = |k: usize| r.state.pp[k];
        let line = json!({
            "t": r.t, "ta": ta, "id": r.id, "p": r.state.p, "v": r.state.v,
            "P": [[c(0), c(1), c(2)], [c(1), c(3), c(4)], [c(2), c(4), c(5)]],
            "state": match r.belief { Belief::Tentative => "tentative", Belief::Confirmed => "confirmed", Belief::Deleted => "deleted" },
            "uas_id": r.name.map(|n| texts[n as usize].clone()), "suspect": r.suspect,
        });
        writeln!(out, "{line}").unwrap();
    }
}
