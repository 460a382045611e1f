//! The word on every picture, in a bitmap font of exactly its letters.

use super::Pixels;

/// The letters of SIMULATED, seven rows of five bits each, the leftmost pixel in the highest bit.
const WORD: [[u8; 7]; 9] = [
    [
        0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110,
    ], // S
    [
        0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
    ], // I
    [
        0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001,
    ], // M
    [
        0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110,
    ], // U
    [
        0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111,
    ], // L
    [
        0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001,
    ], // A
    [
        0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100,
    ], // T
    [
        0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111,
    ], // E
    [
        0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110,
    ], // D
];

/// Columns of the word in font pixels: five a letter, one between, two around.
const COLUMNS: u32 = 9 * 6 - 1 + 4;
/// Rows of the strip in font pixels.
const ROWS: u32 = 7 + 4;

/// Draws the word at the lower left of the region that may change, on changeable pixels only.
pub(super) fn draw(picture: &mut Pixels, mask: Option<&[u8]>) {
    let Some((left, right, bottom)) = region(picture, mask) else {
        return;
    };
    let scale = ((right - left) / 3 / COLUMNS).max(1);
    let top = bottom.saturating_sub(ROWS * scale);
    for y in top..bottom {
        for x in left..(left + COLUMNS * scale).min(picture.width) {
            let index = usize::try_from(y * picture.width + x).unwrap_or(usize::MAX);
            if mask.is_some_and(|mask| mask.get(index).is_none_or(|change| *change < 128)) {
                continue;
            }
            let colour = if is_lit((x - left) / scale, (y - top) / scale) {
                240
            } else {
                24
            };
            if let Some(pixel) = picture.data.get_mut(index * 4..index * 4 + 3) {
                pixel.fill(colour);
            }
        }
    }
}

/// Left, right and bottom edge of what may change.
fn region(picture: &Pixels, mask: Option<&[u8]>) -> Option<(u32, u32, u32)> {
    let Some(mask) = mask else {
        return Some((0, picture.width, picture.height));
    };
    let width = usize::try_from(picture.width).ok()?;
    let (mut left, mut right, mut bottom) = (u32::MAX, 0, 0);
    for (y, row) in (1..).zip(mask.chunks(width)) {
        for (x, _) in (0..).zip(row).filter(|(_, change)| **change >= 128) {
            left = left.min(x);
            right = right.max(x + 1);
            bottom = y;
        }
    }
    (bottom > 0).then_some((left, right, bottom))
}

/// Whether the word has ink there, in font pixels of the strip.
fn is_lit(column: u32, row: u32) -> bool {
    let (Some(column), Some(row)) = (column.checked_sub(2), row.checked_sub(2)) else {
        return false;
    };
    let letter = usize::try_from(column / 6)
        .ok()
        .and_then(|index| WORD.get(index));
    let bits = letter.and_then(|rows| usize::try_from(row).ok().and_then(|row| rows.get(row)));
    column % 6 < 5 && bits.is_some_and(|bits| bits >> (4 - column % 6) & 1 == 1)
}
