//! The command line.

use crate::collection::args::{
    AuditArgs, CheckProofArgs, DecideArgs, EvolveArgs, PlanArgs, ProveArgs, RemakeArgs, ReportArgs, SealArgs,
};
use crate::device::Device;
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  graph-run new framed-paper                        write a first graph to framed-paper.ron
  graph-run framed-paper.ron --items 0..12          run it
  graph-run framed-paper.ron --items 0..12 --set size=512x512
  graph-run framed-paper.ron --items 0..100         make a hundred of it
  graph-run framed-paper.ron --items 100 --resume   go on where that stopped
  graph-run out/00007.png --out again               make the same picture from the graph inside it
  graph-run workflow.json                           run a workflow saved by ComfyUI with Export (API)

A run ends with 0 when all is made, 1 when something failed, 2 when the graph or the command
is wrong, 3 when some of it waits for a person's decision, 130 when it was cancelled. `graph-run COMMAND --help` tells more about a command.";

/// Runs a saved graph of picture nodes: once, or over ten thousand items.
#[derive(Parser, Debug)]
#[command(name = "graph-run", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES, max_term_width = 110, override_usage = "graph-run GRAPH [OPTIONS]\n       graph-run COMMAND …")]
pub struct Cli {
    /// What to do other than run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A run's arguments; a run record keeps them, so that `retry` can give them again.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunArgs {
    /// The graph: a .ron file, a workflow in ComfyUI's API format (.json), or a picture that carries its graph
    #[arg(value_name = "GRAPH")]
    pub graph: Option<PathBuf>,
    /// Set a parameter: an exposed name or node.param
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Make only what this node needs; may be given again
    #[arg(long, value_name = "NODE")]
    pub want: Vec<String>,
    /// Where files go, and the record of the run
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Which items: A..B, N for the first N
    #[arg(long, value_name = "A..B|N", help_heading = "Many items")]
    pub items: Option<String>,
    /// One item only
    #[arg(long, value_name = "K", conflicts_with = "items", help_heading = "Many items")]
    pub item: Option<u64>,
    /// A table, one item for each row: .csv, .json or .jsonl; columns named like parameters set them
    #[arg(long, value_name = "FILE", help_heading = "Many items")]
    pub rows: Option<PathBuf>,
    /// Items and threads at once [default: the processor's; three times as many where items write files and run no model]
    #[arg(long, short = 'j', value_name = "N", help_heading = "Many items")]
    pub jobs: Option<usize>,
    /// Keep what is done from last time, do the rest
    #[arg(long, help_heading = "Many items")]
    pub resume: bool,
    /// What collects over items runs even when some failed
    #[arg(long, help_heading = "Many items")]
    pub partial: bool,
    /// Stay until nothing waits for a person's decision any more
    #[arg(long, help_heading = "Many items")]
    pub wait_for_review: bool,
    /// Where values are kept between runs [default: $KILN_CACHE or the system's place for it]
    #[arg(long, value_name = "DIR", help_heading = "Cache and memory")]
    pub cache: Option<PathBuf>,
    /// Keep nothing between runs
    #[arg(long, conflicts_with = "cache", help_heading = "Cache and memory")]
    pub no_cache: bool,
    /// How much memory values may take: 512M, 8G
    #[arg(long, value_name = "SIZE", help_heading = "Cache and memory")]
    pub memory: Option<String>,
    /// Show what would run and be written; run nothing
    #[arg(long, help_heading = "Seeing")]
    pub dry_run: bool,
    /// Say of each node why it ran or did not
    #[arg(long, help_heading = "Seeing")]
    pub explain: bool,
    /// Print a summary as JSON at the end
    #[arg(long, help_heading = "Seeing")]
    pub json: bool,
    /// Print every event as a line of JSON
    #[arg(long, help_heading = "Seeing")]
    pub events: bool,
    /// Print errors only
    #[arg(long, short = 'q', help_heading = "Seeing")]
    pub quiet: bool,
    /// Draw no sheets of what gates rejected
    #[arg(long, help_heading = "Seeing")]
    pub no_sheets: bool,
    /// Replace files in the output folder that Kiln did not make
    #[arg(long, help_heading = "What the graph may do")]
    pub overwrite: bool,
    /// What it may read and reach.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: Access,
    /// Where its models run.
    #[command(flatten)]
    #[serde(flatten)]
    pub device: Device,
}

/// What a graph may do to the world around it.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Let the graph read this file or folder, beside its own folder
    #[arg(long, value_name = "PATH", help_heading = "What the graph may do")]
    pub allow_read: Vec<PathBuf>,
    /// Let the graph reach this host
    #[arg(long, value_name = "HOST[:PORT]", help_heading = "What the graph may do")]
    pub allow_net: Vec<String>,
    /// A folder of models, readable [default: $KILN_MODELS, `models` beside the graph, and the demo models]
    #[arg(long, value_name = "DIR", help_heading = "What the graph may do")]
    pub models: Vec<PathBuf>,
}

/// Commands beside running.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check a graph without running it: every problem at once
    #[command(
        after_help = "Examples:\n  graph-run check poster.ron\n  graph-run check poster.ron --set size=99999 --json\n\nEnds with 0 when it can run, 2 when it cannot."
    )]
    Check(CheckArgs),
    /// Write a ComfyUI workflow (API format) as a graph
    #[command(
        after_help = "Examples:\n  graph-run convert workflow.json -o workflow.ron\n  graph-run convert workflow.json                    print it\n\nSave the workflow in ComfyUI with Workflow, Export (API); such files run and check as they are, too.\nWhat is not quite the same stands as comments in the graph."
    )]
    Convert(ConvertArgs),
    /// Write graphs in their one canonical form
    #[command(
        after_help = "Examples:\n  graph-run fmt poster.ron\n  graph-run fmt --check graphs/*.ron     for a build server: 1 when a file would change\n\nParameters that a node has since renamed get their present names."
    )]
    Fmt(FmtArgs),
    /// List the nodes of this build, or describe one
    #[command(
        after_help = "Examples:\n  graph-run nodes\n  graph-run nodes PadImage\n  graph-run nodes --markdown > docs/nodes.md"
    )]
    Nodes(NodesArgs),
    /// Show each value's name (its key), and what went into it, without running
    #[command(
        after_help = "Examples:\n  graph-run keys poster.ron\n  graph-run keys poster.ron --set seed=8 --json"
    )]
    Keys(GraphArgs),
    /// Write a graph to begin with
    #[command(
        after_help = "Examples:\n  graph-run templates                    what there is\n  graph-run new framed-paper             writes framed-paper.ron\n  graph-run new framed-paper first.ron"
    )]
    New(NewArgs),
    /// List the graphs to begin with
    #[command(after_help = "Example:\n  graph-run templates\n  graph-run new palette-poster")]
    Templates(ListArgs),
    /// Show the runs of an output folder, or one of them in full
    #[command(
        after_help = "Examples:\n  graph-run runs\n  graph-run runs 20260214T101500        the beginning of an id is enough\n  graph-run runs --out posters --json"
    )]
    Runs(RunsArgs),
    /// Show what waits for a person's decision, or decide
    #[command(
        after_help = "Examples:\n  graph-run review                           what waits in `out`\n  graph-run review posters --accept 3,7-9 --reject 4:\"too dark\" --redo 5\n\nAn item that is made once more (--redo) gets one more attempt where there is none left. The list in\nreview/GATE/decisions.csv says the same; a run that is under way goes on by itself, else run again with --resume."
    )]
    Review(ReviewArgs),
    /// Run the failed items of the last batch again
    #[command(
        after_help = "Examples:\n  graph-run retry                        the last batch in `out`\n  graph-run retry --out posters\n  graph-run retry poster.ron             the last batch of this graph\n\nThe options of that run are used again: its items, rows and settings."
    )]
    Retry(RetryArgs),
    /// Write down in a graph which versions of nodes and which files it runs with
    #[command(
        after_help = "Examples:\n  graph-run lock poster.ron\n  graph-run verify poster.ron            later, or on another machine"
    )]
    Lock(GraphArgs),
    /// Tell every difference between a graph and its lock, between its models and their cards
    #[command(
        after_help = "Example:\n  graph-run verify poster.ron\n\nA model's card (NAME.card.json beside NAME.safetensors) tells its hashes, its licence and what it learned from.\nEnds with 0 when the graph would run with what is locked and its models are those of their cards, 1 when not."
    )]
    Verify(GraphArgs),
    /// Check a trait plan, show what its weights come to, give items their traits
    Plan(PlanArgs),
    /// Write the page about a collection: a grid to search, traits, rarity, rejections
    #[command(
        after_help = "Examples:\n  graph-run report                       writes out/report/index.html\n  graph-run report foxes --plan foxes.ron\n\nPeople decide about items on the page and save decisions.csv; graph-run decide follows them."
    )]
    Report(ReportArgs),
    /// Follow the decisions that people made about items of a collection
    #[command(
        after_help = "Examples:\n  graph-run decide out decisions.csv --dry-run\n  graph-run decide out decisions.csv --who Ada\n\nA line for each token: token,decision,file,note,who. approve notes it; reject takes the item out; redo makes its\npicture again with the next seeds; replace puts the named picture, made by hand, in its place. The audit log tells\nwho decided what, and the folder is sealed again."
    )]
    Decide(DecideArgs),
    /// Hash every file of a collection and bind them together
    #[command(
        after_help = "Examples:\n  graph-run seal out --name Foxes\n  graph-run audit out                    later\n\nPublish the provenance hash and the end of the audit log: then nobody can seal another collection in its place."
    )]
    Seal(SealArgs),
    /// Verify a sealed collection: every byte, the audit log, what was added or is missing
    #[command(
        after_help = "Examples:\n  graph-run audit out\n  graph-run audit out --provenance 3f0c… --json\n\nEnds with 0 when all is as it was sealed, 1 when something is not: the first broken link comes first."
    )]
    Audit(AuditArgs),
    /// Prove that a token's picture belongs to a sealed collection
    #[command(
        name = "prove-file",
        after_help = "Example:\n  graph-run prove-file out 7 -o proof-7.json\n  graph-run check-proof proof-7.json --picture 0007.png --root 91ab…"
    )]
    ProveFile(ProveArgs),
    /// Check such a proof, by itself
    #[command(
        name = "check-proof",
        after_help = "Example:\n  graph-run check-proof proof-7.json --picture 0007.png --root 91ab…\n\nEnds with 0 when it holds, 1 when not."
    )]
    CheckProof(CheckProofArgs),
    /// Make a token's picture again from what its document tells, and compare
    #[command(
        after_help = "Examples:\n  graph-run remake out/metadata/7.json\n  graph-run remake out/metadata/7.json --models ~/models --keep again\n\nEnds with 0 when the same pixels come out, 1 when not."
    )]
    Remake(RemakeArgs),
    /// Make the next version of a token from what it has become
    #[command(
        after_help = "Example:\n  graph-run evolve out/metadata/7.json --state state.json --graph older.ron"
    )]
    Evolve(EvolveArgs),
    /// Look at the cache of values, or empty it
    #[command(
        after_help = "Examples:\n  graph-run cache stats\n  graph-run cache gc --budget 10G        the longest unused go first\n  graph-run cache clear\n\nEverything in the cache can be made again."
    )]
    Cache(CacheArgs),
    /// Tell the name that IPFS gives to a file or folder; it follows from the bytes alone
    #[command(
        after_help = "Examples:\n  graph-run cid out/00007.png\n  graph-run cid out --profile unixfs-v0-2015\n  graph-run cid out --car out.car          write its blocks as well, to upload by hand"
    )]
    Cid(CidArgs),
    /// Look after what an output folder keeps under the name of its content
    #[command(
        after_help = "Examples:\n  graph-run pin verify out     look at every block of everything kept\n  graph-run pin verify out --gateway https://ipfs.example.org\n  graph-run pin list out       what is kept, and where else\n  graph-run pin collect out    remove blocks that nothing keeps\n\nverify ends with 0 when all is as it was made, 1 when not."
    )]
    Pin(PinArgs),
    /// Work for another program: JSON lines on standard input and output
    #[command(
        after_help = "The canvas runs its graphs in such a worker; docs/runner.md tells the messages.\nIt ends when its standard input is closed, and leaves what it was doing resumable."
    )]
    Serve(ServeArgs),
    /// Checks for people who work on the engine
    Dev(DevArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  graph-run completions bash > ~/.local/share/bash-completion/completions/graph-run"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A graph, its settings, and what it may read.
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// The graph: a .ron file, a workflow in ComfyUI's API format (.json), or a picture that carries its graph
    #[arg(value_name = "GRAPH")]
    pub graph: PathBuf,
    /// Set a parameter: an exposed name or node.param
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// What it may read.
    #[command(flatten)]
    pub access: Access,
    /// Where its models run.
    #[command(flatten)]
    pub device: Device,
}

/// `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The cache's folder [default: $KILN_CACHE or the system's place for it]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Bytes of values kept in memory between runs
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    pub memory: String,
    /// Runs under way at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub parallel: usize,
    /// Where models run.
    #[command(flatten)]
    pub device: Device,
}

/// `dev`.
#[derive(Args, Debug)]
pub struct DevArgs {
    /// Which check.
    #[command(subcommand)]
    pub command: DevCommand,
}

/// Checks for people who work on the engine.
#[derive(Subcommand, Debug)]
pub enum DevCommand {
    /// Run recorded sampler cases and print the largest error of each
    #[command(
        after_help = "Example:\n  graph-run dev samplers nodes/sampling/tests/fixtures/samplers.json\n\nEnds with 1 when a case is off by more than the tolerance, or asks the model more or less often."
    )]
    Samplers {
        /// The recorded cases: noise levels, calls and results of each sampler on a closed-form model
        file: PathBuf,
        /// The largest relative error allowed
        #[arg(long, default_value_t = 1e-4)]
        tolerance: f32,
    },
}

/// `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The graph and its settings.
    #[command(flatten)]
    pub graph: GraphArgs,
    /// Check only what this node needs; may be given again
    #[arg(long, value_name = "NODE")]
    pub want: Vec<String>,
}

/// `convert`.
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// The workflow: a .json file in ComfyUI's API format, or a picture ComfyUI saved
    #[arg(value_name = "WORKFLOW")]
    pub workflow: PathBuf,
    /// Where to write the graph [default: print it]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub overwrite: bool,
}

/// `fmt`.
#[derive(Args, Debug)]
pub struct FmtArgs {
    /// The graphs
    #[arg(value_name = "GRAPH", required = true)]
    pub graphs: Vec<PathBuf>,
    /// Change nothing; exit code 1 when a file is not in canonical form
    #[arg(long)]
    pub check: bool,
    /// Print instead of writing
    #[arg(long, conflicts_with = "check")]
    pub stdout: bool,
}

/// `nodes`.
#[derive(Args, Debug)]
pub struct NodesArgs {
    /// A node type
    #[arg(value_name = "TYPE")]
    pub ty: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print the whole reference as Markdown
    #[arg(long, conflicts_with = "ty")]
    pub markdown: bool,
}

/// `new`.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// Which template
    pub template: String,
    /// Where to write it [default: TEMPLATE.ron]
    pub path: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub overwrite: bool,
}

/// `templates`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `runs`.
#[derive(Args, Debug)]
pub struct RunsArgs {
    /// A run's id, or its beginning
    pub id: Option<String>,
    /// The output folder
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What gates said of this item
    #[arg(long, value_name = "K", requires = "id")]
    pub item: Option<u64>,
    /// How many runs
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `review`.
#[derive(Args, Debug, Default)]
pub struct ReviewArgs {
    /// The output folder
    #[arg(value_name = "OUT", default_value = "out")]
    pub out: PathBuf,
    /// Only what waits at this gate
    #[arg(long, value_name = "NODE")]
    pub gate: Option<String>,
    /// These pass: 3, or 3,7-9
    #[arg(long, value_name = "ITEMS")]
    pub accept: Vec<String>,
    /// These do not, with a reason if you like: 4:"too dark"
    #[arg(long, value_name = "ITEMS[:WHY]")]
    pub reject: Vec<String>,
    /// These are made once more, with another seed
    #[arg(long, value_name = "ITEMS[:WHY]")]
    pub redo: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `retry`.
#[derive(Args, Debug)]
pub struct RetryArgs {
    /// The graphs whose last batch is tried again [default: the last batch in the folder]
    #[arg(value_name = "GRAPH")]
    pub graphs: Vec<PathBuf>,
    /// The output folder
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Items and threads at once
    #[arg(long, short = 'j', value_name = "N")]
    pub jobs: Option<usize>,
    /// Print a summary as JSON at the end
    #[arg(long)]
    pub json: bool,
    /// Print errors only
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

/// `cache`.
#[derive(Args, Debug)]
pub struct CacheArgs {
    /// What to do
    #[command(subcommand)]
    pub action: CacheAction,
    /// The cache's folder [default: $KILN_CACHE or the system's place for it]
    #[arg(long, value_name = "DIR", global = true)]
    pub cache: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `cache` can do.
#[derive(Subcommand, Debug)]
pub enum CacheAction {
    /// How much is in it, and where it is
    Stats,
    /// Remove everything
    Clear,
    /// Remove what was longest unused until the rest fits
    Gc {
        /// How much may stay
        #[arg(long, value_name = "SIZE", default_value = "10G")]
        budget: String,
    },
}

/// `cid`.
#[derive(Args, Debug)]
pub struct CidArgs {
    /// Files or folders
    #[arg(value_name = "PATH", required = true)]
    pub path: Vec<PathBuf>,
    /// How files are cut into blocks: unixfs-v1-2025 or unixfs-v0-2015
    #[arg(long, value_name = "NAME", default_value = "unixfs-v1-2025")]
    pub profile: String,
    /// Names that begin with a dot as well
    #[arg(long)]
    pub hidden: bool,
    /// Write its blocks into a CAR file; of one PATH
    #[arg(long, value_name = "FILE")]
    pub car: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `pin`.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// What to do
    #[command(subcommand)]
    pub action: PinAction,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `pin` can do.
#[derive(Subcommand, Debug)]
pub enum PinAction {
    /// Look at every block of everything kept
    Verify {
        /// The output folder
        #[arg(value_name = "OUT")]
        out: PathBuf,
        /// Fetch every file through this gateway as well, and compare
        #[arg(long, value_name = "URL")]
        gateway: Option<String>,
    },
    /// What is kept, and where else
    List {
        /// The output folder
        #[arg(value_name = "OUT")]
        out: PathBuf,
    },
    /// Remove blocks that nothing keeps
    Collect {
        /// The output folder
        #[arg(value_name = "OUT")]
        out: PathBuf,
    },
}
