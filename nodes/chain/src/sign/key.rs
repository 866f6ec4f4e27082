//! A key in memory: from the environment or an encrypted file, for as long as the program runs.

use super::{Permit, SignError, Signer};
use alloy_primitives::{Address, Signature, hex};
use k256::ecdsa::SigningKey;
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// A password or a key as text: gone from memory when dropped, and never shown.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

/// A key in memory.
pub struct Key {
    key: SigningKey,
    address: Address,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key of {}", self.address)
    }
}

/// The first key of test chains, as everybody knows it.
const TOY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

impl Key {
    fn from_bytes(bytes: &[u8], place: &str) -> Result<Self, SignError> {
        let key = SigningKey::from_slice(bytes)
            .map_err(|_| SignError(format!("{place} does not hold a key (its content is not shown)")))?;
        let address = Address::from_public_key(key.verifying_key());
        Ok(Self { key, address })
    }

    pub(super) fn toy() -> Result<Self, SignError> {
        Self::from_hex(&Secret::new(TOY.into()), "the test key")
    }

    /// Reads 64 hexadecimal digits, `0x` before them or not. `place`: what to call it in an error.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_hex(text: &Secret, place: &str) -> Result<Self, SignError> {
        let digits = text.text().trim();
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), bytes.as_mut_slice()).map_err(
            |_| {
                SignError(format!(
                    "{place} does not hold a key: 64 hexadecimal digits (its content is not shown)"
                ))
            },
        )?;
        Self::from_bytes(bytes.as_slice(), place)
    }

    /// Opens an encrypted file, as wallets write it (Web3 Secret Storage).
    ///
    /// # Errors
    /// When there is none, or the password is wrong.
    pub fn from_keystore(path: &Path, password: &Secret) -> Result<Self, SignError> {
        let place = format!("the keystore {}", path.display());
        let bytes = eth_keystore::decrypt_key(path, password.text()).map_err(|e| {
            SignError(match e {
                eth_keystore::KeystoreError::MacMismatch => format!("{place}: the password is wrong"),
                eth_keystore::KeystoreError::StdIo(e) => format!("{place}: {e}"),
                _ => format!("{place} is not an encrypted key, or damaged"),
            })
        })?;
        Self::from_bytes(&Zeroizing::new(bytes), &place)
    }
}

impl Signer for Key {
    fn address(&self) -> Address {
        self.address
    }
    fn sign(&self, permit: &Permit) -> Result<Signature, SignError> {
        let (signature, recovery) = self
            .key
            .sign_prehash_recoverable(permit.hash().as_slice())
            .map_err(|_| SignError("the key could not sign".into()))?;
        Ok(Signature::from_signature_and_parity(signature, recovery.is_y_odd()).normalized_s())
    }
}
