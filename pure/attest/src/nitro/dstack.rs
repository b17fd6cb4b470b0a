//! The wrapper that dstack's enclaves hand documents out in: version 0, platform 2, the document,
//! a list of events, the report data and a configuration, in SCALE.
//!
//! Nothing signs the wrapper. What can be compared with the document is compared: report data with
//! its `user_data`, the configuration with its PCRs. The events (a name and bytes each) cannot;
//! they are read so that the rest has one place, shown, and used for nothing. Not here: dstack's
//! wrappers of other platforms.

use super::parse::{DOCUMENT_MAX, Document};
use crate::{Code, Reason, cose::TokenError, hash::Hash};

/// Bytes of events and configuration, at most.
const WRAPPER_MAX: usize = 16 << 10;
/// Events, at most.
const EVENTS_MAX: usize = 64;

/// What stands around the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrapper {
    events: Vec<(String, Vec<u8>)>,
    report_data: [u8; 64],
    config: String,
}

const FORM: TokenError = TokenError::Field { what: "the wrapper", must: "dstack's for Nitro" };

/// The document inside, and what stands around it.
pub(super) fn unwrap(bytes: &[u8]) -> Result<(&[u8], Wrapper), TokenError> {
    let max = DOCUMENT_MAX + WRAPPER_MAX;
    if bytes.len() > max {
        return Err(TokenError::TooLong { got: bytes.len(), max });
    }
    let mut reader = Reader(bytes);
    if reader.take(2)? != [0, 2] {
        return Err(FORM);
    }
    let document = reader.sized()?;
    let count = reader.compact()?;
    if count > EVENTS_MAX {
        return Err(TokenError::TooMany);
    }
    let events = (0..count)
        .map(|_| Ok((reader.text()?, reader.sized()?.to_vec())))
        .collect::<Result<_, TokenError>>()?;
    let report_data = reader.take(64)?.try_into().map_err(|_| FORM)?;
    let config = reader.text()?;
    match reader.0 {
        [] => Ok((document, Wrapper { events, report_data, config })),
        rest => Err(TokenError::LeftOver(rest.len())),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], TokenError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(FORM)?;
        self.0 = rest;
        Ok(head)
    }

    /// A compact number below 2^30, in its shortest form.
    fn compact(&mut self) -> Result<usize, TokenError> {
        let first = *self.0.first().ok_or(FORM)?;
        let (width, least) = match first & 3 {
            0 => (1, 0),
            1 => (2, 1 << 6),
            2 => (4, 1 << 14),
            _ => return Err(FORM),
        };
        let bytes = self.take(width)?;
        let value = bytes.iter().rev().fold(0_usize, |n, byte| n << 8 | usize::from(*byte)) >> 2;
        if value < least {
            return Err(TokenError::NotCanonical("a length of the wrapper"));
        }
        Ok(value)
    }

    fn sized(&mut self) -> Result<&'a [u8], TokenError> {
        let length = self.compact()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<String, TokenError> {
        String::from_utf8(self.sized()?.to_vec()).map_err(|_| FORM)
    }
}

impl Wrapper {
    /// Whether it says what the document says.
    pub(super) fn fits(&self, document: &Document) -> Result<(), Reason> {
        if document.user_data.as_deref() != Some(&self.report_data) {
            let detail = "the wrapper's report data are not the document's user_data";
            return Err(Reason::new(Code::PartsNotBound, detail));
        }
        let pcrs: Vec<&[u8]> =
            (0..3).filter_map(|index| document.pcrs.get(&index).map(Vec::as_slice)).collect();
        let image = hex::encode(Hash::Sha256.digest(&pcrs));
        if self.config != format!(r#"{{"os_image_hash":"{image}"}}"#) {
            let detail =
                "the wrapper's configuration is not the hash of the document's PCRs 0 to 2";
            return Err(Reason::new(Code::PartsNotBound, detail));
        }
        Ok(())
    }

    /// The fields that nothing signs, for people.
    pub(super) fn describe(&self) -> Vec<(String, String)> {
        let event = |(name, bytes): &(String, Vec<u8>)| {
            (format!("unsigned event {}", name.escape_default()), hex::encode(bytes))
        };
        let mut out: Vec<_> = self.events.iter().map(event).collect();
        out.push(("unsigned config".into(), self.config.escape_default().to_string()));
        out
    }
}
