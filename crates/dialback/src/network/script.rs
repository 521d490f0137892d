//! The one place where scripts are run that are told of networks. With nothing on their standard streams and the
//! environment that the core has made, as pppd runs them.

use std::process::Stdio;
use std::time::Duration;

use calls::vocabulary::Script;
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
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
            match kill_group(child) {
                Ok(()) => Err(format!("killed: it ran for {seconds} s")),
                Err(e) => Err(format!("it runs for {seconds} s and cannot be killed: {e}")),
            }
        }
    }
}

/// Not the process alone: what it has started as well, as the launcher does.
fn kill_group(child: &Child) -> std::io::Result<()> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    match pid.map(|pid| rustix::process::kill_process_group(pid, Signal::KILL)) {
        // It has ended meanwhile.
        None | Some(Ok(()) | Err(Errno::SRCH)) => Ok(()),
        Some(Err(e)) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::path::PathBuf;

    use super::*;

    /// The pipe stands open as long as anybody of the script's has it open.
    #[tokio::test]
    async fn what_a_script_has_started_is_killed_with_it() {
        let pipe = std::env::temp_dir().join(format!("dialback-script-{}", std::process::id()));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let text = "exec 3>\"$1\"; sleep 1000 & echo started >&3; wait";
        let argv = ["sh", "-c", text, "sh", &pipe.display().to_string()].map(str::to_owned).into();
        let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let script = Script { program: PathBuf::from("/bin/sh"), argv, env };
        let mut running = Some(start(&script));
        let mut end = std::fs::File::open(&pipe).unwrap();
        std::fs::remove_file(&pipe).unwrap();
        let mut said = [0; 8];
        end.read_exact(&mut said).unwrap();
        // It has had its time.
        if let Some(Running::Own { until, .. }) = &mut running {
            *until = tokio::time::Instant::now();
        }
        let why = ended(&mut running).await.unwrap_err();
        assert!(why.starts_with("killed: it ran for"), "{why}");
        assert_eq!(end.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}
