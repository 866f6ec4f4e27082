//! The graphs to begin with: each one runs as it is.

use crate::place::Place;

/// Every template's name.
fn names() -> Vec<String> {
    let place = Place::new();
    let all = place.run(&["templates", "--json"]).ends(0).json();
    all.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_graphs_of_the_folder_travel_with_the_program() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../graphs");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|e| Some(e.unwrap().path().file_name()?.to_str()?.strip_suffix(".ron")?.to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, names());
}

#[test]
fn every_template_runs_as_it_is() {
    let place = Place::new();
    // The sheet of a folder wants a folder of pictures.
    place.write("paper.ron", crate::place::PAPER);
    place.run(&["paper.ron", "--out", "pictures", "--set", "name=paper", "--quiet"]).ends(0);
    // And one wants a picture of one's own.
    std::fs::copy(place.path("pictures/paper.png"), place.path("picture.png")).unwrap();
    for name in names() {
        let file = format!("{name}.ron");
        let said = place.run(&["new", &name]).ends(0);

        place.run(&["fmt", "--check", &file]).ends(0);
        // Some want a model that is not here: other tests run them with small or real ones. Those with the demo models
        // have a test of their own.
        let text = place.text(&file);
        if text.contains("\"kiln-") {
            place.run(&["verify", &file]).ends(0).says("as on the cards");
            continue;
        }
        if ["LoadCheckpoint", "LoadCutoutModel", "LoadUpscaler", "LoadClip"].iter().any(|n| text.contains(n))
        {
            let looked = place.run(&["check", &file]).ends(2);
            assert!(format!("{}{}", looked.out, looked.err).contains("there is no model"), "{name}");
            continue;
        }
        place.run(&["check", &file]).ends(0);
        let mut args = vec![file.as_str(), "--out", name.as_str()];
        if said.out.contains("--items") {
            args.extend(["--items", "12"]);
        }
        place.run(&args).ends(0).says("done");
        assert!(!place.files(&name).is_empty(), "{name}");
        let text = place.text(&file);
        assert!(text.contains("title:") && text.contains("about:") && text.contains("expose:"), "{name}");
        // Again: nothing is left to do.
        let again = place.run(&[&args[..], &["--json"]].concat()).ends(0).json();
        assert_eq!(again["effects"]["done"], 0, "{name}: {again}");
    }
}

#[test]
fn a_collection_makes_itself_again() {
    let place = Place::new();
    place.run(&["new", "framed-paper"]).ends(0);
    let said = place.run(&[
        "framed-paper.ron",
        "--items",
        "3",
        "--no-cache",
        "--json",
        "--set",
        "good.contrast=(0.095, 1)",
    ]);
    assert!(said.ends(0).json()["rejected"].as_u64().unwrap() > 0, "a gate that never rejects shows nothing");
    let pictures = |folder: &str| {
        let mut files = place.files(folder);
        files.retain(|f| f.ends_with(".png"));
        files
    };
    assert_eq!(pictures("out"), ["00000.png", "00001.png", "00002.png", "sheet.png"]);
    assert_eq!(place.files("out/rejected"), ["good"], "what was rejected is to be looked at");
    // The sheet says of which items it was made.
    place.run(&["out/sheet.png", "--out", "again", "--no-cache"]).ends(0).says("3 items");
    assert_eq!(place.files("again"), place.files("out"));
    for name in pictures("out") {
        assert_eq!(place.bytes(&format!("again/{name}")), place.bytes(&format!("out/{name}")), "{name}");
    }
    // One of them alone, drawn again as often as it was: no sheet.
    place.run(&["out/00002.png", "--out", "one", "--no-cache"]).ends(0);
    assert_eq!(pictures("one"), ["00002.png"]);
    assert_eq!(place.bytes("one/00002.png"), place.bytes("out/00002.png"));
}

#[test]
fn a_collection_waits_for_all_its_items() {
    let place = Place::new();
    place.run(&["new", "framed-paper"]).ends(0);
    place.write("rows.csv", "save.name\na\n../b\nc\n");
    let said = place.run(&["framed-paper.ron", "--rows", "rows.csv"]).ends(1);
    said.complains("retry").complains("--partial");
    assert!(!place.path("out/sheet.png").exists());
    place.write("rows.csv", "save.name\na\nb\nc\n");
    place.run(&["retry"]).ends(0);
    assert!(place.path("out/sheet.png").exists());
    place.write("rows.csv", "save.name\na\n../b\nc\n");
    place.run(&["framed-paper.ron", "--rows", "rows.csv", "--out", "part", "--partial"]).ends(1);
    assert_eq!(place.files("part"), ["a.png", "c.png", "sheet.png"]);
}

#[test]
fn a_collection_is_shown_before_it_runs() {
    let place = Place::new();
    place.run(&["new", "framed-paper"]).ends(0);
    let said = place.run(&["framed-paper.ron", "--items", "3", "--dry-run"]).ends(0);
    said.says("known while running")
        .says("save ({item:05}) and sheet (sheet) would write")
        .says("over 3 items");
    place.run(&["keys", "framed-paper.ron"]).ends(0).says("QualityGate 2");
}

/// The pictures that lie in a folder: how many, how large, and that none is of one colour.
fn pictures(place: &Place, folder: &str, count: usize, size: (usize, usize)) {
    let mut files = place.files(folder);
    files.retain(|f| f.ends_with(".png"));
    assert_eq!(files.len(), count, "{folder}: {files:?}");
    for file in files {
        let bytes = place.bytes(&format!("{folder}/{file}"));
        let picture = kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap().image;
        assert_eq!((picture.width(), picture.height()), size, "{file}");
        let other = picture.data().iter().any(|v| *v != picture.data()[0]);
        assert!(other, "{file} is of one colour");
    }
}

#[test]
fn the_demo_models_draw_from_words() {
    let place = Place::new();
    place.run(&["new", "text-to-character"]).ends(0);
    place.run(&["text-to-character.ron", "--items", "2", "--set", "steps=8", "--out", "a"]).ends(0);
    pictures(&place, "a", 2, (128, 128));
    // The same seed gives the same bytes, other words another picture.
    place
        .run(&["text-to-character.ron", "--items", "2", "--set", "steps=8", "--out", "b", "--no-cache"])
        .ends(0);
    assert_eq!(place.bytes("a/00000.png"), place.bytes("b/00000.png"));
    let red = ["--set", "prompt=a red bear on a white background", "--out", "c", "--set", "steps=8"];
    place.run(&[&["text-to-character.ron", "--items", "2"], &red[..]].concat()).ends(0);
    assert_ne!(place.bytes("a/00000.png"), place.bytes("c/00000.png"));
}

#[test]
fn the_main_job_ends_with_a_minted_collection() {
    let place = Place::new();
    place.run(&["new", "character-collection"]).ends(0);
    let args = ["character-collection.ron", "--items", "12", "--set", "steps=6", "--out", "out"];
    place.run(&args).ends(0).says("done");
    pictures(&place, "out/images", 12, (512, 512));
    assert_eq!(place.files("out/metadata").len(), 12);
    for file in ["out/sheet.png", "out/report/index.html", "out/collection.json"] {
        assert!(!place.bytes(file).is_empty(), "{file}");
    }
    place.run(&["audit", "out"]).ends(0);
    // Again: nothing is minted, pinned or written a second time.
    let again = place.run(&[&args[..], &["--json"]].concat()).ends(0).json();
    assert_eq!(again["effects"]["done"], 0, "{again}");
}
