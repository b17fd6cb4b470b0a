//! `session_vs_http`: calls in a direct session of a whole network (gateway's door, worker, fresh
//! instance, receipts in ledgered batches, blocks every second beside it) against wasmtime's own
//! HTTP serving of the same component. Both over loopback HTTP/1.1, kept alive, by the same client,
//! in turns. The sealing at the client's end counts as ours.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use sotto_client::crypto::sign::SigningKey;
use sotto_client::http::HttpResponse;
use sotto_client::{DirectAnswer, DirectSession, Gateway, Heard, Network};
use sotto_node::{Config, Node};
use sotto_tee::Simulated;
use sotto_types::{AppId, AppKind, Fuel, Hash, Manifest, Measurement, Upgrade, Wire as _};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime as Tokio};
use wasmtime_wasi_http::io::TokioIo;

use crate::measure::{Interleaved, Spread};
use crate::report::Report;
use crate::serving::Served;
use crate::worker::chance;
use crate::{Result, bare};

/// Calls of one connection in one turn.
const CALLS: usize = 32;
/// Connections at once in the turns that count, each with a session of its own.
const CONNECTIONS: usize = 8;
/// How long seats and receipts may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both sides, serving.
pub struct Sides {
    /// The client's threads: one.
    client: Tokio,
    /// The servers', both sides' on the same ones.
    _servers: Tokio,
    ours: Vec<Ours>,
    theirs: Vec<Theirs>,
    said: Vec<u8>,
    gateway: Gateway,
    network: Network,
    _node: Node,
    _folder: TempDir,
}

struct Ours {
    line: Line,
    session: DirectSession,
    last: Option<DirectAnswer>,
}

struct Theirs {
    line: Line,
}

/// One kept connection.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Line {
    async fn open(address: SocketAddr) -> Result<Line> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Line { sender, host: address.to_string() })
    }

    async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<HttpResponse> {
        let request = hyper::Request::post(path)
            .header("host", &self.host)
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes().to_vec();
        Ok(HttpResponse { status, body })
    }
}

impl Ours {
    async fn call(&mut self, said: &[u8]) -> Result<()> {
        let request = self.session.call(said.to_vec())?;
        let response = self.line.post(&request.path, request.body).await?;
        match self.session.finish(response)? {
            Heard::Answer(answer) if answer.outcome.as_deref() == Ok(said) => {
                self.last = Some(*answer);
                Ok(())
            }
            other => Err(format!("the echo gave back {other:?}").into()),
        }
    }
}

impl Theirs {
    async fn call(&mut self, said: &[u8]) -> Result<()> {
        let response = self.line.post("/", said.to_vec()).await?;
        if response.status != 200 || response.body != said {
            return Err(format!("wasmtime's own serving answered {}", response.status).into());
        }
        Ok(())
    }
}

impl Sides {
    /// Starts both, with `component` behind both doors, and opens the sessions.
    ///
    /// # Errors
    /// Whatever does not start.
    pub fn start(component: &[u8], said: Vec<u8>) -> Result<Sides> {
        let servers = Builder::new_multi_thread().enable_all().build()?;
        let client = Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        let config = Config {
            folder: folder.path().to_owned(),
            name: "bench".into(),
            gateway: SocketAddr::from(([127, 0, 0, 1], 0)),
            // Sessions end with their epoch; here they last as long as the benchmark.
            epoch_blocks: 1_000_000,
            workers: 1,
            roots: Vec::new(),
        };
        let tee = Arc::new(Simulated::with_measurement(Measurement([0x51; 32])));
        let node = servers.block_on(Node::start(config, tee))?;
        let their_address = servers.block_on(Served::start(&bare::engine()?, component))?;
        let gateway = Gateway::new(&format!("http://{}", node.gateway()))?;
        let network = Network::from_genesis(&node.genesis().encode())?;
        let our_address = node.gateway();
        let (ours, theirs) = client.block_on(async {
            let app = deploy(&gateway, &network, component).await?;
            // Waits for the seat; the session itself is let go.
            gateway.direct(&network, &app, PATIENCE, &mut chance(11)).await?;
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for number in 0..CONNECTIONS {
                ours.push(open(&gateway, &network, &app, our_address, number as u64).await?);
                theirs.push(Theirs { line: Line::open(their_address).await? });
            }
            Result::Ok((ours, theirs))
        })?;
        let (_servers, _node, _folder) = (servers, node, folder);
        Ok(Sides { client, _servers, ours, theirs, said, gateway, network, _node, _folder })
    }

    /// Both sides answer the same, and one of our receipts is proved by the ledger.
    ///
    /// # Errors
    /// When not.
    pub fn check(&mut self) -> Result<()> {
        let Sides { client, ours, theirs, said, gateway, network, .. } = self;
        client.block_on(async {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                ours.call(said).await?;
                theirs.call(said).await?;
            }
            let answer = ours.first().and_then(|ours| ours.last.as_ref()).ok_or("no call")?;
            gateway.prove(network, answer, PATIENCE).await?;
            Ok(())
        })
    }

    /// Only our calls, for a profiler.
    ///
    /// # Errors
    /// When a call fails.
    pub fn repeat(&mut self, times: usize) -> Result<()> {
        let Sides { client, ours, said, .. } = self;
        let Some(ours) = ours.first_mut() else { return Ok(()) };
        client.block_on(async {
            for _ in 0..times {
                ours.call(said).await?;
            }
            Ok(())
        })
    }

    /// Measures both and adds the rows and the ratio `session_vs_http`.
    ///
    /// # Errors
    /// When a call fails.
    pub fn measure(&mut self, report: &mut Report, rounds: usize) -> Result<()> {
        let Sides { client, ours, theirs, said, .. } = self;
        let (client, said): (&Tokio, &[u8]) = (client, said);
        let (ours, theirs) = (&RefCell::new(ours), &RefCell::new(theirs));
        let mut turns = Interleaved::default();
        let entries = [1, CONNECTIONS].map(|connections| {
            let our = turns.add(move || {
                let mut ours = ours.borrow_mut();
                let calls = ours.iter_mut().take(connections).map(|ours| async move {
                    for _ in 0..CALLS {
                        ours.call(said).await?;
                    }
                    Ok(())
                });
                each(client, calls, connections)
            });
            let their = turns.add(move || {
                let mut theirs = theirs.borrow_mut();
                let calls = theirs.iter_mut().take(connections).map(|theirs| async move {
                    for _ in 0..CALLS {
                        theirs.call(said).await?;
                    }
                    Ok(())
                });
                each(client, calls, connections)
            });
            (connections, our, their)
        });
        let measured = turns.run(rounds)?;
        for (connections, our, their) in entries {
            let (our, their) = (&measured[our], &measured[their]);
            let rate = |spread: &Spread| 1e6 / spread.median;
            let of = format!("{connections} connection{}", if connections == 1 { "" } else { "s" });
            report.measured(format!("session: {of}"), our, "a call, ours");
            report.measured(format!("http: {of}"), their, "a request, wasmtime's own serving");
            report.computed(format!("session/s: {of}"), rate(our), "1/s", "");
            report.computed(format!("http/s: {of}"), rate(their), "1/s", "");
            if connections == 1 {
                report.ratio("session_vs_http_alone", rate(our) / rate(their));
            } else {
                report.ratio("session_vs_http", rate(our) / rate(their));
            }
        }
        Ok(())
    }
}

/// All at once; how long one call took of the time of all.
fn each<F>(client: &Tokio, calls: impl Iterator<Item = F>, connections: usize) -> Result<Duration>
where
    F: Future<Output = Result<()>>,
{
    let calls: Vec<F> = calls.collect();
    let start = Instant::now();
    client.block_on(futures::future::try_join_all(calls))?;
    let calls = u32::try_from(connections * CALLS)?;
    Ok(start.elapsed() / calls)
}

async fn open(
    gateway: &Gateway,
    network: &Network,
    app: &AppId,
    address: SocketAddr,
    number: u64,
) -> Result<Ours> {
    let seat = gateway.seat(network, app).await?;
    let (mut session, opening) = network.open_session(&seat, &mut chance(100 + number))?;
    let mut line = Line::open(address).await?;
    let response = line.post(&opening.path, opening.body).await?;
    match session.finish(response)? {
        Heard::Welcome => Ok(Ours { line, session, last: None }),
        other => Err(format!("the seat said {other:?}").into()),
    }
}

async fn deploy(gateway: &Gateway, network: &Network, component: &[u8]) -> Result<AppId> {
    let owner = SigningKey::generate(&mut chance(10));
    let manifest = Manifest {
        owner: owner.public().to_bytes(),
        name: "both".into(),
        kind: AppKind::Function,
        code: Hash::of(component),
        // It imports the types of wasi:http, which only an app that reaches out may.
        hosts: vec!["example.com".into()],
        fuel: Fuel(1_000_000_000),
        memory_mib: 64,
        seconds: 10,
        holders: 1,
        upgrade: Upgrade::Immutable,
    };
    Ok(gateway.deploy(network, &owner, &manifest, component.to_vec()).await?)
}
