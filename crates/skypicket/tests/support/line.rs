//! [`Feed`]: a source that sends `observation` lines over TCP; and drones to send.

use super::{now_s, scene::HERE};
use serde_json::{Value, json};
use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A connection of a source.
pub struct Feed(TcpStream);

impl Feed {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends a line.
    pub fn send(&mut self, line: &Value) {
        self.raw(line.to_string().as_bytes());
    }

    /// Sends a line; whether the other side still takes them.
    pub fn try_send(&mut self, line: &Value) -> bool {
        self.0.write_all(&[line.to_string().as_bytes(), b"\n"].concat()).is_ok()
    }

    /// Sends bytes without a line end.
    pub fn without_end(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Sends bytes and a line end.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.write_all(&[bytes, b"\n"].concat()).unwrap();
    }
}

/// So far east and north of [`HERE`], degrees; good to a few decimetres within some kilometres.
pub fn at(east_m: f64, north_m: f64) -> (f64, f64) {
    let (lat, lon) = HERE;
    let (a, e2) = (6_378_137.0_f64, 0.006_694_379_990_14_f64);
    let s = lat.to_radians().sin();
    let w = (1.0 - e2 * s * s).sqrt();
    let meridian = a * (1.0 - e2) / (w * w * w);
    let normal = a / w;
    (lat + (north_m / meridian).to_degrees(), lon + (east_m / (normal * lat.to_radians().cos())).to_degrees())
}

/// So many metres apart: a flat measure of our own, good to 0.1 % within some kilometres.
pub fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let s = f64::midpoint(a.0, b.0).to_radians().sin();
    let w = (1.0 - 0.006_694_379_990_14 * s * s).sqrt();
    let north = (b.0 - a.0).to_radians() * 6_378_137.0 * (1.0 - 0.006_694_379_990_14) / (w * w * w);
    let east = (b.1 - a.1).to_radians() * 6_378_137.0 / w * f64::midpoint(a.0, b.0).to_radians().cos();
    north.hypot(east)
}

/// A Remote ID like observation of the present: a serial, a position and what it claims as its velocity.
pub fn drone_line(serial: &str, east_m: f64, north_m: f64, height_m: f64, velocity: [f64; 3]) -> Value {
    let (lat, lon) = at(east_m, north_m);
    json!({
        "type": "observation", "t": now_s(), "transport": "wifi_beacon",
        "claims": {"ids": [{"kind": "serial", "value": serial}], "class": "rotor", "velocity_enu_mps": velocity},
        "lla": [lat, lon, 1_200.0 + height_m],
        "cov_enu_m2": [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 25.0]],
    })
}

/// A drone that flies straight on until it is told otherwise, heard five times a second by the radar's TCP feed.
pub struct Flight {
    state: Arc<Mutex<Course>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Course {
    since: Instant,
    from: [f64; 3],
    velocity: [f64; 3],
}

impl Course {
    fn now(&self) -> [f64; 3] {
        let s = self.since.elapsed().as_secs_f64();
        [0, 1, 2].map(|k| self.from[k] + self.velocity[k] * s)
    }
}

impl Flight {
    /// Begins so far east, north and up of the scene's middle with this velocity, m and m/s.
    pub fn start(feed: SocketAddr, serial: &str, from: [f64; 3], velocity: [f64; 3]) -> Self {
        let state = Arc::new(Mutex::new(Course { since: Instant::now(), from, velocity }));
        let stop = Arc::new(AtomicBool::new(false));
        let (serial, course, over) = (serial.to_owned(), Arc::clone(&state), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut feed = Feed::connect(feed);
            while !over.load(Ordering::Relaxed) {
                let c = *course.lock().unwrap();
                let [east, north, up] = c.now();
                if !feed.try_send(&drone_line(&serial, east, north, up, c.velocity)) {
                    return;
                }
                // The sensor's own rhythm, not a synchronisation.
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self { state, stop, thread: Some(thread) }
    }

    /// Where it is now.
    pub fn now(&self) -> [f64; 3] {
        self.state.lock().unwrap().now()
    }

    /// Flies on from where it is with another velocity.
    pub fn turn(&self, velocity: [f64; 3]) {
        let mut c = self.state.lock().unwrap();
        *c = Course { since: Instant::now(), from: c.now(), velocity };
    }

    /// Is heard no more.
    pub fn end(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(t) = self.thread.take() {
            let _ = t.join();
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.finish();
    }
}
