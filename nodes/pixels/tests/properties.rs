//! What holds for any picture.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic and reports by printing"
)]

use kiln_pixels::antialias::Filter;
use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::composite::{PorterDuff, composite, porter_duff};
use kiln_pixels::foreground::foreground;
use kiln_pixels::geometry::{
    Flip, Turn, crop, crop_aspect, crop_center, flip, flip_mask, rotate, rotate_mask, tile,
};
use kiln_pixels::layer::Paint;
use kiln_pixels::mask::{self, Channel};
use kiln_pixels::mask_shape::{self, MaskOp};
use kiln_pixels::morphology::{Morph, morphology};
use kiln_pixels::pad::{Fill, Margins, pad, pad_for_outpaint};
use kiln_pixels::place::{Anchor, Cover, Placement, backdrop, place};
use kiln_pixels::quantize::{Dither, quantize};
use kiln_pixels::refine::{Refine, refine};
use kiln_pixels::resample::{Crop, Method, fit, resize, resize_mask, resize_premultiplied};
use kiln_pixels::samples::from_byte;
use kiln_pixels::shadow::{Drop, Ground, Line, Side as LineSide, drop_shadow, ground_shadow, outline};
use kiln_pixels::stitch::{Side, stitch};
use kiln_pixels::subject_frame::{Framing, frame_subject};
use kiln_pixels::transform::{Affine, affine, rotate_by};
use kiln_pixels::{PixelError, antialias, batch, blur, canny, scale};
use kiln_types::{Color, Image, Mask};
use proptest::prelude::*;

/// A batch of pictures of bytes.
fn pictures() -> impl Strategy<Value = Image> {
    (1_usize..3, 1_usize..12, 1_usize..12, 3_usize..5).prop_flat_map(|(n, h, w, c)| {
        prop::collection::vec(any::<u8>(), n * h * w * c)
            .prop_map(move |v| Image::new(n, h, w, c, v.into_iter().map(from_byte).collect()).unwrap())
    })
}

fn masks() -> impl Strategy<Value = Mask> {
    (1_usize..3, 1_usize..12, 1_usize..12).prop_flat_map(|(n, h, w)| {
        prop::collection::vec(any::<u8>(), n * h * w)
            .prop_map(move |v| Mask::new(n, h, w, v.into_iter().map(from_byte).collect()).unwrap())
    })
}

fn close(a: &[f32], b: &[f32], by: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= by)
}

fn size(image: &Image) -> [usize; 2] {
    [image.width(), image.height()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mirroring_twice_and_turning_round_change_nothing(image in pictures(), m in masks()) {
        for how in Flip::ALL {
            prop_assert_eq!(&flip(&flip(&image, *how).unwrap(), *how).unwrap(), &image);
            prop_assert_eq!(&flip_mask(&flip_mask(&m, *how).unwrap(), *how).unwrap(), &m);
        }
        let quarter = rotate(&image, Turn::Quarter).unwrap();
        prop_assert_eq!(&rotate(&quarter, Turn::Quarter).unwrap(), &rotate(&image, Turn::Half).unwrap());
        prop_assert_eq!(&rotate(&quarter, Turn::ThreeQuarters).unwrap(), &image);
        let both = flip(&flip(&image, Flip::Vertical).unwrap(), Flip::Horizontal).unwrap();
        prop_assert_eq!(&rotate(&image, Turn::Half).unwrap(), &both);
        prop_assert_eq!(&rotate(&image, Turn::None).unwrap(), &image);
        let back = rotate_mask(&rotate_mask(&m, Turn::ThreeQuarters).unwrap(), Turn::Quarter).unwrap();
        prop_assert_eq!(&back, &m);
    }

    #[test]
    fn any_angle_meets_the_quarter_turns(image in pictures()) {
        let image = batch::with_channels(&image, 3).unwrap();
        for (degrees, turn) in [(0.0, Turn::None), (90.0, Turn::Quarter), (-180.0, Turn::Half), (630.0, Turn::ThreeQuarters)] {
            let turned = rotate_by(&image, degrees, true, Fill::Edge).unwrap();
            let want = rotate(&image, turn).unwrap();
            prop_assert_eq!(size(&turned), size(&want));
            prop_assert!(close(turned.data(), want.data(), 1e-6));
        }
        for filter in Filter::ALL {
            let same = antialias::resize(&image, image.width(), image.height(), *filter).unwrap();
            prop_assert!(*filter == Filter::Mitchell || close(same.data(), image.data(), 1e-6), "{}", filter.name());
        }
        let twice = Affine::turn_scale_move(0.0, 2.0, 0.0, 0.0).unwrap();
        let large = affine(&image, twice, 2 * image.width(), 2 * image.height(), Fill::Edge).unwrap();
        let smooth = resize(&image, 2 * image.width(), 2 * image.height(), Method::Bilinear).unwrap();
        prop_assert!(close(large.data(), smooth.data(), 1e-5));
    }

    #[test]
    fn the_same_size_is_the_same_picture(image in pictures(), m in masks()) {
        for method in Method::ALL {
            prop_assert_eq!(&resize(&image, image.width(), image.height(), *method).unwrap(), &image);
            prop_assert_eq!(&resize_mask(&m, m.width(), m.height(), *method).unwrap(), &m);
        }
        prop_assert_eq!(&crop(&image, 0, 0, usize::MAX, usize::MAX).unwrap(), &image);
        prop_assert_eq!(&tile(&image, 1, 1).unwrap(), &image);
        prop_assert_eq!(&batch::repeat(&image, 1).unwrap(), &image);
        prop_assert_eq!(&pad(&image, Margins::default(), Fill::Edge).unwrap(), &image);
    }

    #[test]
    fn a_plain_colour_stays_so_at_any_size(v in any::<u8>(), w in 1_usize..40, h in 1_usize..40, c in 3_usize..5) {
        let value = from_byte(v);
        let plain = Image::new(1, 9, 7, c, vec![value; 9 * 7 * c]).unwrap();
        for method in Method::ALL {
            // Bytes weighted by a low alpha keep few of their bits.
            let by = if *method == Method::Lanczos && c == 4 { 1.0 } else { 3e-6 };
            let out = resize(&plain, w, h, *method).unwrap();
            prop_assert_eq!(size(&out), [w, h]);
            prop_assert!(out.data().iter().all(|o| (o - value).abs() <= by), "{}", method.name());
        }
        let soft = blur::gaussian(&plain, 3.0).unwrap();
        prop_assert!(close(soft.data(), plain.data(), 2e-6));
    }

    #[test]
    fn what_was_added_can_be_cut_off(image in pictures(), l in 0_usize..9, t in 0_usize..9, r in 0_usize..9, b in 0_usize..9) {
        let margins = Margins { left: l, top: t, right: r, bottom: b };
        let [w, h] = size(&image);
        for fill in [Fill::Color(Color::WHITE), Fill::Edge, Fill::Reflect] {
            let wide = pad(&image, margins, fill).unwrap();
            prop_assert_eq!(size(&wide), [w + l + r, h + t + b]);
            prop_assert_eq!(&crop(&wide, l, t, w, h).unwrap(), &image);
        }
        let (wide, m) = pad_for_outpaint(&image, margins, t).unwrap();
        prop_assert_eq!(&crop(&wide, l, t, w, h).unwrap(), &image);
        prop_assert_eq!([m.width(), m.height()], size(&wide));
        let tiled = tile(&image, 2, 3).unwrap();
        prop_assert_eq!(&crop(&tiled, w, 2 * h, w, h).unwrap(), &image);
    }

    #[test]
    fn erosion_and_dilation_enclose_the_picture(image in pictures(), kernel in 1_usize..9) {
        let by = |op, image: &Image| morphology(image, op, kernel).unwrap();
        let (low, high) = (by(Morph::Erode, &image), by(Morph::Dilate, &image));
        let opened = by(Morph::Open, &image);
        let closed = by(Morph::Close, &image);
        for (i, v) in image.data().iter().enumerate() {
            prop_assert!(low.data()[i] <= opened.data()[i] && opened.data()[i] <= *v);
            prop_assert!(*v <= closed.data()[i] && closed.data()[i] <= high.data()[i]);
        }
        prop_assert_eq!(&by(Morph::Open, &opened), &opened);
        prop_assert_eq!(&by(Morph::Close, &closed), &closed);
    }

    #[test]
    fn growing_grows_and_shrinking_is_growing_of_the_rest(m in masks(), by in 0_i32..9, tapered in any::<bool>()) {
        let grown = mask_shape::grow(&m, by, tapered).unwrap();
        prop_assert!(grown.data().iter().zip(m.data()).all(|(g, v)| g >= v));
        let rest = mask::invert(&m).unwrap();
        let shrunk = mask_shape::grow(&rest, -by, tapered).unwrap();
        prop_assert_eq!(&mask::invert(&grown).unwrap(), &shrunk);
    }

    #[test]
    fn alpha_goes_in_and_comes_out(image in pictures(), m in masks()) {
        let joined = mask::join_alpha(&image, &m).unwrap();
        prop_assert_eq!(joined.batch(), image.batch().max(m.batch()));
        let (colors, hole) = mask::split_alpha(&joined).unwrap();
        let plain = batch::with_channels(&image, 3).unwrap();
        prop_assert_eq!(colors.frame(0), plain.frame(0));
        let alpha = mask::from_channel(&joined, Channel::Alpha).unwrap();
        prop_assert!(close(mask::invert(&alpha).unwrap().data(), hole.data(), 0.0));
        if (m.width(), m.height()) == (image.width(), image.height()) {
            prop_assert!(close(hole.frame(0), m.frame(0), 1e-6));
        }
    }

    #[test]
    fn blends_end_at_either_picture(a in pictures(), b in pictures()) {
        for mode in BlendMode::ALL {
            match blend(&a, &b, 0.0, *mode) {
                Ok(out) => prop_assert_eq!(out.frame(0), a.frame(0)),
                Err(e) => prop_assert!(matches!(e, PixelError::Mismatch(_))),
            }
            if let Ok(out) = blend(&a, &b, 0.7, *mode) {
                prop_assert!(out.data().iter().all(|v| (0.0..=1.0).contains(v)));
            }
        }
        if let Ok(out) = blend(&a, &a, 1.0, BlendMode::Normal) {
            prop_assert_eq!(&out, &a);
        }
    }

    #[test]
    fn compositing_keeps_what_is_outside(under in pictures(), over in pictures(), x in -14_isize..14, y in -14_isize..14) {
        let out = composite(&under, &over, x, y, false, None).unwrap();
        let top = batch::with_channels(&over, under.channels()).unwrap();
        for i in 0..out.batch() {
            for v in 0..out.height() {
                for u in 0..out.width() {
                    let (du, dv) = (u as isize - x, v as isize - y);
                    let inside = (0..over.width() as isize).contains(&du) && (0..over.height() as isize).contains(&dv);
                    let want = if inside {
                        top.pixel(i % top.batch(), dv as usize, du as usize)
                    } else {
                        under.pixel(i, v, u)
                    };
                    prop_assert_eq!(out.pixel(i, v, u), want);
                }
            }
        }
    }

    #[test]
    fn masks_combine_within_their_range(a in masks(), b in masks(), x in -14_isize..14, y in -14_isize..14) {
        for op in MaskOp::ALL {
            if let Ok(out) = mask_shape::combine(&a, &b, x, y, *op) {
                prop_assert_eq!([out.width(), out.height()], [a.width(), a.height()]);
                prop_assert!(out.data().iter().all(|v| (0.0..=1.0).contains(v)));
            }
        }
        if let Ok(out) = mask_shape::combine(&a, &a, 0, 0, MaskOp::Difference) {
            prop_assert!(out.data().iter().all(|v| *v == 0.0));
        }
    }

    #[test]
    fn no_more_colours_than_asked_for(image in pictures(), colors in 1_usize..20) {
        for dither in Dither::ALL {
            let out = quantize(&image, colors, *dither).unwrap();
            for frame in out.frames() {
                let mut seen: Vec<_> =
                    frame.chunks(out.channels()).map(|p| [p[0], p[1], p[2]].map(f32::to_bits)).collect();
                seen.sort_unstable();
                seen.dedup();
                prop_assert!(seen.len() <= colors);
            }
        }
    }

    #[test]
    fn no_numbers_make_it_panic(
        image in pictures(),
        m in masks(),
        size in prop::sample::select(vec![0_usize, 1, 2, 63, 65_536, 65_537, 1 << 32, usize::MAX]),
        v in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0, 1e-30, 1.0, 1e30]),
        at in prop::sample::select(vec![isize::MIN, -1, 0, isize::MAX]),
        side in prop::sample::select(Side::ALL.to_vec()),
    ) {
        let wild = Image::new(1, 2, 2, 4, vec![v; 16]).unwrap();
        let small = size.min(64);
        for method in Method::ALL {
            let _ = resize(&wild, small, 3, *method);
            let _ = resize(&image, size, 1, *method);
            let _ = resize_premultiplied(&wild, small, small, *method);
            let _ = fit(&image, 1, size, *method, Crop::Center);
            let _ = scale::scale_by(&image, f64::from(v).min(9.0), *method);
            let _ = scale::scale_to_megapixels(&image, f64::from(v).min(0.01), small, *method);
        }
        let _ = scale::scale_longest(&image, small, Method::Area);
        let _ = scale::scale_shortest(&image, small, Method::Area);
        for filter in Filter::ALL {
            let _ = antialias::resize(&wild, size, 1, *filter);
            let _ = antialias::resize_mask(&m, 1, size, *filter);
        }
        for fill in [Fill::Color(Color::WHITE), Fill::Edge, Fill::Reflect] {
            let _ = rotate_by(&wild, f64::from(v), true, fill);
            if let Ok(map) = Affine::turn_scale_move(1e300, 1e-4, -1e6, f64::from(v)) {
                let _ = affine(&image, map, 3, small, fill);
            }
            let _ = affine(&image, Affine { x: [f64::from(v); 3], y: [1e308; 3] }, small, 9, fill);
        }
        let _ = crop(&image, size, size, size, size);
        let _ = crop_center(&image, size, 1);
        let _ = crop_aspect(&image, f64::from(v), 1.0);
        let _ = tile(&image, size, 1);
        let _ = pad(&image, Margins { left: size, ..Margins::default() }, Fill::Reflect);
        let _ = pad_for_outpaint(&image, Margins { top: small, ..Margins::default() }, size);
        if size != 65_536 {
            let _ = batch::repeat(&image, size);
        }
        let _ = batch::slice(&image, size, size);
        let _ = batch::join(&image, &wild);
        let _ = blur::blur(&wild, small, f64::from(v));
        let _ = blur::blur(&image, size.min(2000), 1.0);
        let _ = blur::sharpen(&wild, 2, 1.0, v);
        let _ = blur::gaussian(&wild, f64::from(v));
        let _ = blur::unsharp(&wild, 1.0, v, v);
        let _ = blur::box_blur(&image, size);
        let _ = morphology(&wild, Morph::Close, size);
        let _ = canny::canny(&wild, v, v);
        let _ = canny::canny(&wild, 0.1, 0.2);
        for dither in Dither::ALL {
            let _ = quantize(&wild, size, *dither);
            let _ = quantize(&wild, 3, *dither);
        }
        for mode in BlendMode::ALL {
            let _ = blend(&wild, &image, f64::from(v), *mode);
            let _ = blend(&image, &wild, 1.0, *mode);
        }
        for mode in PorterDuff::ALL {
            let _ = porter_duff(&image, &m, &wild, &m, *mode);
        }
        let _ = composite(&image, &wild, at, at, true, Some(&m));
        let _ = mask_shape::combine(&m, &m, at, at, MaskOp::Xor);
        let _ = mask_shape::feather(&m, size, size, size, size);
        let _ = mask_shape::grow(&m, i32::MIN, true);
        let _ = mask_shape::grow(&m, i32::MAX, false);
        for pad in [false, true] {
            let how = Framing { threshold: v, margin: size, share: f64::from(v), aspect: Some(f64::from(v)), pad };
            let _ = frame_subject(&image, &m, &how, Color::BLACK);
        }
        let how = Refine { band: v, strength: v, contrast: v, grow: v, feather: f64::from(v), ..Refine::default() };
        let _ = refine(&wild, &m, &how);
        let _ = refine(&wild, &m, &Refine { islands: size, holes: size, radius: 9, ..Refine::default() });
        let _ = foreground(&wild, &m);
        let paint = Paint { color: Color::BLACK, opacity: 1.0, grow: false };
        let _ = drop_shadow(&wild, Some(&m), &Drop { offset: [at, at], blur: 1.5, spread: v }, &paint);
        let _ = drop_shadow(&wild, None, &Drop { offset: [at, at], blur: 1.5, spread: 1.0 }, &Paint { grow: true, ..paint });
        let _ = outline(&wild, None, &Line { width: v, side: LineSide::Middle, blur: 0.0, threshold: v }, &paint);
        let cast = Ground::Cast { length: v, lean: v, fade: 0.5, blur: 1.0 };
        let _ = ground_shadow(&wild, None, &cast, [at, at], &Paint { grow: true, ..paint });
        for cover in Cover::ALL {
            let _ = backdrop(&wild, small, 3, *cover, Color::BLACK);
        }
        let how = Placement { anchor: Anchor::Left, offset: [at, at], scale: f64::from(v), flip: None, linear: true };
        let _ = place(&image, &wild, &how);
        let _ = mask::crop(&m, size, size, size, size);
        let _ = mask::threshold(&m, v);
        let _ = mask::from_chroma(&wild, Color::BLACK, v, v);
        let _ = mask::from_color_near(&wild, Color::BLACK, 0.1, v);
        let _ = mask::from_color(&wild, [1, 2, 3]);
        let _ = stitch(&image, &wild, side, true, small, Color::BLACK);
        let _ = stitch(&image, &wild, side, false, size, Color::rgb8(255, 0, 0));
    }
}
