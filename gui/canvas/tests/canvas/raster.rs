//! Pictures of the interface without a graphics card: egui's triangles, drawn one after the other. The same triangles
//! give the same bytes everywhere.

use egui::epaint::{ImageDelta, Primitive};
use egui::{ClippedPrimitive, Color32, ImageData, Pos2, TextureId, TexturesDelta};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
    linear: bool,
}

/// Textures as a renderer has them.
#[derive(Clone, Default)]
pub struct Textures(Rc<RefCell<HashMap<TextureId, Texture>>>);

impl egui_kittest::TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        let mut all = self.0.borrow_mut();
        #[allow(clippy::iter_over_hash_type, reason = "each texture is set on its own")]
        for (id, deltas) in delta.set.iter() {
            for one in deltas {
                set(&mut all, *id, one);
            }
        }
        #[allow(clippy::iter_over_hash_type, reason = "each texture is freed on its own")]
        for id in &delta.free {
            all.remove(id);
        }
        delta.set.clear();
        delta.free.clear();
    }
}

fn set(all: &mut HashMap<TextureId, Texture>, id: TextureId, delta: &ImageDelta) {
    let ImageData::Color(image) = &delta.image;
    let linear = delta.options.magnification == egui::TextureFilter::Linear;
    match delta.pos {
        None => {
            all.insert(id, Texture { size: image.size, pixels: image.pixels.clone(), linear });
        }
        Some([x, y]) => {
            let Some(there) = all.get_mut(&id) else { return };
            for row in 0..image.size[1] {
                let to = (y + row) * there.size[0] + x;
                let from = row * image.size[0];
                there.pixels[to..to + image.size[0]]
                    .copy_from_slice(&image.pixels[from..from + image.size[0]]);
            }
        }
    }
}

impl Texture {
    fn at(&self, x: isize, y: isize) -> [f32; 4] {
        let x = x.clamp(0, self.size[0] as isize - 1) as usize;
        let y = y.clamp(0, self.size[1] as isize - 1) as usize;
        self.pixels[y * self.size[0] + x].to_array().map(f32::from)
    }

    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        // Where a letter lies in the atlas is no part of the picture: what that does to the last bits is rounded off.
        let exact = |v: f32, size: usize| (v * size as f32 * 32.0).round() / 32.0;
        let (x, y) = (exact(u, self.size[0]), exact(v, self.size[1]));
        if !self.linear {
            return self.at(x.floor() as isize, y.floor() as isize);
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (x0, y0) = (x0 as isize, y0 as isize);
        if fx == 0.0 && fy == 0.0 {
            return self.at(x0, y0);
        }
        let (a, b) = (self.at(x0, y0), self.at(x0 + 1, y0));
        let (c, d) = (self.at(x0, y0 + 1), self.at(x0 + 1, y0 + 1));
        std::array::from_fn(|n| {
            let top = a[n] + (b[n] - a[n]) * fx;
            let low = c[n] + (d[n] - c[n]) * fx;
            top + (low - top) * fy
        })
    }
}

/// A picture: width, height, and red, green, blue, alpha of each pixel.
pub struct Still {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

/// On which side of a line a point is. The same line, seen from its other triangle, gives exactly the opposite.
fn side(a: Pos2, b: Pos2, p: Pos2) -> f64 {
    let of = |a: Pos2, b: Pos2| {
        let (ax, ay, bx, by) = (f64::from(a.x), f64::from(a.y), f64::from(b.x), f64::from(b.y));
        (bx - ax) * (f64::from(p.y) - ay) - (by - ay) * (f64::from(p.x) - ax)
    };
    if (a.x, a.y) <= (b.x, b.y) { of(a, b) } else { -of(b, a) }
}

/// Draws what was tessellated.
pub fn draw(primitives: &[ClippedPrimitive], textures: &Textures, size: egui::Vec2, scale: f32) -> Still {
    let (width, height) = ((size.x * scale).round() as usize, (size.y * scale).round() as usize);
    let mut canvas = vec![[0f32; 4]; width * height];
    let all = textures.0.borrow();
    for primitive in primitives {
        let Primitive::Mesh(mesh) = &primitive.primitive else { continue };
        let Some(texture) = all.get(&mesh.texture_id) else { continue };
        let clip = primitive.clip_rect * scale;
        let bounds = [
            clip.min.x.round().max(0.0) as usize,
            clip.min.y.round().max(0.0) as usize,
            (clip.max.x.round().max(0.0) as usize).min(width),
            (clip.max.y.round().max(0.0) as usize).min(height),
        ];
        for corner in mesh.indices.chunks_exact(3) {
            let v = [0, 1, 2].map(|n| &mesh.vertices[corner[n] as usize]);
            let p = v.map(|v| Pos2::new(v.pos.x * scale, v.pos.y * scale));
            let area = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[1].y - p[0].y) * (p[2].x - p[0].x);
            let area64 = side(p[0], p[1], p[2]);
            if area64 == 0.0 {
                continue;
            }
            let low = |a: f32, b: f32, c: f32| a.min(b).min(c).floor().max(0.0) as usize;
            let high = |a: f32, b: f32, c: f32| a.max(b).max(c).ceil().max(0.0) as usize;
            let (x0, x1) =
                (low(p[0].x, p[1].x, p[2].x).max(bounds[0]), high(p[0].x, p[1].x, p[2].x).min(bounds[2]));
            let (y0, y1) =
                (low(p[0].y, p[1].y, p[2].y).max(bounds[1]), high(p[0].y, p[1].y, p[2].y).min(bounds[3]));
            let color = v.map(|v| v.color.to_array().map(f32::from));
            let plain = v[0].uv == v[1].uv && v[1].uv == v[2].uv;
            let flat = plain.then(|| texture.sample(v[0].uv.x, v[0].uv.y));
            // A pixel on a shared edge belongs to one triangle: the one whose edge is a top or a left one.
            let keeps = |a: Pos2, b: Pos2| {
                let (a, b) = if area > 0.0 { (a, b) } else { (b, a) };
                (a.y == b.y && b.x > a.x) || b.y < a.y
            };
            let edge = [keeps(p[1], p[2]), keeps(p[2], p[0]), keeps(p[0], p[1])];
            for y in y0..y1 {
                for x in x0..x1 {
                    let at = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                    let sides = [side(p[1], p[2], at), side(p[2], p[0], at), side(p[0], p[1], at)];
                    let inside = |n: usize| {
                        let s = if area > 0.0 { sides[n] } else { -sides[n] };
                        s > 0.0 || (s == 0.0 && edge[n])
                    };
                    if !(0..3).all(inside) {
                        continue;
                    }
                    let (w0, w1) = ((sides[0] / area64) as f32, (sides[1] / area64) as f32);
                    let w2 = 1.0 - w0 - w1;
                    let mix = |f: &dyn Fn(usize) -> f32| f(0) * w0 + f(1) * w1 + f(2) * w2;
                    let texel =
                        flat.unwrap_or_else(|| texture.sample(mix(&|n| v[n].uv.x), mix(&|n| v[n].uv.y)));
                    let source: [f32; 4] = std::array::from_fn(|c| mix(&|n| color[n][c]) * texel[c] / 255.0);
                    let pixel = &mut canvas[y * width + x];
                    let left = 1.0 - source[3] / 255.0;
                    for c in 0..4 {
                        pixel[c] = source[c] + pixel[c] * left;
                    }
                }
            }
        }
    }
    let rgba = canvas.iter().flat_map(|p| p.map(|v| v.round().clamp(0.0, 255.0) as u8)).collect();
    Still { width, height, rgba }
}

impl Still {
    /// As a PNG file.
    pub fn png(&self) -> Vec<u8> {
        let data = self.rgba.iter().map(|v| f32::from(*v) / 255.0).collect();
        let image = kiln_core::types::Image::new(1, self.height, self.width, 4, data).unwrap();
        kiln_codec::encode(&image, 0, &kiln_codec::SaveOptions::new(kiln_codec::Format::Png)).unwrap()
    }
}
