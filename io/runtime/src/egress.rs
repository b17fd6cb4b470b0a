//! The way out of an app: one trait, handed in by whoever has TLS, and what stands before it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::hosts::HostList;

/// How many requests one call may send.
pub const MAX_REQUESTS: u32 = 16;
/// The largest body of a request, in bytes.
pub const MAX_REQUEST_BODY: usize = 256 << 10;
/// The largest body of a response, in bytes.
pub const MAX_RESPONSE_BODY: usize = 1 << 20;
/// How long one request may take; the call's own time is a limit too.
pub const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Sends an app's requests: connects, proves the host's certificate, speaks HTTP.
///
/// The runtime asks it only for `https` URLs whose host is on the app's list, with the body whole
/// and within [`MAX_REQUEST_BODY`]. Redirects are the app's affair: following one here would leave
/// the list.
#[async_trait]
pub trait Egress: Send + Sync {
    /// The response to `request`, whose URI is absolute and whose `host` header is set.
    ///
    /// # Errors
    /// Why there is none; [`EgressError::TooLarge`] as soon as more than `max_body` bytes came.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        max_body: usize,
    ) -> Result<http::Response<Bytes>, EgressError>;
}

/// Why a host gave no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// No address, or nobody there.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The certificate is not the host's, or TLS failed.
    #[error("tls: {0}")]
    Tls(String),
    /// Too slow.
    #[error("too slow")]
    TooSlow,
    /// The body is larger than asked for.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It spoke no HTTP, or broke off.
    #[error("protocol: {0}")]
    Protocol(String),
}

/// Where one call may reach, and through whom.
#[derive(Clone)]
pub struct Reach {
    /// The manifest's hosts.
    pub hosts: Arc<HostList>,
    /// Who sends.
    pub egress: Arc<dyn Egress>,
}
