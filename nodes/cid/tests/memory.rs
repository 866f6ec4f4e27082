//! How much memory a long file takes: as much as a short one. Alone in its program, as others would be counted too.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_cid::{Cid, CidError, Profile, Sink, Source, Walk, add_reader, car, read_file};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;

/// Bytes that never repeat within a block.
struct Long {
    left: u64,
    state: u64,
}

impl Read for Long {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let part = usize::try_from(self.left).unwrap().min(to.len()) / 8 * 8;
        for eight in to[..part].chunks_exact_mut(8) {
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            eight.copy_from_slice(&self.state.to_le_bytes());
        }
        self.left -= part as u64;
        Ok(part)
    }
}

/// Blocks in a file on disk, one behind the other.
struct Heap {
    file: RefCell<std::fs::File>,
    at: BTreeMap<[u8; 32], (u64, usize)>,
    end: u64,
}

impl Sink for Heap {
    fn put(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), CidError> {
        std::os::unix::fs::FileExt::write_all_at(&*self.file.borrow(), bytes, self.end).unwrap();
        self.at.insert(cid.digest, (self.end, bytes.len()));
        self.end += bytes.len() as u64;
        Ok(())
    }
}

impl Source for Heap {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, CidError> {
        let Some((at, len)) = self.at.get(&cid.digest) else { return Ok(None) };
        let mut bytes = vec![0; *len];
        std::os::unix::fs::FileExt::read_exact_at(&*self.file.borrow(), &mut bytes, *at).unwrap();
        Ok(Some(bytes))
    }
}

/// The most memory this program took so far, in MiB.
fn most() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_long_file_takes_no_more_memory_than_a_short_one() {
    let before = most();
    for profile in Profile::ALL {
        let mut heap =
            Heap { file: RefCell::new(tempfile::tempfile().unwrap()), at: BTreeMap::new(), end: 0 };
        let len = 192 << 20;
        let made = add_reader(profile, &mut Long { left: len, state: 1 }, &mut heap).unwrap();
        assert_eq!(made.size, len);
        let packed =
            car::write(&made.cid, Walk::new(&heap, made.cid, 1 << 20), &mut std::io::sink()).unwrap();
        assert_eq!(packed.0, heap.at.len() as u64);
        assert_eq!(read_file(&heap, &made.cid, len, &mut std::io::sink()).unwrap(), len);
    }
    let more = most() - before;
    assert!(more < 16, "{more} MiB");
}
