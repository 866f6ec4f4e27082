//! Damaged files end as errors: never a panic, never more memory than the limits allow.

mod common;

use common::{fixture, names, next, small};
use kiln_codec::{decode, decode_frames};

/// Panics of a decoder are caught and reported as damage; here they are counted, to know of them.
fn gave_up(result: Result<(), kiln_codec::CodecError>) -> bool {
    result.is_err_and(|e| e.to_string().contains("gave up"))
}

#[test]
fn every_prefix_is_an_error_or_a_picture() {
    let mut panics = Vec::new();
    for name in names() {
        let bytes = fixture(&name);
        // A video decoder starts slowly.
        let prefixes = if name.ends_with(".avif") { 40 } else { 700 };
        let step = (bytes.len() / prefixes).max(1);
        for end in (0..bytes.len()).step_by(step) {
            if gave_up(decode(&bytes[..end], &small()).map(drop)) {
                panics.push(format!("{name}[..{end}]"));
            }
            let _ = decode_frames(&bytes[..end], &small());
        }
    }
    assert!(panics.is_empty(), "{panics:?}");
}

#[test]
fn mutated_bytes_are_errors_or_pictures() {
    let mut panics = Vec::new();
    let mut state = 1;
    for name in names() {
        let bytes = fixture(&name);
        if bytes.len() > 10_000 {
            continue;
        }
        for round in 0..if name.ends_with(".avif") { 15 } else { 200 } {
            let mut bad = bytes.clone();
            for _ in 0..1 + next(&mut state) % 5 {
                // Heads hold the sizes: hit them more often.
                let range = if round % 2 == 0 { bad.len().min(64) } else { bad.len() };
                let at = next(&mut state) as usize % range;
                bad[at] = [0, 255, 127, next(&mut state) as u8][next(&mut state) as usize % 4];
            }
            if gave_up(decode(&bad, &small()).map(drop)) {
                panics.push(format!("{name} {round}"));
            }
            let _ = decode_frames(&bad, &small());
        }
    }
    println!("decoders that panicked: {panics:?}");
}
