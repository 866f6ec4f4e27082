//! A tensor's own memory, when the tensor lies on the processor.

use burn::backend::Flex;
use burn::tensor::{DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};

/// The values of a processor tensor, contiguous in C order, without a copy where they already are.
pub(crate) struct Flat {
    inner: FlexTensor,
}

impl Flat {
    /// None when the tensor is on another device or is not f32.
    pub(crate) fn of<const D: usize>(t: &Tensor<D>) -> Option<Self> {
        let inner = t.clone().try_into_primitive::<Flex>().ok()?;
        (inner.dtype() == DType::F32)
            .then(|| Self { inner: if inner.is_contiguous() { inner } else { inner.to_contiguous() } })
    }

    pub(crate) fn values(&self) -> &[f32] {
        let layout = self.inner.layout();
        let start = layout.start_offset();
        let len: usize = layout.shape().iter().product();
        self.inner.storage::<f32>().get(start..start + len).unwrap_or(&[])
    }
}

/// A processor tensor made of these values.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let bytes = burn::tensor::Bytes::from_elems(values);
    Tensor::from_primitive::<Flex>(FlexTensor::new(bytes, Layout::contiguous(Shape::from(shape)), DType::F32))
}
