//! Orthogonal changes: blocks of rows turned by rotations (OFT), in several butterfly stages (BOFT).
//!
//! A rotation comes from any square matrix B by Cayley's formula: with Q = B - B^T, R = (1 + Q)(1 - Q)^-1. OFT mixes
//! rows by R transposed, BOFT by R itself in each stage, as LyCORIS defines them.

use kiln_weights::Stored;

use super::error::LoraError;
use super::maths::{each_row, row_times};
use super::read::Raw;

/// Inverting takes the third power of this.
const LARGEST_BLOCK: usize = 1024;

#[derive(Debug)]
pub(super) struct Oft {
    blocks: Stored,
    /// Factors for the rows.
    scale: Option<Stored>,
    /// How far the turning may go, per row of the weight; zero is any.
    constraint: f64,
}

impl Oft {
    pub(super) fn new(
        raw: &Raw<'_>,
        blocks: &Stored,
        scale: Option<&Stored>,
        alpha: Option<f64>,
    ) -> Result<Self, LoraError> {
        let (size, stages) = match *blocks.shape() {
            [_, a, b] if a == b => (a, 1),
            [stages, _, a, b] if a == b && a % 2 == 0 => (a, stages),
            _ => return Err(raw.odd(blocks, "square blocks are needed, [n, s, s] or [stages, n, s, s]")),
        };
        if size > LARGEST_BLOCK || stages > 32 {
            let why = format!(
                "blocks of {size} in {stages} stages are refused, at most {LARGEST_BLOCK} in 32 make sense"
            );
            return Err(raw.odd(blocks, why));
        }
        Ok(Self { blocks: blocks.clone(), scale: scale.cloned(), constraint: alpha.unwrap_or(0.0) })
    }

    pub(super) fn misfit(&self, rows: usize) -> Option<String> {
        let (own, stages, size) = match *self.blocks.shape() {
            [n, s, _] => (n.saturating_mul(s), 0, s),
            [stages, n, s, _] => (n.saturating_mul(s), stages, s),
            _ => (0, 0, 0),
        };
        if own != rows {
            return Some(format!("it turns {own} rows, but the model's weight has {rows}"));
        }
        // The last stage exchanges halves of this many rows.
        if stages > 0 && !rows.is_multiple_of(size << (stages - 1)) {
            return Some(format!("its {stages} stages do not fit {rows} rows"));
        }
        self.scale
            .as_ref()
            .filter(|scale| scale.len() != rows)
            .map(|scale| format!("it scales {} rows, but the model's weight has {rows}", scale.len()))
    }

    pub(super) fn apply(&self, values: &mut [f32], width: usize, strength: f64) {
        let Some(rows) = values.len().checked_div(width) else { return };
        let blocks = self.blocks.to_f32();
        let sides = self.blocks.shape();
        let size = sides[sides.len() - 1];
        let rotations = rotations(&blocks, size, self.constraint * rows as f64, strength);
        if sides.len() == 3 {
            mix(values, width, size, &rotations, true);
        } else {
            let per_stage = rows * size;
            for (stage, rotations) in rotations.chunks_exact(per_stage).enumerate() {
                // Rows that lie `half` apart come together in a block of two halves.
                let half = (size / 2) << stage;
                let mut together: Vec<f32> = Vec::with_capacity(values.len());
                let order = order(rows, half);
                for from in &order {
                    together.extend_from_slice(&values[from * width..][..width]);
                }
                mix(&mut together, width, size, rotations, false);
                for (row, to) in together.chunks_exact(width).zip(&order) {
                    values[to * width..][..width].copy_from_slice(row);
                }
            }
        }
        if let Some(scale) = &self.scale {
            let scale = scale.to_f32();
            each_row::<0>(values, width, |i, row, _| {
                let factor = (1.0 + strength * (f64::from(scale[i]) - 1.0)) as f32;
                row.iter_mut().for_each(|v| *v *= factor);
            });
        }
    }
}

/// Row indices with (group of two, half) exchanged inside every stretch of `2 * half` rows.
fn order(rows: usize, half: usize) -> Vec<usize> {
    (0..rows / (2 * half))
        .flat_map(|c| (0..half).flat_map(move |k| (0..2).map(move |g| c * 2 * half + g * half + k)))
        .collect()
}

/// Mixes the rows of each block by its matrix, or by the matrix turned.
fn mix(values: &mut [f32], width: usize, size: usize, matrices: &[f32], transposed: bool) {
    let before = values.to_vec();
    each_row::<0>(values, width, |i, row, _| {
        let (block, m) = (i / size, i % size);
        let matrix = &matrices[block * size * size..][..size * size];
        let factors: Vec<f32> =
            (0..size).map(|n| if transposed { matrix[n * size + m] } else { matrix[m * size + n] }).collect();
        row_times(&factors, &before[block * size * width..][..size * width], row);
    });
}

/// `strength * R + (1 - strength)` for every block.
fn rotations(blocks: &[f32], size: usize, constraint: f64, strength: f64) -> Vec<f32> {
    let square = size * size;
    let mut skew: Vec<f64> = Vec::with_capacity(blocks.len());
    for block in blocks.chunks_exact(square) {
        for r in 0..size {
            skew.extend((0..size).map(|c| f64::from(block[r * size + c]) - f64::from(block[c * size + r])));
        }
    }
    let length = skew.iter().map(|q| q * q).sum::<f64>().sqrt() + 1e-8;
    if constraint > 0.0 && length > constraint {
        skew.iter_mut().for_each(|q| *q *= constraint / length);
    }
    let mut out = Vec::with_capacity(blocks.len());
    for q in skew.chunks_exact(square) {
        let r = cayley(q, size);
        out.extend(r.iter().enumerate().map(|(at, r)| {
            let one = if at.is_multiple_of(size + 1) { 1.0 } else { 0.0 };
            (strength * r + (1.0 - strength) * one) as f32
        }));
    }
    out
}

/// `(1 + Q)(1 - Q)^-1`. The two commute, so it is the X of `(1 - Q) X = 1 + Q`, by elimination with pivots; `1 - Q` of a
/// skew Q always has an inverse.
fn cayley(q: &[f64], size: usize) -> Vec<f64> {
    let one = |at: usize| if at.is_multiple_of(size + 1) { 1.0 } else { 0.0 };
    let mut left: Vec<f64> = q.iter().enumerate().map(|(at, q)| one(at) - q).collect();
    let mut right: Vec<f64> = q.iter().enumerate().map(|(at, q)| one(at) + q).collect();
    for column in 0..size {
        let mut pivot = column;
        for r in column + 1..size {
            if left[r * size + column].abs() > left[pivot * size + column].abs() {
                pivot = r;
            }
        }
        if pivot != column {
            for c in 0..size {
                left.swap(pivot * size + c, column * size + c);
                right.swap(pivot * size + c, column * size + c);
            }
        }
        let by = left[column * size + column];
        for c in 0..size {
            left[column * size + c] /= by;
            right[column * size + c] /= by;
        }
        for r in (0..size).filter(|r| *r != column) {
            let factor = left[r * size + column];
            if factor != 0.0 {
                for c in 0..size {
                    left[r * size + c] -= factor * left[column * size + c];
                    right[r * size + c] -= factor * right[column * size + c];
                }
            }
        }
    }
    right
}
