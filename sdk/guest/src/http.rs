//! HTTPS to the hosts of the app's manifest, over `wasi:http/outgoing-handler`.
//!
//! The connection is made by the worker's enclave, TLS included; the certificate is checked
//! there. Only `https` URLs leave, and only to a `host[:port]` the manifest lists word for word.

use core::fmt;

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;

pub use crate::bindings::wasi::http::types::Method;

/// How many bytes of a body [`fetch`] takes before it gives up, 1 MiB.
pub const MAX_RESPONSE: usize = 1 << 20;

/// How much is read or written at once.
const CHUNK: usize = 16 << 10;

/// What a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status, 200 when all is well. A [`fetch`] succeeds whatever it is.
    pub status: u16,
    /// The header fields as they came, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no [`Response`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL is not `https://host[:port][/path][?query]`, or holds characters it must not.
    Url(String),
    /// A header's name or value is malformed, or one the worker sets itself.
    Header(String),
    /// The host is not on the manifest's list.
    Denied(String),
    /// The body is larger than the limit, in bytes.
    TooLarge(usize),
    /// The host was not reached, or broke off, or spoke no HTTP; as `wasi:http` names it.
    Failed(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Url(url) => write!(f, "not an https url: {url}"),
            FetchError::Header(name) => write!(f, "header {name} is malformed or not the app's"),
            FetchError::Denied(host) => write!(f, "{host} is not on the manifest's list of hosts"),
            FetchError::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            FetchError::Failed(why) => write!(f, "the host did not answer: {why}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Sends one request and waits for the whole answer, of at most [`MAX_RESPONSE`] bytes.
///
/// ```no_run
/// use sotto_guest::{Method, fetch};
/// let answer = fetch(&Method::Get, "https://api.example.com/price", &[], &[])?;
/// if answer.status != 200 { /* an answer all the same: the app decides */ }
/// # Ok::<(), sotto_guest::FetchError>(())
/// ```
pub fn fetch(
    method: &Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response, FetchError> {
    fetch_at_most(method, url, headers, body, MAX_RESPONSE)
}

/// [`fetch`] with a limit of one's own on the answer's body, in bytes. The worker has a limit too.
pub fn fetch_at_most(
    method: &Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    limit: usize,
) -> Result<Response, FetchError> {
    let (authority, path) = split(url).ok_or_else(|| FetchError::Url(url.to_owned()))?;
    let request = request(method, url, authority, path, headers)?;
    let outgoing = if body.is_empty() { None } else { request.body().ok() };
    let failed = |code: ErrorCode| match code {
        ErrorCode::HttpRequestDenied => FetchError::Denied(authority.to_owned()),
        ErrorCode::HttpResponseBodySize(_) => FetchError::TooLarge(limit),
        other => FetchError::Failed(other.to_string()),
    };
    let future = outgoing_handler::handle(request, None).map_err(failed)?;
    // The worker takes the body only once the request is on its way.
    if let Some(outgoing) = outgoing {
        write(outgoing, body).map_err(FetchError::Failed)?;
    }
    let pollable = future.subscribe();
    pollable.block();
    drop(pollable);
    match future.get() {
        Some(Ok(Ok(response))) => read(&response, limit),
        Some(Ok(Err(code))) => Err(failed(code)),
        Some(Err(())) | None => Err(FetchError::Failed("no answer was there".to_owned())),
    }
}

/// `https://authority[path]`; a fragment is never sent, so it is no part of a URL here.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let sane = !authority.is_empty() && !rest.contains(['#', '\\']) && !authority.contains('@');
    sane.then_some((authority, if path.is_empty() { "/" } else { path }))
}

fn request(
    method: &Method,
    url: &str,
    authority: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<OutgoingRequest, FetchError> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields
            .append(name, value.as_bytes())
            .map_err(|_| FetchError::Header((*name).to_owned()))?;
    }
    let request = OutgoingRequest::new(fields);
    let set = request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&Scheme::Https)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)));
    set.map_err(|()| FetchError::Url(url.to_owned()))?;
    Ok(request)
}

fn write(outgoing: OutgoingBody, body: &[u8]) -> Result<(), String> {
    let stream = outgoing.write().map_err(|()| "the request's body was taken".to_owned())?;
    // 4 KiB is the most `blocking-write-and-flush` takes by its contract.
    for chunk in body.chunks(4096) {
        stream.blocking_write_and_flush(chunk).map_err(|error| error.to_string())?;
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None).map_err(|code| code.to_string())
}

fn read(response: &IncomingResponse, limit: usize) -> Result<Response, FetchError> {
    let status = response.status();
    let headers = response.headers().entries();
    let incoming =
        response.consume().map_err(|()| FetchError::Failed("no body was there".to_owned()))?;
    let stream =
        incoming.stream().map_err(|()| FetchError::Failed("no body was there".to_owned()))?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK as u64) {
            Ok(chunk) if body.len() + chunk.len() > limit => {
                return Err(FetchError::TooLarge(limit));
            }
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(FetchError::Failed(error.to_string())),
        }
    }
    Ok(Response { status, headers, body })
}

#[cfg(test)]
mod tests;
