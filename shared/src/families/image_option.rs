//! What an image family does with what a drawing says, and the check of a drawing against it.

use std::fmt;

use crate::Error;
use crate::api::image::{Choice, Drawing, Size, Value};
use crate::error::FieldFault;

/// What an image family does with a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ImageRule {
    /// It has it.
    Mapped {
        /// Its native name, with dots for nesting.
        native: &'static str,
        /// The values it takes.
        bounds: ImageBounds,
        /// What it does where the request does not say.
        default: &'static str,
    },
    /// It has nothing of the kind.
    Refused {
        /// Why, or what to send instead.
        reason: &'static str,
    },
}

impl ImageRule {
    /// The plain refusal.
    pub const NO_SUCH: Self = Self::Refused {
        reason: "it has no such parameter",
    };
}

/// A shape: across, down and its name.
pub type Shape = (u64, u64, &'static str);

/// The values that a choice may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ImageBounds {
    /// A number in the closed interval.
    Number(f64, f64),
    /// A whole number in the closed interval.
    Integer(i64, i64),
    /// A text of at most so many characters.
    Text(usize),
    /// One of these names.
    OneOf(&'static [&'static str]),
    /// One of these sizes.
    Sizes(&'static [Size]),
    /// A size of one of these shapes; the model chooses the pixels.
    Shapes(&'static [Shape]),
    /// So many pictures at most.
    Pictures(usize),
    /// Colours as `#RRGGBB`, so many at most.
    Colors(usize),
    /// Any size that keeps these rules.
    Grid(Grid),
    /// An object.
    Object,
}

/// Rules of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The least pixels of a side.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// What each side is a multiple of.
    pub step: u32,
    /// How many times as long as the other a side may be.
    pub longest: u32,
    /// The most pixels in all.
    pub pixels: u64,
}

impl Grid {
    fn admits(self, size: Size) -> bool {
        let fits = |side: u32| {
            (self.least..=self.most).contains(&side) && side.checked_rem(self.step) == Some(0)
        };
        let (width, height) = (u64::from(size.width), u64::from(size.height));
        let longest = u64::from(self.longest);
        fits(size.width)
            && fits(size.height)
            && width <= longest * height
            && height <= longest * width
            && width * height <= self.pixels
    }
}

impl fmt::Display for ImageBounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(least, most) => write!(formatter, "between {least} and {most}"),
            Self::Integer(least, most) => write!(formatter, "whole, between {least} and {most}"),
            Self::Text(most) => write!(formatter, "of at most {most} characters"),
            Self::OneOf(names) => write!(formatter, "one of {}", names.join(", ")),
            Self::Sizes(sizes) => {
                let names: Vec<_> = sizes.iter().map(Size::to_string).collect();
                write!(formatter, "one of {}", names.join(", "))
            }
            Self::Shapes(shapes) => {
                let names: Vec<_> = shapes.iter().map(|(_, _, name)| *name).collect();
                write!(formatter, "of a shape of {}", names.join(", "))
            }
            Self::Pictures(1) => formatter.write_str("one picture"),
            Self::Pictures(most) => write!(formatter, "at most {most} pictures"),
            Self::Colors(most) => write!(formatter, "1 to {most} of the form #RRGGBB"),
            Self::Grid(Grid {
                least,
                most,
                step,
                longest,
                pixels,
            }) => write!(
                formatter,
                "of sides of {least} to {most} pixels in steps of {step}, none above {longest} \
                 times the other, and at most {pixels} pixels in all"
            ),
            Self::Object => formatter.write_str("an object"),
        }
    }
}

impl ImageBounds {
    fn admit(self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Number(least, most), Value::Number(number)) => (least..=most).contains(&number),
            (Self::Integer(least, most), Value::Integer(number)) => {
                (least..=most).contains(&number)
            }
            (Self::Text(most), Value::Text(text)) => text.chars().nth(most).is_none(),
            (Self::OneOf(names), Value::Text(name)) => names.contains(&name),
            (Self::Sizes(sizes), Value::Size(size)) => sizes.contains(&size),
            (Self::Shapes(shapes), Value::Size(size)) => shape(shapes, size).is_some(),
            (Self::Pictures(most), Value::Pictures(pictures)) => pictures <= most,
            (Self::Colors(most), Value::Texts(colors)) => {
                (1..=most).contains(&colors.len()) && colors.iter().all(|color| is_color(color))
            }
            (Self::Grid(grid), Value::Size(size)) => grid.admits(size),
            (Self::Object, Value::Object) => true,
            _ => false,
        }
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// The shape of a size.
pub(super) fn shape(shapes: &[Shape], size: Size) -> Option<&'static str> {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let mut like = shapes
        .iter()
        .filter(|(across, down, _)| width * down == height * across && width > 0);
    like.next().map(|(_, _, name)| *name)
}

/// Checks each choice that was made: refused by name where `by` has none, or out of range.
pub(super) fn check(
    by: &'static str,
    drawing: &Drawing,
    rule: impl Fn(Choice) -> ImageRule,
) -> Result<(), Error> {
    for (choice, value) in drawing.given() {
        match rule(choice) {
            ImageRule::Refused { reason } => return Err(unsupported(by, choice, reason)),
            ImageRule::Mapped { bounds, .. } if !bounds.admit(value) => {
                return Err(Error::invalid(
                    choice.name(),
                    format!("it must be {bounds}"),
                ));
            }
            ImageRule::Mapped { .. } => {}
        }
    }
    Ok(())
}

/// The choice would change the image, and the family cannot honour it.
pub(super) fn unsupported(by: &'static str, choice: Choice, reason: &'static str) -> Error {
    Error::Field {
        param: choice.name().to_owned(),
        fault: FieldFault::Unsupported { by, reason },
    }
}

/// Refuses the first of these choices that was made.
pub(super) fn refuse_given(
    by: &'static str,
    reason: &'static str,
    drawing: &Drawing,
    choices: &[Choice],
) -> Result<(), Error> {
    let mut given = drawing.given().map(|(choice, _)| choice);
    match given.find(|choice| choices.contains(choice)) {
        Some(choice) => Err(unsupported(by, choice, reason)),
        None => Ok(()),
    }
}

/// The prompt, which must be there.
pub(super) fn prompt(drawing: &Drawing) -> Result<&str, Error> {
    let prompt = drawing.prompt.as_deref();
    prompt.ok_or_else(|| Error::missing(Choice::Prompt.name()))
}
