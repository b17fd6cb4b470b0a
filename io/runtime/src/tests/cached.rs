//! Compiled code comes from the disk only if this enclave put it there.

use std::fs;
use std::path::{Path, PathBuf};

use super::written::{answering, app};
use super::{limits, runtime, saying};
use crate::{CacheConfig, RuntimeError, World};

fn cache(dir: &Path, key: u8) -> Option<CacheConfig> {
    Some(CacheConfig { dir: dir.to_owned(), key: [key; 32].into() })
}

/// Loads the app of `text` with this key and runs it; says the files of the cache.
async fn load(dir: &Path, key: u8, text: &str) -> Vec<PathBuf> {
    let data = format!("(data (i32.const 64) \"{text}\")");
    let component = app(1, &data, &answering(0, 64, 3));
    let app = runtime(cache(dir, key)).load(&component, World::Function).unwrap();
    let answer = app.call(&saying(b""), &limits(), None).await.unwrap();
    assert_eq!(answer.output, text.as_bytes());
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Whether loading `text` wrote its file anew: a file that is taken is left alone.
async fn compiled_anew(dir: &Path, key: u8, text: &str, file: &Path) -> bool {
    let before = fs::metadata(file).unwrap().modified().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    load(dir, key, text).await;
    fs::metadata(file).unwrap().modified().unwrap() != before
}

#[tokio::test]
async fn what_was_compiled_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let files = load(dir.path(), 1, "one").await;
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(!compiled_anew(dir.path(), 1, "one", &files[0]).await);
}

#[tokio::test]
async fn a_flipped_byte_anywhere_means_compiling_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = load(dir.path(), 1, "one").await.remove(0);
    let good = fs::read(&file).unwrap();
    for at in [0, 31, 32, 40, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        assert!(compiled_anew(dir.path(), 1, "one", &file).await, "byte {at}");
        assert_eq!(fs::read(&file).unwrap().len(), good.len(), "byte {at}");
    }
    for cut in [0, 16, 32, good.len() - 1] {
        fs::write(&file, &good[..cut]).unwrap();
        assert!(compiled_anew(dir.path(), 1, "one", &file).await, "cut at {cut}");
    }
    assert!(!compiled_anew(dir.path(), 1, "one", &file).await);
}

#[tokio::test]
async fn another_key_means_compiling_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = load(dir.path(), 1, "one").await.remove(0);
    assert!(compiled_anew(dir.path(), 2, "one", &file).await);
    assert!(compiled_anew(dir.path(), 1, "one", &file).await);
}

#[tokio::test]
async fn one_apps_code_in_anothers_place_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let one = load(dir.path(), 1, "one").await.remove(0);
    let both = load(dir.path(), 1, "two").await;
    let two = both.into_iter().find(|file| *file != one).unwrap();
    fs::copy(&one, &two).unwrap();
    // It answers "two", which `load` asserts.
    assert!(compiled_anew(dir.path(), 1, "two", &two).await);
}

#[tokio::test]
async fn another_engine_configuration_means_compiling_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = load(dir.path(), 1, "one").await.remove(0);
    // The same key and code hash under an engine that counts no fuel.
    let other = wasmtime::Engine::default();
    let foreign = crate::cache::CodeCache::open(cache(dir.path(), 1).unwrap(), &other).unwrap();
    let data = "(data (i32.const 64) \"one\")";
    let component = app(1, data, &answering(0, 64, 3));
    let code: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&component).into();
    let compiled = wasmtime::component::Component::from_binary(&other, &component).unwrap();
    foreign.store(&code, &compiled);
    assert!(foreign.load(&other, &code).is_some());
    assert!(compiled_anew(dir.path(), 1, "one", &file).await);
}

#[test]
fn a_folder_that_cannot_be_is_said_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let config = crate::Config { cache: cache(&file.join("below"), 1), ..Default::default() };
    assert!(matches!(crate::Runtime::new(config), Err(RuntimeError::Cache(_))));
}
