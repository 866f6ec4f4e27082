//! A weight as it lies in its file, and the changes made to it.
//!
//! On the processor a weight is never copied: kernels widen it while they read it. On a graphics card it is sent once.
//! A changed weight (LoRA, merge) is computed when it is first used, and kept or made again each time, as its owner
//! says: keeping costs four bytes a number, making costs time.

use std::sync::{Arc, OnceLock};

use burn::tensor::{DType, Tensor, TensorData};
use kiln_kernels as kernels;
use kiln_weights::{Dtype, Stored, widen};

use crate::compute::Compute;

/// A change to one weight: given the weight as f32, in C order, change it.
pub trait Patch: Send + Sync {
    /// Changes `values`, whose shape is `shape`.
    fn apply(&self, shape: &[usize], values: &mut [f32]);
}

enum Source {
    Stored(Stored),
    Made(Vec<f32>),
    Patched { base: Weight, patches: Vec<Arc<dyn Patch>>, keep: bool, made: OnceLock<Vec<f32>> },
}

struct Inner {
    source: Source,
    /// On a graphics card: sent once, flat.
    sent: OnceLock<Tensor<1>>,
}

/// One weight, cheap to clone.
#[derive(Clone)]
pub struct Weight {
    shape: Arc<[usize]>,
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weight{:?}", self.shape)
    }
}

fn kernel_dtype(dtype: Dtype) -> Option<kernels::Dtype> {
    Some(match dtype {
        Dtype::F32 => kernels::Dtype::F32,
        Dtype::F16 => kernels::Dtype::F16,
        Dtype::BF16 => kernels::Dtype::BF16,
        Dtype::F8E4M3 => kernels::Dtype::F8E4M3,
        Dtype::F8E5M2 => kernels::Dtype::F8E5M2,
        _ => return None,
    })
}

impl Weight {
    /// A weight from a file. Types a kernel cannot read (f64, integers) are widened to f32 here.
    #[must_use]
    pub fn stored(stored: Stored) -> Self {
        let shape = stored.shape().into();
        let source = if kernel_dtype(stored.dtype()).is_some() {
            Source::Stored(stored)
        } else {
            Source::Made(stored.to_f32())
        };
        Self::of(shape, source)
    }

    /// A weight made here, in C order. Numbers that lack are zero, numbers too many are cut off.
    #[must_use]
    pub fn from_f32(shape: &[usize], mut values: Vec<f32>) -> Self {
        values.resize(shape.iter().product(), 0.0);
        Self::of(shape.into(), Source::Made(values))
    }

    fn of(shape: Arc<[usize]>, source: Source) -> Self {
        Self { shape, inner: Arc::new(Inner { source, sent: OnceLock::new() }) }
    }

    /// The same weight for another network: what is sent to a card is sent for each, and goes with each.
    #[must_use]
    pub fn fresh(&self) -> Self {
        match &self.inner.source {
            Source::Stored(s) => Self {
                shape: self.shape.clone(),
                inner: Arc::new(Inner { source: Source::Stored(s.clone()), sent: OnceLock::new() }),
            },
            Source::Made(_) | Source::Patched { .. } => self.clone(),
        }
    }

    /// The same weight with changes on top, in their order. `keep` holds the result in memory after its first use.
    #[must_use]
    pub fn patched(&self, patches: Vec<Arc<dyn Patch>>, keep: bool) -> Self {
        let base = self.clone();
        Self::of(self.shape.clone(), Source::Patched { base, patches, keep, made: OnceLock::new() })
    }

    /// The same numbers in another shape (a 1x1 convolution seen as a matrix).
    #[must_use]
    pub fn reshaped(&self, shape: Vec<usize>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), self.len());
        Self { shape: shape.into(), inner: self.inner.clone() }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Has it no numbers at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes it holds where it lies (a mapped file's are the file's).
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.inner.source {
            Source::Stored(s) => s.bytes().len(),
            Source::Made(values) => values.len() * 4,
            Source::Patched { base, keep, .. } => base.bytes() + if *keep { self.len() * 4 } else { 0 },
        }
    }

    /// All values as f32.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.inner.source {
            Source::Stored(s) => s.to_f32(),
            Source::Made(values) => values.clone(),
            Source::Patched { base, patches, made, .. } => {
                if let Some(made) = made.get() {
                    return made.clone();
                }
                make(base, &self.shape, patches)
            }
        }
    }

    /// Some rows (of the first dimension) as f32, one after the other: only these are widened, so that looking up a
    /// few tokens in a large table costs little. None when there is no such row.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Option<Vec<f32>> {
        let count = self.shape.first().copied()?;
        let width: usize = self.shape.iter().skip(1).product();
        if rows.iter().any(|row| *row >= count) {
            return None;
        }
        match &self.inner.source {
            Source::Stored(stored) => {
                let (bytes, row_bytes) = (stored.bytes(), stored.dtype().size() * width);
                let mut out = vec![0.0; rows.len() * width];
                if width > 0 {
                    for (out, row) in out.chunks_exact_mut(width).zip(rows) {
                        widen(stored.dtype(), bytes.get(row * row_bytes..)?, out);
                    }
                }
                Some(out)
            }
            Source::Made(values) => Some(pick(values, width, rows)),
            Source::Patched { base, patches, keep: true, made } => {
                let made = made.get_or_init(|| make(base, &self.shape, patches));
                Some(pick(made, width, rows))
            }
            Source::Patched { keep: false, .. } => Some(pick(&self.to_f32(), width, rows)),
        }
    }

    /// Shows the kernels the weight where it lies.
    pub fn with<R>(&self, f: impl FnOnce(kernels::Stored<'_>) -> R) -> R {
        match &self.inner.source {
            Source::Stored(s) => {
                let dtype = kernel_dtype(s.dtype()).unwrap_or(kernels::Dtype::F32);
                f(kernels::Stored { dtype, bytes: s.bytes() })
            }
            Source::Made(values) => f(kernels::Stored::f32(values)),
            Source::Patched { base, patches, keep: true, made } => {
                let made = made.get_or_init(|| make(base, &self.shape, patches));
                f(kernels::Stored::f32(made))
            }
            Source::Patched { base, patches, keep: false, .. } => {
                f(kernels::Stored::f32(&make(base, &self.shape, patches)))
            }
        }
    }

    /// The weight as a tensor in the device's precision; a graphics card keeps it.
    #[must_use]
    pub fn on<const D: usize>(&self, compute: &Compute, dtype: DType) -> Tensor<D> {
        let shape: [usize; D] = std::array::from_fn(|i| self.shape.get(i).copied().unwrap_or(1));
        let send = || {
            let t = Tensor::<1>::from_data(
                TensorData::new(self.to_f32(), [self.len()]),
                (compute.device(), DType::F32),
            );
            if dtype == DType::F32 { t } else { t.cast(dtype) }
        };
        let flat = if compute.is_cpu() { send() } else { self.inner.sent.get_or_init(send).clone() };
        let flat = if flat.dtype() == dtype { flat } else { flat.cast(dtype) };
        flat.reshape(shape)
    }
}

fn pick(values: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|row| values.get(row * width..(row + 1) * width).unwrap_or(&[])).copied().collect()
}

fn make(base: &Weight, shape: &[usize], patches: &[Arc<dyn Patch>]) -> Vec<f32> {
    let mut values = base.to_f32();
    for patch in patches {
        patch.apply(shape, &mut values);
    }
    values
}
