//! The questions of [`crate::http`], carried to a gateway. Nothing it answers is trusted without
//! the checks there and in [`Network`]. Not here: proxies, redirects, relays, a choice among
//! gateways.

mod direct;

pub use direct::Direct;

use crate::error::ClientError;
use crate::http::RequestLine;
use crate::http::{self, ActOutcome, HttpRequest, HttpResponse, OfferedGenesis, Question};
use crate::network::Network;
use core::time::Duration;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};
use sotto_crypto::sign::SigningKey;
use sotto_ledger::state::App;
use sotto_ledger::view::key;
use sotto_types::{
    Action, AppId, Certificate, Hash, Manifest, NodeId, ReceiptBundle, RequestId, SignedAction,
    Wire as _, limits,
};
use std::error::Error;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a deployment is tried again when another action of the same key came first.
const TRIES: u32 = 4;
/// How long a published app may take to appear under a certificate, in seconds.
const CERTIFIED_WITHIN: u64 = 30;
/// Bytes of an error's text that are read.
const ERROR_MAX: usize = 4096;

/// A gateway, over HTTP or, if its address says so, HTTPS with the web's certificate authorities.
#[derive(Clone, Debug)]
pub struct Gateway {
    url: String,
    client: Client,
}

impl Gateway {
    /// The gateway at `url`, such as `http://127.0.0.1:4690`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Argument`] for anything but an `http` or `https` address without query.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let bad = |why: String| ClientError::argument("gateway address", why);
        let parsed = Url::parse(url).map_err(|e| bad(e.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad(format!("{} is neither http nor https", parsed.scheme())));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(bad("it has a query or a fragment".into()));
        }
        let client = client().map_err(|e| bad(e.to_string()))?;
        Ok(Self { url: parsed.as_str().trim_end_matches('/').to_owned(), client })
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks, reads at most as many bytes as a right answer may have, and checks it.
    ///
    /// # Errors
    /// [`ClientError`], by blame.
    pub async fn ask<T>(&self, mut question: Question<T>) -> Result<T, ClientError> {
        let HttpRequest { method, path, body } = &mut question.request;
        let (path, body) = (core::mem::take(path), core::mem::take(body));
        let request = HttpRequest { method, path, body };
        let response = self.send(request, question.max, question.seconds).await?;
        question.finish(response)
    }

    /// Sends, and reads at most `max` bytes of what comes back within `seconds`.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        max: usize,
        seconds: u64,
    ) -> Result<HttpResponse, ClientError> {
        let HttpRequest { method, path, body } = request;
        let url = format!("{}{path}", self.url);
        let request = match method {
            "POST" => self.client.post(url).body(body),
            _ => self.client.get(url),
        };
        let request = request.timeout(Duration::from_secs(seconds));
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if status != 200 && body.len() + chunk.len() > ERROR_MAX {
                break;
            }
            if body.len() + chunk.len() > max {
                return Err(ClientError::TooLong { max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, body })
    }

    /// [`http::health`].
    pub async fn health(&self) -> Result<(), ClientError> {
        self.ask(http::health()).await
    }

    /// [`http::genesis`].
    pub async fn genesis(&self) -> Result<OfferedGenesis, ClientError> {
        self.ask(http::genesis()).await
    }

    /// [`http::certificate`].
    pub async fn certificate(&self) -> Result<Certificate, ClientError> {
        self.ask(http::certificate()).await
    }

    /// [`http::status`].
    pub async fn status(&self) -> Result<serde_json::Value, ClientError> {
        self.ask(http::status()).await
    }

    /// [`http::entry`].
    pub async fn entry(&self, key: &[u8]) -> Result<ReceiptBundle, ClientError> {
        self.ask(http::entry(key)?).await
    }

    /// [`http::nonce`].
    pub async fn nonce(&self, node: &NodeId) -> Result<u64, ClientError> {
        self.ask(http::nonce(node)).await
    }

    /// [`http::receipt`].
    pub async fn receipt(&self, request: &RequestId) -> Result<Vec<u8>, ClientError> {
        self.ask(http::receipt(request)).await
    }

    /// [`http::request`].
    pub async fn request(&self, request: &RequestId) -> Result<RequestLine, ClientError> {
        self.ask(http::request(request)).await
    }

    /// [`http::bytes`].
    pub async fn bytes(&self, hash: &Hash) -> Result<Vec<u8>, ClientError> {
        self.ask(http::bytes(hash)).await
    }

    /// [`http::keep`].
    pub async fn keep(&self, bytes: Vec<u8>) -> Result<Hash, ClientError> {
        self.ask(http::keep(bytes)?).await
    }

    /// [`http::act`].
    pub async fn act(&self, signed: &SignedAction) -> Result<ActOutcome, ClientError> {
        self.ask(http::act(signed)?).await
    }

    /// Publishes an app: has its component held, signs and sends its deployment, and returns its
    /// id once a certificate proves it published. An app that stands there already stays as it is
    /// and is no error, so a deployment cut short is simply repeated.
    ///
    /// # Errors
    /// [`ClientError::Argument`] where manifest, key and component do not belong together;
    /// [`ClientError::Refused`] by council or ledger; [`ClientError::Late`]; and those of asking.
    pub async fn deploy(
        &self,
        network: &Network,
        key: &SigningKey,
        manifest: &Manifest,
        component: Vec<u8>,
    ) -> Result<AppId, ClientError> {
        check_manifest(key, manifest, &component)?;
        let app = manifest.id();
        self.keep(component).await?;
        if self.is_published(network, &app).await? {
            return Ok(app);
        }
        let node = key.public().node_id();
        let mut last = self.nonce(&node).await?;
        for _ in 0..TRIES {
            let deploy = Action::Deploy(manifest.clone());
            let signed = network.sign(key, last.saturating_add(1), deploy);
            let refused = match self.act(&signed).await {
                Ok(ActOutcome { refused: None, .. }) => {
                    return self.certified(network, app).await;
                }
                Ok(ActOutcome { refused: Some(why), .. }) | Err(ClientError::Refused(why)) => why,
                Err(error) => return Err(error),
            };
            // Either somebody with this key was first, with the app or with the nonce, or it is
            // refused for good.
            if self.is_published(network, &app).await? {
                return Ok(app);
            }
            sleep(PAUSE).await;
            let now = self.nonce(&node).await?;
            if now == last {
                return Err(ClientError::Refused(refused));
            }
            last = now;
        }
        Err(ClientError::Refused("other actions of this key came first each time".into()))
    }

    /// Waits until the network does nothing more about a request by itself
    /// ([`Progress::ended`](http::Progress::ended)), and says how it ended. A gateway that is away
    /// or does not know the request yet is asked again.
    ///
    /// # Errors
    /// [`ClientError::Late`] with how far it had come; any other error of asking at once.
    pub async fn wait_for(
        &self,
        request: &RequestId,
        timeout: Duration,
    ) -> Result<RequestLine, ClientError> {
        let until = Instant::now() + timeout;
        loop {
            let mut question = http::request(request);
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            question.seconds = question.seconds.min(left + 1);
            let so_far = match self.ask(question).await {
                Ok(line) if line.progress.ended() => return Ok(line),
                Ok(line) => format!("request {request} is {}", line.progress),
                Err(ClientError::Gateway { status: 404, .. }) => {
                    format!("request {request} is not known")
                }
                Err(error @ ClientError::Unreachable(_)) => error.to_string(),
                Err(error) => return Err(error),
            };
            if Instant::now() + PAUSE >= until {
                return Err(ClientError::Late { what: so_far, seconds: timeout.as_secs() });
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether a certificate proves the app published. An app is never unpublished, so an old
    /// certificate is as good as a new one.
    async fn is_published(&self, network: &Network, app: &AppId) -> Result<bool, ClientError> {
        match self.entry(&key::<App>(app)).await {
            Ok(bundle) => {
                network.check_past_entry::<App>(&bundle, app)?;
                Ok(true)
            }
            Err(ClientError::Gateway { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn certified(&self, network: &Network, app: AppId) -> Result<AppId, ClientError> {
        let until = Instant::now() + Duration::from_secs(CERTIFIED_WITHIN);
        while !self.is_published(network, &app).await? {
            if Instant::now() >= until {
                let what = format!("app {app} is not certified");
                return Err(ClientError::Late { what, seconds: CERTIFIED_WITHIN });
            }
            sleep(PAUSE).await;
        }
        Ok(app)
    }
}

fn client() -> Result<Client, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    // Named here, so that it does not matter what the program installed, or whether.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .build()?;
    Ok(client)
}

/// With its causes: reqwest's own words name only the outermost.
fn unreachable(error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    ClientError::Unreachable(text)
}

fn check_manifest(
    key: &SigningKey,
    manifest: &Manifest,
    component: &[u8],
) -> Result<(), ClientError> {
    manifest.validate().map_err(|e| ClientError::argument("manifest", e))?;
    if manifest.owner != key.public().to_bytes() {
        return Err(ClientError::argument("manifest", "its owner is another key"));
    }
    let hash = Hash::of(component);
    if manifest.code != hash {
        let why = format!("its code is {}, the component is {hash}", manifest.code);
        return Err(ClientError::argument("manifest", why));
    }
    if component.len() > limits::COMPONENT_MAX {
        let why = format!("{} bytes of at most {}", component.len(), limits::COMPONENT_MAX);
        return Err(ClientError::argument("component", why));
    }
    Ok(())
}
