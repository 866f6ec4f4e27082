//! What a person may ask for, and what the program answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_tensor::{Compute, ComputeError, DeviceChoice, Precision};

#[test]
fn choices_are_read_and_written() {
    for text in ["auto", "cpu", "gpu", "gpu:1", "gpu:12"] {
        assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
    }
    assert_eq!("gpu:0".parse::<DeviceChoice>().unwrap(), DeviceChoice::Gpu(0));
    for text in ["", "GPU", "gpu:", "gpu:-1", "gpu:x", "cuda", "gpu:99999999999999999999"] {
        let error = text.parse::<DeviceChoice>().unwrap_err();
        assert_eq!(error, ComputeError::Unknown { given: text.into() });
        assert!(error.to_string().contains("write auto, cpu, gpu or gpu:1"));
    }
}

#[test]
fn the_processor_computes_in_32_bit() {
    let cpu = Compute::choose(DeviceChoice::Cpu, None).unwrap();
    assert!(cpu.is_cpu() && cpu.precision() == Precision::F32);
    assert!(Compute::choose(DeviceChoice::Cpu, Some(Precision::F32)).is_ok());
    assert_eq!(
        Compute::choose(DeviceChoice::Cpu, Some(Precision::F16)).unwrap_err(),
        ComputeError::HalfOnCpu
    );
    assert_eq!(cpu.class(), format!("cpu-f32-{}", kiln_kernels::KERNEL_SET));
}

#[test]
#[cfg(not(feature = "gpu"))]
fn a_build_without_graphics_cards_says_so() {
    assert!(Compute::choose(DeviceChoice::Auto, None).unwrap().is_cpu());
    let error = Compute::choose(DeviceChoice::Gpu(0), None).unwrap_err();
    assert_eq!(error, ComputeError::NoGpuInBuild);
    assert!(error.to_string().contains("--features gpu"), "{error}");
}

#[test]
fn messages_say_what_to_do() {
    let says = |wanted, found| ComputeError::NoSuchGpu { wanted, found }.to_string();
    assert!(says(0, 0).starts_with("there is no gpu: no graphics card was found"), "{}", says(0, 0));
    assert!(says(1, 1).starts_with("there is no gpu:1: one graphics card was found"), "{}", says(1, 1));
    assert!(says(7, 2).contains("gpu to gpu:1"), "{}", says(7, 2));
}
