//! Closed sets of named things.

/// Declares an enum together with the list of its variants and their names, so that a new variant
/// cannot be left out of either.
macro_rules! closed_set {
    (
        $(#[$about:meta])*
        pub enum $set:ident {
            $($(#[$member_about:meta])* $member:ident = $name:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $set {
            $($(#[$member_about])* $member,)+
        }

        impl $set {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$member,)+];

            /// The name that callers and configuration use.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$member => $name,)+
                }
            }
        }
    };
}

pub(crate) use closed_set;
