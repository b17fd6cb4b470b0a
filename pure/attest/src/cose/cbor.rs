//! CBOR within limits. Not here: any token's fields.

use super::TokenError;
use ciborium::Value;
use std::collections::BTreeMap;

/// Levels of maps, arrays and tags, at most.
pub(super) const DEPTH_MAX: usize = 12;
/// Items of one map or array, at most.
pub(super) const ITEMS_MAX: usize = 64;

/// One item, all of `bytes`.
pub(crate) fn decode(bytes: &[u8], max: usize) -> Result<Value, TokenError> {
    if bytes.len() > max {
        return Err(TokenError::TooLong { got: bytes.len(), max });
    }
    let mut rest = bytes;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX)
        .map_err(|_| TokenError::Cbor)?;
    if !rest.is_empty() {
        return Err(TokenError::LeftOver(rest.len()));
    }
    bounded(&value)?;
    Ok(value)
}

/// [`decode`] of bytes that are the only ones for what they say.
pub(crate) fn canonical(what: &'static str, bytes: &[u8], max: usize) -> Result<Value, TokenError> {
    let value = decode(bytes, max)?;
    if encode(&value).as_deref() == Some(bytes) {
        Ok(value)
    } else {
        Err(TokenError::NotCanonical(what))
    }
}

/// The shortest form of `value`.
fn encode(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).ok()?;
    Some(bytes)
}

fn bounded(value: &Value) -> Result<(), TokenError> {
    match value {
        Value::Array(items) if items.len() > ITEMS_MAX => Err(TokenError::TooMany),
        Value::Map(entries) if entries.len() > ITEMS_MAX => Err(TokenError::TooMany),
        Value::Array(items) => items.iter().try_for_each(bounded),
        Value::Map(entries) => {
            keyed(entries.clone())?;
            entries.iter().try_for_each(|(_, value)| bounded(value))
        }
        Value::Tag(_, inner) => bounded(inner),
        _ => Ok(()),
    }
}

/// The key of a map's entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A number.
    Int(i128),
    /// Text.
    Text(String),
}

impl From<i32> for Key {
    fn from(key: i32) -> Self {
        Self::Int(key.into())
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self::Text(key.into())
    }
}

fn keyed(entries: Vec<(Value, Value)>) -> Result<BTreeMap<Key, Value>, TokenError> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        let key = match key {
            Value::Integer(number) => Key::Int(number.into()),
            Value::Text(text) => Key::Text(text),
            other => {
                return Err(TokenError::BadKey(format!("{other:?}").chars().take(64).collect()));
            }
        };
        if map.insert(key.clone(), value).is_some() {
            return Err(TokenError::BadKey(format!("{key:?}").chars().take(64).collect()));
        }
    }
    Ok(map)
}

/// A map whose entries are taken one by one. What is not taken is not looked at: such tokens may
/// carry claims of later versions (RFC 9711 §3), and all of them are signed.
#[derive(Debug)]
pub(crate) struct Fields(BTreeMap<Key, Value>);

impl Fields {
    /// The entries of a map.
    pub(crate) fn of(what: &'static str, value: Value) -> Result<Self, TokenError> {
        match value {
            Value::Map(entries) => keyed(entries).map(Self),
            _ => Err(TokenError::Field { what, must: "a map" }),
        }
    }

    /// The entry of a key; null is none.
    pub(crate) fn take(&mut self, key: impl Into<Key>) -> Option<Value> {
        self.0.remove(&key.into()).filter(|value| !value.is_null())
    }

    /// Every entry that is left.
    pub(crate) fn rest(self) -> BTreeMap<Key, Value> {
        self.0
    }

    /// Bytes, if they are there.
    pub(crate) fn bytes(
        &mut self,
        key: impl Into<Key>,
        what: &'static str,
    ) -> Result<Option<Vec<u8>>, TokenError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(TokenError::Field { what, must: "a byte string" }),
        }
    }

    /// Text, if it is there.
    pub(crate) fn text(
        &mut self,
        key: impl Into<Key>,
        what: &'static str,
    ) -> Result<Option<String>, TokenError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::Field { what, must: "text" }),
        }
    }

    /// A number from 0, if it is there.
    pub(crate) fn number(
        &mut self,
        key: impl Into<Key>,
        what: &'static str,
    ) -> Result<Option<u64>, TokenError> {
        let wrong = TokenError::Field { what, must: "a number from 0" };
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => number.try_into().map(Some).map_err(|_| wrong),
            Some(_) => Err(wrong),
        }
    }

    /// An array, if it is there.
    pub(crate) fn array(
        &mut self,
        key: impl Into<Key>,
        what: &'static str,
    ) -> Result<Option<Vec<Value>>, TokenError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(TokenError::Field { what, must: "an array" }),
        }
    }
}
