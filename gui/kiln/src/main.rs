//! `kiln`: the canvas in a window. Graphs run in a worker process, which is this program again, so that a lost
//! graphics card does not take the window along.

#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(clippy::print_stderr, reason = "a program that cannot open its window says so")]

use clap::Parser;
use eframe::egui;
use kiln_canvas::app::{Setup, Studio, Template};
use kiln_core::Engine;
use kiln_core::store::FileHashes;
use kiln_runner::{PipeRunner, Runner};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

/// The first argument of the worker: nobody else's business.
const WORKER: &str = "__worker";

/// The templates that travel with the program.
const TEMPLATES: &[(&str, &str)] = &[
    ("character-collection", include_str!("../../../graphs/character-collection.ron")),
    ("text-to-character", include_str!("../../../graphs/text-to-character.ron")),
    ("prompt-variations", include_str!("../../../graphs/prompt-variations.ron")),
    ("character-sheet", include_str!("../../../graphs/character-sheet.ron")),
    ("style-grid", include_str!("../../../graphs/style-grid.ron")),
    ("upscale-and-cut-out", include_str!("../../../graphs/upscale-and-cut-out.ron")),
    ("text-to-image", include_str!("../../../graphs/text-to-image.ron")),
    ("image-to-image", include_str!("../../../graphs/image-to-image.ron")),
    ("inpaint", include_str!("../../../graphs/inpaint.ron")),
    ("two-pass", include_str!("../../../graphs/two-pass.ron")),
    ("framed-paper", include_str!("../../../graphs/framed-paper.ron")),
    ("photo-grade", include_str!("../../../graphs/photo-grade.ron")),
    ("palette-poster", include_str!("../../../graphs/palette-poster.ron")),
    ("mask-composite", include_str!("../../../graphs/mask-composite.ron")),
    ("studio-cut-out", include_str!("../../../graphs/studio-cut-out.ron")),
    ("upscale-photo", include_str!("../../../graphs/upscale-photo.ron")),
    ("contact-sheet", include_str!("../../../graphs/contact-sheet.ron")),
];

/// Wire a graph, run it, keep the good pictures.
#[derive(Parser, Debug)]
#[command(name = "kiln", version)]
struct Cli {
    /// The graph: a .ron file, or a picture that carries its graph
    #[arg(value_name = "GRAPH")]
    graph: Option<PathBuf>,
    /// A folder of models [default: $KILN_MODELS]
    #[arg(long, value_name = "DIR")]
    models: Vec<PathBuf>,
    /// Where models run: auto, cpu, gpu or gpu:1
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// The folder of settings, unsaved work and the history
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|a| a == WORKER) {
        let serve = ["graph-run", "serve"].map(OsString::from).into_iter().chain(args.into_iter().skip(2));
        return graph_run::main(serve);
    }
    let cli = Cli::parse();
    match open(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn open(cli: Cli) -> Result<(), String> {
    let data = cli.data.clone().or_else(data_folder);
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Kiln")
            .with_app_id("kiln")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([720.0, 480.0])
            .with_drag_and_drop(true),
        ..Default::default()
    };
    let make = move |cc: &eframe::CreationContext<'_>| {
        let studio = studio(&cc.egui_ctx, &cli, data);
        studio.map(|studio| Box::new(Window { studio, title: String::new() }) as Box<dyn eframe::App>)
    };
    eframe::run_native("Kiln", options, Box::new(make)).map_err(|e| e.to_string())
}

fn studio(
    ctx: &egui::Context,
    cli: &Cli,
    data: Option<PathBuf>,
) -> Result<Studio, Box<dyn std::error::Error + Send + Sync>> {
    let registry = kiln_nodes::registry();
    let mut engine = Engine::new(registry.clone())?;
    if let Some(data) = &data {
        // Hashes of large model files are worth remembering; without them, checking only takes longer.
        if std::fs::create_dir_all(data).is_ok()
            && let Ok(files) = FileHashes::open(Some(&data.join("files.db")))
        {
            engine = engine.with_files(Arc::new(files));
        }
    }
    let models = models(&cli.models);
    let program = std::env::current_exe()?;
    let (device, folders) = (cli.device.clone(), std::env::join_paths(&models).unwrap_or_default());
    let starter = move || {
        let mut command = Command::new(&program);
        command.arg(WORKER).arg("--device").arg(&device);
        if !folders.is_empty() {
            command.env("KILN_MODELS", &folders);
        }
        let runner = PipeRunner::spawn(command).map_err(|e| format!("the worker does not start: {e}"))?;
        Ok(Arc::new(runner) as Arc<dyn Runner>)
    };
    let templates = TEMPLATES
        .iter()
        .map(|(name, text)| Template { name: (*name).to_owned(), text: (*text).to_owned(), picture: None })
        .collect();
    let window = std::process::id().to_string();
    let setup = Setup {
        registry: Arc::new(registry),
        engine: Arc::new(engine),
        starter: Box::new(starter),
        data,
        models,
        templates,
        window: window.clone(),
        lives: Box::new(move |other| other == window || lives(other)),
    };
    let mut studio = Studio::new(ctx, setup);
    if let Some(path) = &cli.graph {
        studio.open_path(path);
    }
    Ok(studio)
}

/// Whether a process of this number runs. Where that cannot be told, what it kept is offered.
fn lives(process: &str) -> bool {
    cfg!(target_os = "linux") && std::path::Path::new("/proc").join(process).exists()
}

fn models(named: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = named.to_vec();
    if let Some(folders) = std::env::var_os("KILN_MODELS") {
        all.extend(std::env::split_paths(&folders));
    }
    if let Ok(here) = std::env::current_dir() {
        all.push(here.join("models"));
    }
    all
}

fn data_folder() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(folder) = var("XDG_DATA_HOME").filter(|p| p.is_absolute()) {
        return Some(folder.join("kiln"));
    }
    if cfg!(windows) {
        return var("APPDATA").map(|p| p.join("kiln"));
    }
    let home = var("HOME")?;
    let place =
        if cfg!(target_os = "macos") { "Library/Application Support/kiln" } else { ".local/share/kiln" };
    Some(home.join(place))
}

struct Window {
    studio: Studio,
    title: String,
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        if ctx.input(|i| i.viewport().close_requested()) && !self.studio.closing && self.studio.is_dirty() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.studio.ask_to_close();
        }
        self.studio.ui(ui);
        if self.studio.closing {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let title = self.studio.window_title();
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.studio.leave_quietly();
    }
}
