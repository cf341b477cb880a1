//! [`Centre`]: the real binary, serving on a free port with a data folder of its own; and other runs of it.

use super::{Client, Events, Scene, Tak, http::Address, id, text};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// The real binary.
pub fn program() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_skypicket"));
    c.env_remove("SKYPICKET_LISTEN").env_remove("SKYPICKET_DATA").env("SKYPICKET_LOG", "info");
    c
}

/// One run to its end.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    program().args(args).stdin(Stdio::null()).output().unwrap()
}

/// A folder that goes when it is dropped; kept when the test failed, so that one can look.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// A new empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("skypicket-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// How a centre ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// How long it took from the signal.
    pub took: Duration,
}

/// A running centre. When it is dropped it is killed, and its folder goes.
pub struct Centre {
    /// What it was configured with.
    pub scene: Scene,
    /// Its first line.
    pub first_line: Value,
    /// Where it is reached; changes at each restart, and every client follows.
    pub address: Address,
    folder: Folder,
    flags: Vec<String>,
    child: Option<Child>,
    stdout: Option<BufReader<ChildStdout>>,
    /// The session of the person whom the printed link signs in, kept over restarts.
    first: Option<Client>,
}

impl Centre {
    /// Starts one with the usual scene.
    pub fn start() -> Self {
        Self::start_with(Scene::new(), &[])
    }

    /// Starts one with another scene, and more flags of `serve`.
    pub fn start_with(scene: Scene, flags: &[&str]) -> Self {
        let mut centre = Self {
            scene,
            first_line: Value::Null,
            address: Address::default(),
            folder: Folder::new(),
            flags: flags.iter().map(|s| (*s).to_owned()).collect(),
            child: None,
            stdout: None,
            first: None,
        };
        centre.start_again();
        centre
    }

    /// The folder given as `--data`.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("skypicket.toml")
    }

    /// A place for files of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it said on standard error so far (JSON lines of its log).
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Other flags from the next start on.
    pub fn set_flags(&mut self, flags: &[&str]) {
        self.flags = flags.iter().map(|s| (*s).to_owned()).collect();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("runs").id()
    }

    /// The command that starts it, without running it: for a tracer in front of it.
    pub fn command(&self) -> Command {
        let mut c = program();
        c.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(self.config()).arg("--data").arg(self.data());
        c.args(&self.flags);
        c
    }

    /// Starts it on the same folder; it must not run.
    pub fn start_again(&mut self) {
        let mut command = {
            std::fs::write(self.config(), &self.scene.text).unwrap();
            self.command()
        };
        self.start_command(&mut command);
    }

    /// Starts this command, which must end up as this centre.
    pub fn start_command(&mut self, command: &mut Command) {
        assert!(self.child.is_none(), "it runs already");
        std::fs::write(self.config(), &self.scene.text).unwrap();
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        if line.is_empty() {
            let status = child.wait().unwrap();
            panic!("it ended with {status} before its first line:\n{}", self.log());
        }
        self.child = Some(child);
        self.stdout = Some(stdout);
        self.first_line = serde_json::from_str(&line).unwrap_or_else(|e| panic!("first line {line:?}: {e}"));
        let (_, listening) = text(&self.first_line, "/listening").split_once("://").unwrap();
        self.address.set(listening);
    }

    /// A client who is not signed in.
    pub fn anybody(&self) -> Client {
        Client::new(self.address.clone())
    }

    /// The person whom the printed link signs in (`watch` in the usual scene; in an exercise the first watch officer).
    pub fn first(&mut self) -> Client {
        if self.first.is_none() {
            let link = text(&self.first_line, "/sign_in").split_once("#sign-in=").unwrap().1.to_owned();
            let mut client = self.anybody();
            client.sign_in(&link);
            self.first = Some(client);
        }
        self.first.clone().unwrap()
    }

    /// Forgets the first person's session: the next start is on an empty folder.
    pub fn forget_first(&mut self) {
        self.first = None;
    }

    /// A person, signed in by a one-time link that the administrator made.
    pub fn person(&mut self, person: &str) -> Client {
        let first = self.first();
        if first.person == person {
            return first;
        }
        let made = first.post(&format!("/api/v1/people/{person}/sign-in-links"), &json!({"id": id()})).ok(201);
        let mut client = self.anybody();
        client.sign_in(text(&made, "/url").split_once("#sign-in=").unwrap().1);
        assert_eq!(client.person, person);
        client
    }

    /// A person's event stream, open: `hello` came.
    pub fn events(&mut self, person: &str) -> Events {
        let client = self.person(person);
        Events::open(&client)
    }

    /// A TAK client, connected; nothing said yet.
    pub fn tak(&self) -> Tak {
        Tak::connect(self.scene.tak)
    }

    /// SIGTERM, and its end within 15 s.
    pub fn terminate(&mut self) -> Ended {
        let child = self.child.take().expect("runs");
        let began = Instant::now();
        signal(child.id(), "TERM");
        let ended = wait(child, began);
        self.stdout = None;
        ended
    }

    /// Its end within 15 s, whoever asked for it.
    pub fn ended(&mut self, began: Instant) -> Ended {
        let ended = wait(self.child.take().expect("runs"), began);
        self.stdout = None;
        ended
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("runs");
        child.kill().unwrap();
        child.wait().unwrap();
        self.stdout = None;
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|c| c.try_wait().unwrap().is_none())
    }

    /// The record's folder: the live one, or the exercise's.
    pub fn record(&self) -> PathBuf {
        match self.first_line.get("exercise").and_then(Value::as_str) {
            None => self.data().join("live"),
            Some(name) => self.data().join(format!("exercise-{name}")),
        }
    }

    /// Every entry of the record, by `record export`; the centre must not run.
    pub fn export(&self) -> Vec<Value> {
        let out = run(&["record".as_ref(), "export".as_ref(), "--data".as_ref(), self.record().as_os_str()]);
        assert!(out.status.success(), "export: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// `record verify`, with more flags; the centre must not run.
    pub fn verify(&self, flags: &[&str]) -> Output {
        let record = self.record();
        let mut args: Vec<&std::ffi::OsStr> =
            vec!["record".as_ref(), "verify".as_ref(), "--data".as_ref(), record.as_os_str()];
        args.extend(flags.iter().map(std::ffi::OsStr::new));
        run(&args)
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4_000);
            eprintln!("end of the centre's log:\n{}", log.get(from..).unwrap_or(&log));
        }
    }
}

/// Sends a signal by name to a process.
pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap().success());
}

/// Waits for a process's end, at most 15 s.
pub fn wait(mut child: Child, began: Instant) -> Ended {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Ended { status, took: began.elapsed() };
        }
        if began.elapsed() > Duration::from_secs(15) {
            let _ = child.kill();
            panic!("it did not end within 15 s");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
