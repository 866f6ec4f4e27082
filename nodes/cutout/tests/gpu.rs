//! The networks on a graphics card, a software one included, against the processor.
//!
//! With `KILN_NEEDS_GPU=1` a machine without any card fails this test; else it says why it is left out.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "which card it was, and why a test is left out")]

mod common;

use std::sync::Arc;

use common::made::{Reference, normal, relative};
use kiln_cutout::nets::modnet::ModNet;
use kiln_cutout::nets::u2net::U2Net;
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Precision, Vars};

fn map(case: &str, compute: &Compute, [h, w]: [usize; 2]) -> Vec<f32> {
    let vars = Vars::new(case, Arc::new(Reference::load("networks").weights(case)), compute);
    let x = compute.tensor::<4>(normal("x", 3 * h * w, 1.0, 0.0), [1, 3, h, w]);
    let mut step = |_, _| Ok(());
    let map = if case == "modnet" {
        ModNet::new(&vars).unwrap().forward(&x, &mut step)
    } else {
        U2Net::new(&vars).unwrap().forward(&x, &mut step)
    };
    values(map.unwrap()).unwrap()
}

#[test]
fn the_networks_agree_with_the_processor() {
    let card = match Compute::gpu(0, Some(Precision::F32)) {
        Ok(card) => card,
        Err(error) => {
            assert!(std::env::var_os("KILN_NEEDS_GPU").is_none(), "{error}");
            println!("left out: {error}");
            return;
        }
    };
    println!("on {}", card.name());
    for (case, size) in [("u2net", [53, 35]), ("isnet", [40, 66]), ("modnet", [32, 64])] {
        let off = relative(&map(case, &Compute::cpu(), size), &map(case, &card, size));
        println!("{case}: {off:.1e}");
        assert!(off < 1e-3, "{case}: relative L2 {off:.1e}");
    }
}
