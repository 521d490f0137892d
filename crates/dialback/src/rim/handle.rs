//! The way to a running server from inside of the same program: what `dialback demo` does with it.
//!
//! It does not know the loop; it asks it, as the control socket's clients do.

use std::sync::Arc;

use calls::status::Status;
use calls::vocabulary::{Command, Entry, Reply};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::control::Question;

/// The way to a running server from inside of the same program.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "`dialback demo` runs the server inside of itself")]
pub(crate) struct Handle {
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) events: broadcast::Sender<Arc<Entry>>,
}

#[allow(dead_code, reason = "`dialback demo` runs the server inside of itself")]
impl Handle {
    /// Every entry of the journal from now on, as it is made.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.events.subscribe()
    }

    /// How things stand; `None`: the server has ended.
    pub(crate) async fn status(&self) -> Option<Box<Status>> {
        let (tell, told) = oneshot::channel();
        self.questions.send(Question::Status(tell)).await.ok()?;
        told.await.ok()
    }

    /// Gives an order; `None`: the server has ended.
    pub(crate) async fn command(&self, command: Command) -> Option<Reply> {
        let (tell, told) = oneshot::channel();
        self.questions.send(Question::Command(command, tell)).await.ok()?;
        told.await.ok()
    }

    /// As SIGTERM: running calls may end; told again: at once.
    pub(crate) async fn stop(&self) {
        // A server that has ended needs no stopping.
        drop(self.questions.send(Question::Stop).await);
    }
}
