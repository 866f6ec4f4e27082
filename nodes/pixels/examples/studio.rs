//! What a studio does after the cut-out, as one picture to look at, and how long it takes.
//!
//!     python tests/reference/vision/cutout.py tests/fixtures/vision FOLDER
//!     cargo run --release -p kiln-pixels --example studio -- FOLDER studio.png
//!
//! The first command writes a made-up person before green, 1024 x 1024, into FOLDER.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example stops when it cannot go on")]

use std::path::Path;
use std::time::Instant;

use kiln_pixels::alpha::with_mask;
use kiln_pixels::foreground::foreground;
use kiln_pixels::geometry::crop;
use kiln_pixels::gradient::{Stop, gradient_linear};
use kiln_pixels::layer::Paint;
use kiln_pixels::mask::{Channel, from_channel, threshold};
use kiln_pixels::place::{Anchor, Placement, place, plain};
use kiln_pixels::refine::{Refine, refine};
use kiln_pixels::samples::to_byte;
use kiln_pixels::shadow::{Drop, Ground, Line, Side, drop_shadow, ground_shadow, outline};
use kiln_types::{Color, Image, Mask};

fn open(folder: &Path, name: &str) -> Image {
    let file = std::fs::File::open(folder.join(format!("cutout_{name}.png"))).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let wide = if info.color_type == png::ColorType::Grayscale { 3 } else { 1 };
    let data = bytes[..info.buffer_size()].iter().flat_map(|v| vec![f32::from(*v) / 255.0; wide]);
    Image::new(1, info.height as usize, info.width as usize, 3, data.collect()).unwrap()
}

fn timed<T>(name: &str, work: impl Fn() -> T) -> T {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..3 {
        let start = Instant::now();
        last = Some(work());
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<28} {:>8.1} ms", best * 1e3);
    last.unwrap()
}

/// On the backdrop of the sheet, as large as it is.
fn on(backdrop: &Image, subject: &Image) -> Image {
    let how = Placement { anchor: Anchor::Center, offset: [0, 0], scale: 0.0, flip: None, linear: false };
    place(backdrop, subject, &how).unwrap().image
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let folder = Path::new(&arguments[1]);
    let (picture, truth) = (open(folder, "picture"), open(folder, "alpha"));
    let truth = from_channel(&truth, Channel::Red).unwrap();
    let (w, h) = (picture.width(), picture.height());
    let rough = threshold(&truth, 0.5).unwrap();

    let how = Refine {
        islands: 64,
        holes: 64,
        radius: 24,
        epsilon: 1e-4,
        band: 48.0,
        contrast: 0.1,
        ..Refine::default()
    };
    let mask: Mask = timed("refine, radius 24", || refine(&picture, &rough, &how).unwrap());
    let off = |m: &Mask| {
        let sum: f64 = m.data().iter().zip(truth.data()).map(|(a, b)| f64::from((a - b).abs())).sum();
        sum / m.data().len() as f64
    };
    println!("mask off by {:.4}, refined by {:.4}", off(&rough), off(&mask));
    let clean = timed("foreground", || foreground(&picture, &mask).unwrap());
    let best = foreground(&picture, &truth).unwrap();

    let black = Paint { color: Color::BLACK, opacity: 0.5, grow: true };
    let white = Paint { color: Color::WHITE, opacity: 1.0, grow: true };
    let drop = Drop { offset: [16, 24], blur: 24.0, spread: 0.0 };
    let dropped = timed("drop shadow, blur 24", || drop_shadow(&clean, None, &drop, &black).unwrap());
    let line = Line { width: 16.0, side: Side::Outside, blur: 0.0, threshold: 0.1 };
    let sticker = timed("outline, 16 px", || outline(&best, None, &line, &white).unwrap());
    let sticker = drop_shadow(&sticker.image, None, &drop, &black).unwrap();
    let glow = Paint { color: Color::rgb8(255, 200, 60), ..white };
    let glowing = outline(&best, None, &Line { width: 10.0, blur: 14.0, ..line }, &glow).unwrap();
    // A whole figure for the shadows on the ground: the head without the side that is cut off.
    let standing = place(
        &plain(w, h, Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 }).unwrap(),
        &best,
        &Placement { anchor: Anchor::Center, offset: [0, 0], scale: 0.6, flip: None, linear: false },
    )
    .unwrap()
    .image;
    let round = Ground::Ellipse { width: 1.0, flat: 0.2, soft: 0.9 };
    let cast = Ground::Cast { length: 0.4, lean: 0.6, fade: 0.7, blur: 16.0 };
    let under = ground_shadow(&standing, None, &round, [0, 0], &Paint { grow: false, ..black }).unwrap();
    let thrown = timed("silhouette on the ground", || {
        ground_shadow(&standing, None, &cast, [0, 0], &Paint { grow: false, ..black }).unwrap()
    });

    let stops = [
        Stop { at: 0.0, color: Color::rgb8(250, 246, 240) },
        Stop { at: 1.0, color: Color::rgb8(214, 208, 220) },
    ];
    let backdrop = gradient_linear(w, h, &stops, 90.0).unwrap();
    let naive = with_mask(&picture, &rough).unwrap();
    let haloed = with_mask(&picture, &truth).unwrap();
    let panels = [
        picture.clone(),
        on(&backdrop, &naive),
        on(&backdrop, &haloed),
        on(&backdrop, &clean),
        on(&backdrop, &best),
        on(&backdrop, &dropped.image),
        on(&backdrop, &sticker.image),
        on(&plain(w, h, Color::rgb8(24, 26, 40)).unwrap(), &glowing.image),
        on(&backdrop, &under.image),
        on(&backdrop, &thrown.image),
    ];
    let columns = 5;
    let mut sheet = plain(w * columns, h * panels.len().div_ceil(columns), Color::WHITE).unwrap();
    for (i, panel) in panels.iter().enumerate() {
        let (x, y) = ((i % columns * w) as isize, (i / columns * h) as isize);
        sheet = kiln_pixels::composite::composite(&sheet, panel, x, y, false, None).unwrap();
    }
    save(Path::new(&arguments[2]), &sheet);
    // The edge from near: what was there, the halo, no halo.
    let near = |image: &Image| crop(image, w * 5 / 8, h / 4, w / 4, h / 4).unwrap();
    let mut edge = plain(w, h / 4, Color::WHITE).unwrap();
    for (i, panel) in [1, 2, 3, 4].iter().enumerate() {
        let x = (i * (w / 4)) as isize;
        edge = kiln_pixels::composite::composite(&edge, &near(&panels[*panel]), x, 0, false, None).unwrap();
    }
    save(&Path::new(&arguments[2]).with_extension("edge.png"), &edge);
}

fn save(path: &Path, image: &Image) {
    let file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, image.width() as u32, image.height() as u32);
    encoder.set_color(png::ColorType::Rgb);
    let bytes: Vec<u8> = image.data().iter().map(|v| to_byte(*v)).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}
