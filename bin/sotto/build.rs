//! Builds the example apps that the program carries, and notes the commit it is built from.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "src/guest.rs"]
mod guest;

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for watched in ["examples", "sdk/guest/src", "sdk/guest/Cargo.toml", "wit"] {
        println!("cargo:rerun-if-changed={}", root.join(watched).display());
    }
    println!("cargo:rerun-if-changed=src/guest.rs");
    // Beside the profile's folder, so that all builds share it: <target>/guests.
    let guests = out.ancestors().nth(4).unwrap_or(&out).join("guests");
    for app in ["auction", "hello"] {
        let package = root.join("examples").join(app);
        let built = guest::build_component(&package, &guests, &mut |_| {}).and_then(|component| {
            std::fs::copy(&component, out.join(format!("{app}.wasm")))
                .map_err(|error| error.to_string())
        });
        if let Err(why) = built {
            println!("cargo:error=the example app {app} cannot be built: {why}");
        }
    }
    println!("cargo:rerun-if-changed={}", root.join(".git/HEAD").display());
    println!("cargo:rustc-env=SOTTO_COMMIT={}", commit(&root));
}

fn commit(root: &Path) -> String {
    Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".into(), |commit| commit.trim().to_owned())
}
