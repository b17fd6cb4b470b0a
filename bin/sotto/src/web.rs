//! Asking servers of other people: one GET, bounded, over TLS where the address says so. Not here:
//! gateways (`sotto-client`).

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Request, Uri};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The body of the answer to GET `url`, of status 200 and at most `max` bytes.
pub(crate) async fn get(url: &str, max: usize) -> Result<Vec<u8>> {
    let uri: Uri = url.parse().with_context(|| format!("{url} is no address"))?;
    let (status, body) = match uri.scheme_str() {
        Some("https") => {
            let tls = sotto_net::Tls::new(&[], TIMEOUT)?;
            let host = uri.authority().map(ToString::to_string).unwrap_or_default();
            let request = Request::get(uri).header(http::header::HOST, host).body(Bytes::new())?;
            let answer = tls.send(request, max).await.with_context(|| url.to_owned())?;
            (answer.status(), answer.into_body().to_vec())
        }
        Some("http") => {
            let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
            let mut answer = client.get(url).send().await.with_context(|| url.to_owned())?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                body.extend_from_slice(&chunk);
                anyhow::ensure!(body.len() <= max, "{url} gave more than {max} bytes");
            }
            (answer.status(), body)
        }
        _ => bail!("{url} is no http or https address"),
    };
    if status != http::StatusCode::OK {
        let said = String::from_utf8_lossy(body.get(..200.min(body.len())).unwrap_or_default());
        bail!("{url} answered {status}: {said}");
    }
    Ok(body)
}
