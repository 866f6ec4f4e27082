//! Upscalers on a graphics card, a software one included, against the processor.
//!
//! With `KILN_NEEDS_GPU=1` a machine without any card fails these tests; else they say why they are left out.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "which card it was, and why a test is left out")]

mod common;

use common::{most, picture, run, upscaler, upscaler_on};
use kiln_tensor::{Compute, Precision};
use kiln_upscale::Tiles;

fn card() -> Option<Compute> {
    match Compute::gpu(0, Some(Precision::F32)) {
        Ok(card) => {
            println!("on {}", card.name());
            Some(card)
        }
        Err(error) => {
            assert!(std::env::var_os("KILN_NEEDS_GPU").is_none(), "{error}");
            println!("left out: {error}");
            None
        }
    }
}

#[test]
fn a_card_gives_the_processors_picture() {
    let Some(card) = card() else { return };
    for (case, channels) in [("wide", 3), ("x2", 4), ("plus", 3), ("x8", 3), ("compact", 3), ("relu", 3)] {
        let image = picture(21, 26, channels);
        let tiles = Tiles { side: 20, overlap: 6 };
        let wanted = run(&upscaler(case), &image, tiles).unwrap();
        let found = run(&upscaler_on(case, &card), &image, tiles).unwrap();
        let off = most(wanted.data(), found.data());
        println!("{case}: {off:.1e}");
        assert!(off < 1e-3, "{case}: {off:.1e}");
    }
}
