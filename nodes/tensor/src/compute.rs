//! Which device computes, and how precisely.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// What a person asks for: `auto`, `cpu`, `gpu` or `gpu:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// A graphics card when there is one and this build can use it, the processor otherwise.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The n-th graphics card.
    Gpu(usize),
}

impl FromStr for DeviceChoice {
    type Err = ComputeError;

    fn from_str(text: &str) -> Result<Self, ComputeError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu(0)),
            other => match other.strip_prefix("gpu:").and_then(|n| n.parse().ok()) {
                Some(n) => Ok(Self::Gpu(n)),
                None => Err(ComputeError::Unknown { given: other.to_owned() }),
            },
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Cpu => write!(f, "cpu"),
            Self::Gpu(0) => write!(f, "gpu"),
            Self::Gpu(n) => write!(f, "gpu:{n}"),
        }
    }
}

/// The type numbers have while a network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bit: the only one on the processor.
    #[default]
    F32,
    /// 16 bit, on graphics cards.
    F16,
}

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ComputeError {
    /// No such choice.
    #[error("`{given}` is no device: write auto, cpu, gpu or gpu:1")]
    Unknown {
        /// What was written.
        given: String,
    },
    /// This build has no graphics card support.
    #[error(
        "this build computes on the processor only: build with `--features gpu` for graphics cards, or use --device cpu"
    )]
    NoGpuInBuild,
    /// No such card.
    #[error("there is no graphics card {wanted}: {found} found; use --device cpu")]
    NoSuchGpu {
        /// The card asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Half precision was asked of the processor.
    #[error("the processor computes in 32 bit: leave out the half precision, or use a graphics card")]
    HalfOnCpu,
}

/// A device with a precision: what a network is built on.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    precision: Precision,
    cpu: bool,
    name: String,
}

impl Compute {
    /// The processor, in 32 bit.
    #[must_use]
    pub fn cpu() -> Self {
        Self { device: Device::flex(), precision: Precision::F32, cpu: true, name: "cpu".into() }
    }

    /// The device somebody asked for. `precision: None` is half on a graphics card and 32 bit on the processor.
    pub fn choose(choice: DeviceChoice, precision: Option<Precision>) -> Result<Self, ComputeError> {
        match choice {
            DeviceChoice::Cpu => Self::choose_cpu(precision),
            DeviceChoice::Gpu(n) => Self::gpu(n, precision.unwrap_or(Precision::F16)),
            DeviceChoice::Auto => match Self::gpu(0, precision.unwrap_or(Precision::F16)) {
                Ok(gpu) if !gpu.is_software() => Ok(gpu),
                _ => Self::choose_cpu(precision),
            },
        }
    }

    fn choose_cpu(precision: Option<Precision>) -> Result<Self, ComputeError> {
        if precision == Some(Precision::F16) { Err(ComputeError::HalfOnCpu) } else { Ok(Self::cpu()) }
    }

    /// The n-th graphics card, a software one included (it is found last).
    #[cfg(feature = "gpu")]
    pub fn gpu(n: usize, precision: Precision) -> Result<Self, ComputeError> {
        let devices = Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec();
        let found = devices.len();
        let device = devices.into_iter().nth(n).ok_or(ComputeError::NoSuchGpu { wanted: n, found })?;
        let name = device.identity().map_or_else(|| format!("gpu {n}"), |id| format!("{id:?}"));
        Ok(Self { device, precision, cpu: false, name })
    }

    /// The n-th graphics card.
    #[cfg(not(feature = "gpu"))]
    pub fn gpu(_n: usize, _precision: Precision) -> Result<Self, ComputeError> {
        Err(ComputeError::NoGpuInBuild)
    }

    fn is_software(&self) -> bool {
        let name = self.name.to_lowercase();
        ["llvmpipe", "lavapipe", "swiftshader", "software"].iter().any(|s| name.contains(s))
    }

    /// The same device, in 32 bit.
    #[must_use]
    pub fn in_f32(&self) -> Self {
        Self { precision: Precision::F32, ..self.clone() }
    }

    /// Is this the processor?
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.cpu
    }

    /// What the device calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// burn's own device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The precision networks run in here.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same as burn's type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self.precision {
            Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
        }
    }

    /// The numeric class: two machines share a computed value only when theirs are equal. The processor's results are
    /// the same on every processor, so its class names the kernel set alone; a graphics card's hold for that card.
    #[must_use]
    pub fn class(&self) -> String {
        if self.cpu {
            format!("cpu-f32-{}", kiln_kernels::KERNEL_SET)
        } else {
            let precision = match self.precision {
                Precision::F32 => "f32",
                Precision::F16 => "f16",
            };
            format!("wgpu-{precision}-{}", self.name)
        }
    }

    /// A tensor of these values, in this device's precision.
    #[must_use]
    pub fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        let t = Tensor::<D>::from_data(TensorData::new(values, shape), (&self.device, DType::F32));
        if self.precision == Precision::F32 { t } else { t.cast(self.dtype()) }
    }

    /// A tensor of zeros, in this device's precision.
    #[must_use]
    pub fn zeros<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.tensor(vec![0.0; shape.iter().product()], shape)
    }
}

/// A tensor's values, in C order, as f32.
pub fn values<const D: usize>(t: Tensor<D>) -> Result<Vec<f32>, DeviceLost> {
    let data = t.cast(DType::F32).try_into_data().map_err(|e| DeviceLost { why: e.to_string() })?;
    data.try_into_vec::<f32>().map_err(|e| DeviceLost { why: format!("{e:?}") })
}

/// The device stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("the device did not give its result: {why}")]
pub struct DeviceLost {
    /// What it said.
    pub why: String,
}
