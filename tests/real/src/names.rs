//! The names weights had before they became ncnn files, found from the order of the layers.

use crate::param::{Kind, Layer};

/// The name of each layer in the network it was made from, or what the layers are instead.
///
/// # Errors
/// When they are no RRDBNet and no SRVGG.
pub fn original(layers: &[Layer]) -> Result<Vec<String>, String> {
    let slopes = layers.iter().filter(|l| matches!(l.kind, Kind::Slopes { .. })).count();
    match layers.len() {
        0 => Err("a network without weights".to_owned()),
        n if slopes == 0 => rrdb(n),
        n => compact(layers, n, slopes),
    }
}

/// A convolution, blocks of three times five, one that ends them, two for growing, two for the picture.
fn rrdb(convolutions: usize) -> Result<Vec<String>, String> {
    let Some(in_blocks) = convolutions.checked_sub(6).filter(|n| *n > 0 && n.is_multiple_of(15)) else {
        return Err(format!("a network of {convolutions} convolutions"));
    };
    let mut names = vec!["conv_first".to_owned()];
    for n in 0..in_blocks {
        names.push(format!("body.{}.rdb{}.conv{}", n / 15, n / 5 % 3 + 1, n % 5 + 1));
    }
    names.extend(["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"].map(str::to_owned));
    Ok(names)
}

/// Convolutions and slopes in turn, beginning and ending with a convolution.
fn compact(layers: &[Layer], all: usize, slopes: usize) -> Result<Vec<String>, String> {
    let in_turn =
        layers.iter().enumerate().all(|(n, l)| matches!(l.kind, Kind::Slopes { .. }) == (n % 2 == 1));
    if !in_turn || all.is_multiple_of(2) {
        return Err(format!("a network of {} convolutions and {slopes} slopes", all - slopes));
    }
    Ok((0..all).map(|n| format!("body.{n}")).collect())
}
