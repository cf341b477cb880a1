//! [`Reply`]: an answer that comes later, to be awaited by a task or waited for by a thread.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// The answerer went away without answering.
pub trait Gone {
    /// The error that says so.
    fn gone() -> Self;
}

/// An answer that comes later. The question was asked when this was made: dropping it takes nothing back.
///
/// A concrete type and not a boxed future, so that the same call serves tasks (`.await`) and threads ([`Reply::wait`]).
#[derive(Debug)]
#[must_use = "the answer is not known until it is awaited"]
pub struct Reply<T, E>(State<T, E>);

#[derive(Debug)]
enum State<T, E> {
    Known(Option<Result<T, E>>),
    Waiting(oneshot::Receiver<Result<T, E>>),
}

impl<T, E> Reply<T, E> {
    /// An answer that is known already.
    pub fn known(answer: Result<T, E>) -> Self {
        Self(State::Known(Some(answer)))
    }

    /// An answer that somebody will send.
    pub fn waiting(receiver: oneshot::Receiver<Result<T, E>>) -> Self {
        Self(State::Waiting(receiver))
    }
}

impl<T, E: Gone> Reply<T, E> {
    /// Waits on this thread; not for use inside an asynchronous runtime's worker.
    pub fn wait(self) -> Result<T, E> {
        match self.0 {
            State::Known(answer) => answer.unwrap_or_else(|| Err(E::gone())),
            State::Waiting(receiver) => receiver.blocking_recv().unwrap_or_else(|_| Err(E::gone())),
        }
    }
}

impl<T: Unpin, E: Gone + Unpin> Future for Reply<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(answer) => Poll::Ready(answer.take().unwrap_or_else(|| Err(E::gone()))),
            State::Waiting(receiver) => {
                Pin::new(receiver).poll(context).map(|sent| sent.unwrap_or_else(|_| Err(E::gone())))
            }
        }
    }
}
