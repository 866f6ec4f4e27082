//! The parts of a sampling, one by one: noise, guiders, and samplers with their settings.

use super::sample::sampler_param;
use crate::values::{Conditioning, GuiderValue, ModelValue, NoiseValue, SamplerValue, names, take};
use kiln_core::{Kind, Node, NodeError, Param};

pub(super) fn nodes() -> Vec<Node> {
    let mut all = vec![random_noise(), no_noise(), cfg_guider(), basic_guider(), choose()];
    all.extend(samplers());
    all
}

const CATEGORY: &str = "diffusion/sample";

/// RandomNoise: from a seed.
fn random_noise() -> Node {
    Node::pure("RandomNoise", 1, |cx| {
        let seed = cx.seed("noise_seed")?;
        cx.set("noise", NoiseValue::Seed(seed));
        Ok(())
    })
    .title("Random noise")
    .category(CATEGORY)
    .doc("The noise a picture is drawn from. The same seed gives the same noise, here and elsewhere.")
    .param(Param::seed("noise_seed").was(&["seed"]).doc("Another seed, another picture."))
    .output("noise", names::NOISE, "The noise.")
}

/// NoNoise: the latent goes on as it is.
fn no_noise() -> Node {
    Node::pure("NoNoise", 1, |cx| {
        cx.set("noise", NoiseValue::None);
        Ok(())
    })
    .title("No noise")
    .category(CATEGORY)
    .doc("Adds no noise: for a latent that has its noise already, from a stretch before.")
    .output("noise", names::NOISE, "No noise.")
}

/// CfgGuider: what to draw against what not to.
fn cfg_guider() -> Node {
    Node::pure("CfgGuider", 1, |cx| {
        let guider = GuiderValue {
            model: take::<ModelValue>(cx, "model")?,
            positive: take::<Conditioning>(cx, "positive")?,
            negative: Some(take::<Conditioning>(cx, "negative")?),
            cfg: cx.float32("cfg")?,
        };
        cx.set("guider", guider);
        Ok(())
    })
    .title("Guider")
    .category(CATEGORY)
    .doc("A model with what it is asked for, and how strongly.")
    .input("model", names::MODEL, "The diffusion network.")
    .input("positive", names::CONDITIONING, "What the picture should show.")
    .input("negative", names::CONDITIONING, "What it should not show.")
    .param(Param::float("cfg", 8.0, 0.0..=100.0).step(0.1).doc(
        "How strongly the picture follows the prompt against the negative prompt: 7 is usual, 1 ignores the negative \
         prompt and is twice as fast.",
    ))
    .output("guider", names::GUIDER, "The model with what it is asked for.")
}

/// BasicGuider: only what to draw.
fn basic_guider() -> Node {
    Node::pure("BasicGuider", 1, |cx| {
        let guider = GuiderValue {
            model: take::<ModelValue>(cx, "model")?,
            positive: take::<Conditioning>(cx, "conditioning")?,
            negative: None,
            cfg: 1.0,
        };
        cx.set("guider", guider);
        Ok(())
    })
    .title("Plain guider")
    .category(CATEGORY)
    .doc("A model with what it is asked for, without a negative prompt: for distilled models, and twice as fast.")
    .input("model", names::MODEL, "The diffusion network.")
    .input("conditioning", names::CONDITIONING, "What the picture should show.")
    .output("guider", names::GUIDER, "The model with what it is asked for.")
}

fn named(name: &str) -> SamplerValue {
    SamplerValue { name: name.to_owned(), numbers: Default::default(), words: Default::default() }
}

/// ChooseSampler: by its name.
fn choose() -> Node {
    Node::pure("ChooseSampler", 1, |cx| {
        let name = cx.text("sampler")?;
        name.parse::<kiln_sampling::Sampler>().map_err(|e| NodeError::new(e).at("sampler"))?;
        cx.set("sampler", named(&name));
        Ok(())
    })
    .title("Choose sampler")
    .category(CATEGORY)
    .doc("A sampler by its name, with its usual settings.")
    .param(sampler_param("sampler"))
    .output("sampler", names::SAMPLER, "The sampler.")
}

/// A sampler whose parameters are its settings: a choice is a word, everything else a number. What changes nothing
/// (a cosmetic parameter) is none.
fn sampler(node_name: &'static str, sampler: &'static str, params: Vec<Param>) -> Node {
    let settings: Vec<(&'static str, bool)> =
        params.iter().filter(|p| !p.cosmetic).map(|p| (p.name, matches!(p.kind, Kind::Choice(_)))).collect();
    let node = Node::pure(node_name, 1, move |cx| {
        let mut value = named(sampler);
        for (name, is_word) in &settings {
            if *is_word {
                value.words.insert((*name).to_owned(), cx.text(name)?.to_string());
            } else {
                value.numbers.insert((*name).to_owned(), cx.float(name)?);
            }
        }
        cx.set("sampler", value);
        Ok(())
    })
    .category(CATEGORY)
    .output("sampler", names::SAMPLER, "The sampler with these settings.");
    params.into_iter().fold(node, Node::param)
}

fn eta(default: f64) -> Param {
    Param::float("eta", default, 0.0..=100.0)
        .step(0.01)
        .doc("How much fresh noise is added on the way: 0 none, 1 as much as was taken away too far.")
}

fn s_noise() -> Param {
    Param::float("s_noise", 1.0, 0.0..=100.0)
        .step(0.01)
        .doc("What the fresh noise is multiplied by: a little above 1 gives more detail, below 1 smoother pictures.")
}

fn noise_device() -> Param {
    Param::choice("noise_device", &["cpu", "gpu"]).cosmetic().doc(
        "Kept for graphs from elsewhere: here the fresh noise is the same on every device, that of \"cpu\".",
    )
}

fn samplers() -> Vec<Node> {
    vec![
        sampler("SamplerEulerAncestral", "euler_ancestral", vec![eta(1.0), s_noise()])
            .title("Euler ancestral sampler")
            .doc("Euler that steps too far down and adds fresh noise: lively, and every step changes the picture."),
        sampler("SamplerEulerAncestralCfgPp", "euler_ancestral_cfg_pp", vec![eta(1.0), s_noise()])
            .title("Euler ancestral CFG++ sampler")
            .doc("The ancestral Euler of CFG++: wants a guidance of 1 or 2, not 7."),
        sampler(
            "SamplerLms",
            "lms",
            vec![Param::int("order", 4, 1..=8).doc("How many earlier slopes it looks back on.")],
        )
        .title("LMS sampler")
        .doc("Linear multistep: one evaluation a step, with a curve through the slopes before."),
        sampler(
            "SamplerDpmpp2mSde",
            "dpmpp_2m_sde",
            vec![
                Param::choice("solver_type", &["midpoint", "heun"])
                    .doc("How the second prediction corrects the first: midpoint is usual."),
                eta(1.0),
                s_noise(),
                noise_device(),
            ],
        )
        .title("DPM++ 2M SDE sampler")
        .doc("DPM-Solver++ over two predictions with fresh noise: detailed, one evaluation a step."),
        sampler(
            "SamplerDpmppSde",
            "dpmpp_sde",
            vec![
                eta(1.0),
                s_noise(),
                Param::float("r", 0.5, 0.001..=100.0)
                    .step(0.01)
                    .doc("Where between two levels the second evaluation lies: 0.5 is the middle."),
                noise_device(),
            ],
        )
        .title("DPM++ SDE sampler")
        .doc("DPM-Solver++ with fresh noise and two evaluations a step: slow, but good with few steps."),
        sampler("SamplerDpmpp3mSde", "dpmpp_3m_sde", vec![eta(1.0), s_noise(), noise_device()])
            .title("DPM++ 3M SDE sampler")
            .doc("DPM-Solver++ over three predictions with fresh noise: for many steps, with an exponential schedule."),
        sampler("SamplerDpmpp2sAncestral", "dpmpp_2s_ancestral", vec![eta(1.0), s_noise()])
            .title("DPM++ 2S ancestral sampler")
            .doc("DPM-Solver++ with two evaluations a step, that steps too far down and adds fresh noise."),
        sampler(
            "SamplerDpmAdaptive",
            "dpm_adaptive",
            vec![
                Param::int("order", 3, 2..=3).doc("How many evaluations make a step: 3 is more exact."),
                Param::float("rtol", 0.05, 0.000_001..=100.0)
                    .step(0.01)
                    .doc("How large the error of a step may be against the picture: smaller is more exact and slower."),
                Param::float("atol", 0.0078, 0.000_001..=100.0)
                    .step(0.01)
                    .doc("How large the error of a step may be in itself."),
                eta(0.0),
                s_noise(),
            ],
        )
        .title("DPM adaptive sampler")
        .doc("Chooses its steps by the error it sees: of the schedule, only the first and the last level count."),
    ]
}
