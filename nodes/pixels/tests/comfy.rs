//! Every recorded single-node run of ComfyUI on pictures, done again by this room.
//!
//! `tests/fixtures/nodes/cases.json` holds the graphs in API format, beside the pictures that went in and
//! came out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic and reports by printing"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::composite::{PorterDuff, composite, porter_duff};
use kiln_pixels::geometry::{Flip, Turn, flip, rotate};
use kiln_pixels::mask_shape::MaskOp;
use kiln_pixels::morphology::{Morph, morphology};
use kiln_pixels::pad::{Margins, pad_for_outpaint};
use kiln_pixels::quantize::{Dither, quantize};
use kiln_pixels::resample::{Crop, Method};
use kiln_pixels::samples::{from_byte, to_byte};
use kiln_pixels::stitch::{Side, stitch};
use kiln_pixels::{PixelError, batch, blur, canny, mask, mask_shape, scale};
use kiln_types::{Color, Image, Mask};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/nodes")
}

/// Width, height, channels and bytes of a picture file.
fn read(name: &str) -> (usize, usize, usize, Vec<u8>) {
    let file = std::fs::File::open(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect(name);
    let mut bytes = vec![0; reader.output_buffer_size().expect(name)];
    let info = reader.next_frame(&mut bytes).expect(name);
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    bytes.truncate(info.buffer_size());
    (info.width as usize, info.height as usize, info.color_type.samples(), bytes)
}

/// A picture as ComfyUI loads it: the colours, and a mask of what is transparent.
fn load(name: &str) -> (Image, Mask) {
    let (w, h, c, bytes) = read(name);
    let rgb = bytes.chunks_exact(c).flat_map(|p| p[..3].iter().map(|v| from_byte(*v))).collect();
    let image = Image::new(1, h, w, 3, rgb).unwrap();
    let mask = if c == 4 {
        let alpha = bytes.chunks_exact(4).map(|p| 1.0 - from_byte(p[3])).collect();
        Mask::new(1, h, w, alpha).unwrap()
    } else {
        Mask::filled(1, 64, 64, 0.0).unwrap()
    };
    (image, mask)
}

#[derive(Clone, Debug)]
enum Slot {
    Image(Image),
    Mask(Mask),
}

impl From<Image> for Slot {
    fn from(image: Image) -> Self {
        Self::Image(image)
    }
}

impl From<Mask> for Slot {
    fn from(mask: Mask) -> Self {
        Self::Mask(mask)
    }
}

/// A graph and what its nodes have given so far.
struct Run<'a> {
    graph: &'a Value,
    done: BTreeMap<String, Vec<Slot>>,
}

/// The inputs of one node.
struct Node<'a> {
    inputs: &'a Value,
    linked: BTreeMap<&'a str, Slot>,
}

impl Node<'_> {
    fn image(&self, name: &str) -> &Image {
        match self.linked.get(name) {
            Some(Slot::Image(image)) => image,
            other => panic!("{name} is {other:?}"),
        }
    }
    fn mask(&self, name: &str) -> &Mask {
        match self.linked.get(name) {
            Some(Slot::Mask(mask)) => mask,
            other => panic!("{name} is {other:?}"),
        }
    }
    fn text(&self, name: &str) -> &str {
        self.inputs[name].as_str().unwrap_or_else(|| panic!("{name}"))
    }
    fn int(&self, name: &str) -> i64 {
        self.inputs[name].as_i64().unwrap_or_else(|| panic!("{name}"))
    }
    fn size(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap()
    }
    fn float(&self, name: &str) -> f64 {
        self.inputs[name].as_f64().unwrap_or_else(|| panic!("{name}"))
    }
    fn yes(&self, name: &str) -> bool {
        self.inputs[name].as_bool().unwrap_or_else(|| panic!("{name}"))
    }
    fn method(&self) -> Method {
        Method::from_name(self.text("upscale_method")).unwrap()
    }
}

impl Run<'_> {
    fn slots(&mut self, id: &str) -> Result<Vec<Slot>, PixelError> {
        if let Some(done) = self.done.get(id) {
            return Ok(done.clone());
        }
        let graph = self.graph;
        let node = &graph[id];
        let mut linked = BTreeMap::new();
        for (name, value) in node["inputs"].as_object().unwrap() {
            if let Some([from, slot]) = value.as_array().map(Vec::as_slice) {
                let given = self.slots(from.as_str().unwrap())?;
                linked.insert(name.as_str(), given[usize::try_from(slot.as_u64().unwrap()).unwrap()].clone());
            }
        }
        let class = node["class_type"].as_str().unwrap();
        let out = run(class, &Node { inputs: &node["inputs"], linked })?;
        self.done.insert(id.to_owned(), out.clone());
        Ok(out)
    }
}

fn run(class: &str, n: &Node<'_>) -> Result<Vec<Slot>, PixelError> {
    let one = |slot: Slot| Ok(vec![slot]);
    match class {
        "LoadImage" => {
            let (image, mask) = load(n.text("image"));
            Ok(vec![image.into(), mask.into()])
        }
        "ImageScale" => {
            let crop = Crop::from_name(n.text("crop")).unwrap();
            one(scale::scale(n.image("image"), n.size("width"), n.size("height"), n.method(), crop)?.into())
        }
        "ImageScaleBy" => one(scale::scale_by(n.image("image"), n.float("scale_by"), n.method())?.into()),
        "ImageScaleToTotalPixels" => {
            let (mp, step) = (n.float("megapixels"), n.size("resolution_steps"));
            one(scale::scale_to_megapixels(n.image("image"), mp, step, n.method())?.into())
        }
        "ImageInvert" => {
            // A point operation of its own room: here it only feeds the comparison.
            let mut image = n.image("image").clone();
            image.data_mut().iter_mut().for_each(|v| *v = 1.0 - *v);
            one(image.into())
        }
        "ImageBlend" => {
            let mode = BlendMode::from_name(n.text("blend_mode")).unwrap();
            one(blend(n.image("image1"), n.image("image2"), n.float("blend_factor"), mode)?.into())
        }
        "ImageBlur" => one(blur::blur(n.image("image"), n.size("blur_radius"), n.float("sigma"))?.into()),
        "ImageQuantize" => {
            let dither = Dither::from_name(n.text("dither")).unwrap();
            one(quantize(n.image("image"), n.size("colors"), dither)?.into())
        }
        "ImagePadForOutpaint" => {
            let margins = Margins {
                left: n.size("left"),
                top: n.size("top"),
                right: n.size("right"),
                bottom: n.size("bottom"),
            };
            let (image, mask) = pad_for_outpaint(n.image("image"), margins, n.size("feathering"))?;
            Ok(vec![image.into(), mask.into()])
        }
        "ImageCompositeMasked" => {
            let (x, y) = (n.int("x") as isize, n.int("y") as isize);
            let (under, over) = (n.image("destination"), n.image("source"));
            one(composite(under, over, x, y, n.yes("resize_source"), Some(n.mask("mask")))?.into())
        }
        "Canny" => {
            let (low, high) = (n.float("low_threshold") as f32, n.float("high_threshold") as f32);
            one(canny::canny(n.image("image"), low, high)?.into())
        }
        "ImageFlip" => {
            let how = if n.text("flip_method").starts_with('x') { Flip::Vertical } else { Flip::Horizontal };
            one(flip(n.image("image"), how)?.into())
        }
        "ImageRotate" => {
            let turn = n.text("rotation").strip_suffix(" degrees").and_then(Turn::from_name);
            one(rotate(n.image("image"), turn.unwrap_or(Turn::None))?.into())
        }
        "ImageToMask" => {
            let channel = mask::Channel::from_name(n.text("channel")).unwrap();
            one(mask::from_channel(n.image("image"), channel)?.into())
        }
        "MaskToImage" => one(mask::to_image(n.mask("mask"))?.into()),
        "ImageColorToMask" => {
            let [_, r, g, b] = u32::try_from(n.int("color")).unwrap().to_be_bytes();
            one(mask::from_color(n.image("image"), [r, g, b])?.into())
        }
        "SolidMask" => one(mask::solid(n.float("value") as f32, n.size("width"), n.size("height"))?.into()),
        "InvertMask" => one(mask::invert(n.mask("mask"))?.into()),
        "ThresholdMask" => one(mask::threshold(n.mask("mask"), n.float("value") as f32)?.into()),
        "MaskComposite" => {
            let op = MaskOp::from_name(n.text("operation")).unwrap();
            let (x, y) = (n.int("x") as isize, n.int("y") as isize);
            one(mask_shape::combine(n.mask("destination"), n.mask("source"), x, y, op)?.into())
        }
        "FeatherMask" => {
            let [l, t, r, b] = ["left", "top", "right", "bottom"].map(|side| n.size(side));
            one(mask_shape::feather(n.mask("mask"), l, t, r, b)?.into())
        }
        "GrowMask" => {
            let by = i32::try_from(n.int("expand")).unwrap();
            one(mask_shape::grow(n.mask("mask"), by, n.yes("tapered_corners"))?.into())
        }
        "JoinImageWithAlpha" => one(mask::join_alpha(n.image("image"), n.mask("alpha"))?.into()),
        "SplitImageWithAlpha" => {
            let (image, mask) = mask::split_alpha(n.image("image"))?;
            Ok(vec![image.into(), mask.into()])
        }
        "PorterDuffImageComposite" => {
            let mode = PorterDuff::from_name(n.text("mode")).unwrap();
            let (over, under) = (n.image("source"), n.image("destination"));
            let (over_mask, under_mask) = (n.mask("source_alpha"), n.mask("destination_alpha"));
            let (image, mask) = porter_duff(over, over_mask, under, under_mask, mode)?;
            Ok(vec![image.into(), mask.into()])
        }
        "RepeatImageBatch" => one(batch::repeat(n.image("image"), n.size("amount"))?.into()),
        "ImageStitch" => {
            let side = Side::from_name(n.text("direction")).unwrap();
            assert_eq!(n.text("spacing_color"), "white");
            let (a, b, gap) = (n.image("image1"), n.image("image2"), n.size("spacing_width"));
            one(stitch(a, b, side, n.yes("match_image_size"), gap, Color::WHITE)?.into())
        }
        "Morphology" => {
            let op = Morph::from_name(n.text("operation")).unwrap();
            one(morphology(n.image("image"), op, n.size("kernel_size"))?.into())
        }
        other => panic!("no such node here: {other}"),
    }
}

/// The id of the node whose pictures are saved.
fn saved(graph: &Value) -> Option<&str> {
    let save = graph.as_object()?.values().find(|node| node["class_type"] == "SaveImage")?;
    save["inputs"]["images"][0].as_str()
}

#[test]
fn every_recorded_picture_comes_out_within_one_of_255() {
    let cases: Value =
        serde_json::from_slice(&std::fs::read(folder().join("cases.json")).expect("the cases")).unwrap();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (name, case) in cases.as_object().unwrap() {
        let graph = &case["graph"];
        let Some(last) = saved(graph) else {
            assert!(name.starts_with("math_"), "{name} saves nothing");
            continue;
        };
        seen += 1;
        let result = Run { graph, done: BTreeMap::new() }.slots(last);
        if case["status"] == "error" {
            let error = result.expect_err(name).to_string();
            assert!(error.contains("alpha"), "{name}: {error}");
            continue;
        }
        let slots = result.unwrap_or_else(|e| panic!("{name}: {e}"));
        let Slot::Image(image) = &slots[0] else { panic!("{name} is no picture") };
        let outputs = case["outputs"].as_array().unwrap();
        assert_eq!(image.batch(), outputs.len(), "{name}");
        for (i, output) in outputs.iter().enumerate() {
            let (w, h, c, bytes) = read(output["file"].as_str().unwrap());
            assert_eq!((w, h, c), (image.width(), image.height(), image.channels()), "{name}");
            let differences = image.frame(i).iter().zip(&bytes).map(|(v, b)| to_byte(*v).abs_diff(*b));
            let (most, off) =
                differences.fold((0, 0), |(most, off), d| (d.max(most), off + u32::from(d > 0)));
            println!("{name}: at most {most} of 255, {off} of {} samples differ", bytes.len());
            if most > 1 {
                wrong.push(format!("{name}: {most} of 255 ({off} samples)"));
            }
        }
    }
    assert_eq!(seen, 49);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
