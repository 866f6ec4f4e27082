//! What is written is read back, by this crate and (tests/reference/codec/check.py) by others.

mod common;

use common::{largest, sample, small, smooth};
use kiln_codec::{Chroma, CodecError, Depth, Format, Rounding, SaveOptions, decode, encode, sniff};
use kiln_types::{Color, Image};

#[test]
fn lossless_formats_give_the_samples_back() {
    for channels in [3, 4] {
        let image = sample(31, 17, channels);
        for format in [Format::Png, Format::WebP] {
            let bytes = encode(&image, 0, &SaveOptions::new(format)).unwrap();
            assert_eq!(sniff(&bytes).unwrap(), format);
            assert_eq!(decode(&bytes, &small()).unwrap().image, image, "{format} {channels}");
        }
        let deep = SaveOptions { depth: Depth::Sixteen, ..SaveOptions::new(Format::Png) };
        let words: Vec<f32> = (0..31 * 17 * channels).map(|i| (i * 4099 % 65536) as f32 / 65535.0).collect();
        let image = Image::new(1, 17, 31, channels, words).unwrap();
        let got = decode(&encode(&image, 0, &deep).unwrap(), &small()).unwrap();
        assert_eq!((got.bits, got.image), (16, image));
    }
}

#[test]
fn every_effort_gives_the_same_picture() {
    let image = smooth(64, 48, 3);
    let mut sizes = Vec::new();
    for compression in 0..=9 {
        let bytes = encode(&image, 0, &SaveOptions { compression, ..SaveOptions::new(Format::Png) }).unwrap();
        assert!(largest(decode(&bytes, &small()).unwrap().image.data(), image.data()) <= 0.5 / 255.0 + 1e-6);
        sizes.push(bytes.len());
    }
    assert!(sizes[9] < sizes[0] / 2, "{sizes:?}");
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let image = sample(70, 50, 4);
    for format in Format::all().filter(|f| f.can_write()) {
        let once = encode(&image, 0, &SaveOptions::new(format)).unwrap();
        assert_eq!(once, encode(&image, 0, &SaveOptions::new(format)).unwrap(), "{format}");
    }
}

#[test]
fn jpeg_is_near_and_stands_on_its_background() {
    let image = smooth(64, 48, 3);
    for chroma in [Chroma::Full, Chroma::Half, Chroma::Quarter] {
        let options = SaveOptions { quality: 95, chroma, ..SaveOptions::new(Format::Jpeg) };
        let got = decode(&encode(&image, 0, &options).unwrap(), &small()).unwrap();
        let off = largest(got.image.data(), image.data()) * 255.0;
        assert!(off < 8.0, "{chroma:?}: {off}");
    }
    let clear = Image::new(1, 8, 8, 4, [0.0, 0.0, 0.0, 0.0].repeat(64)).unwrap();
    let background = Color::rgb8(255, 0, 0);
    let options = SaveOptions { background, quality: 100, ..SaveOptions::new(Format::Jpeg) };
    let got = decode(&encode(&clear, 0, &options).unwrap(), &small()).unwrap();
    assert!(largest(got.image.pixel(0, 4, 4), &[1.0, 0.0, 0.0]) < 3.0 / 255.0);
}

#[test]
fn rounding_is_chosen() {
    let image = Image::new(1, 1, 2, 3, vec![0.999, 0.5, 0.0, 1.0, 0.25, 2.0]).unwrap();
    let bytes = |rounding| {
        let options = SaveOptions { rounding, ..SaveOptions::new(Format::Png) };
        let got = decode(&encode(&image, 0, &options).unwrap(), &small()).unwrap().image;
        got.data().iter().map(|v| (v * 255.0).round() as u8).collect::<Vec<_>>()
    };
    assert_eq!(bytes(Rounding::Round), [255, 128, 0, 255, 64, 255]);
    assert_eq!(bytes(Rounding::Truncate), [254, 127, 0, 255, 63, 255]);
}

#[test]
fn every_picture_of_a_batch_can_be_taken() {
    let data = [0.0f32; 12].into_iter().chain([1.0; 12]).collect();
    let image = Image::new(2, 2, 2, 3, data).unwrap();
    let options = SaveOptions::new(Format::Png);
    let second = decode(&encode(&image, 1, &options).unwrap(), &small()).unwrap().image;
    assert_eq!(second.data(), [1.0; 12]);
    assert!(matches!(encode(&image, 2, &options), Err(CodecError::Option { name: "frame", .. })));
}

#[test]
fn options_out_of_range_are_errors() {
    let image = sample(4, 4, 3);
    let png = SaveOptions::new(Format::Png);
    let jpeg = SaveOptions::new(Format::Jpeg);
    let refused = [
        SaveOptions { compression: 10, ..png.clone() },
        SaveOptions { quality: 0, ..jpeg.clone() },
        SaveOptions { quality: 101, ..jpeg.clone() },
        SaveOptions { speed: 0, ..jpeg.clone() },
        SaveOptions { depth: Depth::Sixteen, ..jpeg.clone() },
        SaveOptions { background: Color { r: f32::NAN, ..Color::WHITE }, ..jpeg },
        SaveOptions { lossless: false, ..SaveOptions::new(Format::WebP) },
        SaveOptions::new(Format::Gif),
    ];
    for options in refused {
        assert!(encode(&image, 0, &options).is_err(), "{options:?}");
    }
    let long = Image::zeros(1, 1, 20000, 3).unwrap();
    assert!(matches!(encode(&long, 0, &SaveOptions::new(Format::WebP)), Err(CodecError::CannotWrite { .. })));
}

#[cfg(not(feature = "avif"))]
#[test]
fn a_build_without_avif_says_so() {
    let error = encode(&sample(4, 4, 3), 0, &SaveOptions::new(Format::Avif)).unwrap_err();
    assert!(error.to_string().contains("feature"), "{error}");
}

/// Writes one file of each kind for tests/reference/codec/check.py, where asked to.
#[test]
fn files_for_other_programs() {
    let Some(folder) = std::env::var_os("KILN_CODEC_OUT").map(std::path::PathBuf::from) else { return };
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    for channels in [3, 4] {
        let image = smooth(64, 48, channels);
        for format in Format::all().filter(|f| f.can_write()) {
            let bytes = encode(&image, 0, &SaveOptions::new(format)).unwrap();
            let bytes = kiln_codec::embed_text(&bytes, format, "kiln", "größe <&> \n{}").unwrap();
            write(&format!("c{channels}.{}", format.extension()), bytes);
        }
        let deep = SaveOptions { depth: Depth::Sixteen, ..SaveOptions::new(Format::Png) };
        write(&format!("c{channels}_16.png"), encode(&image, 0, &deep).unwrap());
        for (name, chroma) in [("444", Chroma::Full), ("422", Chroma::Half), ("420", Chroma::Quarter)] {
            let options = SaveOptions { chroma, quality: 95, ..SaveOptions::new(Format::Jpeg) };
            write(&format!("c{channels}_{name}.jpg"), encode(&image, 0, &options).unwrap());
        }
    }
}
