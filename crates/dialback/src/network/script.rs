//! The one place where scripts are run that are told of networks. With nothing on their standard streams and the
//! environment that the core has made, as pppd runs them.

use std::process::Stdio;
use std::time::Duration;

use calls::vocabulary::Script;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// How long one may run before it is killed: the next one for the call waits for it, and so does the end of the
/// server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script that runs, or could not be started.
pub(crate) enum Running {
    /// A child of ours.
    Own { child: Result<Child, String>, until: tokio::time::Instant },
    /// The launcher's, which tells its end.
    Remote(oneshot::Receiver<Option<String>>),
}

/// Starts a script.
pub(crate) fn start(script: &Script) -> Running {
    let mut argv = script.argv.iter();
    let mut command = Command::new(&script.program);
    if let Some(name) = argv.next() {
        command.arg0(name);
    }
    let command = command
        .args(argv)
        .env_clear()
        .envs(script.env.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    Running::Own {
        child: command.spawn().map_err(|e| e.to_string()),
        until: tokio::time::Instant::now() + PATIENCE,
    }
}

/// Waits for its end. Cancel safe; for ever if none runs.
pub(crate) async fn ended(running: &mut Option<Running>) -> Result<(), String> {
    let (child, until) = match running {
        None => return std::future::pending().await,
        Some(Running::Own { child, until }) => (child, until),
        Some(Running::Remote(end)) => {
            return match end.await {
                Ok(None) => Ok(()),
                Ok(Some(why)) => Err(why),
                Err(_) => Err("the launcher has ended".to_owned()),
            };
        }
    };
    let child = match child {
        Ok(child) => child,
        Err(why) => return Err(why.clone()),
    };
    match tokio::time::timeout_at(*until, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            match child.start_kill() {
                Ok(()) => Err(format!("killed: it ran for {seconds} s")),
                Err(e) => Err(format!("it runs for {seconds} s and cannot be killed: {e}")),
            }
        }
    }
}
