//! The fixtures, and how far apart two pictures are.

use std::path::Path;

use kiln_types::Image;

/// A picture of the `fixtures` folder.
pub fn fixture(name: &str) -> Image {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.png"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap().image
}

/// The largest and the mean difference of samples, which have to be as many and all be numbers.
#[track_caller]
pub fn apart(
    ours: impl ExactSizeIterator<Item = f32>,
    theirs: impl ExactSizeIterator<Item = f32>,
) -> (f64, f64) {
    assert_eq!(ours.len(), theirs.len());
    let (mut most, mut sum, mut count) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (a, b) in ours.zip(theirs) {
        assert!(a.is_finite());
        let off = (f64::from(a) - f64::from(b)).abs();
        (most, sum, count) = (most.max(off), sum + off, count + 1.0);
    }
    (most, sum / count)
}
