//! The reserve: a file of real blocks that is given up when the disk is full, so that warnings and what people do can
//! still be written.
//!
//! It is made again by a thread of its own, since filling it takes longer than a commit may; and only when there is a
//! quarter more room than it needs, so that a disk that is nearly full does not swing between the two states.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Shortest and longest time between two tries to make it again.
const TRY_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The reserve of one data folder.
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    present: bool,
    maker: Option<Maker>,
    tried: Option<Instant>,
    pause: Duration,
}

struct Maker {
    thread: JoinHandle<io::Result<()>>,
    stop: Arc<AtomicBool>,
}

impl Reserve {
    /// The reserve in `folder`; made now when it is not there and `make` says so. A size of 0 is no reserve.
    pub(super) fn open(folder: &Path, bytes: u64, make: bool) -> Self {
        let mut reserve =
            Self { path: folder.join("reserve"), bytes, present: false, maker: None, tried: None, pause: TRY_EVERY.0 };
        let whole = fs::metadata(&reserve.path).is_ok_and(|m| m.len() == bytes && m.blocks() * 512 >= bytes);
        reserve.present = bytes == 0 || whole || make && fill(&reserve.path, bytes, &AtomicBool::new(false)).is_ok();
        reserve
    }

    /// Whether there is something to give up.
    pub(super) fn is_present(&self) -> bool {
        self.present
    }

    /// Its size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives it up. True when that made room.
    pub(super) fn release(&mut self) -> bool {
        let was_making = self.stop_making();
        let freed = self.present && self.bytes > 0 && fs::remove_file(&self.path).is_ok();
        self.present = false;
        self.tried = Some(Instant::now());
        freed || was_making
    }

    /// Works towards having it again, a step a call; true once it is there. `room` may say that there is none.
    pub(super) fn restore(&mut self, room: bool) -> bool {
        self.present |= self.bytes == 0;
        if self.present {
            return true;
        }
        if self.maker.as_ref().is_some_and(|m| m.thread.is_finished())
            && let Some(maker) = self.maker.take()
        {
            self.present = matches!(maker.thread.join(), Ok(Ok(())));
            self.tried = Some(Instant::now());
            self.pause = if self.present { TRY_EVERY.0 } else { (self.pause * 2).min(TRY_EVERY.1) };
            return self.present;
        }
        let due = self.tried.is_none_or(|t| t.elapsed() >= self.pause);
        if self.maker.is_none() && due && room {
            self.tried = Some(Instant::now());
            let stop = Arc::new(AtomicBool::new(false));
            let (path, bytes, seen) = (self.path.clone(), self.bytes, Arc::clone(&stop));
            let thread = std::thread::Builder::new().name("record-reserve".into());
            self.maker = thread.spawn(move || fill(&path, bytes, &seen)).ok().map(|thread| Maker { thread, stop });
        }
        false
    }

    /// Stops a thread that is making it and removes what it made. True when there was one.
    pub(super) fn stop_making(&mut self) -> bool {
        let Some(maker) = self.maker.take() else { return false };
        maker.stop.store(true, Ordering::Relaxed);
        // It gives up within one block, unless it had just finished: then it is there after all.
        if let Ok(Ok(())) = maker.thread.join() {
            let _ = fs::remove_file(&self.path);
        }
        true
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        if let Some(maker) = self.maker.take() {
            maker.stop.store(true, Ordering::Relaxed);
            let _ = maker.thread.join();
        }
    }
}

/// Makes the file with a quarter more than its size, to see that there is room, and cuts it to its size.
fn fill(path: &Path, bytes: u64, stop: &AtomicBool) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let made = write_blocks(&temporary, bytes, stop).and_then(|()| fs::rename(&temporary, path));
    if made.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    made
}

fn write_blocks(path: &Path, bytes: u64, stop: &AtomicBool) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // Random bytes: a file system that compresses or shares blocks would keep no room for anything else.
    let mut block = vec![0; 1 << 20];
    getrandom::fill(&mut block).map_err(|e| io::Error::other(e.to_string()))?;
    let mut left = bytes + bytes / 4;
    let mut number = 0u64;
    while left > 0 {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        for (byte, mark) in block.iter_mut().zip(number.to_le_bytes()) {
            *byte ^= mark;
        }
        number += 1;
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(block.get(..now).unwrap_or(&block))?;
        left -= now as u64;
    }
    file.set_len(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_made_given_up_and_made_again() {
        let folder = crate::sqlite::testing::Folder::new();
        let mut reserve = Reserve::open(folder.path(), 3 << 20, true);
        let size = || fs::metadata(folder.path().join("reserve")).map(|m| (m.len(), m.blocks() * 512 >= 3 << 20)).ok();
        assert_eq!((reserve.is_present(), size()), (true, Some((3 << 20, true))));
        assert!(reserve.release());
        assert_eq!((reserve.is_present(), size()), (false, None));
        assert!(!reserve.release(), "there is only one");
        assert!(!reserve.restore(false), "no room");
        let begun = Instant::now();
        while !reserve.restore(true) {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::yield_now();
        }
        assert_eq!(size(), Some((3 << 20, true)));
        assert!(Reserve::open(folder.path(), 3 << 20, true).is_present());
    }
}
