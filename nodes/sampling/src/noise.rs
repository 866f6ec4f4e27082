//! Normal noise from a seed, to the bit as torch's CPU generator gives it on a PC of today.

mod mt19937;
mod normal;

pub use mt19937::Mt19937;

/// A stream of normal numbers. Each call continues where the last one ended.
#[derive(Clone, Debug)]
pub struct Generator {
    twister: Mt19937,
    /// The second number of the last pair drawn by a short call.
    kept: Option<f64>,
}

impl Generator {
    /// The stream of `seed`. Seeds that are equal in their low 32 bits give the same stream.
    pub fn new(seed: u64) -> Self {
        Generator { twister: Mt19937::new(seed), kept: None }
    }

    /// The next `len` normal numbers, as one tensor of that many elements gets them.
    ///
    /// Two calls of 32 are not one call of 64 cut in two unless the lengths are multiples of 16.
    pub fn randn(&mut self, len: usize) -> Vec<f32> {
        let mut out = vec![0.0; len];
        self.fill(&mut out);
        out
    }

    /// Fills a tensor with the next normal numbers.
    pub fn fill(&mut self, out: &mut [f32]) {
        if out.len() < normal::BLOCK {
            for slot in out {
                *slot = self.one() as f32;
            }
            return;
        }
        self.twister.fill_uniform(out);
        let (blocks, rest) = out.as_chunks_mut::<{ normal::BLOCK }>();
        normal::transform(blocks);
        if rest.is_empty() {
            return;
        }
        // A tail gets 16 fresh numbers that end with the tensor and so replace some finished ones.
        let mut tail = [[0.0f32; normal::BLOCK]];
        self.twister.fill_uniform(&mut tail[0]);
        normal::transform(&mut tail);
        let from = out.len() - normal::BLOCK;
        out[from..].copy_from_slice(&tail[0]);
    }

    /// One normal number in double precision: how tensors of fewer than 16 elements are filled.
    fn one(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let angle = core::f64::consts::TAU * self.twister.uniform_f64();
        let radius = (-2.0 * libm::log1p(-self.twister.uniform_f64())).sqrt();
        self.kept = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }
}

/// `len` normal numbers from the start of the stream of `seed`.
pub fn randn(seed: u64, len: usize) -> Vec<f32> {
    Generator::new(seed).randn(len)
}

/// The greatest index a picture of a batch may have: all before it must be drawn too.
pub const MAX_BATCH_INDEX: usize = 65_535;

/// Why noise could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// The shape has no elements or more than memory can hold.
    #[error(
        "a latent of shape {0:?} cannot have noise: every side must be at least 1 and the whole must fit in memory"
    )]
    Shape(Vec<usize>),
    /// An index that would take too long to reach.
    #[error("batch index {0} is too great: the limit is {MAX_BATCH_INDEX}")]
    BatchIndex(usize),
}

/// The noise a generation starts from, for a latent of this shape (batch first).
///
/// Without `batch_index` the whole batch is one draw. With it, each picture of the batch is the
/// draw of that index: pictures are drawn one by one up to the greatest index, and the wanted ones
/// kept, so the result has as many pictures as the list has entries.
pub fn initial_noise(
    seed: u64,
    shape: &[usize],
    batch_index: Option<&[usize]>,
) -> Result<Vec<f32>, NoiseError> {
    let bad_shape = || NoiseError::Shape(shape.to_vec());
    let count = |sides: &[usize]| sides.iter().try_fold(1usize, |n, &side| n.checked_mul(side));
    let total = count(shape).filter(|&n| n > 0 && n <= isize::MAX as usize / 4).ok_or_else(bad_shape)?;
    let mut generator = Generator::new(seed);
    let Some(wanted) = batch_index else {
        return Ok(generator.randn(total));
    };
    let one: usize = shape.iter().skip(1).product();
    let whole = one.checked_mul(wanted.len()).ok_or_else(bad_shape)?;
    let Some(&last) = wanted.iter().max() else { return Ok(Vec::new()) };
    if last > MAX_BATCH_INDEX {
        return Err(NoiseError::BatchIndex(last));
    }
    let mut out = vec![0.0; whole];
    for index in 0..=last {
        let picture = generator.randn(one);
        for (place, _) in wanted.iter().enumerate().filter(|&(_, &w)| w == index) {
            out[place * one..][..one].copy_from_slice(&picture);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_equal_in_their_low_half_give_the_same_noise() {
        for len in [5, 16, 1000, 1007] {
            assert_eq!(randn(42, len), randn(4_294_967_338, len));
        }
    }

    #[test]
    fn a_picture_of_a_batch_is_a_slice_of_the_stream() -> Result<(), NoiseError> {
        let whole = initial_noise(3, &[4, 4, 8, 8], None)?;
        let some = initial_noise(3, &[2, 4, 8, 8], Some(&[2, 0]))?;
        assert_eq!(some[..256], whole[512..768]);
        assert_eq!(some[256..], whole[..256]);
        Ok(())
    }

    #[test]
    fn a_short_stream_keeps_the_second_number_of_a_pair() {
        let mut pieces = Generator::new(9);
        let mut joined = pieces.randn(3);
        joined.extend(pieces.randn(4));
        assert_eq!(joined, randn(9, 7));
    }

    #[test]
    fn a_tail_replaces_the_end_of_the_last_block() {
        let whole = randn(1, 32);
        let short = randn(1, 21);
        assert_eq!(short[..5], whole[..5]);
        assert_ne!(short[5..16], whole[5..16]);
    }
}
