//! The nodes through the engine: batches, alpha, what they give to the last bit, and what they say when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::made::Reference;
use common::{picture, safetensors, scratch};
use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::types::Value;
use kiln_core::{Cancel, Engine, Node, Registry, Setup, Wish};
use kiln_cutout::{Cutout, Depth};
use kiln_shelf::Shelf;
use kiln_tensor::Compute;
use kiln_types::{Image, Mask, names};

/// Runs `node` behind a loader, with this picture; `cancel` ends it from within.
fn run(
    models: &Path,
    node: &str,
    image: &Image,
    model: &str,
    with: &str,
    cancel: &Cancel,
) -> Result<BTreeMap<String, Value>, String> {
    let mut registry = Registry::new();
    registry.add_all(kiln_cutout::nodes(&Arc::new(Shelf::cpu())));
    let given = Value::Image(Arc::new(image.clone()));
    let source = Node::pure("Given", 1, move |cx| {
        cx.set("image", given.clone());
        Ok(())
    });
    registry.add(source.output("image", names::IMAGE, "The picture."));
    let text = format!(
        r#"Graph(kiln: 1, nodes: {{
            "image": (type: "Given"),
            "model": (type: "LoadCutoutModel", with: {{ "model": "{model}" }}),
            "n": (type: "{node}", from: {{ "image": "image.image", "model": "model.model" }}, with: {{ {with} }}),
        }})"#
    );
    let graph = Graph::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let engine = Engine::new(registry).unwrap();
    let outputs: Vec<String> =
        engine.registry().get(node).unwrap().schema().outputs.iter().map(|o| o.name.to_owned()).collect();
    let wish = Wish { want: vec!["n".into()], ..Wish::default() };
    let plan =
        engine.plan(&graph, &Sandbox::new(".").with_models(models), &wish).map_err(|e| e.to_string())?;
    let report = engine.run(&plan, Setup::new("test", "."), cancel, Arc::new(|_| {})).unwrap();
    match report.values.get("n") {
        Some(Ok(values)) => Ok(outputs.into_iter().zip(values.iter().cloned()).collect()),
        _ => Err(format!("{:?}", report.failures)),
    }
}

fn models(dir: &Path) {
    let folder = dir.join("background_removal");
    std::fs::create_dir_all(&folder).unwrap();
    let reference = Reference::load("networks");
    for case in ["u2net", "modnet"] {
        safetensors(&folder.join(format!("{case}.safetensors")), &reference.weights(case), str::to_owned);
    }
    std::fs::write(folder.join("broken.onnx"), b"\x08\x07\x12").unwrap();
}

fn mask(outputs: &BTreeMap<String, Value>) -> Arc<Mask> {
    match outputs.get("mask") {
        Some(Value::Mask(mask)) => mask.clone(),
        other => panic!("{other:?}"),
    }
}

fn image(outputs: &BTreeMap<String, Value>) -> Arc<Image> {
    match outputs.get("image") {
        Some(Value::Image(image)) => image.clone(),
        other => panic!("{other:?}"),
    }
}

/// Two pictures of one size in a batch.
fn batch(channels: usize) -> Image {
    let one = picture(48, 33, channels);
    let other: Vec<f32> = one.data().chunks_exact(channels).rev().flatten().copied().collect();
    Image::new(2, 33, 48, channels, [one.into_data(), other].concat()).unwrap()
}

fn byte(v: f32) -> u32 {
    (v * 255.0).round() as u32
}

#[test]
fn a_batch_is_done_picture_by_picture() {
    let (dir, _) = scratch();
    models(dir.path());
    let pictures = batch(3);
    for case in ["u2net", "modnet"] {
        let file = dir.path().join(format!("background_removal/{case}.safetensors"));
        let cutout = Cutout::open(&file, &Compute::cpu()).unwrap();
        for (with, depth) in [("", Depth::Bytes), (r#""steps": "continuous""#, Depth::Float)] {
            let name = format!("{case}.safetensors");
            let found = run(dir.path(), "SubjectMask", &pictures, &name, with, &Cancel::default()).unwrap();
            let found = mask(&found);
            assert_eq!((found.batch(), found.height(), found.width()), (2, 33, 48));
            for index in 0..2 {
                let wanted = cutout.matte_in(&pictures, index, depth, &mut |_, _| Ok(())).unwrap();
                assert_eq!(found.frame(index), wanted.data(), "{case} {index}");
                assert!(wanted.data().iter().any(|v| *v != wanted.data()[0]), "{case}: something to see");
            }
            let whole = found.data().iter().all(|v| ((v * 255.0).round() - v * 255.0).abs() < 1e-4);
            assert_eq!(whole, depth == Depth::Bytes, "{case}: bytes are bytes, floats are not");
        }
    }
}

#[test]
fn colours_are_kept_or_faded() {
    let (dir, _) = scratch();
    models(dir.path());
    let pictures = batch(3);
    let go = |with: &str| {
        run(dir.path(), "RemoveBackground", &pictures, "u2net.safetensors", with, &Cancel::default()).unwrap()
    };
    let kept = go("");
    let faded = go(r#""colours": "faded (rembg)""#);
    let alone =
        run(dir.path(), "SubjectMask", &pictures, "u2net.safetensors", "", &Cancel::default()).unwrap();
    assert_eq!(mask(&kept).data(), mask(&alone).data());
    assert_eq!(mask(&faded).data(), mask(&alone).data());
    let (kept, faded) = (image(&kept), image(&faded));
    assert_eq!((kept.batch(), kept.channels()), (2, 4));
    let pixels = kept.data().chunks_exact(4).zip(faded.data().chunks_exact(4));
    for ((kept, faded), (pixel, alpha)) in
        pixels.zip(pictures.data().chunks_exact(3).zip(mask(&alone).data()))
    {
        assert_eq!((&kept[..3], kept[3]), (pixel, *alpha));
        assert_eq!(faded[3], *alpha);
        for (faded, value) in faded.iter().zip(pixel) {
            // As Pillow blends bytes with nothing: a * b / 255, rounded.
            let product = byte(*value) * byte(*alpha);
            assert_eq!(byte(*faded), (product + 127) / 255, "{value} {alpha}");
        }
    }
}

#[test]
fn what_is_transparent_stays_so() {
    let (dir, _) = scratch();
    models(dir.path());
    for (with, near) in [("", 0.0021), (r#""steps": "continuous""#, 1e-6)] {
        let go = |channels: usize| {
            let pictures = batch(channels);
            mask(
                &run(dir.path(), "SubjectMask", &pictures, "u2net.safetensors", with, &Cancel::default())
                    .unwrap(),
            )
        };
        let (clear, opaque) = (go(4), go(3));
        let alpha = batch(4);
        for ((clear, opaque), pixel) in
            clear.data().iter().zip(opaque.data()).zip(alpha.data().chunks_exact(4))
        {
            assert!((clear - opaque * pixel[3]).abs() <= near, "{clear} {opaque} {}", pixel[3]);
            assert!(pixel[3] < 1.0 || clear == opaque);
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let (dir, _) = scratch();
    models(dir.path());
    let pictures = batch(3);
    let fails =
        |model: &str| run(dir.path(), "SubjectMask", &pictures, model, "", &Cancel::default()).unwrap_err();
    let said = fails("broken.onnx");
    assert!(said.contains("broken.onnx is cut short") && said.contains("model"), "{said}");
    assert!(fails("none.onnx").contains("none.onnx"));
}

#[test]
fn a_cancelled_run_stops_inside_the_network() {
    let (dir, _) = scratch();
    models(dir.path());
    let cancel = Cancel::default();
    cancel.cancel();
    let file = dir.path().join("background_removal/u2net.safetensors");
    assert!(run(dir.path(), "SubjectMask", &batch(3), "u2net.safetensors", "", &cancel).is_err());
    // And the network itself after the step that says so.
    let cutout = Cutout::open(&file, &Compute::cpu()).unwrap();
    let mut seen = 0;
    let mut step = |done, _| {
        seen = done;
        if done == 2 { Err(kiln_networks::NetError::Cancelled) } else { Ok(()) }
    };
    assert!(cutout.matte_in(&batch(3), 0, Depth::Bytes, &mut step).is_err());
    assert_eq!(seen, 2);
}

fn hash(values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|v| v.to_bits().to_le_bytes());
    bytes.fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

/// What the nodes give, as hashes, with their versions: the same on every machine. A hash that changes wants a new version
/// of its node, for caches hold what the old one made.
#[test]
fn nothing_changes_without_a_new_version() {
    let (dir, _) = scratch();
    models(dir.path());
    let pictures = batch(4);
    let shelf = Arc::new(Shelf::cpu());
    let versions: BTreeMap<String, u32> = kiln_cutout::nodes(&shelf)
        .iter()
        .map(|n| (n.schema().name.to_string(), n.schema().version))
        .collect();
    let mut found = Vec::new();
    for (node, model, with) in [
        ("SubjectMask", "u2net", ""),
        ("SubjectMask", "u2net", r#""steps": "continuous""#),
        ("SubjectMask", "modnet", ""),
        ("RemoveBackground", "modnet", ""),
        ("RemoveBackground", "u2net", r#""colours": "faded (rembg)""#),
    ] {
        let name = format!("{model}.safetensors");
        let made = run(dir.path(), node, &pictures, &name, with, &Cancel::default()).unwrap();
        let mut values = mask(&made).data().to_vec();
        if node == "RemoveBackground" {
            values.extend(image(&made).data());
        }
        found.push(format!("{node} {} {model} {with} {:016x}", versions[node], hash(&values)));
    }
    let golden = include_str!("golden.txt");
    assert_eq!(found.join("\n"), golden.trim_end());
}
