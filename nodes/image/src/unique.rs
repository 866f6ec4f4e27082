//! The gate that lets no two pictures pass that look alike, or that show nearly the same.

use crate::ports::Said;
use kiln_core::{Cx, Node, NodeError, Param, Verdict};
use kiln_pixels::hash::{PictureHash, ahash, dhash, phash};
use kiln_types::{Embedding, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![unique_gate()]
}

/// What an ordered gate remembers of accepted pictures.
///
/// Without vectors a mark is the hashes alone, 8 bytes each. With vectors the hashes are followed by a byte of how many
/// there are (four), the model's name and its length (two), the vectors' width (four), and the vectors: each number times
/// 32767, rounded to the nearest whole number of 16 bits, so that a cosine is off by about 1e-5. Zeros bring its length to
/// one more than a multiple of 8, which no mark of hashes alone has.
#[derive(Debug, PartialEq)]
struct Mark {
    hashes: Vec<PictureHash>,
    vectors: Option<Vectors>,
}

#[derive(Debug, PartialEq)]
struct Vectors {
    model: String,
    width: usize,
    numbers: Vec<i16>,
}

/// What a number is multiplied by: numbers of a vector of length 1 are within -1 to 1.
const SCALE: f32 = 32767.0;

impl Vectors {
    fn of(embedding: &Embedding) -> Self {
        Self {
            model: embedding.model().to_string(),
            width: embedding.width(),
            // `as` keeps it within 16 bits.
            numbers: embedding.data().iter().map(|v| (v * SCALE).round_ties_even() as i16).collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[i16]> {
        self.numbers.chunks_exact(self.width)
    }

    /// The greatest cosine between one of these and one of `other`.
    fn most_alike(&self, other: &Self) -> f64 {
        let dot =
            |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(x, y)| i64::from(*x) * i64::from(*y)).sum::<i64>();
        let pairs = self.rows().flat_map(|a| other.rows().map(move |b| (a, b)));
        let cosine =
            |(a, b)| dot(a, b) as f64 / ((dot(a, a) as f64).sqrt() * (dot(b, b) as f64).sqrt()).max(1.0);
        pairs.map(cosine).fold(-1.0, f64::max)
    }
}

impl Mark {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out: Vec<u8> = self.hashes.iter().flat_map(|h| h.0.to_be_bytes()).collect();
        let Some(vectors) = &self.vectors else { return out };
        let mut head = Vec::new();
        // No batch has 2^32 pictures, no name 2^16 bytes, no vector 2^32 numbers.
        head.extend(u32::try_from(self.hashes.len()).unwrap_or(0).to_be_bytes());
        head.extend(u32::try_from(vectors.width).unwrap_or(0).to_be_bytes());
        head.extend(u16::try_from(vectors.model.len()).unwrap_or(0).to_be_bytes());
        head.extend(vectors.model.as_bytes());
        head.extend(u32::try_from(vectors.numbers.len()).unwrap_or(0).to_be_bytes());
        out.splice(0..0, head);
        out.extend(vectors.numbers.iter().flat_map(|v| v.to_be_bytes()));
        out.resize(out.len().next_multiple_of(8) + 1, 0);
        out
    }

    /// None when it is not what [`Self::to_bytes`] wrote.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let hashes = |bytes: &[u8]| {
            bytes.as_chunks::<8>().0.iter().map(|b| PictureHash(u64::from_be_bytes(*b))).collect()
        };
        if bytes.len().is_multiple_of(8) {
            return Some(Self { hashes: hashes(bytes), vectors: None });
        }
        if bytes.len() % 8 != 1 {
            return None;
        }
        let mut rest = bytes;
        let mut take = |n: usize| {
            let (head, tail) = rest.split_at_checked(n)?;
            rest = tail;
            Some(head)
        };
        let long = |b: &[u8]| Some(u32::from_be_bytes(*b.first_chunk()?) as usize);
        let (count, width) = (long(take(4)?)?, long(take(4)?)?);
        let name = usize::from(u16::from_be_bytes(*take(2)?.first_chunk()?));
        let model = std::str::from_utf8(take(name)?).ok()?.to_owned();
        let numbers = long(take(4)?)?;
        let hashes = hashes(take(count.checked_mul(8)?)?);
        let numbers = take(numbers.checked_mul(2)?)?;
        let numbers: Vec<i16> = numbers.as_chunks::<2>().0.iter().map(|b| i16::from_be_bytes(*b)).collect();
        let whole = width > 0 && numbers.len().is_multiple_of(width);
        whole.then_some(Self { hashes, vectors: Some(Vectors { model, width, numbers }) })
    }
}

fn mark(cx: &Cx<'_>) -> Result<Vec<u8>, NodeError> {
    let image = cx.image("image")?;
    let kind = cx.text("hash")?;
    let mut hashes = Vec::with_capacity(image.batch());
    for index in 0..image.batch() {
        let hash = match &*kind {
            "dhash" => dhash(&image, index),
            "ahash" => ahash(&image, index),
            _ => phash(&image, index),
        };
        hashes.push(hash.said()?);
    }
    let mut vectors = None;
    if cx.has("embedding") {
        let object = cx.object("embedding")?;
        let embedding = object.as_any().downcast_ref::<Embedding>().ok_or_else(|| {
            NodeError::new(format!("this is a {}, which does not fit here", object.type_name()))
                .at("embedding")
        })?;
        if embedding.batch() != image.batch() {
            return Err(NodeError::new(format!(
                "there are {} vectors for {} pictures",
                embedding.batch(),
                image.batch()
            ))
            .at("embedding")
            .hint("embed the same pictures that are judged"));
        }
        vectors = Some(Vectors::of(embedding));
    }
    Ok(Mark { hashes, vectors }.to_bytes())
}

/// How alike two marks' vectors are, where both have some.
fn likeness(mine: &Mark, other: &Mark, item: u64) -> Result<Option<f64>, NodeError> {
    let (Some(mine), Some(other)) = (&mine.vectors, &other.vectors) else { return Ok(None) };
    if mine.model != other.model || mine.width != other.width {
        return Err(NodeError::new(format!(
            "item {item} was accepted with an embedding of {}, this one has an embedding of {}: they cannot be compared",
            other.model, mine.model
        ))
        .at("embedding")
        .hint("use the CLIP of the first items, or start with a new output folder"));
    }
    Ok(Some(mine.most_alike(other)))
}

fn compare(cx: &Cx<'_>, mark: &[u8], accepted: &[(u64, Vec<u8>)]) -> Result<Verdict, NodeError> {
    let least = u32::try_from(cx.count("distance")?)
        .map_err(|_| NodeError::new("the distance is too large").at("distance"))?;
    let most = cx.float("similarity")?;
    let damaged =
        || NodeError::new("a mark in the output folder is damaged").hint("start with a new output folder");
    let mine = Mark::from_bytes(mark).ok_or_else(damaged)?;
    let mut nearest: Option<(u32, u64)> = None;
    let mut alike: Option<(f64, u64)> = None;
    for (item, other) in accepted {
        let other = Mark::from_bytes(other).ok_or_else(damaged)?;
        for (a, b) in mine.hashes.iter().flat_map(|a| other.hashes.iter().map(move |b| (a, b))) {
            let found = (a.distance(*b), *item);
            nearest = Some(nearest.map_or(found, |n| n.min(found)));
        }
        if let Some(found) = likeness(&mine, &other, *item)?
            && alike.is_none_or(|(most, _)| found > most)
        {
            alike = Some((found, *item));
        }
    }
    let Some((bits, item)) = nearest else {
        let score = if mine.vectors.is_some() { 1.0 } else { 64.0 };
        return Ok(Verdict { accept: true, score, reason: "there is no other yet".to_owned() });
    };
    let differs = bits >= least;
    let words = if differs { "enough" } else { "too few" };
    let by_bits = format!("{bits} of 64 bits differ from item {item}, {words}: {least} are wanted");
    if mine.vectors.is_none() {
        return Ok(Verdict { accept: differs, score: f64::from(bits), reason: by_bits });
    }
    let Some((found, item)) = alike else {
        return Ok(Verdict { accept: differs, score: f64::from(bits) / 64.0, reason: by_bits });
    };
    let apart = found <= most;
    let words = if apart { "little enough" } else { "too much" };
    let by_vectors = format!("it is {found:.4} like item {item}, {words}: {most} is allowed");
    let reason = match (differs, apart) {
        (true, false) => by_vectors,
        (false, true) => by_bits,
        _ => format!("{by_vectors}; {by_bits}"),
    };
    Ok(Verdict { accept: differs && apart, score: (f64::from(bits) / 64.0).min(1.0 - found), reason })
}

/// UniqueGate.
fn unique_gate() -> Node {
    Node::ordered_gate("UniqueGate", 1, |cx| mark(cx), compare)
        .title("Unique gate")
        .category("image/gates")
        .doc(
            "Passes pictures that look unlike every picture accepted before, in item order: a perceptual hash of 64 bits \
             has to differ in enough of them. The score is the number of bits that differ from the nearest one. With \
             embeddings linked, what pictures show has to differ as well, and the score is the smaller of two: the share \
             of bits that differ, and one less the similarity to the one most alike.",
        )
        .input("image", names::IMAGE, "The picture to judge; of a batch, every picture counts.")
        .optional(
            "embedding",
            names::EMBEDDING,
            "The picture's embedding (EmbedImage): then pictures that show nearly the same are rejected, too.",
        )
        .param(
            Param::int("distance", 8, 0..=64)
                .unit("bits")
                .doc("At least so many bits have to differ: 0 passes all, 1 no equal ones, 8 none that look alike, 20 only different ones."),
        )
        .param(Param::choice("hash", &["phash", "dhash", "ahash"]).doc(
            "What is compared: the lowest frequencies, the slopes from pixel to pixel, or what is lighter than the mean.",
        ))
        .param(
            Param::float("similarity", 0.95, -1.0..=1.0).doc(
                "With an embedding: the most that a picture may be like an accepted one. 0.95 rejects variations, 0.99 \
                 only copies, 1 nothing.",
            ),
        )
        .output_like("image", "image", "The picture, if it passes.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(numbers: &[f32]) -> Embedding {
        Embedding::new("ViT-L/14 01234567", 3, numbers.to_vec()).unwrap()
    }

    fn made(vectors: bool) -> Mark {
        let hashes = vec![PictureHash(u64::MAX), PictureHash(7)];
        let vectors = vectors.then(|| Vectors::of(&embedding(&[1.0, 0.0, 0.0, -3.0, 4.0, 0.0])));
        Mark { hashes, vectors }
    }

    #[test]
    fn marks_come_back_and_damaged_ones_never_panic() {
        for vectors in [false, true] {
            let mark = made(vectors);
            let bytes = mark.to_bytes();
            assert_eq!(Mark::from_bytes(&bytes).as_ref(), Some(&mark));
            for cut in 0..bytes.len() {
                let _ = Mark::from_bytes(&bytes[..cut]);
                let mut changed = bytes.clone();
                changed[cut] ^= 0xFF;
                let _ = Mark::from_bytes(&changed);
            }
        }
        assert_eq!(made(false).to_bytes().len(), 16, "hashes alone, as marks have always been");
    }

    #[test]
    fn sixteen_bits_keep_a_cosine() {
        let a: Vec<f32> = (0..768u64).map(|i| (i * 7919 % 1000) as f32 - 499.0).collect();
        let b: Vec<f32> =
            (0..768u64).map(|i| (i * 104_729 % 997) as f32 - 480.0 + a[i as usize] * 2.0).collect();
        let of = |v: &[f32]| Embedding::new("m", 768, v.to_vec()).unwrap();
        let (a, b) = (of(&a), of(&b));
        let wanted = a.similarities(&b).unwrap()[0];
        let found = Vectors::of(&a).most_alike(&Vectors::of(&b));
        assert!(wanted > 0.5 && (found - wanted).abs() < 3e-5, "{found} {wanted}");
    }

    #[test]
    fn two_models_are_not_compared() {
        let mut other = made(true);
        if let Some(vectors) = &mut other.vectors {
            vectors.model = "ViT-B/32 89abcdef".into();
        }
        let told = likeness(&made(true), &other, 3).unwrap_err().to_string();
        assert!(told.contains("item 3") && told.contains("ViT-B/32") && told.contains("ViT-L/14"), "{told}");
        assert_eq!(likeness(&made(true), &made(false), 3).unwrap(), None);
        assert!(likeness(&made(true), &made(true), 3).unwrap().is_some_and(|c| c > 0.999));
    }
}
