//! Models: what an id says, which family it belongs to, and what is known of it.

mod catalogue;
mod directory;
mod entry;
mod family;
mod id;

pub use catalogue::{ENTRIES, entry};
pub use directory::{Alias, Api, Directory, Target, Wanted};
pub use entry::{Capabilities, Entry, Modality, Quirks, Reasoning};
pub use family::{Family, ImageFamily, TextFamily};
pub use id::{Malformed, ModelId, Resource};
