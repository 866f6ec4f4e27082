//! The forms a change can have, and what each does to a weight.
//!
//! Most are products of small matrices: `up * down` (LoRA, with a core between them for convolutions: LoCon), two of
//! them multiplied number by number (LoHa), a Kronecker product (LoKr), or a product with the weight itself (GLoRA).
//! Every weight is seen as a matrix: its first side by all others.

use kiln_weights::Stored;

use super::error::LoraError;
use super::maths::{each_row, row_times, times, turned};
use super::oft::Oft;
use super::read::{Raw, Role};

/// More ranks than any weight here has rows.
const MOST_RANKS: usize = 1 << 16;
/// A core has its rank squared.
const MOST_CORE_RANKS: usize = 4096;

/// What is done to one weight.
#[derive(Debug)]
pub(super) struct Form {
    kind: Kind,
    /// Alpha over rank.
    scale: f64,
    dora: Option<Dora>,
}

#[derive(Debug)]
enum Kind {
    Product(Product),
    Hada(Product, Product),
    Kron(Factor, Factor),
    Glora { a1: Stored, a2: Stored, b: Product },
    Oft(Oft),
    Diff(Stored),
    Set(Stored),
}

/// `up * down`, or `up * core * down`.
#[derive(Debug)]
struct Product {
    up: Stored,
    /// `up` lies turned: its ranks first.
    up_turned: bool,
    down: Stored,
    core: Option<Stored>,
    rank: usize,
    rows: usize,
    width: usize,
}

/// A side of a Kronecker product.
#[derive(Debug)]
enum Factor {
    Whole { tensor: Stored, rows: usize, width: usize },
    Product(Product),
}

/// Sizes that a changed weight's rows or columns are brought to.
#[derive(Debug)]
struct Dora {
    sizes: Stored,
    /// PEFT's are per row whatever their shape.
    rows: bool,
}

fn rest(shape: &[usize]) -> usize {
    shape.iter().skip(1).product()
}

impl Product {
    fn new(
        raw: &Raw<'_>,
        up: &Stored,
        up_turned: bool,
        down: &Stored,
        core: Option<&Stored>,
    ) -> Result<Self, LoraError> {
        for tensor in [up, down] {
            if tensor.shape().len() < 2 {
                return Err(raw.odd(tensor, "a matrix or a convolution is needed"));
            }
        }
        let (a, b) = (up.shape()[0], rest(up.shape()));
        let (rows, rank) = if up_turned { (b, a) } else { (a, b) };
        let (down_rank, mut width) = (down.shape()[0], rest(down.shape()));
        if rank > MOST_RANKS {
            return Err(raw.odd(up, format!("a rank of {rank} is refused, at most {MOST_RANKS} make sense")));
        }
        match core {
            None if rank != down_rank => {
                let why = format!("its rank is {rank}, but {:?} has the rank {down_rank}", down.name());
                return Err(raw.odd(up, why));
            }
            None => {}
            Some(core) => {
                let sides = core.shape();
                if sides.len() < 3 || sides[0] != rank || sides[1] != down_rank {
                    let why = format!("a core between the ranks {rank} and {down_rank} is needed");
                    return Err(raw.odd(core, why));
                }
                if rank > MOST_CORE_RANKS {
                    let why =
                        format!("a core of rank {rank} is refused, at most {MOST_CORE_RANKS} make sense");
                    return Err(raw.odd(core, why));
                }
                width = width.saturating_mul(sides[2..].iter().product());
            }
        }
        Ok(Self { up: up.clone(), up_turned, down: down.clone(), core: core.cloned(), rank, rows, width })
    }

    /// `up` and `down` as matrices; a core is worked into `down`.
    fn matrices(&self) -> (Vec<f32>, Vec<f32>) {
        let up = self.up.to_f32();
        let up = if self.up_turned { turned(&up, self.rank, self.rows) } else { up };
        let down = self.down.to_f32();
        let Some(core) = &self.core else { return (up, down) };
        let ranks = core.shape()[1];
        let kernel: usize = core.shape()[2..].iter().product();
        let inputs = self.width / kernel.max(1);
        let core = core.to_f32();
        // [rank, inputs, kernel], summed over the ranks between.
        let mut joined = vec![0.0; self.rank * self.width];
        each_row::<0>(&mut joined, self.width, |i, row, _| {
            for j in 0..ranks {
                let core = &core[(i * ranks + j) * kernel..][..kernel];
                for (out, factor) in row.chunks_exact_mut(kernel).zip(&down[j * inputs..][..inputs]) {
                    for (o, c) in out.iter_mut().zip(core) {
                        *o += c * factor;
                    }
                }
            }
        });
        (up, joined)
    }

    fn whole(&self) -> Vec<f32> {
        let (up, down) = self.matrices();
        times(&up, &down, self.rank, self.width)
    }
}

impl Factor {
    fn new(raw: &Raw<'_>, [whole, a, b]: [Role; 3], core: Option<Role>) -> Result<Self, LoraError> {
        if let Some(tensor) = raw.get(whole) {
            if tensor.shape().len() < 2 {
                return Err(raw.odd(tensor, "a matrix or a convolution is needed"));
            }
            return Ok(Self::Whole {
                tensor: tensor.clone(),
                rows: tensor.shape()[0],
                width: rest(tensor.shape()),
            });
        }
        let a = raw.need(a, "a part of a LoKr", "whole or first half of each factor")?;
        let b = raw.need(b, "the first half of a LoKr factor", "second half")?;
        let core = core.and_then(|role| raw.get(role));
        Ok(Self::Product(Product::new(raw, a, core.is_some(), b, core)?))
    }

    fn rank(&self) -> Option<usize> {
        match self {
            Self::Whole { .. } => None,
            Self::Product(product) => Some(product.rank),
        }
    }

    fn sides(&self) -> (usize, usize) {
        match self {
            Self::Whole { rows, width, .. } => (*rows, *width),
            Self::Product(product) => (product.rows, product.width),
        }
    }

    fn values(&self) -> Vec<f32> {
        match self {
            Self::Whole { tensor, .. } => tensor.to_f32(),
            Self::Product(product) => product.whole(),
        }
    }
}

impl Form {
    /// The form of a module's tensors; none if only its bias changes.
    pub(super) fn of(raw: &Raw<'_>) -> Result<Option<Self>, LoraError> {
        let has = |roles: &[Role]| roles.iter().any(|role| raw.get(*role).is_some());
        let alpha = raw.alpha()?;
        let over = |rank: usize| alpha.map_or(1.0, |alpha| alpha / rank as f64);
        let (kind, scale) = if has(&[Role::Down, Role::Up, Role::Mid]) {
            let up = raw.need(Role::Up, "a lora_down", "lora_up")?;
            let down = raw.need(Role::Down, "a lora_up", "lora_down")?;
            let product = Product::new(raw, up, false, down, raw.get(Role::Mid))?;
            let scale = over(product.rank);
            (Kind::Product(product), scale)
        } else if has(&[Role::Hada1A, Role::Hada1B, Role::Hada2A, Role::Hada2B]) {
            let cores = (raw.get(Role::HadaT1), raw.get(Role::HadaT2));
            if cores.0.is_some() != cores.1.is_some() {
                raw.need(Role::HadaT1, "a hada_t2", "hada_t1")?;
                raw.need(Role::HadaT2, "a hada_t1", "hada_t2")?;
            }
            let half = |a, b, core: Option<&Stored>| {
                let a = raw.need(a, "a part of a LoHa", "hada_w1_a or hada_w2_a")?;
                let b = raw.need(b, "a part of a LoHa", "hada_w1_b or hada_w2_b")?;
                Product::new(raw, a, core.is_some(), b, core)
            };
            let one = half(Role::Hada1A, Role::Hada1B, cores.0)?;
            let two = half(Role::Hada2A, Role::Hada2B, cores.1)?;
            if (one.rows, one.width) != (two.rows, two.width) {
                return Err(raw.odd(&two.up, "the two halves of this LoHa have different sides"));
            }
            let scale = over(one.rank);
            (Kind::Hada(one, two), scale)
        } else if has(&[Role::Kron1, Role::Kron1A, Role::Kron1B, Role::Kron2, Role::Kron2A, Role::Kron2B]) {
            let one = Factor::new(raw, [Role::Kron1, Role::Kron1A, Role::Kron1B], None)?;
            let two = Factor::new(raw, [Role::Kron2, Role::Kron2A, Role::Kron2B], Some(Role::KronT2))?;
            // Two whole factors have no rank, and no scale.
            let scale = two.rank().or(one.rank()).map_or(1.0, over);
            (Kind::Kron(one, two), scale)
        } else if has(&[Role::GloraA1, Role::GloraA2, Role::GloraB1, Role::GloraB2]) {
            let need = |role| raw.need(role, "a part of a GLoRA", "a1, a2, b1 or b2");
            let (a1, a2) = (need(Role::GloraA1)?, need(Role::GloraA2)?);
            let b = Product::new(raw, need(Role::GloraB1)?, false, need(Role::GloraB2)?, None)?;
            if let Some(mid) = raw.get(Role::GloraMid) {
                return Err(raw.form(mid, "a GLoRA with a core"));
            }
            let sides = |t: &Stored| (t.shape().first().copied().unwrap_or(0), rest(t.shape()));
            let ((inputs, rank), (rank2, outputs)) = (sides(a1), sides(a2));
            if inputs != outputs || rank != rank2 || a1.shape().len() < 2 {
                return Err(raw.odd(a1, "a1 and a2 of a GLoRA do not fit together (an old file?)"));
            }
            let scale = over(rank);
            (Kind::Glora { a1: a1.clone(), a2: a2.clone(), b }, scale)
        } else if let Some(blocks) = raw.get(Role::OftBlocks) {
            let oft = Oft::new(raw, blocks, raw.get(Role::OftScale), alpha)?;
            (Kind::Oft(oft), 1.0)
        } else if let Some(diff) = raw.get(Role::Diff) {
            (Kind::Diff(diff.clone()), 1.0)
        } else if let Some(set) = raw.get(Role::Set) {
            (Kind::Set(set.clone()), 1.0)
        } else {
            return Ok(None);
        };
        let dora = match (raw.get(Role::Dora), raw.get(Role::Magnitude)) {
            (Some(sizes), _) => Some(Dora { sizes: sizes.clone(), rows: false }),
            (None, Some(sizes)) => Some(Dora { sizes: sizes.clone(), rows: true }),
            (None, None) => None,
        };
        if let (Some(dora), Kind::Oft(_) | Kind::Set(_) | Kind::Diff(_) | Kind::Glora { .. }) = (&dora, &kind)
        {
            return Err(raw.form(&dora.sizes, "DoRA on a form other than LoRA, LoHa and LoKr"));
        }
        Ok(Some(Self { kind, scale, dora }))
    }

    /// A plain difference.
    pub(super) fn diff(diff: &Stored) -> Self {
        Self { kind: Kind::Diff(diff.clone()), scale: 1.0, dora: None }
    }

    /// Why this does not fit a weight of this shape, if it does not.
    pub(super) fn misfit(&self, shape: &[usize]) -> Option<String> {
        let (rows, width) = (shape.first().copied().unwrap_or(1), rest(shape));
        let inputs = shape.get(1).copied().unwrap_or(1);
        let differ = |own: (usize, usize)| {
            (own != (rows, width)).then(|| {
                format!("it changes a weight of {} by {}, but the model's is {rows} by {width}", own.0, own.1)
            })
        };
        let misfit = match &self.kind {
            Kind::Product(product) | Kind::Hada(product, _) => differ((product.rows, product.width)),
            Kind::Kron(one, two) => {
                let ((a, c), (b, d)) = (one.sides(), two.sides());
                differ((a.saturating_mul(b), c.saturating_mul(d)))
            }
            Kind::Glora { a1, b, .. } => differ((b.rows, b.width)).or_else(|| {
                let found = a1.shape().first().copied().unwrap_or(0);
                (found != inputs).then(|| format!("it is for {found} inputs, but the model has {inputs}"))
            }),
            Kind::Oft(oft) => oft.misfit(rows),
            Kind::Diff(tensor) | Kind::Set(tensor) => {
                differ((tensor.shape().first().copied().unwrap_or(1), rest(tensor.shape())))
            }
        };
        misfit.or_else(|| self.dora.as_ref().and_then(|dora| dora.misfit(rows, inputs)))
    }

    /// Changes a weight of this shape, which [`Self::misfit`] has let through.
    pub(super) fn apply(&self, shape: &[usize], values: &mut [f32], strength: f64) {
        let width = rest(shape);
        if self.misfit(shape).is_some() || values.len() != shape.iter().product::<usize>() {
            return;
        }
        let inputs = shape.get(1).copied().unwrap_or(1);
        match (&self.kind, &self.dora) {
            (Kind::Oft(oft), _) => oft.apply(values, width, strength),
            (Kind::Set(set), _) => blend(values, &set.to_f32(), strength),
            (_, None) => self.add(values, width, inputs, strength * self.scale),
            (_, Some(dora)) => {
                let mut changed = values.to_vec();
                self.add(&mut changed, width, inputs, self.scale);
                dora.apply(&mut changed, width, inputs);
                blend(values, &changed, strength);
            }
        }
    }

    /// `values += by * change`.
    fn add(&self, values: &mut [f32], width: usize, inputs: usize, by: f64) {
        let by = by as f32;
        match &self.kind {
            Kind::Product(product) => {
                let (up, down) = product.matrices();
                each_row::<1>(values, width, |i, row, [change]| {
                    row_times(&up[i * product.rank..][..product.rank], &down, change);
                    row.iter_mut().zip(change).for_each(|(v, c)| *v += by * *c);
                });
            }
            Kind::Hada(one, two) => {
                let ((up1, down1), (up2, down2)) = (one.matrices(), two.matrices());
                each_row::<2>(values, width, |i, row, [a, b]| {
                    row_times(&up1[i * one.rank..][..one.rank], &down1, a);
                    row_times(&up2[i * two.rank..][..two.rank], &down2, b);
                    row.iter_mut().zip(a).zip(b).for_each(|((v, a), b)| *v += by * (*a * *b));
                });
            }
            Kind::Kron(one, two) => {
                let ((_, columns), (rows, span)) = (one.sides(), two.sides());
                let (one, two) = (one.values(), two.values());
                each_row::<0>(values, width, |i, row, _| {
                    let small = &one[i / rows * columns..][..columns];
                    let large = &two[i % rows * span..][..span];
                    for (part, f) in row.chunks_exact_mut(span).zip(small) {
                        part.iter_mut().zip(large).for_each(|(v, l)| *v += by * (f * l));
                    }
                });
            }
            Kind::Glora { a1, a2, b } => {
                let rank = rest(a1.shape());
                let kernel = width / inputs.max(1);
                let a1 = turned(&a1.to_f32(), inputs, rank);
                let a2 = turned(&a2.to_f32(), rank, inputs);
                let (up, down) = b.matrices();
                each_row::<2>(values, width, |i, row, [change, through]| {
                    // This row of the weight is [inputs, kernel]: through a1 and a2, by its inputs.
                    let mut narrow = vec![0.0; rank * kernel];
                    for (a1, out) in a1.chunks_exact(inputs).zip(narrow.chunks_exact_mut(kernel)) {
                        row_times(a1, row, out);
                    }
                    for (a2, out) in a2.chunks_exact(rank).zip(through.chunks_exact_mut(kernel)) {
                        row_times(a2, &narrow, out);
                    }
                    row_times(&up[i * b.rank..][..b.rank], &down, change);
                    row.iter_mut().zip(change).zip(through).for_each(|((v, c), t)| *v += by * (*c + *t));
                });
            }
            Kind::Diff(diff) => {
                values.iter_mut().zip(diff.to_f32()).for_each(|(v, d)| *v += by * d);
            }
            Kind::Oft(_) | Kind::Set(_) => {}
        }
    }
}

/// From `values` towards `goal`; all the way at a strength of one.
fn blend(values: &mut [f32], goal: &[f32], strength: f64) {
    if strength == 1.0 {
        values.copy_from_slice(goal);
    } else {
        let strength = strength as f32;
        values.iter_mut().zip(goal).for_each(|(v, g)| *v += strength * (g - *v));
    }
}

impl Dora {
    /// Whether a size belongs to a row; else to a column of inputs.
    fn per_row(&self, rows: usize) -> bool {
        let shape = self.sizes.shape();
        self.rows || shape.len() == 1 || (shape.first() == Some(&rows) && rest(shape) == 1)
    }

    fn misfit(&self, rows: usize, inputs: usize) -> Option<String> {
        let wanted = if self.per_row(rows) { rows } else { inputs };
        let found = self.sizes.len();
        (found != wanted).then(|| format!("its DoRA sizes are {found}, but the model's layer has {wanted}"))
    }

    /// Brings the length of each row (or column) to its size.
    fn apply(&self, values: &mut [f32], width: usize, inputs: usize) {
        let sizes = self.sizes.to_f32();
        let factor = |size: f32, squares: f64| size / (squares.sqrt() as f32 + f32::EPSILON);
        let rows = values.len().checked_div(width).unwrap_or(0);
        if self.per_row(rows) {
            each_row::<0>(values, width, |i, row, _| {
                let squares = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
                let factor = factor(sizes[i], squares);
                row.iter_mut().for_each(|v| *v *= factor);
            });
            return;
        }
        let kernel = (width / inputs.max(1)).max(1);
        let mut squares = vec![0.0_f64; inputs];
        for row in values.chunks_exact(width) {
            for (sum, part) in squares.iter_mut().zip(row.chunks_exact(kernel)) {
                *sum += part.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
            }
        }
        let factors: Vec<f32> = sizes.iter().zip(&squares).map(|(size, sum)| factor(*size, *sum)).collect();
        each_row::<0>(values, width, |_, row, _| {
            for (part, factor) in row.chunks_exact_mut(kernel).zip(&factors) {
                part.iter_mut().for_each(|v| *v *= factor);
            }
        });
    }
}

impl Raw<'_> {
    pub(super) fn form(&self, tensor: &Stored, form: &'static str) -> LoraError {
        LoraError::Form { file: self.file.to_path_buf(), tensor: tensor.name().to_owned(), form }
    }
}
