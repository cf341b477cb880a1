//! [`Trace`]: what a traced run of the real binary wrote, synced and sent, in order.
//!
//! The tracer is strace: every write with its bytes. Which file a write goes to is said by the path that strace prints for
//! the descriptor.

use crate::support::Centre;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One thing that happened, at its place in the trace.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A file was made in a folder, or was there from then on.
    Create(PathBuf),
    /// Bytes were written to a file.
    Write(PathBuf, u64, Vec<u8>),
    /// A file was cut or extended.
    Truncate(PathBuf, u64),
    /// A name was taken away.
    Unlink(PathBuf),
    /// A file got another name.
    Rename(PathBuf, PathBuf),
    /// A sync began: what was written before is covered once it ends.
    SyncBegins(u64),
    /// That sync of a file or folder ended.
    SyncEnds(PathBuf, u64),
    /// Bytes were handed to a connection, named by its two ends.
    Send(String, Vec<u8>),
}

/// System calls that change files, or let the world know something.
const CALLS: &str = "openat,open,creat,pwrite64,pwritev,pwritev2,write,writev,fsync,fdatasync,sync_file_range,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,link,linkat,sendto,sendmsg,sendmmsg,sendfile,copy_file_range,mmap,lseek,io_uring_setup";

/// A traced centre. Dropping it kills the centre: strace alone would leave it running.
pub(crate) struct Traced {
    pid: u32,
    file: PathBuf,
}

impl Traced {
    /// Whether this system lets a process be traced.
    pub(crate) fn is_possible() -> bool {
        let strace = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        strace.is_ok_and(|s| s.success())
    }

    /// Starts a centre that does not run under the tracer.
    pub(crate) fn start(centre: &mut Centre) -> Self {
        let file = centre.folder().join("trace");
        let traced = centre.command();
        let mut command = Command::new("strace");
        // Every string in hexadecimal, whole; only the calls named stop the program.
        command.args(["-f", "-yy", "-xx", "-s", "100000000", "--seccomp-bpf", "-e", "signal=none"]);
        command.args(["-e", &format!("trace={CALLS}"), "-o"]).arg(&file).arg("--");
        command.arg(traced.get_program()).args(traced.get_args());
        for (name, value) in traced.get_envs() {
            match value {
                Some(v) => command.env(name, v),
                None => command.env_remove(name),
            };
        }
        centre.start_command(&mut command);
        let strace = centre.pid();
        let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
        let pid = children.split_whitespace().next().expect("strace has a child").parse().unwrap();
        Self { pid, file }
    }

    /// Ends the centre with SIGTERM and reads the trace.
    pub(crate) fn end(self, centre: &mut Centre) -> Trace {
        crate::support::centre::signal(self.pid, "TERM");
        crate::support::until("the traced centre's end", std::time::Duration::from_secs(30), || {
            (!centre.runs()).then_some(())
        });
        Trace::read(&std::fs::read(&self.file).unwrap(), &centre.data())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // Gone already where it was ended.
        let gone = !Path::new(&format!("/proc/{}", self.pid)).exists();
        if !gone {
            let _ = Command::new("kill").args(["-9", &self.pid.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Steps; those on files only of the data folder.
    pub(crate) steps: Vec<Step>,
}

impl Trace {
    fn read(text: &[u8], data: &Path) -> Self {
        let mut reader = Reader { data: data.to_owned(), ..Reader::default() };
        for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            reader.line(line);
        }
        Self { steps: reader.steps }
    }
}

#[derive(Default)]
struct Reader {
    data: PathBuf,
    steps: Vec<Step>,
    /// Calls that have begun and not ended, by thread.
    open: BTreeMap<u64, Vec<u8>>,
    /// Syncs under way, by thread: what and its number.
    syncing: BTreeMap<u64, (PathBuf, u64)>,
    syncs: u64,
    /// Where each file's next plain `write` goes, by thread-independent descriptor path.
    at: BTreeMap<PathBuf, u64>,
}

const UNFINISHED: &[u8] = b" <unfinished ...>";
const RESUMED: &[u8] = b" resumed>";

impl Reader {
    fn line(&mut self, line: &[u8]) {
        let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
        let thread: u64 = std::str::from_utf8(&line[..digits]).unwrap().parse().unwrap();
        let rest = line[digits..].trim_ascii_start();
        if rest.starts_with(b"+++") || rest.starts_with(b"---") {
            return;
        }
        if rest.starts_with(b"<... ") {
            let Some(begun) = self.open.remove(&thread) else { return };
            let tail = find(rest, RESUMED).map(|i| &rest[i + RESUMED.len()..]).unwrap_or_default();
            let whole = [&begun[..], tail].concat();
            self.ended(thread, &whole);
        } else if let Some(begun) = rest.strip_suffix(UNFINISHED) {
            self.open.insert(thread, begun.to_vec());
            self.began(thread, begun);
        } else {
            self.began(thread, rest);
            self.ended(thread, rest);
        }
    }

    /// A call's beginning: from here on what it writes or sends may be out.
    fn began(&mut self, thread: u64, call: &[u8]) {
        let Some(call) = Call::parse(call) else { return };
        match call.name.as_str() {
            "pwrite64" => {
                if let Some(path) = self.ours(call.file(0)) {
                    let bytes = call.bytes(1);
                    let offset = call.number(3);
                    self.steps.push(Step::Write(path, offset, bytes));
                }
            }
            "write" => {
                let bytes = call.bytes(1);
                if let Some(path) = self.ours(call.file(0)) {
                    let at = self.at.entry(path.clone()).or_default();
                    let offset = *at;
                    *at += bytes.len() as u64;
                    self.steps.push(Step::Write(path, offset, bytes));
                } else if let Some(connection) = call.connection(0) {
                    self.steps.push(Step::Send(connection, bytes));
                }
            }
            "sendto" | "writev" | "sendmsg" => {
                if let Some(connection) = call.connection(0) {
                    self.steps.push(Step::Send(connection, call.bytes(1)));
                } else {
                    assert!(self.ours(call.file(0)).is_none(), "{} to a file of the record", call.name);
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(path) = self.ours(call.file(0)) {
                    self.syncs += 1;
                    self.steps.push(Step::SyncBegins(self.syncs));
                    self.syncing.insert(thread, (path, self.syncs));
                }
            }
            "ftruncate" => {
                if let Some(path) = self.ours(call.file(0)) {
                    self.steps.push(Step::Truncate(path, call.number(1)));
                }
            }
            "mmap" => {
                let file = call.args.get(4).and_then(|a| Call::path(a));
                let shared = call.args.get(3).is_some_and(|f| f.starts_with(b"MAP_SHARED"));
                let writes = call.args.get(2).is_some_and(|p| find(p, b"PROT_WRITE").is_some());
                if let Some(path) = self.ours(file)
                    && shared
                    && writes
                {
                    // What is written through a map is in no trace: only the index of the log may be, which is made anew.
                    assert!(path.to_string_lossy().ends_with("-shm"), "{} is written through a map", path.display());
                }
            }
            "pwritev" | "pwritev2" | "sync_file_range" | "truncate" | "fallocate" | "link" | "linkat" | "sendfile"
            | "copy_file_range" | "io_uring_setup" | "sendmmsg" => {
                let touches = call.args.iter().any(|a| self.ours(Call::path(a)).is_some());
                assert!(!touches, "a call that this test does not model: {}", call.name);
            }
            _ => {}
        }
    }

    /// A call's end: its result is known.
    fn ended(&mut self, thread: u64, call: &[u8]) {
        let Some(call) = Call::parse(call) else { return };
        let failed = call.result.starts_with(b"-1") || call.result.starts_with(b"?");
        match call.name.as_str() {
            "fsync" | "fdatasync" => {
                if let Some((path, number)) = self.syncing.remove(&thread)
                    && !failed
                {
                    self.steps.push(Step::SyncEnds(path, number));
                }
            }
            _ if failed => {}
            "openat" | "open" | "creat" => {
                let flags = call.args.get(2).cloned().unwrap_or_default();
                if let Some(path) = self.ours(Call::path(&call.result)) {
                    if find(&flags, b"O_CREAT").is_some() {
                        self.steps.push(Step::Create(path.clone()));
                    }
                    if find(&flags, b"O_TRUNC").is_some() {
                        self.steps.push(Step::Truncate(path.clone(), 0));
                    }
                    assert!(find(&flags, b"O_APPEND").is_none(), "{} is appended to", path.display());
                    self.at.insert(path, 0);
                }
            }
            "lseek" => {
                assert!(
                    self.ours(call.file(0)).is_none_or(|p| !p.starts_with(&self.data)),
                    "a file of the record is sought"
                );
            }
            "unlink" => {
                if let Some(path) = self.ours(call.named(0)) {
                    self.steps.push(Step::Unlink(path));
                }
            }
            "unlinkat" => {
                if let Some(path) = self.ours(call.named(1)) {
                    self.steps.push(Step::Unlink(path));
                }
            }
            "rename" => self.renamed(call.named(0), call.named(1)),
            "renameat" | "renameat2" => self.renamed(call.named(1), call.named(3)),
            _ => {}
        }
    }

    fn renamed(&mut self, from: Option<PathBuf>, to: Option<PathBuf>) {
        if let (Some(from), Some(to)) = (self.ours(from), self.ours(to)) {
            self.steps.push(Step::Rename(from, to));
        }
    }

    /// The path when it is the data folder or in it.
    fn ours(&self, path: Option<PathBuf>) -> Option<PathBuf> {
        path.filter(|p| p.starts_with(&self.data))
    }
}

/// A call as strace prints it: `name(arg, arg, …) = result`.
struct Call {
    name: String,
    args: Vec<Vec<u8>>,
    result: Vec<u8>,
}

impl Call {
    /// Its parts. Strings hold nothing but `\xNN`, so that a comma or bracket is always one of the call.
    fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|b| *b == b'(')?;
        let name = String::from_utf8(text[..open].to_vec()).ok()?;
        let (mut args, mut arg, mut depth, mut end) = (Vec::new(), Vec::new(), 0, text.len());
        for (n, b) in text.iter().enumerate().skip(open + 1) {
            match b {
                b'(' | b'[' | b'{' | b'<' => depth += 1,
                b')' if depth == 0 => {
                    end = n;
                    break;
                }
                // The arrow between the two ends of a connection is no bracket.
                b'>' if text[n - 1] == b'-' => {}
                b')' | b']' | b'}' | b'>' => depth -= 1,
                b',' if depth == 0 => {
                    args.push(std::mem::take(&mut arg));
                    continue;
                }
                _ => {}
            }
            arg.push(*b);
        }
        args.push(arg);
        let args = args.into_iter().map(|a| a.trim_ascii().to_vec()).collect();
        let result = text.get(end + 1..).unwrap_or_default().trim_ascii();
        let result = result.strip_prefix(b"=").unwrap_or(result).trim_ascii().to_vec();
        Some(Self { name, args, result })
    }

    /// The path in `12<path>`.
    fn path(arg: &[u8]) -> Option<PathBuf> {
        let from = arg.iter().position(|b| *b == b'<')?;
        let inside = arg.get(from + 1..arg.len().checked_sub(1)?)?;
        inside.starts_with(b"\\x").then(|| PathBuf::from(String::from_utf8_lossy(&unhex(inside)).into_owned()))
    }

    fn file(&self, n: usize) -> Option<PathBuf> {
        Self::path(self.args.get(n)?)
    }

    /// The two ends of the connection in `12<TCP:[…]>`.
    fn connection(&self, n: usize) -> Option<String> {
        let arg = String::from_utf8_lossy(self.args.get(n)?).into_owned();
        arg.split_once("<TCP:[").map(|(_, ends)| ends.to_owned())
    }

    /// A path given as a string.
    fn named(&self, n: usize) -> Option<PathBuf> {
        Some(PathBuf::from(String::from_utf8_lossy(&unhex(self.args.get(n)?)).into_owned()))
    }

    /// Every string in an argument, joined: a buffer, or a list of them.
    fn bytes(&self, n: usize) -> Vec<u8> {
        let arg = self.args.get(n).unwrap_or_else(|| panic!("{} has no argument {n}", self.name));
        assert!(find(arg, b"\"...").is_none(), "strace cut a string of {}", self.name);
        unhex(arg)
    }

    fn number(&self, n: usize) -> u64 {
        let arg = self.args.get(n).map(|a| String::from_utf8_lossy(a).into_owned()).unwrap_or_default();
        arg.parse().unwrap_or_else(|e| panic!("{} argument {n} is {arg:?}: {e}", self.name))
    }
}

/// The bytes of every `\xNN` in a text.
fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| u8::try_from(d).unwrap());
    let mut out = Vec::with_capacity(text.len() / 4);
    let mut n = 0;
    while n + 3 < text.len() {
        if text[n] == b'\\'
            && text[n + 1] == b'x'
            && let (Some(high), Some(low)) = (digit(text[n + 2]), digit(text[n + 3]))
        {
            out.push(high << 4 | low);
            n += 4;
        } else {
            n += 1;
        }
    }
    out
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}
