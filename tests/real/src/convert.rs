//! ncnn's `.param` and `.bin` as safetensors with the names the weights once had.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use kiln_weights::{Dtype, Stored, write_stored};

use crate::error::NcnnError;
use crate::names::original;
use crate::param::{Kind, Layer, layers};

/// Says that what follows is half precision.
const HALVES: u32 = 0x0130_6B47;
const LONGEST_PARAM: u64 = 16 << 20;
const LONGEST_BIN: u64 = 1 << 30;

/// Writes the weights of `param` and the `.bin` beside it to `to`: kernels in half precision as they are stored, biases
/// and slopes in single. The file is there complete or not at all.
///
/// # Errors
/// When the files cannot be read, do not belong together, or hold a network whose names are not known.
pub fn convert(param: &Path, to: &Path) -> Result<(), NcnnError> {
    let text = String::from_utf8_lossy(&read(param, LONGEST_PARAM)?).into_owned();
    let layers = layers(param, &text)?;
    let names = original(&layers).map_err(|what| NcnnError::Unknown { file: param.to_path_buf(), what })?;
    let bin = param.with_extension("bin");
    let bytes = read(&bin, LONGEST_BIN)?;
    let tensors = tensors(&bin, &bytes, &layers, &names)?;

    // Several tests may make the same file at once.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unfinished = to.with_extension(format!("unfinished-{}-{count}", std::process::id()));
    let io = |file: &Path| {
        let file = file.to_path_buf();
        move |source| NcnnError::Io { file, source }
    };
    let mut out = BufWriter::new(File::create(&unfinished).map_err(io(&unfinished))?);
    let written = write_stored(&mut out, &tensors, &BTreeMap::new());
    drop(out);
    if let Err(error) = written {
        // What could not be finished is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&unfinished);
        return Err(error.into());
    }
    fs::rename(&unfinished, to).map_err(io(to))
}

fn read(file: &Path, most: u64) -> Result<Vec<u8>, NcnnError> {
    let io = |source| NcnnError::Io { file: file.to_path_buf(), source };
    let bytes = fs::metadata(file).map_err(io)?.len();
    if bytes > most {
        return Err(NcnnError::TooLarge { file: file.to_path_buf(), bytes, most });
    }
    fs::read(file).map_err(io)
}

/// All weights under their names.
///
/// # Errors
/// When the bytes are not what the layers promise.
pub fn tensors(
    file: &Path,
    bytes: &[u8],
    layers: &[Layer],
    names: &[String],
) -> Result<Vec<Stored>, NcnnError> {
    let mut left = bytes;
    let mut all = Vec::with_capacity(2 * layers.len());
    for (layer, name) in layers.iter().zip(names) {
        let wrong =
            |what: String| NcnnError::Bin { file: file.to_path_buf(), layer: layer.name.clone(), what };
        let mut put = |what: &str, dtype, shape: &[usize], left: &mut &[u8]| {
            let bytes = take(left, dtype, shape).map_err(wrong)?;
            all.push(Stored::from_bytes(&format!("{name}.{what}"), dtype, shape, bytes)?);
            Ok::<(), NcnnError>(())
        };
        match &layer.kind {
            Kind::Convolution { shape } => {
                let dtype = kernel_dtype(&mut left).map_err(wrong)?;
                put("weight", dtype, shape, &mut left)?;
                put("bias", Dtype::F32, &shape[..1], &mut left)?;
            }
            Kind::Slopes { channels } => put("weight", Dtype::F32, &[*channels], &mut left)?,
        }
    }
    match layers.last() {
        Some(last) if !left.is_empty() => Err(NcnnError::Bin {
            file: file.to_path_buf(),
            layer: last.name.clone(),
            what: format!("{} bytes are left after the last layer", left.len()),
        }),
        _ => Ok(all),
    }
}

/// What stands before a kernel says how it is stored.
fn kernel_dtype(left: &mut &[u8]) -> Result<Dtype, String> {
    let Some((tag, rest)) = left.split_first_chunk::<4>() else {
        return Err("the file ends before its kernel".to_owned());
    };
    *left = rest;
    match u32::from_le_bytes(*tag) {
        HALVES => Ok(Dtype::F16),
        0 => Ok(Dtype::F32),
        other => Err(format!("the tag {other:#010X} is not that of half or single precision")),
    }
}

/// The bytes of a tensor, and past the padding to whole fours.
fn take(left: &mut &[u8], dtype: Dtype, shape: &[usize]) -> Result<Vec<u8>, String> {
    // The sizes come from `param`, where each tensor's number of weights is bounded.
    let bytes = shape.iter().product::<usize>() * dtype.size();
    match left.split_at_checked(bytes.next_multiple_of(4)) {
        Some((taken, rest)) => {
            *left = rest;
            Ok(taken[..bytes].to_vec())
        }
        None => Err(format!("{bytes} bytes should follow, and {} are there", left.len())),
    }
}
