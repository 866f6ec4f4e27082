//! What must hold for every character: exact alpha, true words, the named colour, and the same bits always.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_characters::caption::LONGEST;
use kiln_characters::judge::Judge;
use kiln_characters::stream::{Request, header, record_bytes, samples, seed_of, write};
use kiln_characters::traits::*;
use kiln_characters::wish::Wish;
use kiln_characters::{DrawError, Split, canonical, caption, caption_in, draw, draw_in};

/// The hash of everything in a drawing.
fn hash(seed: u64, look: Look, size: u32) -> String {
    let drawing = draw_in(&Traits::of_seed(seed), look, seed, size).unwrap();
    let mut hasher = blake3::Hasher::new();
    for layer in [&drawing.picture, &drawing.alpha, &drawing.subject, &drawing.behind] {
        hasher.update(layer);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[test]
fn the_same_bits_always() {
    let found: Vec<String> = [
        (1, Look::Usual, 128),
        (2, Look::Usual, 64),
        (3, Look::Usual, 200),
        (4, Look::Gold, 128),
        (5, Look::Night, 128),
        (6, Look::Pixel, 128),
    ]
    .map(|(seed, look, size)| hash(seed, look, size))
    .to_vec();
    assert_eq!(found, GOLDEN, "if the drawing was changed on purpose, these are the new hashes");
}

/// From x86-64 with SSE2; with AVX2, and without any SIMD, the same were found.
const GOLDEN: [&str; 6] = [
    "6c0ba26fc0216e88",
    "5b0ffe582334e126",
    "4b54c0bc982fe29a",
    "e62fe4f4fc543e6a",
    "170bf121c77a8d07",
    "cb59f3afdd9387a3",
];

#[test]
fn the_seed_varies_what_traits_leave_open() {
    let traits = Traits::of_seed(1);
    let (a, b) = (draw(&traits, 1, 64).unwrap(), draw(&traits, 2, 64).unwrap());
    assert_ne!(a.alpha, b.alpha);
    assert_eq!(a, draw(&traits, 1, 64).unwrap());
}

#[test]
fn alpha_is_exactly_the_figure() {
    for seed in 0..10 {
        for &look in Look::ALL {
            let drawing = draw_in(&Traits::of_seed(seed), look, seed, 96).unwrap();
            let mut covered = 0;
            for (place, &alpha) in drawing.alpha.iter().enumerate() {
                let at = place * 4..place * 4 + 4;
                let (picture, subject, behind) =
                    (&drawing.picture[at.clone()], &drawing.subject[at.clone()], &drawing.behind[at]);
                assert_eq!(subject[3], alpha);
                assert_eq!((picture[3], behind[3]), (255, 255));
                match alpha {
                    0 => assert_eq!(picture, behind, "seed {seed}: nothing there, so the background shows"),
                    255 => assert_eq!(picture[..3], subject[..3], "seed {seed}: only the figure shows"),
                    _ => {
                        for part in 0..3 {
                            let a = f32::from(alpha) / 255.0;
                            let mixed = f32::from(subject[part]) * a + f32::from(behind[part]) * (1.0 - a);
                            assert!((mixed - f32::from(picture[part])).abs() < 2.0, "seed {seed}");
                        }
                    }
                }
                covered += u32::from(alpha > 127);
            }
            let share = covered as f32 / drawing.alpha.len() as f32;
            assert!((0.1..0.7).contains(&share), "seed {seed}: the figure covers {share}");
        }
    }
}

#[test]
fn the_background_does_not_touch_the_figure() {
    let mut traits = Traits::of_seed(11);
    let mut first: Option<(Vec<u8>, Vec<u8>)> = None;
    for &background in Background::ALL {
        traits.background = background;
        if traits.problem().is_some() {
            continue;
        }
        let drawing = draw(&traits, 5, 64).unwrap();
        let this = (drawing.alpha, drawing.subject);
        assert_eq!(first.get_or_insert_with(|| this.clone()), &this, "{}", background.word());
    }
}

#[test]
fn nothing_is_cut_off_at_the_rim() {
    for seed in 0..800 {
        let traits = Traits::of_seed(seed);
        let drawing = draw(&traits, seed, 64).unwrap();
        let side = 64;
        for i in 0..side {
            for place in [i, (side - 1) * side + i, i * side, i * side + side - 1] {
                assert!(drawing.alpha[place] < 128, "seed {seed}: {}", canonical(&traits));
            }
        }
    }
}

#[test]
fn every_value_can_be_seen() {
    for (field, (name, words)) in FIELDS.iter().enumerate() {
        let mut pairs = 0;
        for a in 0..words.len() {
            for b in 0..a {
                // Two characters that differ in this trait alone.
                let found = (0..400u64).find_map(|seed| {
                    let mut wish = Wish::default();
                    wish.0[field] = Some(a as u8);
                    let one = wish.granted(seed, Split::All).ok()?;
                    let mut indices = one.indices();
                    indices[field] = b as u8;
                    let other = Traits::of_indices(indices)?;
                    other.problem().is_none().then_some((one, other, seed))
                });
                let Some((one, other, seed)) = found else { continue };
                let said = canonical(&one);
                let (one, other) = (draw(&one, seed, 72).unwrap(), draw(&other, seed, 72).unwrap());
                let changed = one
                    .picture
                    .chunks_exact(4)
                    .zip(other.picture.chunks_exact(4))
                    .filter(|(p, q)| p.iter().zip(*q).any(|(x, y)| x.abs_diff(*y) > 24))
                    .count();
                assert!(
                    changed >= 14,
                    "{name}: {} and {} look the same ({changed}): {said}",
                    words[a],
                    words[b]
                );
                pairs += 1;
            }
        }
        assert!(pairs >= words.len() - 2, "{name}: only {pairs} pairs could be compared");
    }
}

#[test]
fn bodies_have_the_colour_they_are_said_to_have() {
    let judge = Judge::new();
    let (mut right, mut right_covered, mut count) = (0, 0, 0);
    let mut wrong = Vec::new();
    for seed in 0..400 {
        let traits = Traits::of_seed(seed);
        let drawing = draw(&traits, seed, 48).unwrap();
        count += 1;
        let found = judge.of_drawing(&drawing);
        right += i32::from(found == Some(traits.color));
        right_covered += i32::from(judge.of_covered(&drawing.rgb(), &drawing.alpha) == Some(traits.color));
        if found != Some(traits.color) {
            wrong.push(format!("{seed} {found:?}: {}", canonical(&traits)));
        }
    }
    assert!(right * 100 >= count * 98, "{right} of {count}: {wrong:#?}");
    assert!(right_covered * 100 >= count * 95, "by alpha alone: {right_covered} of {count}");
}

#[test]
fn captions_say_what_is_there_and_nothing_else() {
    for seed in 0..3000 {
        let traits = Traits::of_seed(seed);
        let all = canonical(&traits);
        for said in [all.clone(), caption(&traits, seed), caption(&traits, seed + 1)] {
            assert!(said.contains(&format!("{} {}", traits.color.word(), traits.kind.word())), "{said}");
            assert!(said.len() <= LONGEST && said.is_ascii(), "{said}");
            assert!(!said.contains("  ") && !said.contains(" ,") && !said.ends_with([',', ' ']), "{said}");
            for &kind in Kind::ALL {
                // "a cat mouth" is no cat.
                let told = said.replace("cat mouth", "").contains(&format!(" {}", kind.word()));
                assert!(!told || kind == traits.kind, "{said}");
            }
            for &headgear in &Headgear::ALL[1..] {
                let words = format!("{} {}", traits.headgear_color.word(), headgear.word());
                let bare = said.replace("bow tie", "");
                if headgear == traits.headgear {
                    assert!(said != all || said.contains(&words), "{said}");
                } else {
                    let told = bare.replace([',', '.'], " ") + " ";
                    assert!(!told.contains(&format!(" {} ", headgear.word())), "{said}: {}", headgear.word());
                }
            }
            for &mood in Mood::ALL {
                assert!(!said.contains(mood.word()) || mood == traits.mood, "{said}");
            }
            for &pose in &Pose::ALL[1..] {
                assert!(!said.contains(pose.word()) || pose == traits.pose, "{said}");
            }
        }
        for word in [traits.mood.word(), traits.kind.word()] {
            assert!(all.contains(word), "{all}");
        }
        if traits.pose != Pose::Front {
            assert!(all.contains(traits.pose.word()), "{all}");
        }
        if traits.accessory != Accessory::None {
            let words = traits.accessory.word();
            assert!(all.contains(words) && all.contains(traits.accessory_color.word()), "{all}");
        }
        let eyes = ["round", "dot", "sparkling", "sleepy", "closed", "single", "anime", "wink"];
        assert!(all.contains(eyes[traits.eyes as usize]), "{all}");
        let place = traits.background.word().split(' ').next_back().unwrap();
        assert!(all.contains(place.trim_end_matches("gradient").trim()), "{all}");
        for &look in &Look::ALL[1..] {
            let said = caption_in(&traits, look, seed);
            assert!(said.starts_with(&format!("{} look, ", look.word())) && said.len() <= LONGEST, "{said}");
        }
    }
}

#[test]
fn captions_of_one_character_differ() {
    let traits = Traits::of_seed(5);
    let mut said: Vec<String> = (0..40).map(|seed| caption(&traits, seed)).collect();
    said.sort();
    said.dedup();
    assert!(said.len() > 25, "{said:#?}");
}

#[test]
fn a_stream_is_the_same_on_any_number_of_threads_and_reads_as_documented() {
    let request = Request { count: 9, seed: 4, size: 32, split: Split::Train, look: Look::Usual, threads: 1 };
    let (mut one, mut many) = (Vec::new(), Vec::new());
    write(&request, &mut one).unwrap();
    write(&Request { threads: 3, ..request }, &mut many).unwrap();
    assert_eq!(one, many);

    let start = header(&request).len();
    assert_eq!(start % 64, 0);
    assert_eq!(one.len(), start + 9 * record_bytes(32));
    let length = u32::from_le_bytes(one[8..12].try_into().unwrap()) as usize;
    assert_eq!((&one[..8], 12 + length), (b"KILNCHR1".as_slice(), start));
    let said: serde_json::Value = serde_json::from_slice(&one[12..start]).unwrap();
    assert_eq!(said["record_bytes"], record_bytes(32));
    let layer = |record: &[u8], name: &str| {
        let layers = said["layers"].as_array().unwrap();
        let layer = layers.iter().find(|layer| layer["name"] == name).unwrap();
        let offset = layer["offset"].as_u64().unwrap() as usize;
        record[offset..offset + layer["length"].as_u64().unwrap() as usize].to_vec()
    };
    let mut index = 0;
    samples::<kiln_characters::stream::StreamError>(&request, |at, sample| {
        let from = start + index * record_bytes(32);
        let record = &one[from..from + record_bytes(32)];
        assert_eq!(at, index as u64);
        assert_eq!(layer(record, "seed"), seed_of(4, at).to_le_bytes());
        assert_eq!(layer(record, "rgb"), sample.rgb);
        assert_eq!(layer(record, "alpha"), sample.alpha);
        assert_eq!(layer(record, "traits")[..TRAITS], sample.traits.indices());
        let told = u16::from_le_bytes(layer(record, "caption_length").try_into().unwrap()) as usize;
        assert_eq!(&layer(record, "caption")[..told], sample.caption.as_bytes());
        assert!(!sample.traits.held_out());
        index += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(index, 9);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let traits = Traits::of_seed(1);
    assert!(draw(&traits, 1, 7).unwrap_err().to_string().contains("7x7"));
    assert!(matches!(draw(&traits, 1, 5000), Err(DrawError::Size(5000))));
    let mut ghost = Traits::of_seed(1);
    ghost.kind = Kind::Ghost;
    ghost.mouth = Mouth::Beak;
    assert!(matches!(draw(&ghost, 1, 64), Err(DrawError::Traits(_))));
}
