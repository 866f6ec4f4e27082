//! Large pictures in pieces: a network runs over overlapping tiles, whose results fade into each other.
//!
//! Every tile's result is weighted by a linear ramp at each of its edges, and the sum is divided by the sum of the
//! weights. Several passes with tiles of other shapes are averaged, so that no seam stays in one place. What is held
//! is the whole result and one tile: weights are products of one list for rows and one for columns.

use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Tensor};

use crate::error::NetError;

/// How a result's size follows from its input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// So many times larger.
    Up(usize),
    /// So many times smaller.
    Down(usize),
}

impl Scale {
    fn apply(self, n: usize) -> usize {
        match self {
            Self::Up(by) => n * by,
            Self::Down(by) => n / by.max(1),
        }
    }

    /// Places in the input must be multiples of this, or results would lie between pixels.
    fn grain(self) -> usize {
        match self {
            Self::Up(_) => 1,
            Self::Down(by) => by.max(1),
        }
    }
}

/// One way of cutting a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Height and width of a tile, in the input.
    pub tile: [usize; 2],
    /// How far neighbours overlap, in the input: at most half a tile.
    pub overlap: usize,
}

impl Pass {
    /// The three passes of a tiled autoencoder: square, wide and tall tiles of one area.
    #[must_use]
    pub fn three(tile: usize, overlap: usize) -> [Self; 3] {
        [[tile, tile], [tile / 2, tile * 2], [tile * 2, tile / 2]].map(|tile| Self { tile, overlap })
    }
}

/// Whoever waits for a tiled run.
pub struct Watch<'a> {
    /// Told how many tiles of how many are done.
    pub progress: &'a mut dyn FnMut(usize, usize),
    /// Asked before every tile whether to stop.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// A part of one side of the picture.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    start: usize,
    len: usize,
    out_start: usize,
    /// For every row (or column) of its result; those of all spans sum to one.
    weights: Vec<f32>,
}

/// Cuts one side. Spans lie `tile - overlap` apart; the last ends where the side ends and may be shorter.
fn spans(size: usize, tile: usize, overlap: usize, scale: Scale) -> Vec<Span> {
    let grain = scale.grain();
    let tile = (tile / grain * grain).max(grain);
    let overlap = overlap.min(tile / 2) / grain * grain;
    let step = (tile - overlap).max(grain);
    let starts: Vec<usize> = if size <= tile { vec![0] } else { (0..size - overlap).step_by(step).collect() };
    let cut: Vec<(usize, usize)> = starts.into_iter().map(|start| (start, tile.min(size - start))).collect();
    let ramps: Vec<Vec<f32>> =
        cut.iter().map(|(_, len)| ramp(scale.apply(*len), scale.apply(overlap))).collect();
    let mut sum = vec![0.0f32; scale.apply(size)];
    for ((start, _), ramp) in cut.iter().zip(&ramps) {
        for (sum, weight) in sum.iter_mut().skip(scale.apply(*start)).zip(ramp) {
            *sum += weight;
        }
    }
    cut.into_iter()
        .zip(ramps)
        .map(|((start, len), ramp)| {
            let out_start = scale.apply(start);
            let weights = ramp.iter().zip(sum.iter().skip(out_start)).map(|(w, sum)| w / sum).collect();
            Span { start, len, out_start, weights }
        })
        .collect()
}

/// Rises over `feather` steps to 1, and falls again at the other end; even where it is no longer than that.
fn ramp(len: usize, feather: usize) -> Vec<f32> {
    let rise = |i: usize| if i < feather && feather < len { (i + 1) as f32 / feather as f32 } else { 1.0 };
    (0..len).map(|i| rise(i) * rise(len - 1 - i)).collect()
}

/// The tiles of one pass, and how many passes are like it.
struct Plan {
    rows: Vec<Span>,
    columns: Vec<Span>,
    share: f32,
}

fn plans(size: [usize; 2], passes: &[Pass], scale: Scale) -> Vec<Plan> {
    let share = 1.0 / passes.len() as f32;
    let mut plans: Vec<Plan> = Vec::new();
    for pass in passes {
        let rows = spans(size[0], pass.tile[0], pass.overlap, scale);
        let columns = spans(size[1], pass.tile[1], pass.overlap, scale);
        match plans.iter_mut().find(|p| p.rows == rows && p.columns == columns) {
            // The same tiles again would give the same numbers again.
            Some(same) => same.share += share,
            None => plans.push(Plan { rows, columns, share }),
        }
    }
    plans
}

/// Runs `network` over the tiles of `x` (images, channels, height, width), image by image. Its results must be `scale`
/// times as large as the tiles. Where a picture is to become smaller, its sides must be multiples of the factor.
pub fn tiled(
    x: &Tensor<4>,
    passes: &[Pass],
    scale: Scale,
    compute: &Compute,
    Watch { progress, cancelled }: Watch<'_>,
    network: &mut dyn FnMut(Tensor<4>) -> Result<Tensor<4>, NetError>,
) -> Result<Tensor<4>, NetError> {
    let [images, _, height, width] = x.dims();
    let grain = scale.grain();
    if images * height * width == 0
        || passes.is_empty()
        || !height.is_multiple_of(grain)
        || !width.is_multiple_of(grain)
    {
        return Err(NetError::Shape {
            what: "a picture to be worked on in tiles".into(),
            expected: format!("(images, channels, height, width) with sides that are multiples of {grain}"),
            found: x.dims().to_vec(),
        });
    }
    let plans = plans([height, width], passes, scale);
    let total = images * plans.iter().map(|p| p.rows.len() * p.columns.len()).sum::<usize>();
    let out_size = [scale.apply(height), scale.apply(width)];
    let mut out = Canvas { size: out_size, channels: 0, images, values: Vec::new() };
    let mut done = 0;
    for image in 0..images {
        for plan in &plans {
            for row in &plan.rows {
                for column in &plan.columns {
                    if cancelled() {
                        return Err(NetError::Cancelled);
                    }
                    let tile = x.clone().narrow(0, image, 1).narrow(2, row.start, row.len).narrow(
                        3,
                        column.start,
                        column.len,
                    );
                    out.add(image, network(tile)?, row, column, plan.share)?;
                    done += 1;
                    progress(done, total);
                }
            }
        }
    }
    Ok(compute.tensor(out.values, [images, out.channels, out_size[0], out_size[1]]))
}

/// Where results are summed. Its channels are those of the first result.
struct Canvas {
    size: [usize; 2],
    channels: usize,
    images: usize,
    values: Vec<f32>,
}

impl Canvas {
    fn add(
        &mut self,
        image: usize,
        result: Tensor<4>,
        row: &Span,
        column: &Span,
        share: f32,
    ) -> Result<(), NetError> {
        let dims = result.dims();
        let [height, width] = self.size;
        if self.values.is_empty() {
            self.channels = dims[1];
            self.values = vec![0.0; self.images * self.channels * height * width];
        }
        let wanted = [1, self.channels, row.weights.len(), column.weights.len()];
        if dims != wanted {
            return Err(NetError::Shape {
                what: "the result of a tile".into(),
                expected: format!("{wanted:?}"),
                found: dims.to_vec(),
            });
        }
        let result = values(result)?;
        let planes = self.values.chunks_exact_mut(height * width).skip(image * self.channels);
        for (plane, tile) in planes.zip(result.chunks_exact(dims[2] * dims[3])) {
            let lines = plane.chunks_exact_mut(width).skip(row.out_start);
            for ((line, from), weight) in lines.zip(tile.chunks_exact(dims[3])).zip(&row.weights) {
                let weight = weight * share;
                let line = line.iter_mut().skip(column.out_start);
                for ((sum, value), across) in line.zip(from).zip(&column.weights) {
                    *sum += value * (weight * across);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_a_side_and_their_weights_sum_to_one() {
        for (size, tile, overlap) in
            [(5, 8, 2), (8, 8, 2), (9, 8, 2), (40, 8, 2), (41, 8, 4), (7, 1, 1), (30, 8, 100)]
        {
            for scale in [Scale::Up(1), Scale::Up(8)] {
                let spans = spans(size, tile, overlap, scale);
                let mut sum = vec![0.0; scale.apply(size)];
                for span in &spans {
                    assert!(span.len <= tile && span.start + span.len <= size);
                    for (sum, weight) in sum[span.out_start..].iter_mut().zip(&span.weights) {
                        assert!(*weight > 0.0);
                        *sum += weight;
                    }
                }
                assert!(sum.iter().all(|s: &f32| (s - 1.0).abs() < 1e-6), "{size} {tile} {overlap}: {sum:?}");
                assert!(spans.windows(2).all(|w| w[0].start < w[1].start), "each starts further on");
            }
        }
    }

    #[test]
    fn places_stay_on_the_grain() {
        let spans = spans(200, 60, 20, Scale::Down(8));
        assert!(spans.iter().all(|s| s.start % 8 == 0 && s.len % 8 == 0 && s.out_start * 8 == s.start));
        assert_eq!(
            spans.iter().map(|s| (s.start, s.len)).collect::<Vec<_>>(),
            [(0, 56), (40, 56), (80, 56), (120, 56), (160, 40)]
        );
    }

    #[test]
    fn the_ramp_is_linear() {
        assert_eq!(ramp(8, 4), [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]);
        assert_eq!(ramp(3, 0), [1.0; 3]);
        // Where both ends fade, both count.
        assert_eq!(ramp(3, 2), [0.5, 1.0, 0.5]);
        // Too short to fade at all.
        assert_eq!(ramp(2, 2), [1.0, 1.0]);
    }
}
