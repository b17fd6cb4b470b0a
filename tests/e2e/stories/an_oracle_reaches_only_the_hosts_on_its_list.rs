use crate::stage::{Network, json, run};
use anyhow::{Context as _, Result, ensure};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A host of prices behind TLS, under an authority made for the story; its port and the authority.
fn price_host(runtime: &tokio::runtime::Runtime) -> Result<(u16, Vec<u8>)> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let body = r#"{"price":"1234.56789"}"#;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
                let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Ok((port, certificate.to_vec()))
}

#[test]
fn over_its_own_tls() -> Result<()> {
    sotto_net::install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (listed, authority) = price_host(&runtime)?;
    let (unlisted, other_authority) = price_host(&runtime)?;
    let folder = tempfile::tempdir()?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let trust = write("authority.der", &authority);
    let trust_other = write("other.der", &other_authority);
    let place = folder.path().join("network");
    let network = Network::new(&place, &["--trust", &trust, "--trust", &trust_other]);
    let up = network.up("error")?;
    let rpc = up.said["rpc"].as_str().context("no rpc")?.to_owned();

    let manifest = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/oracle/sotto.toml"
    ))?;
    let hosts = manifest
        .lines()
        .map(|line| {
            if line.starts_with("hosts") {
                format!("hosts = [\"localhost:{listed}\"]")
            } else {
                line.into()
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    let manifest = write("sotto.toml", hosts.as_bytes());
    let owner = folder.path().join("owner.key").to_string_lossy().into_owned();
    let folder_text = place.to_string_lossy().into_owned();
    let gateway = network.gateway();
    let at = ["--gateway", &gateway, "--folder", &folder_text, "--json"];
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/oracle");
    let deploy = ["deploy", example, "--manifest", &manifest, "--owner", &owner];
    let deployed = json(&[&deploy[..], &at].concat())?;
    let app = deployed["app"].as_str().context("no app")?;

    let ask = |port: u16| {
        serde_json::json!({
            "sources": [{ "url": format!("https://localhost:{port}/"), "price": "/price" }]
        })
        .to_string()
    };
    let call = |payload: &str| -> Vec<String> {
        ["call", app, "--rpc", &rpc, "--payload", payload]
            .iter()
            .chain(&at)
            .map(|one| (*one).to_owned())
            .collect()
    };
    let answered = json(&call(&ask(listed)))?;
    let result =
        hex::decode(answered["result"].as_str().context("no result")?.trim_start_matches("0x"))?;
    let price = result.first_chunk::<32>().context("a short answer")?;
    assert_eq!(price[16..], 123_456_789_000_u128.to_be_bytes(), "eight decimals");

    let refused = run(&call(&ask(unlisted)))?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(!refused.status.success(), "an unlisted host was reached: {said}");
    ensure!(said.contains("failed"), "{said}");
    Ok(())
}
