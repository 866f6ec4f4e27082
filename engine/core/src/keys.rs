//! How a value gets its name: the hash of how it was made.
//!
//! A node's key hashes its type and version, the parameters that matter and are not at their default,
//! and the keys of its inputs. The node's own name, its place and its neighbours have no part in it.

use kiln_types::{Key, Value};

/// Collects what a key is made of.
pub(crate) struct KeyMaker(blake3::Hasher);

impl KeyMaker {
    pub fn new(domain: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"kiln/1/");
        let mut maker = Self({
            hasher.update(&[]);
            hasher
        });
        maker.str(domain);
        maker
    }
    pub fn u64(&mut self, v: u64) {
        self.0.update(&v.to_le_bytes());
    }
    pub fn bytes(&mut self, v: &[u8]) {
        self.u64(v.len() as u64);
        self.0.update(v);
    }
    pub fn str(&mut self, v: &str) {
        self.bytes(v.as_bytes());
    }
    pub fn key(&mut self, v: &Key) {
        self.0.update(&v.0);
    }
    pub fn done(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }

    /// A constant. Every kind of value has a tag, so that no two spell the same bytes.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.str("none"),
            Value::Bool(v) => {
                self.str("bool");
                self.u64(u64::from(*v));
            }
            Value::Int(v) => {
                self.str("int");
                self.u64(*v as u64);
            }
            Value::Float(v) => {
                self.str("float");
                self.float(*v);
            }
            Value::Text(v) => {
                self.str("text");
                self.str(v);
            }
            Value::Color(c) => {
                self.str("color");
                [c.r, c.g, c.b, c.a].iter().for_each(|v| self.float(f64::from(*v)));
            }
            Value::Seed(v) => {
                self.str("seed");
                self.u64(*v);
            }
            Value::Size(w, h) => {
                self.str("size");
                self.u64(u64::from(*w));
                self.u64(u64::from(*h));
            }
            Value::Range(a, b) => {
                self.str("range");
                self.float(*a);
                self.float(*b);
            }
            Value::Curve(points) => {
                self.str("curve");
                self.u64(points.len() as u64);
                for (x, y) in points.iter() {
                    self.float(*x);
                    self.float(*y);
                }
            }
            // What is in the file counts, not where it lies.
            Value::File(f) => {
                self.str("file");
                self.key(&f.hash);
            }
            Value::List(items) => {
                self.str("list");
                self.u64(items.len() as u64);
                items.iter().for_each(|i| self.value(i));
            }
            Value::Image(i) => {
                self.str("image");
                [i.batch(), i.height(), i.width(), i.channels()].iter().for_each(|v| self.u64(*v as u64));
                i.data().iter().for_each(|v| {
                    self.0.update(&v.to_bits().to_le_bytes());
                });
            }
            Value::Mask(m) => {
                self.str("mask");
                [m.batch(), m.height(), m.width()].iter().for_each(|v| self.u64(*v as u64));
                m.data().iter().for_each(|v| {
                    self.0.update(&v.to_bits().to_le_bytes());
                });
            }
            // Never a constant: objects come from nodes, and nodes have keys.
            Value::Object(o) => self.str(o.type_name()),
        }
    }

    /// Where files lie, for the nodes that look at it.
    pub fn paths(&mut self, value: &Value) {
        match value {
            Value::File(f) => self.bytes(f.path.as_os_str().as_encoded_bytes()),
            Value::List(items) => items.iter().for_each(|i| self.paths(i)),
            _ => {}
        }
    }

    fn float(&mut self, v: f64) {
        // -0.0 and 0.0 are one number.
        self.u64(if v == 0.0 { 0 } else { v.to_bits() });
    }
}

/// The name of a value by what it holds, where that can be told.
pub(crate) fn content(value: &Value) -> Option<Key> {
    let mut maker = KeyMaker::new("content");
    match value {
        Value::Object(o) => {
            maker.str(o.type_name());
            maker.bytes(&o.content()?);
        }
        Value::List(items) => {
            maker.str("list");
            maker.u64(items.len() as u64);
            for item in items.iter() {
                maker.key(&content(item)?);
            }
        }
        plain => maker.value(plain),
    }
    Some(maker.done())
}

/// The key of one output of a node.
pub(crate) fn port(node: &Key, output: usize) -> Key {
    if output == 0 {
        return *node;
    }
    let mut maker = KeyMaker::new("port");
    maker.key(node);
    maker.u64(output as u64);
    maker.done()
}

/// The key of one element of a list.
pub(crate) fn element(list: &Key, index: usize) -> Key {
    let mut maker = KeyMaker::new("element");
    maker.key(list);
    maker.u64(index as u64);
    maker.done()
}

/// The seed an item draws at an attempt: from the collection's seed, the item and the attempt alone, so
/// that neither order nor workers matter. Outside a batch the first attempt uses the seed as it stands.
#[must_use]
pub fn derive_seed(seed: u64, item: Option<u64>, attempt: u32) -> u64 {
    if item.is_none() && attempt == 0 {
        return seed;
    }
    let mut maker = KeyMaker::new("seed");
    maker.u64(seed);
    maker.u64(item.map_or(0, |i| i.wrapping_add(1)));
    maker.u64(u64::from(attempt));
    let key = maker.done();
    u64::from_le_bytes(std::array::from_fn(|i| key.0[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_collide() {
        let key = |v: Value| {
            let mut m = KeyMaker::new("t");
            m.value(&v);
            m.done()
        };
        assert_ne!(key(Value::Int(1)), key(Value::Float(1.0)));
        assert_ne!(key(Value::Int(1)), key(Value::Seed(1)));
        assert_eq!(key(Value::Float(0.0)), key(Value::Float(-0.0)));
        assert_ne!(
            key(Value::list(vec![Value::from("a"), Value::from("b")])),
            key(Value::list(vec![Value::from("ab")]))
        );
    }

    #[test]
    fn derived_seeds_stay_what_they_were() {
        assert_eq!(derive_seed(7, None, 0), 7);
        let seeds = [
            derive_seed(7, Some(0), 0),
            derive_seed(7, Some(1), 0),
            derive_seed(7, Some(0), 1),
            derive_seed(7, None, 1),
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert!(!seeds[i + 1..].contains(a));
        }
    }
}
