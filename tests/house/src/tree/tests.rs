use super::*;

fn file(path: &str, text: impl Into<String>) -> File {
    File { path: path.to_owned(), text: text.into() }
}

const GOOD: &str =
    "//! The words.\n//!\n//! Said by all. Not\n//! here: rules.\n#![forbid(unsafe_code)]\n";

#[test]
fn a_room_that_does_not_say_what_is_absent_is_refused() {
    let map = file("ARCHITECTURE.md", "- `pure/types` the words\n");
    let room = |text: &str| {
        rooms_are_introduced(&["pure/types"], &[map.clone(), file("pure/types/src/lib.rs", text)])
    };
    assert_eq!(room(GOOD), [""; 0]);
    for bad in [
        "",
        "//! The words.\n",
        "use x;\n//! The words. Not here: rules.\n",
        "//! The words.\n//! # Later\n//! Not here: rules.\n",
        "// The words. Not here: rules.\n",
    ] {
        let wrong = room(bad);
        assert_eq!(wrong.len(), 1, "{bad}");
        assert!(wrong[0].contains("what is not here"), "{}", wrong[0]);
    }
}

#[test]
fn a_room_that_is_not_on_the_map_is_refused() {
    let files =
        [file("ARCHITECTURE.md", "- `pure/typesetting`"), file("pure/types/src/lib.rs", GOOD)];
    let wrong = rooms_are_introduced(&["pure/types"], &files);
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].contains("ARCHITECTURE.md"));
}

#[test]
fn a_pure_room_that_allows_unsafe_is_refused() {
    let files = [
        file("pure/types/src/lib.rs", GOOD),
        file("pure/crypto/src/lib.rs", "//! says #![forbid(unsafe_code)] in a comment only"),
        file("io/store/src/lib.rs", ""),
    ];
    assert_eq!(unsafe_is_forbidden(&["pure/types", "io/store"], &files), [""; 0]);
    let wrong = unsafe_is_forbidden(&["pure/types", "pure/crypto", "sdk/client"], &files);
    assert_eq!(wrong.len(), 2);
    assert!(wrong[0].starts_with("pure/crypto/src/lib.rs must say"));
    assert!(wrong[1].starts_with("sdk/client/src/lib.rs must say"));
}

#[test]
fn mod_rs_is_refused() {
    let wrong = no_mod_rs(&[file("io/net/src/door/mod.rs", ""), file("io/net/src/door.rs", "")]);
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].contains("io/net/src/door.rs"));
}

#[test]
fn a_path_of_one_machine_is_refused_with_its_line() {
    let path = |name: &str| format!("/{name}/sotto");
    let bad = file("docs/guide.md", format!("fine\nsee `{}`\n", path("home")));
    let wrong = no_machine_paths(std::slice::from_ref(&bad));
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].starts_with("docs/guide.md:2 names "), "{}", wrong[0]);

    let quoted = file("a.rs", format!("open(\"{}\")", path("tmp")));
    assert_eq!(no_machine_paths(&[quoted]).len(), 1);
    let fine = file("b.rs", format!("https://example.com{} ~{0} $HOME{0} a{0}", path("work")));
    assert_eq!(no_machine_paths(&[fine]), [""; 0]);
    let carried = file("wit/deps/filesystem.wit", path("tmp"));
    assert_eq!(no_machine_paths(&[carried]), [""; 0]);
}

#[test]
fn work_left_for_later_needs_a_number() {
    let word = ["TO", "DO"].concat();
    for bad in ["// X: later", "// X", "// X(me)", "// X(#)", "X(#one)"] {
        let files = [file("a.rs", bad.replace('X', &word))];
        assert_eq!(no_todo_without_number(&files).len(), 1, "{bad}");
    }
    for good in ["// X(#12): later", "// XS are many", "AUTOX", "MY_X"] {
        let files = [file("a.rs", good.replace('X', &word))];
        assert_eq!(no_todo_without_number(&files), [""; 0], "{good}");
    }
}

#[test]
fn a_vector_that_no_test_names_is_refused() {
    let files = [
        file("tests/vectors/digest.json", "{}"),
        file("tests/vectors/orphan.json", "{}"),
        file("tests/vectors/README.md", "orphan.json"),
        file("pure/types/src/digest/tests.rs", "include_str!(\"../digest.json\")"),
        file("docs/notes.md", "orphan.json"),
    ];
    assert_eq!(
        vectors_are_read(&files),
        ["tests/vectors/orphan.json is named by no test: read it in one, or remove it"]
    );
}

#[test]
fn a_document_that_points_at_nothing_is_refused() {
    let files = [
        file("README.md", "[a](STYLE.md) [b](docs/guide) [c](https://example.com/x) [d](#here)"),
        file("STYLE.md", "[gone](docs/gone.md)"),
        file("docs/guide/run.md", "[up](../../STYLE.md#names) [beside](call.md) `io/none.rs`"),
        file("docs/guide/call.md", ""),
        file(
            "ARCHITECTURE.md",
            "`pure/types/src/lib.rs` `io/gone.rs` `io/<x>.rs` `lib.rs` `io/net`",
        ),
        file("pure/types/src/lib.rs", GOOD),
    ];
    assert_eq!(
        documents_point_at_files(&files),
        [
            "STYLE.md points at docs/gone.md, which is not there",
            "ARCHITECTURE.md points at io/gone.rs, which is not there",
        ]
    );
}
