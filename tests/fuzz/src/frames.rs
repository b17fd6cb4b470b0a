//! Several pieces in one input: each behind its length as u16 little-endian. Not here: a wire
//! format; nothing of Sotto's is framed so.

/// The pieces; what is cut short at the end is one too.
pub(crate) fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (piece, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// The input of which [`split`] makes these.
pub(crate) fn join<T: AsRef<[u8]>>(pieces: &[T]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        let piece = piece.as_ref();
        out.extend_from_slice(&u16::try_from(piece.len()).expect("a short piece").to_le_bytes());
        out.extend_from_slice(piece);
    }
    out
}
