//! The same operations on a graphics card, a software one included: against the processor, in 32 bit and in half.
//!
//! With `KILN_NEEDS_GPU=1` a machine without any card fails these tests; else they say why they are left out.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "which card it was, and why a test is left out")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use common::{cases, large, relative, tensor};
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, ComputeError, DeviceChoice, Precision};

fn card(precision: Precision) -> Option<Compute> {
    match Compute::gpu(0, Some(precision)) {
        Ok(card) => {
            println!("on {}", card.name());
            Some(card)
        }
        Err(error @ ComputeError::NoHalf { .. }) => {
            println!("left out: {error}");
            None
        }
        Err(error) => {
            assert!(std::env::var_os("KILN_NEEDS_GPU").is_none(), "{error}");
            println!("left out: {error}");
            None
        }
    }
}

fn every_operation(card: &Compute, limit: f64) {
    let cpu = Compute::cpu();
    let mut wrong = Vec::new();
    for case in cases().into_iter().chain(large()) {
        let begun = std::time::Instant::now();
        let found = (case.run)(card);
        let ms = begun.elapsed().as_millis();
        let off = relative(&(case.run)(&cpu), &found);
        println!("{:55} {off:.1e} {ms:6} ms", case.name);
        if off > limit {
            wrong.push(format!("{}: relative L2 {off:.1e}", case.name));
        } else if found != (case.run)(card) {
            wrong.push(format!("{}: other bits the second time", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_operation_computes_what_the_processor_does() {
    if let Some(card) = card(Precision::F32) {
        // Measured 4e-7 and less on Mesa's software card; cards may round exponentials more coarsely.
        every_operation(&card, 1e-4);
    }
}

#[test]
fn every_operation_in_half_precision_is_off_by_its_rounding() {
    if let Some(card) = card(Precision::F16) {
        // Measured 6e-4 and less.
        every_operation(&card, 2e-3);
    }
}

/// What asks for more than there is stops with a panic or an error, both of which the engine makes a node's error of; the
/// program goes on, and so does the card.
#[test]
fn too_large_a_tensor_is_an_error() {
    let Some(card) = card(Precision::F32) else { return };
    let huge = catch_unwind(AssertUnwindSafe(|| {
        let column = tensor::<2>(&card, 1, [1 << 21, 1]);
        let row = tensor::<2>(&card, 2, [1, 1 << 21]);
        values(column.matmul(row).narrow(0, 0, 1).narrow(1, 0, 1))
    }));
    match huge {
        Ok(Ok(sum)) => panic!("16 TiB fit? {sum:?}"),
        Ok(Err(error)) => {
            println!("an error: {error}");
            assert!(error.to_string().lines().count() == 1, "{error}");
        }
        Err(_) => println!("a panic"),
    }
    let x = tensor::<1>(&card, 3, [5]);
    assert_eq!(values(x.clone() + x).unwrap(), values(tensor::<1>(&card, 3, [5]) * 2.0).unwrap());
}

/// A process of its own in which no driver is to be found.
#[test]
fn without_a_driver_auto_is_the_processor_and_gpu_an_error() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_without_a_driver", "--ignored", "--nocapture"])
        .envs([
            ("VK_ICD_FILENAMES", "/nonexistent"),
            ("VK_DRIVER_FILES", "/nonexistent"),
            ("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent"),
        ])
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
#[ignore = "started by another test"]
fn child_without_a_driver() {
    let begun = std::time::Instant::now();
    let auto = Compute::choose(DeviceChoice::Auto, None).unwrap();
    assert!(auto.is_cpu());
    assert_eq!(
        Compute::choose(DeviceChoice::Auto, Some(Precision::F16)).unwrap_err(),
        ComputeError::HalfOnCpu
    );
    for n in [0, 3] {
        let error = Compute::choose(DeviceChoice::Gpu(n), None).unwrap_err();
        assert_eq!(error, ComputeError::NoSuchGpu { wanted: n, found: 0 });
        println!("{error}");
    }
    println!("{:?}", begun.elapsed());
}

#[test]
fn cards_are_counted_and_a_software_one_is_never_chosen_by_itself() {
    let Some(card) = card(Precision::F32) else { return };
    assert!(!card.is_cpu());
    assert!(!card.name().contains("Device<"), "{}", card.name());
    assert!(card.class().starts_with("wgpu-f32-") && card.class().contains(card.name()), "{}", card.class());
    let auto = Compute::choose(DeviceChoice::Auto, None).unwrap();
    println!("auto is {}", auto.name());
    assert_eq!(auto.is_cpu(), ["llvmpipe", "SwiftShader"].iter().any(|s| card.name().contains(s)));
    let error = Compute::gpu(99, None).unwrap_err();
    assert!(matches!(error, ComputeError::NoSuchGpu { wanted: 99, found } if found > 0), "{error}");
    println!("{error}");
}
