//! The proof that a place gave back what was made.

use kiln_cid::Cid;
use kiln_core::codec::ObjectCodec;
use kiln_types::{Object, Value};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;

/// The type's name on ports.
pub const PINNED: &str = "Pinned";

/// Something that is kept under the name of its content, and was read back from where it is kept.
///
/// One is made only after the bytes came back and had the hash of what the graph made: [`Pinned::complete`] says
/// whether that was all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    cid: String,
    folder: bool,
    bytes: u64,
    place: String,
    files: u64,
    read: u64,
}

/// Why a text is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the record of something pinned: {0}")]
pub struct PinnedError(String);

impl Pinned {
    /// Only who has read it back makes one.
    pub(crate) fn new(cid: &Cid, folder: bool, bytes: u64, place: String, files: u64, read: u64) -> Self {
        Self { cid: cid.to_string(), folder, bytes, place, files, read }
    }

    /// The name of its content.
    ///
    /// # Errors
    /// When the record was tampered with.
    pub fn cid(&self) -> Result<Cid, PinnedError> {
        self.cid.parse().map_err(|e: kiln_cid::CidError| PinnedError(e.to_string()))
    }

    /// `ipfs://` and the name; a folder's ends in a slash, so that names can be put behind it.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("ipfs://{}{}", self.cid, if self.folder { "/" } else { "" })
    }

    /// Whether it is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// How many bytes its files have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many files it has.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// How many of its files were read back.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Whether every file was read back.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.read == self.files
    }

    /// Where it was read back from: `local`, or an address.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The proof that a value is.
    #[must_use]
    pub fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// As a value on a wire.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(Arc::new(self))
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, PinnedError> {
        let found: Self = serde_json::from_slice(bytes).map_err(|e| PinnedError(e.to_string()))?;
        found.cid()?;
        if found.read > found.files {
            return Err(PinnedError("more was read back than there is".to_owned()));
        }
        Ok(found)
    }
}

impl Object for Pinned {
    fn type_name(&self) -> &'static str {
        PINNED
    }
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.cid.len() + self.place.len()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// How a proof is stored.
pub(crate) fn codec() -> ObjectCodec {
    ObjectCodec {
        version: 1,
        encode: |object| Some(object.as_any().downcast_ref::<Pinned>()?.to_json()),
        decode: |version, bytes| {
            let found = Pinned::from_json(bytes).ok().filter(|_| version == 1)?;
            Some(Arc::new(found))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_stored_and_not_made_up() {
        let cid: Cid = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e".parse().unwrap();
        let proof = Pinned::new(&cid, true, 11, "local".into(), 3, 3);
        let codec = codec();
        let bytes = (codec.encode)(&proof).unwrap();
        let back = (codec.decode)(1, &bytes).unwrap();
        assert_eq!(back.as_any().downcast_ref::<Pinned>(), Some(&proof));
        assert!(proof.complete() && proof.uri().ends_with("36n5e/"));
        assert!((codec.decode)(2, &bytes).is_none());
        for bad in [
            r#"{}"#,
            r#"{"cid":"x","folder":true,"bytes":1,"place":"","files":1,"read":1}"#,
            &String::from_utf8(bytes).unwrap().replace("\"read\":3", "\"read\":4"),
        ] {
            assert!(Pinned::from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
