//! TPMs for tests: a software one that is started and killed, and one that says what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Socket, Tpm, Transport};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A fresh swtpm with certificates of a throw-away authority, and its own state.
pub(crate) struct Swtpm {
    folder: tempfile::TempDir,
    process: Child,
}

impl Swtpm {
    /// Starts one with the SHA-256 bank. `None`, and a line that says so, where it is not
    /// installed; in CI that is a failure.
    pub(crate) fn start() -> Option<Self> {
        let Some([swtpm, setup, authority]) = tools() else {
            let line = "apt-get install -y --no-install-recommends swtpm swtpm-tools gnutls-bin";
            assert!(std::env::var_os("CI").is_none(), "swtpm is missing: {line}");
            eprintln!("skipped: swtpm is not installed ({line})");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        manufacture(folder.path(), &setup, &authority);
        let at = folder.path().display();
        let process = Command::new(swtpm)
            .args(["socket", "--tpm2", "--terminate", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={at}/state")])
            .args(["--server", &format!("type=unixio,path={at}/tpm")])
            .args(["--ctrl", &format!("type=unixio,path={at}/tpm.ctrl")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { folder, process })
    }

    /// A way to it: one at a time.
    pub(crate) fn tpm(&mut self) -> Tpm {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match Socket::connect(self.folder.path().join("tpm")) {
                Ok(socket) => return Tpm::new(socket),
                Err(error) => {
                    assert_eq!(self.process.try_wait().unwrap(), None, "swtpm ended");
                    assert!(Instant::now() < until, "{error}");
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The certificates of its authority (PEM): the issuer of the endorsement key's, and its root.
    pub(crate) fn authority(&self) -> [Vec<u8>; 2] {
        ["issuer.pem", "swtpm-localca-rootca-cert.pem"]
            .map(|name| std::fs::read(self.folder.path().join("authority").join(name)).unwrap())
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn tools() -> Option<[PathBuf; 3]> {
    let path = std::env::var_os("PATH")?;
    let find = |name: &str| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    Some([find("swtpm")?, find("swtpm_setup")?, find("swtpm_localca")?])
}

/// What a maker does: endorsement keys, their certificates, and both kept in NV.
fn manufacture(folder: &Path, setup: &Path, authority: &Path) {
    let at = folder.display();
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir(folder.join("state")).unwrap();
    std::fs::create_dir(folder.join("authority")).unwrap();
    put(
        "authority.conf",
        format!(
            "statedir = {at}/authority\nsigningkey = {at}/authority/key.pem\n\
             issuercert = {at}/authority/issuer.pem\ncertserial = {at}/authority/serial\n"
        ),
    );
    let platform = "--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n";
    put("authority.options", platform.into());
    put(
        "setup.conf",
        format!(
            "create_certs_tool = {}\ncreate_certs_tool_config = {at}/authority.conf\n\
             create_certs_tool_options = {at}/authority.options\nactive_pcr_banks = sha256\n",
            authority.display()
        ),
    );
    let Output { status, stdout, stderr } = Command::new(setup)
        .args(["--tpm2", "--create-ek-cert", "--create-platform-cert", "--overwrite"])
        .args(["--tpmstate", &format!("{at}/state"), "--config", &format!("{at}/setup.conf")])
        .output()
        .unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(status.success(), "swtpm_setup: {stdout}{stderr}");
}

/// A TPM that gives these replies in turn, and what it was told.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    replies: Arc<Mutex<VecDeque<Vec<u8>>>>,
    commands: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scripted {
    pub(crate) fn new(replies: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let script = Self::default();
        script.replies.lock().unwrap().extend(replies);
        script
    }

    pub(crate) fn tpm(&self) -> Tpm {
        Tpm::new(self.clone())
    }

    /// The commands in hex.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().iter().map(hex::encode).collect()
    }
}

impl Transport for Scripted {
    fn transact(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.commands.lock().unwrap().push(command.to_vec());
        let reply = self.replies.lock().unwrap().pop_front();
        reply.ok_or_else(|| io::Error::other("the script has ended"))
    }
}

/// A reply without sessions.
pub(crate) fn reply(code: u32, body: &[u8]) -> Vec<u8> {
    tagged(0x8001, code, body)
}

/// A reply of success after password sessions: `handles`, the parameters, and the sessions' end.
pub(crate) fn authorised(handles: &[u8], parameters: &[u8]) -> Vec<u8> {
    let size = u32::try_from(parameters.len()).unwrap().to_be_bytes();
    let body = [handles, &size, parameters, &[0, 0, 1, 0, 0]].concat();
    tagged(0x8002, 0, &body)
}

fn tagged(tag: u16, code: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(10 + body.len()).unwrap().to_be_bytes();
    [tag.to_be_bytes().as_slice(), &size, &code.to_be_bytes(), body].concat()
}
