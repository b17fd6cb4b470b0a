//! The real tree, held to the rules of the house.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use house::arrows::{Arrow, Kind, refuse, refuse_third_party};
use house::tree::{
    File, documents_point_at_files, no_machine_paths, no_mod_rs, no_todo_without_number,
    rooms_are_introduced, unsafe_is_forbidden, vectors_are_read,
};

/// The main workspace and those beside it.
const WORKSPACES: [&str; 4] = [".", "examples", "bench", "fuzz"];

static ROOT: LazyLock<PathBuf> =
    LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap());
static FILES: LazyLock<Vec<File>> = LazyLock::new(files);
static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(packages);

#[test]
fn the_arrows_are_those_of_the_house() {
    let mut wrong = Vec::new();
    for package in PACKAGES.iter() {
        let from = room(package.manifest_path.parent().unwrap().as_std_path());
        for dependency in &package.dependencies {
            let kind = match dependency.kind {
                DependencyKind::Development => Kind::Dev,
                _ => Kind::Normal,
            };
            let sentence = match &dependency.path {
                Some(path) => {
                    let to = room(path.as_std_path());
                    refuse(&Arrow { from: from.clone(), to, kind })
                }
                None => refuse_third_party(&from, &dependency.name, kind),
            };
            wrong.extend(sentence);
        }
    }
    none(&wrong);
}

#[test]
fn every_room_is_introduced_and_on_the_map() {
    none(&rooms_are_introduced(&rooms(), &FILES));
}

#[test]
fn the_pure_floor_forbids_unsafe_code() {
    none(&unsafe_is_forbidden(&rooms(), &FILES));
}

#[test]
fn no_file_is_called_mod_rs() {
    none(&no_mod_rs(&FILES));
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    none(&no_machine_paths(&FILES));
}

#[test]
fn work_left_for_later_has_a_number() {
    none(&no_todo_without_number(&FILES));
}

#[test]
fn every_vector_is_named_by_a_test() {
    none(&vectors_are_read(&FILES));
}

#[test]
fn documents_point_at_files_that_are_there() {
    none(&documents_point_at_files(&FILES));
}

/// The checks above see the tree: they did not pass because they were handed nothing.
#[test]
fn the_house_is_not_empty() {
    let rooms = rooms();
    for room in ["pure/types", "pure/roles", "io/chain-evm", "sdk/client", "bin/sotto", "xtask"] {
        assert!(rooms.contains(&room), "{room} is missing among {rooms:?}");
    }
    assert!(FILES.iter().any(|file| file.path == "ARCHITECTURE.md" && !file.text.is_empty()));
    assert!(FILES.iter().any(|file| file.path == "tests/house/tests/house.rs"));
    let arrows = PACKAGES.iter().flat_map(|p| &p.dependencies).filter(|d| d.path.is_some());
    assert!(arrows.count() > LEAST_ARROWS);
}

/// The spine alone has more arrows than this.
const LEAST_ARROWS: usize = 30;

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// The rooms of the main workspace.
fn rooms() -> Vec<&'static str> {
    static ROOMS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let folders = PACKAGES.iter().map(|p| p.manifest_path.parent().unwrap().as_std_path());
        folders.map(room).filter(|room| !WORKSPACES.iter().any(|w| room.starts_with(w))).collect()
    });
    ROOMS.iter().map(String::as_str).collect()
}

/// The folder of a crate, from the root.
fn room(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap();
    folder.strip_prefix(&*ROOT).unwrap().to_str().unwrap().replace('\\', "/")
}

fn packages() -> Vec<Package> {
    let manifests = WORKSPACES.iter().map(|folder| ROOT.join(folder).join("Cargo.toml"));
    manifests
        .filter(|manifest| manifest.is_file())
        .flat_map(|manifest| {
            MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap().packages
        })
        .collect()
}

/// What git tracks, and what it would track next.
fn files() -> Vec<File> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&*ROOT)
        .output()
        .expect("the house test reads the list of files from git, which is missing");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    let kept = paths.split_terminator('\0').filter(|path| ROOT.join(path).is_file());
    kept.map(|path| {
        let bytes = std::fs::read(ROOT.join(path)).unwrap();
        File { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() }
    })
    .collect()
}
