//! What a subscriber is told without asking again: how things stand, and whatever comes on a channel, until he goes.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, Interest};
use tokio::sync::{broadcast, oneshot};

use super::super::passed;
use super::{Answer, Client, Question, stopping};

impl Client<'_> {
    /// How things stand, and then what stands otherwise, until the client or the server goes. Who is too slow gets all
    /// of it anew: what waits for him is bounded.
    pub(super) async fn tell_standing(&mut self, id: u64) -> io::Result<()> {
        loop {
            let (tell, told) = oneshot::channel();
            let Some((status, mut changes)) = self.ask(Question::Standing(tell), told).await else {
                return self.say(id, stopping()).await;
            };
            self.say(id, Answer::Status { status }).await?;
            loop {
                match self.next(&mut changes).await? {
                    Ok(changes) => {
                        let mut line = Vec::new();
                        passed::put(&mut line, &passed::Changes::new(id, &changes))
                            .map_err(io::Error::other)?;
                        self.to.write_all(&line).await?;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                }
            }
        }
    }

    /// What comes next for a subscriber. On a quiet server one that has gone would keep its seat until something
    /// happens; one that has only ended its own half still listens.
    pub(super) async fn next<T: Clone>(
        &mut self,
        news: &mut broadcast::Receiver<T>,
    ) -> io::Result<Result<T, broadcast::error::RecvError>> {
        loop {
            tokio::select! {
                next = news.recv() => return Ok(next),
                said = self.from.fill_buf(), if self.talks => {
                    self.talks = false;
                    if said?.is_empty() {
                        self.still_there().await?;
                    }
                }
            }
        }
    }

    /// A client that has gone is noticed by writing. Where nothing is to be written it would keep its seat for ever.
    pub(super) async fn still_there(&self) -> io::Result<()> {
        match self.to.ready(Interest::WRITABLE).await?.is_write_closed() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}
