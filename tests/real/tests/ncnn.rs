//! The conversion of ncnn's files: small ones made here, and the fetched ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_real::{NcnnError, convert, converted, fetched};
use kiln_weights::{Dtype, WeightFile};
use std::path::{Path, PathBuf};

/// A compact network of two convolutions, three channels: what its `.param` and `.bin` say.
fn small() -> (String, Vec<u8>) {
    let param = "7767517\n5 5\nInput data 0 1 data\nConvolution a 1 1 data x 0=1 1=1 4=0 5=1 6=3\nPReLU b 1 1 x y 0=1\n\
                 Convolution c 1 1 y z 0=3 1=1 5=1 6=3\nPixelShuffle d 1 1 z out 0=1\n";
    let mut bin = Vec::new();
    let halves = |bits: &[u16], bias: &[f32], bin: &mut Vec<u8>| {
        bin.extend(0x0130_6B47_u32.to_le_bytes());
        bin.extend(bits.iter().flat_map(|b| b.to_le_bytes()));
        bin.resize(bin.len().next_multiple_of(4), 0xAA);
        bin.extend(bias.iter().flat_map(|b| b.to_le_bytes()));
    };
    halves(&[0x3C00, 0xC000, 0x3800], &[0.25], &mut bin); // 1, -2, 0.5
    bin.extend(0.125_f32.to_le_bytes());
    halves(&[0x3800, 0x3C00, 0x4000], &[1.0, 2.0, 3.0], &mut bin);
    (param.to_owned(), bin)
}

fn put(dir: &Path, param: &str, bin: &[u8]) -> PathBuf {
    std::fs::write(dir.join("m.bin"), bin).unwrap();
    std::fs::write(dir.join("m.param"), param).unwrap();
    dir.join("m.param")
}

#[test]
fn weights_get_their_names_and_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let (param, bin) = small();
    let to = dir.path().join("m.safetensors");
    convert(&put(dir.path(), &param, &bin), &to).unwrap();
    let file = WeightFile::open(&to).unwrap();
    let names: Vec<&str> = file.names().collect();
    assert_eq!(names, ["body.0.bias", "body.0.weight", "body.1.weight", "body.2.bias", "body.2.weight"]);
    let first = file.require("body.0.weight").unwrap();
    assert_eq!((first.dtype(), first.shape()), (Dtype::F16, [1, 3, 1, 1].as_slice()));
    assert_eq!(first.to_f32(), [1.0, -2.0, 0.5]);
    assert_eq!(file.require("body.1.weight").unwrap().to_f32(), [0.125]);
    assert_eq!(file.require("body.2.weight").unwrap().to_f32(), [0.5, 1.0, 2.0]);
    assert_eq!(file.require("body.2.bias").unwrap().to_f32(), [1.0, 2.0, 3.0]);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// A pair of files that is wrong, and what the message has to speak of.
#[track_caller]
fn refused(param: &str, bin: &[u8], says: &str) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("m.safetensors");
    let error = convert(&put(dir.path(), param, bin), &to).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert!(!to.exists());
}

#[test]
fn what_is_wrong_is_said() {
    let (param, bin) = small();
    refused("", &bin, "line 1: an ncnn text file begins with 7767517");
    refused("7767517\nmany", &bin, "line 2: the numbers of layers");
    refused(&param.replace("5 5", "6 5"), &bin, "6 layers are promised, and 5 follow");
    refused(&param.replace("PixelShuffle", "Gemm"), &bin, "line 7: layers of the kind Gemm are not known");
    refused(&param.replace("6=3", "6=4"), &bin, "line 6: 4 weights do not make 3 kernels of 1 x 1");
    refused(&param.replace("0=3 ", "0=0 "), &bin, "line 6: 3 weights do not make 0 kernels");
    refused(&param.replace("1=1 4", "1=60000000 11=60000000 4"), &bin, "do not make 1 kernels");
    refused(&param.replace("6=3", "6=99999999999"), &bin, "the parameter 6 is 99999999999");
    refused(&param.replace("4=0 5=1", "4=0"), &bin, "line 4: a convolution without a bias");
    refused(&param.replace("4=0", "8=2"), &bin, "line 4: a convolution on whole numbers");
    refused(&param.replace("PReLU b 1 1 x y 0=1", "Split b 1 1 x y"), &bin, "a network of 2 convolutions;");
    refused(&param.replace("PReLU b 1 1 x y 0=1", "PReLU b 1 1 x y 0=2"), &bin, "layer c: the tag");
    refused(&param.replace("c 1 1 y z 0=3", "c 1 1 y z 0=1"), &bin, "8 bytes are left after the last layer");
    for cut in 0..bin.len() {
        refused(&param, &bin[..cut], "m.bin, layer ");
    }
    let mut other = bin;
    other[0] = 1;
    refused(&param, &other, "layer a: the tag 0x01306B01 is not that of half or single precision");
}

#[test]
fn what_is_missing_is_named() {
    let error = convert(Path::new("no-such.param"), Path::new("to")).unwrap_err();
    assert!(matches!(error, NcnnError::Io { .. }));
    assert!(error.to_string().starts_with("no-such.param: "), "{error}");
}

#[test]
fn fetched_ones_have_the_published_layouts() {
    for (name, tensors, last, shape) in [
        ("realesrgan-x4plus", 702, "conv_last.weight", [3, 64, 3, 3]),
        ("realesrgan-x4plus-anime", 192, "body.5.rdb3.conv5.weight", [64, 192, 3, 3]),
        ("realesr-animevideov3-x4", 53, "body.34.weight", [48, 64, 3, 3]),
    ] {
        let Some(path) = converted(name) else { continue };
        let file = WeightFile::open(&path).unwrap();
        assert_eq!(file.len(), tensors, "{name}");
        assert_eq!(file.require(last).unwrap().shape(), shape, "{name}");
        assert!(file.iter().all(|t| t.first_not_finite().is_none()), "{name}");
    }
}

/// The smaller ones shrink what the largest gives: there is one network for the three.
#[test]
fn the_three_of_animevideo_are_one() {
    let bytes = |n: u8| fetched(&format!("realesr-animevideov3-x{n}.bin")).map(|p| std::fs::read(p).unwrap());
    let (Some(two), Some(three), Some(four)) = (bytes(2), bytes(3), bytes(4)) else { return };
    assert!(two == four && three == four);
    for n in 2..=4 {
        assert!(converted(&format!("realesr-animevideov3-x{n}")).is_some());
    }
}
