//! A model that finds the subject in pictures.

use std::path::Path;
use std::sync::Arc;

use kiln_networks::NetError;
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Vars, Weight};
use kiln_types::{Image, Mask};
use kiln_weights::WeightFile;

use crate::error::CutoutError;
use crate::nets::Step;
use crate::nets::modnet::ModNet;
use crate::nets::u2net::U2Net;
use crate::{look, names, resample};

/// Which network a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// U²-Net, and U²-NetP, its small form.
    U2Net,
    /// IS-Net.
    IsNet,
    /// MODNet.
    ModNet,
}

/// How finely a matte is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// In 256 steps, exactly as the usual tools make it.
    #[default]
    Bytes,
    /// As the network gives it.
    Float,
}

#[derive(Debug)]
enum Network {
    U2Net(Box<U2Net>),
    ModNet(Box<ModNet>),
}

/// A network, ready to look at pictures.
#[derive(Debug)]
pub struct Cutout {
    kind: Kind,
    network: Network,
    compute: Compute,
    bytes: usize,
}

impl Cutout {
    /// Opens a model's file. Mattes are computed in 32 bit on every device.
    ///
    /// # Errors
    /// When it cannot be read, or holds another network.
    pub fn open(path: &Path, compute: &Compute) -> Result<Self, CutoutError> {
        let file = WeightFile::open(path)?;
        let found = names::find(&file)?;
        let bytes = found.weights.values().map(Weight::bytes).sum();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let compute = compute.in_f32();
        let vars = Vars::new(&name, Arc::new(found.weights), &compute);
        let network = match found.kind {
            Kind::U2Net | Kind::IsNet => Network::U2Net(Box::new(U2Net::new(&vars)?)),
            Kind::ModNet => Network::ModNet(Box::new(ModNet::new(&vars)?)),
        };
        Ok(Self { kind: found.kind, network, compute, bytes })
    }

    /// Which network it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes its weights take in the file; about as many are held where batch norms were folded.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The matte of picture `index` of a batch, of its size: 1 = subject. Alpha plays no part.
    ///
    /// # Errors
    /// When there is no such picture, or the device fails.
    pub fn matte(&self, image: &Image, index: usize) -> Result<Mask, CutoutError> {
        self.matte_in(image, index, Depth::Bytes, &mut |_, _| Ok(()))
    }

    /// The same, as finely as asked for; `step` is told how much is done, and its error stops it.
    ///
    /// # Errors
    /// As [`Self::matte`], and those of `step`.
    pub fn matte_in(
        &self,
        image: &Image,
        index: usize,
        depth: Depth,
        step: &mut dyn FnMut(usize, usize) -> Result<(), NetError>,
    ) -> Result<Mask, CutoutError> {
        if index >= image.batch() {
            return Err(CutoutError::Picture(format!(
                "there is no picture {index}: the batch has {}, counted from 0",
                image.batch()
            )));
        }
        let size = [image.width(), image.height()];
        let colours = resample::colours(image.frame(index), image.channels());
        let seen = look::prepare(self.kind, &colours, size);
        let map = self.map(seen.planes, seen.size, step)?;
        look::finish(self.kind, map, seen.size, size, depth)
    }

    /// The network's own answer to a picture as it takes one.
    fn map(&self, planes: Vec<f32>, [w, h]: [usize; 2], step: Step<'_>) -> Result<Vec<f32>, CutoutError> {
        let x = self.compute.tensor::<4>(planes, [1, 3, h, w]);
        let map = match &self.network {
            Network::U2Net(net) => net.forward(&x, step)?,
            Network::ModNet(net) => net.forward(&x, step)?,
        };
        Ok(values(map)?)
    }
}
