//! The encoding of every message between nodes and on disk: one version byte, then borsh.
//!
//! The rule for changing a wire type: its bytes under a version never change. A new form takes the
//! next version and both are decoded until no node and no disk holds the old one; the golden bytes
//! in `tests/vectors/wire.json` show any change. Decoding takes exactly the bytes it is given.

use borsh::{BorshDeserialize, BorshSerialize};

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More bytes than the type may have.
    #[error("{got} bytes where at most {max} are allowed")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// No bytes at all.
    #[error("no bytes")]
    Empty,
    /// A version this program does not speak.
    #[error("version {got} where {want} is spoken")]
    Version {
        /// The version byte given.
        got: u8,
        /// The version spoken.
        want: u8,
    },
    /// Not the borsh form of the type, or bytes left over.
    #[error("not a {what}: {why}")]
    Encoding {
        /// The type.
        what: &'static str,
        /// What borsh says.
        why: String,
    },
    /// Well-formed bytes with a value outside its limits.
    #[error("{what} is {got} where at most {max} is allowed")]
    Limit {
        /// The value's name.
        what: &'static str,
        /// The value.
        got: u64,
        /// Its limit.
        max: u64,
    },
    /// Well-formed bytes that contradict themselves.
    #[error("{0}")]
    Invalid(&'static str),
}

/// A message with a version byte and a limit on its size.
pub trait Wire: BorshSerialize + BorshDeserialize + Sized {
    /// The first byte.
    const VERSION: u8;
    /// The most bytes an encoded message may have.
    const MAX: usize;
    /// The name used in errors.
    const NAME: &'static str;

    /// The version byte, then borsh.
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::VERSION];
        // Writing borsh into memory fails only for collections longer than u32, which the limits
        // exclude; a message cut short here would be refused by every decoder.
        if self.serialize(&mut out).is_err() {
            out.clear();
        }
        out
    }

    /// Exactly one message.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > Self::MAX {
            return Err(Malformed::TooLong { got: bytes.len(), max: Self::MAX });
        }
        let (version, body) = bytes.split_first().ok_or(Malformed::Empty)?;
        if *version != Self::VERSION {
            return Err(Malformed::Version { got: *version, want: Self::VERSION });
        }
        let message = Self::try_from_slice(body)
            .map_err(|e| Malformed::Encoding { what: Self::NAME, why: e.to_string() })?;
        message.validate()?;
        Ok(message)
    }

    /// Limits that the encoding itself does not hold.
    fn validate(&self) -> Result<(), Malformed> {
        Ok(())
    }
}

/// `got` if it is at most `max`.
pub(crate) fn at_most(what: &'static str, got: usize, max: usize) -> Result<(), Malformed> {
    if got > max {
        return Err(Malformed::Limit { what, got: got as u64, max: max as u64 });
    }
    Ok(())
}

/// Implements [`Wire`] for a type.
macro_rules! wire {
    ($name:ident, $version:expr, $max:expr $(, $validate:path)?) => {
        impl $crate::wire::Wire for $name {
            const VERSION: u8 = $version;
            const MAX: usize = $max;
            const NAME: &'static str = stringify!($name);
            $(fn validate(&self) -> Result<(), $crate::wire::Malformed> {
                $validate(self)
            })?
        }
    };
}
pub(crate) use wire;
