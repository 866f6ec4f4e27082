//! The compact network (SRVGGNetCompact): a row of convolutions at the small size; the last one's channels become
//! pixels, and the enlarged input is added, so that the network only makes the difference.

use kiln_networks::NetError;
use kiln_tensor::ops::{self, MapConv, MapThen, Maps, Slope};
use kiln_tensor::{Compute, Tensor, Vars, VarsError};

use crate::network::Steps;

/// More than any known model: a file that says more is wrong, or means harm.
const MOST_LAYERS: usize = 512;
const MOST_FEATURES: usize = 4096;
const MOST_SCALE: usize = 16;

/// The network.
#[derive(Debug)]
pub(crate) struct Compact {
    /// The last one's channels become pixels.
    layers: Vec<MapConv>,
    features: usize,
    scale: usize,
    compute: Compute,
}

impl Compact {
    /// Builds it: convolutions have even numbers, activations odd ones.
    pub(crate) fn new(vars: &Vars) -> Result<Self, VarsError> {
        let body = vars.at("body");
        let numbers: Vec<usize> = (0..MOST_LAYERS).filter(|n| body.has(&format!("{n}.weight"))).collect();
        let (Some(&end), Some(first)) = (numbers.last(), body.shape("0.weight")) else {
            return Err(VarsError::Missing { file: vars.file().into(), name: body.full("0.weight") });
        };
        let &[features, _, _, _] = first.as_slice() else {
            return Err(vars.odd(format!("\"{}\" is no 3x3 convolution: {first:?}", body.full("0.weight"))));
        };
        if features == 0 || features > MOST_FEATURES || end == 0 || end % 2 == 1 {
            return Err(vars.odd(format!(
                "{features} features in the layers 0 to {end} make no compact upscaler (convolutions have even numbers)"
            )));
        }
        let mut layers = Vec::new();
        for n in (0..end).step_by(2) {
            let at = body.at(n.to_string());
            let c_in = if n == 0 { 3 } else { features };
            let weight = at.get("weight", &[features, c_in, 3, 3])?;
            let bias = at.has("bias").then(|| at.get("bias", &[features])).transpose()?;
            let after = body.at((n + 1).to_string());
            // Files without slopes come from networks with ReLU.
            let slope = match after.shape("weight").as_deref() {
                None => Slope::One(0.0),
                Some([1]) => Slope::Each(after.any("weight")?),
                Some(_) => Slope::Each(after.get("weight", &[features])?),
            };
            layers.push(MapConv { weight, bias, scale: 1.0, slope });
        }
        let at = body.at(end.to_string());
        let c_out = at.shape("weight").and_then(|s| s.first().copied()).unwrap_or(0);
        let scale = (1..=MOST_SCALE).find(|s| 3 * s * s == c_out).ok_or_else(|| {
            vars.odd(format!(
                "\"{}\" has {c_out} channels; 3, 12, 27, 48 and so on would be a scale (3 x scale x scale)",
                at.full("weight")
            ))
        })?;
        let weight = at.get("weight", &[c_out, features, 3, 3])?;
        let bias = at.has("bias").then(|| at.get("bias", &[c_out])).transpose()?;
        layers.push(MapConv { weight, bias, scale: 1.0, slope: Slope::One(1.0) });
        Ok(Self { layers, features, scale, compute: vars.compute().clone() })
    }

    pub(crate) fn scale(&self) -> usize {
        self.scale
    }

    pub(crate) fn steps(&self) -> usize {
        self.layers.len()
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "compact (SRVGGNetCompact), {} convolutions of {} features, {}x",
            self.layers.len(),
            self.features,
            self.scale
        )
    }

    pub(crate) fn forward(
        &self,
        planes: Vec<f32>,
        [h, w]: [usize; 2],
        steps: &Steps<'_>,
    ) -> Result<Tensor<4>, NetError> {
        let x = Maps::of(planes, 3, [h, w], &self.compute);
        let (mut seen, mut made) = (Maps::default(), Maps::default());
        for (n, layer) in self.layers.iter().enumerate() {
            std::mem::swap(&mut seen, &mut made);
            let from = if n == 0 { &x } else { &seen };
            layer.run(&[from], MapThen::default(), &self.compute, &mut made);
            steps.at(n + 1)?;
        }
        let y = ops::pixel_shuffle(&made.tensor(), self.scale);
        Ok(ops::add(y, &ops::upsample_nearest(x.tensor(), [h * self.scale, w * self.scale])))
    }
}
