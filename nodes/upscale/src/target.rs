//! What size is wanted, and how often a network must run for it.

/// How the size is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// The picture fits into this width and height.
    Contain([usize; 2]),
    /// The picture covers this width and height, and what stands over is cut off.
    Cover([usize; 2]),
    /// This width and height, whatever the shape.
    Stretch([usize; 2]),
    /// The longer side.
    Longest(usize),
    /// Millions of pixels.
    Megapixels(f64),
    /// Times as wide and high.
    Factor(f64),
}

/// Sizes as width and height: of the whole resized picture, and of its middle that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of the whole picture.
    pub whole: [usize; 2],
    /// Of what is cut out of its middle.
    pub cut: [usize; 2],
}

/// The largest side of a picture anywhere in Kiln.
const LARGEST: f64 = 65536.0;

fn side(v: f64) -> usize {
    if v.is_finite() { v.round().clamp(1.0, LARGEST) as usize } else { 1 }
}

impl Wanted {
    /// The sizes for a picture of this width and height.
    #[must_use]
    pub fn target(self, from: [usize; 2]) -> Target {
        let [w, h] = from.map(|v| v as f64);
        let per = |[width, height]: [usize; 2]| [width as f64 / w, height as f64 / h];
        let factor = match self {
            Self::Stretch(size) => return Target { whole: size, cut: size },
            Self::Cover(size) => {
                let [across, down] = per(size);
                let factor = across.max(down);
                let whole = [side(w * factor).max(size[0]), side(h * factor).max(size[1])];
                return Target { whole, cut: size };
            }
            Self::Contain(size) => {
                let [across, down] = per(size);
                across.min(down)
            }
            Self::Longest(length) => length as f64 / w.max(h),
            Self::Megapixels(count) => (count * 1e6 / (w * h)).sqrt(),
            Self::Factor(factor) => factor,
        };
        let whole = [side(w * factor), side(h * factor)];
        Target { whole, cut: whole }
    }
}

/// How often a network of this scale runs until a picture is at least as large as the target: not at all when it is
/// already, and once where a network keeps the size.
#[must_use]
pub fn runs(from: [usize; 2], target: [usize; 2], scale: usize) -> usize {
    let reaches = |size: [usize; 2]| size[0] >= target[0] && size[1] >= target[1];
    let (mut size, mut runs) = (from, 0);
    while !reaches(size) {
        runs += 1;
        if scale < 2 {
            break;
        }
        size = size.map(|side| side.max(1).saturating_mul(scale));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_what_is_said() {
        let whole = |wanted: Wanted| wanted.target([300, 200]).whole;
        assert_eq!(whole(Wanted::Factor(2.5)), [750, 500]);
        assert_eq!(whole(Wanted::Longest(1000)), [1000, 667]);
        assert_eq!(whole(Wanted::Megapixels(0.24)), [600, 400]);
        assert_eq!(whole(Wanted::Contain([600, 600])), [600, 400]);
        assert_eq!(whole(Wanted::Stretch([5, 6])), [5, 6]);
        let target = Wanted::Cover([600, 600]).target([300, 200]);
        assert_eq!(target, Target { whole: [900, 600], cut: [600, 600] });
        assert_eq!(whole(Wanted::Factor(f64::NAN)), [1, 1]);
        assert_eq!(whole(Wanted::Factor(1e300)), [65536, 65536]);
    }

    #[test]
    fn a_network_runs_as_often_as_needed() {
        let runs = |target, scale| runs([100, 50], target, scale);
        assert_eq!(runs([100, 50], 4), 0);
        assert_eq!(runs([10, 10], 4), 0);
        assert_eq!(runs([101, 50], 4), 1);
        assert_eq!(runs([400, 200], 4), 1);
        assert_eq!(runs([400, 201], 4), 2);
        assert_eq!(runs([400, 200], 2), 2);
        assert_eq!(runs([900, 900], 1), 1, "a network that keeps the size runs once");
        assert_eq!(super::runs([0, 0], [usize::MAX, 1], 2), 64);
    }
}
