//! Times as waves.

/// For each time, `dim` numbers: cosines, then sines, of the time at frequencies falling from 1 to 1 / `max_period`;
/// an odd `dim` ends with a zero. All in 32 bit, as these networks were trained: at a time of 999 the rounding of a
/// frequency is seen in the cosine's fifth digit.
#[must_use]
pub fn timestep_embedding(timesteps: &[f32], dim: usize, max_period: f32) -> Vec<f32> {
    let half = dim / 2;
    let scale = -libm::log(f64::from(max_period)) as f32;
    let frequencies: Vec<f32> = (0..half).map(|k| exp(scale * k as f32 / half as f32)).collect();
    let mut out = Vec::with_capacity(timesteps.len() * dim);
    for &t in timesteps {
        out.extend(frequencies.iter().map(|f| cos(t * f)));
        out.extend(frequencies.iter().map(|f| sin(t * f)));
        out.resize(out.len() + dim - 2 * half, 0.0);
    }
    out
}

// Computed in 64 bit and rounded once: the nearest 32-bit number, which is what vectorised libraries give nearly always.

fn exp(x: f32) -> f32 {
    libm::exp(f64::from(x)) as f32
}

fn cos(x: f32) -> f32 {
    libm::cos(f64::from(x)) as f32
}

fn sin(x: f32) -> f32 {
    libm::sin(f64::from(x)) as f32
}
