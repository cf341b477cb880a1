//! Backups: a record and its keys in one encrypted file, and back again.
//!
//! The file is in age format (age-encryption.org), and inside is a tar archive, so that in need any `age` and `tar` open
//! it: `backup.json` (what it is), `record/…` (the entries, in parts), `files/…` (keys from the record's folder),
//! `shared/…` (the authority that phones trust, which stands beside the records in the data folder) and at last
//! `manifest.json` with the SHA-256 of each. Everything streams: nothing is on the disk in plain
//! text, and a record of any size takes a few megabytes of memory.

use age::{
    Decryptor, Encryptor, Identity, IdentityFile, Recipient, scrypt,
    secrecy::{ExposeSecret, SecretString},
    x25519,
};
use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use skypicket_model::{LogId, Time};
use skypicket_record::{CopyIn, CopyOut, FILE_NAME, WORDS};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

/// The format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// Largest file beside the record that is taken along, bytes.
const MOST_FILE: u64 = 64 << 20;
/// Most files beside the record, and how deep their folders.
const MOST_FILES: (usize, usize) = (10_000, 8);
/// Largest member of the archive that is read: an entry with the largest item.
const MOST_MEMBER: u64 = 512 << 20;
/// scrypt's work factor for a passphrase, as `age` has it, and the largest that is tried when opening.
const SCRYPT: (u8, u8) = (18, 22);
/// Of the record's folder, what belongs to the running program and not to a backup.
const NOT_TAKEN: [&str; 6] = ["record.db", "record.db-wal", "record.db-shm", "record.db-journal", "lock", "reserve"];

/// Of the data folder, what its records share: the certificate authority.
pub const AUTHORITY: &str = "tls";
/// Where what is shared stands in a folder that is being restored, until it has its place.
pub const SHARED: &str = "shared.restoring";

/// What a backup is: its first member, and part of its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of the backup.
    pub format: u32,
    /// Version of the words of its entries.
    pub words: u32,
    /// Its id.
    pub id: String,
    /// The log.
    pub log: LogId,
    /// `live`, or `exercise:` and its name.
    pub world: String,
    /// It holds the entries before this index.
    pub entries: u64,
    /// Root of the tree over them, base64 as on a checkpoint.
    pub root: String,
    /// When it was begun.
    pub made_at: Time,
    /// Version of the program that made it.
    pub software: String,
}

/// The last member: what it is again, and every file in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is.
    #[serde(flatten)]
    pub head: Head,
    /// SHA-256 of each member before, lower-case hex, by name.
    pub files: BTreeMap<String, String>,
}

/// Who may open a backup.
pub enum Lock {
    /// Whoever has the secret half of one of these, each with its text.
    Recipients(Vec<(String, x25519::Recipient)>),
    /// Whoever knows it.
    Passphrase(SecretString),
}

impl Lock {
    /// From what the command line says; exactly one way must be given.
    pub fn new(named: &[String], file: Option<&Path>, passphrase: Option<&Path>) -> Result<Self, String> {
        let mut texts = named.to_vec();
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
            texts
                .extend(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(String::from));
        }
        match (texts.is_empty(), passphrase) {
            (false, Some(_)) => Err("give recipients or a passphrase, not both".into()),
            (true, None) if file.is_some() => Err("the file of recipients names nobody".into()),
            (true, None) => Err(
                "say who may open the backup: --recipient age1… (made with `age-keygen`), --recipients-file or --passphrase-file"
                    .into(),
            ),
            (true, Some(path)) => Ok(Self::Passphrase(passphrase_of(path)?)),
            (false, None) => {
                let one = |text: String| match text.parse::<x25519::Recipient>() {
                    Ok(recipient) => Ok((text, recipient)),
                    Err(why) => Err(format!("recipient '{text}': {why}: give the public key, which begins with age1")),
                };
                Ok(Self::Recipients(texts.into_iter().map(one).collect::<Result<_, _>>()?))
            }
        }
    }

    /// As the record says it.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Recipients(list) => list.iter().map(|(text, _)| text.clone()).collect(),
            Self::Passphrase(_) => vec!["passphrase".into()],
        }
    }

    fn encryptor(&self) -> anyhow::Result<Encryptor> {
        Ok(match self {
            Self::Recipients(list) => Encryptor::with_recipients(list.iter().map(|(_, r)| r as &dyn Recipient))?,
            Self::Passphrase(words) => {
                let mut recipient = scrypt::Recipient::new(words.clone());
                recipient.set_work_factor(SCRYPT.0);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))?
            }
        })
    }
}

/// What opens a backup.
pub struct Key(Vec<Box<dyn Identity>>);

impl Key {
    /// From what the command line says.
    pub fn new(identities: Option<&Path>, passphrase: Option<&Path>) -> Result<Self, String> {
        match (identities, passphrase) {
            (Some(path), None) => {
                let shown = path.display();
                let file = File::open(path).map_err(|e| format!("{shown}: {e}"))?;
                let read = IdentityFile::from_buffer(BufReader::new(file)).map_err(|e| format!("{shown}: {e}"))?;
                let keys = read.into_identities().map_err(|e| format!("{shown}: {e}"))?;
                if keys.is_empty() {
                    return Err(format!("{shown}: there is no key in it (AGE-SECRET-KEY-1…)"));
                }
                Ok(Self(keys.into_iter().map(|k| k as Box<dyn Identity>).collect()))
            }
            (None, Some(path)) => {
                let mut identity = scrypt::Identity::new(passphrase_of(path)?);
                identity.set_max_work_factor(SCRYPT.1);
                Ok(Self(vec![Box::new(identity)]))
            }
            _ => Err("say what opens the backup: --identity-file or --passphrase-file".into()),
        }
    }
}

fn passphrase_of(path: &Path) -> Result<SecretString, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let words = SecretString::from(text.lines().next().unwrap_or_default().to_owned());
    if words.expose_secret().chars().count() < 12 {
        return Err(format!("{}: a passphrase has at least 12 characters, on the first line", path.display()));
    }
    Ok(words)
}

/// Writes a backup of the record in `folder` to the new file `to`, beside whoever writes the record. `progress` is told
/// how many entries of how many are done.
pub fn write(
    folder: &Path,
    to: &Path,
    lock: &Lock,
    (id, made_at): (&str, Time),
    world: (LogId, &str),
    mut progress: impl FnMut(u64, u64),
) -> anyhow::Result<(Manifest, u64)> {
    let parent = match to.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    ensure!(!to.exists(), "{}: there is a file already, and a backup never takes the place of another", to.display());
    let beside = parent.canonicalize().with_context(|| parent.display().to_string())?;
    ensure!(
        !beside.starts_with(folder.canonicalize()?),
        "{}: a backup does not belong into the folder that it is of",
        to.display()
    );
    let mut copy = CopyOut::new(folder)?;
    let head = Head {
        format: FORMAT,
        words: WORDS,
        id: id.into(),
        log: world.0,
        world: world.1.into(),
        entries: copy.entries(),
        root: STANDARD.encode(copy.root()),
        made_at,
        software: env!("CARGO_PKG_VERSION").into(),
    };
    // Written beside, whole, and then given its name: half a backup never has the name of one.
    let mut name = to.file_name().context("give the name of a file")?.to_owned();
    name.push(".part");
    let half = parent.join(name);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).with_context(|| {
        format!("{}: if no other backup is being written there, remove this left-over", half.display())
    })?;
    let written = write_into(file, folder, lock, head, &mut copy, &mut progress).and_then(|done| {
        ensure!(!to.exists(), "{}: somebody else wrote it meanwhile", to.display());
        fs::rename(&half, to)?;
        // The name must survive a power cut too; some file systems of sticks cannot say so.
        let _ = File::open(parent).and_then(|f| f.sync_all());
        Ok(done)
    });
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    let manifest = written.with_context(|| format!("{}: the backup was not made", to.display()))?;
    Ok((manifest, fs::metadata(to)?.len()))
}

fn write_into(
    file: File,
    folder: &Path,
    lock: &Lock,
    head: Head,
    copy: &mut CopyOut,
    progress: &mut impl FnMut(u64, u64),
) -> anyhow::Result<Manifest> {
    let encrypted = lock.encryptor()?.wrap_output(BufWriter::new(file))?;
    let mut archive = Archive { tar: tar::Builder::new(encrypted), files: BTreeMap::new() };
    archive.add("backup.json", &serde_json::to_vec_pretty(&head)?)?;
    let entries = copy.entries();
    while let Some(part) = copy.next_part()? {
        archive.add(&format!("record/{}", part.name), &part.bytes)?;
        progress(part.entries, entries);
    }
    for (name, path) in files_of(folder)? {
        let size = fs::metadata(&path)?.len();
        ensure!(size <= MOST_FILE, "{}: {size} bytes, more than belongs into a record's folder", path.display());
        archive.add(&format!("files/{name}"), &fs::read(&path).with_context(|| path.display().to_string())?)?;
    }
    let shared = folder.parent().map(|data| data.join(AUTHORITY)).filter(|tls| tls.is_dir());
    for (name, path) in shared.map_or_else(|| Ok(Vec::new()), |tls| files_of(&tls))? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        archive.add(&format!("shared/{AUTHORITY}/{name}"), &bytes)?;
    }
    let manifest = Manifest { head, files: archive.files.clone() };
    archive.add("manifest.json", &serde_json::to_vec_pretty(&manifest)?)?;
    let written = archive.tar.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    written.sync_all()?;
    Ok(manifest)
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    files: BTreeMap<String, String>,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, bytes)?;
        self.files.insert(name.into(), sha256(bytes));
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Keys, certificates and whatever else stands beside the record, by name with `/`, in order.
fn files_of(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned(), 0)];
    while let Some((prefix, path, depth)) = folders.pop() {
        for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().with_context(|| format!("{}: a name that is no text", entry.path().display()))?;
            let half_written = Path::new(name).extension().is_some_and(|e| e == "new" || e == "part");
            if half_written || depth == 0 && NOT_TAKEN.contains(&name) {
                continue;
            }
            // Neither sockets nor links: what a link points to is not in this folder.
            let kind = entry.file_type()?;
            let named = format!("{prefix}{name}");
            if kind.is_dir() && depth < MOST_FILES.1 {
                folders.push((format!("{named}/"), entry.path(), depth + 1));
            } else if kind.is_file() {
                found.push((named, entry.path()));
            }
        }
        ensure!(found.len() <= MOST_FILES.0, "{}: too many files beside the record", folder.display());
    }
    found.sort();
    Ok(found)
}

/// Reads a backup into `folder`, which is there and empty: what is in it then is a record, checked against its manifest
/// and root, but not yet opened.
pub fn read(
    from: &Path,
    key: &Key,
    folder: &Path,
    world: Option<&str>,
    mut progress: impl FnMut(u64, u64),
) -> anyhow::Result<Manifest> {
    let file = File::open(from).with_context(|| from.display().to_string())?;
    let sealed = Decryptor::new_buffered(BufReader::new(file))
        .map_err(|e| anyhow::anyhow!("{}: this is no backup: {e}", from.display()))?;
    let opened = sealed
        .decrypt(key.0.iter().map(AsRef::as_ref))
        .map_err(|e| anyhow::anyhow!("{}: this key does not open it: {e}", from.display()))?;
    let mut archive = tar::Archive::new(opened);
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut head: Option<(Head, CopyIn)> = None;
    let mut manifest: Option<Manifest> = None;
    for member in archive.entries()? {
        let mut member = member.context("the backup is cut short or damaged")?;
        ensure!(member.header().entry_type().is_file(), "a member that is no file");
        ensure!(manifest.is_none(), "something comes after the manifest");
        let name = String::from_utf8(member.path_bytes().into_owned()).context("a name that is no text")?;
        ensure!(member.size() <= MOST_MEMBER, "{name}: {} bytes are too many", member.size());
        let bytes = whole(&mut member).with_context(|| format!("{name}: the backup is cut short or damaged"))?;
        if name == "manifest.json" {
            manifest = Some(serde_json::from_slice(&bytes).context(name)?);
            continue;
        }
        ensure!(files.insert(name.clone(), sha256(&bytes)).is_none(), "{name} stands twice");
        match (&mut head, name.split_once('/')) {
            (None, None) if name == "backup.json" => {
                let said = begin(&bytes, world)?;
                let copy = CopyIn::new(folder, said.log, &said.world)?;
                head = Some((said, copy));
            }
            (Some((said, copy)), Some(("record", part))) => {
                copy.part(part, &bytes)?;
                progress(copy.entries(), said.entries);
            }
            (Some(_), Some(("files", path))) => put(folder, path, &bytes)?,
            (Some(_), Some(("shared", path))) => put(folder, &format!("{SHARED}/{path}"), &bytes)?,
            _ => bail!("{name}: there is no such thing in a backup of this format"),
        }
    }
    let (said, copy) = head.context("the backup is empty")?;
    let manifest = manifest.context("the backup is cut short: its manifest is missing")?;
    ensure!(manifest.head == said, "the backup's beginning and end say different things");
    if let Some(name) = differs(&manifest.files, &files) {
        bail!("{name}: what is in the backup is not what its manifest says");
    }
    let (entries, root) = copy.finish()?;
    ensure!(
        entries == said.entries && STANDARD.encode(root) == said.root,
        "the record in the backup is not the one that its manifest names"
    );
    Ok(manifest)
}

/// A member, whose size was checked.
#[allow(clippy::disallowed_methods)] // bounded by that size
fn whole(member: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    member.take(MOST_MEMBER).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn differs(said: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Option<String> {
    let names = said.keys().chain(found.keys());
    names.into_iter().find(|name| said.get(*name) != found.get(*name)).cloned()
}

/// Reads what a backup is and refuses what this program or this folder cannot take.
fn begin(bytes: &[u8], world: Option<&str>) -> anyhow::Result<Head> {
    // The numbers first: the rest may look otherwise in a later format.
    #[derive(Deserialize)]
    struct Numbers {
        format: u32,
        words: u32,
        software: String,
    }
    let n: Numbers = serde_json::from_slice(bytes).context("backup.json")?;
    ensure!(
        n.format <= FORMAT && n.words <= WORDS,
        "this backup was made by Skypicket {by}, and this program (Skypicket {own}) does not know all that is in it: use Skypicket {by} or newer",
        by = n.software,
        own = env!("CARGO_PKG_VERSION"),
    );
    let head: Head = serde_json::from_slice(bytes).context("backup.json")?;
    if let Some(world) = world {
        ensure!(
            head.world == world,
            "this is a backup of {}, not of {world}: exercise and live never mix; say --exercise as it was",
            head.world
        );
    }
    Ok(head)
}

/// Writes a file beside the record, for the owner only. Its name comes from the backup: it must stay in the folder.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = Path::new(name);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_)));
    ensure!(
        plain && !name.is_empty() && !NOT_TAKEN.contains(&name) && name != FILE_NAME,
        "files/{name}: a name that leads elsewhere"
    );
    let target = folder.join(path);
    if let Some(parent) = target.parent().filter(|p| *p != folder) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        fs::set_permissions(parent, fs::Permissions::from_mode(0o700))?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
    file.write_all(bytes)?;
    file.sync_all().with_context(|| target.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            format: FORMAT,
            words: WORDS,
            id: "b1".into(),
            log: LogId(uuid::Uuid::from_u128(1)),
            world: "live".into(),
            entries: 0,
            root: String::new(),
            made_at: Time::default(),
            software: "9.9.9".into(),
        }
    }

    #[test]
    fn a_later_format_or_later_words_or_another_world_are_refused_in_words() {
        let bytes = |head: &Head| serde_json::to_vec(head).unwrap();
        assert_eq!(begin(&bytes(&head()), Some("live")).unwrap(), head());
        for later in [Head { format: FORMAT + 1, ..head() }, Head { words: WORDS + 1, ..head() }] {
            let said = begin(&bytes(&later), None).unwrap_err().to_string();
            assert!(said.contains("use Skypicket 9.9.9 or newer"), "{said}");
        }
        let said = begin(&bytes(&head()), Some("exercise:first-light")).unwrap_err().to_string();
        assert!(said.contains("never mix"), "{said}");
    }

    #[test]
    fn a_name_in_a_backup_never_leads_out_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("skypicket-put-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for bad in ["../x", "/etc/x", "a/../../x", "", "record.db", "lock", "./x/..", "record.db-wal"] {
            assert!(put(&folder, bad, b"x").is_err(), "{bad:?}");
        }
        put(&folder, "tls/authority.pem", b"x").unwrap();
        assert!(put(&folder, "tls/authority.pem", b"y").is_err(), "nothing is written over");
        let mode = |p: &str| fs::metadata(folder.join(p)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("tls"), mode("tls/authority.pem")), (0o700, 0o600));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn who_may_open_it_is_said_in_exactly_one_way() {
        let said = |named: &[&str], passphrase: Option<&Path>| {
            let named: Vec<String> = named.iter().map(|s| (*s).to_owned()).collect();
            Lock::new(&named, None, passphrase).map(|l| l.words())
        };
        let key = x25519::Identity::generate().to_public().to_string();
        assert_eq!(said(&[&key], None), Ok(vec![key.clone()]));
        assert!(said(&[], None).unwrap_err().contains("--recipient"));
        assert!(said(&["ssh-ed25519 AAAA"], None).unwrap_err().contains("age1"));
        assert!(said(&[&key], Some(Path::new("x"))).unwrap_err().contains("not both"));
    }
}
