//! Readers: a few threads with read-only connections, so that a question neither waits for the writer nor blocks a
//! task, and none takes longer than it may.

use crate::{record::ReadError, reply::Reply};
use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How many questions may wait.
const QUEUE: usize = 1_024;

/// How many virtual-machine steps SQLite takes between two looks at the clock (about 0.1 ms).
const STEPS: i32 = 2_000;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The readers.
pub(super) struct Readers {
    questions: Option<mpsc::SyncSender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// One thread for each connection.
    pub(super) fn new(connections: Vec<Connection>, timeout: Duration) -> std::io::Result<Self> {
        let (questions, waiting) = mpsc::sync_channel::<Question>(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = connections
            .into_iter()
            .map(|mut connection| {
                let waiting = Arc::clone(&waiting);
                std::thread::Builder::new().name("record-reader".into()).spawn(move || {
                    while let Some(question) = next(&waiting) {
                        let until = Instant::now() + timeout;
                        let _ = connection.progress_handler(STEPS, Some(move || Instant::now() > until));
                        question(&connection);
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { questions: Some(questions), threads })
    }

    /// Asks.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Reply<T, ReadError> {
        let Some(questions) = &self.questions else { return Reply::known(Err(ReadError::Closed)) };
        let (answer, receiver) = oneshot::channel();
        let sent = questions.try_send(Box::new(move |connection| {
            // Who asked may have gone: then nobody minds.
            if !answer.is_closed() {
                let _ = answer.send(question(connection));
            }
        }));
        match sent {
            Ok(()) => Reply::waiting(receiver),
            Err(mpsc::TrySendError::Full(_)) => Reply::known(Err(ReadError::Busy)),
            Err(mpsc::TrySendError::Disconnected(_)) => Reply::known(Err(ReadError::Closed)),
        }
    }
}

/// The next question; `None` when there will be none.
fn next(waiting: &Mutex<mpsc::Receiver<Question>>) -> Option<Question> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.questions = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
