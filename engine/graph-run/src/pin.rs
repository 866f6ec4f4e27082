//! `cid` and `pin`: what things are called by what is in them, and whether what is kept is still as it was made.

use crate::args::{CidArgs, PinAction, PinArgs};
use crate::fail::{FAILED, Fail, worded};
use crate::net::Allowed;
use crate::say;
use kiln_cid::{Cid, Discard, Profile, Walk, add_path, car};
use kiln_core::doors::{Answer, Clock, Exchange, Net, SystemClock};
use kiln_core::store::RealDisk;
use kiln_core::{NodeError, words};
use kiln_storage::{BlockStore, From, Patience, Sample, StorageError, Wire, base_address, read_back};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

fn failed(e: &dyn std::fmt::Display) -> Fail {
    Fail::Failed(worded(&e.to_string(), None))
}

/// Tells the name of a file or folder; writes its blocks as a CAR file, if asked.
///
/// # Errors
/// When something cannot be read or written.
pub fn cid(args: &CidArgs) -> Result<u8, Fail> {
    let Some(profile) = Profile::named(&args.profile) else {
        return Err(Fail::wrong(
            format!("--profile {}: there is no such profile", args.profile),
            Some("there are unixfs-v1-2025 and unixfs-v0-2015"),
        ));
    };
    if args.car.is_some() && args.path.len() > 1 {
        return Err(Fail::wrong("--car takes one PATH", Some("put the files into a folder and name that")));
    }
    let mut found = Vec::new();
    for path in &args.path {
        let made = add_path(profile, path, args.hidden, &mut Discard).map_err(|e| failed(&e))?;
        if args.json {
            found.push(json!({
                "path": path, "cid": made.cid.to_string(), "bytes": made.size, "profile": profile.name(),
            }));
        } else if args.path.len() == 1 {
            say::out(&made.cid.to_string());
        } else {
            say::out(&format!("{}  {}", made.cid, path.display()));
        }
        if let Some(car) = &args.car {
            write_car(profile, path, args.hidden, &made.cid, car)?;
        }
    }
    if args.json {
        say::json(&json!(found));
    }
    Ok(0)
}

/// Writes all blocks of a file or folder into a CAR file. They are gone through twice: the root's name stands in front.
fn write_car(profile: Profile, path: &Path, hidden: bool, root: &Cid, car: &Path) -> Result<(), Fail> {
    // Blocks of large files do not fit into memory: they lie beside the file for the while.
    let beside = car.with_extension("car.blocks");
    if beside.exists() {
        return Err(Fail::wrong(format!("{} is in the way", beside.display()), Some("move it away")));
    }
    let write = || -> Result<(), StorageError> {
        let store = BlockStore::open(&beside, Arc::new(RealDisk))?;
        let again = add_path(profile, path, hidden, &mut kiln_storage::Keeping(&store))?;
        if again.cid != *root {
            return Err(StorageError::Cid(kiln_cid::CidError::Stopped(format!(
                "{} changed while it was read",
                path.display()
            ))));
        }
        let said = |e| StorageError::Io { path: car.display().to_string(), source: e };
        let mut to = BufWriter::new(File::create_new(car).map_err(said)?);
        car::write(root, Walk::new(&store, *root, usize::MAX), &mut to)?;
        to.flush().map_err(said)
    };
    let written = write();
    let _ = std::fs::remove_dir_all(&beside);
    written.map_err(|e| failed(&e))
}

/// Looks after what an output folder keeps.
///
/// # Errors
/// When it keeps nothing, or cannot be read.
pub fn run(args: &PinArgs) -> Result<u8, Fail> {
    let (PinAction::Verify { out, .. } | PinAction::List { out } | PinAction::Collect { out }) = &args.action;
    let Some(store) = BlockStore::existing(out, Arc::new(RealDisk)) else {
        return Err(Fail::wrong(
            format!("{} keeps nothing under the name of its content", out.display()),
            Some("name the output folder of a run with PinFile, PinFolder or PinTokens"),
        ));
    };
    match args.action {
        PinAction::Verify { ref gateway, .. } => verify(&store, gateway.as_deref(), args.json),
        PinAction::List { .. } => list(&store, args.json),
        PinAction::Collect { .. } => collect(&store, args.json),
    }
}

/// The network for reading back: the one host that was named.
struct Line(Allowed);

impl Wire for Line {
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        self.0.exchange(exchange)
    }
    fn rest(&self, time: std::time::Duration) -> Result<(), NodeError> {
        SystemClock.pause(time);
        Ok(())
    }
    fn now(&self) -> u64 {
        SystemClock.now().0
    }
    fn progress(&self, _: u64, _: u64) {}
}

/// Why a pin does not come back through a gateway as it was made, if it does not.
fn from_gateway(store: &BlockStore, line: &Line, gateway: &str, cid: &str) -> Option<String> {
    let from = From::Gateway(gateway.to_owned());
    let root: Cid = match cid.parse() {
        Ok(root) => root,
        Err(e) => return Some(format!("{e}")),
    };
    // A person waits here, and may ask again.
    let patience = Patience { tries: 2, ..Patience::default() };
    read_back(line, store, &root, &from, Sample::All, gateway, &patience).err().map(|e| e.what)
}

fn verify(store: &BlockStore, gateway: Option<&str>, as_json: bool) -> Result<u8, Fail> {
    let (mut told, mut faults) = (Vec::new(), 0u64);
    let gateway = gateway.map(base_address).transpose()?;
    let line = match &gateway {
        Some(url) => {
            let host = url.split('/').nth(2).unwrap_or_default().to_owned();
            Some(Line(Allowed::new(&[host])?))
        }
        None => None,
    };
    store
        .check(&mut |checked| {
            let mut checked = checked.clone();
            if let (None, Some(line), Some(gateway)) = (&checked.fault, &line, &gateway) {
                checked.fault = from_gateway(store, line, gateway, &checked.pin.cid);
            }
            let pin = &checked.pin;
            faults += u64::from(checked.fault.is_some());
            if as_json {
                told.push(json!({
                    "cid": pin.cid, "name": pin.name, "bytes": pin.bytes, "blocks": checked.blocks,
                    "places": pin.places, "fault": checked.fault,
                }));
                return;
            }
            let size = words::bytes(pin.bytes);
            match &checked.fault {
                None => say::out(&format!(
                    "good     {}  {} ({size}, {} blocks)",
                    pin.cid, pin.name, checked.blocks
                )),
                Some(fault) => say::out(&format!("damaged  {}  {}: {fault}", pin.cid, pin.name)),
            }
        })
        .map_err(|e| failed(&e))?;
    if as_json {
        say::json(&json!(told));
    } else if faults > 0 {
        say::err("what is damaged is made again by running the graph again");
    }
    Ok(if faults > 0 { FAILED } else { 0 })
}

fn list(store: &BlockStore, as_json: bool) -> Result<u8, Fail> {
    let pins = store.pins().map_err(|e| failed(&e))?;
    if as_json {
        say::json(&serde_json::to_value(&pins).unwrap_or_default());
        return Ok(0);
    }
    for pin in pins {
        let places =
            if pin.places.is_empty() { String::new() } else { format!(", also {}", pin.places.join(", ")) };
        say::out(&format!("{}  {} ({}{places})", pin.cid, pin.name, words::bytes(pin.bytes)));
    }
    Ok(0)
}

fn collect(store: &BlockStore, as_json: bool) -> Result<u8, Fail> {
    let done = store.collect().map_err(|e| failed(&e))?;
    if as_json {
        say::json(&json!({ "kept": done.kept, "removed": done.removed, "freed": done.freed }));
    } else {
        say::out(&format!(
            "{} blocks removed, {} freed; {} stay",
            done.removed,
            words::bytes(done.freed),
            done.kept
        ));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiln_cid::Memory;

    #[test]
    fn a_car_file_has_all_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.bin");
        std::fs::write(&file, vec![3; 3 << 20]).unwrap();
        let made = add_path(Profile::V1, &file, false, &mut Discard).unwrap();
        let packed = dir.path().join("a.car");
        write_car(Profile::V1, &file, false, &made.cid, &packed).unwrap();
        let mut reader = car::Reader::new(File::open(&packed).unwrap()).unwrap();
        let mut memory = Memory::default();
        assert_eq!((reader.roots().to_vec(), reader.import(&mut memory).unwrap()), (vec![made.cid], 2));
        assert!(!dir.path().join("a.car.blocks").exists());
        assert!(write_car(Profile::V1, &file, false, &made.cid, &packed).is_err(), "nothing is overwritten");
    }
}
