//! A key in a hardware module, by PKCS#11: it never leaves the module, only signatures do.

use super::{Permit, Secret, SignError, Signer};
use alloy_primitives::{Address, Signature};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use k256::ecdsa::VerifyingKey;
use parking_lot::Mutex;
use std::fmt;
use std::path::Path;

/// A key in a module.
pub struct Module {
    /// One question at a time.
    session: Mutex<Session>,
    key: ObjectHandle,
    address: Address,
    label: String,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({:?}, {})", self.label, self.address)
    }
}

impl Module {
    /// Opens the key of a label: in whichever token of the library has it.
    ///
    /// # Errors
    /// When there is none, or the PIN is wrong.
    pub fn open(library: &Path, label: &str, pin: &Secret) -> Result<Self, SignError> {
        let place = format!("the module {}", library.display());
        let fail = |what: &str| {
            let place = place.clone();
            let what = what.to_owned();
            move |e: Error| SignError(format!("{place}: could not {what}: {e}"))
        };
        let module = Pkcs11::new(library).map_err(fail("load it"))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) => {}
            // Another key of the same library is open already.
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(e) => return Err(fail("start it")(e)),
        }
        let mut wrong = None;
        for slot in module.get_slots_with_token().map_err(fail("list its tokens"))? {
            let Ok(session) = module.open_ro_session(slot) else { continue };
            let pin = cryptoki::types::AuthPin::new(pin.text().into());
            match session.login(UserType::User, Some(&pin)) {
                // Who is in is in for the whole process.
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(e) => {
                    wrong = Some(e.to_string());
                    continue;
                }
            }
            let find = |class| {
                let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
                session.find_objects(&wanted).map_err(fail("look for the key"))
            };
            let (keys, points) = (find(ObjectClass::PRIVATE_KEY)?, find(ObjectClass::PUBLIC_KEY)?);
            let (Some(key), Some(point)) = (keys.first(), points.first()) else { continue };
            let attributes = session
                .get_attributes(*point, &[AttributeType::EcPoint])
                .map_err(fail("read the public key"))?;
            let Some(Attribute::EcPoint(point)) = attributes.first() else { continue };
            let address = address(point).ok_or_else(|| {
                SignError(format!("{place}: the key {label:?} is not one of secp256k1, which chains use"))
            })?;
            return Ok(Self { key: *key, address, label: label.to_owned(), session: Mutex::new(session) });
        }
        let why = wrong.map(|e| format!(" (a token did not let us in: {e})")).unwrap_or_default();
        Err(SignError(format!("{place} has no key pair labelled {label:?}{why}")))
    }
}

/// The account of a public key: a point within a DER octet string, or bare.
fn address(point: &[u8]) -> Option<Address> {
    let bare = match point {
        [0x04, 0x41, rest @ ..] if rest.len() == 0x41 => rest,
        other => other,
    };
    VerifyingKey::from_sec1_bytes(bare).ok().map(|key| Address::from_public_key(&key))
}

impl Signer for Module {
    fn address(&self) -> Address {
        self.address
    }

    fn sign(&self, permit: &Permit) -> Result<Signature, SignError> {
        let hash = permit.hash();
        let bytes = self
            .session
            .lock()
            .sign(&Mechanism::Ecdsa, self.key, hash.as_slice())
            .map_err(|e| SignError(format!("the module could not sign with {:?}: {e}", self.label)))?;
        let signature = k256::ecdsa::Signature::from_slice(&bytes)
            .map_err(|_| SignError("the module's signature makes no sense".into()))?;
        // Of the two forms of a signature chains take the lower; and which of the two points it is, is tried.
        let signature = signature.normalize_s().unwrap_or(signature);
        [false, true]
            .into_iter()
            .map(|odd| Signature::from_signature_and_parity(signature, odd))
            .find(|s| s.recover_address_from_prehash(&hash).is_ok_and(|a| a == self.address))
            .ok_or_else(|| SignError("the module's signature is not the key's".into()))
    }
}
