//! Small pictures whose result can be worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::composite::{PorterDuff, composite, porter_duff};
use kiln_pixels::mask_shape::{self, MaskOp};
use kiln_pixels::pad::{Fill, Margins, pad, pad_for_outpaint};
use kiln_pixels::resample::{Crop, Method, fit, resize_premultiplied};
use kiln_pixels::stitch::{Side, stitch};
use kiln_pixels::subject_frame::{Framing, frame_subject};
use kiln_pixels::{PixelError, batch, blur, geometry, mask, scale};
use kiln_types::{Color, Image, Mask};

fn rgb(pixels: &[[f32; 3]], width: usize) -> Image {
    Image::new(1, pixels.len() / width, width, 3, pixels.concat()).unwrap()
}

fn gray(values: &[f32], width: usize) -> Image {
    rgb(&values.iter().map(|v| [*v; 3]).collect::<Vec<_>>(), width)
}

fn mask_of(values: &[f32], width: usize) -> Mask {
    Mask::new(1, values.len() / width, width, values.to_vec()).unwrap()
}

fn close(got: &[f32], want: &[f32]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6)
}

/// The red channel of the first picture.
fn red(image: &Image) -> Vec<f32> {
    image.frame(0).chunks(image.channels()).map(|p| p[0]).collect()
}

#[test]
fn signed_difference_subtract_and_divide() {
    let (a, b) = (gray(&[0.2, 0.8, 0.0, 0.5], 4), gray(&[0.5, 0.5, 0.0, 0.0], 4));
    let by = |mode, factor| red(&blend(&a, &b, factor, mode).unwrap());
    // 0.2 * 0.5 + (0.2 - 0.5) * 0.5 falls below black; subtract stops at black before it is mixed.
    assert!(close(&by(BlendMode::Difference, 0.5), &[0.0, 0.55, 0.0, 0.5]));
    assert!(close(&by(BlendMode::Subtract, 0.5), &[0.1, 0.55, 0.0, 0.5]));
    assert!(close(&by(BlendMode::Divide, 1.0), &[0.4, 1.0, 0.0, 1.0]));
    assert!(blend(&a, &b, 1.5, BlendMode::Normal).is_err());
    let three = batch::repeat(&a, 3).unwrap();
    let two = batch::repeat(&a, 2).unwrap();
    assert!(matches!(blend(&three, &two, 1.0, BlendMode::Normal), Err(PixelError::Mismatch(_))));
    assert_eq!(blend(&a, &three, 1.0, BlendMode::Normal).unwrap().batch(), 3);
}

#[test]
fn porter_duff_modes_with_their_own_formulas() {
    // Weighted samples: source 0.8 * 0.5 = 0.4, destination 0.5 * 0.6 = 0.3.
    let (over, under) = (gray(&[0.8], 1), gray(&[0.5], 1));
    let (over_hole, under_hole) = (mask_of(&[0.5], 1), mask_of(&[0.4], 1));
    let by = |mode| {
        let (image, hole) = porter_duff(&over, &over_hole, &under, &under_hole, mode).unwrap();
        (image.data()[0], hole.data()[0])
    };
    let both = 0.5 + 0.6 - 0.5 * 0.6;
    let shared = (1.0 - 0.6) * 0.4 + (1.0 - 0.5) * 0.3;
    let close = |got: (f32, f32), want: f32| {
        (got.0 - want / both).abs() < 1e-6 && (got.1 - (1.0 - both)).abs() < 1e-6
    };
    assert!(close(by(PorterDuff::Darken), shared + 0.3));
    assert!(close(by(PorterDuff::Lighten), shared + 0.4));
    assert!(close(by(PorterDuff::Overlay), 0.5 * 0.6 - 2.0 * (0.6 - 0.4) * (0.5 - 0.3)));
    assert_eq!(by(PorterDuff::Clear), (0.0, 1.0));
    let alpha = mask::join_alpha(&over, &over_hole).unwrap();
    let error = porter_duff(&alpha, &over_hole, &under, &under_hole, PorterDuff::Src).unwrap_err();
    assert!(error.to_string().contains("alpha"), "{error}");
}

#[test]
fn compositing_resizes_the_source_and_its_mask() {
    let under = gray(&[0.0; 16], 4);
    let over = gray(&[1.0], 1);
    let m = mask_of(&[0.25; 4], 2);
    let out = composite(&under, &over, 0, 0, true, Some(&m)).unwrap();
    assert!(out.data().iter().all(|v| *v == 0.25));
    let out = composite(&under, &over, 3, 1, false, None).unwrap();
    assert_eq!(red(&out).iter().position(|v| *v == 1.0), Some(7));
}

#[test]
fn stitching_without_matching_centres_the_smaller() {
    let (a, b) = (gray(&[0.5; 4], 1), gray(&[0.25], 1));
    let out = stitch(&a, &b, Side::Right, false, 1, Color::WHITE).unwrap();
    assert_eq!((out.width(), out.height()), (4, 4));
    #[rustfmt::skip]
    assert_eq!(red(&out), [
        0.5, 1.0, 1.0, 1.0,
        0.5, 1.0, 1.0, 0.25,
        0.5, 1.0, 1.0, 1.0,
        0.5, 1.0, 1.0, 1.0,
    ]);
    // A ground of colour is black.
    let out = stitch(&a, &b, Side::Left, false, 0, Color::rgb8(255, 0, 0)).unwrap();
    assert_eq!(red(&out), [0.0, 0.5, 0.25, 0.5, 0.0, 0.5, 0.0, 0.5]);
    let out = stitch(&a, &b, Side::Up, true, 2, Color::rgb8(255, 0, 0)).unwrap();
    assert_eq!(red(&out)[1..], [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    let alpha = mask::join_alpha(&b, &mask_of(&[1.0], 1)).unwrap();
    let out = stitch(&a, &batch::repeat(&alpha, 2).unwrap(), Side::Down, true, 0, Color::BLACK).unwrap();
    assert_eq!((out.batch(), out.height(), out.channels()), (2, 5, 4));
}

#[test]
fn batches_come_together_in_the_size_of_the_first() {
    let (a, b) = (gray(&[0.0; 2], 2), gray(&[0.0, 0.25, 0.75, 1.0, 0.0, 0.0], 2));
    let out = batch::join(&a, &b).unwrap();
    assert_eq!((out.batch(), out.width(), out.height()), (2, 2, 1));
    // The middle row of the second.
    assert_eq!(out.frame(1)[0], 0.75);
    let alpha = mask::join_alpha(&a, &mask_of(&[0.0, 1.0], 2)).unwrap();
    let out = batch::join(&a, &alpha).unwrap();
    assert_eq!((out.pixel(0, 0, 0)[3], out.pixel(1, 0, 1)[3]), (1.0, 0.0));
    let third = batch::slice(&batch::join(&out, &a).unwrap(), 2, 9).unwrap();
    assert_eq!(third.batch(), 1);
    assert!(batch::slice(&a, 0, 0).is_err());
}

#[test]
fn hidden_colours_do_not_bleed_when_weighted() {
    // Opaque black beside transparent white.
    let image = Image::new(1, 1, 2, 4, vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    for method in [Method::Bilinear, Method::Bicubic, Method::Area, Method::Lanczos] {
        let out = resize_premultiplied(&image, 5, 1, method).unwrap();
        for pixel in out.data().chunks(4).filter(|p| p[3] > 0.01) {
            assert!(pixel[0].abs() < 1e-6, "{}: {pixel:?}", method.name());
        }
    }
}

#[test]
fn masks_of_colours_near_the_key() {
    let image = rgb(&[[0.0, 1.0, 0.0], [0.0, 0.5, 0.0], [1.0, 0.0, 0.0], [0.1, 0.9, 0.1]], 4);
    let green = Color::rgb8(0, 255, 0);
    let near = mask::from_color_near(&image, green, 0.15, 0.0).unwrap();
    assert_eq!(near.data(), [1.0, 0.0, 0.0, 1.0]);
    let soft = mask::from_color_near(&image, green, 0.05, 0.1).unwrap();
    assert!(soft.data()[0] == 1.0 && soft.data()[2] == 0.0 && (soft.data()[3] - 0.5).abs() < 1e-5);
    // By chroma a shadow on the screen is still the screen.
    let chroma = mask::from_chroma(&image, green, 0.3, 0.0).unwrap();
    assert_eq!(chroma.data(), [1.0, 1.0, 0.0, 1.0]);
    assert!(mask::from_chroma(&image, green, -1.0, 0.0).is_err());
    assert_eq!(mask::from_color(&image, [0, 128, 0]).unwrap().data(), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn masks_feather_and_find_their_bounds() {
    let plain = mask_of(&[1.0; 5], 5);
    let out = mask_shape::feather(&plain, 2, 0, 2, 1).unwrap();
    assert_eq!(out.data(), [0.5, 1.0, 1.0, 1.0, 0.5]);
    let spot =
        mask_shape::combine(&mask_of(&[0.0; 20], 5), &mask_of(&[1.0; 2], 1), 3, 1, MaskOp::Add).unwrap();
    assert_eq!(mask::bounds(&spot, 0.5), Some([3, 1, 1, 2]));
    assert_eq!(mask::bounds(&spot, 1.0), None);
    let image = gray(&[0.5; 20], 5);
    let how = Framing { threshold: 0.5, margin: 1, share: 0.0, aspect: None, pad: false };
    let cut = frame_subject(&image, &spot, &how, Color::BLACK).unwrap().unwrap();
    assert_eq!((cut.frame, cut.image.width(), cut.image.height()), ([2, 0, 3, 4], 3, 4));
    let diamond =
        mask_shape::grow(&mask_of(&[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 3), 1, true).unwrap();
    assert_eq!(diamond.data(), [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn margins_and_the_mask_to_paint_them() {
    let image = gray(&[0.25; 36], 6);
    let (out, m) = pad_for_outpaint(&image, Margins { right: 1, ..Margins::default() }, 2).unwrap();
    assert_eq!(red(&out)[..7], [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5]);
    assert_eq!(m.data()[..7], [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 1.0]);
    // Too wide a fade for so small a picture is none.
    let (_, m) = pad_for_outpaint(&image, Margins { right: 1, ..Margins::default() }, 3).unwrap();
    assert_eq!(m.data()[..7], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let red_pad =
        pad(&image, Margins { top: 1, ..Margins::default() }, Fill::Color(Color::rgb8(255, 0, 0))).unwrap();
    assert_eq!(red_pad.pixel(0, 0, 2), [1.0, 0.0, 0.0]);
}

#[test]
fn shapes_are_cut_from_the_middle() {
    let image = gray(&[0.0, 0.25, 0.5, 0.75, 1.0, 1.0], 6);
    assert_eq!(red(&geometry::crop_aspect(&image, 2.0, 1.0).unwrap()), [0.5, 0.75]);
    assert_eq!(red(&geometry::crop_center(&image, 4, 1).unwrap()), [0.25, 0.5, 0.75, 1.0]);
    assert_eq!(red(&geometry::crop(&image, 9, 9, 4, 4).unwrap()), [1.0]);
    assert_eq!(red(&fit(&image, 2, 1, Method::NearestExact, Crop::Center).unwrap()), [0.5, 0.75]);
    assert_eq!(red(&scale::scale(&image, 3, 0, Method::Area, Crop::Disabled).unwrap()), [0.125, 0.625, 1.0]);
}

#[test]
fn sharpening_leaves_alpha_and_small_edges_alone() {
    let image =
        Image::new(1, 1, 4, 4, [[0.4, 0.5, 0.5, 0.0], [0.6, 0.5, 0.5, 1.0]].concat().repeat(2)).unwrap();
    let out = blur::unsharp(&image, 1.0, 1.0, 0.0).unwrap();
    assert!(out.data()[0] < 0.4 && out.data()[4] > 0.6 && (out.data()[1] - 0.5).abs() < 1e-6);
    assert!(out.data().chunks(4).zip(image.data().chunks(4)).all(|(a, b)| a[3] == b[3]));
    assert_eq!(blur::unsharp(&image, 1.0, 1.0, 0.5).unwrap(), image);
    assert_eq!(blur::sharpen(&image, 0, 1.0, 1.0).unwrap(), image);
}
