//! Pictures made small for sheets: each sample the mean of the area it covers.

use kiln_types::Image;

/// Behind what is see-through.
const BEHIND: f32 = 0.93;

/// A small picture: three channels of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Small {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

/// The first frame of a picture, as large as fits into a square, never larger than it is.
pub(crate) fn reduce(image: &Image, side: usize) -> Small {
    let (w, h, c) = (image.width().max(1), image.height().max(1), image.channels().max(1));
    let long = w.max(h);
    let fit = |n: usize| if long <= side { n } else { (n * side / long).max(1) };
    let (nw, nh) = (fit(w), fit(h));
    let frame = image.frame(0);
    let mut data = Vec::with_capacity(nw * nh * 3);
    for y in 0..nh {
        let rows = (y * h / nh)..((y + 1) * h).div_ceil(nh).min(h);
        for x in 0..nw {
            let (mut sum, mut alpha, mut count) = ([0f32; 3], 0f32, 0f32);
            for row in rows.clone() {
                for column in (x * w / nw)..((x + 1) * w).div_ceil(nw).min(w) {
                    let at = (row * w + column) * c;
                    let pixel = &frame[at..at + c];
                    // Pictures have three channels, or four with alpha.
                    let a = pixel.get(3).copied().unwrap_or(1.0);
                    for (sum, v) in sum.iter_mut().zip(pixel) {
                        *sum += v * a;
                    }
                    alpha += a;
                    count += 1.0;
                }
            }
            for sum in sum {
                let v = sum / count + BEHIND * (1.0 - alpha / count);
                data.push((v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
    }
    Small { width: nw, height: nh, data }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn areas_are_averaged_and_what_is_clear_shows_paper() {
        let samples =
            [0.0f32, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0].iter().flat_map(|v| [*v; 3]).collect::<Vec<f32>>();
        let image = Image::new(1, 2, 4, 3, samples).unwrap();
        let small = reduce(&image, 2);
        assert_eq!((small.width, small.height, small.data), (2, 1, vec![128, 128, 128, 255, 255, 255]));
        let clear = Image::new(1, 1, 1, 4, vec![1.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!(reduce(&clear, 8).data, [237, 237, 237]);
    }
}
