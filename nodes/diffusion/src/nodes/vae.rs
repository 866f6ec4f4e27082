//! Between pictures and latents.

use crate::damage::{self, Side};
use crate::runtime::{BuiltVae, Runtime};
use crate::values::{Concat, Conditioning, Latent, NoiseMask, VaeValue, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_tensor::compute::values;
use kiln_types::{Image, Mask, names as base};
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![
        decode(runtime.clone()),
        decode_tiled(runtime.clone()),
        encode(runtime.clone()),
        encode_tiled(runtime.clone()),
        encode_inpaint(runtime.clone()),
        inpaint_conditioning(runtime.clone()),
    ]
}

/// Planes to pixels, -1..1 to 0..1.
fn picture(planes: &[f32], [n, c, h, w]: [usize; 4]) -> Result<Image, NodeError> {
    let mut out = Vec::with_capacity(planes.len());
    for image in planes.chunks_exact(c * h * w).take(n) {
        for at in 0..h * w {
            for channel in 0..c {
                out.push(((image[channel * h * w + at] + 1.0) / 2.0).clamp(0.0, 1.0));
            }
        }
    }
    Ok(Image::new(n, h, w, c, out)?)
}

/// Pixels to planes, 0..1 to -1..1; alpha is left out, and what does not fill a latent pixel is cut off all around.
fn planes(image: &Image, factor: usize) -> Result<(Vec<f32>, [usize; 4]), NodeError> {
    let (h, w) = (image.height() / factor * factor, image.width() / factor * factor);
    if h == 0 || w == 0 {
        return Err(NodeError::new(format!(
            "a picture of {}x{} is smaller than one latent pixel",
            image.width(),
            image.height()
        ))
        .at("image")
        .hint(format!("it must be at least {factor} pixels to a side")));
    }
    let (top, left) = ((image.height() - h) / 2, (image.width() - w) / 2);
    let mut out = Vec::with_capacity(image.batch() * 3 * h * w);
    for n in 0..image.batch() {
        for channel in 0..3 {
            for y in 0..h {
                for x in 0..w {
                    out.push(image.pixel(n, top + y, left + x)[channel] * 2.0 - 1.0);
                }
            }
        }
    }
    Ok((out, [image.batch(), 3, h, w]))
}

fn check_channels(latent: &Latent, vae: &BuiltVae) -> Result<(), NodeError> {
    let wanted = vae.vae.latent_channels();
    if latent.channels() == wanted {
        return Ok(());
    }
    Err(NodeError::new(format!(
        "the latent has {} channels, but this autoencoder has {wanted}",
        latent.channels()
    ))
    .at("latent")
    .hint("decode it with the autoencoder of the model that drew it"))
}

/// Why an answer is not a number: a weight, or else what came in.
fn spoiled(runtime: &Runtime, vae: &VaeValue, what: &str, input: &'static str) -> NodeError {
    match damage::find(runtime, &vae.weights, Side::Vae) {
        Some(found) => found.at("vae"),
        None => {
            NodeError::new(what.to_owned()).at(input).hint("what came in may be damaged, or far out of range")
        }
    }
}

fn decoded(cx: &Cx<'_>, runtime: &Runtime, tiles: Option<(usize, usize)>) -> Result<Image, NodeError> {
    let latent: Latent = take(cx, "latent")?;
    let vae: VaeValue = take(cx, "vae")?;
    let built = runtime.vae(&vae.weights).map_err(|e| e.at("vae"))?;
    check_channels(&latent, &built)?;
    let mut out = Vec::new();
    let mut shape = [0; 4];
    let batch = latent.batch();
    for index in 0..batch {
        cx.pause()?;
        let [_, c, h, w] = latent.shape;
        let z = built.compute.tensor::<4>(latent.picture(index).to_vec(), [1, c, h, w]);
        let mut progress =
            |done: usize, all: usize| cx.progress((index * all + done) as u64, (batch * all) as u64);
        let image = built.vae.decode(&z, tiles, &mut progress, &|| cx.pause().is_err())?;
        shape = image.dims();
        out.extend(values(image).map_err(NodeError::new)?);
        if tiles.is_none() {
            cx.progress(index as u64 + 1, batch as u64);
        }
    }
    if out.iter().any(|v| !v.is_finite()) {
        return Err(spoiled(runtime, &vae, "the autoencoder's picture is not a number", "latent"));
    }
    picture(&out, [batch, shape[1], shape[2], shape[3]])
}

/// DecodeLatent: a latent becomes a picture.
fn decode(runtime: Arc<Runtime>) -> Node {
    Node::pure("DecodeLatent", 1, move |cx| {
        let image = decoded(cx, &runtime, None)?;
        cx.set("image", image);
        Ok(())
    })
    .title("Decode")
    .category("diffusion/latent")
    .doc("Turns a latent picture into one that can be seen.")
    .input("latent", names::LATENT, "The latent picture.")
    .input_was(&["samples"])
    .input("vae", names::VAE, "The autoencoder.")
    .output("image", base::IMAGE, "The picture.")
    .on_device()
}

fn tile_params(node: Node) -> Node {
    node.param(
        Param::int("tile_size", 512, 64..=4096)
            .step(32.0)
            .unit("px")
            .doc("The side of a tile. Smaller needs less memory and more time."),
    )
    .param(
        Param::int("overlap", 64, 0..=4096)
            .step(32.0)
            .unit("px")
            .doc("How far tiles overlap: more hides their edges better. A quarter of a tile at most."),
    )
}

fn tiles(cx: &Cx<'_>) -> Result<(usize, usize), NodeError> {
    let (tile, overlap) = (cx.count("tile_size")?, cx.count("overlap")?);
    let overlap = if tile < overlap * 4 { tile / 4 } else { overlap };
    Ok((tile, overlap))
}

/// DecodeTiled: the same, tile by tile.
fn decode_tiled(runtime: Arc<Runtime>) -> Node {
    tile_params(
        Node::pure("DecodeTiled", 1, move |cx| {
            let (tile, overlap) = tiles(cx)?;
            let image = decoded(cx, &runtime, Some((tile / 8, overlap / 8)))?;
            cx.set("image", image);
            Ok(())
        })
        .title("Decode in tiles")
        .category("diffusion/latent")
        .doc("Turns a large latent picture into one that can be seen, tile by tile: for pictures that do not fit into memory at once.")
        .input("latent", names::LATENT, "The latent picture.")
        .input_was(&["samples"])
        .input("vae", names::VAE, "The autoencoder."),
    )
    .output("image", base::IMAGE, "The picture.")
    .on_device()
}

fn encoded(
    cx: &Cx<'_>,
    runtime: &Runtime,
    image: &Image,
    tiles: Option<(usize, usize)>,
) -> Result<Latent, NodeError> {
    let vae: VaeValue = take(cx, "vae")?;
    let built = runtime.vae(&vae.weights).map_err(|e| e.at("vae"))?;
    let (pixels, [n, c, h, w]) = planes(image, built.vae.factor())?;
    let mut out = Vec::new();
    let mut shape = [0; 4];
    for (index, one) in pixels.chunks_exact(c * h * w).enumerate() {
        cx.pause()?;
        let x = built.compute.tensor::<4>(one.to_vec(), [1, c, h, w]);
        let mut progress =
            |done: usize, all: usize| cx.progress((index * all + done) as u64, (n * all) as u64);
        let latent = built.vae.encode(&x, tiles, &mut progress, &|| cx.pause().is_err())?;
        shape = latent.dims();
        out.extend(values(latent).map_err(NodeError::new)?);
    }
    if out.iter().any(|v| !v.is_finite()) {
        return Err(spoiled(runtime, &vae, "the autoencoder's latent is not a number", "image"));
    }
    let mut latent = Latent::new([n, shape[1], shape[2], shape[3]], out)?;
    latent.factor = built.vae.factor();
    Ok(latent)
}

/// EncodeImage: a picture becomes a latent.
fn encode(runtime: Arc<Runtime>) -> Node {
    Node::pure("EncodeImage", 1, move |cx| {
        let image = cx.image("image")?;
        let latent = encoded(cx, &runtime, &image, None)?;
        cx.set("latent", latent);
        Ok(())
    })
    .title("Encode")
    .category("diffusion/latent")
    .doc(
        "Turns a picture into a latent one, to draw on from it. Sides that are no multiple of 8 lose up to 7 pixels, \
         evenly on both ends. Transparency is not seen.",
    )
    .input("image", base::IMAGE, "The picture.")
    .input_was(&["pixels"])
    .input("vae", names::VAE, "The autoencoder.")
    .output("latent", names::LATENT, "The latent picture.")
    .on_device()
}

/// EncodeTiled: the same, tile by tile.
fn encode_tiled(runtime: Arc<Runtime>) -> Node {
    tile_params(
        Node::pure("EncodeTiled", 1, move |cx| {
            let (tile, overlap) = tiles(cx)?;
            let image = cx.image("image")?;
            let latent = encoded(cx, &runtime, &image, Some((tile, overlap)))?;
            cx.set("latent", latent);
            Ok(())
        })
        .title("Encode in tiles")
        .category("diffusion/latent")
        .doc("Turns a large picture into a latent one, tile by tile.")
        .input("image", base::IMAGE, "The picture.")
        .input_was(&["pixels"])
        .input("vae", names::VAE, "The autoencoder."),
    )
    .output("latent", names::LATENT, "The latent picture.")
    .on_device()
}

/// The mask at the picture's size and its middle part that the encoder sees.
fn fitted_mask(mask: &Mask, image: &Image, factor: usize) -> (Vec<f32>, usize, usize) {
    let (h, w) = (image.height(), image.width());
    let resized = crate::guide::resize_mask(mask.data(), mask.batch(), [mask.height(), mask.width()], [h, w]);
    let (ch, cw) = (h / factor * factor, w / factor * factor);
    let (top, left) = ((h - ch) / 2, (w - cw) / 2);
    let mut out = Vec::with_capacity(mask.batch() * ch * cw);
    for n in 0..mask.batch() {
        for y in 0..ch {
            let at = (n * h + top + y) * w + left;
            out.extend_from_slice(&resized[at..at + cw]);
        }
    }
    (out, ch, cw)
}

/// The picture's middle part with what the mask selects turned grey.
fn greyed(image: &Image, mask: &[f32], masks: usize, [h, w]: [usize; 2]) -> Result<Image, NodeError> {
    let (top, left) = ((image.height() - h) / 2, (image.width() - w) / 2);
    let mut out = Vec::with_capacity(image.batch() * h * w * 3);
    for n in 0..image.batch() {
        for y in 0..h {
            for x in 0..w {
                let keep = 1.0 - mask[((n % masks) * h + y) * w + x].round_ties_even();
                out.extend(image.pixel(n, top + y, left + x)[..3].iter().map(|v| (v - 0.5) * keep + 0.5));
            }
        }
    }
    Ok(Image::new(image.batch(), h, w, 3, out)?)
}

/// A mask grown by a square of `by` pixels: more to the right and down when `by` is even.
fn grown(mask: &[f32], masks: usize, [h, w]: [usize; 2], by: usize) -> Vec<f32> {
    if by == 0 {
        return mask.iter().map(|v| v.round_ties_even()).collect();
    }
    // A window of `by` pixels that begins `ceil((by - 1) / 2)` before the pixel.
    let before = by / 2;
    let run = |plane: &[f32], length: usize, count: usize, step: usize, stride: usize| -> Vec<f32> {
        let mut out = vec![0.0; plane.len()];
        for line in 0..count {
            for at in 0..length {
                let from = at.saturating_sub(before);
                let to = (at + by - before).min(length);
                let any = (from..to).any(|i| plane[line * stride + i * step] > 0.0);
                out[line * stride + at * step] = f32::from(u8::from(any));
            }
        }
        out
    };
    let mut all = Vec::with_capacity(mask.len());
    for n in 0..masks {
        let plane: Vec<f32> = mask[n * h * w..(n + 1) * h * w].iter().map(|v| v.round_ties_even()).collect();
        let wide = run(&plane, w, h, 1, w);
        all.extend(run(&wide, h, w, w, 1));
    }
    all
}

/// EncodeForInpaint: a picture without what is to be redrawn.
fn encode_inpaint(runtime: Arc<Runtime>) -> Node {
    Node::pure("EncodeForInpaint", 1, move |cx| {
        let (image, mask) = (cx.image("image")?, cx.mask("mask")?);
        let (small, h, w) = fitted_mask(&mask, &image, 8);
        if h == 0 || w == 0 {
            planes(&image, 8)?;
        }
        let grey = greyed(&image, &small, mask.batch(), [h, w])?;
        let mut latent = encoded(cx, &runtime, &grey, None)?;
        let data = grown(&small, mask.batch(), [h, w], cx.count("grow_mask_by")?);
        latent.mask = Some(NoiseMask { batch: mask.batch(), height: h, width: w, data });
        cx.set("latent", latent);
        Ok(())
    })
    .title("Encode for inpainting")
    .category("diffusion/latent")
    .doc(
        "Turns a picture into a latent one, grey where the mask is, and lets noise change only that part. With ordinary \
         models, draw it with denoise 1.",
    )
    .input("image", base::IMAGE, "The picture.")
    .input_was(&["pixels"])
    .input("vae", names::VAE, "The autoencoder.")
    .input("mask", base::MASK, "1 where the picture is to be drawn anew.")
    .param(Param::int("grow_mask_by", 6, 0..=64).unit("px").doc("How far the redrawn part reaches beyond the mask, so that edges blend."))
    .output("latent", names::LATENT, "The latent picture with its mask.")
    .on_device()
}

/// InpaintConditioning: what an inpainting model must be told.
fn inpaint_conditioning(runtime: Arc<Runtime>) -> Node {
    Node::pure("InpaintConditioning", 1, move |cx| {
        let (image, mask) = (cx.image("image")?, cx.mask("mask")?);
        let (small, h, w) = fitted_mask(&mask, &image, 8);
        if h == 0 || w == 0 {
            planes(&image, 8)?;
        }
        let grey = greyed(&image, &small, mask.batch(), [h, w])?;
        let known = Arc::new(encoded(cx, &runtime, &grey, None)?);
        let mut latent = encoded(cx, &runtime, &image, None)?;
        let noise_mask = NoiseMask { batch: mask.batch(), height: h, width: w, data: small };
        for port in ["positive", "negative"] {
            let mut conditioning: Conditioning = take(cx, port)?;
            for entry in &mut conditioning.entries {
                entry.concat = Some(Concat { latent: known.clone(), mask: Some(noise_mask.clone()) });
            }
            cx.set(port, conditioning);
        }
        if cx.bool("noise_mask")? {
            latent.mask = Some(noise_mask);
        }
        cx.set("latent", latent);
        Ok(())
    })
    .title("Inpaint conditioning")
    .category("diffusion/prompt")
    .doc("Tells an inpainting model (9 channels) which part to draw anew and what is around it.")
    .input("positive", names::CONDITIONING, "What the picture should show.")
    .input("negative", names::CONDITIONING, "What it should not show.")
    .input("vae", names::VAE, "The autoencoder.")
    .input("image", base::IMAGE, "The picture.")
    .input_was(&["pixels"])
    .input("mask", base::MASK, "1 where the picture is to be drawn anew.")
    .param(Param::bool("noise_mask", true).doc("Let noise change only the masked part."))
    .output("positive", names::CONDITIONING, "The same, with the picture.")
    .output("negative", names::CONDITIONING, "The same, with the picture.")
    .output("latent", names::LATENT, "The picture as a latent one.")
    .on_device()
}
