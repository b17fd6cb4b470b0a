//! Processes for the stories: `sotto`, anvil, node.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(90);

/// The built program.
pub(crate) fn sotto() -> PathBuf {
    if let Some(path) = std::env::var_os("SOTTO_BIN") {
        return path.into();
    }
    let here = std::env::current_exe().unwrap();
    let path = here.parent().and_then(Path::parent).unwrap().join("sotto");
    assert!(path.exists(), "{} is not built: cargo build -p sotto", path.display());
    path
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Result<Output> {
    Ok(Command::new(sotto()).args(arguments).stdin(Stdio::null()).output()?)
}

/// Runs the program with `--json`; it must succeed.
pub(crate) fn json<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Result<Value> {
    let output = run(arguments)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).with_context(|| format!("not one JSON object: {text}"))
}

/// A port nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The real anvil, where there is one; says so where there is none.
pub(crate) fn anvil(story: &str) -> Option<PathBuf> {
    let path = std::env::var_os("SOTTO_ANVIL").map(PathBuf::from);
    if path.is_none() {
        println!("{story}: skipped, SOTTO_ANVIL names no anvil");
    }
    path
}

/// A running process, killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it politely to stop, and waits.
    pub(crate) fn terminate(&mut self) -> Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        ensure!(self.0.wait()?.success(), "it did not stop well");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a real chain as the networks' adapter wants it.
pub(crate) fn start_anvil(path: &Path) -> Result<(Process, String)> {
    let port = free_port();
    let child = Command::new(path)
        .args(["--port", &port.to_string(), "--block-time", "1", "--slots-in-an-epoch", "1"])
        .args(["--hardfork", "osaka", "--enable-tx-gas-limit", "--silent"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let process = Process(child);
    let until = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < until, "anvil does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((process, format!("http://127.0.0.1:{port}")))
}

/// A development network in a folder, as one process.
pub(crate) struct Network {
    pub(crate) folder: PathBuf,
    gateway_port: u16,
    chain_port: u16,
    more: Vec<String>,
}

/// What `up --json` says.
pub(crate) struct Up {
    pub(crate) process: Process,
    pub(crate) said: Value,
    /// Everything it logs.
    pub(crate) logs: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Network {
    pub(crate) fn new(folder: &Path, more: &[&str]) -> Self {
        Self {
            folder: folder.to_owned(),
            gateway_port: free_port(),
            chain_port: free_port(),
            more: more.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    /// `sotto up --json`, without waiting for anything.
    pub(crate) fn spawn(&self, log: &str) -> Result<(Process, ChildStdout, ChildStderr)> {
        let mut child = Command::new(sotto())
            .args(["up", "--json", "--folder"])
            .arg(&self.folder)
            .args(["--gateway-port", &self.gateway_port.to_string()])
            .args(["--chain-port", &self.chain_port.to_string()])
            .args(&self.more)
            .env("SOTTO_LOG", log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no output")?;
        let err = child.stderr.take().context("no output")?;
        Ok((Process(child), out, err))
    }

    /// Starts it and waits until it says that it runs.
    pub(crate) fn up(&self, log: &str) -> Result<Up> {
        let (process, out, mut err) = self.spawn(log)?;
        let logs = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let kept = logs.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = err.read(&mut buffer) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let said = serde_json::from_str(&line);
        match said {
            Ok(said) => Ok(Up { process, said, logs }),
            Err(_) => {
                std::thread::sleep(Duration::from_millis(200));
                bail!("up ended: {line}{}", logs.lock().unwrap())
            }
        }
    }

    pub(crate) fn gateway(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway_port)
    }

    pub(crate) fn rpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.chain_port)
    }
}
