//! Changes to how a model is sampled: contrast, FreeU, and other relations of noise and time.

use crate::values::{DiscretePrediction, EdmPrediction, FreeUSettings, ModelValue, SpaceChoice, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_sampling::Space;

pub(super) fn nodes() -> Vec<Node> {
    vec![
        rescale_cfg(),
        free_u(),
        free_u2(),
        sampling_discrete(),
        sampling_continuous_edm(),
        sampling_sd3(),
        sampling_flux(),
    ]
}

/// A node that changes a model.
fn patch(
    name: &'static str,
    change: impl Fn(&Cx<'_>, &mut ModelValue) -> Result<(), NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let mut model: ModelValue = take(cx, "model")?;
        change(cx, &mut model)?;
        cx.set("model", model);
        Ok(())
    })
    .category("diffusion/models")
    .input("model", names::MODEL, "The diffusion network.")
    .output("model", names::MODEL, "The changed model.")
}

/// RescaleCfg: the contrast of the plain answer.
fn rescale_cfg() -> Node {
    patch("RescaleCfg", |cx, model| {
        model.rescale_cfg = Some(cx.float32("multiplier")?);
        Ok(())
    })
    .title("Rescale guidance")
    .doc(
        "Takes back the harsh contrast of a strong guidance (Lin et al. 2023): for models that predict the velocity, \
         and for washed-out or burnt pictures.",
    )
    .param(Param::float("multiplier", 0.7, 0.0..=1.0).step(0.01).doc("How much is taken back: 0 nothing, 1 all."))
}

fn free_u_settings(cx: &Cx<'_>, version: u8) -> Result<FreeUSettings, NodeError> {
    Ok(FreeUSettings {
        version,
        b1: cx.float32("b1")?,
        b2: cx.float32("b2")?,
        s1: cx.float32("s1")?,
        s2: cx.float32("s2")?,
    })
}

fn free_u_params(node: Node, b1: f64, b2: f64) -> Node {
    let param =
        |name, default, doc: &'static str| Param::float(name, default, 0.0..=10.0).step(0.01).doc(doc);
    node.param(param("b1", b1, "How strongly the deepest layers count on the way up: above 1 more shape."))
        .param(param("b2", b2, "The same for the layers above them."))
        .param(param(
            "s1",
            0.9,
            "How much of the coarse pattern the shortcuts to the deepest layers keep: below 1 less grain.",
        ))
        .param(param("s2", 0.2, "The same for the layers above them."))
}

/// FreeU: shapes against detail.
fn free_u() -> Node {
    free_u_params(
        patch("FreeU", |cx, model| {
            model.free_u = Some(free_u_settings(cx, 1)?);
            Ok(())
        })
        .title("FreeU")
        .doc("Weighs a network's deep layers against its shortcuts (Si et al. 2023): better shapes at no cost. All at 1 changes nothing."),
        1.1,
        1.2,
    )
}

/// FreeU2: the same, weighed by what is there.
fn free_u2() -> Node {
    free_u_params(
        patch("FreeU2", |cx, model| {
            model.free_u = Some(free_u_settings(cx, 2)?);
            Ok(())
        })
        .title("FreeU 2")
        .doc(
            "FreeU's second version: deep layers count more where they have something to say. 1.3 and 1.4 suit SDXL, \
             1.5 and 1.6 SD 1.x.",
        ),
        1.3,
        1.4,
    )
}

fn no_such(word: &str) -> NodeError {
    NodeError::new(format!("there is no prediction {word:?}")).at("sampling")
}

/// ModelSamplingDiscrete: a thousand steps.
fn sampling_discrete() -> Node {
    patch("ModelSamplingDiscrete", |cx, model| {
        let word = cx.text("sampling")?;
        let prediction = match &*word {
            "eps" => DiscretePrediction::Eps,
            "v_prediction" => DiscretePrediction::V,
            "x0" => DiscretePrediction::X0,
            other => return Err(no_such(other)),
        };
        model.space = Some(SpaceChoice::Discrete { prediction, zsnr: cx.bool("zsnr")? });
        Ok(())
    })
    .title("Model sampling: discrete")
    .doc(
        "Says what a Stable Diffusion model predicts, where its file does not or is wrong. Pictures of pure noise or \
         burnt colours are the sign.",
    )
    .param(Param::choice("sampling", &["eps", "v_prediction", "x0"]).doc(
        "What the network predicts: eps the noise (most models), v_prediction the velocity (SD 2.x at 768 pixels, \
         some SDXL models), x0 the picture.",
    ))
    .param(Param::bool("zsnr", false).doc("The model was trained with pure noise at the first step: true black and white."))
}

/// ModelSamplingContinuousEdm: any level, after Karras et al.
fn sampling_continuous_edm() -> Node {
    let level = |name, default| Param::float(name, default, 0.0..=1000.0).step(0.001);
    patch("ModelSamplingContinuousEdm", |cx, model| {
        let word = cx.text("sampling")?;
        let prediction = match &*word {
            "v_prediction" => EdmPrediction::V,
            "edm" => EdmPrediction::Edm,
            "eps" => EdmPrediction::Eps,
            other => return Err(no_such(other)),
        };
        let (sigma_max, sigma_min) = (cx.float32("sigma_max")?, cx.float32("sigma_min")?);
        if sigma_min <= 0.0 {
            return Err(NodeError::new("the lowest noise level is 0").at("sigma_min").hint("0.002 is usual"));
        }
        if sigma_max <= sigma_min {
            return Err(NodeError::new(format!(
                "the highest noise level, {sigma_max}, is not above the lowest, {sigma_min}"
            ))
            .at("sigma_max")
            .hint("120 is usual"));
        }
        model.space = Some(SpaceChoice::Edm { prediction, sigma_max, sigma_min });
        Ok(())
    })
    .title("Model sampling: continuous")
    .doc("For models trained on any noise level instead of a thousand steps (Karras et al. 2022).")
    .param(Param::choice("sampling", &["v_prediction", "edm", "eps"]).doc(
        "What the network predicts: v_prediction the velocity, edm as Karras et al. have it, eps the noise.",
    ))
    .param(level("sigma_max", 120.0).doc("The highest noise level."))
    .param(level("sigma_min", 0.002).doc("The lowest noise level, above 0."))
}

/// ModelSamplingSd3: a straight path with a shift.
fn sampling_sd3() -> Node {
    patch("ModelSamplingSd3", |cx, model| {
        let shift = cx.float32("shift")?;
        if shift <= 0.0 {
            return Err(NodeError::new("a shift of 0 leaves no noise")
                .at("shift")
                .hint("3 is usual, 1 shifts nothing"));
        }
        model.space = Some(SpaceChoice::Flow { shift, multiplier: 1000.0 });
        Ok(())
    })
    .title("Model sampling: SD3")
    .doc("For flow models like SD3: how much of the drawing goes to high noise.")
    .param(
        Param::float("shift", 3.0, 0.0..=100.0)
            .step(0.01)
            .doc("Above 1 spends more steps on shapes, which large pictures need; 1 spreads them evenly."),
    )
}

/// ModelSamplingFlux: a shift by the picture's size.
fn sampling_flux() -> Node {
    let shift = |name, default| Param::float(name, default, 0.0..=100.0).step(0.01);
    let side = |name, doc: &'static str| Param::int(name, 1024, 16..=16_384).step(8.0).unit("px").doc(doc);
    patch("ModelSamplingFlux", |cx, model| {
        let (width, height) = (cx.count("width")?, cx.count("height")?);
        let mu = Space::flux_mu(width, height, cx.float("base_shift")?, cx.float("max_shift")?);
        model.space = Some(SpaceChoice::Flux { mu });
        Ok(())
    })
    .title("Model sampling: Flux")
    .doc("For flow models like Flux: how much of the drawing goes to high noise, by the picture's size.")
    .param(shift("max_shift", 1.15).doc("The shift of a picture of 1024 x 1024."))
    .param(shift("base_shift", 0.5).doc("The shift of a picture of 256 x 256."))
    .param(side("width", "The picture's width."))
    .param(side("height", "The picture's height."))
}
