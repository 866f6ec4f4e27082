//! An upscaler's file: which network it holds, and its weights by the names used here.
//!
//! RRDBNet has been published with three sets of names. All become the latest one:
//!
//! - Real-ESRGAN: `conv_first`, `body.N.rdb1.conv1`, `conv_body`, `conv_up1`, `conv_hr`, `conv_last`;
//! - ESRGAN, second release: `conv_first`, `RRDB_trunk.N.RDB1.conv1`, `trunk_conv`, `upconv1`, `HRconv`, `conv_last`;
//! - ESRGAN, first release: `model.0`, `model.1.sub.N.RDB1.conv1.0`, `model.1.sub.BLOCKS`, and the rest by its number.

use std::collections::BTreeMap;
use std::path::Path;

use kiln_tensor::{Weight, WeightMap};
use kiln_weights::{Stored, WeightFile};

use crate::error::UpscaleError;
use crate::strangers;

/// Which network a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ESRGAN and Real-ESRGAN.
    Rrdb,
    /// Compact models.
    Compact,
}

/// A file's weights with the names used here.
pub struct Named {
    /// Which network.
    pub kind: Kind,
    /// Its weights.
    pub weights: WeightMap,
    /// What a weight is called in the file, by its name here.
    pub written: BTreeMap<String, String>,
}

/// What trainers wrap weights in; the averaged ones are the better ones.
const WRAPPERS: [&str; 6] = ["params_ema.", "params.", "state_dict.", "netG.", "generator.", "module."];

/// More layers than any known network has.
const MOST_WEIGHTS: usize = 20_000;

/// From a name in the file to the name here.
type Rename = fn(&str, &Ends) -> Option<String>;

/// Opens a file and finds out what it is.
///
/// # Errors
/// When it cannot be read, or is no upscaler known here.
pub fn open(path: &Path) -> Result<Named, UpscaleError> {
    let file = WeightFile::open(path)?;
    let shown = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let other = |what: String| UpscaleError::Other { file: shown.clone(), what };
    if file.len() > MOST_WEIGHTS {
        return Err(other(format!("a file of {} weights", file.len())));
    }
    let plain = unwrapped(&file);
    let has = |name: &str| plain.iter().any(|(n, _)| n == name);
    let (kind, rename): (Kind, Rename) = if has("conv_first.weight") && has("body.0.rdb1.conv1.weight") {
        (Kind::Rrdb, |name, _| Some(name.to_owned()))
    } else if has("conv_first.weight") && has("RRDB_trunk.0.RDB1.conv1.weight") {
        (Kind::Rrdb, |name, _| Some(second_release(name)))
    } else if has("model.0.weight") && has("model.1.sub.0.RDB1.conv1.0.weight") {
        (Kind::Rrdb, first_release)
    } else if has("body.0.weight") && plain.iter().all(|(n, _)| is_compact(n)) {
        (Kind::Compact, |name, _| Some(name.to_owned()))
    } else {
        let names: Vec<&str> = plain.iter().map(|(n, _)| n.as_str()).collect();
        return Err(match file.unreadable().iter().next() {
            Some((name, why)) if names.is_empty() => {
                other(format!("unreadable: the weight \"{name}\" {why}"))
            }
            _ => other(strangers::name(&names)),
        });
    };
    let ends = Ends::of(plain.iter().map(|(n, _)| n.as_str()));
    let mut named = Named { kind, weights: WeightMap::new(), written: BTreeMap::new() };
    for (name, stored) in &plain {
        let Some(here) = rename(name, &ends) else { continue };
        if !stored.is_float() {
            // Exporters to ONNX leave whole numbers beside the weights: sizes, places.
            if !(here.ends_with(".weight") || here.ends_with(".bias")) {
                continue;
            }
            return Err(other(format!(
                "not usable: its weight \"{}\" holds {:?} instead of fractions",
                stored.name(),
                stored.dtype()
            )));
        }
        named.weights.insert(here.clone(), Weight::stored((*stored).clone()));
        named.written.insert(here, stored.name().to_owned());
    }
    // What is there but cannot be read would look as if it were missing.
    if let Some((name, why)) = file.unreadable().iter().next() {
        return Err(other(format!("not usable: its weight \"{name}\" {why}")));
    }
    Ok(named)
}

/// The weights without what they are wrapped in.
fn unwrapped(file: &WeightFile) -> Vec<(String, &Stored)> {
    let mut found: Vec<(String, &Stored)> = file.iter().map(|s| (s.name().to_owned(), s)).collect();
    for _ in 0..3 {
        let Some(wrapper) = WRAPPERS.iter().find(|w| found.iter().any(|(n, _)| n.starts_with(**w))) else {
            break;
        };
        found = found
            .into_iter()
            .filter_map(|(name, stored)| Some((name.strip_prefix(wrapper)?.to_owned(), stored)))
            .collect();
    }
    found
}

fn is_compact(name: &str) -> bool {
    let mut parts = name.split('.');
    parts.next() == Some("body")
        && parts.next().is_some_and(|n| n.parse::<u16>().is_ok())
        && matches!(parts.next(), Some("weight" | "bias"))
        && parts.next().is_none()
}

fn second_release(name: &str) -> String {
    let word = |part: &str| match part {
        "RRDB_trunk" => "body".to_owned(),
        "trunk_conv" => "conv_body".to_owned(),
        "HRconv" => "conv_hr".to_owned(),
        "RDB1" | "RDB2" | "RDB3" => part.to_lowercase(),
        _ => match part.strip_prefix("upconv") {
            Some(n) => format!("conv_up{n}"),
            None => part.to_owned(),
        },
    };
    name.split('.').map(word).collect::<Vec<_>>().join(".")
}

/// The numbers of the layers after the blocks, ascending: `model.N.weight` of the first release.
struct Ends(Vec<u32>);

impl Ends {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut ends: Vec<u32> = names
            .filter_map(|n| n.strip_prefix("model.")?.strip_suffix(".weight")?.parse().ok())
            .filter(|n| *n > 1)
            .collect();
        ends.sort_unstable();
        Self(ends)
    }
}

fn first_release(name: &str, Ends(ends): &Ends) -> Option<String> {
    let rest = name.strip_prefix("model.")?;
    let parts: Vec<&str> = rest.split('.').collect();
    Some(match parts.as_slice() {
        ["0", end] => format!("conv_first.{end}"),
        ["1", "sub", _, end] => format!("conv_body.{end}"),
        ["1", "sub", block, rdb, conv, "0", end] | ["1", "sub", block, rdb, conv, end] => {
            format!("body.{block}.{}.{conv}.{end}", rdb.to_lowercase())
        }
        [n, end] => {
            let n: u32 = n.parse().ok()?;
            let (at, count) = (ends.iter().position(|e| *e == n)?, ends.len());
            match count - at {
                1 => format!("conv_last.{end}"),
                2 => format!("conv_hr.{end}"),
                _ => format!("conv_up{}.{end}", at + 1),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_releases_become_one() {
        let names =
            ["model.0.weight", "model.3.weight", "model.6.weight", "model.8.weight", "model.10.weight"];
        let ends = Ends::of(names.into_iter());
        let found = |name: &str| first_release(name, &ends).unwrap_or_default();
        assert_eq!(found("model.0.bias"), "conv_first.bias");
        assert_eq!(found("model.1.sub.5.RDB2.conv4.0.weight"), "body.5.rdb2.conv4.weight");
        assert_eq!(found("model.1.sub.5.RDB2.conv1x1.weight"), "body.5.rdb2.conv1x1.weight");
        assert_eq!(found("model.1.sub.23.weight"), "conv_body.weight");
        let after: Vec<String> = names[1..].iter().map(|n| found(n)).collect();
        assert_eq!(after, ["conv_up1.weight", "conv_up2.weight", "conv_hr.weight", "conv_last.weight"]);
        assert_eq!(second_release("RRDB_trunk.3.RDB1.conv5.bias"), "body.3.rdb1.conv5.bias");
        assert_eq!(second_release("upconv2.weight"), "conv_up2.weight");
        assert_eq!(second_release("HRconv.weight"), "conv_hr.weight");
    }
}
