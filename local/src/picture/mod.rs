//! The picture behind the image families. No model paints it: it is drawn from a hash of the
//! prompt and the parameters, so that the same request always gives the same picture and another
//! request another one. It says `SIMULATED` on its face and in its metadata.

mod file;
mod label;
mod paint;

pub(crate) use file::read_png;

/// What is asked of the painter.
#[derive(Debug)]
pub(crate) struct Order {
    pub prompt: String,
    pub negative: String,
    pub style: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `None` asks for a random one.
    pub seed: Option<u32>,
    /// More steps, more detail.
    pub steps: u32,
    /// A higher scale, stronger colours.
    pub cfg_scale: f64,
    /// The picture to start from.
    pub source: Option<Source>,
    /// How many pictures, each with the seed after the one before.
    pub count: u32,
    /// Whether all but the middle is to be transparent.
    pub cut_out: bool,
}

/// A picture to start from.
#[derive(Debug)]
pub(crate) struct Source {
    pub picture: Pixels,
    /// How much of it stays, from 0 to 1.
    pub keep: f64,
    /// How much of each pixel may change, from 0 to 255; everything without a mask.
    pub mask: Option<Vec<u8>>,
}

/// A picture in memory, four bytes (red, green, blue, alpha) a pixel, row by row.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub width: u32,
    pub height: u32,
    pub data: Vec<u8>,
}

/// The brightness of each pixel as a mask, white meaning "may change", or the other way round.
pub(crate) fn grey_mask(picture: &Pixels, inverted: bool) -> Vec<u8> {
    picture
        .data
        .chunks_exact(4)
        .map(|pixel| {
            let sum: u16 = pixel
                .iter()
                .take(3)
                .map(|channel| u16::from(*channel))
                .sum();
            // A third of three bytes fits a byte.
            let grey = u8::try_from(sum / 3).unwrap_or(u8::MAX);
            if inverted { u8::MAX - grey } else { grey }
        })
        .collect()
}

/// 255 within the ellipse that fills the middle of a picture, 0 around it.
pub(crate) fn ellipse(width: u32, height: u32) -> Vec<u8> {
    let from_middle = |at: u32, length: u32| {
        let half = f64::from(length) / 2.0;
        (f64::from(at) + 0.5 - half) / (half * 0.6)
    };
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| {
            let distance = from_middle(x, width).hypot(from_middle(y, height));
            if distance < 1.0 { u8::MAX } else { 0 }
        })
        .collect()
}

/// A picture stretched to a size, each pixel the nearest one.
pub(crate) fn fit(picture: &Pixels, (width, height): (u32, u32)) -> Pixels {
    let mut data = Vec::new();
    for y in 0..u64::from(height) {
        for x in 0..u64::from(width) {
            let column = x * u64::from(picture.width) / u64::from(width);
            let row = y * u64::from(picture.height) / u64::from(height);
            let at = usize::try_from((row * u64::from(picture.width) + column) * 4);
            let pixel = at.ok().and_then(|at| picture.data.get(at..at + 4));
            data.extend_from_slice(pixel.unwrap_or(&[0, 0, 0, u8::MAX]));
        }
    }
    Pixels {
        width,
        height,
        data,
    }
}

/// Paints the order as a PNG file.
///
/// # Errors
///
/// When the file cannot be encoded.
pub(crate) fn paint(order: &Order, seed: u32) -> Result<Vec<u8>, png::EncodingError> {
    let painted = paint::paint(order, seed);
    let mut finished = match &order.source {
        None => painted,
        Some(source) => blend(painted, source),
    };
    let mask = order
        .source
        .as_ref()
        .and_then(|source| source.mask.as_deref());
    label::draw(&mut finished, mask);
    if order.cut_out {
        let middle = ellipse(finished.width, finished.height);
        for (pixel, inside) in finished.data.chunks_exact_mut(4).zip(middle) {
            if let Some(alpha) = pixel.last_mut() {
                *alpha = inside;
            }
        }
    }
    file::write_png(&finished, order, seed)
}

/// The painted picture over the source, as strength and mask allow.
fn blend(mut painted: Pixels, source: &Source) -> Pixels {
    let pixels = painted
        .data
        .chunks_exact_mut(4)
        .zip(source.picture.data.chunks_exact(4));
    for (index, (pixel, original)) in pixels.enumerate() {
        let mask = source
            .mask
            .as_ref()
            .map_or(u8::MAX, |mask| mask.get(index).copied().unwrap_or(0));
        let change = (1.0 - source.keep) * f64::from(mask) / 255.0;
        for (channel, before) in pixel.iter_mut().zip(original).take(3) {
            *channel = mix(f64::from(*before), f64::from(*channel), change);
        }
    }
    painted
}

/// From `a` (at 0) to `b` (at 1), as a colour channel.
fn mix(a: f64, b: f64, at: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a byte before the cast"
    )]
    let channel = (a + (b - a) * at).round().clamp(0.0, 255.0) as u8;
    channel
}
