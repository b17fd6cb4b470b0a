//! A cursor over bytes of a TPM or its log. Not here: what the bytes mean.

use super::TpmError;

/// What is left of the bytes of one structure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], TpmError> {
        let (head, tail) =
            self.rest.split_at_checked(count).ok_or(TpmError::Short { what: self.what })?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TpmError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| TpmError::Short { what: self.what })
    }

    pub(super) fn u8(&mut self) -> Result<u8, TpmError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Big-endian, as TPMs write.
    pub(super) fn u16(&mut self) -> Result<u16, TpmError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Big-endian, as TPMs write.
    pub(super) fn u32(&mut self) -> Result<u32, TpmError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Big-endian, as TPMs write.
    pub(super) fn u64(&mut self) -> Result<u64, TpmError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Little-endian, as logs are written.
    pub(super) fn u16_le(&mut self) -> Result<u16, TpmError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Little-endian, as logs are written.
    pub(super) fn u32_le(&mut self) -> Result<u32, TpmError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Little-endian, as logs are written.
    pub(super) fn u64_le(&mut self) -> Result<u64, TpmError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A `TPM2B`: a size in 16 bits and as many bytes, at most `max`.
    pub(super) fn sized(&mut self, max: usize) -> Result<&'a [u8], TpmError> {
        let size = usize::from(self.u16()?);
        if size > max {
            return Err(TpmError::TooLarge { what: self.what, got: size, max });
        }
        self.take(size)
    }

    /// As many bytes as a little-endian size in 32 bits says, at most `max`.
    pub(super) fn sized_le(&mut self, max: usize) -> Result<&'a [u8], TpmError> {
        let size = usize::try_from(self.u32_le()?).unwrap_or(usize::MAX);
        if size > max {
            return Err(TpmError::TooLarge { what: self.what, got: size, max });
        }
        self.take(size)
    }

    /// Nothing may be left.
    pub(super) const fn end(self) -> Result<(), TpmError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(TpmError::LeftOver { what: self.what, extra: self.rest.len() })
    }
}
