//! What stands on this side of an instance: its memory's limit and, in the world
//! `function-http`, the handles and the door of `wasi:http`.

use std::future::Future;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::IoView;

use crate::egress::{
    EgressError, MAX_REQUEST_BODY, MAX_REQUESTS, MAX_RESPONSE_BODY, REQUEST_TIME, Reach,
};
use crate::hosts::shown;
use crate::limits::MemoryLimiter;

/// How many handles of `wasi:http` and `wasi:io` one call may hold.
const MAX_HANDLES: usize = 256;
/// How large one set of header fields may be, in bytes.
const MAX_FIELDS: usize = 32 << 10;
/// How much of a request's body is taken from the app at once, in bytes.
const BODY_CHUNK: usize = 64 << 10;

/// The data of one instance's store.
pub(crate) struct Host {
    pub(crate) memory: MemoryLimiter,
    pub(crate) door: Door,
    table: ResourceTable,
    http: WasiHttpCtx,
}

impl Host {
    pub(crate) fn new(memory: MemoryLimiter, reach: Option<Reach>) -> Host {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS);
        Host { memory, door: Door { reach, sent: 0, refused: None }, table, http }
    }

    /// Everything the world `function-http` imports and nothing more: no clock, no chance.
    pub(crate) fn link_http(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        wasmtime_wasi_io::add_to_linker_async(linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
    }
}

impl IoView for Host {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.door, table: &mut self.table, ctx: &mut self.http }
    }
}

/// What an app's requests pass on their way out.
pub(crate) struct Door {
    reach: Option<Reach>,
    sent: u32,
    /// The first host that was refused, for the error of a call that fails because of it.
    pub(crate) refused: Option<String>,
}

impl Door {
    /// Whether this request may leave, and through whom.
    fn admit<B>(&mut self, request: &http::Request<B>) -> Result<Reach, Error> {
        let uri = request.uri();
        let name = uri.host().unwrap_or_default();
        let port = uri.port_u16();
        let https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        // A user name before the host is no part of what the manifest lists.
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let reach = self.reach.as_ref().filter(|reach| reach.hosts.allows(name, port));
        match reach {
            Some(reach) if https && plain => {
                self.sent += 1;
                if self.sent > MAX_REQUESTS {
                    return Err(Error::ConnectionLimitReached);
                }
                Ok(reach.clone())
            }
            _ => {
                let host = shown(name, port);
                let host = if https { host } else { format!("{}://{host}", scheme(uri)) };
                self.refused.get_or_insert(host);
                Err(Error::HttpRequestDenied)
            }
        }
    }
}

fn scheme(uri: &http::Uri) -> &str {
    uri.scheme_str().unwrap_or_default()
}

/// What became of a request, as `wasi:http` wants it told: the response, and a future that would
/// report what happens to the connection afterwards. Here the response is whole, so nothing does.
type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Door {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let admitted = self.admit(&request);
        Box::new(async move {
            let sent = tokio::time::timeout(REQUEST_TIME, send(admitted?, request)).await;
            let response = sent.map_err(|_| Error::HttpResponseTimeout)??;
            let nothing: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response.map(whole), nothing))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }
}

async fn send(
    reach: Reach,
    request: http::Request<WasiBody>,
) -> Result<http::Response<Bytes>, Error> {
    let (parts, body) = request.into_parts();
    let body =
        Limited::new(body, MAX_REQUEST_BODY).collect().await.map_err(|error| match error
            .downcast_ref::<LengthLimitError>(
        ) {
            Some(_) => Error::HttpRequestBodySize(Some(MAX_REQUEST_BODY as u64)),
            None => Error::InternalError(Some("the request's body was not finished".to_owned())),
        })?;
    let request = http::Request::from_parts(parts, body.to_bytes());
    let response = reach.egress.send(request, MAX_RESPONSE_BODY).await.map_err(told)?;
    if response.body().len() > MAX_RESPONSE_BODY {
        return Err(told(EgressError::TooLarge { limit: MAX_RESPONSE_BODY }));
    }
    Ok(response)
}

fn told(error: EgressError) -> Error {
    match error {
        EgressError::Unreachable(_) => Error::DestinationUnavailable,
        EgressError::Tls(_) => Error::TlsCertificateError,
        EgressError::TooSlow => Error::HttpResponseTimeout,
        EgressError::TooLarge { limit } => Error::HttpResponseBodySize(Some(limit as u64)),
        EgressError::Protocol(_) => Error::HttpProtocolError,
    }
}

fn whole(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests;
