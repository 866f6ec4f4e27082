//! Products of small matrices, in 32 bit and in one order for any number of threads.

use rayon::prelude::*;

/// `out = row * matrix`, where `matrix` has as many rows as `row` has numbers. Each number of `out` is summed from the
/// first row to the last.
pub(super) fn row_times(row: &[f32], matrix: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    let width = out.len();
    if width == 0 {
        return;
    }
    // Four rows at a time, so that `out` is read and written less; the order of the sums stays.
    let mut fours = row.chunks_exact(4).zip(matrix.chunks_exact(4 * width));
    for (f, rows) in &mut fours {
        let (a, rest) = rows.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, d) = rest.split_at(width);
        for ((((o, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *o = (((*o + f[0] * a) + f[1] * b) + f[2] * c) + f[3] * d;
        }
    }
    let done = row.len() / 4 * 4;
    for (f, m) in row.iter().zip(matrix.chunks_exact(width)).skip(done) {
        for (o, m) in out.iter_mut().zip(m) {
            *o += f * m;
        }
    }
}

/// Calls `f` with the index and the numbers of every row, and with a scratch row for each of `N` uses.
pub(super) fn each_row<const N: usize>(
    values: &mut [f32],
    width: usize,
    f: impl Fn(usize, &mut [f32], &mut [Vec<f32>; N]) + Sync,
) {
    if width == 0 {
        return;
    }
    values
        .par_chunks_exact_mut(width)
        .enumerate()
        .for_each_init(|| std::array::from_fn(|_| vec![0.0; width]), |scratch, (i, row)| f(i, row, scratch));
}

/// `a * b`, as a new matrix.
pub(super) fn times(a: &[f32], b: &[f32], inner: usize, width: usize) -> Vec<f32> {
    let rows = a.len().checked_div(inner).unwrap_or(0);
    let mut out = vec![0.0; rows * width];
    each_row::<0>(&mut out, width, |i, row, _| row_times(&a[i * inner..][..inner], b, row));
    out
}

/// Rows and columns exchanged.
pub(super) fn turned(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    if rows > 0 && columns > 0 {
        for (r, row) in values.chunks_exact(columns).take(rows).enumerate() {
            for (c, value) in row.iter().enumerate() {
                out[c * rows + r] = *value;
            }
        }
    }
    out
}
