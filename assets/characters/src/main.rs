//! `kiln-characters`: draws characters, sheets of them, and streams of samples for training.

use clap::{Args, Parser, Subcommand, ValueEnum};
use kiln_characters::sheet::{Sheet, png};
use kiln_characters::stream::{self, Request, StreamError};
use kiln_characters::traits::FIELDS;
use kiln_characters::wish::{Wish, WishError, field};
use kiln_characters::{DrawError, Look, Split, canonical, caption_in, draw_in};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Draws the characters that the demo models learn from.
///
/// Everything follows from seeds: the same command gives the same bytes on every machine.
#[derive(Parser)]
#[command(name = "kiln-characters", version, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kiln-characters sheet --count 36 --labels -o family.png           thirty-six by chance, with captions
  kiln-characters sheet --every headgear --with kind=cat -o hats.png  every headgear, on cats
  kiln-characters sheet --list                                        all traits and their values
  kiln-characters one --with kind=dragon --with color=teal --size 512 -o dragon.png
  kiln-characters one --seed 7 --look 'legendary gold' --layer subject -o gold.png
  kiln-characters stream --count 100000 --seed 1 --split train -o train.bin
  kiln-characters log --count 100000 --seed 1 --split train           what is in that stream, and its hash";

#[derive(Subcommand)]
enum Command {
    /// Many characters on one picture.
    ///
    /// By chance, or with `--every TRAIT` one for each value of a trait.
    Sheet(SheetArgs),
    /// One character.
    ///
    /// Prints its traits and captions; `--layer` chooses what is saved.
    One(OneArgs),
    /// Many samples as raw bytes, for a trainer.
    ///
    /// A header (`KILNCHR1`, a length, JSON that describes everything), then records of one length: seed (u64),
    /// picture (RGB), alpha, trait numbers, caption. Records of the same seed, size, split and look are the same
    /// bytes whatever the number of threads; all numbers are little-endian.
    Stream(StreamArgs),
    /// A table of prompts with what they ask for, to try a trained model on.
    ///
    /// CSV: seed, prompt, then a column per trait. `graph-run GRAPH --rows FILE` makes a picture of each row, and
    /// `measure_prompts.py` judges the pictures.
    Prompts(PromptsArgs),
    /// What a stream holds: a line of JSON per part, and the hash of all pictures and captions.
    ///
    /// Draws everything again: the hash proves that the same data can be made anew.
    Log(LogArgs),
}

#[derive(Clone, Copy, ValueEnum)]
enum SplitArg {
    /// What a model learns from.
    Train,
    /// The combinations training never shows.
    HeldOut,
    /// Both.
    All,
}

#[derive(Args)]
struct Common {
    /// Everything follows from this number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Width and height of each picture, in pixels.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=4096))]
    size: u32,
    /// Which part of all characters.
    #[arg(long, value_enum, default_value = "all")]
    split: SplitArg,
    /// A manner of drawing: usual, legendary gold, night or pixel art.
    #[arg(long, default_value = "usual", value_parser = look)]
    look: Look,
}

#[derive(Args)]
struct Wishes {
    /// A trait that must be so, as NAME=VALUE (may be given several times).
    #[arg(long = "with", value_name = "NAME=VALUE")]
    with: Vec<String>,
}

#[derive(Args)]
struct SheetArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    wishes: Wishes,
    /// How many characters.
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u32).range(1..=4096))]
    count: u32,
    /// One for every value of this trait, instead of a number by chance.
    #[arg(long, value_name = "TRAIT")]
    every: Option<String>,
    /// Pictures in a row; as many rows as columns unless said.
    #[arg(long)]
    columns: Option<usize>,
    /// Words under each picture: its caption, or the value of the trait.
    #[arg(long)]
    labels: bool,
    /// The characters alone, without their backgrounds.
    #[arg(long)]
    alone: bool,
    /// Prints every trait with its values, and draws nothing.
    #[arg(long)]
    list: bool,
    /// Where the PNG goes.
    #[arg(short, long, default_value = "characters.png")]
    output: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layer {
    /// The character on its background.
    Picture,
    /// The character alone.
    Subject,
    /// Its alpha, as grey.
    Alpha,
    /// The background alone.
    Background,
}

#[derive(Args)]
struct OneArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    wishes: Wishes,
    /// What is saved.
    #[arg(long, value_enum, default_value = "picture")]
    layer: Layer,
    /// Where the PNG goes; nothing is saved without.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

#[derive(Args)]
struct StreamArgs {
    #[command(flatten)]
    common: Common,
    /// How many samples.
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// How many threads draw; all cores unless said.
    #[arg(long)]
    threads: Option<usize>,
    /// Where the bytes go; to standard output unless said.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

#[derive(Args)]
struct PromptsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    wishes: Wishes,
    /// How many prompts.
    #[arg(long, default_value_t = 500)]
    count: u64,
    /// Where the table goes; to standard output unless said.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

#[derive(Args)]
struct LogArgs {
    #[command(flatten)]
    common: Common,
    /// How many samples.
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// How many threads draw; all cores unless said.
    #[arg(long)]
    threads: Option<usize>,
    /// A line for every sample, too.
    #[arg(long)]
    each: bool,
}

/// What a person reads when it does not work.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Wish(#[from] WishError),
    #[error(transparent)]
    Draw(#[from] DrawError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("`--with {0}`: write it as NAME=VALUE, like `kind=cat`; `sheet --list` shows all")]
    With(String),
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    #[error("writing: {0}")]
    Io(#[from] io::Error),
}

fn look(word: &str) -> Result<Look, String> {
    Look::of(word).ok_or_else(|| format!("it can be {}", Look::WORDS.join(", ")))
}

impl Common {
    fn split(&self) -> Split {
        match self.split {
            SplitArg::Train => Split::Train,
            SplitArg::HeldOut => Split::HeldOut,
            SplitArg::All => Split::All,
        }
    }

    fn request(&self, count: u64, threads: Option<usize>) -> Request {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Request {
            count,
            seed: self.seed,
            size: self.size,
            split: self.split(),
            look: self.look,
            threads: threads.unwrap_or(cores),
        }
    }
}

impl Wishes {
    fn wish(&self) -> Result<Wish, CliError> {
        let mut wish = Wish::default();
        for pair in &self.with {
            let (name, word) = pair.split_once('=').ok_or_else(|| CliError::With(pair.clone()))?;
            wish.ask(name, word)?;
        }
        Ok(wish)
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, CliError> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|error| CliError::File { path: path.display().to_string(), error })
}

fn sheet(args: &SheetArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    if args.list {
        for (name, words) in FIELDS.iter().copied().chain([("look", Look::WORDS)]) {
            writeln!(out, "{name}: {}", words.join(", "))?;
        }
        return Ok(());
    }
    let common = &args.common;
    let wish = args.wishes.wish()?;
    let mut drawings = Vec::new();
    let mut add = |wish: Wish, seed: u64, label: Option<&str>| -> Result<(), CliError> {
        let traits = wish.granted(seed, common.split())?;
        let drawing = draw_in(&traits, common.look, seed, common.size)?;
        let label = label.map_or_else(|| caption_in(&traits, common.look, seed), str::to_owned);
        drawings.push((drawing, label));
        Ok(())
    };
    if let Some(name) = &args.every {
        let place = field(name)?;
        for (value, word) in FIELDS[place].1.iter().enumerate() {
            let mut wish = wish;
            wish.0[place] = Some(value as u8);
            // Some values go with nothing else that was asked for: those are left out.
            match add(wish, stream::seed_of(common.seed, value as u64), Some(word)) {
                Err(CliError::Wish(WishError::Never(_))) => {}
                other => other?,
            }
        }
    } else {
        for index in 0..u64::from(args.count) {
            add(wish, stream::seed_of(common.seed, index), None)?;
        }
    }
    let square = (drawings.len() as f64).sqrt().ceil() as usize;
    let lines = match (args.labels, args.every.is_some()) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => (1400 / common.size as usize).clamp(2, 10),
    };
    let sheet = Sheet::of(&drawings, args.columns.unwrap_or(square), lines, args.alone);
    let mut file = create(&args.output)?;
    sheet.png(&mut file)?;
    file.flush()?;
    writeln!(out, "{} characters: {}", drawings.len(), args.output.display())?;
    Ok(())
}

fn one(args: &OneArgs) -> Result<(), CliError> {
    let common = &args.common;
    let traits = args.wishes.wish()?.granted(common.seed, common.split())?;
    let drawing = draw_in(&traits, common.look, common.seed, common.size)?;
    let mut out = io::stdout().lock();
    for ((name, words), index) in FIELDS.iter().zip(traits.indices()) {
        writeln!(out, "{name}: {}", words[usize::from(index)])?;
    }
    writeln!(out, "held out of training: {}", if traits.held_out() { "yes" } else { "no" })?;
    writeln!(out, "in full: {}", canonical(&traits))?;
    for turn in 0..4 {
        writeln!(out, "caption: {}", caption_in(&traits, common.look, common.seed.wrapping_add(turn)))?;
    }
    if let Some(path) = &args.output {
        let grey = |alpha: &[u8]| alpha.iter().flat_map(|&a| [a, a, a, 255]).collect::<Vec<u8>>();
        let pixels = match args.layer {
            Layer::Picture => drawing.picture,
            Layer::Subject => drawing.subject,
            Layer::Alpha => grey(&drawing.alpha),
            Layer::Background => drawing.behind,
        };
        let mut file = create(path)?;
        let side = drawing.size as usize;
        png(&pixels, side, side, &mut file)?;
        file.flush()?;
    }
    Ok(())
}

fn stream(args: &StreamArgs) -> Result<(), CliError> {
    let request = args.common.request(args.count, args.threads);
    let start = Instant::now();
    match &args.output {
        Some(path) => {
            let mut file = create(path)?;
            stream::write(&request, &mut file)?;
        }
        None => stream::write(&request, &mut BufWriter::with_capacity(1 << 20, io::stdout().lock()))?,
    }
    let seconds = start.elapsed().as_secs_f64();
    // To standard error: standard output may be the samples.
    writeln!(
        io::stderr(),
        "{} samples of {} bytes in {seconds:.1} s: {:.0} a second on {} threads",
        request.count,
        stream::record_bytes(request.size),
        request.count as f64 / seconds.max(1e-9),
        request.threads
    )?;
    Ok(())
}

fn prompts(args: &PromptsArgs) -> Result<(), CliError> {
    let (common, wish) = (&args.common, args.wishes.wish()?);
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(create(path)?),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    write!(out, "seed,prompt")?;
    for (name, _) in FIELDS {
        write!(out, ",{name}")?;
    }
    writeln!(out)?;
    for index in 0..args.count {
        let seed = stream::seed_of(common.seed, index);
        let traits = wish.granted(seed, common.split())?;
        // No word of a caption holds a quotation mark. Seeds stay below 2^53, so that any table program keeps them.
        write!(out, "{},\"{}\"", seed >> 11, canonical(&traits))?;
        for ((_, words), value) in FIELDS.iter().zip(traits.indices()) {
            write!(out, ",{}", words[usize::from(value)])?;
        }
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

fn log(args: &LogArgs) -> Result<(), CliError> {
    let request = args.common.request(args.count, args.threads);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut counts = FIELDS.map(|(_, words)| vec![0u64; words.len()]);
    let mut all = blake3::Hasher::new();
    let mut held_out = 0u64;
    stream::samples::<CliError>(&request, |index, sample| {
        let record = stream::record(&sample, request.look);
        all.update(&record);
        held_out += u64::from(sample.traits.held_out());
        for (counts, value) in counts.iter_mut().zip(sample.traits.indices()) {
            counts[usize::from(value)] += 1;
        }
        if args.each {
            let mut hash = blake3::Hasher::new();
            hash.update(&sample.rgb).update(&sample.alpha);
            let line = serde_json::json!({
                "sample": index,
                "seed": sample.seed,
                "traits": sample.traits.indices(),
                "caption": sample.caption,
                "blake3": hash.finalize().to_hex().as_str(),
            });
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    for ((name, words), counts) in FIELDS.iter().zip(&counts) {
        let of: serde_json::Map<String, serde_json::Value> =
            words.iter().zip(counts).map(|(word, &count)| ((*word).to_owned(), count.into())).collect();
        writeln!(out, "{}", serde_json::json!({ "trait": name, "counts": of }))?;
    }
    let summary = serde_json::json!({
        "count": request.count,
        "seed": request.seed,
        "size": request.size,
        "split": request.split.word(),
        "look": request.look.word(),
        "held_out": held_out,
        "record_bytes": stream::record_bytes(request.size),
        "blake3_of_records": all.finalize().to_hex().as_str(),
        "program": concat!("kiln-characters ", env!("CARGO_PKG_VERSION")),
    });
    writeln!(out, "{summary}")?;
    out.flush()?;
    Ok(())
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Sheet(args) => sheet(&args),
        Command::One(args) => one(&args),
        Command::Stream(args) => stream(&args),
        Command::Prompts(args) => prompts(&args),
        Command::Log(args) => log(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing more can be done where even this cannot be written.
            let _ = writeln!(io::stderr(), "kiln-characters: {error}");
            ExitCode::FAILURE
        }
    }
}
