//! Sockets: binding, TLS, HTTP/1.1, and how many of what at once. It knows nothing of what is served.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Extension, Router, middleware};
use calls::config::web::Tls;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as TlsError, ServerConfig};

use super::guard::{Peer, guard};
use super::unread::Unread;
use super::{Site, api, assets, page};
use crate::exit::{Code, Failure};

/// Connections at once: browsers open six each.
const CONNECTIONS: usize = 256;
/// A request's headers, in octets.
const HEADERS: usize = 16 * 1024;
/// A request's body, in octets: the longest is a form with a number.
const BODY: usize = 16 * 1024;
/// How long a client may take for a handshake, and for a request's headers.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may leave what it is told unread.
const UNREAD: Duration = Duration::from_secs(60);

/// Binds the address.
pub(super) fn bind(address: SocketAddr) -> Result<StdListener, Failure> {
    let listener = StdListener::bind(address)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    listener.map_err(|e| {
        let taken = e.kind() == io::ErrorKind::AddrInUse;
        let code = if taken { Code::TryLater } else { Code::NoPermission };
        Failure::new(code, format!("{address}: {e}: choose another with --listen"))
    })
}

/// Reads certificates and key.
pub(super) fn tls(files: &Tls) -> Result<TlsAcceptor, Failure> {
    let fault = |path: &Path, what: String| {
        Failure::new(Code::Configuration, format!("{}: {what}", path.display()))
    };
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect)
            .map_err(|e| fault(&files.certificate, format!("certificates: {}", pem_fault(&e))))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| fault(&files.key, format!("the key: {}", pem_fault(&e))))?;
    if certificates.is_empty() {
        return Err(fault(
            &files.certificate,
            format!("certificates: {}", pem_fault(&PemError::NoItemsFound)),
        ));
    }
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|e| fault(&files.certificate, pair_fault(&files.key, &e)))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What is wrong with a certificate and a key that are both readable.
fn pair_fault(key: &Path, e: &TlsError) -> String {
    if matches!(e, TlsError::InconsistentKeys(_)) {
        return format!(
            "{} is not the key of its first certificate: name the key that it was made with as tls_key, \
             and put the server's own certificate before those of its issuers",
            key.display()
        );
    }
    e.to_string()
}

/// What is wrong with a file that should be PEM, with what to do.
fn pem_fault(e: &PemError) -> String {
    if matches!(e, PemError::NoItemsFound) {
        return "none is in it: a PEM file has a line -----BEGIN PRIVATE KEY----- or -----BEGIN CERTIFICATE-----"
            .to_owned();
    }
    e.to_string()
}

/// Serves until SIGINT or SIGTERM.
pub(super) async fn serve(
    listener: StdListener,
    tls: Option<TlsAcceptor>,
    site: Arc<Site>,
) -> Result<(), Failure> {
    let system = |e: io::Error| Failure::new(Code::System, format!("listening: {e}"));
    let listener = TcpListener::from_std(listener).map_err(system)?;
    let address = listener.local_addr().map_err(system)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    crate::out::line(format_args!("dialback web: {scheme}://{address}/"));
    let warm = Arc::clone(&site);
    // So that whoever looks at charts first has not to wait for all records to be read.
    tokio::task::spawn_blocking(move || drop(warm.history.sums(None, 0)));
    let app = api::routes()
        .merge(page::routes())
        .merge(assets::routes())
        .fallback(page::nothing)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard))
        .with_state(site);
    tokio::select! {
        never = accept(&listener, tls, app) => match never {},
        stopped = stop() => stopped.map_err(system),
    }
}

async fn stop() -> io::Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// Takes connections for ever, within the bounds above.
pub(crate) async fn accept(
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
) -> Infallible {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { continue };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (tls, app) = (tls.clone(), app.clone().layer(Extension(Peer(peer))));
                tokio::spawn(async move {
                    talk(stream, tls, app).await;
                    drop(seat);
                });
            }
            Err(e) => {
                // Out of descriptors, most likely: accepting again at once would spin.
                tracing::warn!("accepting a connection: {e}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, tls: Option<TlsAcceptor>, app: Router) {
    // Pieces of a stream of events are small, and wanted now.
    drop(stream.set_nodelay(true));
    match tls {
        None => http(stream, app).await,
        // Whoever speaks no TLS, or nothing, is nobody's concern.
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                http(stream, app).await;
            }
        }
    }
}

async fn http(stream: impl AsyncRead + AsyncWrite + Unpin + Send, app: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEADERS);
    let stream = Unread::new(stream, UNREAD);
    let done = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)).await;
    // A browser that goes away in the middle is no news.
    if let Err(e) = done {
        tracing::debug!("a connection ended: {e}");
    }
}
