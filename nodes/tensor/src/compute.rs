//! Which device computes, and how precisely.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{DType, Device, Tensor, TensorData};

#[cfg(feature = "gpu")]
mod cards;
#[cfg(feature = "gpu")]
use cards::Opened;

/// Names the operations graphics cards run in cache keys: changes with burn, and when our plain bodies change.
const CARD_KERNELS: &str = "burn0.22-p1";

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
    #[error("there is no {}: {}; use --device cpu", DeviceChoice::Gpu(*wanted), counted(*found))]
    NoSuchGpu {
        /// The card asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The card's driver failed.
    #[error("the graphics card {name} cannot be used: {why}; update its driver, or use --device cpu")]
    Broken {
        /// The card.
        name: String,
        /// What the driver said.
        why: String,
    },
    /// Half precision was asked of a card without it.
    #[error("the graphics card {name} does not compute in half precision: use --precision f32")]
    NoHalf {
        /// The card.
        name: String,
    },
    /// Half precision was asked of the processor.
    #[error("the processor computes in 32 bit: leave out the half precision, or use a graphics card")]
    HalfOnCpu,
}

fn counted(found: usize) -> String {
    match found {
        0 => "no graphics card was found (is its Vulkan driver installed?)".into(),
        1 => "one graphics card was found, it is called gpu".into(),
        n => format!("{n} graphics cards were found, gpu to gpu:{}", n - 1),
    }
}

/// A device with a precision: what a network is built on.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    precision: Precision,
    cpu: bool,
    name: String,
    /// What the card's kernels are compiled for.
    kind: String,
}

impl Compute {
    /// The processor, in 32 bit.
    #[must_use]
    pub fn cpu() -> Self {
        Self {
            device: Device::flex(),
            precision: Precision::F32,
            cpu: true,
            name: "cpu".into(),
            kind: String::new(),
        }
    }

    /// The device somebody asked for. `precision: None` is half on a graphics card that has it and 32 bit elsewhere.
    ///
    /// # Errors
    /// When it cannot be had. `Auto` without a precision always can.
    pub fn choose(choice: DeviceChoice, precision: Option<Precision>) -> Result<Self, ComputeError> {
        match choice {
            DeviceChoice::Cpu => Self::choose_cpu(precision),
            DeviceChoice::Gpu(n) => Self::gpu(n, precision),
            DeviceChoice::Auto => match Self::best(precision) {
                Some(gpu) => Ok(gpu),
                None => Self::choose_cpu(precision),
            },
        }
    }

    fn choose_cpu(precision: Option<Precision>) -> Result<Self, ComputeError> {
        if precision == Some(Precision::F16) { Err(ComputeError::HalfOnCpu) } else { Ok(Self::cpu()) }
    }

    /// The n-th graphics card, software ones included (they are counted last). `precision: None` is half where the card
    /// can compute in it.
    ///
    /// # Errors
    /// When there is no such card, or it cannot be opened, or it has no half precision and that was asked for.
    #[cfg(feature = "gpu")]
    pub fn gpu(n: usize, precision: Option<Precision>) -> Result<Self, ComputeError> {
        let mut cards = cards::found();
        let found = cards.len();
        if n >= found {
            return Err(ComputeError::NoSuchGpu { wanted: n, found });
        }
        Self::card(cards.swap_remove(n), precision)
    }

    /// The n-th graphics card.
    ///
    /// # Errors
    /// Always: this build has no graphics card support.
    #[cfg(not(feature = "gpu"))]
    pub fn gpu(_n: usize, _precision: Option<Precision>) -> Result<Self, ComputeError> {
        Err(ComputeError::NoGpuInBuild)
    }

    /// The first graphics card that is one, unless it cannot be used. A program that only plays one is slower than the
    /// processor itself, and is not opened.
    #[cfg(feature = "gpu")]
    fn best(precision: Option<Precision>) -> Option<Self> {
        let card = cards::found().into_iter().next().filter(|c| !c.software)?;
        Self::card(card, precision).ok()
    }

    #[cfg(not(feature = "gpu"))]
    fn best(_precision: Option<Precision>) -> Option<Self> {
        None
    }

    #[cfg(feature = "gpu")]
    fn card(card: cards::Card, precision: Option<Precision>) -> Result<Self, ComputeError> {
        let opened = card.open()?;
        let precision = match precision {
            Some(Precision::F16) if !opened.half => return Err(ComputeError::NoHalf { name: opened.name }),
            Some(precision) => precision,
            None if opened.half => Precision::F16,
            None => Precision::F32,
        };
        let Opened { device, name, kind, .. } = opened;
        Ok(Self { device, precision, cpu: false, name, kind })
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
    /// the same on every processor, so its class names the kernel set alone; a graphics card's hold for that model of card.
    #[must_use]
    pub fn class(&self) -> String {
        if self.cpu {
            format!("cpu-f32-{}", kiln_kernels::KERNEL_SET)
        } else {
            let precision = match self.precision {
                Precision::F32 => "f32",
                Precision::F16 => "f16",
            };
            format!("wgpu-{precision}-{CARD_KERNELS}-{}-{}", self.name, self.kind)
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
    let data = t.cast(DType::F32).try_into_data().map_err(|e| DeviceLost { why: cause(&e.to_string()) })?;
    data.try_into_vec::<f32>().map_err(|e| DeviceLost { why: format!("{e:?}") })
}

/// The last cause of a long report: what went wrong first, and everything else after it.
fn cause(report: &str) -> String {
    let told = |line: &&str| !line.is_empty() && !line.ends_with(':') && !line.starts_with("No backtrace");
    let last = report.split("Backtrace:").next().unwrap_or(report).lines().map(str::trim).rfind(told);
    last.unwrap_or("it gave no reason").to_owned()
}

/// The device stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("the device did not give its result: {why}")]
pub struct DeviceLost {
    /// What it said.
    pub why: String,
}
