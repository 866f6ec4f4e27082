//! Every operation on the processor: our kernels against burn's operations, the same bits every time, and weights as
//! they lie in files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{cases, numbers, relative, tensor, weight};
use kiln_tensor::compute::values;
use kiln_tensor::ops::{self, LinearThen};
use kiln_tensor::{Compute, Patch, Weight};
use kiln_weights::{Dtype, Stored};

/// Measured 4e-7 and less.
const LIMIT: f64 = 1e-6;

#[test]
fn kernels_compute_what_burns_operations_do() {
    let cpu = Compute::cpu();
    let mut wrong = Vec::new();
    for case in cases() {
        let off = relative(&(case.plain)(&cpu), &(case.run)(&cpu));
        println!("{:55} {off:.1e}", case.name);
        if off > LIMIT {
            wrong.push(format!("{}: relative L2 {off:.1e}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_second_run_gives_the_same_bits() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let all = || -> Vec<Vec<u32>> {
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
        cases().iter().map(|case| bits((case.run)(&Compute::cpu()))).collect()
    };
    let first = all();
    for (n, again) in [("again", all()), ("on one thread", pool.install(all))] {
        for ((case, first), again) in cases().iter().zip(&first).zip(again) {
            assert_eq!(*first, again, "{}, {n}", case.name);
        }
    }
}

fn product(weight: &Weight) -> Vec<f32> {
    let cpu = Compute::cpu();
    let x = tensor::<2>(&cpu, 3, [5, weight.shape()[1]]);
    values(ops::linear(&x, weight, None, LinearThen::default(), &cpu)).unwrap()
}

/// Numbers of a short type count up through all of its values that are small and finite.
fn stored(dtype: Dtype) -> Stored {
    let (rows, columns) = (13, 19);
    let bytes = (0..rows * columns)
        .flat_map(|i| match dtype {
            Dtype::F32 => numbers(9, rows * columns)[i].to_le_bytes().to_vec(),
            Dtype::F64 => f64::from(numbers(9, rows * columns)[i]).to_le_bytes().to_vec(),
            Dtype::F16 => (0x3800_u16 + 17 * i as u16).to_le_bytes().to_vec(),
            Dtype::BF16 => (0xBF00_u16 + i as u16).to_le_bytes().to_vec(),
            Dtype::F8E4M3 => vec![(i % 0x7F) as u8 | if i % 3 == 0 { 0x80 } else { 0 }],
            Dtype::F8E5M2 => vec![(i % 0x50) as u8 | if i % 3 == 0 { 0x80 } else { 0 }],
            Dtype::I32 => (i as i32 - 100).to_le_bytes().to_vec(),
            other => panic!("{other:?}"),
        })
        .collect();
    Stored::from_bytes("w", dtype, &[rows, columns], bytes).unwrap()
}

#[test]
fn a_weight_of_any_type_counts_as_its_widened_self() {
    for dtype in [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16, Dtype::F8E4M3, Dtype::F8E5M2, Dtype::I32] {
        let lying = Weight::stored(stored(dtype));
        let wide = Weight::from_f32(lying.shape(), stored(dtype).to_f32());
        assert!(wide.to_f32().iter().all(|v| v.is_finite()), "{dtype:?}");
        assert!(wide.to_f32().iter().collect::<Vec<_>>().windows(2).any(|w| w[0] != w[1]), "{dtype:?}");
        assert_eq!(product(&lying), product(&wide), "{dtype:?}");
        assert_eq!(lying.to_f32(), wide.to_f32(), "{dtype:?}");
        let width = lying.shape()[1];
        let rows = lying.rows(&[12, 0]).unwrap();
        assert_eq!(rows[..width], wide.to_f32()[12 * width..], "{dtype:?}");
        assert_eq!(rows[width..], wide.to_f32()[..width], "{dtype:?}");
        assert_eq!(lying.rows(&[13]), None);
        let burns = values(lying.on::<2>(&Compute::cpu(), burn::tensor::DType::F32)).unwrap();
        assert_eq!(burns, wide.to_f32(), "{dtype:?}");
    }
}

struct Doubled(Arc<AtomicUsize>);

impl Patch for Doubled {
    fn apply(&self, shape: &[usize], values: &mut [f32]) {
        assert_eq!(shape, [13, 19]);
        self.0.fetch_add(1, Ordering::Relaxed);
        for (i, v) in values.iter_mut().enumerate() {
            *v = 2.0 * *v + i as f32 * 0.01;
        }
    }
}

#[test]
fn a_changed_weight_is_its_base_with_the_changes_in_order() {
    let base = Weight::stored(stored(Dtype::F16));
    for keep in [true, false] {
        let count = Arc::new(AtomicUsize::new(0));
        let patch = || -> Arc<dyn Patch> { Arc::new(Doubled(count.clone())) };
        let changed = base.patched(vec![patch(), patch()], keep);
        let wanted: Vec<f32> = base
            .to_f32()
            .iter()
            .enumerate()
            .map(|(i, v)| 2.0 * (2.0 * v + i as f32 * 0.01) + i as f32 * 0.01)
            .collect();
        let first = product(&changed);
        assert_eq!(first, product(&Weight::from_f32(&[13, 19], wanted.clone())));
        assert_eq!(first, product(&changed));
        assert_eq!(count.load(Ordering::Relaxed), if keep { 2 } else { 4 }, "kept: {keep}");
        assert_eq!(changed.to_f32(), wanted);
        assert_eq!(changed.rows(&[3]).unwrap(), wanted[3 * 19..4 * 19]);
        // The base has not moved.
        assert_eq!(base.to_f32(), stored(Dtype::F16).to_f32());
        // A change on top of a change.
        let more = changed.patched(vec![patch()], false).to_f32();
        assert_eq!(more[19], 2.0 * wanted[19] + 19.0 * 0.01);
    }
}

#[test]
fn a_weight_in_another_shape_is_the_same_weight() {
    let matrix = weight(5, &[13, 19]);
    assert_eq!(product(&weight(5, &[13, 19, 1, 1]).reshaped(vec![13, 19])), product(&matrix));
    let counted = Arc::new(AtomicUsize::new(0));
    let changed = weight(5, &[13, 19]).patched(vec![Arc::new(Doubled(counted.clone()))], true);
    assert_eq!(product(&changed.reshaped(vec![13, 19])), product(&changed));
    assert_eq!(counted.load(Ordering::Relaxed), 1, "both shapes share what was made");
}
