//! wasmtime's own HTTP serving, as its documentation writes it and `wasmtime serve` does it: an
//! instance of its own for each request, from a pre-instantiated `wasi:http` proxy, under hyper.
//! The engine is configured as the runtime's. Not here: anything of Sotto.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::IoView;

use crate::Result;
use crate::bare::{FUEL, YIELD_EVERY};

/// A component served over HTTP.
pub struct Served {
    pre: ProxyPre<State>,
}

struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Nowhere,
}

/// Requests out are refused: the component makes none.
struct Nowhere;

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Ended> + Send>);
type Ended = std::result::Result<(), Error>;

impl WasiHttpHooks for Nowhere {
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Ended> + Send>,
    ) -> Box<dyn Future<Output = std::result::Result<Sent, Error>> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let State { table, http, hooks } = self;
        WasiHttpCtxView { hooks, table, ctx: http }
    }
}

impl Served {
    /// Listens on any port of this machine, and serves until the runtime ends.
    ///
    /// # Errors
    /// When the component is no proxy, or no port can be had.
    pub async fn start(engine: &Engine, component: &[u8]) -> Result<SocketAddr> {
        let component = Component::from_binary(engine, component)?;
        let mut linker = Linker::new(engine);
        wasmtime_wasi_io::add_to_linker_async::<State>(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        let served = Arc::new(Served { pre: ProxyPre::new(linker.instantiate_pre(&component)?)? });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let served = served.clone();
                // As the network's door has it.
                let _ = client.set_nodelay(true);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let served = served.clone();
                        async move { served.handle(request).await }
                    });
                    let serving = http1::Builder::new();
                    if let Err(error) =
                        serving.serve_connection(TokioIo::new(client), service).await
                    {
                        eprintln!("theirs: {error:?}");
                    }
                });
            }
        });
        Ok(address)
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> wasmtime::Result<Response<HyperOutgoingBody>> {
        let state = State { table: ResourceTable::new(), http: WasiHttpCtx::new(), hooks: Nowhere };
        let mut store = Store::new(self.pre.engine(), state);
        store.set_fuel(FUEL)?;
        store.fuel_async_yield_interval(Some(YIELD_EVERY))?;
        let (sender, receiver) = oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam(sender)?;
        let pre = self.pre.clone();
        let task = tokio::spawn(async move {
            let proxy = pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(store, request, out).await
        });
        match receiver.await {
            Ok(response) => Ok(response?),
            Err(_) => {
                task.await??;
                wasmtime::bail!("the component answered nothing")
            }
        }
    }
}
