//! The picture nodes: load, save, resize, blend, grade, mask, measure, judge, lay out.
//!
//! Each file holds a few nodes of one idea, each node one function; the samples are worked on by
//! `kiln_pixels`, files are read and written by `kiln_codec`. Where ComfyUI has a node, its name, its
//! parameters and their defaults are the same here, so that its graphs translate word by word.

mod alpha;
mod batch;
mod blend;
mod compare;
mod composite;
mod curve;
mod cutout;
mod filter;
mod frame;
mod gates;
mod geometry;
mod grade;
mod letters;
mod load;
mod lut;
mod make;
mod mask;
mod mask_from;
mod measure;
mod noise;
mod palette;
mod ports;
mod quantize;
mod resize;
mod review;
mod save;
mod scale;
mod shadow;
mod sheet;
mod stylize;
mod unique;

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<kiln_core::Node> {
    [
        load::nodes(),
        save::nodes(),
        make::nodes(),
        noise::nodes(),
        scale::nodes(),
        resize::nodes(),
        geometry::nodes(),
        frame::nodes(),
        batch::nodes(),
        blend::nodes(),
        composite::nodes(),
        alpha::nodes(),
        cutout::nodes(),
        shadow::nodes(),
        filter::nodes(),
        stylize::nodes(),
        quantize::nodes(),
        palette::nodes(),
        grade::nodes(),
        curve::nodes(),
        lut::nodes(),
        mask::nodes(),
        mask_from::nodes(),
        letters::nodes(),
        sheet::nodes(),
        compare::nodes(),
        measure::nodes(),
        gates::nodes(),
        unique::nodes(),
        review::nodes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
