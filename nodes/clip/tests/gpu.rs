//! Small towers on a graphics card, a software one included, against the processor.
//!
//! With `KILN_NEEDS_GPU=1` a machine without any card fails this test; else it says why it is left out.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "which card it was, and why a test is left out")]

mod common;

use common::{Reference, picture, relative, tensors, write};
use kiln_clip::Towers;
use kiln_tensor::{Compute, Precision};

#[test]
fn towers_agree_with_the_processor() {
    let card = match Compute::gpu(0, Some(Precision::F32)) {
        Ok(card) => card,
        Err(error) => {
            assert!(std::env::var_os("KILN_NEEDS_GPU").is_none(), "{error}");
            println!("left out: {error}");
            return;
        }
    };
    println!("on {}", card.name());
    let reference = Reference::load("towers");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    for case in ["b32", "open", "h"] {
        write(&path, &tensors(&reference, case));
        let (here, there) =
            (Towers::open(&path, &Compute::cpu()).unwrap(), Towers::open(&path, &card).unwrap());
        let images = [picture(61, 47, 1), picture(20, 33, 2)];
        let off = relative(here.image(&images).unwrap().data(), there.image(&images).unwrap().data());
        println!("{case}: pictures {off:.1e}");
        assert!(off < 1e-3, "{case}: pictures {off:.1e}");
        let texts = ["a photo of a fox", "two cats"];
        let off = relative(here.text(&texts).unwrap().data(), there.text(&texts).unwrap().data());
        println!("{case}: texts {off:.1e}");
        assert!(off < 1e-3, "{case}: texts {off:.1e}");
    }
}
