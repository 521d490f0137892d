//! Whom we believe: certificates of the system, or of a file; and rustls set up with them.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The cryptography that is used everywhere: no C compiler beside SQLite's, no second implementation.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates of those who may vouch: in the file, or the system's.
pub(crate) fn roots(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(path) = ca_file else {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            return Err(
                "the system has no certificates: install ca-certificates, or name a ca_file"
                    .to_owned(),
            );
        }
        return Ok(found.certs);
    };
    let fault =
        |what: String| format!("{}: {what}: name a PEM file of certificates", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|e| fault(e.to_string()))?;
    let certificates: Vec<_> = found.collect::<Result<_, _>>().map_err(|e| fault(e.to_string()))?;
    if certificates.is_empty() {
        return Err(fault("there is no certificate in it".to_owned()));
    }
    Ok(certificates)
}

/// A client that believes those of [`roots`].
pub(crate) fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(roots(ca_file)?);
    if added == 0 {
        return Err("no certificate among those that may vouch can be used".to_owned());
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
