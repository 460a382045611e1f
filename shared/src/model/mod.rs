//! Models: what an id says, which family it belongs to, and what is known of it.

mod catalogue;
mod directory;
mod family;
mod id;

pub use catalogue::{ENTRIES, Entry, entry};
pub use directory::{Alias, Api, Directory, Target, Wanted};
pub use family::{Family, ImageFamily, TextFamily};
pub use id::{Malformed, ModelId, Resource};
