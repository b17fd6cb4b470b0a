use crate::stage::{Network, json, run};
use anyhow::Result;

#[test]
fn a_second_process_is_told_who_has_what() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &[]);
    let path = folder.path().to_string_lossy().into_owned();
    let missing = run(&["up", "--keep", "--folder", &path])?;
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no network"));

    let mut up = network.up("error")?;
    let gateway_port = network.gateway().rsplit(':').next().unwrap().to_owned();

    let other = tempfile::tempdir()?;
    let elsewhere = other.path().to_string_lossy().into_owned();
    let taken = run(&["up", "--folder", &elsewhere, "--gateway-port", &gateway_port])?;
    let said = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(said.contains(&format!("port {gateway_port}")) && said.contains("sotto"), "{said}");

    let free = crate::stage::free_port().to_string();
    let chain = crate::stage::free_port().to_string();
    let ports = ["--gateway-port", &free, "--chain-port", &chain];
    let locked = run(&[&["up", "--folder", &path][..], &ports].concat())?;
    let said = String::from_utf8_lossy(&locked.stderr).into_owned();
    assert!(said.contains("is in use by process"), "{said}");

    let status = json(&["status", "--json", "--gateway", &network.gateway()])?;
    assert_eq!(status["network"], up.said["network"]);
    assert_eq!(status["kind"], "development");
    up.process.terminate()?;

    // It goes on where it was.
    let again = network.up("error")?;
    assert_eq!(again.said["network"], status["network"]);
    let contract = |value: &serde_json::Value| value.as_str().map(str::to_lowercase);
    assert_eq!(contract(&again.said["contract"]), contract(&status["chains"][0]["contract"]));
    Ok(())
}

#[test]
fn the_program_says_what_it_is() -> Result<()> {
    let version = run(&["--version"])?;
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    for part in ["commit", "engine", "wasmtime"] {
        assert!(said.contains(part), "{said}");
    }
    let completions = run(&["completions", "bash"])?;
    assert!(String::from_utf8_lossy(&completions.stdout).contains("_sotto"));
    let unknown = run(&["status", "--gateway", "http://127.0.0.1:1"])?;
    assert_eq!(unknown.status.code(), Some(1));
    Ok(())
}
