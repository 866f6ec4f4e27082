//! Graphics cards: which there are, and opening one. burn stops with a panic where a driver fails; here that becomes an
//! error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, DeviceKind, DeviceType};

use super::ComputeError;

/// A card that was found. It is not opened yet.
pub(super) struct Card {
    device: Device,
    /// A program that plays a card on the processor.
    pub(super) software: bool,
}

/// A card that answers.
pub(super) struct Opened {
    pub(super) device: Device,
    pub(super) name: String,
    /// What its kernels are compiled for.
    pub(super) kind: String,
    /// Does it compute in half precision?
    pub(super) half: bool,
}

/// All cards: those with memory of their own first, then those that share the machine's, then those a host lends, then
/// what the driver has no word for, and software last. None when there is no driver at all.
pub(super) fn found() -> Vec<Card> {
    let devices = catch_unwind(|| Device::enumerate(DeviceType::Wgpu).into_vec()).unwrap_or_default();
    let count = devices.len();
    let is =
        |device: &Device, kind: fn(usize) -> DeviceKind| (0..count).any(|n| *device == Device::wgpu(kind(n)));
    let mut ranked: Vec<(u8, Card)> = devices
        .into_iter()
        .map(|device| {
            let software = device == Device::wgpu(DeviceKind::Cpu);
            let rank = match () {
                () if software => 4,
                () if is(&device, DeviceKind::DiscreteGpu) => 0,
                () if is(&device, DeviceKind::IntegratedGpu) => 1,
                () if is(&device, DeviceKind::VirtualGpu) => 2,
                () => 3,
            };
            (rank, Card { device, software })
        })
        .collect();
    ranked.sort_by_key(|r| r.0);
    ranked.into_iter().map(|r| r.1).collect()
}

impl Card {
    /// Makes the card ready.
    pub(super) fn open(self) -> Result<Opened, ComputeError> {
        let name = format!("{:?}", self.device);
        let device = AssertUnwindSafe(self.device);
        catch_unwind(move || {
            let device = device.0;
            let identity = device.identity();
            let half = device.supports_dtype(DType::F16);
            let (name, kind) = identity.map_or_else(
                || (format!("{device:?}"), String::new()),
                |identity| (identity.name, identity.fingerprint),
            );
            Opened { device, name, kind, half }
        })
        .map_err(|panic| {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            ComputeError::Broken { name, why: words.unwrap_or_else(|| "its driver failed".into()) }
        })
    }
}
