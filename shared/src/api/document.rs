//! A JSON document that leaves piece by piece, so that an image need not be held in base64 as well.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::Error;

/// How many bytes are turned into base64 at a time: a multiple of 3, so that the pieces join.
const BLOCK: usize = 48 * 1024;

/// One JSON document.
#[derive(Debug, Default)]
pub struct Document(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    /// JSON as it is.
    Text(Bytes),
    /// The inside of a JSON string, still to be encoded.
    Base64(Bytes),
}

impl Document {
    /// A document that is one piece.
    pub fn of(value: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_vec(value).map_err(|_| Error::defect("document"))?;
        Ok(Self(vec![Piece::Text(text.into())]))
    }

    /// A document that was written before.
    pub fn written(text: Bytes) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// The whole document.
    pub fn into_bytes(self) -> Bytes {
        let chunks: Vec<Bytes> = self.chunks().collect();
        chunks.concat().into()
    }

    pub(super) fn text(&mut self, text: impl Into<Bytes>) {
        self.0.push(Piece::Text(text.into()));
    }

    pub(super) fn base64(&mut self, bytes: Bytes) {
        self.0.push(Piece::Base64(bytes));
    }

    /// The document's bytes, in chunks.
    pub fn chunks(self) -> impl Iterator<Item = Bytes> {
        self.0.into_iter().flat_map(|piece| {
            let (block, encode) = match &piece {
                Piece::Text(text) => (text.len().max(1), false),
                Piece::Base64(_) => (BLOCK, true),
            };
            let (Piece::Text(mut rest) | Piece::Base64(mut rest)) = piece;
            std::iter::from_fn(move || {
                let bytes = rest.split_to(rest.len().min(block));
                match (bytes.is_empty(), encode) {
                    (true, _) => None,
                    (false, false) => Some(bytes),
                    (false, true) => Some(STANDARD.encode(bytes).into()),
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_join_to_the_whole() {
        for size in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 2] {
            let bytes: Vec<u8> = (0..size).map(|index| index.to_le_bytes()[0]).collect();
            let mut document = Document::default();
            document.text("\"");
            document.base64(bytes.clone().into());
            document.text("\"");
            let chunks: Vec<Bytes> = document.chunks().collect();
            assert_eq!(
                String::from_utf8(chunks.concat()).unwrap(),
                format!("\"{}\"", STANDARD.encode(&bytes))
            );
        }
    }
}
