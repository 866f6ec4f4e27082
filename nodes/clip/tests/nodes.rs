//! The nodes through the engine, with small towers of made-up weights: what they give is what the towers give.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;
#[path = "common/world.rs"]
mod world;

use common::{Reference, picture, tensors};
use kiln_types::{Embedding, Value};
use world::{World, batch, embedding, float, floats, text};

const CLIP: &str = r#""clip": (type: "LoadClip", with: { "file": "one" }),"#;
const A: &str = r#""a": (type: "LoadImage", with: { "image": "style/a.ppm" }),"#;

fn node(body: &str) -> String {
    format!("{CLIP} {A} {body}")
}

fn cosine(a: &Embedding, b: &Embedding) -> f64 {
    a.similarities(b).unwrap()[0]
}

#[test]
fn pictures_and_texts_are_what_the_towers_give() {
    let world = World::new();
    let towers = world.towers("one");
    let out = world
        .outputs(&node(r#""n": (type: "EmbedImage", from: { "image": "a.image", "clip": "clip.clip" }),"#))
        .unwrap();
    let found = embedding(&out, "embedding");
    let wanted = towers.image(&[picture(30, 40, 0)]).unwrap();
    assert_eq!(found.data(), wanted.data());
    assert!(found.model().starts_with("ViT-64/8@32 "), "{}", found.model());
    // A batch in one go.
    let both = r#""p": (type: "NoiseImage", with: { "size": (50, 33), "seed": Fixed(3), "batch": 2, "color": true }),
        "n": (type: "EmbedImage", from: { "image": "p.image", "clip": "clip.clip" }),"#;
    assert_eq!(embedding(&world.outputs(&node(both)).unwrap(), "embedding").batch(), 2);
    let out = world
        .outputs(&node(
            r#""n": (type: "EmbedText", from: { "clip": "clip.clip" }, with: { "text": "a fox" }),"#,
        ))
        .unwrap();
    assert_eq!(embedding(&out, "embedding").data(), towers.text(&["a fox"]).unwrap().data());
    // What is stored comes back.
    let codecs = world.engine.registry().codecs();
    let (ty, version, stored) = codecs.encode(&out["embedding"]).unwrap();
    let back = codecs.decode(&ty, version, &stored).unwrap();
    assert_eq!(codecs.encode(&back).unwrap().2, stored);
    assert_eq!(ty, "Embedding");
    assert!(codecs.decode(&ty, version + 1, &stored).is_err());
}

#[test]
fn how_pictures_are_brought_to_size_is_a_choice() {
    let world = World::new();
    let with = |with: &str| {
        let nodes = format!(
            r#"{A} "clip": (type: "LoadClip", with: {{ "file": "one", {with} }}),
               "n": (type: "EmbedImage", from: {{ "image": "a.image", "clip": "clip.clip" }}),"#
        );
        embedding(&world.outputs(&nodes).unwrap(), "embedding")
    };
    let usual = with("");
    assert_ne!(usual.data(), with(r#""resizing": "transformers""#).data());
    assert_ne!(usual.data(), with(r#""crop": "none""#).data());
    let quick = with(r#""activation": "quick_gelu""#);
    assert_ne!(usual.data(), quick.data());
    assert!(quick.model().ends_with("quick_gelu") && usual.comparable(&quick).is_err());
    assert_eq!(&**with(r#""space": "mine""#).model(), "mine");
}

#[test]
fn only_embeddings_of_one_model_are_compared() {
    let world = World::new();
    world.clip("other", "b32");
    let body = |second: &str| {
        node(&format!(
            r#""other": (type: "LoadClip", with: {{ "file": "other" }}),
               "e": (type: "EmbedImage", from: {{ "image": "a.image", "clip": "clip.clip" }}),
               "t": (type: "EmbedText", from: {{ "clip": "{second}.clip" }}, with: {{ "text": "a fox" }}),
               "n": (type: "Similarity", from: {{ "a": "e.embedding", "b": "t.embedding", "clip": "clip.clip" }}),"#
        ))
    };
    let out = world.outputs(&body("clip")).unwrap();
    let towers = world.towers("one");
    let (image, words) = (towers.image(&[picture(30, 40, 0)]).unwrap(), towers.text(&["a fox"]).unwrap());
    let wanted = cosine(&image, &words);
    assert!((float(&out, "similarity") - wanted).abs() < 1e-12);
    assert!((float(&out, "logit") - wanted * libm::exp(4.0)).abs() < 1e-4, "the file's own scale");
    assert_eq!(floats(&out, "similarities").len(), 1);
    world.fails(&body("other"), &["ViT-64/8@32", "ViT-128/16@32", "only those of one model"]);
}

#[test]
fn two_files_of_one_model_make_one() {
    let world = World::new();
    let all = tensors(&Reference::load("towers"), "open_quick");
    let seeing = |n: &str| n.starts_with("visual.");
    world.clip_of("eyes", &all.iter().filter(|t| seeing(t.0)).map(|(n, t)| (n.clone(), t.clone())).collect());
    world.clip_of(
        "words",
        &all.iter().filter(|t| !seeing(t.0)).map(|(n, t)| (n.clone(), t.clone())).collect(),
    );
    let body = |space: &str| {
        format!(
            r#"{A} "eyes": (type: "LoadClip", with: {{ "file": "eyes", {space} }}),
            "words": (type: "LoadClip", with: {{ "file": "words", {space} }}),
            "e": (type: "EmbedImage", from: {{ "image": "a.image", "clip": "eyes.clip" }}),
            "t": (type: "EmbedText", from: {{ "clip": "words.clip" }}, with: {{ "text": "a fox" }}),
            "n": (type: "Similarity", from: {{ "a": "e.embedding", "b": "t.embedding" }}),"#
        )
    };
    world.fails(&body(""), &["only those of one model", "the same LoadClip"]);
    let towers = world.towers("one");
    let wanted = cosine(&towers.image(&[picture(30, 40, 0)]).unwrap(), &towers.text(&["a fox"]).unwrap());
    let found = float(&world.outputs(&body(r#""space": "ViT""#)).unwrap(), "similarity");
    assert!((found - wanted).abs() < 1e-12);
    world.fails(
        r#""eyes": (type: "LoadClip", with: { "file": "eyes" }),
           "n": (type: "EmbedText", from: { "clip": "eyes.clip" }, with: { "text": "a fox" }),"#,
        &["no text tower", "both towers"],
    );
}

#[test]
fn the_label_that_fits_best_wins() {
    let world = World::new();
    let towers = world.towers("one");
    let labels = ["a fox", "a dog", "a castle"];
    let image = towers.image(&[picture(30, 40, 0)]).unwrap();
    let sentences: Vec<String> = labels.iter().map(|l| format!("a drawing of {l}!")).collect();
    let words = towers.text(&sentences.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let weights: Vec<f64> =
        image.similarities(&words).unwrap().iter().map(|c| libm::exp(towers.scale() * c)).collect();
    let sum: f64 = weights.iter().sum();
    let best = (0..3).max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap();
    let body = |with: &str| {
        node(&format!(
            r#""e": (type: "EmbedImage", from: {{ "image": "a.image", "clip": "clip.clip" }}),
               "n": (type: "ZeroShotLabels", from: {{ "embedding": "e.embedding", "clip": "clip.clip" }},
                     with: {{ {with} }}),"#
        ))
    };
    let asked = r#""labels": ["a fox", "a dog", "a castle"], "template": "a drawing of {}!""#;
    let out = world.outputs(&body(asked)).unwrap();
    assert_eq!(text(&out, "label"), labels[best]);
    for (found, wanted) in floats(&out, "scores").iter().zip(&weights) {
        assert!((found - wanted / sum).abs() < 1e-9, "{found} {wanted}");
    }
    assert!((float(&out, "probability") - weights[best] / sum).abs() < 1e-9);
    world.fails(&body(""), &["no labels", "labels"]);
    world.fails(&body(r#""labels": ["a", " "]"#), &["empty", "labels"]);
    world.fails(&body(r#""labels": ["a"], "template": "a photo""#), &["no place for the label", "template"]);
}

#[test]
fn a_style_is_the_middle_of_its_pictures() {
    let world = World::new();
    let towers = world.towers("one");
    let pictures = [picture(30, 40, 0), picture(31, 40, 1), picture(32, 40, 2)];
    let all = towers.image(&pictures).unwrap();
    let mut sum = vec![0.0_f64; all.width()];
    all.rows().for_each(|row| sum.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v) / 3.0));
    let wanted =
        Embedding::new("x", all.width(), sum.into_iter().map(|v| v as f32).collect::<Vec<_>>()).unwrap();
    let body = |from: &str, with: &str| {
        node(&format!(
            r#""b": (type: "LoadImage", with: {{ "image": "style/b.ppm" }}),
               "c": (type: "LoadImage", with: {{ "image": "style/c.ppm" }}),
               "n": (type: "StyleVector", from: {{ "clip": "clip.clip", {from} }}, with: {{ {with} }}),"#
        ))
    };
    let folder = body("", r#""pictures": "style/*.ppm""#);
    let out = world.outputs(&folder).unwrap();
    let style = embedding(&out, "style");
    let off = style.data().iter().zip(wanted.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{off}");
    assert!(matches!(out["count"], Value::Int(3)));
    assert!(float(&out, "nearness") > 0.0 && float(&out, "farthest") < 2.0);
    // The same pictures on wires, or some of them.
    let linked = world.outputs(&body(r#""images": ["a.image", "b.image", "c.image"]"#, "")).unwrap();
    let linked = embedding(&linked, "style");
    let off = style.data().iter().zip(linked.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{off}");
    let mixed = world.outputs(&body(r#""images": ["c.image"]"#, r#""pictures": "style/a*""#)).unwrap();
    assert!(matches!(mixed["count"], Value::Int(2)));
    // A file counts by its content.
    world.picture("style/b.ppm", 31, 40, 7);
    let changed = embedding(&world.outputs(&folder).unwrap(), "style");
    assert_ne!(changed.data(), style.data());
    // What is no picture is named.
    std::fs::write(world.graph().join("style/d.ppm"), b"P6\n40 30\n255\nabc").unwrap();
    world.fails(&folder, &["d.ppm", "pictures"]);
    world.fails(&body("", ""), &["no pictures", "pictures"]);
    world.fails(&body("", r#""pictures": "none/*.png""#), &["none"]);
}

#[test]
fn a_style_has_a_distance() {
    let world = World::new();
    let body = |image: &str| {
        node(&format!(
            r#""style": (type: "StyleVector", from: {{ "clip": "clip.clip", "images": ["a.image"] }}),
               "b": (type: "LoadImage", with: {{ "image": "style/b.ppm" }}),
               "e": (type: "EmbedImage", from: {{ "image": "{image}.image", "clip": "clip.clip" }}),
               "n": (type: "StyleDistance", from: {{ "embedding": "e.embedding", "style": "style.style" }}),"#
        ))
    };
    assert!(float(&world.outputs(&body("a")).unwrap(), "distance") < 1e-6);
    let towers = world.towers("one");
    let pictures = [picture(30, 40, 0), picture(31, 40, 1)].map(|p| towers.image(&[p]).unwrap());
    let wanted = 1.0 - cosine(&pictures[0], &pictures[1]);
    let out = world.outputs(&body("b")).unwrap();
    assert!((float(&out, "distance") - wanted).abs() < 1e-6 && wanted > 1e-4);
    assert_eq!(floats(&out, "distances").len(), 1);
}

#[test]
fn a_head_scores_embeddings_of_its_width() {
    let world = World::new();
    world.head("wide", 768);
    let body = |head: &str| {
        node(&format!(
            r#""head": (type: "LoadAestheticHead", with: {{ "file": "{head}" }}),
               "e": (type: "EmbedImage", from: {{ "image": "a.image", "clip": "clip.clip" }}),
               "n": (type: "AestheticScore", from: {{ "embedding": "e.embedding", "head": "head.head" }}),"#
        ))
    };
    let image = world.towers("one").image(&[picture(30, 40, 0)]).unwrap();
    let weights = common::normal("head", 48, 1.0, 0.0);
    let wanted: f64 =
        5.0 + image.data().iter().zip(&weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let out = world.outputs(&body("head")).unwrap();
    assert!((float(&out, "score") - wanted).abs() < 1e-6);
    world.fails(&body("wide"), &["768", "48", "ViT-64/8@32", "head"]);
    let gate = |minimum: f64| {
        node(&format!(
            r#""head": (type: "LoadAestheticHead", with: {{ "file": "head" }}),
               "n": (type: "AestheticGate",
                     from: {{ "image": "a.image", "clip": "clip.clip", "head": "head.head" }},
                     with: {{ "minimum": {minimum:?}, "then": "fail" }}),"#
        ))
    };
    world.outputs(&gate(wanted - 0.1)).unwrap();
    let (reason, score) = world.rejected(&gate(wanted + 0.1));
    assert!(reason.starts_with("aesthetic score ") && reason.contains("is below"), "{reason}");
    assert!((score + 0.1).abs() < 1e-6, "{score}");
    // One file for the other.
    std::fs::copy(
        world.dir.path().join("models/clip_vision/one.safetensors"),
        world.dir.path().join("models/aesthetic/clip.safetensors"),
    )
    .unwrap();
    world.fails(&body("clip"), &["clip.safetensors is not an aesthetic head", "file"]);
}

fn gate(from: &str, with: &str) -> String {
    node(&format!(
        r#""style": (type: "StyleVector", from: {{ "clip": "clip.clip" }}, with: {{ "pictures": "style/*.ppm" }}),
           "p": (type: "NoiseImage", with: {{ "size": (50, 33), "seed": Fixed(3), "batch": 2, "color": true }}),
           "n": (type: "ClipGate", from: {{ {from} "clip": "clip.clip" }}, with: {{ {with}, "then": "fail" }}),"#
    ))
}

#[test]
fn a_gate_judges_by_texts() {
    let world = World::new();
    let towers = world.towers("one");
    let image = towers.image(&[picture(30, 40, 0)]).unwrap();
    let of = |t: &str| cosine(&image, &towers.text(&[t]).unwrap());
    let (fox, dog) = (of("a fox"), of("a dog"));
    let from = r#""image": "a.image","#;
    let good = format!(r#""text": "a fox", "minimum": {:?}"#, fox - 0.01);
    let passed = world.outputs(&gate(from, &good)).unwrap();
    assert!(matches!(&passed["image"], Value::Image(i) if i.width() == 40));
    let (reason, score) =
        world.rejected(&gate(from, &format!(r#""text": "a fox", "minimum": {:?}"#, fox + 0.01)));
    assert!(reason.starts_with("similarity to \"a fox\" ") && reason.contains(" is below "), "{reason}");
    assert!((score + 0.01).abs() < 1e-9, "{score}");
    let lead = |margin: f64| {
        let with = format!(r#""text": "a fox", "minimum": -1, "negative": "a dog", "margin": {margin:?}"#);
        gate(from, &with)
    };
    world.outputs(&lead(fox - dog - 0.01)).unwrap();
    let (reason, score) = world.rejected(&lead(fox - dog + 0.01));
    assert!(reason.starts_with("its lead over \"a dog\"") && (score + 0.01).abs() < 1e-9, "{reason} {score}");
    world.fails(&gate(from, r#""negative": "a dog""#), &["needs a text", "negative"]);
    // Nothing asked, nothing judged.
    world.outputs(&gate(from, r#""minimum": 1.0"#)).unwrap();
}

#[test]
fn of_a_batch_every_picture_has_to_pass() {
    let world = World::new();
    let towers = world.towers("one");
    let out = world
        .outputs(&node(
            r#""n": (type: "NoiseImage", with: { "size": (50, 33), "seed": Fixed(3), "batch": 2, "color": true }),"#,
        ))
        .unwrap();
    let Value::Image(image) = &out["image"] else { panic!("{out:?}") };
    let alike = towers
        .image(&[image.as_ref().clone()])
        .unwrap()
        .similarities(&towers.text(&["a fox"]).unwrap())
        .unwrap();
    let (low, worse) = if alike[0] < alike[1] { (alike[0], 1) } else { (alike[1], 2) };
    let between = (alike[0] + alike[1]) / 2.0;
    let from = r#""image": "p.image","#;
    let (reason, score) = world.rejected(&gate(from, &format!(r#""text": "a fox", "minimum": {between:?}"#)));
    assert!(reason.starts_with(&format!("picture {worse}: similarity")) && !reason.contains(';'), "{reason}");
    assert!((score - (low - between)).abs() < 1e-9);
    world.outputs(&gate(from, &format!(r#""text": "a fox", "minimum": {:?}"#, low - 1e-6))).unwrap();
}

#[test]
fn a_gate_judges_by_labels_and_style() {
    let world = World::new();
    let towers = world.towers("one");
    let image = towers.image(&[picture(30, 40, 0)]).unwrap();
    let labels = ["a fox", "a dog", "a castle"];
    let alike: Vec<f64> =
        labels.iter().map(|l| cosine(&image, &towers.text(&[&format!("a photo of {l}")]).unwrap())).collect();
    let best = (0..3).max_by(|a, b| alike[*a].total_cmp(&alike[*b])).unwrap();
    let from = r#""image": "a.image","#;
    let with = |label: &str, more: &str| {
        gate(from, &format!(r#""labels": ["a fox", "a dog", "a castle"], "label": "{label}" {more}"#))
    };
    world.outputs(&with(labels[best], "")).unwrap();
    let (reason, score) = world.rejected(&with(labels[(best + 1) % 3], ""));
    assert!(reason.starts_with(&format!("it is \"{}\" (", labels[best])) && score < 0.0, "{reason} {score}");
    let (reason, _) = world.rejected(&with(labels[best], r#", "probability": 1.0"#));
    assert!(reason.contains("with probability") && reason.contains("is below 1"), "{reason}");
    world.fails(&with("a cat", ""), &["not one of the labels", "label"]);

    let style = |minimum: f64| {
        gate(r#""image": "a.image", "style": "style.style","#, &format!(r#""style_minimum": {minimum:?}"#))
    };
    let all = towers.image(&[picture(30, 40, 0), picture(31, 40, 1), picture(32, 40, 2)]).unwrap();
    let middle: Vec<f32> = (0..48).map(|i| all.rows().map(|r| r[i]).sum::<f32>() / 3.0).collect();
    let near = cosine(&image, &Embedding::new(all.model().clone(), 48, middle).unwrap());
    world.outputs(&style(near - 0.001)).unwrap();
    let (reason, score) = world.rejected(&style(near + 0.001));
    assert!(
        reason.starts_with("similarity to the style") && (score + 0.001).abs() < 1e-5,
        "{reason} {score}"
    );
}

#[test]
fn neighbours_are_found_over_the_collection() {
    let world = World::new();
    let nodes = format!(
        r#"{CLIP} "p": (type: "NoiseImage", with: {{ "size": (40, 40), "seed": 5, "color": true, "scale": 9 }}),
        "e": (type: "EmbedImage", from: {{ "image": "p.image", "clip": "clip.clip" }}),
        "near": (type: "NearestPictures", from: {{ "embeddings": "e.embedding" }},
                 with: {{ "count": 2, "duplicate": 0.999999 }}),
        "s": (type: "SaveText", from: {{ "text": "near.json" }}),"#
    );
    // The collection as a program sees it: the pictures of the items.
    let mut registry = world::registry();
    registry.add_all(kiln_basics_save());
    let world = World { engine: kiln_core::Engine::new(registry).unwrap(), ..world };
    let report = world.run(&nodes, &[], Some(4)).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let told: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.dir.path().join("out/near.json")).unwrap()).unwrap();
    let rows = told.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["picture"], at.to_string());
        let near = row["nearest"].as_array().unwrap();
        assert_eq!(near.len(), 2);
        let similarity = |i: usize| near[i]["similarity"].as_f64().unwrap();
        assert!(similarity(0) >= similarity(1) && near.iter().all(|n| n["item"] != at), "{row}");
        // Who is near to me: I am as near to it.
        let other = near[0]["item"].as_u64().unwrap() as usize;
        let back = rows[other]["nearest"].as_array().unwrap();
        let mine = back.iter().find(|n| n["item"] == at);
        assert!(mine.is_none_or(|n| (n["similarity"].as_f64().unwrap() - similarity(0)).abs() < 1e-6));
    }
}

/// A node that writes a text: what the engine runs a fan-in for.
fn kiln_basics_save() -> Vec<kiln_core::Node> {
    struct Save;
    impl kiln_core::Effect for Save {
        fn perform(&self, cx: &mut kiln_core::Cx<'_>) -> Result<Vec<u8>, kiln_core::NodeError> {
            let text = cx.text("text")?;
            cx.write("near.json", text.as_bytes())?;
            Ok(Vec::new())
        }
    }
    let node = kiln_core::Node::effect("SaveText", 1, kiln_core::Doubt::IdempotentByKey, Save);
    vec![node.input("text", kiln_types::names::TEXT, "The text.").writes_files()]
}

#[test]
fn copies_are_told_and_one_can_be_asked_for() {
    let world = World::new();
    let body = |from: &str, with: &str| {
        node(&format!(
            r#""b": (type: "LoadImage", with: {{ "image": "style/b.ppm" }}),
               "two": (type: "RepeatImageBatch", from: {{ "image": "a.image" }}, with: {{ "amount": 2 }}),
               "e": (type: "EmbedImage", from: {{ "image": "two.image", "clip": "clip.clip" }}),
               "q": (type: "EmbedImage", from: {{ "image": "b.image", "clip": "clip.clip" }}),
               "n": (type: "NearestPictures", from: {{ "embeddings": "e.embedding", {from} }}, with: {{ {with} }}),"#
        ))
    };
    let out = world.outputs(&body("", r#""duplicate": 0.9999"#)).unwrap();
    assert!(matches!(out["duplicate_count"], Value::Int(1)), "{out:?}");
    let table = text(&out, "table");
    assert_eq!(table, "picture,rank,nearest,similarity,duplicate\n0,1,0,1,true\n0,1,0,1,true\n");
    let out = world.outputs(&body(r#""query": "q.embedding""#, r#""count": 1"#)).unwrap();
    assert!(text(&out, "table").starts_with("picture,rank,nearest,similarity,duplicate\nquery 0,1,0,"));
    assert_eq!(floats(&out, "similarities").len(), 1);
    let towers = world.towers("one");
    let wanted = cosine(
        &towers.image(&[batch(&[&picture(30, 40, 0)])]).unwrap(),
        &towers.image(&[picture(31, 40, 1)]).unwrap(),
    );
    assert!((floats(&out, "similarities")[0] - wanted).abs() < 1e-6);
}

#[test]
fn a_file_of_something_else_is_refused_where_it_is_named() {
    let world = World::new();
    std::fs::copy(
        world.dir.path().join("models/aesthetic/head.safetensors"),
        world.dir.path().join("models/clip_vision/head.safetensors"),
    )
    .unwrap();
    let clip = |file: &str| format!(r#""n": (type: "LoadClip", with: {{ "file": "{file}" }}),"#);
    world.fails(&clip("head"), &["head.safetensors is not a CLIP", "file"]);
    world.fails(&clip("onne"), &["no model \"onne\"", "clip_vision", "one.safetensors"]);
}
