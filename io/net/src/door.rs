//! An HTTP server in front of one handler.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::cors::CorsLayer;

/// A request, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub kind: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

struct Inside {
    max: fn(&str) -> usize,
    handle: Box<dyn Fn(Request) -> Answer + Send + Sync>,
}

/// A listening HTTP server; closes when dropped.
pub struct Door {
    address: SocketAddr,
    close: Option<oneshot::Sender<()>>,
}

impl Door {
    /// Listens on `address` (port 0 takes any) and gives each request to `handle`, after reading at
    /// most `max(path)` bytes of body.
    pub async fn open<F, R>(
        address: SocketAddr,
        max: fn(&str) -> usize,
        handle: F,
    ) -> Result<Self, DoorError>
    where
        F: Fn(Request) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send + 'static,
    {
        let failed = |error| DoorError::Listen(address, error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let handle = Box::new(move |request| -> Answer { Box::pin(handle(request)) });
        let inside = Arc::new(Inside { max, handle });
        // Anybody's page may ask: nothing here depends on who asks, and there are no cookies.
        let router =
            Router::new().fallback(serve).with_state(inside).layer(CorsLayer::permissive());
        let (close, closed) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let until = async move {
                let _ = closed.await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
                tracing::error!(%error, "the door closed");
            }
        });
        Ok(Self { address: local, close: Some(close) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(close) = self.close.take() {
            let _ = close.send(());
        }
    }
}

async fn serve(State(inside): State<Arc<Inside>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let max = (inside.max)(&path);
    let reply = match to_bytes(body, max).await {
        Ok(body) => {
            let method = parts.method.as_str().to_owned();
            (inside.handle)(Request { method, path, body: body.to_vec() }).await
        }
        Err(_) => Reply {
            status: 413,
            kind: "text/plain; charset=utf-8",
            body: format!("a body of more than {max} bytes\n").into_bytes(),
        },
    };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(reply.kind));
    response
}
