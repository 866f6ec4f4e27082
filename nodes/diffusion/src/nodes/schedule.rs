//! Schedules: how noise levels fall from step to step.

use super::sample::scheduler_param;
use crate::runtime::Runtime;
use crate::values::{ModelValue, SigmasValue, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_sampling::schedule::{self, ScheduleError};
use kiln_sampling::{Sampler, Scheduler, Space, ksampler_sigmas};
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![
        plain(runtime.clone()),
        karras(),
        exponential(),
        polyexponential(),
        laplace(),
        vp(),
        beta(runtime.clone()),
        turbo(runtime.clone()),
        align_your_steps(),
    ]
}

pub(super) const CATEGORY: &str = "diffusion/schedule";
const OUT: &str = "The noise levels, one more than there are steps.";

/// A node whose one output is noise levels; [`done`] adds it, after the parameters.
pub(super) fn node(
    name: &'static str,
    make: impl Fn(&Cx<'_>) -> Result<Vec<f32>, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let levels = make(cx)?;
        cx.set("sigmas", SigmasValue { levels });
        Ok(())
    })
    .category(CATEGORY)
}

/// The output of [`node`].
pub(super) fn done(node: Node) -> Node {
    node.output("sigmas", names::SIGMAS, OUT)
}

/// The setting an error of a schedule speaks of, as the port to blame.
fn said(error: &ScheduleError) -> NodeError {
    let port = match error {
        ScheduleError::Steps(_) => Some("steps"),
        ScheduleError::Setting { name, .. } => Some(*name),
        ScheduleError::Denoise { .. } => Some("denoise"),
        _ => None,
    };
    let found = NodeError::new(error);
    match port {
        Some(port) => found.at(port),
        None => found,
    }
}

fn space(cx: &Cx<'_>, runtime: &Runtime) -> Result<Space, NodeError> {
    let model: ModelValue = take(cx, "model")?;
    runtime.space(&model).map_err(|e| if e.port.is_some() { e } else { e.at("model") })
}

fn steps(most: i64, default: i64) -> Param {
    Param::int("steps", default, 1..=most).doc("How many steps: one less than there are levels.")
}

pub(super) fn denoise() -> Param {
    Param::float("denoise", 1.0, 0.0..=1.0).step(0.01)
}

fn sigma_range(node: Node) -> Node {
    let level = |name, default| Param::float(name, default, 0.0..=5000.0).step(0.01);
    node.param(
        level("sigma_max", 14.614_642)
            .doc("The highest level, where drawing starts: 14.61 for SD 1.x, 2.x and SDXL."),
    )
    .param(level("sigma_min", 0.029_167_5).doc("The lowest level before 0: 0.029 for SD 1.x, 2.x and SDXL."))
}

fn range(cx: &Cx<'_>) -> Result<(f32, f32), NodeError> {
    Ok((cx.float32("sigma_min")?, cx.float32("sigma_max")?))
}

/// Schedule: by name, as samplers do it.
fn plain(runtime: Arc<Runtime>) -> Node {
    let make = move |cx: &Cx<'_>| {
        let space = space(cx, &runtime)?;
        let word = cx.text("scheduler")?;
        let scheduler: Scheduler = word.parse().map_err(|e| NodeError::new(e).at("scheduler"))?;
        let steps = cx.count("steps")?;
        // Euler has no wishes of its own about levels.
        let mut all = ksampler_sigmas(Sampler::Euler, scheduler, &space, steps, cx.float("denoise")?)
            .map_err(|e| said(&e))?;
        // A schedule may give a step more than was asked for; here the first is left out then.
        Ok(all.split_off(all.len().saturating_sub(steps + 1)))
    };
    done(
        node("Schedule", make)
            .title("Schedule")
            .doc("The noise levels that a model passes through, by the name of a schedule: what \"Sample\" does by itself.")
            .input("model", names::MODEL, "The diffusion network: it knows its own levels.")
            .param(scheduler_param("scheduler"))
            .param(steps(10_000, 20))
            .param(denoise().doc("Below 1, a longer list is made and its end kept: for drawing on from a picture. 0 gives no levels.")),
    )
}

/// KarrasSchedule: dense near the end.
fn karras() -> Node {
    let make = |cx: &Cx<'_>| {
        let (min, max) = range(cx)?;
        schedule::karras(cx.count("steps")?, min, max, cx.float("rho")?).map_err(|e| said(&e))
    };
    let node = node("KarrasSchedule", make)
        .title("Karras schedule")
        .doc("Noise levels after Karras et al. 2022: large steps first, small ones near the end.")
        .param(steps(10_000, 20));
    done(
        sigma_range(node).param(
            Param::float("rho", 7.0, 0.0..=100.0)
                .step(0.01)
                .doc("How much denser near the end: 7 is usual, 1 is even."),
        ),
    )
}

/// ExponentialSchedule: even in the logarithm.
fn exponential() -> Node {
    let make = |cx: &Cx<'_>| {
        let (min, max) = range(cx)?;
        schedule::exponential(cx.count("steps")?, min, max).map_err(|e| said(&e))
    };
    let node = node("ExponentialSchedule", make)
        .title("Exponential schedule")
        .doc("Noise levels that shrink by the same factor with each step.")
        .param(steps(10_000, 20));
    done(sigma_range(node))
}

/// PolyexponentialSchedule: a power in the logarithm.
fn polyexponential() -> Node {
    let make = |cx: &Cx<'_>| {
        let (min, max) = range(cx)?;
        schedule::polyexponential(cx.count("steps")?, min, max, cx.float("rho")?).map_err(|e| said(&e))
    };
    let node = node("PolyexponentialSchedule", make)
        .title("Polyexponential schedule")
        .doc("Noise levels whose logarithm falls as a power: 1 is the exponential schedule.")
        .param(steps(10_000, 20));
    done(
        sigma_range(node).param(
            Param::float("rho", 1.0, 0.0..=100.0)
                .step(0.01)
                .doc("The power: above 1 there are more low levels, below 1 more high ones."),
        ),
    )
}

/// LaplaceSchedule: dense in the middle.
fn laplace() -> Node {
    let make = |cx: &Cx<'_>| {
        let (min, max) = range(cx)?;
        schedule::laplace(cx.count("steps")?, min, max, cx.float("mu")?, cx.float("beta")?)
            .map_err(|e| said(&e))
    };
    let node = node("LaplaceSchedule", make)
        .title("Laplace schedule")
        .doc("Noise levels gathered around one, by a Laplace distribution of their logarithm.")
        .param(steps(10_000, 20));
    done(
        sigma_range(node)
            .param(
                Param::float("mu", 0.0, -10.0..=10.0)
                    .step(0.1)
                    .doc("The logarithm of the level they gather around: 0 is level 1."),
            )
            .param(Param::float("beta", 0.5, 0.0..=10.0).step(0.1).doc("How far they spread.")),
    )
}

/// VpSchedule: the continuous variance-preserving path.
fn vp() -> Node {
    let make = |cx: &Cx<'_>| {
        schedule::vp(cx.count("steps")?, cx.float("beta_d")?, cx.float("beta_min")?, cx.float("eps_s")?)
            .map_err(|e| said(&e))
    };
    done(
        node("VpSchedule", make)
            .title("Variance-preserving schedule")
            .doc("Noise levels of the continuous variance-preserving path of Song et al. 2020.")
            .param(steps(10_000, 20))
            .param(
                Param::float("beta_d", 19.9, 0.0..=5000.0)
                    .step(0.01)
                    .doc("How fast noise grows along the path."),
            )
            .param(Param::float("beta_min", 0.1, 0.0..=5000.0).step(0.01).doc("How fast it grows at first."))
            .param(Param::float("eps_s", 0.001, 0.0..=1.0).step(0.0001).doc("Where the path ends, above 0.")),
    )
}

/// BetaSchedule: dense at both ends.
fn beta(runtime: Arc<Runtime>) -> Node {
    let make = move |cx: &Cx<'_>| {
        let space = space(cx, &runtime)?;
        schedule::beta(&space, cx.count("steps")?, cx.float("alpha")?, cx.float("beta")?)
            .map_err(|e| said(&e))
    };
    done(
        node("BetaSchedule", make)
            .title("Beta schedule")
            .doc(
                "Noise levels spread over the model's own by a beta distribution: many at both ends, with 0.6 and 0.6. \
                 Levels that would come twice come once.",
            )
            .input("model", names::MODEL, "The diffusion network: it knows its own levels.")
            .param(steps(10_000, 20))
            .param(Param::float("alpha", 0.6, 0.0..=50.0).step(0.01).doc("Above 0; smaller gathers more levels at the end."))
            .param(Param::float("beta", 0.6, 0.0..=50.0).step(0.01).doc("Above 0; smaller gathers more levels at the beginning.")),
    )
}

/// TurboSchedule: one to ten levels for distilled models.
fn turbo(runtime: Arc<Runtime>) -> Node {
    let make = move |cx: &Cx<'_>| {
        let space = space(cx, &runtime)?;
        schedule::sd_turbo(&space, cx.count("steps")?, cx.float("denoise")?).map_err(|e| said(&e))
    };
    done(
        node("TurboSchedule", make)
            .title("Turbo schedule")
            .doc("Noise levels for models distilled to very few steps: SD Turbo and SDXL Turbo.")
            .input("model", names::MODEL, "The diffusion network: it knows its own levels.")
            .param(steps(10, 1).doc("How many steps: 1 to 4 is usual."))
            .param(denoise().doc("Below 1, it starts as many tenths later: for drawing on from a picture.")),
    )
}

/// AlignYourSteps: measured levels.
fn align_your_steps() -> Node {
    let make = |cx: &Cx<'_>| {
        let kind = match &*cx.text("model_type")? {
            "SD1" => schedule::AlignYourSteps::Sd1,
            "SDXL" => schedule::AlignYourSteps::Sdxl,
            "SVD" => schedule::AlignYourSteps::Svd,
            other => {
                return Err(NodeError::new(format!("there are no levels for {other:?}")).at("model_type"));
            }
        };
        schedule::align_your_steps(kind, cx.count("steps")?, cx.float("denoise")?).map_err(|e| said(&e))
    };
    done(
        node("AlignYourSteps", make)
            .title("Align Your Steps")
            .doc("Noise levels that Sabour et al. 2024 measured to be best for about ten steps.")
            .param(Param::choice("model_type", &["SD1", "SDXL", "SVD"]).doc("The kind of model they were measured for."))
            .param(steps(10_000, 10))
            .param(denoise().doc("Below 1, only the last part of the list is kept: for drawing on from a picture. 0 gives no levels.")),
    )
}
