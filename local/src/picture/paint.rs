//! A landscape: a sky with clouds and a sun, and ranges of hills. Prompt, negative prompt, style,
//! seed, steps and guidance scale all take part in what it looks like.

use super::{Order, Pixels, mix};

type Colour = [f64; 3];

/// What the hash decides.
struct Scene {
    noise: u64,
    zenith: Colour,
    horizon: Colour,
    cloud: Colour,
    sun: Sun,
    hills: Vec<Hill>,
    octaves: u32,
}

struct Sun {
    x: f64,
    y: f64,
    radius: f64,
    colour: Colour,
}

struct Hill {
    /// Height of the ridge's middle, from 0 at the top to 1.
    base: f64,
    swing: f64,
    frequency: f64,
    noise: u64,
    colour: Colour,
}

/// Paints without source and label.
pub(super) fn paint(order: &Order, seed: u32) -> Pixels {
    let scene = Scene::new(order, seed);
    let (width, height) = (f64::from(order.width), f64::from(order.height));
    // Coordinates are fractions of the longer side, so that nothing is stretched.
    let unit = width.max(height);
    let ridges: Vec<Vec<f64>> = (0..order.width)
        .map(|x| {
            scene
                .hills
                .iter()
                .map(|hill| hill.ridge(f64::from(x) / unit))
                .collect()
        })
        .collect();
    let mut data = Vec::new();
    for y in 0..order.height {
        let down = f64::from(y) / height;
        for (x, ridges) in (0..order.width).zip(&ridges) {
            let hill = scene
                .hills
                .iter()
                .zip(ridges)
                .rfind(|(_, ridge)| down > **ridge);
            let colour = match hill {
                Some((hill, ridge)) => shade(hill.colour, 1.0 - 0.5 * (down - ridge)),
                None => scene.sky(f64::from(x) / unit, f64::from(y) / unit, down),
            };
            data.extend(colour.map(|channel| mix(0.0, 255.0, channel)));
            data.push(u8::MAX);
        }
    }
    Pixels {
        width: order.width,
        height: order.height,
        data,
    }
}

impl Scene {
    fn new(order: &Order, seed: u32) -> Self {
        let mut dice = Dice(hash(order, seed));
        // A seventh of a full range of 0 to 35 is already lively.
        let saturation = 0.2 + 0.7 * (order.cfg_scale / 15.0).min(1.0);
        let hue = dice.roll();
        let light = 0.35 + 0.4 * dice.roll();
        let layers = 2 + (order.steps / 20).min(5);
        let hill_hue = hue + 0.25 + 0.5 * dice.roll();
        let hills = (0..layers)
            .map(|layer| {
                let depth = f64::from(layer + 1) / f64::from(layers);
                Hill {
                    base: 0.45 + 0.42 * depth + 0.05 * dice.roll(),
                    swing: 0.06 + 0.18 * dice.roll() * (1.0 - 0.5 * depth),
                    frequency: 2.0 + 4.0 * dice.roll(),
                    noise: dice.next(),
                    colour: colour(
                        hill_hue + 0.08 * depth,
                        saturation,
                        light * (1.0 - 0.75 * depth),
                    ),
                }
            })
            .collect();
        Self {
            noise: dice.next(),
            zenith: colour(hue, saturation, light * 0.6),
            horizon: colour(hue + 0.12 * dice.roll(), saturation, (light + 0.3).min(0.9)),
            cloud: colour(hue + 0.5, saturation * 0.5, 0.9),
            sun: Sun {
                x: dice.roll(),
                y: 0.1 + 0.3 * dice.roll(),
                radius: 0.04 + 0.06 * dice.roll(),
                colour: colour(hue + 0.4 + 0.2 * dice.roll(), saturation, 0.8),
            },
            hills,
            octaves: 2 + (order.steps / 30).min(4),
        }
    }

    fn sky(&self, x: f64, y: f64, down: f64) -> Colour {
        let air = between(self.zenith, self.horizon, down * 1.5);
        let from_sun = (x - self.sun.x).hypot(y - self.sun.y) / self.sun.radius;
        let glow = if from_sun < 1.0 {
            1.0
        } else {
            0.6 / (from_sun * from_sun)
        };
        let lit = between(air, self.sun.colour, glow);
        let cover = fractal(self.noise, x * 3.0, y * 8.0, self.octaves);
        between(lit, self.cloud, (cover - 0.5) * 1.6)
    }
}

impl Hill {
    fn ridge(&self, x: f64) -> f64 {
        self.base - self.swing * fractal(self.noise, x * self.frequency, 0.0, 5)
    }
}

/// Everything that was asked, in one number.
fn hash(order: &Order, seed: u32) -> u64 {
    let mut dice = Dice(u64::from(seed));
    for text in [&order.prompt, &order.negative, &order.style] {
        for byte in text.bytes() {
            dice.0 ^= u64::from(byte);
            dice.next();
        }
        // The boundary counts, so that text does not move from one field to the next unseen.
        dice.0 ^= 0x100;
        dice.next();
    }
    for number in [u64::from(order.steps), order.cfg_scale.to_bits()] {
        dice.0 ^= number;
        dice.0 = dice.next();
    }
    dice.0
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// From 0 up to 1.
    fn roll(&mut self) -> f64 {
        fraction(self.next())
    }
}

fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn fraction(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
    let numerator = (bits >> 11) as f64;
    numerator / 9_007_199_254_740_992.0
}

/// Value noise in a few octaves, from 0 to 1.
fn fractal(noise: u64, x: f64, y: f64, octaves: u32) -> f64 {
    let (mut sum, mut whole, mut weight, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..octaves {
        sum += weight * value(noise ^ u64::from(octave), x * scale, y * scale);
        whole += weight;
        weight *= 0.5;
        scale *= 2.0;
    }
    sum / whole
}

/// Random values on a grid, smoothly joined.
fn value(noise: u64, x: f64, y: f64) -> f64 {
    let corner = |dx: f64, dy: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "grid coordinates are small and not negative"
        )]
        let cell = ((x.floor() + dx) as u64) << 32 | (y.floor() + dy) as u64;
        fraction(scramble(noise ^ cell.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    };
    let smooth = |at: f64| at * at * (3.0 - 2.0 * at);
    let (across, down) = (smooth(x.fract()), smooth(y.fract()));
    let top = corner(0.0, 0.0) + (corner(1.0, 0.0) - corner(0.0, 0.0)) * across;
    let bottom = corner(0.0, 1.0) + (corner(1.0, 1.0) - corner(0.0, 1.0)) * across;
    top + (bottom - top) * down
}

fn between(a: Colour, b: Colour, at: f64) -> Colour {
    let at = at.clamp(0.0, 1.0);
    let [red, green, blue] = a;
    let [red_b, green_b, blue_b] = b;
    [
        red + (red_b - red) * at,
        green + (green_b - green) * at,
        blue + (blue_b - blue) * at,
    ]
}

fn shade(colour: Colour, light: f64) -> Colour {
    colour.map(|channel| channel * light)
}

/// From hue (in turns), saturation and lightness.
fn colour(hue: f64, saturation: f64, lightness: f64) -> Colour {
    let strength = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let k = (offset + hue * 12.0).rem_euclid(12.0);
        lightness - strength * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)
    })
}
