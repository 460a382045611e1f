//! Whether bytes are a whole PNG, and of which size. The chunks are walked and their checksums
//! compared; pixels are not decoded.
//!
//! Source: the PNG specification, section 5.

use crate::Error;
use crate::api::image::Size;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The size of a whole PNG.
pub fn size_of(file: &[u8]) -> Result<Size, Error> {
    let invalid = Error::image_invalid;
    let mut rest = file
        .strip_prefix(SIGNATURE)
        .ok_or_else(|| invalid("it is not a PNG"))?;
    let mut size = None;
    loop {
        let (chunk, after) = Chunk::split(rest).ok_or_else(|| invalid("the PNG is cut short"))?;
        if !chunk.is_intact() {
            return Err(invalid("the PNG has a wrong checksum"));
        }
        match (chunk.kind, size) {
            (b"IHDR", None) => {
                let (width, height) = chunk
                    .data
                    .split_at_checked(4)
                    .ok_or_else(|| invalid("the PNG has no size"))?;
                size = Some(Size {
                    width: number(width).ok_or_else(|| invalid("the PNG has no size"))?,
                    height: number(height).ok_or_else(|| invalid("the PNG has no size"))?,
                });
            }
            (_, None) => return Err(invalid("the PNG does not begin with its header")),
            (b"IEND", Some(size)) => return Ok(size),
            (_, Some(_)) => {}
        }
        rest = after;
    }
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    checksum: u32,
}

impl<'a> Chunk<'a> {
    /// The first chunk, and what comes behind it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, rest) = bytes.split_at_checked(4)?;
        let (kind, rest) = rest.split_at_checked(4)?;
        let (data, rest) = rest.split_at_checked(usize::try_from(number(length)?).ok()?)?;
        let (checksum, rest) = rest.split_at_checked(4)?;
        Some((
            Self {
                kind,
                data,
                checksum: number(checksum)?,
            },
            rest,
        ))
    }

    fn is_intact(&self) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.kind);
        hasher.update(self.data);
        hasher.finalize() == self.checksum
    }
}

/// The big-endian number that the bytes begin with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&crc32fast::hash(&[kind, data].concat()).to_be_bytes());
        bytes
    }

    fn file() -> Vec<u8> {
        let header = [0, 0, 4, 0, 0, 0, 2, 0, 8, 2, 0, 0, 0];
        [
            SIGNATURE,
            &chunk(b"IHDR", &header),
            &chunk(b"IDAT", b"pixels"),
            &chunk(b"IEND", b""),
        ]
        .concat()
    }

    #[track_caller]
    fn refused(file: &[u8], reason: &'static str) {
        assert_eq!(size_of(file), Err(Error::image_invalid(reason)));
    }

    #[test]
    fn a_whole_file_has_its_size() {
        assert_eq!(
            size_of(&file()),
            Ok(Size {
                width: 1024,
                height: 512
            })
        );
    }

    #[test]
    fn every_cut_is_noticed() {
        let file = file();
        for end in SIGNATURE.len()..file.len() {
            refused(&file[..end], "the PNG is cut short");
        }
        refused(&file[..3], "it is not a PNG");
        refused(b"<html>", "it is not a PNG");
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut damaged = file();
        let position = damaged.len() - 20;
        damaged[position] ^= 1;
        refused(&damaged, "the PNG has a wrong checksum");
    }

    #[test]
    fn a_length_beyond_the_file_is_a_cut() {
        let mut huge = file();
        huge[SIGNATURE.len()..SIGNATURE.len() + 4].copy_from_slice(&[0xff; 4]);
        refused(&huge, "the PNG is cut short");
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        refused(
            &[SIGNATURE, &chunk(b"IEND", b"")].concat(),
            "the PNG does not begin with its header",
        );
        refused(
            &[SIGNATURE, &chunk(b"IHDR", &[0, 0])].concat(),
            "the PNG has no size",
        );
    }
}
