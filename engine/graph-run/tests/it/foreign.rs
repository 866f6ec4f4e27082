//! ComfyUI's workflows: run, checked, converted, refused.

use crate::place::Place;

/// A picture turned to its negative, laid on another and saved, in API format.
const WORKFLOW: &str = r#"{
  "57:8": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}, "_meta": {"title": "The photo"}},
  "2": {"class_type": "ImageInvert", "inputs": {"image": ["57:8", 0]}},
  "3": {"class_type": "ImageBlend", "inputs": {"image1": ["57:8", 0], "image2": ["2", 0], "blend_factor": 0.25,
        "blend_mode": "multiply"}},
  "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "made/it"}}
}"#;

/// A folder with the workflow and its photo.
fn place() -> Place {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    place.write("photo.png", place.bytes("out/paper.png"));
    place.write("work.json", WORKFLOW);
    place
}

#[test]
fn a_workflow_runs_and_gives_what_its_graph_gives() {
    let place = place();
    place.run(&["work.json", "--out", "a"]).ends(0).says("done · 1 written to a");
    assert_eq!(place.files("a/made"), ["it.png"]);
    place.run(&["convert", "work.json", "-o", "work.ron"]).ends(0).says("work.ron: 4 nodes");
    place.run(&["work.ron", "--out", "b"]).ends(0);
    assert_eq!(place.bytes("a/made/it.png"), place.bytes("b/made/it.png"));
    // The picture carries the graph it became.
    place.write("again.png", place.bytes("a/made/it.png"));
    place.run(&["again.png", "--out", "c"]).ends(0);
    assert_eq!(place.bytes("a/made/it.png"), place.bytes("c/made/it.png"));
    // The standard input and another ending do as well; parameters are set by id.
    place.write("work.txt", format!("\u{feff}{WORKFLOW}"));
    place.run(&["work.txt", "--out", "d", "--set", "3.blend_factor=0", "--set", "9.name=x"]).ends(0);
    assert_eq!(place.files("d"), ["x.png"]);
}

#[test]
fn a_workflow_is_checked() {
    let place = place();
    place.run(&["check", "work.json"]).ends(0).says("work.json: it can run: 4 nodes");
    place.write("wrong.json", WORKFLOW.replace("\"multiply\"", "\"multipy\""));
    let said = place.run(&["check", "wrong.json"]).ends(2);
    said.complains("wrong.json: error in 3.blend_mode").complains("did you mean \"multiply\"?");
    place.write("ring.json", WORKFLOW.replace("[\"57:8\", 0]", "[\"3\", 0]"));
    place.run(&["ring.json"]).ends(2).complains("ring.json: error").complains("nothing was run");
    place.write("odd.json", WORKFLOW.replace("\"blend_factor\"", "\"mood\": 1, \"blend_factor\""));
    let said = place.run(&["check", "odd.json", "--json"]).ends(0).json();
    assert_eq!(said["notes"][0], "3: ImageBlend has no input mood: left out");
    place.run(&["odd.json"]).ends(0).complains("odd.json: note: 3: ImageBlend has no input mood");
    assert_eq!(place.run(&["odd.json", "--quiet"]).ends(0).err, "");
}

#[test]
fn workflows_that_sample_fit_together() {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    for photo in ["photo_256x256.png", "photo_320x192.png", "mask_320x192.png"] {
        place.write(photo, place.bytes("out/paper.png"));
    }
    // Only that they are there counts before a run.
    for model in [
        "checkpoints/oracle_sd15.safetensors",
        "checkpoints/oracle_sdxl.safetensors",
        "loras/oracle_sd15_kohya.safetensors",
    ] {
        place.write(&format!("models/{model}"), "");
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nodes/dialect/tests/workflows");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        place.write(&name, std::fs::read(entry.unwrap().path()).unwrap());
        place.run(&["check", &name]).ends(0).says("it can run");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn unknown_classes_are_told_all_at_once_and_nothing_runs() {
    let place = place();
    let text = WORKFLOW.replace("ImageInvert", "ImageInvrt").replace("ImageBlend", "FaceSwapPlus");
    place.write("work.json", text);
    for args in [&["work.json", "--out", "never"][..], &["check", "work.json"], &["convert", "work.json"]] {
        let said = place.run(args).ends(2);
        let said = said.complains("work.json:3:8: error: 2 nodes have 2 classes that Kiln does not know:");
        said.complains("FaceSwapPlus: 3").complains("ImageInvrt: 2 (did you mean ImageInvert?)");
    }
    assert!(!place.path("never").exists());
    let drawing = r#"{"nodes": [], "links": [], "version": 0.4}"#;
    place.write("drawing.json", drawing);
    place.run(&["drawing.json"]).ends(2).complains("this is the editor's format");
    place.write("torn.json", &WORKFLOW[..100]);
    place.run(&["torn.json"]).ends(2).complains("torn.json:2:").complains("ends in the middle");
}

#[test]
fn notes_become_comments() {
    let place = place();
    place.write(
        "work.json",
        WORKFLOW.replace("SaveImage", "PreviewImage").replace("filename_prefix", "mood").replacen(
            '{',
            "{\"1\": {\"class_type\": \"Note\", \"inputs\": {}},",
            1,
        ),
    );
    place.run(&["convert", "work.json", "--output", "work.ron"]).ends(0).says("4 nodes, 3 comments");
    let text = place.text("work.ron");
    assert_eq!(text.matches("// ").count(), 3, "{text}");
    assert!(text.starts_with("// 1 (Note) is left out: a note is no node\nGraph("), "{text}");
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in:\n{text}"));
    assert!(at("// the preview is saved") < at("\"9\":") && at("\"3\":") < at("// the preview is saved"));
    place.run(&["fmt", "--check", "work.ron"]).ends(0);
    place.run(&["work.ron", "--out", "a"]).ends(0);
    assert_eq!(place.files("a"), ["preview-9.png"]);
    assert_eq!(place.run(&["convert", "work.json"]).ends(0).out, text);
    place.run(&["convert", "work.json", "-o", "work.ron"]).ends(2).complains("there already");
    place.run(&["convert", "work.json", "-o", "work.ron", "--overwrite"]).ends(0);
    place.run(&["convert", "work.ron"]).ends(2).complains("is a graph already");
}

#[test]
fn a_workflow_s_file_is_left_alone() {
    let place = place();
    for command in ["fmt", "lock", "verify"] {
        place.run(&[command, "work.json"]).ends(2).complains("graph-run convert work.json -o");
    }
    assert_eq!(place.text("work.json"), WORKFLOW);
    assert!(place.run(&["fmt", "--stdout", "work.json"]).ends(0).out.starts_with("Graph("));
}

#[test]
fn a_picture_of_comfyui_carries_its_workflow() {
    let place = place();
    let bytes = place.bytes("photo.png");
    let text = [b"tEXtprompt\0", WORKFLOW.as_bytes()].concat();
    let length = u32::try_from(text.len() - 4).unwrap().to_be_bytes();
    let chunk = [&length[..], &text, &crc(&text).to_be_bytes()].concat();
    // After the header, and without the graph that Kiln put in.
    let plain: Vec<u8> = without_texts(&bytes);
    let (head, rest) = plain.split_at(33);
    place.write("theirs.png", [head, &chunk, rest].concat());
    place.run(&["theirs.png", "--out", "a"]).ends(0);
    assert_eq!(place.files("a/made"), ["it.png"]);
    place
        .run(&["convert", "theirs.png"])
        .ends(0)
        .says("\"57:8\": (type: \"LoadImage\", title: \"The photo\"");
}

/// A png's chunks but for texts.
fn without_texts(png: &[u8]) -> Vec<u8> {
    let mut out = png[..8].to_vec();
    let mut at = 8;
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize + 12;
        if !matches!(&png[at + 4..at + 8], b"tEXt" | b"zTXt" | b"iTXt") {
            out.extend_from_slice(&png[at..at + length]);
        }
        at += length;
    }
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn help_tells_of_it() {
    let place = Place::new();
    place.run(&["--help"]).ends(0).says("ComfyUI's API format").says("convert");
    place.run(&["convert", "--help"]).ends(0).says("Examples:").says("workflow.json").says("--overwrite");
}
