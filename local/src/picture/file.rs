//! PNG in and out.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, EncodingError, Transformations};

use super::{Order, Pixels};

/// The longest side of a picture that is read.
const LONGEST_SIDE: u32 = 2048;
/// The shortest.
const SHORTEST_SIDE: u32 = 64;

/// Why a picture is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("not a PNG image (the local server reads PNG only)")]
    NotPng,
    #[error("a side has {SHORTEST_SIDE} to {LONGEST_SIDE} pixels, this image has {0}x{1}")]
    Size(u32, u32),
}

/// Reads a PNG of any colour type.
pub(crate) fn read_png(bytes: &[u8]) -> Result<Pixels, Unreadable> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(|_| Unreadable::NotPng)?;
    let (width, height) = reader.info().size();
    let sides = SHORTEST_SIDE..=LONGEST_SIDE;
    if !(sides.contains(&width) && sides.contains(&height)) {
        return Err(Unreadable::Size(width, height));
    }
    let size = reader.output_buffer_size().ok_or(Unreadable::NotPng)?;
    let mut buffer = vec![0; size];
    let frame = reader
        .next_frame(&mut buffer)
        .map_err(|_| Unreadable::NotPng)?;
    buffer.truncate(frame.buffer_size());
    let data = match frame.color_type {
        ColorType::Rgba => buffer,
        ColorType::GrayscaleAlpha => buffer
            .as_chunks::<2>()
            .0
            .iter()
            .flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha])
            .collect(),
        ColorType::Grayscale => buffer
            .iter()
            .flat_map(|grey| [*grey, *grey, *grey, 255])
            .collect(),
        ColorType::Rgb => buffer
            .as_chunks::<3>()
            .0
            .iter()
            .flat_map(|[red, green, blue]| [*red, *green, *blue, 255])
            .collect(),
        // Expanded by the transformations.
        ColorType::Indexed => return Err(Unreadable::NotPng),
    };
    Ok(Pixels {
        width,
        height,
        data,
    })
}

/// Writes a PNG whose metadata says what it is, with alpha where something was cut out.
pub(super) fn write_png(
    picture: &Pixels,
    order: &Order,
    seed: u32,
) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(if order.cut_out {
        ColorType::Rgba
    } else {
        ColorType::Rgb
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    for (keyword, text) in [
        ("Software", "local-bedrock".to_owned()),
        (
            "Comment",
            "SIMULATED: a procedural picture, painted by no model".to_owned(),
        ),
        ("seed", seed.to_string()),
        ("steps", order.steps.to_string()),
        ("cfg_scale", order.cfg_scale.to_string()),
    ] {
        encoder.add_text_chunk(keyword.to_owned(), text)?;
    }
    let mut writer = encoder.write_header()?;
    if order.cut_out {
        writer.write_image_data(&picture.data)?;
        writer.finish()?;
        return Ok(bytes);
    }
    let rgb: Vec<u8> = picture
        .data
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
        .collect();
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}
