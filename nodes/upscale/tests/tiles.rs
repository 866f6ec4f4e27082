//! Pictures in tiles: the whole picture's numbers where tiles see enough of it, alpha, batches, progress, cancelling,
//! and the same bits whatever the number of threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{most, picture, relative, run, upscaler, whole};
use kiln_networks::NetError;
use kiln_types::Image;
use kiln_upscale::{Tiles, UpscaleError, Upscaler, Watch};
use std::cell::{Cell, RefCell};

/// The region that rows and columns lie in.
fn part(image: &Image, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Vec<f32> {
    rows.flat_map(|y| columns.clone().map(move |x| (y, x)))
        .flat_map(|(y, x)| image.pixel(0, y, x).to_vec())
        .collect()
}

#[test]
fn a_picture_that_fits_one_tile_is_the_whole_picture() {
    for case in ["narrow", "x2", "compact"] {
        let (upscaler, image) = (upscaler(case), picture(33, 47, 3));
        let one = run(&upscaler, &image, whole()).unwrap();
        let same = run(&upscaler, &image, Tiles { side: 47, overlap: 16 }).unwrap();
        assert_eq!(one.data(), same.data(), "{case}");
    }
}

/// A compact network of three convolutions looks three pixels far: tiles that overlap by twice that and fade where both
/// see enough give what the whole picture gives, away from the seams.
#[test]
fn tiles_agree_with_the_whole_picture_away_from_seams() {
    let (upscaler, image) = (upscaler("compact x2"), picture(90, 70, 3));
    let one = run(&upscaler, &image, whole()).unwrap();
    let tiles = Tiles { side: 40, overlap: 8 };
    let cut = run(&upscaler, &image, tiles).unwrap();
    // Tiles begin at 0, 32, 64: far from where they meet only one of them counts.
    for (y, x) in [(0, 0), (44, 44), (44, 0), (76, 44)] {
        let (rows, columns) = (2 * y..2 * (y + 14), 2 * x..2 * (x + 14));
        let off = most(&part(&one, rows.clone(), columns.clone()), &part(&cut, rows, columns));
        assert!(off < 1e-5, "at {y}, {x}: {off:.1e}");
    }
    // On a seam each tile's edge has seen zeros outside; the blend hides it.
    let off = relative(one.data(), cut.data());
    assert!(off > 1e-7 && off < 0.05, "{off:.1e}");
}

/// The overlap is wide enough that every pixel's weight on a disturbed edge is small; blending two equal pictures gives
/// the same picture.
#[test]
fn tiles_of_a_flat_picture_leave_no_seams() {
    let upscaler = upscaler("compact x2");
    let flat = Image::new(1, 70, 70, 3, vec![0.5; 70 * 70 * 3]).unwrap();
    let cut = run(&upscaler, &flat, Tiles { side: 40, overlap: 20 }).unwrap();
    let middle = cut.pixel(0, 24, 24).to_vec();
    for at in [26, 30, 60, 100] {
        for (a, b) in cut.pixel(0, at, at).iter().zip(&middle) {
            assert!((0.0..=1.0).contains(a) && (a - b).abs() < 0.3, "{at}: {a} {b}");
        }
    }
}

#[test]
fn alpha_comes_along() {
    let upscaler = upscaler("narrow");
    let with = picture(20, 24, 4);
    let rgb: Vec<f32> = with.data().chunks_exact(4).flat_map(|p| p[..3].to_vec()).collect();
    let without = Image::new(1, 20, 24, 3, rgb).unwrap();
    let (with, without) =
        (run(&upscaler, &with, whole()).unwrap(), run(&upscaler, &without, whole()).unwrap());
    assert_eq!((with.channels(), with.height(), with.width()), (4, 80, 96));
    for (a, b) in with.data().chunks_exact(4).zip(without.data().chunks_exact(3)) {
        assert_eq!(&a[..3], b, "the network sees colours only");
    }
    let source = picture(20, 24, 4);
    let near = |y: usize, x: usize| (with.pixel(0, 4 * y + 2, 4 * x + 2)[3] - source.pixel(0, y, x)[3]).abs();
    let mean =
        (0..20).flat_map(|y| (0..24).map(move |x| (y, x))).map(|(y, x)| near(y, x)).sum::<f32>() / 480.0;
    assert!(mean < 0.05, "{mean}");
    // Edges of alpha ring in the filter, and are kept within 0 and 1.
    let mut hard = picture(20, 24, 4);
    hard.data_mut().iter_mut().skip(3).step_by(4).enumerate().for_each(|(i, a)| *a = ((i % 24) / 12) as f32);
    let hard = run(&upscaler, &hard, whole()).unwrap();
    let alpha: Vec<f32> = hard.data().iter().skip(3).step_by(4).copied().collect();
    assert!(alpha.iter().all(|a| (0.0..=1.0).contains(a)));
    assert!(alpha[20 * 96 + 8] == 0.0 && alpha[20 * 96 + 88] > 0.999_999);
    // One alpha all over stays what it is, to the bit.
    let mut flat = picture(9, 7, 4);
    flat.data_mut().iter_mut().skip(3).step_by(4).for_each(|a| *a = 0.7);
    let flat = run(&upscaler, &flat, whole()).unwrap();
    assert!(flat.data().iter().skip(3).step_by(4).all(|a| *a == 0.7));
}

#[test]
fn every_picture_of_a_batch_is_the_same_as_alone() {
    let upscaler = upscaler("compact x2");
    let (a, b) = (picture(12, 14, 3), {
        let mut other = picture(12, 14, 3);
        other.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v);
        other
    });
    let both = Image::new(2, 12, 14, 3, [a.data(), b.data()].concat()).unwrap();
    let mut told = Vec::new();
    let watch = Watch { progress: &mut |done, of| told.push((done, of)), cancelled: &|| false };
    let made = upscaler.upscale(&both, whole(), watch).unwrap();
    assert_eq!(made.frame(0), run(&upscaler, &a, whole()).unwrap().data());
    assert_eq!(made.frame(1), run(&upscaler, &b, whole()).unwrap().data());
    // Four convolutions and the end of the tile, twice.
    assert!(told.iter().all(|t| t.1 == told[0].1) && told.windows(2).all(|t| t[0].0 <= t[1].0), "{told:?}");
    assert_eq!(told.last().map(|t| t.0), told.last().map(|t| t.1), "{told:?}");
}

#[test]
fn progress_reaches_its_end_over_all_tiles() {
    for case in ["narrow", "compact x2"] {
        let told = RefCell::new(Vec::new());
        let watch =
            Watch { progress: &mut |done, of| told.borrow_mut().push((done, of)), cancelled: &|| false };
        upscaler(case).upscale(&picture(50, 70, 3), Tiles { side: 32, overlap: 8 }, watch).unwrap();
        let told = told.into_inner();
        let all = told[0].1;
        assert!(told.iter().all(|t| t.1 == all && t.0 <= all), "{case}");
        assert!(told.windows(2).all(|t| t[0].0 <= t[1].0), "{case}: {told:?}");
        assert_eq!(told.last(), Some(&(all, all)), "{case}");
        assert!(told.len() > 6, "{case}: within tiles as well");
    }
}

#[test]
fn a_run_can_be_cancelled_between_tiles_and_within_one() {
    let upscaler = upscaler("wide");
    let cancelled_after = |n: usize, tiles: Tiles| {
        let asked = Cell::new(0);
        let cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() > n
        };
        let watch = Watch { progress: &mut |_, _| (), cancelled: &cancelled };
        (upscaler.upscale(&picture(40, 40, 3), tiles, watch), asked.get())
    };
    for n in [0, 1, 2] {
        let (result, asked) = cancelled_after(n, whole());
        assert!(matches!(result, Err(UpscaleError::Run(NetError::Cancelled))), "{n}");
        assert_eq!(asked, n + 1, "nothing is done after that");
    }
    let (result, _) = cancelled_after(6, Tiles { side: 16, overlap: 4 });
    assert!(matches!(result, Err(UpscaleError::Run(NetError::Cancelled))));
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for case in ["wide", "x2", "compact"] {
        let (upscaler, image) = (upscaler(case), picture(37, 45, 4));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&upscaler, &image, Tiles { side: 32, overlap: 8 }).unwrap())
        };
        let one = with(1);
        for threads in [2, 3, 7] {
            assert!(one.data() == with(threads).data(), "{case}, {threads} threads");
        }
    }
}

#[test]
fn tiny_pictures_and_odd_tiles() {
    for case in ["narrow", "x1", "x2", "x8", "compact"] {
        let upscaler: Upscaler = upscaler(case);
        for (height, width) in [(1, 1), (1, 7), (5, 1), (2, 3)] {
            let made = run(&upscaler, &picture(height, width, 3), Tiles::default()).unwrap();
            let scale = upscaler.scale();
            assert_eq!((made.height(), made.width()), (height * scale, width * scale), "{case}");
        }
        for tiles in
            [Tiles { side: 0, overlap: 0 }, Tiles { side: 5, overlap: 100 }, Tiles { side: 3, overlap: 1 }]
        {
            let made = run(&upscaler, &picture(7, 6, 3), tiles).unwrap();
            assert!(made.data().iter().all(|v| (0.0..=1.0).contains(v)), "{case}, {tiles:?}");
        }
    }
}

#[test]
fn a_result_that_is_too_large_is_refused_before_anything_is_computed() {
    let wide = Image::new(1, 1, 40_000, 3, vec![0.5; 120_000]).unwrap();
    let error = run(&upscaler("x8"), &wide, whole()).unwrap_err();
    assert!(matches!(error, UpscaleError::Picture(_)), "{error}");
}
