//! Whether bytes are a whole image file, of which type and size. Pixels are not decoded: a PNG's
//! chunks are walked and their checksums compared, a JPEG's segments and a WebP's chunks are walked
//! to the end that each format marks.
//!
//! Sources: the PNG specification, section 5; ITU-T T.81 (JPEG), annex B; the WebP container
//! specification, and RFC 6386 (section 9.1) and RFC 9649 for the sizes within.

use crate::Error;
use crate::api::image::{FileType, Size};

/// A whole image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFile {
    /// Its type.
    pub file_type: FileType,
    /// Its size in pixels.
    pub size: Size,
}

impl ImageFile {
    /// Looks at the bytes of a file.
    pub fn of(file: &[u8]) -> Result<Self, Error> {
        let (file_type, size) = if let Some(rest) = file.strip_prefix(PNG) {
            (FileType::Png, size_of_png(rest)?)
        } else if let Some(rest) = file.strip_prefix(JPEG) {
            (FileType::Jpeg, size_of_jpeg(rest)?)
        } else if let Some(rest) = file.strip_prefix(RIFF) {
            (FileType::WebP, size_of_webp(rest)?)
        } else {
            return Err(invalid("it is not a PNG, JPEG or WebP"));
        };
        if size.width == 0 || size.height == 0 {
            return Err(invalid("it has no pixels"));
        }
        Ok(Self { file_type, size })
    }
}

fn invalid(reason: &'static str) -> Error {
    Error::image_invalid(reason)
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The size of a whole PNG, behind its signature.
fn size_of_png(mut rest: &[u8]) -> Result<Size, Error> {
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

/// The first marker of a JPEG, start of image.
const JPEG: &[u8] = b"\xff\xd8";

/// The size of a whole JPEG, behind its first marker. Where its pixels end no segment says: the last
/// two bytes must be the end's marker.
fn size_of_jpeg(mut rest: &[u8]) -> Result<Size, Error> {
    const CUT: &str = "the JPEG is cut short";
    let mut size = None;
    loop {
        let [0xff, marker, after @ ..] = rest else {
            return Err(invalid(if rest.len() < 2 {
                CUT
            } else {
                "the JPEG has no marker where one must be"
            }));
        };
        match marker {
            // A fill byte.
            0xff => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            // Start of scan: from here on pixels.
            0xda => {
                let size = size.ok_or_else(|| invalid("the JPEG has no size"))?;
                return if after.ends_with(b"\xff\xd9") {
                    Ok(size)
                } else {
                    Err(invalid(CUT))
                };
            }
            _ => {}
        }
        let segment = after
            .first_chunk()
            .and_then(|length| {
                let length = usize::from(u16::from_be_bytes(*length));
                after.split_at_checked(length.max(2))
            })
            .ok_or_else(|| invalid(CUT))?;
        // Frames of every kind; what is between them are tables.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let [_, _, _, h0, h1, w0, w1, ..] = segment.0 else {
                return Err(invalid("the JPEG has no size"));
            };
            size = Some(Size {
                width: u32::from(u16::from_be_bytes([*w0, *w1])),
                height: u32::from(u16::from_be_bytes([*h0, *h1])),
            });
        }
        rest = segment.1;
    }
}

/// What a WebP begins with.
const RIFF: &[u8] = b"RIFF";

/// The size of a whole WebP, behind its first word.
fn size_of_webp(rest: &[u8]) -> Result<Size, Error> {
    const CUT: &str = "the WebP is cut short";
    const NO_SIZE: &str = "the WebP has no size";
    let (length, rest) = rest.split_first_chunk().ok_or_else(|| invalid(CUT))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let mut rest = rest
        .get(..length)
        .ok_or_else(|| invalid(CUT))?
        .strip_prefix(b"WEBP")
        .ok_or_else(|| invalid("it is not a PNG, JPEG or WebP"))?;
    let mut size = None;
    while !rest.is_empty() {
        let (kind, after) = rest.split_first_chunk::<4>().ok_or_else(|| invalid(CUT))?;
        let (length, after) = after.split_first_chunk().ok_or_else(|| invalid(CUT))?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (data, after) = after.split_at_checked(length).ok_or_else(|| invalid(CUT))?;
        let here = match kind {
            b"VP8 " => size_of_lossy(data),
            b"VP8L" => size_of_lossless(data),
            b"VP8X" => size_of_canvas(data),
            _ => size,
        };
        if size.is_none() {
            size = Some(here.ok_or_else(|| invalid(NO_SIZE))?);
        }
        // A chunk of odd length is followed by a byte that says nothing.
        rest = after.get(length % 2..).unwrap_or_default();
    }
    size.ok_or_else(|| invalid(NO_SIZE))
}

/// Behind the frame's tag and start code: 14 bits each, and 2 of scaling.
fn size_of_lossy(data: &[u8]) -> Option<Size> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = data else {
        return None;
    };
    Some(Size {
        width: u32::from(u16::from_le_bytes([*w0, *w1]) & 0x3fff),
        height: u32::from(u16::from_le_bytes([*h0, *h1]) & 0x3fff),
    })
}

/// Behind the signature: 14 bits each, one less than the size.
fn size_of_lossless(data: &[u8]) -> Option<Size> {
    let [0x2f, bits @ ..] = data else {
        return None;
    };
    let bits = u32::from_le_bytes(*bits.first_chunk()?);
    Some(Size {
        width: (bits & 0x3fff) + 1,
        height: (bits >> 14 & 0x3fff) + 1,
    })
}

/// Behind flags: three bytes each, one less than the size.
fn size_of_canvas(data: &[u8]) -> Option<Size> {
    let [_, _, _, _, w0, w1, w2, h0, h1, h2] = data else {
        return None;
    };
    Some(Size {
        width: u32::from_le_bytes([*w0, *w1, *w2, 0]) + 1,
        height: u32::from_le_bytes([*h0, *h1, *h2, 0]) + 1,
    })
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
            PNG,
            &chunk(b"IHDR", &header),
            &chunk(b"IDAT", b"pixels"),
            &chunk(b"IEND", b""),
        ]
        .concat()
    }

    /// A JPEG with a comment, a fill byte, a frame of 1024 x 512, a scan and its end.
    fn jpeg() -> Vec<u8> {
        let frame = b"\xff\xff\xc2\x00\x0b\x08\x02\x00\x04\x00\x01\x01\x11\x00";
        let scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00pixels";
        [JPEG, b"\xff\xfe\x00\x04hi", frame, scan, b"\xff\xd9"].concat()
    }

    const LOSSY: &[u8] = b"\x30\x01\x00\x9d\x01\x2a\x00\x44\x00\x02pixels!";
    const LOSSLESS: &[u8] = b"\x2f\xff\xc3\x7f\x00";
    const CANVAS: &[u8] = b"\x10\0\0\0\xff\x03\0\xff\x01\0";

    /// A WebP of one chunk, and one that nobody knows.
    fn webp(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let chunk = |kind: &[u8], data: &[u8]| {
            let length = u32::try_from(data.len()).unwrap().to_le_bytes();
            let padding = vec![0; data.len() % 2];
            [kind, &length, data, &padding].concat()
        };
        let chunks = [b"WEBP".to_vec(), chunk(kind, data), chunk(b"SOME", b"what")].concat();
        chunk(RIFF, &chunks)
    }

    #[track_caller]
    fn refused(file: &[u8], reason: &'static str) {
        assert_eq!(ImageFile::of(file), Err(Error::image_invalid(reason)));
    }

    #[test]
    fn a_whole_file_has_its_type_and_size() {
        for (file, file_type) in [
            (file(), FileType::Png),
            (jpeg(), FileType::Jpeg),
            (webp(b"VP8 ", LOSSY), FileType::WebP),
            (webp(b"VP8L", LOSSLESS), FileType::WebP),
            (webp(b"VP8X", CANVAS), FileType::WebP),
        ] {
            let size = Size {
                width: 1024,
                height: 512,
            };
            assert_eq!(ImageFile::of(&file), Ok(ImageFile { file_type, size }));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let file = file();
        for end in PNG.len()..file.len() {
            refused(&file[..end], "the PNG is cut short");
        }
        let jpeg = jpeg();
        for end in JPEG.len()..jpeg.len() {
            refused(&jpeg[..end], "the JPEG is cut short");
        }
        for (kind, data) in [(b"VP8 ", LOSSY), (b"VP8L", LOSSLESS), (b"VP8X", CANVAS)] {
            let webp = webp(kind, data);
            for end in RIFF.len()..webp.len() {
                refused(&webp[..end], "the WebP is cut short");
            }
        }
        refused(&file[..3], "it is not a PNG, JPEG or WebP");
        refused(b"<html>", "it is not a PNG, JPEG or WebP");
        refused(b"RIFF\x04\0\0\0WAVE", "it is not a PNG, JPEG or WebP");
    }

    #[test]
    fn a_file_without_a_size_is_refused() {
        let jpeg = jpeg();
        refused(&[JPEG, &jpeg[22..]].concat(), "the JPEG has no size");
        refused(b"\xff\xd8\xff\xc0\x00\x03\x08", "the JPEG has no size");
        refused(
            b"\xff\xd8pixels",
            "the JPEG has no marker where one must be",
        );
        for (kind, data) in [(b"VP8 ", &LOSSY[..4]), (b"VP8L", CANVAS), (b"VP8X", LOSSY)] {
            refused(&webp(kind, data), "the WebP has no size");
        }
        refused(b"RIFF\x04\0\0\0WEBP", "the WebP has no size");
        let mut flat = file();
        flat.splice(
            8..33,
            chunk(b"IHDR", &[0, 0, 4, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]),
        );
        refused(&flat, "it has no pixels");
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
        huge[PNG.len()..PNG.len() + 4].copy_from_slice(&[0xff; 4]);
        refused(&huge, "the PNG is cut short");
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        refused(
            &[PNG, &chunk(b"IEND", b"")].concat(),
            "the PNG does not begin with its header",
        );
        refused(
            &[PNG, &chunk(b"IHDR", &[0, 0])].concat(),
            "the PNG has no size",
        );
    }
}
