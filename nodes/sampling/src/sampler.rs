//! The samplers by name, and their settings.

/// A name that no sampler has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no sampler called \"{0}\"")]
pub struct UnknownSampler(pub String);

macro_rules! samplers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A sampler by its name: how the noise is taken away from one level to the next.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Sampler { $($(#[$doc])* $variant,)* }

        impl Sampler {
            /// All of them, in the order menus show.
            pub const ALL: &'static [Sampler] = &[$(Sampler::$variant,)*];

            /// All names, in the order menus show.
            pub fn names() -> &'static [&'static str] {
                &[$($name,)*]
            }

            /// The exact name.
            pub fn name(self) -> &'static str {
                match self { $(Sampler::$variant => $name,)* }
            }
        }
    };
}

samplers! {
    /// One straight step.
    Euler = "euler",
    /// Euler along the direction of the negative prompt's prediction (CFG++).
    EulerCfgPp = "euler_cfg_pp",
    /// Euler that overshoots and adds fresh noise.
    EulerAncestral = "euler_ancestral",
    /// The ancestral Euler of CFG++.
    EulerAncestralCfgPp = "euler_ancestral_cfg_pp",
    /// The mean of the slopes at both ends.
    Heun = "heun",
    /// Heun with a third slope and fixed weights.
    Heunpp2 = "heunpp2",
    /// Heun in exponential form.
    ExpHeun2X0 = "exp_heun_2_x0",
    /// Heun in exponential form with fresh noise.
    ExpHeun2X0Sde = "exp_heun_2_x0_sde",
    /// The slope in the middle.
    Dpm2 = "dpm_2",
    /// The slope in the middle, with fresh noise.
    Dpm2Ancestral = "dpm_2_ancestral",
    /// Linear multistep over four slopes.
    Lms = "lms",
    /// DPM-Solver with as many evaluations as steps.
    DpmFast = "dpm_fast",
    /// DPM-Solver that chooses its steps by the error it sees.
    DpmAdaptive = "dpm_adaptive",
    /// DPM-Solver++ with two evaluations and fresh noise.
    Dpmpp2sAncestral = "dpmpp_2s_ancestral",
    /// The same for CFG++.
    Dpmpp2sAncestralCfgPp = "dpmpp_2s_ancestral_cfg_pp",
    /// DPM-Solver++ as a stochastic equation, two evaluations.
    DpmppSde = "dpmpp_sde",
    /// The same; its own noise exists on graphics cards only, here it is the same as without `_gpu`.
    DpmppSdeGpu = "dpmpp_sde_gpu",
    /// DPM-Solver++ over two predictions.
    Dpmpp2m = "dpmpp_2m",
    /// The same for CFG++.
    Dpmpp2mCfgPp = "dpmpp_2m_cfg_pp",
    /// DPM-Solver++ over two predictions as a stochastic equation (midpoint).
    Dpmpp2mSde = "dpmpp_2m_sde",
    /// Here the same as without `_gpu`.
    Dpmpp2mSdeGpu = "dpmpp_2m_sde_gpu",
    /// DPM-Solver++ over two predictions as a stochastic equation (Heun).
    Dpmpp2mSdeHeun = "dpmpp_2m_sde_heun",
    /// Here the same as without `_gpu`.
    Dpmpp2mSdeHeunGpu = "dpmpp_2m_sde_heun_gpu",
    /// DPM-Solver++ over three predictions as a stochastic equation.
    Dpmpp3mSde = "dpmpp_3m_sde",
    /// Here the same as without `_gpu`.
    Dpmpp3mSdeGpu = "dpmpp_3m_sde_gpu",
    /// The sampler of the first diffusion models.
    Ddpm = "ddpm",
    /// For latent consistency models: predict, then noise again.
    Lcm = "lcm",
    /// Adams-Bashforth over four slopes.
    Ipndm = "ipndm",
    /// Adams-Bashforth for uneven steps.
    IpndmV = "ipndm_v",
    /// Exponential integrator with polynomial slopes.
    Deis = "deis",
    /// Exponential multistep.
    ResMultistep = "res_multistep",
    /// The same for CFG++.
    ResMultistepCfgPp = "res_multistep_cfg_pp",
    /// Exponential multistep with fresh noise.
    ResMultistepAncestral = "res_multistep_ancestral",
    /// The same for CFG++.
    ResMultistepAncestralCfgPp = "res_multistep_ancestral_cfg_pp",
    /// Euler with a corrected slope.
    GradientEstimation = "gradient_estimation",
    /// The same for CFG++.
    GradientEstimationCfgPp = "gradient_estimation_cfg_pp",
    /// Extended reverse-time stochastic equation.
    ErSde = "er_sde",
    /// Stochastic exponential solver with two evaluations.
    Seeds2 = "seeds_2",
    /// Stochastic exponential solver with three evaluations.
    Seeds3 = "seeds_3",
    /// Stochastic Adams.
    SaSolver = "sa_solver",
    /// Stochastic Adams that evaluates again after its correction.
    SaSolverPece = "sa_solver_pece",
    /// Euler, with noise of its own under an inpainting mask.
    Ddim = "ddim",
    /// The unified predictor-corrector.
    UniPc = "uni_pc",
    /// The same with the other step function.
    UniPcBh2 = "uni_pc_bh2",
}

impl Sampler {
    /// Whether the noise of each step comes from a Brownian path.
    pub fn is_sde(self) -> bool {
        matches!(
            self,
            Sampler::DpmppSde
                | Sampler::DpmppSdeGpu
                | Sampler::Dpmpp2mSde
                | Sampler::Dpmpp2mSdeGpu
                | Sampler::Dpmpp2mSdeHeun
                | Sampler::Dpmpp2mSdeHeunGpu
                | Sampler::Dpmpp3mSde
                | Sampler::Dpmpp3mSdeGpu
        )
    }

    /// Whether steps add fresh noise (so that the seed matters beyond the start).
    pub fn uses_noise(self) -> bool {
        self.is_sde()
            || matches!(
                self,
                Sampler::EulerAncestral
                    | Sampler::EulerAncestralCfgPp
                    | Sampler::ExpHeun2X0Sde
                    | Sampler::Dpm2Ancestral
                    | Sampler::Dpmpp2sAncestral
                    | Sampler::Dpmpp2sAncestralCfgPp
                    | Sampler::Ddpm
                    | Sampler::Lcm
                    | Sampler::ResMultistepAncestral
                    | Sampler::ResMultistepAncestralCfgPp
                    | Sampler::ErSde
                    | Sampler::Seeds2
                    | Sampler::Seeds3
                    | Sampler::SaSolver
                    | Sampler::SaSolverPece
            )
    }

    /// Whether the negative prompt's own prediction is needed, even at a guidance of 1.
    pub fn wants_uncond(self) -> bool {
        self.name().ends_with("cfg_pp")
    }

    /// Whether a sampler node plans one step more and leaves out the level before the last.
    pub fn drops_penultimate(self) -> bool {
        matches!(self, Sampler::Dpm2 | Sampler::Dpm2Ancestral | Sampler::UniPc | Sampler::UniPcBh2)
    }
}

impl core::fmt::Display for Sampler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::str::FromStr for Sampler {
    type Err = UnknownSampler;

    fn from_str(name: &str) -> Result<Self, UnknownSampler> {
        Self::ALL.iter().copied().find(|s| s.name() == name).ok_or_else(|| UnknownSampler(name.to_owned()))
    }
}

/// Which shape the correction of a two-prediction solver has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// The midpoint rule.
    Midpoint,
    /// Heun's rule.
    Heun,
}

/// Settings of a sampler. `None` is the sampler's own default; a setting that a sampler does not
/// have is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SamplerOptions {
    /// How much fresh noise: 0 none, 1 as much as the plain stochastic equation has.
    pub eta: Option<f32>,
    /// What fresh noise is multiplied by.
    pub s_noise: Option<f32>,
    /// Noise added before each step (euler, heun, dpm_2, heunpp2).
    pub s_churn: Option<f32>,
    /// The least noise level at which `s_churn` works.
    pub s_tmin: Option<f32>,
    /// The greatest noise level at which `s_churn` works.
    pub s_tmax: Option<f32>,
    /// Where between two levels a second evaluation lies.
    pub r: Option<f32>,
    /// Where a third evaluation lies.
    pub r_2: Option<f32>,
    /// How many predictions a multistep solver looks back on.
    pub order: Option<usize>,
    /// The rule of `dpmpp_2m_sde`.
    pub solver: Option<Solver>,
    /// The relative tolerance of `dpm_adaptive`.
    pub rtol: Option<f32>,
    /// The absolute tolerance of `dpm_adaptive`.
    pub atol: Option<f32>,
    /// The weight of the newest slope in `gradient_estimation`.
    pub gamma: Option<f32>,
}
