//! A value on a wire.

use crate::{Color, Image, Key, Mask, Type, names};
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A value of a type that a node family brings (a model, a latent, a conditioning …).
pub trait Object: Any + Send + Sync + fmt::Debug {
    /// The type's stable name, as ports spell it.
    fn type_name(&self) -> &'static str;
    /// Bytes of memory it holds, for the budgets.
    fn byte_size(&self) -> usize;
    /// Itself, so that a node of its family can recognise it.
    fn as_any(&self) -> &dyn Any;
    /// Everything that what is made of it can depend on, as bytes: equal values have equal bytes on every machine.
    /// `None` where that cannot be told; then it is named by how it was made.
    fn content(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A file and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRef {
    /// Where it is.
    pub path: Arc<Path>,
    /// The blake3 hash of its bytes.
    pub hash: Key,
}

/// A value on a wire. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Value {
    /// An optional input that nobody set.
    None,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A colour.
    Color(Color),
    /// A random seed.
    Seed(u64),
    /// Width and height in pixels.
    Size(u32, u32),
    /// A lowest and a highest number.
    Range(f64, f64),
    /// Points of a curve, x ascending.
    Curve(Arc<[(f64, f64)]>),
    /// A file.
    File(FileRef),
    /// A batch of pictures.
    Image(Arc<Image>),
    /// A batch of masks.
    Mask(Arc<Mask>),
    /// A list; its elements are never lists.
    List(Arc<[Value]>),
    /// A value of a family's own type.
    Object(Arc<dyn Object>),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A picture.
    #[must_use]
    pub fn image(image: Image) -> Self {
        Self::Image(Arc::new(image))
    }

    /// A mask.
    #[must_use]
    pub fn mask(mask: Mask) -> Self {
        Self::Mask(Arc::new(mask))
    }

    /// A list.
    pub fn list(values: impl Into<Arc<[Value]>>) -> Self {
        Self::List(values.into())
    }

    /// The value's type. A list has its first element's type, `Any` when empty.
    #[must_use]
    pub fn ty(&self) -> Type {
        let name = match self {
            Self::None => names::ANY,
            Self::Bool(_) => names::BOOL,
            Self::Int(_) => names::INT,
            Self::Float(_) => names::FLOAT,
            Self::Text(_) => names::TEXT,
            Self::Color(_) => names::COLOR,
            Self::Seed(_) => names::SEED,
            Self::Size(..) => names::SIZE,
            Self::Range(..) => names::RANGE,
            Self::Curve(_) => names::CURVE,
            Self::File(_) => names::FILE,
            Self::Image(_) => names::IMAGE,
            Self::Mask(_) => names::MASK,
            Self::Object(o) => o.type_name(),
            Self::List(items) => {
                return Type {
                    name: items.first().map_or(Cow::Borrowed(names::ANY), |v| v.ty().name),
                    list: true,
                };
            }
        };
        Type::one(name)
    }

    /// Bytes of memory it holds, for the budgets.
    #[must_use]
    pub fn byte_size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(t) => t.len(),
                Self::Curve(p) => size_of_val(&**p),
                Self::File(f) => f.path.as_os_str().len(),
                Self::Image(i) => i.byte_size(),
                Self::Mask(m) => m.byte_size(),
                Self::List(items) => items.iter().map(Self::byte_size).sum(),
                Self::Object(o) => o.byte_size(),
                _ => 0,
            }
    }

    /// Whether nobody set it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(v: $from) -> Self {
                Self::$variant(v)
            }
        })*
    };
}
from!(bool => Bool, i64 => Int, f64 => Float, Arc<str> => Text, Color => Color, FileRef => File, Arc<Image> => Image, Arc<Mask> => Mask);

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::text(v)
    }
}
impl From<Image> for Value {
    fn from(v: Image) -> Self {
        Self::image(v)
    }
}
impl From<Mask> for Value {
    fn from(v: Mask) -> Self {
        Self::mask(v)
    }
}
