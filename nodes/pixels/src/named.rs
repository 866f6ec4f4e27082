//! Choices that have a name in a graph file.

/// Makes an enum whose variants have names, so that nodes, files and menus agree on them.
macro_rules! named {
    ($(#[$meta:meta])* pub enum $Enum:ident { $($(#[$vmeta:meta])* $Variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Enum { $($(#[$vmeta])* $Variant,)+ }

        impl $Enum {
            /// Every choice, in menu order.
            pub const ALL: &'static [Self] = &[$(Self::$Variant,)+];
            /// The names of [`Self::ALL`], in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The name in graph files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$Variant => $name,)+ }
            }

            /// The choice with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$Variant),)+ _ => None }
            }
        }
    };
}

pub(crate) use named;
