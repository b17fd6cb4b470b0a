//! One HTTPS request, by the enclave's own TLS: no plain HTTP, no proxies, no redirects.

use bytes::{Bytes, BytesMut};
use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;
use std::time::Duration;

/// Why a host was not reached or its answer not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// No connection, no trust in the host's certificate, or the connection broke.
    #[error("cannot reach the host: {0}")]
    Unreachable(String),
    /// More bytes than are taken.
    #[error("an answer of more than {0} bytes")]
    TooLong(usize),
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// TLS could not be set up.
    #[error("tls: {0}")]
    Setup(String),
}

/// A client for HTTPS.
#[derive(Clone)]
pub struct Tls {
    client: Client,
}

impl Tls {
    /// Trusts the web's certificate authorities and `extra` roots (DER).
    pub fn new(extra: &[CertificateDer<'static>], timeout: Duration) -> Result<Self, TlsError> {
        let setup = |error: String| TlsError::Setup(error);
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for root in extra {
            roots.add(root.clone()).map_err(|e| setup(e.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| setup(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .build()
            .map_err(|e| setup(e.to_string()))?;
        Ok(Self { client })
    }

    /// Sends a request and reads at most `max` bytes of the answer's body.
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
        max: usize,
    ) -> Result<http::Response<Bytes>, TlsError> {
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let mut answer = self.client.execute(request).await.map_err(unreachable)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(chunk.len()) > max {
                return Err(TlsError::TooLong(max));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}

fn unreachable(error: reqwest::Error) -> TlsError {
    if error.is_timeout() {
        return TlsError::Late;
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    TlsError::Unreachable(text)
}
