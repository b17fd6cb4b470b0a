//! Solidity words: what `abi.encode` makes of `uint256`, `address` and `bytes32`.

use core::fmt;

/// One 32-byte word of Solidity's ABI, numbers big-endian. Words compare as the `uint256` they
/// hold.
///
/// ```
/// use sotto_guest::Word;
/// let price = Word::from(7_u64);
/// assert_eq!(price.to_u128(), Some(7));
/// assert!(Word::from(256_u64) > Word::from(255_u64));
/// assert_eq!(Word::address([0xab; 20]).0[..12], [0; 12]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub [u8; 32]);

impl Word {
    /// The number zero.
    pub const ZERO: Word = Word([0; 32]);

    /// The first and only word of `bytes`, `None` at any other length than 32.
    pub fn new(bytes: &[u8]) -> Option<Word> {
        bytes.try_into().ok().map(Word)
    }

    /// Exactly `N` words and no byte more, as `abi.encode` of `N` static values writes them.
    pub fn exactly<const N: usize>(bytes: &[u8]) -> Result<[Word; N], WordsError> {
        if bytes.len() != 32 * N {
            return Err(WordsError { expected: 32 * N, found: bytes.len() });
        }
        let mut words = [Word::ZERO; N];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(32)) {
            word.0.copy_from_slice(chunk);
        }
        Ok(words)
    }

    /// The words behind one another: `abi.encode` of static values.
    pub fn concat(words: &[Word]) -> Vec<u8> {
        words.iter().flat_map(|word| word.0).collect()
    }

    /// An address, padded on the left as Solidity does.
    pub fn address(address: [u8; 20]) -> Word {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&address);
        Word(word)
    }

    /// The address in this word, `None` when anything stands before its last 20 bytes.
    pub fn to_address(self) -> Option<[u8; 20]> {
        let (head, tail) = self.0.split_at(12);
        if head.iter().any(|byte| *byte != 0) {
            return None;
        }
        tail.try_into().ok()
    }

    /// The number in this word, `None` above `u128::MAX`.
    pub fn to_u128(self) -> Option<u128> {
        let (head, tail) = self.0.split_at(16);
        if head.iter().any(|byte| *byte != 0) {
            return None;
        }
        tail.try_into().ok().map(u128::from_be_bytes)
    }
}

impl From<u128> for Word {
    fn from(number: u128) -> Word {
        let mut word = [0; 32];
        word[16..].copy_from_slice(&number.to_be_bytes());
        Word(word)
    }
}

impl From<u64> for Word {
    fn from(number: u64) -> Word {
        Word::from(u128::from(number))
    }
}

/// Bytes that are not the words expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordsError {
    /// How many bytes there should have been.
    pub expected: usize,
    /// How many there were.
    pub found: usize,
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} bytes of words, found {}", self.expected, self.found)
    }
}

impl std::error::Error for WordsError {}

#[cfg(test)]
mod tests;
