//! Whether a file is a picture.

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
