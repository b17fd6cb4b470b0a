//! Reading and writing the golden vectors.

use serde_json::Value;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")).join(name)
}

/// A file of `tests/vectors`.
#[allow(clippy::disallowed_methods, reason = "golden vectors are files")]
pub(super) fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// That `made` is what the file holds; or, with `SOTTO_BLESS=1`, makes it so.
#[allow(clippy::disallowed_methods, reason = "golden vectors are files")]
pub(super) fn compare(name: &str, made: &Value) {
    if std::env::var("SOTTO_BLESS").is_ok_and(|bless| bless == "1") {
        let text = serde_json::to_string_pretty(made).unwrap() + "\n";
        std::fs::write(path(name), text).unwrap();
    }
    assert_eq!(*made, read(name), "{name}: bytes under a version never change");
}

/// A member of an object, as text.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

/// A decimal member.
pub(super) fn number<T: core::str::FromStr>(value: &Value, name: &str) -> T {
    text(value, name).parse().unwrap_or_else(|_| panic!("{name} of {value} is too large"))
}

/// A member in hexadecimal.
pub(super) fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name).strip_prefix("0x").unwrap()).unwrap()
}

/// A member of 32 bytes in hexadecimal.
pub(super) fn word(value: &Value, name: &str) -> [u8; 32] {
    bytes(value, name).try_into().unwrap()
}

/// A member that lists things, never none of them.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let items = value[name].as_array().unwrap();
    assert!(!items.is_empty(), "{name} is empty");
    items
}
