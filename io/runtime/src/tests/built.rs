//! The example apps, built once the way `sotto build` builds them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

#[path = "../../../../bin/sotto/src/guest.rs"]
#[allow(unreachable_pub, reason = "public where it belongs, in the program")]
mod guest;

pub(super) static AUCTION: LazyLock<Vec<u8>> = LazyLock::new(|| example("auction"));
pub(super) static HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| example("hello"));
pub(super) static ORACLE: LazyLock<Vec<u8>> = LazyLock::new(|| example("oracle"));

/// An app that posts: its payload is a URL, a space and how many bytes to send; its answer is the
/// response's body.
pub(super) static POSTER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let package = target().join("poster");
    let guest = root().join("sdk/guest").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"poster\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{CDYLIB}\
         [workspace]\n\
         [dependencies]\nsotto-guest = {{ path = {guest:?}, features = [\"http\"] }}\n"
    );
    let source = r#"
        use sotto_guest::{Call, Method, fetch};
        fn run(call: Call) -> Result<Vec<u8>, String> {
            let text = String::from_utf8(call.payload).map_err(|e| e.to_string())?;
            let (url, bytes) = text.split_once(' ').ok_or("no size")?;
            let body = vec![7; bytes.parse().map_err(|_| "no number")?];
            let answer = fetch(&Method::Post, url, &[("x-app", "poster")], &body);
            answer.map(|answer| answer.body).map_err(|error| error.to_string())
        }
        sotto_guest::function!(run);
    "#;
    fs::create_dir_all(package.join("src")).unwrap();
    // Of an earlier run, when the guest crate may have needed something else.
    let _ = fs::remove_file(package.join("Cargo.lock"));
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src/lib.rs"), source).unwrap();
    build(&package)
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Beside the build that runs these tests, so that the next run finds it done.
fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root().join("target")).join("guests")
}

fn example(name: &str) -> Vec<u8> {
    build(&root().join("examples").join(name))
}

fn build(package: &Path) -> Vec<u8> {
    let path = guest::build_component(package, &target(), &mut |line| eprintln!("{line}"));
    fs::read(path.unwrap()).unwrap()
}

/// A workspace of an app and something it needs, written into `dir`.
fn workspace(dir: &Path, manifest_tail: &str) -> PathBuf {
    let write = |path: &str, text: &str| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let guest = root().join("sdk/guest").canonicalize().unwrap();
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"near\"]\n");
    write(
        "near/Cargo.toml",
        "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    write(
        "near/src/lib.rs",
        "#[inline(never)]\npub fn third(of: &[u8]) -> u8 { assert!(of.len() > 2); of[2] }\n",
    );
    write(
        "app/Cargo.toml",
        &format!(
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{manifest_tail}\n\
             [dependencies]\nnear = {{ path = \"../near\" }}\nsotto-guest = {{ path = {guest:?} }}\n"
        ),
    );
    write(
        "app/src/lib.rs",
        "fn run(call: sotto_guest::Call) -> Result<Vec<u8>, String> {\n    \
         if call.payload.is_empty() { return Err(\"nothing\".to_owned()) }\n    \
         Ok(vec![near::third(&call.payload)])\n}\nsotto_guest::function!(run);\n",
    );
    dir.join("app")
}

const CDYLIB: &str = "[lib]\ncrate-type = [\"cdylib\"]\n";

#[test]
fn the_same_source_is_the_same_bytes_wherever_it_lies() {
    let build = |at: &str| {
        let folder = tempfile::tempdir().unwrap();
        let package = workspace(&folder.path().join(at), CDYLIB);
        let mut lines = 0;
        let made = guest::build_component(&package, &target(), &mut |_| lines += 1).unwrap();
        assert!(lines > 0);
        (fs::read(made).unwrap(), folder.path().to_str().unwrap().to_owned())
    };
    let (here, folder) = build("here");
    let (there, _) = build("there/and/deeper");
    assert!(here == there, "{} and {} bytes", here.len(), there.len());
    // No path of the machine that built it is in it.
    let home = env::home_dir().unwrap();
    for path in [folder.as_str(), home.to_str().unwrap(), root().to_str().unwrap()] {
        assert!(!here.windows(path.len()).any(|window| window == path.as_bytes()), "{path}");
    }
}

#[test]
fn what_cannot_be_built_is_said_in_a_sentence() {
    let build = |package: &Path| guest::build_component(package, &target(), &mut |_| {});
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().canonicalize().unwrap();
    assert_eq!(build(&empty), Err(format!("{} holds no Cargo.toml", empty.display())));
    let missing = build(&empty.join("nowhere")).unwrap_err();
    assert!(missing.starts_with("cannot read "), "{missing}");

    let plain = workspace(folder.path(), "");
    let error = build(&plain).unwrap_err();
    assert!(error.ends_with("its [lib] needs `crate-type = [\"cdylib\"]`"), "{error}");

    let wrong = workspace(folder.path(), CDYLIB);
    fs::write(wrong.join("src/lib.rs"), "fn run() -> u8 { \"no number\" }\n").unwrap();
    let error = build(&wrong).unwrap_err();
    assert!(error.starts_with("cargo could not build the app:\n"), "{error}");
    assert!(error.contains("mismatched types"), "{error}");
}
