//! Pictures: whether a file is one, and one to begin with.

use std::io::Cursor;

/// Width and height of a PNG, all of whose pixels were decoded.
pub fn size_of(file: &[u8]) -> (u32, u32) {
    let mut reader = png::Decoder::new(Cursor::new(file))
        .read_info()
        .expect("a PNG");
    let length = reader.output_buffer_size().expect("a picture that fits");
    let mut pixels = vec![0; length];
    reader.next_frame(&mut pixels).expect("whole pixels");
    reader.finish().expect("a whole file");
    (reader.info().width, reader.info().height)
}

/// A PNG of one grey.
pub fn drawing(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels = usize::try_from(u64::from(width) * u64::from(height)).expect("pixels that fit");
    let mut writer = encoder.write_header().expect("a header");
    writer
        .write_image_data(&vec![128; pixels])
        .expect("a picture");
    writer.finish().expect("a whole file");
    file
}

/// A PNG that no packing makes smaller: three bytes a pixel.
pub fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let bytes = usize::try_from(u64::from(width) * u64::from(height) * 3).expect("bytes that fit");
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        // Knuth's MMIX generator: its upper bits look random enough.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    let noise: Vec<_> = noise.take(bytes).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&noise).expect("a picture");
    writer.finish().expect("a whole file");
    file
}
