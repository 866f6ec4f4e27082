//! A studio without a window, and hands that press, drag and type.

use crate::raster::{Still, Textures, draw};
use egui::{Key, Modifiers, Pos2, Rect, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, HarnessBuilder};
use kiln_canvas::app::{Setup, Studio, Template};
use kiln_canvas::model::Document;
use kiln_core::types::Image;
use kiln_core::{Engine, Node, Param, Registry};
use kiln_runner::{InProcess, Runner};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The nodes of pictures and of numbers: enough for a real graph, and quick to build.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_image::nodes());
    // A prompt, without the models that would read it.
    registry.add(
        Node::pure("Words", 1, |cx| {
            let text = cx.text("text")?;
            cx.set("text", text.as_ref());
            Ok(())
        })
        .param(Param::prompt("text", ""))
        .output("text", "Text", "The words."),
    );
    registry
}

pub fn png(image: &Image, frame: usize) -> Result<Vec<u8>, String> {
    let options = kiln_codec::SaveOptions::new(kiln_codec::Format::Png);
    kiln_codec::encode(image, frame, &options).map_err(|e| e.to_string())
}

/// A studio, its hands and its folder.
pub struct Bench {
    pub harness: Harness<'static, Option<Studio>>,
    pub folder: tempfile::TempDir,
    textures: Textures,
    scale: f32,
}

pub fn template(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../graphs").join(format!("{name}.ron"));
    std::fs::read_to_string(path).unwrap()
}

impl Bench {
    /// With an empty document.
    pub fn new() -> Self {
        Self::with(vec2(1400.0, 860.0), 1.0, None)
    }

    /// With this document.
    pub fn of(text: &str) -> Self {
        let mut bench = Self::new();
        bench.show(text);
        bench
    }

    pub fn with(size: Vec2, scale: f32, data: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = data.map_or_else(|| folder.path().join("data"), Path::to_path_buf);
        std::fs::create_dir_all(&data).unwrap();
        if !data.join("settings.json").exists() {
            let out = folder.path().join("out");
            let settings = serde_json::json!({ "toured": true, "out": out });
            std::fs::write(data.join("settings.json"), settings.to_string()).unwrap();
        }
        let textures = Textures::default();
        let app = move |ui: &mut egui::Ui, studio: &mut Option<Studio>| {
            // The fonts are there from the frame after this one, as in a window.
            let first = studio.is_none();
            let studio = studio.get_or_insert_with(|| {
                let registry = registry();
                let engine = Arc::new(Engine::new(registry.clone()).unwrap());
                let worker = engine.clone();
                let setup = Setup {
                    registry: Arc::new(registry),
                    engine,
                    starter: Box::new(move || {
                        Ok(Arc::new(InProcess::new(worker.clone(), Arc::new(png))) as Arc<dyn Runner>)
                    }),
                    data: Some(data.clone()),
                    models: Vec::new(),
                    templates: vec![Template {
                        name: "framed-paper".to_owned(),
                        text: template("framed-paper"),
                        picture: None,
                    }],
                    window: "1".to_owned(),
                    lives: Box::new(|_| false),
                };
                Studio::new(ui.ctx(), setup)
            });
            if !first {
                // A window gives all of its room; the harness keeps a margin.
                let all = egui::UiBuilder::new().max_rect(ui.ctx().content_rect());
                let mut ui = ui.new_child(all);
                ui.set_clip_rect(ui.max_rect());
                studio.ui(&mut ui);
            }
        };
        let harness = HarnessBuilder::default()
            .with_size(size)
            .with_pixels_per_point(scale)
            .with_max_steps(64)
            .with_step_dt(1.0 / 20.0)
            .renderer(textures.clone())
            .build_ui_state(app, None);
        let mut bench = Self { harness, folder, textures, scale };
        bench.settle();
        bench
    }

    pub fn studio(&mut self) -> &mut Studio {
        self.harness.state_mut().as_mut().unwrap()
    }

    pub fn show(&mut self, text: &str) {
        let path = self.folder.path().join("graph.ron");
        self.studio().show_document(Document::parse(text).unwrap(), Some(path));
        self.settle();
    }

    /// Some frames, until what moves has come to rest.
    pub fn settle(&mut self) {
        self.harness.run_steps(9);
    }

    /// The document as it would be saved.
    pub fn text(&mut self) -> String {
        self.studio().doc.to_text()
    }

    pub fn graph(&mut self) -> kiln_core::document::Graph {
        self.studio().doc.to_graph()
    }

    /// Where something is, by its name.
    pub fn rect(&self, label: &str) -> Rect {
        self.harness.get_by_label(label).rect()
    }

    pub fn has(&self, label: &str) -> bool {
        self.harness.query_by_label(label).is_some()
    }

    pub fn at(&self, label: &str) -> Pos2 {
        self.rect(label).center()
    }

    pub fn click(&mut self, label: &str) {
        let at = self.at(label);
        self.click_at(at, Modifiers::NONE);
    }

    pub fn click_with(&mut self, label: &str, keys: Modifiers) {
        let at = self.at(label);
        self.click_at(at, keys);
    }

    fn button(&mut self, at: Pos2, button: egui::PointerButton, pressed: bool, modifiers: Modifiers) {
        self.harness.event(egui::Event::ModifiersChanged(modifiers));
        self.harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
        self.harness.step();
    }

    fn hover(&mut self, at: Pos2) {
        self.harness.event(egui::Event::PointerMoved(at));
        self.harness.step();
    }

    pub fn click_at(&mut self, at: Pos2, keys: Modifiers) {
        // A pause, so that two clicks are not a double one.
        self.harness.run_steps(12);
        self.hover(at);
        self.button(at, egui::PointerButton::Primary, true, keys);
        self.button(at, egui::PointerButton::Primary, false, keys);
        self.harness.event(egui::Event::ModifiersChanged(Modifiers::NONE));
        self.settle();
    }

    pub fn menu_at(&mut self, at: Pos2) {
        self.hover(at);
        self.button(at, egui::PointerButton::Secondary, true, Modifiers::NONE);
        self.button(at, egui::PointerButton::Secondary, false, Modifiers::NONE);
        self.settle();
    }

    pub fn double_click_at(&mut self, at: Pos2) {
        self.harness.run_steps(12);
        self.hover(at);
        for _ in 0..2 {
            self.button(at, egui::PointerButton::Primary, true, Modifiers::NONE);
            self.button(at, egui::PointerButton::Primary, false, Modifiers::NONE);
        }
        self.settle();
    }

    pub fn drag(&mut self, from: Pos2, to: Pos2, keys: Modifiers) {
        self.harness.run_steps(12);
        self.hover(from);
        self.button(from, egui::PointerButton::Primary, true, keys);
        for n in 1..=6 {
            self.harness.event(egui::Event::ModifiersChanged(keys));
            self.hover(from + (to - from) * (n as f32 / 6.0));
        }
        self.harness.step();
        self.button(to, egui::PointerButton::Primary, false, keys);
        self.harness.event(egui::Event::ModifiersChanged(Modifiers::NONE));
        self.settle();
    }

    pub fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.settle();
    }

    /// Waits for something that other threads do.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Studio) -> bool) {
        let end = Instant::now() + Duration::from_secs(120);
        while !done(self.studio()) {
            assert!(Instant::now() < end, "{what} did not happen");
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
        self.settle();
    }

    /// A picture of what is shown.
    pub fn still(&mut self) -> Still {
        let output = self.harness.output();
        let (shapes, scale) = (output.shapes.clone(), output.pixels_per_point);
        let primitives = self.harness.ctx.tessellate(shapes, scale);
        let size = self.harness.ctx.content_rect().size();
        let _ = self.scale;
        draw(&primitives, &self.textures, size, scale)
    }

    /// Everything that has a name now.
    pub fn labels(&self) -> Vec<String> {
        let root = self.harness.root();
        let mut all: Vec<String> =
            root.children_recursive().filter_map(|n| n.accesskit_node().label()).collect();
        all.sort();
        all
    }
}
