//! What follows a cut-out, against other programs (tests/reference/vision/cutout.py) and against nonsense.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]
mod pictures;

use kiln_pixels::alpha::{subject_mask, with_mask};
use kiln_pixels::distance::offset;
use kiln_pixels::foreground::foreground;
use kiln_pixels::geometry::Flip;
use kiln_pixels::guided::guided_filter;
use kiln_pixels::layer::Paint;
use kiln_pixels::place::{Anchor, Cover, Placement, backdrop, place, plain};
use kiln_pixels::refine::{Refine, refine};
use kiln_pixels::shadow::{Drop, Ground, Line, Side, drop_shadow, ground_shadow, outline};
use kiln_pixels::subject_frame::{Framing, frame_subject};
use kiln_types::{Color, Image, Mask};
use pictures::{json, mask, picture};

const CLEAR: Color = Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 };
const PAINT: Paint = Paint { color: Color { r: 0.0, g: 0.0, b: 0.0, a: 1.0 }, opacity: 0.5, grow: true };

const LINE: Line = Line { width: 4.0, side: Side::Outside, blur: 0.0, threshold: 0.5 };

fn places() -> Vec<usize> {
    let all = json("cutout.json");
    all["places"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

#[test]
fn the_guided_filter_is_that_of_the_paper() {
    let (image, rough) = (picture("cutout_picture"), mask("cutout_rough"));
    for case in json("cutout.json")["guided"].as_array().unwrap() {
        let (radius, epsilon) =
            (case["radius"].as_u64().unwrap() as usize, case["epsilon"].as_f64().unwrap());
        let found = guided_filter(&image, &rough, radius, epsilon).unwrap();
        let wanted = case["values"].as_array().unwrap();
        let off = places()
            .iter()
            .zip(wanted)
            .map(|(i, v)| (f64::from(found.data()[*i]) - v.as_f64().unwrap()).abs())
            .fold(0.0, f64::max);
        println!("radius {radius}, epsilon {epsilon}: off by {off:.2e}");
        assert!(off < 2e-6, "radius {radius}, epsilon {epsilon}: off by {off}");
    }
}

#[test]
fn edges_move_as_far_as_scipy_measures() {
    let rough = mask("cutout_rough");
    for by in [1.0, 3.5, 12.25] {
        let found = offset(&rough, by).unwrap();
        for (i, want) in places().iter().zip(json("cutout.json")["distance"].as_array().unwrap()) {
            // The edge lies half a pixel before the nearest pixel inside.
            let outside = (want.as_f64().unwrap() as f32 - 0.5).max(-0.5);
            let want = if rough.data()[*i] >= 0.5 { 1.0 } else { (by + 0.5 - outside).clamp(0.0, 1.0) };
            assert!((found.data()[*i] - want).abs() < 1e-4, "{by} at {i}: {} {want}", found.data()[*i]);
        }
    }
}

/// Mean and root mean square difference of the colours of soft pixels.
fn errors(found: &Image, truth: &Image, alpha: &Mask) -> [f64; 2] {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    let pixels = found.data().chunks_exact(found.channels()).zip(truth.data().chunks_exact(truth.channels()));
    for ((a, b), alpha) in pixels.zip(alpha.data()) {
        if *alpha > 0.02 && *alpha < 0.98 {
            for c in 0..3 {
                let d = f64::from(a[c] - b[c]).abs();
                sum += d;
                squares += d * d;
                count += 1.0;
            }
        }
    }
    [sum / count, (squares / count).sqrt()]
}

#[test]
fn the_subjects_colours_are_as_good_as_pymattings() {
    let (image, alpha) = (picture("cutout_picture"), mask("cutout_alpha"));
    let (truth, theirs) = (picture("cutout_subject"), picture("cutout_pymatting"));
    let found = foreground(&image, &alpha).unwrap();
    let known = &json("cutout.json")["foreground"];
    let [mean, rms] = errors(&found, &truth, &alpha);
    let before = errors(&image, &truth, &alpha);
    let between = errors(&found, &theirs, &alpha);
    println!(
        "before {before:?}, ours {mean:.5} {rms:.5}, pymatting {}, between {between:?}",
        known["pymatting"]
    );
    assert!(mean < known["pymatting"]["mean"].as_f64().unwrap() * 1.05, "{mean}");
    assert!(rms < known["pymatting"]["rms"].as_f64().unwrap() * 1.05, "{rms}");
    assert!(between[1] < 0.012, "{between:?}");
    for ((p, i), a) in found.data().chunks_exact(4).zip(image.data().chunks_exact(3)).zip(alpha.data()) {
        assert!(*a < 1.0 || p[..3] == *i, "opaque pixels keep their colour");
        assert_eq!(p[3], *a);
    }
    // Laid on the green it came from, the picture is there again.
    let again = place(&image, &found, &put(Anchor::TopLeft)).unwrap().image;
    assert_eq!((again.width(), again.channels()), (image.width(), 3));
}

fn put(anchor: Anchor) -> Placement {
    Placement { anchor, offset: [0, 0], scale: 0.0, flip: None, linear: false }
}

#[test]
fn a_rough_mask_comes_nearer_to_the_truth() {
    let (image, truth, rough) = (picture("cutout_picture"), mask("cutout_alpha"), mask("cutout_rough"));
    let off = |m: &Mask| {
        m.data().iter().zip(truth.data()).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>()
            / m.data().len() as f64
    };
    let how = Refine { radius: 6, epsilon: 1e-5, band: 12.0, contrast: 0.1, ..Refine::default() };
    let found = refine(&image, &rough, &how).unwrap();
    println!("before {:.4}, after {:.4}", off(&rough), off(&found));
    assert!(off(&found) < 0.45 * off(&rough));
    // Beyond the band nothing changes.
    let inner = offset(&rough, -13.0).unwrap();
    for ((f, r), i) in found.data().iter().zip(rough.data()).zip(inner.data()) {
        assert!(*i < 1.0 || f == r);
    }
    assert_eq!(refine(&image, &rough, &Refine::default()).unwrap(), rough);
    assert_eq!(refine(&image, &rough, &Refine { strength: 0.0, ..how }).unwrap().data()[0], rough.data()[0]);
}

#[test]
fn edges_are_smoothed_hardened_grown_and_softened() {
    let image = Image::zeros(1, 40, 40, 3).unwrap();
    let square = Mask::new(1, 40, 40, (0..1600).map(|i| f32::from(u8::from(i % 40 < 20))).collect()).unwrap();
    let row = |how: Refine| refine(&image, &square, &how).unwrap().data()[20 * 40..21 * 40].to_vec();
    let smooth = row(Refine { smooth: 3.0, ..Refine::default() });
    assert!(
        smooth[18] == 1.0 && smooth[21] == 0.0 && (smooth[19] + smooth[20] - 1.0).abs() < 1e-5,
        "{smooth:?}"
    );
    let grown = row(Refine { grow: 2.5, ..Refine::default() });
    assert_eq!((grown[21], grown[22], grown[23]), (1.0, 0.5, 0.0));
    let shrunk = row(Refine { grow: -2.0, ..Refine::default() });
    assert_eq!((shrunk[17], shrunk[18]), (1.0, 0.0));
    let soft = row(Refine { feather: 2.0, ..Refine::default() });
    assert!(soft[10] > 0.999 && soft[19] > 0.5 && soft[19] < 0.7);
    let hard = row(Refine { feather: 2.0, contrast: 0.5, ..Refine::default() });
    assert_eq!(hard, soft, "contrast comes before the feather");
    let faint = Mask::filled(1, 40, 40, 0.24).unwrap();
    let found = refine(&image, &faint, &Refine { contrast: 0.5, ..Refine::default() }).unwrap();
    assert!(found.data().iter().all(|v| *v == 0.0));
    for bad in [
        Refine { radius: 5000, ..Refine::default() },
        Refine { epsilon: f64::NAN, ..Refine::default() },
        Refine { band: -1.0, ..Refine::default() },
        Refine { strength: 2.0, ..Refine::default() },
        Refine { contrast: 1.0, ..Refine::default() },
        Refine { smooth: 1e9, ..Refine::default() },
        Refine { grow: f32::INFINITY, ..Refine::default() },
        Refine { feather: -1.0, ..Refine::default() },
    ] {
        assert!(refine(&image, &square, &bad).is_err(), "{bad:?}");
    }
}

/// A red rectangle from `x..x + w`, `y..y + h` on nothing.
fn block(width: usize, height: usize, [x, y, w, h]: [usize; 4]) -> Image {
    let inside = |i: usize| (x..x + w).contains(&(i % width)) && (y..y + h).contains(&(i / width));
    let data = (0..width * height).flat_map(|i| [1.0, 0.0, 0.0, f32::from(u8::from(inside(i)))]);
    Image::new(1, height, width, 4, data.collect()).unwrap()
}

#[test]
fn a_drop_shadow_lies_where_it_should() {
    let image = block(20, 16, [4, 4, 8, 6]);
    let drop = Drop { offset: [3, 2], blur: 0.0, spread: 0.0 };
    let made = drop_shadow(&image, None, &drop, &PAINT).unwrap();
    assert_eq!((made.image.width(), made.corner), (20, [0, 0]), "nothing stands over");
    assert_eq!(made.layer.pixel(0, 11, 14), [0.0, 0.0, 0.0, 0.5]);
    assert_eq!(made.image.pixel(0, 11, 14), [0.0, 0.0, 0.0, 0.5]);
    assert_eq!(made.layer.pixel(0, 12, 14)[3], 0.0);
    assert_eq!(made.image.pixel(0, 5, 5), [1.0, 0.0, 0.0, 1.0]);
    // A blurred one keeps its weight.
    let soft = drop_shadow(&image, None, &Drop { blur: 2.0, ..drop }, &PAINT).unwrap();
    assert!(soft.image.width() > 20);
    let weight = |l: &Image| l.data().as_chunks::<4>().0.iter().map(|p| p[3]).sum::<f32>();
    assert!((weight(&soft.layer) / 24.0 - 1.0).abs() < 0.01, "{}", weight(&soft.layer));
    let fixed =
        drop_shadow(&image, None, &Drop { blur: 2.0, ..drop }, &Paint { grow: false, ..PAINT }).unwrap();
    assert_eq!((fixed.image.width(), fixed.image.height(), fixed.corner), (20, 16, [0, 0]));
    // Spread: 3 pixels on every side, corners rounded.
    let wide = drop_shadow(&image, None, &Drop { spread: 3.0, offset: [0, 0], ..drop }, &PAINT).unwrap();
    let at = |x: usize, y: usize| wide.layer.pixel(0, y, x)[3];
    assert_eq!((at(1, 6), at(0, 6), at(1, 1)), (0.5, 0.0, 0.0));
    let thin = drop_shadow(&image, None, &Drop { spread: -2.0, offset: [0, 0], ..drop }, &PAINT).unwrap();
    assert_eq!(weight(&thin.layer), 4.0 * 2.0 * 0.5);
}

#[test]
fn outlines_run_outside_inside_or_between() {
    let image = block(30, 30, [10, 10, 10, 10]);
    let line =
        |side| outline(&image, None, &Line { side, ..LINE }, &Paint { opacity: 1.0, ..PAINT }).unwrap();
    let at = |i: &Image, x: usize| i.pixel(0, 15, x).to_vec();
    let out = line(Side::Outside);
    assert_eq!(at(&out.image, 6), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(at(&out.image, 5)[3], 0.0);
    assert_eq!(at(&out.image, 10), [1.0, 0.0, 0.0, 1.0]);
    let inner = line(Side::Inside);
    assert_eq!(at(&inner.image, 9)[3], 0.0);
    assert_eq!(at(&inner.image, 13), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(at(&inner.image, 14), [1.0, 0.0, 0.0, 1.0]);
    let middle = line(Side::Middle);
    assert_eq!(at(&middle.image, 8), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(at(&middle.image, 12), [1.0, 0.0, 0.0, 1.0]);
    let none = outline(&image, None, &Line { width: 0.0, blur: 3.0, ..LINE }, &PAINT).unwrap();
    assert_eq!(none.image, image);
    // Around fine hair, where the threshold is low.
    let mut hair = block(30, 30, [10, 10, 10, 10]);
    hair.data_mut().as_chunks_mut::<4>().0.iter_mut().filter(|p| p[3] > 0.0).for_each(|p| p[3] = 0.3);
    let seen = |threshold| outline(&hair, None, &Line { threshold, ..LINE }, &PAINT).unwrap();
    assert_eq!((at(&seen(0.2).image, 7)[3], at(&seen(0.5).image, 7)[3]), (0.5, 0.0));
    // It grows the canvas only as far as it stands over.
    let edge = block(10, 10, [0, 3, 4, 4]);
    let grown = outline(&edge, None, &Line { width: 2.0, ..LINE }, &PAINT).unwrap();
    assert_eq!((grown.corner, grown.image.width(), grown.image.height()), ([3, 0], 13, 10));
}

#[test]
fn shadows_on_the_ground_start_at_the_feet() {
    let image = block(60, 60, [20, 10, 10, 40]);
    let round = Ground::Ellipse { width: 2.0, flat: 0.3, soft: 1.0 };
    let made = ground_shadow(&image, None, &round, [0, 0], &PAINT).unwrap();
    assert_eq!(made.image.width(), 60);
    let rows: Vec<usize> =
        (0..60).filter(|y| (0..60).any(|x| made.layer.pixel(0, *y, x)[3] > 0.01)).collect();
    assert!(rows[0] >= 44 && *rows.last().unwrap() <= 52, "{rows:?}");
    let (left, right) = (made.layer.pixel(0, 49, 24)[3], made.layer.pixel(0, 49, 25)[3]);
    assert!((left - right).abs() < 1e-6 && left > 0.3, "in the middle below it: {left} {right}");
    let cast = Ground::Cast { length: 0.5, lean: 1.0, fade: 0.0, blur: 0.0 };
    let made = ground_shadow(&image, None, &cast, [0, 0], &PAINT).unwrap();
    assert_eq!(made.image.width(), 72, "leaning by the height of 40 pixels, and room for the last one");
    // At half of its length it leans by half.
    assert!(made.layer.pixel(0, 40, 45)[3] > 0.49 && made.layer.pixel(0, 40, 30)[3] == 0.0);
    assert!(made.layer.pixel(0, 31, 66)[3] > 0.49);
    assert_eq!(made.layer.pixel(0, 29, 66)[3], 0.0);
    let near = Ground::Cast { length: -0.5, lean: 0.0, fade: 1.0, blur: 0.0 };
    let made = ground_shadow(&image, None, &near, [0, 0], &PAINT).unwrap();
    assert_eq!(made.image.height(), 70);
    assert!(made.layer.pixel(0, 51, 25)[3] > 0.45 && made.layer.pixel(0, 68, 25)[3] < 0.06);
}

#[test]
fn cut_outs_stand_at_nine_places() {
    let canvas = plain(20, 10, Color::WHITE).unwrap();
    let image = block(4, 4, [0, 0, 4, 4]);
    let frames: Vec<[isize; 4]> =
        Anchor::ALL.iter().map(|a| place(&canvas, &image, &put(*a)).unwrap().frame).collect();
    let corners: Vec<[isize; 2]> = frames.iter().map(|f| [f[0], f[1]]).collect();
    assert_eq!(corners, [[8, 3], [8, 0], [8, 6], [0, 3], [16, 3], [0, 0], [16, 0], [0, 6], [16, 6]]);
    let made = place(&canvas, &image, &Placement { scale: 1.0, ..put(Anchor::Right) }).unwrap();
    assert_eq!((made.frame, made.image.channels()), ([10, 0, 10, 10], 3));
    assert_eq!(made.image.pixel(0, 5, 15), [1.0, 0.0, 0.0]);
    assert_eq!(made.image.pixel(0, 5, 5), [1.0, 1.0, 1.0]);
    assert_eq!(made.mask.data().iter().sum::<f32>(), 100.0);
    // Far outside nothing is left of it.
    let gone = place(&canvas, &image, &Placement { offset: [isize::MAX, isize::MIN], ..put(Anchor::Center) })
        .unwrap();
    assert_eq!(gone.image, canvas);
    assert!(place(&canvas, &image, &Placement { scale: f64::NAN, ..put(Anchor::Center) }).is_err());
    // Half of white over black: half the code, or half the light.
    let half = Image::new(1, 1, 1, 4, vec![1.0, 1.0, 1.0, 0.5]).unwrap();
    let black = plain(1, 1, Color::BLACK).unwrap();
    assert_eq!(place(&black, &half, &put(Anchor::Center)).unwrap().image.data(), [0.5; 3]);
    let light = place(&black, &half, &Placement { linear: true, ..put(Anchor::Center) }).unwrap();
    assert!((light.image.data()[0] - 0.735_357).abs() < 1e-5, "{:?}", light.image.data());
    // On nothing it stays as it is.
    let clear = plain(1, 1, CLEAR).unwrap();
    assert_eq!(place(&clear, &half, &put(Anchor::Center)).unwrap().image, half);
    let two = Image::new(1, 1, 2, 4, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).unwrap();
    let flipped = Placement { flip: Some(Flip::Horizontal), ..put(Anchor::Center) };
    let canvas = plain(2, 1, Color::BLACK).unwrap();
    assert_eq!(place(&canvas, &two, &flipped).unwrap().image.data(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn backdrops_fill_a_canvas() {
    let picture = Image::new(1, 2, 4, 3, (0..24).map(|v| v as f32 / 24.0).collect()).unwrap();
    for how in Cover::ALL {
        for (w, h) in [(4, 2), (9, 7), (1, 1), (1, 13), (30, 1)] {
            let made = backdrop(&picture, w, h, *how, Color::WHITE).unwrap();
            assert_eq!((made.width(), made.height(), made.channels()), (w, h, 3), "{how:?}");
        }
        assert_eq!(backdrop(&picture, 4, 2, *how, Color::WHITE).unwrap(), picture);
    }
    let tiled = backdrop(&picture, 6, 3, Cover::Tile, Color::WHITE).unwrap();
    assert_eq!(tiled.pixel(0, 2, 5), picture.pixel(0, 0, 1));
    let contained = backdrop(&picture, 4, 4, Cover::Contain, Color::BLACK).unwrap();
    assert_eq!(contained.pixel(0, 0, 0), [0.0; 3]);
    assert_eq!(contained.pixel(0, 1, 0), picture.pixel(0, 0, 0));
    assert_eq!(backdrop(&picture, 4, 4, Cover::Contain, CLEAR).unwrap().channels(), 4);
}

#[test]
fn pictures_are_cut_to_their_subject() {
    let image = block(40, 30, [10, 5, 12, 8]);
    let mask = subject_mask(&image, None).unwrap();
    let plain = Framing { threshold: 0.5, margin: 0, share: 0.0, aspect: None, pad: false };
    let framed = |how: &Framing| frame_subject(&image, &mask, how, CLEAR).unwrap().unwrap();
    let found = framed(&plain);
    assert_eq!(found.frame, [10, 5, 12, 8]);
    assert!(found.mask.data().iter().all(|v| *v == 1.0) && found.image.width() == 12);
    assert_eq!(framed(&Framing { margin: 7, ..plain }).frame, [3, 0, 26, 20]);
    let padded = framed(&Framing { margin: 7, pad: true, ..plain });
    assert_eq!((padded.frame, padded.image.height()), ([3, -2, 26, 22], 22));
    assert_eq!(padded.image.pixel(0, 0, 0), [0.0; 4]);
    assert_eq!(padded.image.pixel(0, 7, 7), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(framed(&Framing { share: 0.25, ..plain }).frame, [7, 2, 18, 14]);
    assert_eq!(framed(&Framing { aspect: Some(1.0), ..plain }).frame, [10, 3, 12, 12]);
    // No room above: the part moves down.
    assert_eq!(framed(&Framing { aspect: Some(0.5), ..plain }).frame, [10, 0, 12, 24]);
    assert_eq!(framed(&Framing { aspect: Some(0.25), ..plain }).frame, [10, 0, 12, 30]);
    assert_eq!(framed(&Framing { aspect: Some(0.25), pad: true, ..plain }).frame, [10, -15, 12, 48]);
    let empty = Mask::filled(1, 30, 40, 0.0).unwrap();
    assert_eq!(frame_subject(&image, &empty, &plain, CLEAR).unwrap(), None);
    assert!(frame_subject(&image, &mask, &Framing { share: -1.0, ..plain }, CLEAR).is_err());
    assert!(frame_subject(&image, &mask, &Framing { aspect: Some(0.0), ..plain }, CLEAR).is_err());
    let huge = Framing { margin: usize::MAX, pad: true, ..plain };
    assert!(frame_subject(&image, &mask, &huge, CLEAR).is_err());
}

#[test]
fn odd_pictures_break_nothing() {
    let colors = |n: usize| (0..n).map(|i| ((i * 7919) % 256) as f32 / 255.0).collect::<Vec<f32>>();
    for (batch, w, h, channels) in [(1, 1, 1, 3), (2, 1, 1, 4), (1, 17, 1, 3), (3, 1, 9, 4), (2, 13, 7, 4)] {
        let image = Image::new(batch, h, w, channels, colors(batch * w * h * channels)).unwrap();
        let masks = [
            None,
            Some(Mask::filled(1, h, w, 0.0).unwrap()),
            Some(Mask::filled(1, 2 * h + 1, w, 1.0).unwrap()),
            Some(Mask::filled(batch, h, w, f32::NAN).unwrap()),
            Some(Mask::new(1, h, w, colors(w * h)).unwrap()),
        ];
        for m in masks.iter().map(Option::as_ref) {
            let alpha = subject_mask(&image, m).unwrap();
            let good = |i: &Image| {
                assert!(i.data().iter().all(|v| (0.0..=1.0).contains(v)), "{w}x{h}");
                assert_eq!(i.batch(), batch);
            };
            good(&foreground(&image, &alpha).unwrap());
            good(&with_mask(&image, &alpha).unwrap());
            let how = Refine {
                islands: 3,
                holes: 3,
                smooth: 1.5,
                radius: 1024,
                band: 9000.0,
                grow: 2.0,
                feather: 40.0,
                contrast: 0.3,
                ..Refine::default()
            };
            let refined = refine(&image, &alpha, &how).unwrap();
            assert!(refined.data().iter().all(|v| (-1e-6..=1.0 + 1e-6).contains(v)));
            for paint in [PAINT, Paint { grow: false, ..PAINT }] {
                for (blur, far) in [(0.0, 0), (0.01, -3), (9.0, 90)] {
                    let drop = Drop { offset: [far, -far], blur, spread: far as f32 };
                    let made = drop_shadow(&image, m, &drop, &paint).unwrap();
                    good(&made.image);
                    assert_eq!(
                        (made.layer.width(), made.layer.height()),
                        (made.image.width(), made.image.height())
                    );
                    for side in Side::ALL {
                        let width = far.unsigned_abs() as f32;
                        let line = Line { width, side: *side, blur, threshold: 0.01 };
                        good(&outline(&image, m, &line, &paint).unwrap().image);
                    }
                    for ground in [
                        Ground::Ellipse { width: 4.0, flat: 0.01, soft: 0.0 },
                        Ground::Cast { length: 4.0, lean: -4.0, fade: 1.0, blur },
                        Ground::Cast { length: 0.0, lean: 4.0, fade: 0.5, blur },
                    ] {
                        good(&ground_shadow(&image, m, &ground, [far, far], &paint).unwrap().image);
                    }
                }
            }
        }
    }
}
