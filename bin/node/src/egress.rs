//! Lends the runtime the node's TLS.

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use sotto_net::{Tls, TlsError};
use sotto_runtime::{Egress, EgressError, REQUEST_TIME};

/// The web by the enclave's own TLS.
pub struct WebEgress(Tls);

impl WebEgress {
    /// Trusts the web's authorities and these roots (DER).
    pub fn new(roots: &[Vec<u8>]) -> Result<Self> {
        let roots: Vec<_> = roots.iter().map(|root| root.clone().into()).collect();
        Ok(Self(Tls::new(&roots, REQUEST_TIME)?))
    }
}

#[async_trait]
impl Egress for WebEgress {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        max_body: usize,
    ) -> Result<http::Response<Bytes>, EgressError> {
        self.0.send(request, max_body).await.map_err(|error| match error {
            TlsError::TooLong(limit) => EgressError::TooLarge { limit },
            TlsError::Late => EgressError::TooSlow,
            TlsError::Unreachable(why) => EgressError::Unreachable(why),
            TlsError::Setup(why) => EgressError::Tls(why),
        })
    }
}
