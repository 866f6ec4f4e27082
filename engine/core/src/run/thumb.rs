//! Small pictures for people: each pixel is the mean of those it covers, colours weighted by their alpha.

use kiln_store::Thumb;
use kiln_types::Image;

/// The longest side of a small picture.
const SIDE: usize = 256;

/// A small picture of one picture of a batch, with 8 bits a sample.
#[must_use]
pub fn thumb(image: &Image, frame: usize) -> Option<Thumb> {
    let (width, height, data) = small(image, frame, SIDE)?;
    let eight = |v: f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let data = data.into_iter().map(|v| if v.is_nan() { 0 } else { eight(v) }).collect();
    let channels = u8::try_from(image.channels()).ok()?;
    Thumb::new(u16::try_from(width).ok()?, u16::try_from(height).ok()?, channels, data)
}

/// Width, height and samples of one picture of a batch, made smaller so that no side is longer than `most`.
#[must_use]
pub fn small(image: &Image, frame: usize, most: usize) -> Option<(usize, usize, Vec<f32>)> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    if frame >= image.batch() || w == 0 || h == 0 || most == 0 {
        return None;
    }
    let long = w.max(h);
    if long <= most {
        return Some((w, h, image.frame(frame).to_vec()));
    }
    let side = |n: usize| (n * most / long).max(1);
    let (nw, nh) = (side(w), side(h));
    let source = image.frame(frame);
    let columns: Vec<Vec<(usize, f32)>> = (0..nw).map(|x| cover(x, w, nw)).collect();
    let mut data = Vec::with_capacity(nw * nh * c);
    for y in 0..nh {
        let rows = cover(y, h, nh);
        for columns in &columns {
            let (mut sum, mut weight, mut alpha) = ([0f32; 3], 0f32, 0f32);
            for (sy, wy) in &rows {
                for (sx, wx) in columns {
                    let pixel = &source[(sy * w + sx) * c..][..c];
                    let area = wx * wy;
                    let part = area * pixel.get(3).copied().unwrap_or(1.0);
                    weight += area;
                    alpha += part;
                    sum.iter_mut().zip(pixel).for_each(|(s, v)| *s += v * part);
                }
            }
            data.extend(sum.map(|s| if alpha > 0.0 { s / alpha } else { 0.0 }));
            if c == 4 {
                data.push(alpha / weight);
            }
        }
    }
    Some((nw, nh, data))
}

/// The pixels of `from` that pixel `at` of `to` covers, and how much of each.
fn cover(at: usize, from: usize, to: usize) -> Vec<(usize, f32)> {
    // In units of 1/to of a source pixel, so that everything is whole.
    let (begin, end) = (at * from, (at + 1) * from);
    (begin / to..end.div_ceil(to))
        .map(|s| (s, (end.min((s + 1) * to) - begin.max(s * to)) as f32 / to as f32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_is_the_mean() {
        let image = Image::new(1, 2, 4, 3, (0..24).map(|i| i as f32 / 24.0).collect()).unwrap();
        let (w, h, data) = small(&image, 0, 2).unwrap();
        assert_eq!((w, h), (2, 1));
        let mean: f32 = [0, 3, 12, 15].iter().map(|i| *i as f32 / 24.0).sum::<f32>() / 4.0;
        assert!((data[0] - mean).abs() < 1e-6);
        let wide = Image::new(1, 3, 1000, 4, vec![0.5; 12_000]).unwrap();
        let made = thumb(&wide, 0).unwrap();
        assert_eq!((made.width, made.height, made.channels), (256, 1, 4));
        assert!(made.data.iter().all(|v| *v == 128));
        assert_eq!(small(&wide, 1, 9), None);
    }

    #[test]
    fn invisible_colours_do_not_bleed() {
        let image = Image::new(1, 1, 2, 4, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!(small(&image, 0, 1).unwrap().2, [1.0, 0.0, 0.0, 0.5]);
    }
}
