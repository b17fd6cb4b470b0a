//! Padding to size classes: the message, a byte 80, and zeros up to 64, 256, 1,024, 4,096 … bytes.
//! Of a message's length only its class shows. Envelopes pad by themselves; messages of a session
//! are padded by who sends them. Not here: sealing.

/// The smallest padded message; each further class is four times the one before.
const SMALLEST_CLASS: usize = 64;

/// The padded length of a message of `len` bytes: the first class that holds it and one byte more.
pub(crate) const fn class(len: usize) -> usize {
    let mut class = SMALLEST_CLASS;
    while class <= len {
        class *= 4;
    }
    class
}

/// Whether a padded message may be this long.
pub(crate) const fn is_class(len: usize) -> bool {
    len >= SMALLEST_CLASS && class(len - 1) == len
}

/// Pads a message to its class.
pub fn pad(message: &mut Vec<u8>) {
    let class = class(message.len());
    message.push(0x80);
    message.resize(class, 0);
}

/// The message within its padding, if it is padded as [`pad`] does it and in no other way.
pub fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let len = padded.iter().rposition(|byte| *byte != 0)?;
    let (message, padding) = padded.split_at_checked(len)?;
    (padding.first() == Some(&0x80) && class(len) == padded.len()).then_some(message)
}

#[cfg(test)]
mod tests;
