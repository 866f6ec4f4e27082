//! What every node gives is written down: a change of it without a new version is found.
//!
//! A picture made yesterday is named by its nodes' versions; if a node gives something else today under the
//! same version, caches hold what nobody can make again. `KILN_BLESS=1` writes the file anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, fixtures, graph, node_text, out, run, variants};
use kiln_codec::{Limits, decode};
use kiln_core::{Engine, Purity, Schema};
use serde_json::{Map, Value, json};

/// Parameters, and what they are set to.
type Set = &'static [(&'static str, &'static str)];

/// Parameter sets that the one-by-one variants do not reach.
const SETS: &[(&str, &[Set])] = &[
    (
        "PadImage",
        &[
            &[("size", "4"), ("color", "\"#101820\"")],
            &[("size", "2"), ("left", "3"), ("mode", "\"reflect\"")],
            &[("size", "5"), ("mode", "\"edge\"")],
            &[("bottom", "5"), ("color", "\"#10182040\"")],
        ],
    ),
    (
        "ResizeImage",
        &[
            &[("size", "(60, 20)"), ("fit", "\"cover\"")],
            &[("size", "(60, 20)"), ("fit", "\"contain\""), ("method", "\"nearest\"")],
            &[("size", "(60, 20)"), ("fit", "\"stretch\""), ("enlarge", "false")],
            &[("size", "(60, 20)"), ("fit", "\"cover\""), ("enlarge", "false")],
            &[("by", "\"longest side\""), ("side", "17"), ("method", "\"mitchell\"")],
            &[("by", "\"shortest side\""), ("side", "17")],
            &[("by", "\"factor\""), ("factor", "0.5"), ("method", "\"box\"")],
            &[("by", "\"megapixels\""), ("megapixels", "0.01")],
        ],
    ),
    (
        "ImageScale",
        &[
            &[("width", "17"), ("height", "0"), ("upscale_method", "\"bicubic\"")],
            &[("width", "17"), ("height", "30"), ("crop", "\"center\""), ("upscale_method", "\"area\"")],
        ],
    ),
    (
        "TurnImage",
        &[&[("degrees", "30")], &[("degrees", "30"), ("expand", "false"), ("outside", "\"edge\"")]],
    ),
    ("TransformImage", &[&[("degrees", "15"), ("scale", "1.5"), ("x", "4"), ("outside", "\"reflect\"")]]),
    (
        "GradientImage",
        &[
            &[("size", "(30, 20)"), ("shape", "\"radial\""), ("radius", "0.7"), ("center_x", "0.2")],
            &[("size", "(30, 20)"), ("degrees", "45"), ("to", "\"#ff000000\"")],
        ],
    ),
    (
        "ContactSheet",
        &[&[
            ("cell", "(16, 12)"),
            ("columns", "1"),
            ("title", "\"Two\""),
            ("caption", "\"{index}\""),
            ("captions", "[\"first\"]"),
        ]],
    ),
    (
        "DrawText",
        &[&[("text", "\"Kiln\""), ("place", "\"bottom right\""), ("size", "12"), ("color", "\"#ff0000\"")]],
    ),
    (
        "QualityGate",
        &[
            &[("contrast", "(0.9, 1.0)"), ("then", "\"skip\"")],
            &[("seam_x", "(0.0, 1.1)"), ("then", "\"fail\"")],
        ],
    ),
    ("SizeGate", &[&[("width", "(100, 200)"), ("then", "\"fail\"")]]),
    ("PaletteGate", &[&[("coverage", "1.0"), ("tolerance", "1"), ("then", "\"fail\"")]]),
    (
        "CropToMask",
        &[
            &[("margin", "3"), ("margin_percent", "20"), ("threshold", "0.6")],
            &[
                ("threshold", "0.7"),
                ("shape", "\"aspect\""),
                ("aspect", "(2, 1)"),
                ("pad", "true"),
                ("margin", "9"),
            ],
            &[("threshold", "1.0"), ("empty", "\"whole picture\"")],
        ],
    ),
    (
        "RefineMask",
        &[
            &[("islands", "20"), ("holes", "20"), ("radius", "2"), ("band", "0"), ("strength", "0.5")],
            &[("radius", "0"), ("smooth", "1.5"), ("contrast", "0.4"), ("grow", "-1.25"), ("feather", "0.8")],
        ],
    ),
    (
        "PlaceOn",
        &[
            &[
                ("size", "(50, 40)"),
                ("canvas", "\"size\""),
                ("fit", "\"contain\""),
                ("place", "\"bottom right\""),
                ("light", "true"),
            ],
            &[
                ("size", "(50, 40)"),
                ("canvas", "\"size\""),
                ("fit", "\"tile\""),
                ("scale", "0"),
                ("x", "-7"),
                ("trim", "false"),
            ],
            &[
                ("size", "(50, 40)"),
                ("canvas", "\"size\""),
                ("fit", "\"stretch\""),
                ("scale", "1.4"),
                ("flip", "\"vertically\""),
            ],
        ],
    ),
    ("DropShadow", &[&[("grow", "false"), ("x_offset", "-5"), ("spread", "2.5"), ("blur", "1.5")]]),
    (
        "GroundShadow",
        &[
            &[("shape", "\"silhouette\""), ("blur", "2")],
            &[
                ("shape", "\"silhouette\""),
                ("blur", "0"),
                ("length", "-0.7"),
                ("lean", "-0.5"),
                ("fade", "0.2"),
            ],
            &[("width", "0.5"), ("soft", "0"), ("y_offset", "4"), ("grow", "false")],
        ],
    ),
    (
        "OutlineSubject",
        &[
            &[("side", "\"inside\""), ("width", "2.5"), ("color", "\"#ff0080\"")],
            &[("side", "\"middle\""), ("width", "3"), ("blur", "1.5")],
        ],
    ),
    ("SubjectGate", &[&[("area", "(0.9, 1.0)"), ("then", "\"fail\"")]]),
    ("ImageCompositeMasked", &[&[("x", "-5"), ("y", "7")], &[("resize_source", "true")]]),
];

/// Everything a graph's node `n` gave, or that it gave nothing.
fn gave(engine: &Engine, schema: &Schema, text: &str, hash: &mut blake3::Hasher) {
    let dir = tempfile::tempdir().unwrap();
    let effect = schema.purity == Purity::Effect;
    let how = Run {
        want: if effect { &[] } else { &["n"] },
        out: effect.then(|| out(dir.path())),
        ..Run::default()
    };
    let Ok(report) = run(engine, &graph(text), how) else {
        hash.update(b"refused");
        return;
    };
    for rejection in &report.rejections {
        hash.update(format!("{} {}", rejection.score, rejection.reason).as_bytes());
    }
    if effect {
        let mut files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|f| f.is_file()) {
            hash.update(file.file_name().unwrap().as_encoded_bytes());
            let made = decode(&std::fs::read(file).unwrap(), &Limits::default()).unwrap();
            hash.update(&[made.bits]);
            made.image.data().iter().for_each(|v| {
                hash.update(&v.to_le_bytes());
            });
        }
        return;
    }
    match report.values.get("n") {
        Some(Ok(values)) => {
            for value in values {
                let (ty, version, bytes) = engine.registry().codecs().encode(value).unwrap();
                hash.update(format!("{ty} {version} {}", bytes.len()).as_bytes());
                hash.update(&bytes);
            }
        }
        _ => {
            hash.update(b"nothing");
        }
    }
}

fn fingerprint(engine: &Engine, schema: &Schema) -> String {
    let mut hash = blake3::Hasher::new();
    for clear in [false, true] {
        gave(engine, schema, &node_text(schema, clear, &[]), &mut hash);
    }
    for param in schema.params.iter().filter(|p| !p.control) {
        for value in variants(&param.kind, param.default.as_ref()) {
            // Whether AVIF is there depends on the build.
            if value != "\"avif\"" {
                gave(engine, schema, &node_text(schema, true, &[(param.name.to_owned(), value)]), &mut hash);
            }
        }
    }
    for (_, sets) in SETS.iter().filter(|(name, _)| *name == schema.name) {
        for set in *sets {
            let with: Vec<(String, String)> =
                set.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            gave(engine, schema, &node_text(schema, false, &with), &mut hash);
        }
    }
    hash.finalize().to_hex().to_string()
}

#[test]
fn nothing_changes_without_a_new_version() {
    let engine = engine();
    let path = fixtures().join("golden/image.json");
    let known: Value =
        std::fs::read(&path).map_or_else(|_| json!({}), |b| serde_json::from_slice(&b).unwrap());
    let mut now = Map::new();
    let mut wrong = Vec::new();
    let mut nodes = kiln_image::nodes();
    // What a person decides is written down nowhere.
    nodes.retain(|n| !n.asks_a_person());
    nodes.sort_by_key(|n| n.schema().name.clone());
    for node in nodes {
        let schema = node.schema();
        let name = schema.name.to_string();
        let entry = json!({ "version": schema.version, "hash": fingerprint(&engine, schema) });
        match known.get(&name) {
            Some(old) if *old == entry => {}
            Some(old) if old["version"] == entry["version"] => wrong.push(format!(
                "{name} gives something else under the same version {}: raise its version, or undo the change",
                schema.version
            )),
            Some(_) => wrong.push(format!("{name} has a new version: bless it")),
            None => wrong.push(format!("{name} is not written down yet: bless it")),
        }
        now.insert(name, entry);
    }
    if let Some(known) = known.as_object() {
        wrong.extend(
            known
                .keys()
                .filter(|k| !now.contains_key(*k))
                .map(|k| format!("{k} is gone: graphs still name it")),
        );
    }
    if std::env::var_os("KILN_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&Value::Object(now)).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nto write down what is meant: KILN_BLESS=1 cargo test -p kiln-image --test golden"
    );
}

#[test]
fn sets_are_of_nodes_that_exist() {
    let engine = engine();
    for (name, sets) in SETS {
        let node = engine.registry().get(name).unwrap_or_else(|| panic!("{name}"));
        for (param, _) in sets.iter().flat_map(|s| s.iter()) {
            assert!(node.schema().params.iter().any(|p| p.name == *param), "{name}.{param}");
        }
    }
}
