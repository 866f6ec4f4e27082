//! Latent nodes against torch's numbers, the rules of noise masks and batch numbers, and files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod world;

use kiln_core::Status;
use kiln_core::types::{Mask, Value};
use kiln_diffusion::latent::{arrange, batch, composite, file, mix, resize};
use kiln_diffusion::values::Latent;
use kiln_pixels::geometry::{Flip, Turn};
use kiln_pixels::resample::{Crop, Method as Flat};
use kiln_weights::WeightFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use world::{fails, of, run, run_in};

fn reference() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/latent")
}

/// The numbers of `latent.py`.
fn numbers(seed: u32, len: usize) -> Vec<f32> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state >> 8) / f64::from(1 << 24) * 4.0 - 2.0) as f32
        })
        .collect()
}

fn make(seed: u32, shape: [usize; 4]) -> Latent {
    Latent::new(shape, numbers(seed, shape.iter().product())).unwrap()
}

fn a() -> Latent {
    make(1, [2, 3, 5, 7])
}

fn b() -> Latent {
    make(2, [3, 3, 9, 6])
}

fn c() -> Latent {
    make(3, [1, 3, 5, 7])
}

/// A latent with pixels that have no direction, the same one as their neighbour, or the opposite.
fn odd() -> Latent {
    let mut odd = make(1, [1, 3, 5, 7]);
    for channel in odd.samples.chunks_exact_mut(35) {
        channel[7 + 2] = 0.0;
        channel[14 + 3] = channel[14 + 2] * 2.0;
        channel[21 + 3] = -channel[21 + 2];
    }
    odd
}

fn mask(seed: u32, [n, h, w]: [usize; 3]) -> Mask {
    Mask::new(n, h, w, numbers(seed, n * h * w).into_iter().map(|v| (v + 2.0) / 4.0).collect()).unwrap()
}

struct Known(serde_json::Value);

impl Known {
    fn read() -> Self {
        Self(serde_json::from_slice(&std::fs::read(reference().join("latent.json")).unwrap()).unwrap())
    }

    fn check(&self, name: &str, made: &Latent) {
        let case = &self.0[name];
        let shape: Vec<usize> =
            serde_json::from_value(case["shape"].clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(made.shape.to_vec(), shape, "{name}");
        let samples: Vec<f32> = serde_json::from_value(case["samples"].clone()).unwrap();
        let worst = made.samples.iter().zip(&samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Between nearly opposite directions bislerp magnifies the last bit of an angle: torch's own numbers are
        // 2.3e-5 away from those in double precision.
        let near = if name.starts_with("bislerp") { 5e-5 } else { 4e-6 };
        assert!(worst <= near, "{name}: {worst:e} apart");
    }
}

#[test]
fn scaling_is_torch_s() {
    let known = Known::read();
    for method in resize::Method::NAMES {
        let how = resize::Method::from_name(method).unwrap();
        for (size, crop) in
            [([9, 11], "disabled"), ([9, 11], "center"), ([3, 4], "disabled"), ([8, 5], "center")]
        {
            let made = resize::resize(&odd(), size, how, Crop::from_name(crop).unwrap()).unwrap();
            known.check(&format!("{method} {}x{} {crop}", size[0], size[1]), &made);
        }
    }
    for size in [[9, 12], [4, 6]] {
        let made =
            resize::resize(&make(5, [1, 2, 3, 4]), size, resize::Method::Bislerp, Crop::Disabled).unwrap();
        known.check(&format!("bislerp few {}x{}", size[0], size[1]), &made);
    }
    assert!(resize::Method::from_name("lanczos").is_none());
    assert!(resize::resize(&odd(), [0, 4], resize::Method::Flat(Flat::Area), Crop::Disabled).is_err());
    assert!(resize::resize(&odd(), [1 << 16, 1 << 16], resize::Method::Bislerp, Crop::Center).is_err());
}

#[test]
fn sizes_follow_the_rules() {
    let latent = make(1, [1, 1, 48, 80]);
    assert_eq!(resize::size_for(&latent, 0, 0), None);
    assert_eq!(resize::size_for(&latent, 1024, 512), Some([64, 128]));
    assert_eq!(resize::size_for(&latent, 500, 0), Some([37, 62]));
    assert_eq!(resize::size_for(&latent, 0, 100), Some([12, 20]));
    assert_eq!(resize::size_for(&latent, 0, 8), Some([8, 13]), "at least 64 pixels");
    assert_eq!(resize::size_for(&latent, 70, 0), Some([8, 8]), "at least 64 pixels");
    assert_eq!(resize::size_by(&latent, 1.5), [72, 120]);
    assert_eq!(resize::size_by(&latent, 0.01), [1, 1]);
    assert_eq!(resize::size_by(&make(1, [1, 1, 5, 7]), 0.5), [2, 4], "halves go to the even number");
}

#[test]
fn turning_and_mirroring_are_torch_s() {
    let known = Known::read();
    known.check("flip vertical", &arrange::flip(&a(), Flip::Vertical).unwrap());
    known.check("flip horizontal", &arrange::flip(&a(), Flip::Horizontal).unwrap());
    for (name, turn) in
        [("none", Turn::None), ("90", Turn::Quarter), ("180", Turn::Half), ("270", Turn::ThreeQuarters)]
    {
        known.check(&format!("rotate {name}"), &arrange::rotate(&a(), turn).unwrap());
    }
}

#[test]
fn parts_begin_where_they_should() {
    let latent = Latent::new([1, 1, 20, 30], (0..600).map(|v| v as f32).collect()).unwrap();
    let part = |at, size| {
        let part = arrange::crop(&latent, at, size).unwrap();
        (part.samples[0] as usize / 30, part.samples[0] as usize % 30, part.height(), part.width())
    };
    assert_eq!(part([2, 3], [8, 16]), (2, 3, 8, 16));
    assert_eq!(part([500, 500], [8, 8]), (12, 22, 8, 8), "a corner past the edge moves in");
    // 3 too many: it begins 3 earlier; 8 too many: it is 8 smaller.
    assert_eq!(part([0, 17], [8, 16]), (0, 14, 8, 16));
    assert_eq!(part([0, 22], [8, 16]), (0, 22, 8, 8));
    assert_eq!(part([0, 0], [64, 64]), (0, 0, 20, 30), "never outside");
    let small = arrange::crop(&c(), [0, 0], [64, 64]).unwrap();
    assert_eq!(small, c());
    assert!(arrange::crop(&c(), [0, 0], [0, 8]).is_err());
}

#[test]
fn mixing_is_torch_s() {
    let known = Known::read();
    known.check("blend", &mix::blend(&a(), &b(), 0.3).unwrap());
    known.check("blend wide", &mix::blend(&c(), &b(), 0.3).unwrap());
    known.check("add", &mix::add(&a(), &b()).unwrap());
    known.check("subtract", &mix::subtract(&a(), &c()).unwrap());
    known.check("multiply", &mix::multiply(&a(), -1.7));
    known.check("interpolate", &mix::interpolate(&a(), &b(), 0.35).unwrap());
    let still = mix::interpolate(&odd(), &Latent::zeros([1, 3, 5, 7]).unwrap(), 0.5).unwrap();
    assert!(still.samples.iter().all(|v| v.is_finite()), "no direction is no direction");
}

#[test]
fn laying_is_torch_s() {
    let known = Known::read();
    let corner = Latent::new([1, 3, 4, 4], {
        let from = c();
        let rows = from.samples.chunks_exact(7).enumerate().filter(|(row, _)| row % 5 < 4);
        rows.flat_map(|(_, row)| row[..4].to_vec()).collect()
    })
    .unwrap();
    known.check("feather inside", &composite::feathered(&b(), &corner, [2, 1], 2).unwrap());
    known.check("feather corner", &composite::feathered(&b(), &c(), [0, 0], 3).unwrap());
    known.check("feather over", &composite::feathered(&b(), &c(), [6, 3], 1).unwrap());
    known.check("plain over", &composite::feathered(&b(), &c(), [6, 3], 0).unwrap());
    assert_eq!(composite::feathered(&b(), &c(), [9, 0], 5).unwrap(), b(), "outside nothing changes");
    assert!(composite::feathered(&b(), &c(), [1, 0], usize::MAX).is_ok());
    let by = mask(4, [2, 10, 13]);
    known.check("masked", &composite::masked(&b(), &a(), [1, 2], false, Some(&by)).unwrap());
    known.check("masked resized", &composite::masked(&b(), &a(), [3, 0], true, Some(&by)).unwrap());
    let whole = composite::masked(&b(), &a(), [usize::MAX, 0], false, None).unwrap();
    assert_eq!(whole, b());
}

#[test]
fn latents_of_other_models_are_told_apart() {
    let other = make(1, [1, 16, 5, 7]);
    for refused in [
        mix::blend(&c(), &other, 0.5),
        mix::add(&c(), &other),
        mix::interpolate(&c(), &other, 0.5),
        batch::join(&c(), &other),
        composite::feathered(&c(), &other, [0, 0], 0),
        composite::masked(&c(), &other, [0, 0], false, None),
    ] {
        let error = refused.unwrap_err();
        assert!(error.what.contains("3 channels") && error.what.contains("16 channels, 7x5"), "{error}");
    }
}

/// Four pictures whose masks are told apart by their value.
fn four() -> Latent {
    let data = (0..4).flat_map(|i| [i as f32 / 4.0; 6]).collect();
    batch::with_mask(make(9, [4, 4, 2, 3]), &Mask::new(4, 2, 3, data).unwrap())
}

fn mask_values(latent: &Latent) -> Vec<f32> {
    let mask = latent.mask.as_ref().unwrap();
    assert_eq!(mask.data.len(), mask.batch * mask.height * mask.width);
    mask.data.chunks_exact(mask.height * mask.width).map(|m| m[0]).collect()
}

#[test]
fn a_part_of_a_batch_keeps_noise_and_mask() {
    let four = four();
    let third = batch::slice(&four, 2, 1).unwrap();
    assert_eq!((third.batch_index.clone(), third.batch()), (Some(vec![2]), 1));
    assert_eq!(third.picture(0), four.picture(2));
    assert_eq!(mask_values(&third), [0.5]);
    // The noise of the third picture alone is the third picture's noise.
    let noise =
        |l: &Latent| kiln_sampling::noise::initial_noise(7, &l.shape, l.batch_index.as_deref()).unwrap();
    let (whole, alone) =
        (noise(&make(9, [4, 4, 2, 2])), noise(&batch::slice(&make(9, [4, 4, 2, 2]), 2, 1).unwrap()));
    assert_eq!(alone, whole[2 * 16..3 * 16]);

    let end = batch::slice(&four, 3, 64).unwrap();
    assert_eq!((end.batch(), end.batch_index), (1, Some(vec![3])));
    assert_eq!(batch::slice(&four, 99, 2).unwrap().batch_index, Some(vec![3]));
    let two = batch::slice(&four, 1, 3).unwrap();
    assert_eq!(batch::slice(&two, 1, 2).unwrap().batch_index, Some(vec![2, 3]), "a part of a part");
    assert!(batch::slice(&four, 0, 0).is_err());
    // Fewer masks than pictures: they start again.
    let pair = batch::with_mask(four.clone(), &Mask::new(2, 1, 1, vec![0.25, 0.75]).unwrap());
    assert_eq!(mask_values(&batch::slice(&pair, 1, 2).unwrap()), [0.75, 0.25]);
    let one = batch::with_mask(four, &Mask::filled(1, 8, 8, 0.5).unwrap());
    assert_eq!(mask_values(&batch::slice(&one, 1, 2).unwrap()), [0.5], "one mask is for all");
}

#[test]
fn repeats_count_on() {
    let twice = batch::repeat(&four(), 2).unwrap();
    assert_eq!((twice.batch(), twice.batch_index.clone()), (8, None));
    assert_eq!(twice.picture(5), twice.picture(1));
    assert_eq!(mask_values(&twice), [0.0, 0.25, 0.5, 0.75, 0.0, 0.25, 0.5, 0.75]);
    let part = batch::repeat(&batch::slice(&four(), 1, 2).unwrap(), 3).unwrap();
    assert_eq!(part.batch_index, Some(vec![1, 2, 3, 4, 5, 6]));
    let uneven = batch::with_mask(make(1, [3, 1, 1, 1]), &Mask::new(2, 1, 1, vec![0.25, 0.75]).unwrap());
    assert_eq!(mask_values(&batch::repeat(&uneven, 2).unwrap()), [0.25, 0.75, 0.25, 0.25, 0.75, 0.25]);
    assert!(batch::repeat(&four(), 0).is_err());
    assert!(batch::repeat(&four(), usize::MAX).is_err());
    assert!(batch::repeat(&four(), 1 << 40).is_err());
}

#[test]
fn joined_pictures_keep_their_numbers() {
    let known = Known::read();
    let joined = batch::join(&a(), &b()).unwrap();
    known.check("batch", &joined);
    assert_eq!(joined.batch_index, Some(vec![0, 1, 0, 1, 2]));
    let parts = batch::join(&batch::slice(&a(), 1, 1).unwrap(), &four_like_a()).unwrap();
    assert_eq!(parts.batch_index, Some(vec![1, 0]));
    assert_eq!(batch::seeds(&joined, true).batch_index, Some(vec![0; 5]));
    assert_eq!(batch::seeds(&batch::slice(&a(), 1, 1).unwrap(), true).batch_index, Some(vec![1]));
    assert_eq!(batch::seeds(&joined, false).batch_index, None);
    // What grows with the other batch starts its numbers again, so that there is one for each picture.
    assert_eq!(
        mix::blend(&batch::slice(&a(), 1, 1).unwrap(), &b(), 0.5).unwrap().batch_index,
        Some(vec![1; 3])
    );
}

fn four_like_a() -> Latent {
    make(11, [1, 3, 5, 7])
}

#[test]
fn masks_come_back() {
    let set = mask(4, [2, 10, 13]);
    assert_eq!(batch::mask_of(&batch::with_mask(a(), &set)).unwrap(), set);
    let all = batch::mask_of(&a()).unwrap();
    assert_eq!((all.width(), all.height(), all.batch()), (56, 40, 1));
    assert!(all.data().iter().all(|v| *v == 1.0));
}

fn open(path: &Path) -> Result<Latent, String> {
    let file = WeightFile::open(path).map_err(|e| e.to_string())?;
    file::from_file(&file).map_err(|e| e.to_string())
}

#[test]
fn files_of_comfyui_are_read() {
    assert_eq!(open(&reference().join("ready.latent")).unwrap(), a());
    let old = open(&reference().join("old.latent")).unwrap();
    let worst = old.samples.iter().zip(c().samples).map(|(o, c)| (o * 0.18215 - c).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-6, "{worst}");
}

#[test]
fn files_give_back_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut latent = batch::slice(&four(), 1, 3).unwrap();
    latent.factor = 16;
    for latent in [latent, a()] {
        let notes = BTreeMap::from([("kiln".to_owned(), "a graph".to_owned())]);
        let path = dir.path().join("x.latent");
        std::fs::write(&path, file::to_bytes(&latent, &notes).unwrap()).unwrap();
        assert_eq!(open(&path).unwrap(), latent);
        assert_eq!(WeightFile::open(&path).unwrap().metadata()["kiln"], "a graph");
    }
}

#[test]
fn hostile_files_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.latent");
    let marker = r#""latent_format_version_0":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;
    let with = |tensors: &str, data: &[u8]| {
        let header = format!("{{{marker},{tensors}}}");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    };
    let plain = r#""latent_tensor":{"dtype":"F32","shape":[1,1,1,2],"data_offsets":[0,8]}"#;
    let two = [1.0_f32, 2.0].map(f32::to_le_bytes).concat();
    assert_eq!(with(plain, &two).unwrap().samples, [1.0, 2.0]);
    let nan = [1.0_f32, f32::NAN].map(f32::to_le_bytes).concat();
    let four = [two.clone(), two.clone()].concat();
    let more = |index: &str| format!("{plain},{index}");
    let cases: [(&str, String, &[u8], &str); 11] = [
        ("no latent", plain.replace("latent_tensor", "weights"), &two, "SaveLatent"),
        ("not finite", plain.to_owned(), &nan, "place 1"),
        ("whole numbers", plain.replace("F32", "I32"), &two, "whole numbers"),
        ("sides", plain.replace("[1,1,1,2]", "[1,2]"), &two, "four sides"),
        ("empty", plain.replace("[1,1,1,2]", "[1,0,1,2]").replace("[0,8]", "[0,0]"), &[], "cannot be used"),
        ("huge", plain.replace("[1,1,1,2]", "[9000000000,9000000000,9000000000,2]"), &two, ""),
        ("cut", plain.to_owned(), &two[..5], ""),
        ("far", more(r#""batch_index":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}"#), &four, "outside"),
        (
            "many",
            more(r#""batch_index":{"dtype":"I64","shape":[0],"data_offsets":[8,8]}"#),
            &two,
            "whole numbers",
        ),
        (
            "flat mask",
            more(r#""noise_mask":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#),
            &four,
            "shape",
        ),
        (
            "no mask",
            more(r#""noise_mask":{"dtype":"F32","shape":[0,4,4],"data_offsets":[8,8]}"#),
            &two,
            "empty",
        ),
    ];
    for (name, tensors, data, words) in cases {
        let error = with(&tensors, data).expect_err(name);
        assert!(error.contains(words), "{name}: {error}");
    }
    let odd = r#""__metadata__":{"pixels_per_latent_pixel":"0"}"#;
    assert!(with(&format!("{odd},{plain}"), &two).unwrap_err().contains("1 to 64"));
    std::fs::write(&path, b"no such thing").unwrap();
    assert!(open(&path).is_err());
}

fn taken(node: &str, inputs: &[(&str, Value)], with: &str) -> Latent {
    of(&run(node, inputs, with).unwrap_or_else(|e| panic!("{node}: {e}")), "latent")
}

#[test]
fn empty_latents_have_the_picture_s_size() {
    let made = taken("EmptyLatent", &[], r#""width": 520, "height": 260, "batch_size": 3"#);
    assert_eq!((made.shape, made.batch_index.clone(), made.mask.clone()), ([3, 4, 32, 65], None, None));
    assert!(made.samples.iter().all(|v| *v == 0.0));
    assert_eq!(taken("EmptyLatent", &[], "").shape, [1, 4, 64, 64]);
    assert_eq!(taken("EmptySd3Latent", &[], "").shape, [1, 16, 128, 128]);
    fails(run("EmptyLatent", &[], r#""width": 16384, "height": 16384, "batch_size": 4096"#), "", "too large");
    let size = run("LatentSize", &[("latent", made.into())], "").unwrap();
    for (name, known) in [("width", 520), ("height", 256), ("batch_size", 3)] {
        assert!(matches!(size[name], Value::Int(v) if v == known), "{name}: {:?}", size[name]);
    }
}

#[test]
fn nodes_do_what_the_functions_do() {
    let (a, b, c) = (a(), b(), c());
    let one = |node: &str, with: &str| taken(node, &[("samples", a.clone().into())], with);
    let area = resize::Method::Flat(Flat::Area);
    let up = one("LatentUpscale", r#""upscale_method": "area", "width": 88, "height": 72, "crop": "center""#);
    assert_eq!(up, resize::resize(&a, [9, 11], area, Crop::Center).unwrap());
    assert_eq!(one("LatentUpscale", r#""width": 0, "height": 0"#), a);
    let by = one("LatentUpscaleBy", r#""upscale_method": "bislerp", "scale_by": 1.7"#);
    assert_eq!(by, resize::resize(&a, [8, 12], resize::Method::Bislerp, Crop::Disabled).unwrap());
    assert_eq!(one("LatentFlip", ""), arrange::flip(&a, Flip::Vertical).unwrap());
    let across = one("LatentFlip", r#""flip_method": "y-axis: horizontally""#);
    assert_eq!(across, arrange::flip(&a, Flip::Horizontal).unwrap());
    assert_eq!(one("LatentRotate", ""), a);
    assert_eq!(
        one("LatentRotate", r#""rotation": "90 degrees""#),
        arrange::rotate(&a, Turn::Quarter).unwrap()
    );
    assert_eq!(one("LatentMultiply", r#""multiplier": -1.7"#), mix::multiply(&a, -1.7));
    let large = make(1, [1, 1, 20, 30]);
    let with = r#""width": 128, "height": 64, "x": 24, "y": 23"#;
    let part = taken("LatentCrop", &[("latent", large.clone().into())], with);
    assert_eq!(part, arrange::crop(&large, [2, 3], [8, 16]).unwrap());

    let two = |node: &str, with: &str| {
        taken(node, &[("samples1", a.clone().into()), ("samples2", b.clone().into())], with)
    };
    assert_eq!(two("LatentBlend", ""), mix::blend(&a, &b, 0.5).unwrap());
    assert_eq!(two("LatentInterpolate", r#""ratio": 0.35"#), mix::interpolate(&a, &b, 0.35).unwrap());
    assert_eq!(two("LatentAdd", ""), mix::add(&a, &b).unwrap());
    assert_eq!(two("LatentSubtract", ""), mix::subtract(&a, &b).unwrap());
    assert_eq!(two("LatentBatch", ""), batch::join(&a, &b).unwrap());

    let laid = [("samples_to", b.clone().into()), ("samples_from", c.clone().into())];
    let laid = taken("LatentComposite", &laid, r#""x": 24, "y": 55, "feather": 17"#);
    assert_eq!(laid, composite::feathered(&b, &c, [6, 3], 2).unwrap());
    let by = mask(4, [2, 10, 13]);
    let laid = [("destination", b.clone().into()), ("source", a.clone().into()), ("mask", by.clone().into())];
    let laid = taken("LatentCompositeMasked", &laid, r#""x": 16, "y": 8"#);
    assert_eq!(laid, composite::masked(&b, &a, [1, 2], false, Some(&by)).unwrap());
    let whole = [("destination", b.clone().into()), ("source", a.clone().into())];
    let whole = taken("LatentCompositeMasked", &whole, r#""resize_source": true"#);
    assert_eq!(whole, composite::masked(&b, &a, [0, 0], true, None).unwrap());
    let sixteen = make(1, [1, 16, 5, 7]);
    let refused = run("LatentAdd", &[("samples1", a.clone().into()), ("samples2", sixteen.into())], "");
    fails(refused, "samples2", "do not go together");
}

#[test]
fn batches_and_masks_by_nodes() {
    let four = four();
    let input = || [("samples", four.clone().into())];
    let third = taken("LatentFromBatch", &input(), r#""batch_index": 2, "length": 1"#);
    assert_eq!((third.batch_index.clone(), third.picture(0)), (Some(vec![2]), four.picture(2)));
    assert_eq!(taken("RepeatLatentBatch", &input(), r#""amount": 3"#), batch::repeat(&four, 3).unwrap());
    assert_eq!(taken("LatentBatchSeedBehavior", &input(), "").batch_index, Some(vec![0; 4]));
    let random =
        taken("LatentBatchSeedBehavior", &[("latent", third.into())], r#""seed_behavior": "random""#);
    assert_eq!(random.batch_index, None);
    let set = mask(4, [2, 10, 13]);
    let masked = taken("SetNoiseMask", &[("samples", a().into()), ("mask", set.clone().into())], "");
    let back = run("LatentMask", &[("latent", masked.into())], "").unwrap();
    assert!(matches!(&back["mask"], Value::Mask(m) if **m == set));
}

#[test]
fn latents_are_saved_once_and_loaded_again() {
    let dir = tempfile::tempdir().unwrap();
    let latent = batch::slice(&four(), 1, 3).unwrap();
    let save =
        |with: &str| run_in(Some(dir.path()), "SaveLatent", &[("samples", latent.clone().into())], with);
    let (report, _) = save(r#""filename_prefix": "a/b""#).unwrap();
    assert_eq!((report.status, report.nodes["n"].ran), (Status::Done, 1), "{:?}", report.failures);
    assert_eq!(open(&dir.path().join("a/b.latent")).unwrap(), latent);
    let (again, _) = save(r#""name": "a/b""#).unwrap();
    assert_eq!((again.nodes["n"].ran, again.nodes["n"].journal), (0, 1));
    std::fs::remove_file(dir.path().join("a/b.latent")).unwrap();
    let (third, _) = save(r#""name": "a/b""#).unwrap();
    assert_eq!(third.nodes["n"].ran, 1, "what was deleted is made again");
    save(r#""name": "c.latent""#).unwrap();
    assert!(dir.path().join("c.latent").exists());
    for (with, words) in [
        (r#""name": """#, "not a file's name"),
        (r#""name": "x/""#, "not a file's name"),
        (r#""name": ".latent""#, "not a file's name"),
        (r#""name": "{index""#, "braces"),
    ] {
        fails(save(with).map(|_| ()), "name", words);
    }
    let (outside, _) = save(r#""name": "../out""#).unwrap();
    assert!(outside.failures[0].2.contains("not a name inside the output folder"), "{:?}", outside.failures);

    let loaded = taken("LoadLatent", &[], r#""latent": "tests/reference/latent/ready.latent""#);
    assert_eq!(loaded, a());
    let other = run("LoadLatent", &[], r#""file": "tests/reference/latent/latent.json""#);
    fails(other, "file", "latent.json");
}
