//! Noise levels: made, cut, turned and written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod world;

use kiln_core::types::Value;
use kiln_diffusion::values::{GuiderValue, NoiseValue, SamplerValue};
use world::*;

#[track_caller]
fn made(node: &str, inputs: &[(&str, Value)], with: &str) -> Vec<f32> {
    levels(&run(node, inputs, with).unwrap_or_else(|e| panic!("{node}: {e}")), "sigmas")
}

#[track_caller]
fn near(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        let error = (f64::from(*found) - expected).abs() / expected.abs().max(1e-9);
        assert!(error < 1e-5, "{found} is not {expected}");
    }
}

#[test]
fn schedules_with_settings_follow_their_formulas() {
    let range = r#""steps": 3, "sigma_max": 16.0, "sigma_min": 1.0"#;
    // The middle: ((16^(1/rho) + 1) / 2)^rho.
    near(&made("KarrasSchedule", &[], &format!(r#"{range}, "rho": 2.0"#)), &[16.0, 6.25, 1.0, 0.0]);
    near(&made("ExponentialSchedule", &[], range), &[16.0, 4.0, 1.0, 0.0]);
    // The logarithm falls as the square: 16^(1/4).
    near(&made("PolyexponentialSchedule", &[], &format!(r#"{range}, "rho": 2.0"#)), &[16.0, 2.0, 1.0, 0.0]);
    // The middle quantile is e^mu; the ends are cut to the range.
    near(
        &made("LaplaceSchedule", &[], &format!(r#"{range}, "mu": 1.0, "beta": 0.5"#)),
        &[16.0, std::f64::consts::E, 1.0, 0.0],
    );
    // sqrt(e^(2 * t^2 / 2 + 1 * t) - 1) at t = 1 and 0.5.
    near(
        &made("VpSchedule", &[], r#""steps": 2, "beta_d": 2.0, "beta_min": 1.0, "eps_s": 0.5"#),
        &[(f64::exp(2.0) - 1.0).sqrt(), (f64::exp(0.75) - 1.0).sqrt(), 0.0],
    );
    let ten = made("AlignYourSteps", &[], "");
    near(&ten[..3], &[14.6146412293, 6.4745760956, 3.8636745985]);
    assert_eq!((ten.len(), ten[10]), (11, 0.0));
    near(&made("AlignYourSteps", &[], r#""model_type": "SVD""#)[..2], &[700.0, 54.5]);
    // The last three of ten steps.
    near(&made("AlignYourSteps", &[], r#""denoise": 0.3"#), &[0.6523686016, 0.3977456272, 0.1515232662, 0.0]);
    assert_eq!(made("AlignYourSteps", &[], r#""denoise": 0.0"#), [0.0f32; 0]);
}

#[test]
fn settings_that_make_no_schedule_are_told() {
    fails(run("KarrasSchedule", &[], r#""sigma_min": 0.0"#), "sigma_min", "greater than 0");
    fails(run("KarrasSchedule", &[], r#""rho": 0.0"#), "rho", "greater than 0");
    fails(run("ExponentialSchedule", &[], r#""sigma_max": 0.0"#), "sigma_max", "greater than 0");
    assert!(run("KarrasSchedule", &[], r#""steps": 0"#).is_err());
    assert!(run("AlignYourSteps", &[], r#""model_type": "SD9""#).is_err());
}

#[test]
fn schedules_of_a_model_use_its_levels() {
    let dir = tempfile::tempdir().unwrap();
    let file = checkpoint(&dir.path().join("m.safetensors"), 0.0, 4);
    let model = [("model", Value::from(model(&file)))];
    let karras = made("Schedule", &model, r#""scheduler": "karras", "steps": 3"#);
    let (low, high) = (0.029_167_16_f64, 14.614_64_f64);
    let middle = ((low.powf(1.0 / 7.0) + high.powf(1.0 / 7.0)) / 2.0).powi(7);
    near(&karras, &[high, middle, low, 0.0]);
    // Half of the noise in 2 steps: the last 2 of 4.
    let four = made("Schedule", &model, r#""scheduler": "karras", "steps": 4"#);
    assert_eq!(made("Schedule", &model, r#""scheduler": "karras", "steps": 2, "denoise": 0.5"#), four[2..]);
    assert_eq!(made("Schedule", &model, r#""denoise": 0.0"#), [0.0f32; 0]);
    // 1000 / 7 leaves an eighth step, which is left out at the front.
    assert_eq!(made("Schedule", &model, r#""scheduler": "ddim_uniform", "steps": 7"#).len(), 8);
    fails(run("Schedule", &model, r#""steps": 10000, "denoise": 0.01"#), "denoise", "raise denoise");

    near(&made("TurboSchedule", &model, ""), &[14.614_641, 0.0]);
    // Two steps, half of the noise: the times 499 and 399.
    let half = made("TurboSchedule", &model, r#""steps": 2, "denoise": 0.5"#);
    let all = made("TurboSchedule", &model, r#""steps": 10"#);
    assert_eq!((all.len(), &half[..2]), (11, &all[5..7]));
    assert_eq!(made("TurboSchedule", &model, r#""steps": 2, "denoise": 0.0"#), [0.0]);
    let beta = made("BetaSchedule", &model, r#""steps": 4"#);
    assert_eq!(beta, made("Schedule", &model, r#""scheduler": "beta", "steps": 4"#));
    fails(run("BetaSchedule", &model, r#""alpha": 0.0"#), "alpha", "greater than 0");
}

#[test]
fn lists_are_cut_where_they_should_be() {
    let five = [("sigmas", sigmas(&[8.0, 4.0, 2.0, 1.0, 0.0]))];
    let cut = |node: &str, inputs: &[(&str, Value)], with: &str| {
        let outputs = run(node, inputs, with).unwrap();
        (levels(&outputs, "high_sigmas"), levels(&outputs, "low_sigmas"))
    };
    let at = |step: usize| cut("SplitSigmas", &five, &format!(r#""step": {step}"#));
    assert_eq!(at(0), (vec![8.0], vec![8.0, 4.0, 2.0, 1.0, 0.0]));
    assert_eq!(at(2), (vec![8.0, 4.0, 2.0], vec![2.0, 1.0, 0.0]));
    assert_eq!(at(4), (vec![8.0, 4.0, 2.0, 1.0, 0.0], vec![0.0]));
    assert_eq!(at(9), (vec![8.0, 4.0, 2.0, 1.0, 0.0], vec![]));

    let part = |denoise: f64| cut("SplitSigmasDenoise", &five, &format!(r#""denoise": {denoise:?}"#));
    assert_eq!(part(0.5), (vec![8.0, 4.0, 2.0], vec![2.0, 1.0, 0.0]));
    assert_eq!(part(0.25), (vec![8.0, 4.0, 2.0, 1.0], vec![1.0, 0.0]));
    assert_eq!(part(1.0), (vec![8.0], vec![8.0, 4.0, 2.0, 1.0, 0.0]));
    // Half a step is rounded to the even number: 0.625 of 4 is 2.5, so 2.
    assert_eq!(part(0.625).1, [2.0, 1.0, 0.0]);
    assert_eq!(part(0.875).1.len(), 5, "3.5 is 4");
    assert_eq!(part(0.0), (vec![], vec![0.0]));
    let none = [("sigmas", sigmas(&[]))];
    assert_eq!(cut("SplitSigmas", &none, r#""step": 3"#), (vec![], vec![]));
    assert_eq!(cut("SplitSigmasDenoise", &none, ""), (vec![], vec![]));
}

#[test]
fn lists_are_turned_and_changed() {
    let three = [("sigmas", sigmas(&[4.0, 1.0, 0.0]))];
    assert_eq!(made("FlipSigmas", &three, ""), [0.0001, 1.0, 4.0]);
    assert_eq!(made("FlipSigmas", &[("sigmas", sigmas(&[4.0, 1.0]))], ""), [1.0, 4.0]);
    let none = [("sigmas", sigmas(&[]))];
    assert_eq!(made("FlipSigmas", &none, ""), [0.0f32; 0]);
    assert_eq!(made("SetFirstSigma", &three, r#""sigma": 7.5"#), [7.5, 1.0, 0.0]);
    assert_eq!(made("SetFirstSigma", &three, ""), [136.0, 1.0, 0.0]);
    fails(run("SetFirstSigma", &none, ""), "sigmas", "no levels");
}

#[test]
fn lists_are_read_and_written_as_text() {
    let read = |text: &str| run("ManualSigmas", &[], &format!(r#""sigmas": "{text}""#));
    assert_eq!(made("ManualSigmas", &[], ""), [1.0, 0.5]);
    assert_eq!(levels(&read("14.6, 3e0;1\t .5  0").unwrap(), "sigmas"), [14.6, 3.0, 1.0, 0.5, 0.0]);
    assert_eq!(levels(&read(" ").unwrap(), "sigmas"), [0.0f32; 0]);
    for (text, word) in [("1, two", "two"), ("1, -2", "-2"), ("inf", "inf"), ("NaN", "NaN"), ("1e99", "1e99")]
    {
        fails(read(text), "sigmas", word);
    }
    fails(read(&"1 ".repeat(10_002)), "sigmas", "more than 10001");

    let outputs = run("SigmaList", &[("sigmas", sigmas(&[14.614_642, 0.1, 0.0]))], "").unwrap();
    let Some(Value::Text(text)) = outputs.get("text") else { panic!() };
    assert_eq!(&**text, "14.614642, 0.1, 0");
    let Some(Value::List(list)) = outputs.get("levels") else { panic!() };
    assert_eq!(list.len(), 3);
    assert!(matches!(list[1], Value::Float(v) if v == f64::from(0.1f32)), "{:?}", list[1]);
    // The text is read back to the same bits.
    assert_eq!(levels(&read(text).unwrap(), "sigmas"), [14.614_642, 0.1, 0.0]);
}

#[test]
fn noise_comes_from_a_seed_or_not_at_all() {
    let noise = |node: &str, with: &str| of::<NoiseValue>(&run(node, &[], with).unwrap(), "noise");
    assert_eq!(
        noise("RandomNoise", r#""noise_seed": Fixed(18446744073709551615)"#),
        NoiseValue::Seed(u64::MAX)
    );
    assert_eq!(noise("NoNoise", ""), NoiseValue::None);
}

#[test]
fn guiders_hold_what_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(&checkpoint(&dir.path().join("m.safetensors"), 0.0, 4));
    let (yes, no) = (conditioning([entry(1, &[1.0], None)]), conditioning([entry(1, &[2.0], None)]));
    let inputs = [("model", Value::from(model.clone())), ("positive", yes.clone()), ("negative", no)];
    let guider: GuiderValue = of(&run("CfgGuider", &inputs, r#""cfg": 6.5"#).unwrap(), "guider");
    assert_eq!((guider.cfg, guider.positive.entries[0].tokens.data[0]), (6.5, 1.0));
    assert_eq!(guider.negative.unwrap().entries[0].tokens.data[0], 2.0);
    assert_eq!(guider.model, model);
    let inputs = [("model", Value::from(model)), ("conditioning", yes)];
    let guider: GuiderValue = of(&run("BasicGuider", &inputs, "").unwrap(), "guider");
    assert_eq!((guider.cfg, guider.negative), (1.0, None));
}

#[test]
fn every_sampler_can_be_chosen_and_every_setting_is_understood() {
    let sampler = |node: &str, with: &str| of::<SamplerValue>(&run(node, &[], with).unwrap(), "sampler");
    for name in kiln_sampling::Sampler::names() {
        let value = sampler("ChooseSampler", &format!(r#""sampler_name": "{name}""#));
        assert_eq!(value.name, *name);
        let (_, options) = kiln_diffusion::draw::settings(&value).unwrap();
        assert_eq!(options, kiln_sampling::SamplerOptions::default());
    }
    assert!(run("ChooseSampler", &[], r#""sampler": "euler_xl""#).is_err());

    let options = |node: &str, with: &str| kiln_diffusion::draw::settings(&sampler(node, with)).unwrap();
    let some = r#""eta": 0.5, "s_noise": 1.5"#;
    for (node, name) in [
        ("SamplerEulerAncestral", "euler_ancestral"),
        ("SamplerEulerAncestralCfgPp", "euler_ancestral_cfg_pp"),
        ("SamplerDpmpp2mSde", "dpmpp_2m_sde"),
        ("SamplerDpmppSde", "dpmpp_sde"),
        ("SamplerDpmpp3mSde", "dpmpp_3m_sde"),
        ("SamplerDpmpp2sAncestral", "dpmpp_2s_ancestral"),
        ("SamplerDpmAdaptive", "dpm_adaptive"),
    ] {
        let (sampler, options) = options(node, some);
        assert_eq!((sampler.name(), options.eta, options.s_noise), (name, Some(0.5), Some(1.5)), "{node}");
    }
    assert_eq!(options("SamplerLms", r#""order": 3"#).1.order, Some(3));
    assert_eq!(options("SamplerDpmppSde", r#""r": 0.25"#).1.r, Some(0.25));
    let heun = options("SamplerDpmpp2mSde", r#""solver_type": "heun", "noise_device": "gpu""#);
    assert_eq!(heun.1.solver, Some(kiln_sampling::sampler::Solver::Heun));
    let adaptive = options("SamplerDpmAdaptive", r#""order": 2, "rtol": 0.5, "atol": 0.25"#).1;
    assert_eq!(
        (adaptive.order, adaptive.rtol, adaptive.atol, adaptive.eta),
        (Some(2), Some(0.5), Some(0.25), Some(0.0))
    );
    assert!(run("SamplerLms", &[], r#""order": 9"#).is_err());
}
