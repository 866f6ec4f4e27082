//! What LoRAs learned from, by the cards beside them: `NAME.card.json` beside `NAME.safetensors`, whose field
//! `data_log.sha256` is the hash of the log of its training data. The audit log names it with the LoRA.

use kiln_collection::seal::DataLog;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longer files are no cards, in bytes.
const LONGEST: u64 = 4 << 20;

#[derive(Deserialize)]
struct Card {
    #[serde(default)]
    blake3: String,
    data_log: Option<Log>,
}

#[derive(Deserialize)]
struct Log {
    sha256: String,
}

/// The logs that the cards in these folders of models name, by the LoRAs' names. What is no card names none.
#[must_use]
pub fn data_logs(roots: &[PathBuf]) -> BTreeMap<String, DataLog> {
    let named = kiln_core::models::list(roots, "loras").into_iter().filter_map(|name| {
        let log = log_of(&kiln_core::models::find(roots, "loras", &name)?)?;
        Some((name, log))
    });
    named.collect()
}

fn log_of(model: &Path) -> Option<DataLog> {
    let stem = model.file_stem()?.to_str()?;
    let file = File::open(model.with_file_name(format!("{stem}.card.json"))).ok()?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let card: Card = serde_json::from_slice(&text).ok()?;
    Some(DataLog { sha256: card.data_log?.sha256.parse().ok()?, model: card.blake3.parse().ok() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn cards_name_what_loras_learned_from() {
        let dir = tempfile::tempdir().unwrap();
        let loras = dir.path().join("loras");
        std::fs::create_dir(&loras).unwrap();
        let hash = "ab".repeat(32);
        let log = format!("\"data_log\":{{\"file\":\"d.jsonl\",\"sha256\":\"{hash}\"}}");
        for (name, card) in [
            ("gold", format!("{{\"file\":\"gold.safetensors\",{log}}}")),
            ("none", "{}".to_owned()),
            ("torn", format!("{{{log}")),
            ("odd", log.replace("ab", "zz")),
        ] {
            std::fs::write(loras.join(format!("{name}.safetensors")), "x").unwrap();
            std::fs::write(loras.join(format!("{name}.card.json")), card).unwrap();
        }
        std::fs::write(loras.join("alone.safetensors"), "x").unwrap();
        let found = data_logs(&[dir.path().to_owned()]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["gold.safetensors"]);
        assert_eq!(found["gold.safetensors"].sha256.to_string(), hash);
        assert_eq!(found["gold.safetensors"].model, None);
    }
}
