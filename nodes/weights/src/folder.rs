//! One folder of a diffusers model (`unet/`, `vae/`, `text_encoder/`) as one weight file.
//!
//! The same model lies there under many names: whole or in shards, as safetensors or as `.bin`, in full or
//! half precision. Taken is the first there is of: whole safetensors, sharded safetensors, their `fp16`
//! variants, and the same again as `.bin`.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{WeightError, quoted};
use crate::file::{Contents, WeightFile};

/// The base names diffusers and transformers save under, with the ending each uses.
const NAMES: [(&str, &str); 4] = [
    ("diffusion_pytorch_model", "safetensors"),
    ("model", "safetensors"),
    ("diffusion_pytorch_model", "bin"),
    ("pytorch_model", "bin"),
];

/// An index lists every tensor once; this is far more than any model has.
const LONGEST_INDEX: u64 = 64 << 20;

/// Opens one folder of a diffusers model, in shards or whole.
///
/// # Errors
/// If the folder holds no weights under a name that diffusers uses, a shard is missing, or a file is damaged.
pub fn open_folder(dir: &Path) -> Result<WeightFile, WeightError> {
    for ending in ["safetensors", "bin"] {
        for variant in ["", ".fp16"] {
            for (name, _) in NAMES.iter().filter(|(_, kind)| *kind == ending) {
                let whole = dir.join(format!("{name}{variant}.{ending}"));
                if whole.is_file() {
                    return WeightFile::open(&whole);
                }
                for index in [
                    dir.join(format!("{name}.{ending}.index{variant}.json")),
                    dir.join(format!("{name}{variant}.{ending}.index.json")),
                ] {
                    if index.is_file() {
                        return open_shards(dir, &index);
                    }
                }
            }
        }
    }
    let what = if !dir.is_dir() {
        "there is no such folder"
    } else if dir.join("model_index.json").is_file() {
        "this is a whole diffusers model; open one of its parts (unet, vae, text_encoder)"
    } else {
        "no weights here: looked for diffusion_pytorch_model and model, .safetensors and .bin; download the model again"
    };
    Err(WeightError::Folder { folder: dir.to_path_buf(), what: what.to_owned() })
}

#[derive(Deserialize)]
struct Index {
    weight_map: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    #[allow(dead_code, reason = "sizes and such; read so that it must be JSON")]
    metadata: Option<IgnoredAny>,
}

fn open_shards(dir: &Path, index: &Path) -> Result<WeightFile, WeightError> {
    let io = |source| WeightError::io(index, source);
    if std::fs::metadata(index).map_err(io)?.len() > LONGEST_INDEX {
        return Err(WeightError::refused(index, format!("an index has at most {LONGEST_INDEX} bytes")));
    }
    let text = std::fs::read(index).map_err(io)?;
    let list: Index = serde_json::from_slice(&text).map_err(|why| {
        WeightError::damaged(index, format!("it does not read: {}", quoted(&why.to_string())))
    })?;

    let mut all = Contents::default();
    let shards: BTreeSet<&String> = list.weight_map.values().collect();
    for &shard in &shards {
        // A shard is a file beside its index: no name leads elsewhere.
        let mut parts = Path::new(shard).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) || shard.contains('\\')
        {
            return Err(WeightError::damaged(index, format!("{} is no name of a shard", quoted(shard))));
        }
        let path = dir.join(shard);
        if !path.is_file() {
            let what = format!(
                "the shard {} is missing ({} are needed); download the folder again",
                quoted(shard),
                shards.len()
            );
            return Err(WeightError::Folder { folder: dir.to_path_buf(), what });
        }
        let part = WeightFile::open(&path)?.into_contents();
        // A tensor belongs to the shard that the index names; what else a shard holds is left out.
        let wanted = |name: &String| list.weight_map.get(name) == Some(shard);
        all.tensors.extend(part.tensors.into_iter().filter(|(name, _)| wanted(name)));
        all.unreadable.extend(part.unreadable.into_iter().filter(|(name, _)| wanted(name)));
        all.metadata.extend(part.metadata);
        all.warnings.extend(part.warnings);
    }
    for (name, shard) in &list.weight_map {
        if !all.tensors.contains_key(name) && !all.unreadable.contains_key(name) {
            let what =
                format!("the index says that {} holds {}, but it does not", quoted(shard), quoted(name));
            return Err(WeightError::damaged(index, what));
        }
    }
    Ok(WeightFile::from_parts(dir, all))
}
