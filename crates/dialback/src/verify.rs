//! Verifying passwords beside the loop: argon2id takes tens of milliseconds and 19 MiB each time, so two at a
//! time do it on threads of their own, and the rest wait.
//!
//! A call has one verification at a time, so there are never more waiting than lines. It does not know whose
//! password it is, nor whether the name is anybody's.

use std::sync::Arc;

use calls::policy::password::Verification;
use calls::vocabulary::{CallId, Input};
use tokio::sync::{Semaphore, mpsc};

/// How many at a time: what a small machine can spare beside its callers.
const AT_ONCE: usize = 2;

/// Whoever verifies.
#[derive(Debug)]
pub(crate) struct Verifier {
    permits: Arc<Semaphore>,
    inputs: mpsc::Sender<Input>,
}

impl Verifier {
    /// One that tells its answers to `inputs`.
    pub(crate) fn new(inputs: mpsc::Sender<Input>) -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), inputs }
    }

    /// Verifies, and tells the answer as [`Input::Verified`].
    pub(crate) fn verify(&self, call: CallId, ticket: u32, verification: Box<Verification>) {
        let (permits, inputs) = (Arc::clone(&self.permits), self.inputs.clone());
        tokio::spawn(async move {
            // Nobody closes it.
            let Ok(permit) = permits.acquire_owned().await else { return };
            let good = tokio::task::spawn_blocking(move || verification.run()).await;
            drop(permit);
            if let Err(fault) = &good {
                tracing::error!("{call}: a password could not be verified: {fault}");
            }
            // The loop may have ended meanwhile.
            drop(inputs.send(Input::Verified(call, ticket, good.unwrap_or(false))).await);
        });
    }
}

#[cfg(test)]
mod tests {
    use calls::policy::password::cheap_hash;
    use ppp::secret::Secret;

    use super::*;

    #[tokio::test]
    async fn every_question_gets_its_own_answer() {
        let hash: Arc<str> = cheap_hash(&Secret::from("right"), &[1; 16]).expect("a hash").into();
        let (tell, mut told) = mpsc::channel(8);
        let verifier = Verifier::new(tell);
        for (ticket, password) in [(1, "right"), (2, "wrong"), (3, "right"), (4, "")] {
            let verification = Verification::new(Secret::from(password), Arc::clone(&hash));
            verifier.verify(CallId(7), ticket, Box::new(verification));
        }
        let mut answers = Vec::new();
        while answers.len() < 4 {
            let told = told.recv().await.expect("an answer");
            let Input::Verified(CallId(7), ticket, good) = told else { panic!("{told:?}") };
            answers.push((ticket, good));
        }
        answers.sort_unstable();
        assert_eq!(answers, [(1, true), (2, false), (3, true), (4, false)]);
    }
}
