//! Who signs. A key never leaves its signer: not into a graph, a log, an error or a `{:?}`.
//!
//! A signer signs only what comes with a [`Permit`], and only the [`crate::guard`] can make one, after the policy said
//! yes.

mod key;
#[cfg(feature = "pkcs11")]
mod pkcs11;

pub use key::{Key, Secret};
#[cfg(feature = "pkcs11")]
pub use pkcs11::Module;

use alloy_primitives::{Address, B256, Signature};
use std::path::PathBuf;
use std::sync::Arc;

/// A hash that the policy lets pass. It cannot be made outside of this crate's guard.
#[derive(Debug)]
pub struct Permit(B256);

impl Permit {
    pub(crate) fn new(hash: B256) -> Self {
        Self(hash)
    }
    /// What to sign.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.0
    }
}

/// Why nothing was signed. Never has a key or a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignError(pub String);

/// Signs.
pub trait Signer: Send + Sync {
    /// Whose signature it is.
    fn address(&self) -> Address;
    /// Signs what is permitted.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign(&self, permit: &Permit) -> Result<Signature, SignError>;
}

/// Where a key is, as it is written in `KILN_SIGNER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The well-known first key of test chains: for the embedded chain only.
    Toy,
    /// `env:NAME`: in an environment variable, as hexadecimal digits.
    Environment(String),
    /// `keystore:FILE`: an encrypted file; its password is in `KILN_PASSWORD`, or in the file `KILN_PASSWORD_FILE`.
    Keystore(PathBuf),
    /// `pkcs11:LIBRARY#LABEL`: in a hardware module; its PIN is in `KILN_PIN`.
    Module(PathBuf, String),
    /// `safe:ADDRESS`: by the owners of a multisig.
    Safe(Address),
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// When it is none of the forms. The text is not repeated: somebody may have put the key itself there.
    pub fn read(text: &str) -> Result<Self, SignError> {
        let bad = || {
            SignError(
                "KILN_SIGNER is not understood (and not shown, in case it is the key itself): write env:NAME, \
                 keystore:FILE, pkcs11:LIBRARY#LABEL or safe:ADDRESS"
                    .into(),
            )
        };
        if text == "local" {
            return Ok(Self::Toy);
        }
        let (kind, rest) = text.split_once(':').ok_or_else(bad)?;
        match kind {
            _ if rest.is_empty() => Err(bad()),
            "env" => {
                let name = rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                let digits = rest.len() >= 64 && rest.bytes().all(|b| b.is_ascii_hexdigit());
                if name && !digits { Ok(Self::Environment(rest.into())) } else { Err(bad()) }
            }
            "keystore" => Ok(Self::Keystore(rest.into())),
            "pkcs11" => {
                let (library, label) = rest.rsplit_once('#').ok_or_else(bad)?;
                Ok(Self::Module(library.into(), label.into()))
            }
            "safe" => rest.parse().map(Self::Safe).map_err(|_| bad()),
            "aws" | "gcp" | "ledger" => Err(SignError(format!(
                "keys of the kind {kind:?} are not built into this program yet; use a keystore or pkcs11"
            ))),
            _ => Err(bad()),
        }
    }

    /// Opens it; `env` looks up an environment variable.
    ///
    /// # Errors
    /// When there is no such key, or it cannot be opened.
    pub fn open(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Signer>, SignError> {
        match self {
            Self::Toy => Ok(Arc::new(Key::toy()?)),
            Self::Environment(name) => {
                let text = env(name)
                    .ok_or_else(|| SignError(format!("the environment variable {name} is not set")))?;
                Ok(Arc::new(Key::from_hex(&Secret::new(text), &format!("the environment variable {name}"))?))
            }
            Self::Keystore(path) => {
                let password = match (env("KILN_PASSWORD"), env("KILN_PASSWORD_FILE")) {
                    (Some(password), _) => Secret::new(password),
                    (None, Some(file)) => {
                        let text = std::fs::read_to_string(&file)
                            .map_err(|e| SignError(format!("the password's file {file}: {e}")))?;
                        Secret::new(text.trim_end_matches(['\n', '\r']).to_owned())
                    }
                    (None, None) => {
                        return Err(SignError(
                            "the keystore has a password: put it into KILN_PASSWORD, or name its file in \
                             KILN_PASSWORD_FILE"
                                .into(),
                        ));
                    }
                };
                Ok(Arc::new(Key::from_keystore(path, &password)?))
            }
            #[cfg(feature = "pkcs11")]
            Self::Module(library, label) => {
                let pin = env("KILN_PIN").ok_or_else(|| SignError("the module's PIN belongs into KILN_PIN".into()))?;
                Ok(Arc::new(Module::open(library, label, &Secret::new(pin))?))
            }
            #[cfg(not(feature = "pkcs11"))]
            Self::Module(..) => {
                Err(SignError("this program was built without PKCS#11; build it with the feature pkcs11".into()))
            }
            Self::Safe(_) => Err(SignError(
                "a Safe signs by its owners: what it is to do is written as a proposal, not sent; use another \
                 signer to send"
                    .into(),
            )),
        }
    }
}
