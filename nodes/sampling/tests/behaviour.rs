//! What a run does beyond its numbers: masks, halves, cancelling, errors.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_sampling::brownian::BrownianTree;
use kiln_sampling::noise::{NoiseError, initial_noise, randn};
use kiln_sampling::schedule::{self, KSteps, ScheduleError, slice_steps};
use kiln_sampling::{
    Denoised, Model, SampleError, Sampler, SamplerOptions, Scheduler, Space, Start, Step, ksampler_sigmas,
    sample,
};

const SHAPE: [usize; 4] = [2, 3, 4, 4];
const LEN: usize = 96;

/// Pulls everything towards a tenth of what it sees, more so the less noise there is.
struct Pull {
    calls: usize,
    seen: Vec<f32>,
}

impl Model for Pull {
    type Error = String;

    fn denoise(&mut self, x: &[f32], sigma: f32, need_uncond: bool) -> Result<Denoised, String> {
        self.calls += 1;
        self.seen = x.to_vec();
        let to = |bend: f32| x.iter().map(|x| bend * x / (1.0 + sigma * sigma).sqrt()).collect::<Vec<f32>>();
        Ok(Denoised { cond_guided: to(0.9), uncond: need_uncond.then(|| to(0.7)) })
    }
}

fn pull() -> Pull {
    Pull { calls: 0, seen: Vec::new() }
}

fn plain<'a>(noise: Option<&'a [f32]>, latent: &'a [f32]) -> Start<'a> {
    Start { noise, latent, shape: &SHAPE, mask: None }
}

fn run_with(
    sampler: Sampler,
    space: &Space,
    start: Start<'_>,
    sigmas: &[f32],
) -> Result<Vec<f32>, SampleError<String>> {
    sample(sampler, &SamplerOptions::default(), &mut pull(), space, start, sigmas, 7, &mut |_| Ok(()))
}

#[test]
fn every_name_is_there_once_and_reads_back() {
    assert_eq!(Sampler::names().len(), 44);
    for (&sampler, &name) in Sampler::ALL.iter().zip(Sampler::names()) {
        assert_eq!(name.parse::<Sampler>().unwrap(), sampler);
        assert_eq!(sampler.to_string(), name);
    }
    for name in Scheduler::names() {
        assert_eq!(name.parse::<Scheduler>().unwrap().name(), name);
    }
    assert!("Euler".parse::<Sampler>().is_err());
    assert!("karas".parse::<Scheduler>().is_err());
}

#[test]
fn a_mask_of_ones_changes_nothing() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), randn(2, LEN));
    let sigmas = schedule::sigmas(Scheduler::Karras, &space, 5).unwrap();
    let mask = vec![1.0; 16];
    for &sampler in Sampler::ALL {
        let free = run_with(sampler, &space, plain(Some(&noise), &latent), &sigmas).unwrap();
        let masked = Start { mask: Some(&mask), ..plain(Some(&noise), &latent) };
        assert_eq!(free, run_with(sampler, &space, masked, &sigmas).unwrap(), "{sampler}");
    }
}

#[test]
fn a_mask_of_zeros_keeps_the_latent() {
    for space in [Space::sd(), Space::flow(3.0, 1000.0)] {
        let (noise, latent) = (randn(1, LEN), randn(2, LEN));
        let sigmas = schedule::sigmas(Scheduler::Simple, &space, 5).unwrap();
        // Only the first picture is kept.
        let mask: Vec<f32> = (0..LEN).map(|i| if i < LEN / 2 { 0.0 } else { 1.0 }).collect();
        for &sampler in Sampler::ALL {
            let start = Start { mask: Some(&mask), ..plain(Some(&noise), &latent) };
            let out = run_with(sampler, &space, start, &sigmas).unwrap();
            if matches!(sampler.name(), "dpm_fast" | "dpm_adaptive" | "uni_pc" | "uni_pc_bh2") {
                continue; // These stop above level 0, as the reference does.
            }
            assert_eq!(out[..LEN / 2], latent[..LEN / 2], "{sampler}");
            assert_ne!(out[LEN / 2..], latent[LEN / 2..], "{sampler}");
        }
    }
}

#[test]
fn masks_of_a_plane_and_of_a_channel_spread_over_the_batch() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), randn(2, LEN));
    let sigmas = schedule::sigmas(Scheduler::Normal, &space, 3).unwrap();
    let plane: Vec<f32> = (0..16).map(|i| i as f32 / 15.0).collect();
    let whole = plane.repeat(6);
    let by_picture = plane.repeat(2);
    let out = |mask: &[f32]| {
        let start = Start { mask: Some(mask), ..plain(Some(&noise), &latent) };
        run_with(Sampler::Euler, &space, start, &sigmas)
    };
    assert_eq!(out(&plane).unwrap(), out(&whole).unwrap());
    assert_eq!(out(&by_picture).unwrap(), out(&whole).unwrap());
    assert!(matches!(out(&plane[1..]), Err(SampleError::Length { what: "mask", len: 15, .. })));
}

#[test]
fn ddim_draws_noise_of_its_own_under_a_mask() {
    let (space, noise, latent) = (Space::sd(), randn(7, LEN), randn(2, LEN));
    let sigmas = [5.0, 0.0];
    let mask = vec![0.0; 16];
    let shown = |sampler: Sampler| {
        let mut model = pull();
        let start = Start { mask: Some(&mask), ..plain(Some(&noise), &latent) };
        sample(sampler, &SamplerOptions::default(), &mut model, &space, start, &sigmas, 7, &mut |_| Ok(()))
            .unwrap();
        model.seen
    };
    assert_eq!(shown(Sampler::Euler), space.noise_scaling(5.0, &noise, &latent, false));
    assert_eq!(shown(Sampler::Ddim), space.noise_scaling(5.0, &randn(8, LEN), &latent, false));
}

#[test]
fn two_halves_of_a_run_are_the_whole_to_the_bit() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    let all = ksampler_sigmas(Sampler::Euler, Scheduler::Karras, &space, 8, 1.0).unwrap();
    let whole = run_with(Sampler::Euler, &space, plain(Some(&noise), &latent), &all).unwrap();
    let first = slice_steps(&all, KSteps { start: None, end: Some(3), force_full_denoise: false });
    let second = slice_steps(&all, KSteps { start: Some(3), end: None, force_full_denoise: false });
    let middle = run_with(Sampler::Euler, &space, plain(Some(&noise), &latent), &first).unwrap();
    assert_eq!(run_with(Sampler::Euler, &space, plain(None, &middle), &second).unwrap(), whole);
}

#[test]
fn two_halves_of_a_flow_run_are_the_whole_up_to_rounding() {
    let (space, noise, latent) = (Space::flow(3.0, 1000.0), randn(1, LEN), vec![0.0; LEN]);
    let all = schedule::sigmas(Scheduler::Simple, &space, 8).unwrap();
    let whole = run_with(Sampler::Euler, &space, plain(Some(&noise), &latent), &all).unwrap();
    let middle = run_with(Sampler::Euler, &space, plain(Some(&noise), &latent), &all[..5]).unwrap();
    let joined = run_with(Sampler::Euler, &space, plain(None, &middle), &all[4..]).unwrap();
    for (a, b) in joined.iter().zip(&whole) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn cancelling_ends_within_a_step() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    let sigmas = schedule::sigmas(Scheduler::Karras, &space, 10).unwrap();
    for &sampler in Sampler::ALL {
        let mut model = pull();
        let mut shown = 0;
        let start = plain(Some(&noise), &latent);
        let mut stop = |_: Step<'_>| {
            shown += 1;
            if shown == 2 { Err("enough".to_owned()) } else { Ok(()) }
        };
        let end =
            sample(sampler, &SamplerOptions::default(), &mut model, &space, start, &sigmas, 7, &mut stop);
        assert_eq!(end.unwrap_err(), SampleError::Stopped("enough".to_owned()), "{sampler}");
        assert!(model.calls <= 4, "{sampler} made {} calls", model.calls);
    }
}

#[test]
fn steps_are_shown_in_order() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    let sigmas = schedule::sigmas(Scheduler::Karras, &space, 6).unwrap();
    for &sampler in Sampler::ALL {
        let mut seen = Vec::new();
        let start = plain(Some(&noise), &latent);
        sample(sampler, &SamplerOptions::default(), &mut pull(), &space, start, &sigmas, 7, &mut |step| {
            assert_eq!((step.x.len(), step.denoised.len()), (LEN, LEN));
            seen.push((step.index, step.total));
            Ok(())
        })
        .unwrap();
        if !matches!(sampler, Sampler::DpmFast | Sampler::DpmAdaptive) {
            assert_eq!(seen, (0..6).map(|i| (i, 6)).collect::<Vec<_>>(), "{sampler}");
        }
    }
}

#[test]
fn the_same_run_gives_the_same_bits() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), randn(2, LEN));
    let sigmas = schedule::sigmas(Scheduler::Beta, &space, 6).unwrap();
    for &sampler in Sampler::ALL {
        let go = || run_with(sampler, &space, plain(Some(&noise), &latent), &sigmas).unwrap();
        assert_eq!(go(), go(), "{sampler}");
    }
}

#[test]
fn fresh_noise_follows_the_seed_only_where_it_is_said_to() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), randn(2, LEN));
    let sigmas = schedule::sigmas(Scheduler::Karras, &space, 6).unwrap();
    for &sampler in Sampler::ALL {
        let go = |seed| {
            let (options, start) = (SamplerOptions::default(), plain(Some(&noise), &latent));
            sample(sampler, &options, &mut pull(), &space, start, &sigmas, seed, &mut |_| Ok(())).unwrap()
        };
        assert_eq!(go(7) != go(8), sampler.uses_noise(), "{sampler}");
        // A Brownian path takes all 64 bits of the seed, a stream the low 32.
        assert_eq!(go(7) != go(7 + (1 << 32)), sampler.is_sde(), "{sampler}");
    }
}

#[test]
fn a_brownian_path_spans_the_sliced_levels() {
    // One step of dpmpp_2m_sde from 5 to 2 in a schedule 5, 2, 1: the path spans 1 to 5.
    let (space, latent) = (Space::sd(), randn(2, LEN));
    let mut at_two = Vec::new();
    let options = SamplerOptions::default();
    sample(
        Sampler::Dpmpp2mSde,
        &options,
        &mut pull(),
        &space,
        plain(None, &latent),
        &[5.0, 2.0, 1.0],
        7,
        &mut |step| {
            if step.index == 1 {
                at_two = step.x.to_vec();
            }
            Ok(())
        },
    )
    .unwrap();
    let prediction = pull().denoise(&latent, 5.0, false).unwrap().cond_guided;
    let noise = BrownianTree::new(7, 1.0, 5.0, LEN).noise(5.0, 2.0);
    // h = ln(5/2); e^-h = 0.4.
    for i in 0..LEN {
        let expected = 0.16 * latent[i] + 0.84 * prediction[i] + 2.0 * 0.84f32.sqrt() * noise[i];
        assert!((at_two[i] - expected).abs() < 1e-5, "{} {expected}", at_two[i]);
    }
}

#[test]
fn a_cfg_pp_sampler_needs_the_negative_prediction() {
    struct Mean;
    impl Model for Mean {
        type Error = String;
        fn denoise(&mut self, x: &[f32], _: f32, _: bool) -> Result<Denoised, String> {
            Ok(Denoised { cond_guided: x.to_vec(), uncond: None })
        }
    }
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    for &sampler in Sampler::ALL {
        let (options, start) = (SamplerOptions::default(), plain(Some(&noise), &latent));
        let end = sample(sampler, &options, &mut Mean, &space, start, &[9.0, 3.0, 0.0], 7, &mut |_| Ok(()));
        assert_eq!(matches!(end, Err(SampleError::NoUncond(_))), sampler.wants_uncond(), "{sampler}");
    }
}

#[test]
fn odd_schedules_and_settings_end_without_a_panic() {
    let spaces = [
        Space::sd(),
        Space::flow(3.0, 1000.0),
        Space::flux(1.15),
        Space::edm(0.002, 80.0, kiln_sampling::Prediction::Edm { sigma_data: 0.5 }),
    ];
    let schedules: [&[f32]; 9] = [
        &[1.0, 0.0],
        &[0.0, 0.0],
        &[1.0, 1.0, 1.0, 0.0],
        &[0.1, 0.5, 1.0],
        &[1.0, 0.0, 0.5, 0.0, 0.1],
        &[0.9, 0.6, 0.3, 0.2, 0.1, 0.05],
        &[1e30, 1e-30],
        &[14.6, 7.0, 0.0],
        &[f32::MAX, f32::MIN_POSITIVE, 0.0],
    ];
    let odd = SamplerOptions {
        eta: Some(2.5),
        s_noise: Some(0.0),
        s_churn: Some(3.0),
        r: Some(7.0),
        r_2: Some(0.1),
        order: Some(99),
        ..SamplerOptions::default()
    };
    let (noise, latent) = (randn(1, LEN), randn(2, LEN));
    for space in &spaces {
        for sigmas in schedules {
            for options in [SamplerOptions::default(), odd, SamplerOptions { order: Some(0), ..odd }] {
                for &sampler in Sampler::ALL {
                    let start = plain(Some(&noise), &latent);
                    let end =
                        sample(sampler, &options, &mut pull(), space, start, sigmas, 7, &mut |_| Ok(()));
                    if let Ok(out) = end {
                        assert_eq!(out.len(), LEN);
                    }
                }
            }
        }
    }
}

#[test]
fn short_runs_of_every_sampler_are_finite() {
    let (noise, latent) = (randn(1, LEN), vec![0.0; LEN]);
    for space in [Space::sd(), Space::flow(3.0, 1000.0)] {
        for steps in 1..=5 {
            for &sampler in Sampler::ALL {
                let sigmas = ksampler_sigmas(sampler, Scheduler::Simple, &space, steps, 1.0).unwrap();
                assert_eq!(sigmas.len(), steps + 1);
                let out = run_with(sampler, &space, plain(Some(&noise), &latent), &sigmas).unwrap();
                assert!(
                    out.iter().all(|v| v.is_finite()),
                    "{sampler}, {steps} steps, flow {}",
                    space.is_flow()
                );
            }
        }
    }
}

#[test]
fn wrong_input_is_named() {
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    let go = |start, sigmas: &[f32]| run_with(Sampler::Euler, &space, start, sigmas).unwrap_err();
    let good = plain(Some(&noise), &latent);
    assert_eq!(go(good, &[1.0]), SampleError::Sigmas(1));
    assert!(matches!(go(good, &[1.0, f32::NAN, 0.0]), SampleError::Sigma { index: 1, .. }));
    assert!(matches!(go(good, &[1.0, -1.0]), SampleError::Sigma { index: 1, .. }));
    assert_eq!(go(good, &vec![1.0; 10_002]), SampleError::Sigmas(10_002));
    let short = plain(Some(&noise[1..]), &latent);
    assert!(matches!(
        go(short, &[1.0, 0.0]),
        SampleError::Length { what: "noise", len: 95, expected: 96, .. }
    ));
    let empty = Start { shape: &[1, 0, 4, 4], ..good };
    assert_eq!(go(empty, &[1.0, 0.0]), SampleError::Shape(vec![1, 0, 4, 4]));
    let none = Start { shape: &[], ..good };
    assert_eq!(go(none, &[1.0, 0.0]), SampleError::Shape(vec![]));
    let options = SamplerOptions { eta: Some(f32::NAN), ..SamplerOptions::default() };
    let end = sample(Sampler::Euler, &options, &mut pull(), &space, good, &[1.0, 0.0], 7, &mut |_| Ok(()));
    assert!(end.unwrap_err().to_string().contains("eta is NaN"));
}

#[test]
fn a_failing_model_ends_the_run() {
    struct Broken;
    impl Model for Broken {
        type Error = String;
        fn denoise(&mut self, x: &[f32], sigma: f32, _: bool) -> Result<Denoised, String> {
            if sigma < 1.0 {
                Err("out of memory".into())
            } else {
                Ok(Denoised { cond_guided: x[1..].to_vec(), uncond: None })
            }
        }
    }
    let (space, noise, latent) = (Space::sd(), randn(1, LEN), vec![0.0; LEN]);
    let go = |sigmas: &[f32]| {
        let (options, start) = (SamplerOptions::default(), plain(Some(&noise), &latent));
        sample(Sampler::Euler, &options, &mut Broken, &space, start, sigmas, 7, &mut |_| Ok(())).unwrap_err()
    };
    assert_eq!(go(&[0.5, 0.0]), SampleError::Model("out of memory".to_owned()));
    assert!(matches!(go(&[2.0, 0.0]), SampleError::Length { len: 95, .. }));
}

#[test]
fn a_node_s_steps_and_denoise_follow_the_rules() {
    let space = Space::sd();
    let plan = |sampler, steps, denoise| ksampler_sigmas(sampler, Scheduler::Karras, &space, steps, denoise);
    let whole = schedule::sigmas(Scheduler::Karras, &space, 10).unwrap();
    assert_eq!(plan(Sampler::Euler, 10, 1.0).unwrap(), whole);
    assert_eq!(plan(Sampler::Euler, 5, 0.5).unwrap(), whole[5..]);
    assert_eq!(plan(Sampler::Euler, 5, 0.0).unwrap(), Vec::<f32>::new());
    let mut without = schedule::sigmas(Scheduler::Karras, &space, 11).unwrap();
    without.remove(10);
    assert_eq!(plan(Sampler::Dpm2, 10, 1.0).unwrap(), without);
    assert_eq!(plan(Sampler::Euler, 0, 1.0), Err(ScheduleError::Steps(0)));
    assert_eq!(plan(Sampler::Euler, 10_001, 1.0), Err(ScheduleError::Steps(10_001)));
    assert!(matches!(
        plan(Sampler::Euler, 1000, 0.001),
        Err(ScheduleError::Denoise { longer: 1_000_000, .. })
    ));
    assert!(plan(Sampler::Euler, 10, f64::NAN).is_err());
    assert_eq!(plan(Sampler::UniPc, 10_000, 1.0).unwrap().len(), 10_001);
}

#[test]
fn a_part_of_a_schedule_follows_the_rules() {
    let all = [4.0, 3.0, 2.0, 1.0, 0.0];
    let part = |start, end, force_full_denoise| slice_steps(&all, KSteps { start, end, force_full_denoise });
    assert_eq!(part(None, None, true), all);
    assert_eq!(part(Some(1), Some(3), false), [3.0, 2.0, 1.0]);
    assert_eq!(part(Some(1), Some(3), true), [3.0, 2.0, 0.0]);
    assert_eq!(part(None, Some(10_000), true), all);
    assert!(part(Some(4), None, false).is_empty());
    assert!(part(Some(3), Some(3), false).is_empty());
}

#[test]
fn schedules_with_settings_fall_and_end_at_zero() {
    let (space, n) = (Space::sd(), 9);
    let all = [
        schedule::karras(n, 0.03, 14.6, 5.0),
        schedule::exponential(n, 0.03, 14.6),
        schedule::polyexponential(n, 0.03, 14.6, 0.7),
        schedule::laplace(n, 0.03, 14.6, 0.0, 0.5),
        schedule::vp(n, 19.9, 0.1, 1e-3),
        schedule::sd_turbo(&space, n, 1.0),
        schedule::beta(&space, n, 0.6, 0.6),
        schedule::align_your_steps(schedule::AlignYourSteps::Sdxl, n, 1.0),
    ];
    for (i, list) in all.into_iter().enumerate() {
        let list = list.unwrap();
        assert_eq!(list.len(), n + 1, "{i}");
        assert_eq!(list[n], 0.0, "{i}");
        assert!(list.windows(2).all(|w| w[0] > w[1]), "{i}: {list:?}");
    }
    assert!(schedule::karras(n, 0.0, 14.6, 7.0).is_err());
    assert!(schedule::karras(n, 0.03, f32::INFINITY, 7.0).is_err());
    assert!(schedule::karras(n, 0.03, 14.6, 0.0).is_err());
    assert!(schedule::vp(n, f64::NAN, 0.1, 0.0).is_err());
    assert!(schedule::beta(&space, n, -1.0, 0.6).is_err());
    assert!(schedule::sigmas(Scheduler::Simple, &Space::flow(f32::NAN, 1.0), 4).is_err());
    let table = space.table().as_slice();
    let one = schedule::sd_turbo(&space, 1, 1.0).unwrap();
    assert!((one[0] - table[999]).abs() < 1e-5 && one.len() == 2);
    let ten = schedule::align_your_steps(schedule::AlignYourSteps::Sd1, 10, 1.0).unwrap();
    assert_eq!(ten[1], table[850]);
    assert_eq!(schedule::align_your_steps(schedule::AlignYourSteps::Sd1, 10, 0.4).unwrap(), ten[6..]);
}

#[test]
fn spaces_agree_with_their_formulas() {
    let sd = Space::sd();
    assert_eq!(sd.timestep(sd.sigma_max()), 999.0);
    assert_eq!(sd.timestep(sd.table().as_slice()[123]), 123.0);
    assert_eq!(sd.timestep(0.0), 0.0);
    assert_eq!(sd.timestep(1e9), 999.0);
    assert_eq!(sd.percent_to_sigma(1.0), 0.0);
    assert!(sd.percent_to_sigma(0.0) > 9e8);
    assert!(sd.starts_at_the_top(14.6146) && !sd.starts_at_the_top(14.5));
    let zero = Space::sd_v_zsnr();
    assert!((zero.sigma_max() - 4518.76).abs() < 0.1, "{}", zero.sigma_max());
    let flow = Space::flow(3.0, 1000.0);
    assert_eq!(flow.timestep(0.5), 500.0);
    assert_eq!((flow.percent_to_sigma(0.0), flow.percent_to_sigma(0.5)), (1.0, 0.75));
    assert_eq!(Space::flux_mu(1024, 1024, 0.5, 1.15), 1.15);
    assert_eq!(Space::flux_mu(256, 256, 0.5, 1.15), 0.5);
    let edm = Space::edm(0.002, 80.0, kiln_sampling::Prediction::V);
    assert!((edm.sigma_at(edm.timestep(3.0)) - 3.0).abs() < 1e-5);
    let angle = Space::v_continuous(0.03, 500.0);
    assert!((angle.sigma_at(angle.timestep(3.0)) - 3.0).abs() < 1e-5);
}

#[test]
fn every_parameterisation_finds_the_picture_back() {
    use kiln_sampling::Prediction;
    let (picture, noise, sigma) = (randn(1, LEN), randn(2, LEN), 0.7f32);
    let data = 0.5f32;
    let spaces = [
        Space::sd(),
        Space::sd_v(),
        Space::edm(0.002, 80.0, Prediction::X0),
        Space::edm(0.002, 80.0, Prediction::Edm { sigma_data: data }),
        Space::flow(3.0, 1000.0),
    ];
    for space in spaces {
        let x = space.noise_scaling(sigma, &noise, &picture, false);
        // What a perfect network of this kind answers.
        let net: Vec<f32> = picture
            .iter()
            .zip(&noise)
            .zip(&x)
            .map(|((p, n), x)| match space.prediction() {
                Prediction::Eps => *n,
                Prediction::X0 => *p,
                Prediction::Flow { .. } => n - p,
                Prediction::V => (n - sigma * p) / (1.0 + sigma * sigma).sqrt(),
                Prediction::Edm { sigma_data: d } => {
                    let sum = sigma * sigma + d * d;
                    (p - x * d * d / sum) * sum.sqrt() / (sigma * d)
                }
            })
            .collect();
        let mut out = vec![0.0; LEN];
        space.denoised(sigma, &x, &net, &mut out);
        for (got, p) in out.iter().zip(&picture) {
            assert!((got - p).abs() < 1e-5, "{:?}: {got} {p}", space.prediction());
        }
    }
}

#[test]
fn noise_of_a_batch_index_has_limits() {
    assert_eq!(initial_noise(1, &[1, 4, 0, 8], None), Err(NoiseError::Shape(vec![1, 4, 0, 8])));
    assert!(initial_noise(1, &[usize::MAX, 4, 8, 8], None).is_err());
    assert_eq!(initial_noise(1, &[1, 4, 8, 8], Some(&[1 << 40])), Err(NoiseError::BatchIndex(1 << 40)));
    let twice = initial_noise(1, &[2, 4, 8, 8], Some(&[3, 3])).unwrap();
    assert_eq!(twice[..256], twice[256..]);
}

#[test]
fn files_of_cases_that_are_wrong_say_so() {
    use kiln_sampling::check::{CheckError, samplers};
    assert!(matches!(samplers("{"), Err(CheckError::Form(_))));
    assert!(matches!(samplers("{\"noise\": [1], \"cases\": {}}"), Err(CheckError::Noise(1))));
    let zeros = format!("[{}]", ["0"; 256].join(","));
    let file = |name: &str, sigmas: &str, out: &str| {
        format!(
            "{{\"noise\":{zeros},\"cases\":{{\"{name}\":{{\"sigmas\":{sigmas},\"nfe\":1,\"finite\":true,\"out\":{out}}}}}}}"
        )
    };
    assert!(matches!(samplers(&file("eps/karras/oiler", "[1,0]", &zeros)), Err(CheckError::Name(_))));
    assert!(matches!(samplers(&file("euler", "[1,0]", &zeros)), Err(CheckError::Name(_))));
    assert!(matches!(samplers(&file("eps/karras/euler", "[1]", &zeros)), Err(CheckError::Case { .. })));
    assert!(matches!(samplers(&file("eps/karras/euler", "[1,0]", "[0]")), Err(CheckError::Case { .. })));
    let wrong = samplers(&file("eps/karras/euler", "[1,0]", &zeros)).unwrap();
    assert!(!wrong[0].good(1e-4), "a recorded result of zeros is not what comes out: {:?}", wrong[0]);
}
