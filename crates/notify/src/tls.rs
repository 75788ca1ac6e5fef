//! TLS towards carriers: the system's roots and the operator's own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Why a carrier cannot be set up. Found at start, told to the operator.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of roots cannot be read or holds no certificate.
    #[error("the file of trusted roots {path} cannot be used: {why}")]
    Roots {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// A setting makes no sense.
    #[error("setting `{setting}`: {why}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// The bytes of the operator's file of roots.
pub(crate) fn read_roots(path: &Path) -> Result<Vec<u8>, SetupError> {
    std::fs::read(path).map_err(|error| SetupError::Roots {
        path: path.display().to_string(),
        why: error.to_string(),
    })
}

/// A client that trusts the system's roots and those of the given file.
pub(crate) fn client_config(roots: Option<&Path>) -> Result<rustls::ClientConfig, SetupError> {
    let mut store = rustls::RootCertStore::empty();
    // A root that cannot be read is skipped: one broken file of the system
    // must not take all messages down. None at all shows in the handshake.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = roots {
        let pem = read_roots(path)?;
        let bad = |why: String| SetupError::Roots {
            path: path.display().to_string(),
            why,
        };
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            store
                .add(certificate)
                .map_err(|error| bad(error.to_string()))?;
            found = true;
        }
        if !found {
            return Err(bad("no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(config)
}

/// Whether a host is this machine, the only one that is spoken to in the clear.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
