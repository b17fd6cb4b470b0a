//! TPM commands and replies as bytes (part 1, §18). Not here: which command does what.

use crate::{TeeError, device};

/// Tags: without and with sessions.
const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;
/// The password session.
const PASSWORD: u32 = 0x4000_0009;
const HEADER: usize = 10;

/// A command in the making: handles first, then sessions, then parameters.
pub(super) struct Command {
    code: u32,
    handles: Vec<u8>,
    sessions: Vec<u8>,
    parameters: Vec<u8>,
}

impl Command {
    pub(super) const fn new(code: u32) -> Self {
        Self { code, handles: vec![], sessions: vec![], parameters: vec![] }
    }

    /// A handle that a session authorises.
    pub(super) fn handle(self, handle: u32) -> Self {
        self.raw_handle(handle)
    }

    /// A handle that nothing authorises.
    pub(super) fn raw_handle(mut self, handle: u32) -> Self {
        self.handles.extend(handle.to_be_bytes());
        self
    }

    /// Authorises the next handle by the empty password.
    pub(super) fn password(self) -> Self {
        self.session(PASSWORD)
    }

    /// Authorises the next handle by a policy session, which ends with the command.
    pub(super) fn session(mut self, session: u32) -> Self {
        self.sessions.extend(session.to_be_bytes());
        // No nonce, attributes (none, so the session ends), no HMAC.
        self.sessions.extend([0; 5]);
        self
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.parameters.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.parameters.extend(value.to_be_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.parameters.extend(bytes);
        self
    }

    /// A `TPM2B`.
    pub(super) fn sized(self, bytes: &[u8]) -> Self {
        let size = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(size).bytes(bytes)
    }

    /// A `TPML_PCR_SELECTION` of one bank, of PCRs below 24.
    pub(super) fn selection(self, algorithm: u16, pcrs: &[u8]) -> Self {
        let bits = pcrs.iter().fold(0_u32, |bits, pcr| bits | 1_u32.wrapping_shl((*pcr).into()));
        let [a, b, c, _] = bits.to_le_bytes();
        self.u32(1).u16(algorithm).bytes(&[3, a, b, c])
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let tag = if self.sessions.is_empty() { NO_SESSIONS } else { SESSIONS };
        let mut body = self.handles;
        if !self.sessions.is_empty() {
            let size = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
            body.extend(size.to_be_bytes());
            body.extend(self.sessions);
        }
        body.extend(self.parameters);
        let size = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let mut command = tag.to_be_bytes().to_vec();
        command.extend(size.to_be_bytes());
        command.extend(self.code.to_be_bytes());
        command.extend(body);
        command
    }
}

/// A reply, read from the front.
pub(super) struct Reply {
    bytes: Vec<u8>,
    at: usize,
    /// Where the parameters end and the sessions begin.
    end: usize,
}

impl Reply {
    /// Exactly one reply of success.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, TeeError> {
        let end = bytes.len();
        let mut reply = Self { bytes, at: 0, end };
        reply.u16()?;
        let (size, code) = (reply.u32()?, reply.u32()?);
        if usize::try_from(size) != Ok(end) {
            return Err(device(format!("a reply of {end} bytes says it has {size}")));
        }
        if code != 0 {
            return Err(device(format!("the TPM refused, code 0x{code:03x}")));
        }
        Ok(reply)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], TeeError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.end);
        let end = end.ok_or_else(|| device("the TPM's reply is cut short"))?;
        let taken = self.bytes.get(self.at..end);
        self.at = end;
        taken.ok_or_else(|| device("the TPM's reply is cut short"))
    }

    pub(super) fn u16(&mut self) -> Result<u16, TeeError> {
        let bytes = self.take(2)?.try_into().map_err(|_| device("a short reply"))?;
        Ok(u16::from_be_bytes(bytes))
    }

    pub(super) fn u32(&mut self) -> Result<u32, TeeError> {
        let bytes = self.take(4)?.try_into().map_err(|_| device("a short reply"))?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// A `TPM2B`.
    pub(super) fn sized(&mut self) -> Result<&[u8], TeeError> {
        let size = self.u16()?;
        self.take(usize::from(size))
    }

    /// The size of the parameters, which stands before them when sessions follow.
    pub(super) fn parameters(&mut self) -> Result<(), TeeError> {
        let size = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        let end = self.at.checked_add(size).filter(|end| *end <= self.end);
        self.end = end.ok_or_else(|| device("the TPM's reply is cut short"))?;
        Ok(())
    }

    /// The rest of the parameters.
    pub(super) fn rest(&mut self) -> Result<&[u8], TeeError> {
        self.take(self.end.saturating_sub(self.at))
    }

    /// A `TPML_PCR_SELECTION`, passed over.
    pub(super) fn selection(&mut self) -> Result<(), TeeError> {
        for _ in 0..self.u32()?.min(16) {
            self.u16()?;
            let size = self.take(1)?.first().copied().unwrap_or(0);
            self.take(usize::from(size))?;
        }
        Ok(())
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), TeeError> {
        if self.at == self.end { Ok(()) } else { Err(device("the TPM's reply is too long")) }
    }
}
