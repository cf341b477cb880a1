//! The kit's own scorer over scenes of ours and bad tracks of theirs: kept here, so that nothing else is needed to ask again.
//! `scripts/eval-check` makes the file, and holds it against the kit where the kit is.

use crate::toy;
use serde_json::Value;
use skypicket_sim::{
    scene::{Family, Request, TrackWriter, make, read_tracks, read_truth},
    score::{Rules, score},
};

const KEPT: &str = include_str!("scores_of_the_kit.json");

fn compare(path: &str, kit: &Value, ours: &Value, seen: &mut usize) {
    match (kit, ours) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{path}");
            a.iter().zip(b.values()).for_each(|((k, a), b)| compare(&format!("{path}.{k}"), a, b, seen));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            a.iter().zip(b).for_each(|(a, b)| compare(path, a, b, seen));
        }
        (Value::Number(a), Value::Number(b)) => {
            *seen += 1;
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-6, "{path}: the kit {a}, we {b}");
        }
        (a, b) => assert_eq!(a, b, "{path}"),
    }
}

#[test]
fn scores_are_those_of_the_kit() {
    let kept: Value = serde_json::from_str(KEPT).unwrap();
    let mut seen = 0;
    for family in &Family::ALL[..5] {
        for seed in [1, 2] {
            let scene = make(&Request::new(*family, seed)).unwrap();
            let truth = read_truth(&scene.write_truth(Vec::new()).unwrap()[..], false).unwrap();
            let mut file = TrackWriter::new(Vec::new());
            for line in toy::tracks(&truth, seed) {
                file.write(&line).unwrap();
            }
            let tracks = read_tracks(&file.finish().unwrap()[..], truth.header.origin).unwrap();
            let ours = score(&truth, &tracks, &Rules::default()).scores;
            let name = format!("f{}_s{seed}", family.number());
            compare(&name, &kept[&name], &serde_json::to_value(ours).unwrap(), &mut seen);
        }
    }
    assert_eq!(seen, 400, "numbers");
}
