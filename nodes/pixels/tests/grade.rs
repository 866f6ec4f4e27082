//! Grading, tables, palettes, noise, measures, hashes and words, against other programs' numbers
//! (tests/reference/pixels_grade/make.py) and against nonsense.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use kiln_pixels::{
    curve::{Curve, Curves, Levels, curves, levels},
    grade,
    gradient::{Stop, checker, gradient_linear, gradient_radial},
    hash::{PictureHash, ahash, dhash, phash},
    light::{from_lab, to_lab},
    lut::{Lut, LutMethod, apply_lut},
    measure::{measure, subject, subject_of_alpha},
    noise::{Noise, NoiseOptions, add_noise, film_grain, noise_image},
    palette::{Scatter, extract_palette, map_to_palette, palette_coverage},
    pixelate::{pixelate, posterize},
};
use kiln_types::{Color, Image, Mask};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/grade")
}

fn picture(name: &str) -> Image {
    let file = std::fs::File::open(folder().join(name)).unwrap();
    let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    bytes.truncate(info.buffer_size());
    let rgb: Vec<f32> = match info.color_type {
        png::ColorType::Rgb => bytes.iter().map(|v| f32::from(*v) / 255.0).collect(),
        png::ColorType::Grayscale => bytes.iter().flat_map(|v| [f32::from(*v) / 255.0; 3]).collect(),
        other => panic!("{name}: {other:?}"),
    };
    Image::new(1, info.height as usize, info.width as usize, 3, rgb).unwrap()
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn lut(name: &str) -> Lut {
    Lut::parse(&std::fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

fn numbers(words: &[&str]) -> Vec<f32> {
    words.iter().map(|w| w.parse().unwrap()).collect()
}

/// Our answer to a case, and how far it may be off.
fn answer(name: &str, image: &Image, palette: &[Color]) -> (Image, f32) {
    let words: Vec<&str> = name.split(' ').collect();
    let n = || numbers(&words[1..]);
    let exact = 3e-6;
    // Pillow cuts its results off to bytes.
    let byte = 1.01 / 255.0;
    match words[0] {
        "exposure" => (grade::exposure(image, n()[0]).unwrap(), exact),
        "white_balance" => (grade::white_balance(image, n()[0], n()[1]).unwrap(), 2e-5),
        "temperature" => (grade::temperature(image, n()[0]).unwrap(), 1e-5),
        "brightness" => (grade::brightness(image, n()[0]).unwrap(), byte),
        "contrast" => (grade::contrast(image, n()[0], n()[1] / 255.0).unwrap(), byte),
        // Pillow rounds the grey to a byte first.
        "saturation" => (grade::saturation(image, n()[0]).unwrap(), byte + 0.4 / 255.0),
        "gamma" => (grade::gamma(image, n()[0]).unwrap(), exact),
        "vibrance" => (grade::vibrance(image, n()[0]).unwrap(), exact),
        "hue_shift" => (grade::hue_shift(image, n()[0]).unwrap(), exact),
        "curve" => {
            let points: Vec<[f32; 2]> =
                serde_json::from_str::<Vec<[f64; 2]>>(name.split_once(' ').unwrap().1)
                    .unwrap()
                    .iter()
                    .map(|p| p.map(|v| v as f32))
                    .collect();
            let all = Curves { rgb: Some(Curve::new(&points).unwrap()), ..Curves::default() };
            (curves(image, &all).unwrap(), exact)
        }
        "levels" => {
            let l = Levels { in_black: 0.2, in_white: 0.8, gamma: 1.7, out_black: 0.1, out_white: 0.9 };
            (levels(image, [l; 3]).unwrap(), exact)
        }
        "lut" if words[1] == "line" => {
            (apply_lut(image, &lut("line.cube"), LutMethod::Tetrahedral, 1.0).unwrap(), exact)
        }
        "lut" => {
            let method = LutMethod::from_name(words[1]).unwrap();
            (apply_lut(image, &lut("bent.cube"), method, 1.0).unwrap(), exact)
        }
        "lab" => {
            let lab = image.data().chunks_exact(3).flat_map(|p| {
                let [l, a, b] = to_lab([p[0], p[1], p[2]]);
                [l / 100.0, (a + 128.0) / 256.0, (b + 128.0) / 256.0]
            });
            // scikit-image's white differs in the fourth digit, so its greys are not quite grey.
            (Image::new(1, image.height(), image.width(), 3, lab.collect()).unwrap(), 1e-4)
        }
        "palette" => (map_to_palette(image, palette, 1.0, Scatter::None).unwrap(), 1e-6),
        _ => panic!("{name}"),
    }
}

fn palette(expected: &Value) -> Vec<Color> {
    let byte = |v: &Value| u8::try_from(v.as_u64().unwrap()).unwrap();
    let colors = expected["palette"].as_array().unwrap();
    colors.iter().map(|c| Color::rgb8(byte(&c[0]), byte(&c[1]), byte(&c[2]))).collect()
}

#[test]
fn grading_agrees_with_other_programs() {
    let expected = expected();
    let image = picture("small.png");
    let palette = palette(&expected);
    let mut failed = Vec::new();
    for (name, want) in expected["cases"].as_object().unwrap() {
        let (got, allowed) = answer(name, &image, &palette);
        let want = want.as_array().unwrap();
        assert_eq!(want.len(), got.data().len(), "{name}");
        let off = got.data().iter().zip(want).map(|(g, w)| (g - w.as_f64().unwrap() as f32).abs());
        let off = off.fold(0.0, f32::max);
        println!("{name}: off by {off:.2e}");
        if off > allowed {
            failed.push(format!("{name}: off by {off:.2e}, {allowed:.2e} allowed"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn measures_and_hashes_agree_with_other_programs() {
    for (name, want) in expected()["measures"].as_object().unwrap() {
        let image = picture(name);
        let q = measure(&image, 0).unwrap();
        for (key, got) in [
            ("brightness", q.brightness),
            ("contrast", q.contrast),
            ("colourfulness", q.colourfulness),
            ("sharpness", q.sharpness),
            ("entropy", q.entropy),
            ("noise", q.noise),
            ("edges", q.edges),
            ("highlights", q.highlights),
            ("shadows", q.shadows),
        ] {
            let want = want[key].as_f64().unwrap();
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{name} {key}: {got}, {want} wanted");
        }
        let hashes = [("dhash", dhash(&image, 0)), ("ahash", ahash(&image, 0)), ("phash", phash(&image, 0))];
        for (key, got) in hashes {
            assert_eq!(got.unwrap().to_string(), want[key].as_str().unwrap(), "{name} {key}");
        }
    }
}

#[test]
fn found_palettes_are_as_good_as_open_cvs() {
    for (name, want) in expected()["kmeans"].as_object().unwrap() {
        let (file, count) = name.split_once(' ').unwrap();
        let image = picture(file);
        let found = extract_palette(&image, 0, count.parse().unwrap()).unwrap();
        let colors: Vec<Color> = found.iter().map(|f| f.color).collect();
        let got = f64::from(palette_coverage(&image, 0, &colors, 10.0).unwrap().mean_distance);
        let want = want.as_f64().unwrap();
        println!("{name}: mean distance {got:.3}, OpenCV {want:.3}");
        assert!(got <= want * 1.15, "{name}: {got} against {want}");
        assert!((found.iter().map(|f| f.share).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(found.windows(2).all(|w| w[0].share >= w[1].share));
        assert_eq!(found, extract_palette(&image, 0, count.parse().unwrap()).unwrap());
    }
}

#[test]
fn nothing_asked_nothing_changed() {
    let image = picture("small.png");
    let near = |got: Image| {
        let off = got.data().iter().zip(image.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 2e-6, "{off}");
    };
    near(grade::exposure(&image, 0.0).unwrap());
    near(grade::white_balance(&image, 6500.0, 0.0).unwrap());
    near(grade::temperature(&image, 0.0).unwrap());
    near(grade::brightness(&image, 1.0).unwrap());
    near(grade::contrast(&image, 1.0, 0.5).unwrap());
    near(grade::saturation(&image, 1.0).unwrap());
    near(grade::vibrance(&image, 0.0).unwrap());
    near(grade::gamma(&image, 1.0).unwrap());
    near(grade::hue_shift(&image, 360.0).unwrap());
    near(levels(&image, [Levels::default(); 3]).unwrap());
    near(curves(&image, &Curves::default()).unwrap());
    near(apply_lut(&image, &lut("bent.cube"), LutMethod::Trilinear, 0.0).unwrap());
    near(map_to_palette(&image, &[Color::BLACK], 0.0, Scatter::None).unwrap());
    near(pixelate(&image, 1).unwrap());
    near(posterize(&image, 256).unwrap());
    near(add_noise(&image, Noise::Gaussian, 0.0, true, 1).unwrap());
    for p in image.data().chunks_exact(3) {
        let back = from_lab(to_lab([p[0], p[1], p[2]]));
        assert!(back.iter().zip(p).all(|(a, b)| (a - b).abs() < 2e-5));
    }
}

#[test]
fn warmer_is_redder_and_alpha_stays() {
    let grey = Image::new(1, 1, 1, 4, vec![0.5, 0.5, 0.5, 0.3]).unwrap();
    let warm = grade::temperature(&grey, 0.5).unwrap();
    assert!(warm.data()[0] > 0.51 && warm.data()[2] < 0.49 && warm.data()[3] == 0.3);
    // A bluer light is made neutral by turning the picture redder.
    let balanced = grade::white_balance(&grey, 10_000.0, 0.0).unwrap();
    assert!(balanced.data()[0] > balanced.data()[2]);
    let magenta = grade::white_balance(&grey, 6500.0, 0.5).unwrap();
    assert!(magenta.data()[1] < magenta.data()[0] && magenta.data()[1] < magenta.data()[2]);
}

#[test]
fn out_of_range_is_an_error() {
    let image = picture("tiny.png");
    for bad in [f32::NAN, f32::INFINITY, -1e9, 1e9] {
        assert!(grade::exposure(&image, bad).is_err());
        assert!(grade::white_balance(&image, bad, 0.0).is_err());
        assert!(grade::white_balance(&image, 5000.0, bad).is_err());
        assert!(grade::temperature(&image, bad).is_err());
        assert!(grade::brightness(&image, bad).is_err());
        assert!(grade::contrast(&image, bad, 0.5).is_err());
        assert!(grade::contrast(&image, 1.0, bad).is_err());
        assert!(grade::saturation(&image, bad).is_err());
        assert!(grade::vibrance(&image, bad).is_err());
        assert!(grade::gamma(&image, bad).is_err());
        assert!(grade::hue_shift(&image, bad).is_err());
        assert!(Curve::new(&[[0.0, bad], [1.0, 1.0]]).is_err());
        assert!(levels(&image, [Levels { gamma: bad, ..Levels::default() }; 3]).is_err());
        assert!(apply_lut(&image, &lut("bent.cube"), LutMethod::Trilinear, bad).is_err());
        assert!(map_to_palette(&image, &[Color::BLACK], bad, Scatter::None).is_err());
        assert!(palette_coverage(&image, 0, &[Color::BLACK], bad).is_err());
        assert!(noise_image(4, 4, 1, &NoiseOptions { scale: bad, ..NoiseOptions::default() }).is_err());
        assert!(noise_image(4, 4, 1, &NoiseOptions { amount: bad, ..NoiseOptions::default() }).is_err());
        assert!(add_noise(&image, Noise::Gaussian, bad, true, 0).is_err());
        assert!(film_grain(&image, bad, 1.0, 0).is_err());
        assert!(film_grain(&image, 0.5, bad, 0).is_err());
        let stops = [Stop { at: 0.0, color: Color::BLACK }];
        assert!(gradient_linear(4, 4, &stops, bad).is_err());
        assert!(gradient_radial(4, 4, &stops, [bad, 0.0], 1.0).is_err());
        assert!(gradient_radial(4, 4, &stops, [0.5, 0.5], bad).is_err());
    }
    assert!(Curve::new(&[[0.0, 0.0]]).is_err());
    assert!(Curve::new(&[[0.5, 0.0], [0.5, 1.0]]).is_err());
    assert!(levels(&image, [Levels { in_black: 0.5, in_white: 0.5, ..Levels::default() }; 3]).is_err());
    assert!(map_to_palette(&image, &[], 1.0, Scatter::None).is_err());
    assert!(extract_palette(&image, 0, 0).is_err() && extract_palette(&image, 1, 4).is_err());
    assert!(noise_image(usize::MAX, 4, 1, &NoiseOptions::default()).is_err());
    assert!(noise_image(4, 4, 1, &NoiseOptions { octaves: 99, ..NoiseOptions::default() }).is_err());
    assert!(add_noise(&image, Noise::Fbm, 0.1, true, 0).is_err());
    assert!(checker(4, 4, 0, Color::BLACK, Color::WHITE).is_err());
    assert!(pixelate(&image, 0).is_err() && posterize(&image, 1).is_err());
    assert!(measure(&image, 1).is_err() && dhash(&image, 1).is_err());
    assert!(pixelate(&image, usize::MAX).is_ok());
}

#[test]
fn odd_samples_do_no_harm() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -5.0, 1e30, 0.5, f32::MIN_POSITIVE, 1.0, 0.0];
    let image = Image::new(1, 3, 1, 3, odd.to_vec()).unwrap();
    let fine =
        |image: Image| assert!(image.data().iter().all(|v| (0.0..=1.0).contains(v)), "{:?}", image.data());
    fine(grade::exposure(&image, 1.0).unwrap());
    fine(grade::temperature(&image, 0.5).unwrap());
    fine(grade::vibrance(&image, 0.5).unwrap());
    fine(grade::hue_shift(&image, 90.0).unwrap());
    fine(grade::gamma(&image, 2.0).unwrap());
    fine(apply_lut(&image, &lut("bent.cube"), LutMethod::Tetrahedral, 1.0).unwrap());
    fine(map_to_palette(&image, &[Color::BLACK, Color::WHITE], 1.0, Scatter::FloydSteinberg).unwrap());
    fine(add_noise(&image, Noise::Uniform, 0.1, true, 3).unwrap());
    fine(film_grain(&image, 0.5, 2.0, 3).unwrap());
    measure(&image, 0).unwrap();
    phash(&image, 0).unwrap();
    extract_palette(&image, 0, 4).unwrap();
}

#[test]
fn cube_garbage_is_an_error_with_its_line() {
    let line_of = |text: &str| Lut::parse(text).unwrap_err().line;
    assert_eq!(line_of(""), 0);
    assert_eq!(line_of("TITLE \"x\"\nWRONG 3\n"), 2);
    assert_eq!(line_of("0 0 0\n"), 1);
    assert_eq!(line_of("LUT_3D_SIZE 1\n"), 1);
    assert_eq!(line_of("LUT_3D_SIZE 257\n"), 1);
    assert_eq!(line_of("LUT_3D_SIZE 99999999999999999999\n"), 1);
    assert_eq!(line_of("LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n"), 2);
    assert_eq!(line_of("LUT_1D_SIZE 2\n0 0 0\n\n0 0\n"), 4);
    assert_eq!(line_of("LUT_1D_SIZE 2\n0 0 0\n1 1 x\n"), 3);
    assert_eq!(line_of("LUT_1D_SIZE 2\n0 0 0\n1 1 1e99\n"), 3);
    assert_eq!(line_of("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n1 1 1\n"), 4);
    assert_eq!(line_of("LUT_1D_SIZE 2\n0 0 0\nDOMAIN_MIN 0 0 0\n"), 3);
    assert_eq!(line_of("LUT_1D_SIZE 2\nDOMAIN_MIN 1 1 1\n0 0 0\n1 1 1"), 0);
    assert_eq!(line_of("LUT_3D_SIZE 256\n0 0 0\n"), 0);
    let text = std::fs::read_to_string(folder().join("bent.cube")).unwrap();
    // The last line's last number may lose digits and still be one.
    for end in 0..text.len() - 9 {
        assert!(Lut::parse(&text[..end]).is_err(), "{end}");
    }
    let mut state = 9_u64;
    for _ in 0..3000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len().min(if state & 1 == 0 { 100 } else { usize::MAX });
            bytes[at] = (state >> 25) as u8 & 0x7f;
        }
        if let Ok(lut) = Lut::parse(&String::from_utf8_lossy(&bytes)) {
            let out = lut.at([0.3, f32::NAN, 2.0], LutMethod::Tetrahedral);
            assert!(out.iter().all(|v| v.is_finite()));
        }
    }
}

#[test]
fn words_and_ranges_of_cube_files_are_known() {
    let lut = Lut::parse(
        "\u{feff}# made\r\nTITLE \"A b\"\r\nLUT_1D_SIZE 2\r\nLUT_1D_INPUT_RANGE 0 2\r\n0 0 0\r\n2 2 2\r\n",
    );
    let lut = lut.unwrap();
    assert_eq!((lut.title(), lut.size(), lut.is_3d()), ("A b", 2, false));
    assert_eq!(lut.at([1.0, 0.5, 9.0], LutMethod::Trilinear), [1.0, 0.5, 2.0]);
}

#[test]
fn curves_never_overshoot() {
    let points = [[0.0, 0.0], [0.3, 0.02], [0.35, 0.97], [1.0, 1.0]];
    let curve = Curve::new(&points).unwrap();
    let values: Vec<f32> = (0..=10_000).map(|i| curve.at(i as f32 / 10_000.0)).collect();
    assert!(values.windows(2).all(|w| w[1] >= w[0] - 1e-6));
    assert!(points.iter().all(|p| (curve.at(p[0]) - p[1]).abs() < 1e-6));
    assert_eq!((curve.at(-1.0), curve.at(f32::NAN), curve.at(2.0)), (0.0, 0.0, 1.0));
}

#[test]
fn dithers_keep_the_mean() {
    let grey = Image::new(1, 64, 64, 3, vec![0.3; 64 * 64 * 3]).unwrap();
    let two = [Color::BLACK, Color::WHITE];
    let mean = |i: &Image| i.data().iter().sum::<f32>() / i.data().len() as f32;
    let scattered = map_to_palette(&grey, &two, 1.0, Scatter::FloydSteinberg).unwrap();
    assert!(scattered.data().iter().all(|v| *v == 0.0 || *v == 1.0));
    let ordered = map_to_palette(&grey, &two, 1.0, Scatter::Ordered).unwrap();
    let (a, b) = (mean(&scattered), mean(&ordered));
    println!("Floyd-Steinberg {a}, ordered {b}");
    // Nearest is decided in Lab, whose middle lies higher than the code's; the errors are those of codes.
    assert!((a - 0.3).abs() < 0.02 && b > 0.0 && b < 0.6);
}

#[test]
fn noise_depends_on_place_and_seed_alone() {
    for kind in Noise::ALL {
        let options =
            NoiseOptions { kind: *kind, seed: 7, scale: 9.0, color: true, ..NoiseOptions::default() };
        let large = noise_image(40, 30, 2, &options).unwrap();
        let small = noise_image(20, 10, 1, &options).unwrap();
        for y in 0..10 {
            for x in 0..20 {
                assert_eq!(large.pixel(0, y, x), small.pixel(0, y, x), "{kind:?}");
            }
        }
        assert_ne!(large.frame(0), large.frame(1), "{kind:?}");
        let other = noise_image(40, 30, 2, &NoiseOptions { seed: 8, ..options }).unwrap();
        assert_ne!(large.frame(0), other.frame(0), "{kind:?}");
        assert!(large.data().iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn noise_has_the_right_spread() {
    let moments = |image: &Image| {
        let n = image.data().len() as f64;
        let mean = image.data().iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let var =
            image.data().iter().map(|v| f64::from(*v)).map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        (mean, var.sqrt())
    };
    let make = |kind| {
        let options = NoiseOptions { kind, seed: 3, scale: 8.0, color: true, ..NoiseOptions::default() };
        moments(&noise_image(256, 256, 1, &options).unwrap())
    };
    let (mean, deviation) = make(Noise::Uniform);
    assert!((mean - 0.5).abs() < 0.003 && (deviation - 0.288_675).abs() < 0.003);
    let (mean, deviation) = make(Noise::Gaussian);
    assert!((mean - 0.5).abs() < 0.003 && (deviation - 1.0 / 6.0).abs() < 0.003);
    let (mean, deviation) = make(Noise::Perlin);
    assert!((mean - 0.5).abs() < 0.03 && deviation > 0.08 && deviation < 0.25, "{mean} {deviation}");
    let (mean, deviation) = make(Noise::Paper);
    assert!(mean > 0.85 && deviation > 0.01 && deviation < 0.06, "{mean} {deviation}");
    // What is added is what Immerkaer's measure finds.
    let flat = Image::new(1, 128, 128, 3, vec![0.5; 128 * 128 * 3]).unwrap();
    let noisy = add_noise(&flat, Noise::Gaussian, 0.05, false, 9).unwrap();
    let found = measure(&noisy, 0).unwrap().noise;
    assert!((found - 0.05 * 255.0).abs() < 0.5, "{found}");
    let grain = film_grain(&flat, 0.05, 1.0, 9).unwrap();
    assert!((moments(&grain).1 - 0.05).abs() < 0.003);
    // The very numbers, so that a change of machine or code shows.
    let exact =
        noise_image(2, 1, 1, &NoiseOptions { kind: Noise::Gaussian, seed: 42, ..NoiseOptions::default() });
    let bits: Vec<u32> = exact.unwrap().data().iter().map(|v| v.to_bits()).collect();
    assert_eq!([bits[0], bits[3]], GAUSSIAN_42);
}

const GAUSSIAN_42: [u32; 2] = [0x3f0c_d9dd, 0x3f45_1deb];

#[test]
fn gradients_run_where_they_should() {
    let stops = [Stop { at: 0.0, color: Color::BLACK }, Stop { at: 1.0, color: Color::WHITE }];
    let right = gradient_linear(100, 3, &stops, 0.0).unwrap();
    assert!(
        (right.pixel(0, 1, 0)[0] - 0.005).abs() < 1e-5 && (right.pixel(0, 1, 99)[0] - 0.995).abs() < 1e-5
    );
    let down = gradient_linear(3, 100, &stops, 90.0).unwrap();
    assert!((down.pixel(0, 25, 1)[0] - 0.255).abs() < 1e-5);
    let round = gradient_radial(101, 101, &stops, [0.5, 0.5], 1.0).unwrap();
    assert_eq!(round.pixel(0, 50, 50)[0], 0.0);
    assert!(round.pixel(0, 0, 0)[0] > 0.98);
    let clear = Color { a: 0.0, ..Color::BLACK };
    let fading = [Stop { at: 0.0, color: clear }, Stop { at: 1.0, color: Color::WHITE }];
    let fading = gradient_linear(10, 1, &fading, 0.0).unwrap();
    assert!(fading.has_alpha() && (fading.pixel(0, 0, 5)[0] - 1.0).abs() < 1e-6);
    let board = checker(4, 4, 2, Color::BLACK, Color::WHITE).unwrap();
    assert_eq!([board.pixel(0, 1, 1)[0], board.pixel(0, 1, 2)[0], board.pixel(0, 2, 2)[0]], [0.0, 1.0, 0.0]);
}

#[test]
fn blocks_are_means() {
    let image = picture("noise.png");
    let whole = pixelate(&image, 1000).unwrap();
    let mean = image.data().iter().step_by(3).map(|v| f64::from(*v)).sum::<f64>() / (31.0 * 47.0);
    assert!((f64::from(whole.data()[0]) - mean).abs() < 1e-6);
    assert_eq!(posterize(&image, 2).unwrap().data().iter().filter(|v| **v != 0.0 && **v != 1.0).count(), 0);
    let clear = Image::new(1, 1, 2, 4, vec![1.0, 1.0, 1.0, 0.0, 0.2, 0.2, 0.2, 1.0]).unwrap();
    assert_eq!(pixelate(&clear, 2).unwrap().pixel(0, 0, 0), [0.2, 0.2, 0.2, 0.5]);
}

#[test]
fn the_subject_is_found() {
    let mut mask = Mask::filled(1, 10, 20, 0.0).unwrap();
    for y in 4..6 {
        for x in 0..10 {
            mask.data_mut()[y * 20 + x] = 1.0;
        }
    }
    let found = subject(&mask, 0).unwrap();
    assert_eq!(found.bounds, Some([0, 4, 10, 6]));
    assert_eq!(found.touches, [true, false, false, false]);
    assert!((found.area - 0.1).abs() < 1e-9 && found.center == [0.25, 0.5]);
    assert!((found.off_center - 5.0 / (500.0_f64.sqrt() / 2.0)).abs() < 1e-9);
    let nothing = subject(&Mask::filled(1, 5, 5, 0.0).unwrap(), 0).unwrap();
    assert_eq!((nothing.area, nothing.off_center, nothing.bounds), (0.0, 0.0, None));
    let all = subject_of_alpha(&picture("tiny.png"), 0).unwrap();
    assert_eq!((all.area, all.touches), (1.0, [true; 4]));
}

#[test]
fn hashes_are_read_back() {
    let hash = phash(&picture("photo.png"), 0).unwrap();
    assert_eq!(PictureHash::parse(&hash.to_string()), Some(hash));
    assert_eq!(hash.distance(PictureHash(!hash.0)), 64);
    for text in ["", "123", "g000000000000000", "+000000000000000"] {
        assert_eq!(PictureHash::parse(text), None);
    }
    let brighter = phash(&grade::brightness(&picture("photo.png"), 1.1).unwrap(), 0).unwrap();
    assert!(hash.distance(brighter) <= 6);
}
