//! The HTTP side: `/metrics`, `/health/live`, `/health/ready`.
//!
//! Everything here only looks, and says nothing that names a user, a number or a secret; it is open to whoever
//! can connect, which by default is this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use calls::status::Status;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use super::metrics::{Form, render};
use super::observatory::Observatory;
use crate::exit::{Code, Failure};

/// Looks at once: each takes one of the server's 64 seats for a moment.
const LOOKS: usize = 4;

#[derive(Clone)]
struct Desk {
    observatory: Arc<Observatory>,
    seats: Arc<Semaphore>,
}

/// Serves on `listen`, or only waits, until SIGTERM or SIGINT.
pub(crate) fn run(
    listen: Option<SocketAddr>,
    observatory: Arc<Observatory>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::System, format!("starting the runtime: {e}")))?;
    runtime.block_on(async {
        let system =
            |e: std::io::Error| Failure::new(Code::System, format!("listening to signals: {e}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(system)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system)?;
        let socket = match listen {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|e| {
                let message = format!("{address}: {e}: set metrics.listen to another address");
                Failure::new(Code::System, message)
            })?),
            None => None,
        };
        if let Some(socket) = &socket {
            let at = socket.local_addr().map_or_else(|e| e.to_string(), |at| at.to_string());
            tracing::info!("metrics and health are served on http://{at}/");
        }
        let serving = async {
            match socket {
                Some(socket) => serve(socket, router(observatory)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = serving => match never {},
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}

/// Within the bounds that `dialback web` has: descriptors that slow clients hold are missing for hooks.
async fn serve(socket: TcpListener, app: Router) -> Infallible {
    crate::web::accept(&socket, None, app).await
}

/// The pages, to be mounted anywhere.
pub(crate) fn router(observatory: Arc<Observatory>) -> Router {
    let desk = Desk { observatory, seats: Arc::new(Semaphore::new(LOOKS)) };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(desk)
}

impl Desk {
    /// Looks, on a thread: it blocks.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Observatory) -> T + Send + 'static,
    ) -> Result<T, StatusCode> {
        let busy = |_| StatusCode::SERVICE_UNAVAILABLE;
        let seat = Arc::clone(&self.seats).acquire_owned().await.map_err(busy)?;
        let observatory = Arc::clone(&self.observatory);
        let looked = tokio::task::spawn_blocking(move || {
            let seen = look(&observatory);
            drop(seat);
            seen
        });
        looked.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn metrics(State(desk): State<Desk>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let form = Form::accepted(accept.unwrap_or_default());
    let page = desk.look(move |observatory| render(observatory.snapshot(), form)).await?;
    Ok::<_, StatusCode>(([(header::CONTENT_TYPE, form.content_type())], page))
}

/// The relay itself lives, or nobody would answer.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(desk): State<Desk>) -> Result<(StatusCode, String), StatusCode> {
    let missing = desk
        .look(|observatory| missing(observatory.status().as_deref(), observatory.connected()))
        .await?;
    Ok(match missing.as_slice() {
        [] => (StatusCode::OK, "ready\n".to_owned()),
        missing => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join("; ")))
        }
    })
}

/// What keeps the server from serving callers.
fn missing(status: Option<&Status>, connected: bool) -> Vec<String> {
    let Some(status) = status else {
        return vec!["the server does not answer on its control socket".to_owned()];
    };
    let mut missing = Vec::new();
    if !connected {
        missing.push("its events do not come yet".to_owned());
    }
    if status.stopping {
        missing.push("the server is stopping".to_owned());
    }
    if status.store_fault.is_some() {
        missing.push("the journal can't be written".to_owned());
    }
    if !status.lines.iter().any(|line| super::metrics::in_service(&line.state)) {
        missing.push("no line is in service".to_owned());
    }
    missing
}

#[cfg(test)]
mod tests {
    use calls::status::Line;
    use calls::vocabulary::LineId;

    use super::*;

    #[test]
    fn a_request_has_bounds() {
        use std::io::{Read as _, Write as _};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let app = Router::new().route("/health/live", get(live));
        let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = socket.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(at).unwrap();
            let long = "x".repeat(100_000);
            let request = format!(
                "GET /health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: {long}\r\n\r\n"
            );
            // It may be cut off before it is through.
            drop(stream.write_all(request.as_bytes()));
            let mut answer = [0; 12];
            drop(stream.read_exact(&mut answer));
            String::from_utf8_lossy(&answer).into_owned()
        });
        let asked = runtime.block_on(async {
            let asked = tokio::task::spawn_blocking(move || asked.join().unwrap());
            tokio::select! {
                never = serve(socket, app) => match never {},
                asked = asked => asked.unwrap(),
            }
        });
        assert_ne!(asked, "HTTP/1.1 200");
    }

    #[test]
    fn ready_is_a_server_that_answers_can_write_and_has_a_line_in_service() {
        let line = |state: &str| Line {
            id: LineId(1),
            line: "main".to_owned(),
            number: None,
            state: state.to_owned(),
            for_ms: 0,
            detail: None,
            carrier: None,
            call: None,
            hold: None,
        };
        let with = |state: &str| Status { lines: vec![line(state)], ..Status::default() };
        assert!(missing(Some(&with("idle")), true).is_empty());
        assert_eq!(missing(Some(&with("idle")), false), ["its events do not come yet"]);
        assert_eq!(missing(Some(&with("faulted")), true), ["no line is in service"]);
        let stopping = Status { stopping: true, store_fault: Some("full".into()), ..with("idle") };
        assert_eq!(missing(Some(&stopping), true).len(), 2);
        assert_eq!(missing(None, true), ["the server does not answer on its control socket"]);
    }
}
