//! One tensor where it lies.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::dtype::{Dtype, byte_count, count};
use crate::error::WeightError;
use crate::map::Span;
use crate::widen::{first_not_finite, widen};

/// One tensor where it lies: cheap to clone, keeps the mapping of its file alive.
///
/// Nothing is read from disk until [`Stored::bytes`] is touched.
#[derive(Clone)]
pub struct Stored {
    name: Arc<str>,
    dtype: Dtype,
    shape: Arc<[usize]>,
    data: Data,
    file: Arc<Path>,
}

#[derive(Clone)]
enum Data {
    /// Contiguous, in C order.
    Plain(Span),
    /// A view with strides, brought into C order when it is first asked for.
    Strided(Arc<Strided>),
}

/// A view into a storage. Every index it can reach was checked to lie inside `storage`.
struct Strided {
    storage: Span,
    /// In numbers, not bytes.
    offset: usize,
    strides: Vec<usize>,
    gathered: OnceLock<Vec<u8>>,
}

impl Stored {
    /// A tensor at `span`, whose length fits dtype and shape (the caller has checked).
    pub(crate) fn plain(name: &str, dtype: Dtype, shape: &[usize], span: Span, file: &Arc<Path>) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape: shape.into(),
            data: Data::Plain(span),
            file: Arc::clone(file),
        }
    }

    /// A view with strides, in numbers; the caller has checked that it stays inside `storage`.
    pub(crate) fn strided(
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        (storage, offset, strides): (Span, usize, Vec<usize>),
        file: &Arc<Path>,
    ) -> Self {
        let view = Strided { storage, offset, strides, gathered: OnceLock::new() };
        Self {
            name: name.into(),
            dtype,
            shape: shape.into(),
            data: Data::Strided(Arc::new(view)),
            file: Arc::clone(file),
        }
    }

    /// A tensor made in memory.
    ///
    /// # Errors
    /// If `shape` does not hold as many numbers as `values`.
    #[allow(clippy::needless_pass_by_value, reason = "made tensors are handed over, not lent")]
    pub fn from_f32(name: &str, shape: &[usize], values: Vec<f32>) -> Result<Self, WeightError> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::from_bytes(name, Dtype::F32, shape, bytes)
    }

    /// A tensor made in memory from little-endian bytes in C order.
    ///
    /// # Errors
    /// If there are not as many bytes as `dtype` and `shape` say.
    pub fn from_bytes(
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        bytes: Vec<u8>,
    ) -> Result<Self, WeightError> {
        if byte_count(dtype, shape) != Some(bytes.len()) {
            let why = format!("of {} {shape:?} was given {} bytes", dtype.name(), bytes.len());
            return Err(WeightError::made(name, why));
        }
        Ok(Self::plain(name, dtype, shape, Span::owned(bytes), &Path::new("(made in memory)").into()))
    }

    /// The same tensor under another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its numbers are stored.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its sides, outermost first; none for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        // It was checked when the tensor was made.
        count(&self.shape).unwrap_or(0)
    }

    /// Whether it holds no numbers at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it takes as stored.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.len() * self.dtype.size()
    }

    /// Whether its numbers are floats.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.dtype.is_float()
    }

    /// The file it lies in; `(made in memory)` for a tensor that was made.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its numbers: little-endian, in C order, without gaps, at any alignment.
    ///
    /// For a view with strides (transposed before it was saved) the first call brings them into order and
    /// keeps them; for all others this is the file itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.data {
            Data::Plain(span) => span.bytes(),
            Data::Strided(view) => view.gathered.get_or_init(|| gather(view, &self.shape, self.dtype.size())),
        }
    }

    /// Its numbers as 32-bit floats; see [`widen`].
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        widen(self.dtype, self.bytes(), &mut out);
        out
    }

    /// Where the first NaN or infinity is, for a message that names the tensor.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<usize> {
        first_not_finite(self.dtype, self.bytes())
    }

    /// Asks the system to read this tensor ahead, while the caller is busy with another one.
    pub fn prefetch(&self) {
        self.span().prefetch();
    }

    /// Lets go of the memory this tensor's part of the file takes in this process, so that a long model can
    /// be streamed through little memory. The tensor stays usable: touching it reads the file again. The
    /// system may still keep the pages in its file cache, where they are free for the taking.
    pub fn release(&self) {
        self.span().release();
    }

    /// An error if its file has changed its length since it was opened; reading would end the process.
    ///
    /// # Errors
    /// If the length differs, or the system cannot say.
    pub fn check_intact(&self) -> Result<(), WeightError> {
        self.span().mapping().map_or(Ok(()), |mapping| mapping.intact())
    }

    fn span(&self) -> &Span {
        match &self.data {
            Data::Plain(span) => span,
            Data::Strided(view) => &view.storage,
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("name", &self.name)
            .field("dtype", &self.dtype)
            .field("shape", &self.shape)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Walks the view in C order.
fn gather(view: &Strided, shape: &[usize], size: usize) -> Vec<u8> {
    let total = count(shape).unwrap_or(0);
    let source = view.storage.bytes();
    let mut out = Vec::with_capacity(total * size);
    let mut index = vec![0_usize; shape.len()];
    let mut at = view.offset;
    for _ in 0..total {
        // Inside, as was checked when the view was made.
        out.extend_from_slice(source.get(at * size..(at + 1) * size).unwrap_or(&[0; 8][..size]));
        for ((place, &side), &stride) in index.iter_mut().zip(shape).zip(&view.strides).rev() {
            *place += 1;
            if *place < side {
                at += stride;
                break;
            }
            at -= stride * (*place - 1);
            *place = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn a_made_tensor_gives_back_what_it_was_given() {
        let made = Stored::from_f32("a", &[2, 2], vec![1.0, -2.5, 0.0, f32::INFINITY]).unwrap();
        assert_eq!(made.to_f32(), [1.0, -2.5, 0.0, f32::INFINITY]);
        assert_eq!((made.len(), made.byte_len(), made.name()), (4, 16, "a"));
        assert_eq!(made.first_not_finite(), Some(3));
        assert_eq!(made.renamed("b").name(), "b");
        assert!(made.check_intact().is_ok());
        made.prefetch();
        made.release();
    }

    #[test]
    fn a_made_tensor_must_fit() {
        let error = Stored::from_f32("a\u{1b}[2J", &[3], vec![1.0]).unwrap_err().to_string();
        assert_eq!(error, "the tensor \"a\\u{1b}[2J\" of F32 [3] was given 4 bytes");
        assert!(Stored::from_bytes("a", Dtype::F64, &[usize::MAX, 2], Vec::new()).is_err());
        let single = Stored::from_bytes("a", Dtype::I64, &[], 5_i64.to_le_bytes().to_vec()).unwrap();
        assert_eq!(single.to_f32(), [5.0]);
        let empty = Stored::from_bytes("a", Dtype::F32, &[usize::MAX, 0, 9], Vec::new()).unwrap();
        assert!(empty.is_empty() && empty.to_f32().is_empty());
    }

    #[test]
    fn strides_are_walked_in_order() {
        let span = Span::owned((0..24).collect());
        let file = Path::new("x").into();
        let turned = Stored::strided("t", Dtype::U8, &[4, 3, 2], (span, 0, vec![1, 8, 4]), &file);
        let want: Vec<u8> =
            (0..4).flat_map(|a| (0..3).flat_map(move |b| (0..2).map(move |c| a + 8 * b + 4 * c))).collect();
        assert_eq!(turned.bytes(), want);
    }
}
