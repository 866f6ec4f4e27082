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
    for (name, weight) in [("inter", 420.0), ("inter-medium", 530.0), ("inter-strong", 640.0)] {
        let mut data = FontData::from_static(ttf_inter::REGULAR);
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
