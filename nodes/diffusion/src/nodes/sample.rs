//! Sampling: from noise to a latent picture.

use crate::draw::{self, Drawing};
use crate::runtime::Runtime;
use crate::values::{
    Conditioning, GuiderValue, Latent, ModelValue, NoiseValue, SamplerValue, SigmasValue, names, take,
};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_sampling::schedule::{KSteps, slice_steps};
use kiln_sampling::{Sampler, Scheduler, ksampler_sigmas};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![simple(runtime.clone()), advanced(runtime.clone()), custom(runtime.clone()), guided(runtime.clone())]
}

/// The 44 samplers' choice.
pub(super) fn sampler_param(name: &'static str) -> Param {
    Param::choice(name, Sampler::names()).was(&["sampler_name"]).doc(
        "How noise becomes picture. euler and dpmpp_2m are quick and steady; those with \"ancestral\" or \"sde\" in \
         their names add noise on the way and vary more; uni_pc and res_multistep need few steps.",
    )
}

/// The nine schedulers' choice.
pub(super) fn scheduler_param(name: &'static str) -> Param {
    Param::choice(name, &Scheduler::names())
        .doc("How the noise levels are spread over the steps: normal, karras and beta are usual.")
}

fn steps_param() -> Param {
    Param::int("steps", 20, 1..=10_000).doc("How many steps: 20 to 30 is usual, turbo models need 1 to 4.")
}

fn cfg_param() -> Param {
    Param::float("cfg", 8.0, 0.0..=100.0).step(0.1).doc(
        "How strongly the picture follows the prompt against the negative prompt: 7 is usual, 1 ignores the negative \
         prompt and is twice as fast.",
    )
}

fn plain_sampler(name: &str) -> SamplerValue {
    SamplerValue { name: name.to_owned(), numbers: BTreeMap::new(), words: BTreeMap::new() }
}

fn words(cx: &Cx<'_>) -> Result<(Sampler, Scheduler), NodeError> {
    let sampler = cx.text("sampler")?;
    let scheduler = cx.text("scheduler")?;
    Ok((
        sampler
            .parse()
            .map_err(|_| NodeError::new(format!("there is no sampler {sampler:?}")).at("sampler"))?,
        scheduler
            .parse()
            .map_err(|_| NodeError::new(format!("there is no scheduler {scheduler:?}")).at("scheduler"))?,
    ))
}

/// Sample: the plain way.
fn simple(runtime: Arc<Runtime>) -> Node {
    Node::pure("Sample", 1, move |cx| {
        let model: ModelValue = take(cx, "model")?;
        let (positive, negative): (Conditioning, Conditioning) = (take(cx, "positive")?, take(cx, "negative")?);
        let latent: Latent = take(cx, "latent")?;
        let denoise = cx.float("denoise")?;
        let (sampler, scheduler) = words(cx)?;
        let opened = draw::open(&runtime, &model)?;
        let sigmas = ksampler_sigmas(sampler, scheduler, &opened.space, cx.count("steps")?, denoise).map_err(NodeError::new)?;
        let ask = Drawing {
            model: &model,
            positive: &positive,
            negative: Some(&negative),
            cfg: cx.float32("cfg")?,
            latent: &latent,
            noise: NoiseValue::Seed(cx.seed("seed")?),
            sampler: &plain_sampler(sampler.name()),
            sigmas: &sigmas,
        };
        let (done, _) = draw::draw(cx, &runtime, &opened, &ask)?;
        cx.set("latent", done);
        Ok(())
    })
    .title("Sample")
    .category("diffusion/sample")
    .doc(
        "Draws: noise becomes a latent picture, step by step, as the prompt says. The same seed, model and settings give \
         the same picture, here and elsewhere.",
    )
    .input("model", names::MODEL, "The diffusion network.")
    .input("positive", names::CONDITIONING, "What the picture should show.")
    .input("negative", names::CONDITIONING, "What it should not show.")
    .input("latent", names::LATENT, "Where it starts: an empty latent for a new picture, an encoded one to change it.")
    .input_was(&["latent_image"])
    .param(Param::seed("seed").doc("Another seed, another picture."))
    .param(steps_param())
    .param(cfg_param())
    .param(sampler_param("sampler"))
    .param(scheduler_param("scheduler"))
    .param(
        Param::float("denoise", 1.0, 0.0..=1.0)
            .step(0.01)
            .doc("How much is drawn anew: 1 everything; 0.5 keeps the shapes of the latent it starts from; 0 changes nothing."),
    )
    .output("latent", names::LATENT, "The latent picture.")
    .on_device()
}

/// SampleAdvanced: a stretch of the steps.
fn advanced(runtime: Arc<Runtime>) -> Node {
    Node::pure("SampleAdvanced", 1, move |cx| {
        let model: ModelValue = take(cx, "model")?;
        let (positive, negative): (Conditioning, Conditioning) = (take(cx, "positive")?, take(cx, "negative")?);
        let latent: Latent = take(cx, "latent")?;
        let (sampler, scheduler) = words(cx)?;
        let opened = draw::open(&runtime, &model)?;
        let sigmas = ksampler_sigmas(sampler, scheduler, &opened.space, cx.count("steps")?, 1.0).map_err(NodeError::new)?;
        let (start, end) = (cx.count("start_at_step")?, cx.count("end_at_step")?);
        let leftover = cx.bool("return_with_leftover_noise")?;
        let sigmas = slice_steps(&sigmas, KSteps { start: Some(start), end: Some(end), force_full_denoise: !leftover });
        let seed = cx.seed("noise_seed")?;
        let ask = Drawing {
            model: &model,
            positive: &positive,
            negative: Some(&negative),
            cfg: cx.float32("cfg")?,
            latent: &latent,
            noise: if cx.bool("add_noise")? { NoiseValue::Seed(seed) } else { NoiseValue::Silent(seed) },
            sampler: &plain_sampler(sampler.name()),
            sigmas: &sigmas,
        };
        let (done, _) = draw::draw(cx, &runtime, &opened, &ask)?;
        cx.set("latent", done);
        Ok(())
    })
    .title("Sample a stretch")
    .category("diffusion/sample")
    .doc(
        "Draws some of the steps: one model may begin a picture and another end it (SDXL's base and refiner), or the \
         size may change between.",
    )
    .input("model", names::MODEL, "The diffusion network.")
    .input("positive", names::CONDITIONING, "What the picture should show.")
    .input("negative", names::CONDITIONING, "What it should not show.")
    .input("latent", names::LATENT, "Where it starts.")
    .input_was(&["latent_image"])
    .param(Param::bool("add_noise", true).doc("Off: the latent has its noise already, from a stretch before."))
    .param(Param::seed("noise_seed").doc("Another seed, another picture."))
    .param(steps_param())
    .param(cfg_param())
    .param(sampler_param("sampler"))
    .param(scheduler_param("scheduler"))
    .param(Param::int("start_at_step", 0, 0..=10_000).doc("The first step that is done here."))
    .param(Param::int("end_at_step", 10_000, 0..=10_000).doc("The step before which it ends."))
    .param(Param::bool("return_with_leftover_noise", false).doc("Leave the noise in that later steps would take out."))
    .output("latent", names::LATENT, "The latent picture, perhaps with noise left in it.")
    .on_device()
}

/// SampleCustom: with a sampler and noise levels of one's own.
fn custom(runtime: Arc<Runtime>) -> Node {
    Node::pure("SampleCustom", 1, move |cx| {
        let model: ModelValue = take(cx, "model")?;
        let (positive, negative): (Conditioning, Conditioning) =
            (take(cx, "positive")?, take(cx, "negative")?);
        let latent: Latent = take(cx, "latent")?;
        let sampler: SamplerValue = take(cx, "sampler")?;
        let sigmas: SigmasValue = take(cx, "sigmas")?;
        let opened = draw::open(&runtime, &model)?;
        let seed = cx.seed("noise_seed")?;
        let ask = Drawing {
            model: &model,
            positive: &positive,
            negative: Some(&negative),
            cfg: cx.float32("cfg")?,
            latent: &latent,
            noise: if cx.bool("add_noise")? { NoiseValue::Seed(seed) } else { NoiseValue::Silent(seed) },
            sampler: &sampler,
            sigmas: &sigmas.levels,
        };
        let (done, clean) = draw::draw(cx, &runtime, &opened, &ask)?;
        cx.set("latent", done);
        cx.set("denoised", clean);
        Ok(())
    })
    .title("Sample with own parts")
    .category("diffusion/sample")
    .doc("Draws with a sampler and noise levels that other nodes make.")
    .input("model", names::MODEL, "The diffusion network.")
    .input("positive", names::CONDITIONING, "What the picture should show.")
    .input("negative", names::CONDITIONING, "What it should not show.")
    .input("sampler", names::SAMPLER, "The sampler.")
    .input("sigmas", names::SIGMAS, "The noise levels.")
    .input("latent", names::LATENT, "Where it starts.")
    .input_was(&["latent_image"])
    .param(Param::bool("add_noise", true).doc("Off: the latent has its noise already."))
    .param(Param::seed("noise_seed").doc("Another seed, another picture."))
    .param(cfg_param())
    .output("latent", names::LATENT, "The latent picture.")
    .output("denoised", names::LATENT, "The last guess of the picture without noise.")
    .on_device()
}

/// SampleGuided: every part wired.
fn guided(runtime: Arc<Runtime>) -> Node {
    Node::pure("SampleGuided", 1, move |cx| {
        let guider: GuiderValue = take(cx, "guider")?;
        let noise: NoiseValue = take(cx, "noise")?;
        let latent: Latent = take(cx, "latent")?;
        let sampler: SamplerValue = take(cx, "sampler")?;
        let sigmas: SigmasValue = take(cx, "sigmas")?;
        let opened = draw::open(&runtime, &guider.model)?;
        let ask = Drawing {
            model: &guider.model,
            positive: &guider.positive,
            negative: guider.negative.as_ref(),
            cfg: guider.cfg,
            latent: &latent,
            noise,
            sampler: &sampler,
            sigmas: &sigmas.levels,
        };
        let (done, clean) = draw::draw(cx, &runtime, &opened, &ask)?;
        cx.set("latent", done);
        cx.set("denoised", clean);
        Ok(())
    })
    .title("Sample with a guider")
    .category("diffusion/sample")
    .doc("Draws with noise, guider, sampler and noise levels that other nodes make.")
    .input("noise", names::NOISE, "The noise.")
    .input("guider", names::GUIDER, "A model with what it is asked for.")
    .input("sampler", names::SAMPLER, "The sampler.")
    .input("sigmas", names::SIGMAS, "The noise levels.")
    .input("latent", names::LATENT, "Where it starts.")
    .input_was(&["latent_image"])
    .output("latent", names::LATENT, "The latent picture.")
    .output("denoised", names::LATENT, "The last guess of the picture without noise.")
    .on_device()
}
