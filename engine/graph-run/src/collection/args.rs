//! The command lines about whole collections.

use crate::args::Access;
use crate::device::Device;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `seal`.
#[derive(Args, Debug)]
pub struct SealArgs {
    /// The output folder
    #[arg(value_name = "OUT", default_value = "out")]
    pub out: PathBuf,
    /// The collection's name [default: that of the seal before, or of collection.json]
    #[arg(long)]
    pub name: Option<String>,
    /// Who seals, for the audit log [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// A file that made the collection, to be copied into provenance/; may be given again
    #[arg(long, value_name = "FILE")]
    pub evidence: Vec<PathBuf>,
    /// Sign Content Credentials (C2PA) into the pictures with this certificate; not built in yet
    #[arg(long, value_name = "CERTIFICATE")]
    pub credentials: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `audit`.
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// The output folder
    #[arg(value_name = "OUT", default_value = "out")]
    pub out: PathBuf,
    /// The provenance hash that was published
    #[arg(long, value_name = "HASH")]
    pub provenance: Option<String>,
    /// The Merkle root that was published
    #[arg(long, value_name = "HASH")]
    pub root: Option<String>,
    /// The hash of a line of the audit log that was published
    #[arg(long, value_name = "HASH")]
    pub log: Option<String>,
    /// Print the audit log's lines
    #[arg(long)]
    pub show: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `prove-file`.
#[derive(Args, Debug)]
pub struct ProveArgs {
    /// The output folder
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The token's number
    #[arg(value_name = "TOKEN")]
    pub token: u64,
    /// Where to write the proof [default: print it]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `check-proof`.
#[derive(Args, Debug)]
pub struct CheckProofArgs {
    /// The proof
    #[arg(value_name = "PROOF")]
    pub proof: PathBuf,
    /// The picture
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// The Merkle root that was published
    #[arg(long, value_name = "HASH")]
    pub root: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// A trait plan.
#[derive(Args, Clone, Debug)]
pub struct PlanFile {
    /// The plan: a .ron file, a .csv table, or a folder of layers
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many items [default: what the plan says]
    #[arg(long, value_name = "N")]
    pub size: Option<u64>,
    /// Where chance begins [default: what the plan says]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Change a weight: group.value=5, group.value=exactly:10, group.value=2.5%; may be given again
    #[arg(long, value_name = "GROUP.VALUE=N")]
    pub set: Vec<String>,
}

/// What `plan` can do.
#[derive(Subcommand, Debug)]
pub enum PlanCommand {
    /// Check a plan: whether it can be fulfilled, or which rules contradict each other
    #[command(
        after_help = "Examples:\n  graph-run plan check plan.ron\n  graph-run plan check layers/ --size 10000\n\nEnds with 0 when the plan can be fulfilled, 1 when not, 2 when it cannot be read."
    )]
    Check {
        /// The plan.
        #[command(flatten)]
        plan: PlanFile,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a plan's weights come to, and what a change of them would do, before anything is made
    #[command(
        after_help = "Examples:\n  graph-run plan balance plan.ron\n  graph-run plan balance plan.ron --set Hat.Crown=5 --set \"Eyes.Laser=exactly:10\"\n  graph-run plan balance new.ron --against old.ron --png balance.png"
    )]
    Balance {
        /// The plan.
        #[command(flatten)]
        plan: PlanFile,
        /// Compare with this plan [default: the plan itself without --set]
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Draw a chart, too
        #[arg(long, value_name = "FILE")]
        png: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give every item its traits, as a run would
    #[command(
        after_help = "Examples:\n  graph-run plan assign plan.ron --size 100 --seed 7\n  graph-run plan assign plan.ron --csv > traits.csv"
    )]
    Assign {
        /// The plan.
        #[command(flatten)]
        plan: PlanFile,
        /// Print a table, an item for each row
        #[arg(long)]
        csv: bool,
        /// Print JSON
        #[arg(long, conflicts_with = "csv")]
        json: bool,
    },
}

/// `report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The output folder
    #[arg(value_name = "OUT", default_value = "out")]
    pub out: PathBuf,
    /// The trait plan, for planned counts [default: the copy in provenance/]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The collection's name [default: that of collection.json or of the plan]
    #[arg(long)]
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `decide`.
#[derive(Args, Debug)]
pub struct DecideArgs {
    /// The output folder
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The decisions: token, decision, file, note, who
    #[arg(value_name = "DECISIONS")]
    pub decisions: PathBuf,
    /// Who decides, where the list does not say [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Say what would be done; do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on although the folder is not as it was sealed
    #[arg(long)]
    pub anyway: bool,
    /// The graph that made the collection [default: the one recorded]
    #[arg(long, value_name = "GRAPH")]
    pub graph: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// What the graph may read and reach.
    #[command(flatten)]
    pub access: Access,
    /// Where its models run.
    #[command(flatten)]
    pub device: Device,
}

/// `remake`.
#[derive(Args, Debug)]
pub struct RemakeArgs {
    /// The token's document
    #[arg(value_name = "TOKEN.json")]
    pub token: PathBuf,
    /// The output folder it belongs to [default: the folder above the document's]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The graph that made the collection [default: the copy in provenance/, or in the picture]
    #[arg(long, value_name = "GRAPH")]
    pub graph: Option<PathBuf>,
    /// Keep what is made here
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// What the graph may read and reach.
    #[command(flatten)]
    pub access: Access,
    /// Where its models run.
    #[command(flatten)]
    pub device: Device,
}

/// `evolve`.
#[derive(Args, Debug)]
pub struct EvolveArgs {
    /// The token's document
    #[arg(value_name = "TOKEN.json")]
    pub token: PathBuf,
    /// What it has become: a JSON file of game or market data
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// The graph that makes the next version, with TokenState and PreviousToken nodes
    #[arg(long, value_name = "GRAPH")]
    pub graph: PathBuf,
    /// The output folder it belongs to [default: the folder above the document's]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Set a parameter: an exposed name or node.param
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Who asks for it, for the audit log [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// What the graph may read and reach.
    #[command(flatten)]
    pub access: Access,
    /// Where its models run.
    #[command(flatten)]
    pub device: Device,
}
