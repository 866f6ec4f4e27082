//! Many samples as one file for a trainer: a header, then records of one length.
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `KILNCHR1` |
//! | 4 | length of the JSON that follows, in bytes (u32) |
//! | n | JSON: `version`, `size`, `count`, `seed`, `split`, `look`, `record_bytes`, `layers` (name, offset and length of each part of a record), `traits` (name and words of each trait number), padded with spaces so that records begin at a multiple of 64 |
//! | count x record_bytes | the records |
//!
//! A record: the seed (u64); the picture, RGB (size x size x 3); the alpha (size x size); the trait numbers (12, and
//! the look as a thirteenth); the caption's length (u16) and the caption (UTF-8, padded with zeros to 254 bytes).

use crate::caption::{LONGEST, caption_in};
use crate::drawing::{DrawError, draw_in};
use crate::rng::mix;
use crate::split::Split;
use crate::traits::{FIELDS, Look, TRAITS, Traits};
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;

/// How a stream begins.
pub const MAGIC: &[u8; 8] = b"KILNCHR1";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How many samples.
    pub count: u64,
    /// The seed of the whole: the same seed gives the same samples.
    pub seed: u64,
    /// Width and height in pixels.
    pub size: u32,
    /// Which part of all characters.
    pub split: Split,
    /// The look; none for every look in turn by chance, most of them usual.
    pub look: Look,
    /// How many threads draw.
    pub threads: usize,
}

/// What stops a stream.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A drawing failed.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The samples could not be written.
    #[error("the samples could not be written: {0}")]
    Write(#[from] io::Error),
    /// A thread that draws has ended early.
    #[error("a thread that draws has stopped before its work was done")]
    Lost,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The seed of this sample's drawing and caption.
    pub seed: u64,
    /// What it shows.
    pub traits: Traits,
    /// The picture: RGB.
    pub rgb: Vec<u8>,
    /// The figure's alpha.
    pub alpha: Vec<u8>,
    /// The words.
    pub caption: String,
}

/// The seed of the sample at a place in a stream.
pub fn seed_of(stream: u64, index: u64) -> u64 {
    mix(mix(stream) ^ index)
}

/// The sample at a place in a stream.
pub fn sample(request: &Request, index: u64) -> Result<Sample, DrawError> {
    let seed = seed_of(request.seed, index);
    let traits = Traits::of_seed_in(seed, request.split);
    let drawing = draw_in(&traits, request.look, seed, request.size)?;
    Ok(Sample {
        seed,
        traits,
        rgb: drawing.rgb(),
        alpha: drawing.alpha,
        caption: caption_in(&traits, request.look, seed),
    })
}

/// The length of every record, in bytes.
pub fn record_bytes(size: u32) -> usize {
    let pixels = size as usize * size as usize;
    8 + pixels * 4 + TRAITS + 1 + 2 + LONGEST
}

/// The start of a stream.
pub fn header(request: &Request) -> Vec<u8> {
    let pixels = request.size as usize * request.size as usize;
    let parts = [
        ("seed", 8),
        ("rgb", pixels * 3),
        ("alpha", pixels),
        ("traits", TRAITS + 1),
        ("caption_length", 2),
        ("caption", LONGEST),
    ];
    let mut offset = 0;
    let layers: Vec<_> = parts
        .iter()
        .map(|&(name, length)| {
            let layer = serde_json::json!({ "name": name, "offset": offset, "length": length });
            offset += length;
            layer
        })
        .collect();
    let traits: Vec<_> = FIELDS
        .iter()
        .copied()
        .chain([("look", Look::WORDS)])
        .map(|(name, words)| serde_json::json!({ "name": name, "words": words }))
        .collect();
    let json = serde_json::json!({
        "version": 1,
        "size": request.size,
        "count": request.count,
        "seed": request.seed,
        "split": request.split.word(),
        "look": request.look.word(),
        "record_bytes": record_bytes(request.size),
        "layers": layers,
        "traits": traits,
    })
    .to_string();
    let length = (MAGIC.len() + 4 + json.len()).next_multiple_of(64);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&((length - MAGIC.len() - 4) as u32).to_le_bytes());
    bytes.extend_from_slice(json.as_bytes());
    bytes.resize(length, b' ');
    bytes
}

/// A sample as a record.
pub fn record(sample: &Sample, look: Look) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + sample.rgb.len() + sample.alpha.len() + TRAITS + 3 + LONGEST);
    bytes.extend_from_slice(&sample.seed.to_le_bytes());
    bytes.extend_from_slice(&sample.rgb);
    bytes.extend_from_slice(&sample.alpha);
    bytes.extend_from_slice(&sample.traits.indices());
    bytes.push(look.index());
    bytes.extend_from_slice(&(sample.caption.len() as u16).to_le_bytes());
    let end = bytes.len() + LONGEST;
    bytes.extend_from_slice(sample.caption.as_bytes());
    bytes.resize(end, 0);
    bytes
}

/// Draws every sample on several threads and hands them over in order.
pub fn samples<E: From<StreamError>>(
    request: &Request,
    mut take: impl FnMut(u64, Sample) -> Result<(), E>,
) -> Result<(), E> {
    let threads = request.threads.clamp(1, 256) as u64;
    thread::scope(|scope| {
        // Each thread draws every n-th sample into a short queue of its own, so order needs no sorting.
        let queues: Vec<_> = (0..threads)
            .map(|first| {
                let (send, receive) = mpsc::sync_channel(16);
                scope.spawn(move || {
                    let mut index = first;
                    while index < request.count {
                        // Nobody listens any more once writing has failed.
                        if send.send(sample(request, index)).is_err() {
                            return;
                        }
                        index += threads;
                    }
                });
                receive
            })
            .collect();
        for index in 0..request.count {
            let drawn = queues[(index % threads) as usize].recv().map_err(|_| StreamError::Lost)?;
            take(index, drawn.map_err(StreamError::from)?)?;
        }
        Ok(())
    })
}

/// Writes a whole stream.
pub fn write(request: &Request, to: &mut impl Write) -> Result<(), StreamError> {
    to.write_all(&header(request))?;
    samples(request, |_, sample| to.write_all(&record(&sample, request.look)).map_err(StreamError::from))?;
    to.flush()?;
    Ok(())
}
