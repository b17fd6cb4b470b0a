//! Bounded little-endian reads. Not here: what the numbers mean.

use super::ImageError;

/// Bytes with the name of the structure that they belong to.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    pub(super) part: &'static str,
    pub(super) bytes: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(super) const fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self { part, bytes }
    }

    /// `length` bytes at `offset`.
    pub(super) fn slice(&self, offset: u64, length: u64) -> Result<&'a [u8], ImageError> {
        let range = || {
            let start = usize::try_from(offset).ok()?;
            let end = usize::try_from(offset.checked_add(length)?).ok()?;
            self.bytes.get(start..end)
        };
        range().ok_or(ImageError::Truncated { part: self.part })
    }

    fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], ImageError> {
        let slice = self.slice(offset, N as u64)?;
        slice.try_into().map_err(|_| ImageError::Truncated { part: self.part })
    }

    pub(super) fn u8(&self, offset: u64) -> Result<u8, ImageError> {
        self.array::<1>(offset).map(|[byte]| byte)
    }

    pub(super) fn u16(&self, offset: u64) -> Result<u16, ImageError> {
        self.array(offset).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, offset: u64) -> Result<u32, ImageError> {
        self.array(offset).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, offset: u64) -> Result<u64, ImageError> {
        self.array(offset).map(u64::from_le_bytes)
    }

    pub(super) const fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn check(&self, holds: bool, why: &'static str) -> Result<(), ImageError> {
        if holds { Ok(()) } else { Err(ImageError::Malformed { part: self.part, why }) }
    }
}
