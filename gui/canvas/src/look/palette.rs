//! Colours of both themes. Text on what it stands on has a contrast of at least 4.5 to 1; a test keeps it so.

use egui::Color32;
use kiln_core::types::names;

/// The colours of one theme.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whether it is the dark one.
    pub dark: bool,
    /// The plane itself.
    pub plane: Color32,
    /// Dots of the grid.
    pub dots: Color32,
    /// Panels at the sides.
    pub panel: Color32,
    /// What floats: menus, windows.
    pub raised: Color32,
    /// The body of a node.
    pub node: Color32,
    /// Fields to write in.
    pub field: Color32,
    /// What the pointer is over.
    pub hover: Color32,
    /// Thin lines between things.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text of less weight.
    pub muted: Color32,
    /// The one strong colour: what is selected, what is to be pressed.
    pub accent: Color32,
    /// Text in that colour.
    pub accent_text: Color32,
    /// Text on that colour.
    pub on_accent: Color32,
    /// Something is wrong.
    pub error: Color32,
    /// Something is worth knowing.
    pub warn: Color32,
    /// Something is done.
    pub good: Color32,
    /// Something is under way.
    pub busy: Color32,
    /// Shadows.
    pub shadow: Color32,
    /// Tints of groups and notes.
    pub tints: [Color32; 6],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

impl Look {
    /// Warm greys, an ember.
    #[must_use]
    pub fn dark() -> Self {
        Self {
            dark: true,
            plane: rgb(0x0014_1416),
            dots: rgb(0x0029_292d),
            panel: rgb(0x001b_1b1e),
            raised: rgb(0x0024_2428),
            node: rgb(0x0020_2024),
            field: rgb(0x002b_2b30),
            hover: rgb(0x0036_363d),
            line: rgb(0x0033_3339),
            text: rgb(0x00ec_eae6),
            muted: rgb(0x00a3_a1a0),
            accent: rgb(0x00f2_7b3d),
            accent_text: rgb(0x00ff_9a62),
            on_accent: rgb(0x0024_0f04),
            error: rgb(0x00ff_7a72),
            warn: rgb(0x00f3_bd56),
            good: rgb(0x006f_cf97),
            busy: rgb(0x0065_b5ff),
            shadow: Color32::from_black_alpha(120),
            tints: [
                rgb(0x0086_8a94),
                rgb(0x00e0_8a5b),
                rgb(0x00d9_b44a),
                rgb(0x0069_b58a),
                rgb(0x005f_9fd6),
                rgb(0x00a8_86d8),
            ],
        }
    }

    /// Paper, ink, the same ember, darker.
    #[must_use]
    pub fn light() -> Self {
        Self {
            dark: false,
            plane: rgb(0x00ef_ede9),
            dots: rgb(0x00d6_d3cd),
            panel: rgb(0x00f8_f7f4),
            raised: rgb(0x00ff_ffff),
            node: rgb(0x00fd_fdfc),
            field: rgb(0x00ef_eeea),
            hover: rgb(0x00e5_e3de),
            line: rgb(0x00dc_d9d3),
            text: rgb(0x0020_1f1d),
            muted: rgb(0x0065_625d),
            accent: rgb(0x00c8_4a10),
            accent_text: rgb(0x00b0_430c),
            on_accent: rgb(0x00ff_ffff),
            error: rgb(0x00b9_2b22),
            warn: rgb(0x008a_5a00),
            good: rgb(0x001d_7a47),
            busy: rgb(0x001a_66b5),
            shadow: Color32::from_black_alpha(38),
            tints: [
                rgb(0x007a_7f8a),
                rgb(0x00c9_6a37),
                rgb(0x00b0_8613),
                rgb(0x003c_8f62),
                rgb(0x0037_7ab8),
                rgb(0x0080_5cb8),
            ],
        }
    }

    /// The look of the theme a context shows.
    #[must_use]
    pub fn of(ctx: &egui::Context) -> Self {
        if ctx.theme() == egui::Theme::Dark { Self::dark() } else { Self::light() }
    }

    /// A tint by its number.
    #[must_use]
    pub fn tint(&self, number: u8) -> Color32 {
        self.tints[usize::from(number) % self.tints.len()]
    }

    /// The colour of a category's stripe and icon.
    #[must_use]
    pub fn category(&self, category: &str) -> Color32 {
        let number = match category.split('/').next().unwrap_or_default() {
            "image" if category.ends_with("/make") => 1,
            "image" if category.ends_with("/colour") => 3,
            "image" if category.ends_with("/gates") => 2,
            "image" if category.ends_with("/files") => 0,
            "image" if category.ends_with("/combine") || category.ends_with("/layout") => 5,
            "image" | "upscale" => 4,
            "diffusion" | "latent" => 5,
            "mask" | "cutout" | "colour" => 3,
            "gate" | "choose" | "clip" | "collect" | "item" => 2,
            "file" | "network" | "storage" | "chain" => 1,
            _ => 0,
        };
        self.tint(number)
    }
}

/// The icon of a category.
#[must_use]
pub fn category_icon(category: &str) -> &'static str {
    use super::icon;
    match category {
        "image/colour" | "colour" => icon::PALETTE,
        "image/gates" | "gate" | "clip/gates" => icon::SHIELD_CHECK,
        "image/files" | "file" | "latent/files" => icon::FILE,
        "image/layout" => icon::SQUARES_FOUR,
        "image/measure" => icon::RULER,
        "image/shape" | "image/size" | "latent/size" => icon::FRAME_CORNERS,
        "diffusion/prompt" => icon::QUOTES,
        "diffusion/models" => icon::CUBE,
        "diffusion/sample" => icon::SPARKLE,
        other => match other.split('/').next().unwrap_or_default() {
            "image" => icon::IMAGE,
            "diffusion" | "latent" => icon::STACK,
            "mask" | "cutout" => icon::SELECTION,
            "number" | "constant" => icon::HASH,
            "text" => icon::TEXT_T,
            "random" => icon::SHUFFLE,
            "logic" | "choose" => icon::FUNNEL,
            "list" | "collect" | "item" => icon::LIST,
            "network" => icon::GLOBE,
            "upscale" => icon::CORNERS_OUT,
            "clip" => icon::EYE,
            _ => icon::CIRCLE_HALF,
        },
    }
}

/// The colour of what flows: the same for a type everywhere.
#[must_use]
pub fn type_color(name: &str, dark: bool) -> Color32 {
    let hex = match name {
        names::IMAGE => 0x0062_a8f5,
        names::MASK => 0x00a9_b4c2,
        names::BOOL => 0x00d9_8a6a,
        names::INT | names::FLOAT | names::RANGE | names::CURVE => 0x0078_c98a,
        names::TEXT => 0x00d8_c25a,
        names::COLOR => 0x00ee_8ec6,
        names::SEED => 0x0053_c7b2,
        names::SIZE => 0x008c_c7de,
        names::FILE => 0x00bf_a987,
        names::ANY => 0x009a_9894,
        "Latent" => 0x00d3_7be0,
        "Model" => 0x00a4_8cf2,
        "Clip" | "TextEncoder" => 0x00e8_b34a,
        "Vae" => 0x00f0_7384,
        "Conditioning" => 0x00f5_9a5a,
        other => {
            // Types of families to come: a hue of their own, always the same.
            let hash =
                other.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
            let hue = (hash % 360) as f32 / 360.0;
            let color = egui::ecolor::Hsva::new(hue, 0.5, 0.85, 1.0);
            let c: Color32 = color.into();
            return if dark { c } else { darker(c) };
        }
    };
    if dark { rgb(hex) } else { darker(rgb(hex)) }
}

fn darker(c: Color32) -> Color32 {
    let by = |v: u8| (f32::from(v) * 0.78) as u8;
    Color32::from_rgb(by(c.r()), by(c.g()), by(c.b()))
}

/// The contrast of two opaque colours, from 1 to 21.
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let light = |c: Color32| {
        let channel = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b())
    };
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_everywhere() {
        for look in [Look::dark(), Look::light()] {
            let grounds = [look.plane, look.panel, look.raised, look.node, look.field];
            for ground in grounds {
                for (name, ink) in [
                    ("text", look.text),
                    ("muted", look.muted),
                    ("accent", look.accent_text),
                    ("error", look.error),
                    ("warn", look.warn),
                    ("good", look.good),
                    ("busy", look.busy),
                ] {
                    let c = contrast(ink, ground);
                    assert!(c >= 4.5, "{name} on {ground:?}, dark {}: {c}", look.dark);
                }
            }
            assert!(contrast(look.text, look.hover) >= 4.5);
            assert!(contrast(look.on_accent, look.accent) >= 4.5, "on accent, dark {}", look.dark);
        }
    }
}
