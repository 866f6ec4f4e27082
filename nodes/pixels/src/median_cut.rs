//! A palette for a picture, by median cut: the box with the most pixels is cut at its median again and
//! again, and each box gives the mean of its colours.

use std::collections::BTreeMap;

/// No more different colours than this are told apart; above, colours are thinned to fewer bits.
const MAX_COLORS: usize = 1 << 16;

type Rgb = [u8; 3];

/// A set of colours, each with its number of pixels, and its halves once it is cut.
struct Cell {
    colors: Vec<(Rgb, u64)>,
    pixels: u64,
    halves: Option<[usize; 2]>,
}

impl Cell {
    /// The channel to cut along, and whether there is anything to cut.
    fn axis(&self) -> Option<usize> {
        let mut low = [255_u8; 3];
        let mut high = [0_u8; 3];
        for (color, _) in &self.colors {
            for k in 0..3 {
                low[k] = low[k].min(color[k]);
                high[k] = high[k].max(color[k]);
            }
        }
        if low == high {
            return None;
        }
        // Brightness weights: the eye sees steps of green first.
        let spread = |k: usize, weight: u32| u32::from(high[k] - low[k]) * weight;
        let f = [spread(0, 77), spread(1, 150), spread(2, 29)];
        let mut axis = 0;
        for k in 1..3 {
            if f[k] > f[axis] {
                axis = k;
            }
        }
        // A channel without spread can only win when none has any.
        (f[axis] > 0).then_some(axis)
    }

    /// The upper and the lower half: values of a channel are never parted.
    fn cut(&mut self) -> Option<[Cell; 2]> {
        let axis = self.axis()?;
        let mut counts = [0_u64; 256];
        for (color, n) in &self.colors {
            counts[usize::from(color[axis])] += n;
        }
        let lowest = counts.iter().position(|n| *n > 0)?;
        let mut taken = 0;
        let mut first_right = 0;
        for value in (0..256).rev() {
            taken += counts[value];
            if taken * 2 > self.pixels {
                first_right = value;
                break;
            }
        }
        // The lowest value always stays for the second half.
        let keep = if first_right <= lowest { lowest + 1 } else { first_right };
        let colors = std::mem::take(&mut self.colors);
        let (upper, lower): (Vec<_>, Vec<_>) =
            colors.into_iter().partition(|(c, _)| usize::from(c[axis]) >= keep);
        Some([upper, lower].map(|colors| {
            let pixels = colors.iter().map(|(_, n)| n).sum();
            Cell { colors, pixels, halves: None }
        }))
    }
}

/// The numbers of cells with the one of most pixels on top. Which of equals is on top decides the
/// palette, so the order of exchanges is fixed here and not left to a library's heap.
#[derive(Default)]
struct Heap(Vec<usize>);

impl Heap {
    fn add(&mut self, cell: usize, cells: &[Cell]) {
        self.0.push(cell);
        let mut k = self.0.len();
        while k > 1 && cells[cell].pixels > cells[self.0[k / 2 - 1]].pixels {
            self.0[k - 1] = self.0[k / 2 - 1];
            k /= 2;
        }
        self.0[k - 1] = cell;
    }

    fn remove(&mut self, cells: &[Cell]) -> Option<usize> {
        let top = *self.0.first()?;
        let last = self.0.pop()?;
        let n = self.0.len();
        if n == 0 {
            return Some(top);
        }
        let weight = |cell: usize| cells[cell].pixels;
        let mut k = 1;
        while k * 2 <= n {
            let mut child = k * 2;
            if child < n && weight(self.0[child - 1]) < weight(self.0[child]) {
                child += 1;
            }
            if weight(last) > weight(self.0[child - 1]) {
                break;
            }
            self.0[k - 1] = self.0[child - 1];
            k = child;
        }
        self.0[k - 1] = last;
        Some(top)
    }
}

fn thin(color: Rgb, bits: u32) -> Rgb {
    color.map(|v| v >> bits)
}

/// How many pixels have each colour, and the bits by which colours had to be thinned.
fn histogram(pixels: &[Rgb]) -> (BTreeMap<Rgb, u64>, u32) {
    // Sorting a copy is far faster than a tree for every pixel.
    let mut sorted = pixels.to_vec();
    sorted.sort_unstable();
    let mut bits = 0;
    loop {
        let mut counts = BTreeMap::new();
        for run in sorted.chunk_by(|a, b| a == b) {
            *counts.entry(thin(run[0], bits)).or_insert(0) += run.len() as u64;
        }
        if counts.len() <= MAX_COLORS {
            return (counts, bits);
        }
        bits += 1;
    }
}

/// At most `count` colours for these pixels, which must not be none.
pub(crate) fn palette(pixels: &[Rgb], count: usize) -> Vec<Rgb> {
    let (counts, bits) = histogram(pixels);
    let root = Cell { colors: counts.into_iter().collect(), pixels: pixels.len() as u64, halves: None };
    let mut cells = vec![root];
    let mut heap = Heap::default();
    heap.add(0, &cells);
    'cuts: for _ in 1..count {
        loop {
            let Some(cell) = heap.remove(&cells) else { break 'cuts };
            let Some(halves) = cells[cell].cut() else { continue };
            let at = cells.len();
            cells.extend(halves);
            cells[cell].halves = Some([at, at + 1]);
            heap.add(at, &cells);
            heap.add(at + 1, &cells);
            break;
        }
    }
    means(pixels, &leaves(&cells), bits)
}

/// The cells that were not cut, upper halves first.
fn leaves(cells: &[Cell]) -> Vec<&Cell> {
    let mut out = Vec::new();
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        match cells[at].halves {
            Some([upper, lower]) => open.extend([lower, upper]),
            None => out.push(&cells[at]),
        }
    }
    out
}

/// The mean of the true colours in each cell.
fn means(pixels: &[Rgb], leaves: &[&Cell], bits: u32) -> Vec<Rgb> {
    let mut place = BTreeMap::new();
    for (i, leaf) in leaves.iter().enumerate() {
        place.extend(leaf.colors.iter().map(|(color, _)| (*color, i)));
    }
    let mut sums = vec![([0_u64; 3], 0_u64); leaves.len()];
    let mut sorted = pixels.to_vec();
    sorted.sort_unstable();
    for run in sorted.chunk_by(|a, b| a == b) {
        if let Some(i) = place.get(&thin(run[0], bits)) {
            let (sum, n) = &mut sums[*i];
            *n += run.len() as u64;
            for (s, v) in sum.iter_mut().zip(run[0]) {
                *s += u64::from(v) * run.len() as u64;
            }
        }
    }
    sums.iter().map(|(sum, n)| sum.map(|s| (0.5 + s as f64 / (*n).max(1) as f64) as u8)).collect()
}
