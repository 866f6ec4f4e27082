//! Type: Inter, in three weights of one variable font, with Phosphor's icons among the letters.

use egui::epaint::text::VariationCoords;
use egui::{FontData, FontDefinitions, FontFamily, FontTweak};
use std::sync::Arc;

/// Text as it is read.
#[must_use]
pub fn regular() -> FontFamily {
    FontFamily::Proportional
}

/// Labels and buttons.
#[must_use]
pub fn medium() -> FontFamily {
    FontFamily::Name("medium".into())
}

/// Titles.
#[must_use]
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// The fonts.
#[must_use]
pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    egui_phosphor::add_to_fonts(&mut fonts, egui_phosphor::Variant::Regular);
    let fallback: Vec<String> =
        fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default().split_off(1);
    let letters = without_icons(ttf_inter::REGULAR);
    for (name, weight) in [("inter", 420.0), ("inter-medium", 530.0), ("inter-strong", 640.0)] {
        let mut data = FontData::from_owned(letters.clone());
        data.tweak = FontTweak { coords: VariationCoords::new([(b"wght", weight)]), ..FontTweak::default() };
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    // Icons sit a little high beside Inter.
    if let Some(icons) = fonts.font_data.get_mut("phosphor") {
        let icons = Arc::make_mut(icons);
        icons.tweak.y_offset_factor = 0.06;
    }
    let family = |name: &str| {
        let mut all = vec![name.to_owned()];
        all.extend(fallback.iter().cloned());
        all
    };
    let (plain, medium_, strong_) = (family("inter"), family("inter-medium"), family("inter-strong"));
    fonts.families.insert(FontFamily::Proportional, plain);
    fonts.families.insert(medium(), medium_);
    fonts.families.insert(strong(), strong_);
    fonts
}

/// The font without the letters that it keeps in the private use area, where the icons are. A font whose tables are
/// not as they should be is left as it is.
fn without_icons(font: &[u8]) -> Vec<u8> {
    let mut font = font.to_vec();
    // What cannot be followed ends the search; what was changed until then is sound.
    let _ = hide_private_use(&mut font);
    font
}

fn u16_at(font: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*font.get(at..)?.first_chunk()?))
}

fn u32_at(font: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*font.get(at..)?.first_chunk()?))
}

fn hide_private_use(font: &mut [u8]) -> Option<()> {
    const PRIVATE: std::ops::RangeInclusive<u32> = 0xE000..=0xF8FF;
    let tables = usize::from(u16_at(font, 4)?);
    let entry = (0..tables).map(|n| 12 + n * 16).find(|at| font.get(*at..at + 4) == Some(b"cmap"))?;
    let cmap = u32_at(font, entry + 8)? as usize;
    for n in 0..usize::from(u16_at(font, cmap + 2)?) {
        let table = cmap + u32_at(font, cmap + 4 + n * 8 + 4)? as usize;
        match u16_at(font, table)? {
            4 => {
                let segments = usize::from(u16_at(font, table + 6)? / 2);
                for segment in 0..segments {
                    let start = table + 16 + segments * 2 + segment * 2;
                    let (from, to) = (u16_at(font, start)?, u16_at(font, table + 14 + segment * 2)?);
                    if PRIVATE.contains(&from.into()) && PRIVATE.contains(&to.into()) {
                        // A segment that begins behind its end holds nothing.
                        font.get_mut(start..start + 2)?.copy_from_slice(&[0xFF, 0xFF]);
                    }
                }
            }
            12 => {
                for group in 0..u32_at(font, table + 12)? as usize {
                    let at = table + 16 + group * 12;
                    if PRIVATE.contains(&u32_at(font, at)?) {
                        font.get_mut(at + 8..at + 12)?.fill(0);
                        let from: [u8; 4] = *font.get(at..)?.first_chunk()?;
                        font.get_mut(at + 4..at + 8)?.copy_from_slice(&from);
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_fonts_are_left_alone() {
        for cut in [0, 3, 11, 100, 400, 5000] {
            assert_eq!(without_icons(&ttf_inter::REGULAR[..cut]).len(), cut);
        }
        assert_ne!(without_icons(ttf_inter::REGULAR), ttf_inter::REGULAR);
    }
}
