//! How values are written to the disk cache and read back: a type's name, an encoding's version, bytes.
//!
//! Node families add codecs for types of their own; a type without one (a model on a device) is a recipe
//! and is made again where it is needed.

use kiln_types::{Color, FileRef, Image, Key, Mask, Object, Value, names};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The encoding's version of the types every build knows.
const ENCODING: u32 = 1;

/// Why stored bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored {ty} cannot be read: {what}")]
pub struct CodecError {
    /// The type's name.
    pub ty: String,
    /// What was wrong.
    pub what: &'static str,
}

/// Writes an object's bytes.
pub type Encode = fn(&dyn Object) -> Option<Vec<u8>>;
/// Reads an object's bytes, given the encoding's version.
pub type Decode = fn(u32, &[u8]) -> Option<Arc<dyn Object>>;

/// How a family's own type is stored.
#[derive(Clone, Copy)]
pub struct ObjectCodec {
    /// The encoding's version; raised when the bytes change.
    pub version: u32,
    /// Writes.
    pub encode: Encode,
    /// Reads.
    pub decode: Decode,
}

/// The codecs a build knows.
#[derive(Clone, Default)]
pub struct Codecs {
    objects: BTreeMap<&'static str, ObjectCodec>,
}

impl Codecs {
    /// Adds a family's type.
    pub fn add(&mut self, type_name: &'static str, codec: ObjectCodec) {
        self.objects.insert(type_name, codec);
    }

    /// The type's name, the encoding's version and the bytes; `None` for what is not stored.
    #[must_use]
    pub fn encode(&self, value: &Value) -> Option<(String, u32, Vec<u8>)> {
        if let Value::Object(o) = value {
            let codec = self.objects.get(o.type_name())?;
            return (codec.encode)(&**o).map(|b| (o.type_name().to_owned(), codec.version, b));
        }
        let mut bytes = Vec::with_capacity(value.byte_size() + 16);
        self.write(value, &mut bytes)?;
        Some((value.ty().to_string(), ENCODING, bytes))
    }

    /// Reads what [`Codecs::encode`] wrote.
    ///
    /// # Errors
    /// When the type is unknown here, or the bytes are not such a value.
    pub fn decode(&self, type_name: &str, encoding: u32, bytes: &[u8]) -> Result<Value, CodecError> {
        let err = |what| CodecError { ty: type_name.chars().take(40).collect(), what };
        if let Some(codec) = self.objects.get(type_name) {
            return (codec.decode)(encoding, bytes)
                .map(Value::Object)
                .ok_or_else(|| err("its bytes are not of this type"));
        }
        if encoding != ENCODING {
            return Err(err("another version of Kiln wrote it"));
        }
        let mut reader = Reader(bytes);
        let value = self.read(&mut reader, 0).ok_or_else(|| err("its bytes are cut off or not a value"))?;
        if reader.0.is_empty() { Ok(value) } else { Err(err("there are bytes left over")) }
    }

    fn write(&self, value: &Value, out: &mut Vec<u8>) -> Option<()> {
        let tag = |out: &mut Vec<u8>, t: u8| out.push(t);
        match value {
            Value::None => tag(out, 0),
            Value::Bool(v) => out.extend([1, u8::from(*v)]),
            Value::Int(v) => {
                tag(out, 2);
                out.extend(v.to_le_bytes());
            }
            Value::Float(v) => {
                tag(out, 3);
                out.extend(v.to_le_bytes());
            }
            Value::Text(v) => {
                tag(out, 4);
                put_bytes(out, v.as_bytes());
            }
            Value::Color(c) => {
                tag(out, 5);
                [c.r, c.g, c.b, c.a].iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
            Value::Seed(v) => {
                tag(out, 6);
                out.extend(v.to_le_bytes());
            }
            Value::Size(w, h) => {
                tag(out, 7);
                out.extend(w.to_le_bytes());
                out.extend(h.to_le_bytes());
            }
            Value::Range(a, b) => {
                tag(out, 8);
                out.extend(a.to_le_bytes());
                out.extend(b.to_le_bytes());
            }
            Value::Curve(points) => {
                tag(out, 9);
                out.extend((points.len() as u64).to_le_bytes());
                for (x, y) in points.iter() {
                    out.extend(x.to_le_bytes());
                    out.extend(y.to_le_bytes());
                }
            }
            Value::File(f) => {
                tag(out, 10);
                out.extend(f.hash.0);
                put_bytes(out, f.path.to_str()?.as_bytes());
            }
            Value::Image(i) => {
                tag(out, 11);
                [i.batch(), i.height(), i.width(), i.channels()]
                    .iter()
                    .for_each(|v| out.extend((*v as u32).to_le_bytes()));
                put_samples(out, i.data());
            }
            Value::Mask(m) => {
                tag(out, 12);
                [m.batch(), m.height(), m.width()].iter().for_each(|v| out.extend((*v as u32).to_le_bytes()));
                put_samples(out, m.data());
            }
            Value::List(items) => {
                tag(out, 13);
                out.extend((items.len() as u64).to_le_bytes());
                items.iter().try_for_each(|i| self.write(i, out))?;
            }
            Value::Object(o) => {
                let codec = self.objects.get(o.type_name())?;
                tag(out, 14);
                put_bytes(out, o.type_name().as_bytes());
                out.extend(codec.version.to_le_bytes());
                put_bytes(out, &(codec.encode)(&**o)?);
            }
        }
        Some(())
    }

    fn read(&self, r: &mut Reader<'_>, depth: usize) -> Option<Value> {
        Some(match r.u8()? {
            0 => Value::None,
            1 => Value::Bool(r.u8()? != 0),
            2 => Value::Int(i64::from_le_bytes(r.array()?)),
            3 => Value::Float(r.f64()?),
            4 => Value::text(r.text()?),
            5 => Value::Color(Color { r: r.f32()?, g: r.f32()?, b: r.f32()?, a: r.f32()? }),
            6 => Value::Seed(u64::from_le_bytes(r.array()?)),
            7 => Value::Size(r.u32()?, r.u32()?),
            8 => Value::Range(r.f64()?, r.f64()?),
            9 => {
                let n = r.len(16)?;
                Value::Curve((0..n).map(|_| Some((r.f64()?, r.f64()?))).collect::<Option<Vec<_>>>()?.into())
            }
            10 => {
                let hash = Key(r.array()?);
                Value::File(FileRef { path: PathBuf::from(r.text()?).into(), hash })
            }
            11 => {
                let [n, h, w, c] = [r.u32()?, r.u32()?, r.u32()?, r.u32()?].map(|v| v as usize);
                Value::image(Image::new(n, h, w, c, r.samples()?).ok()?)
            }
            12 => {
                let [n, h, w] = [r.u32()?, r.u32()?, r.u32()?].map(|v| v as usize);
                Value::mask(Mask::new(n, h, w, r.samples()?).ok()?)
            }
            13 if depth < 4 => {
                let n = r.len(1)?;
                Value::list((0..n).map(|_| self.read(r, depth + 1)).collect::<Option<Vec<_>>>()?)
            }
            14 => {
                let name = r.text()?.to_owned();
                let version = r.u32()?;
                let n = r.len(1)?;
                Value::Object((self.objects.get(name.as_str())?.decode)(version, r.take(n)?)?)
            }
            _ => return None,
        })
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

/// Samples that are all bytes over 255 (most loaded pictures) take a quarter of the place.
fn put_samples(out: &mut Vec<u8>, data: &[f32]) {
    let byte = |v: f32| (v * 255.0 + 0.5) as u8;
    let exact = data.iter().all(|v| (f32::from(byte(*v)) / 255.0).to_bits() == v.to_bits());
    out.push(u8::from(exact));
    out.extend((data.len() as u64).to_le_bytes());
    if exact {
        out.extend(data.iter().map(|v| byte(*v)));
    } else {
        data.iter().for_each(|v| out.extend(v.to_le_bytes()));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|b| b[0])
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }
    fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }
    /// A count of things of at least `each` bytes: never more than the bytes that are left.
    fn len(&mut self, each: usize) -> Option<usize> {
        let n = usize::try_from(u64::from_le_bytes(self.array()?)).ok()?;
        (n.checked_mul(each)? <= self.0.len()).then_some(n)
    }
    fn text(&mut self) -> Option<&'a str> {
        let n = self.len(1)?;
        std::str::from_utf8(self.take(n)?).ok()
    }
    fn samples(&mut self) -> Option<Vec<f32>> {
        let exact = self.u8()? != 0;
        let n = self.len(if exact { 1 } else { 4 })?;
        Some(if exact {
            self.take(n)?.iter().map(|b| f32::from(*b) / 255.0).collect()
        } else {
            self.take(n * 4)?.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
        })
    }
}

/// The type name of a value that is a file path; used by stores that index by type.
pub const FILE: &str = names::FILE;

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Value> {
        vec![
            Value::None,
            Value::Bool(true),
            Value::Int(-3),
            Value::Float(0.1),
            Value::from("für"),
            Value::Color(Color::WHITE),
            Value::Seed(u64::MAX),
            Value::Size(3, 4),
            Value::Range(0.0, 1.0),
            Value::Curve([(0.0, 0.0), (1.0, 1.0)].into()),
            Value::image(Image::new(1, 1, 2, 3, vec![0.0, 1.0, 0.5, 0.2, 0.3, 0.7]).unwrap()),
            Value::image(Image::zeros(2, 2, 2, 4).unwrap()),
            Value::mask(Mask::filled(1, 2, 2, 0.3).unwrap()),
            Value::list(vec![Value::Int(1), Value::Int(2)]),
        ]
    }

    #[test]
    fn values_come_back_and_bytes_stay_the_same() {
        let codecs = Codecs::default();
        for value in samples() {
            let (ty, version, bytes) = codecs.encode(&value).unwrap();
            let back = codecs.decode(&ty, version, &bytes).unwrap();
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
            assert_eq!(codecs.encode(&back).unwrap().2, bytes);
        }
    }

    #[test]
    fn cut_or_changed_bytes_never_panic() {
        let codecs = Codecs::default();
        for value in samples() {
            let (ty, version, bytes) = codecs.encode(&value).unwrap();
            for cut in 0..bytes.len() {
                assert!(codecs.decode(&ty, version, &bytes[..cut]).is_err());
                let mut changed = bytes.clone();
                changed[cut] ^= 0xff;
                let _ = codecs.decode(&ty, version, &changed);
            }
        }
    }
}
