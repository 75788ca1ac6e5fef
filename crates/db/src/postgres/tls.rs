//! Whether and how a connection to PostgreSQL is encrypted.
//!
//! In an address `sslmode` says it, as for other PostgreSQL programs, with two differences: there is no
//! mode that falls back to plain text, and without the word a server on another machine is spoken to as
//! with `verify-full`.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Config, Socket,
    config::{Host, SslMode},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};

use crate::OpenError;

/// What the address asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Plain text.
    Disable,
    /// Encrypted; whoever answers is believed.
    Require,
    /// Encrypted; the certificate must be trusted and be for the host.
    VerifyFull,
}

/// Reads an address; `None` instead of the connector means plain text.
pub(crate) fn read(url: &str) -> Result<(Config, Option<Tls>), OpenError> {
    let (url, mut words) = without_tls_words(url);
    let mut config: Config = url
        .parse()
        .map_err(|e: tokio_postgres::Error| OpenError::Address(e.to_string()))?;
    let mode = match words.mode.as_deref() {
        Some("disable") => Mode::Disable,
        Some("require") => Mode::Require,
        Some("verify-full") => Mode::VerifyFull,
        Some(_) => {
            let known = "sslmode is disable, require or verify-full";
            return Err(OpenError::Address(known.to_owned()));
        }
        None if config.get_hosts().iter().all(is_local) => Mode::Disable,
        None => Mode::VerifyFull,
    };
    if mode == Mode::Disable {
        config.ssl_mode(SslMode::Disable);
        return Ok((config, None));
    }
    config.ssl_mode(SslMode::Require);
    if mode == Mode::Require {
        tracing::warn!("the database's certificate is not checked: sslmode=verify-full would");
    }
    let tls = Tls::new(mode, words.root.take()).map_err(OpenError::Address)?;
    Ok((config, Some(tls)))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

#[derive(Default)]
struct Words {
    mode: Option<String>,
    root: Option<String>,
}

/// Takes `sslmode` and `sslrootcert` out of the address: the driver knows fewer modes and no root.
fn without_tls_words(url: &str) -> (String, Words) {
    let mut words = Words::default();
    let Some((place, query)) = url.split_once('?') else {
        return (url.to_owned(), words);
    };
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("sslmode", mode)) => {
                words.mode = Some(mode.to_owned());
                false
            }
            Some(("sslrootcert", path)) => {
                words.root = Some(
                    path.replace("%2F", "/")
                        .replace("%2f", "/")
                        .replace("%20", " "),
                );
                false
            }
            _ => true,
        })
        .collect();
    let url = if rest.is_empty() {
        place.to_owned()
    } else {
        format!("{place}?{}", rest.join("&"))
    };
    (url, words)
}

/// Makes encrypted connections.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: tokio_rustls::TlsConnector,
}

impl Tls {
    fn new(mode: Mode, root: Option<String>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let config = if mode == Mode::VerifyFull {
            let roots = Arc::new(roots(root)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
            let verifier = verifier.build().map_err(|e| e.to_string())?;
            builder.with_webpki_verifier(verifier)
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Believer(provider)))
        };
        let connector = Arc::new(config.with_no_client_auth()).into();
        Ok(Self { connector })
    }
}

fn roots(file: Option<String>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let unreadable = |e| format!("sslrootcert: {e}");
        for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
            let certificate = certificate.map_err(unreadable)?;
            roots
                .add(certificate)
                .map_err(|e| format!("sslrootcert: {e}"))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err("no trusted certificates: name a file with sslrootcert".to_owned());
    }
    Ok(roots)
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = Connecting;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connecting, Self::Error> {
        let name = ServerName::try_from(host)?.to_owned();
        Ok(Connecting {
            connector: self.connector.clone(),
            name,
        })
    }
}

/// One handshake to be made.
pub(crate) struct Connecting {
    connector: tokio_rustls::TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Connecting {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let handshake = self.connector.connect(self.name, socket);
        Box::pin(async move { handshake.await.map(Encrypted) })
    }
}

/// An encrypted connection.
pub(crate) struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Believes every certificate, for `sslmode=require`; that its holder has the key is still checked.
#[derive(Debug)]
struct Believer(Arc<CryptoProvider>);

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, OpenError> {
        read(url).map(|(config, tls)| {
            assert_eq!(
                tls.is_some(),
                config.get_ssl_mode() == SslMode::Require,
                "{url}"
            );
            config.get_ssl_mode()
        })
    }

    #[test]
    fn plain_text_only_on_this_machine_or_when_asked_for() {
        for plain in [
            "postgres://u@127.0.0.1:5432/d",
            "postgres://u@[::1]/d",
            "postgres://u@localhost/d",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/d",
            "postgres://u@db.example.ru/d?sslmode=disable",
        ] {
            assert_eq!(mode(plain).unwrap(), SslMode::Disable, "{plain}");
        }
        for encrypted in [
            "postgres://u@db.example.ru/d?sslmode=require",
            "postgres://u@localhost/d?connect_timeout=3&sslmode=require",
            "postgres://u@10.0.0.5/d?sslmode=require",
        ] {
            assert_eq!(mode(encrypted).unwrap(), SslMode::Require, "{encrypted}");
        }
        // Whether this machine has trusted roots is another matter; plain text it must not be.
        for remote in [
            "postgres://u@db.example.ru/d",
            "postgres://u@localhost,10.0.0.5/d",
        ] {
            assert!(
                !matches!(mode(remote), Ok(SslMode::Disable | SslMode::Prefer)),
                "{remote}"
            );
        }
        for refused in ["prefer", "allow", "verify-ca", ""] {
            let url = format!("postgres://u@db.example.ru/d?sslmode={refused}");
            assert!(matches!(mode(&url), Err(OpenError::Address(_))), "{url}");
        }
    }

    #[test]
    fn a_missing_root_file_is_told() {
        let url = "postgres://u@db.example.ru/d?sslmode=verify-full&sslrootcert=%2Fno%2Fsuch.pem";
        assert!(
            matches!(mode(url), Err(OpenError::Address(why)) if why.starts_with("sslrootcert"))
        );
    }
}
