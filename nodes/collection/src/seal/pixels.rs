//! A hash of what a picture shows, whatever words ride along in its file.

use crate::provenance::Digest;

/// The hash of a decoded picture's samples (row by row, channels side by side, 0 to 1): blake3 over its size and every
/// sample in 65535 steps. Two files whose pictures decode to the same samples have the same hash; 8-bit and 16-bit
/// samples are told apart exactly.
#[must_use]
pub fn pixels(width: usize, height: usize, channels: usize, samples: &[f32]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("kiln pixels 1");
    for number in [width, height, channels] {
        hasher.update(&(number as u64).to_le_bytes());
    }
    let mut bytes = Vec::with_capacity(8192);
    for some in samples.chunks(4096) {
        bytes.clear();
        for sample in some {
            // What is no number counts as 0; the cast takes care of both ends.
            let step = (sample * 65535.0 + 0.5) as u16;
            bytes.extend(step.to_le_bytes());
        }
        hasher.update(&bytes);
    }
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_eight_and_sixteen_bits_counts() {
        let of = |v: f32| pixels(1, 1, 1, &[v]);
        let eight: std::collections::BTreeSet<Digest> =
            (0..=255u16).map(|v| of(f32::from(v) / 255.0)).collect();
        assert_eq!(eight.len(), 256);
        let some = [0u16, 1, 2, 32767, 32768, 65534, 65535];
        let sixteen: std::collections::BTreeSet<Digest> =
            some.iter().map(|v| of(f32::from(*v) / 65535.0)).collect();
        assert_eq!(sixteen.len(), some.len());
        assert_eq!(of(f32::NAN), of(0.0));
        assert_eq!(of(7.0), of(1.0));
        // The same samples in another shape are another picture.
        assert_ne!(pixels(2, 1, 1, &[0.0; 2]), pixels(1, 2, 1, &[0.0; 2]));
        assert_ne!(pixels(3, 1, 1, &[0.0; 3]), pixels(1, 1, 3, &[0.0; 3]));
    }
}
