//! What the numbers were measured on, and how busy it was.

use std::{env, fs, thread};

use serde_json::{Value, json};

/// Instructions without which the cryptography is several times slower.
const FEATURES: [&str; 5] = ["aes", "pclmulqdq", "sha_ni", "adx", "avx2"];

/// The machine as the report's JSON names it. What the system does not say is null.
pub(crate) fn machine() -> Value {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = field(&info, "flags").unwrap_or_default();
    let has = |name: &&str| flags.split(' ').any(|flag| flag == *name);
    let features: Vec<&str> = FEATURES.into_iter().filter(|name| has(name)).collect();
    json!({
        "cpu": field(&info, "model name"),
        "features": features,
        "cores": thread::available_parallelism().ok().map(usize::from),
        "os": env::consts::OS,
        "arch": env::consts::ARCH,
        "engine": sotto_runtime::ENGINE_VERSION,
        "load": load(),
    })
}

/// How many programs wanted to run, on average over the last minute: above the number of cores,
/// the benchmark did not have the machine to itself.
pub(crate) fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let line = info.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}
