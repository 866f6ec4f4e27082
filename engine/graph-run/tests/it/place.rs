//! A folder to run in, with a cache of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A graph that makes a framed picture of noise, quickly.
pub const PAPER: &str = r##"Graph(
    kiln: 1,
    title: "Paper",
    expose: {
        "name": ["save.name"],
        "seed": ["paper.seed"],
        "size": ["paper.size"],
        "sides": ["frame.left", "frame.right"],
    },
    nodes: {
        "frame": (type: "PadImage", from: { "image": "paper.image" }, with: { "color": "#203040", "size": 4 }),
        "paper": (type: "NoiseImage", with: { "seed": 7, "size": (32, 24) }),
        "save": (type: "SaveImage", from: { "images": "frame.image" }, with: { "name": "paper" }),
    },
)
"##;

/// A folder to run in.
pub struct Place(tempfile::TempDir);

/// What a run said.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// The standard output.
    pub out: String,
    /// The standard error.
    pub err: String,
}

impl Said {
    /// The standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Panics unless it ended so.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Panics unless the standard error has this in it.
    #[track_caller]
    pub fn complains(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{words:?} is not in:\n{}", self.err);
        self
    }

    /// Panics unless the standard output has this in it.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.out.contains(words), "{words:?} is not in:\n{}\n{}", self.out, self.err);
        self
    }
}

impl Place {
    /// An empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with the graph of paper in `paper.ron`.
    pub fn paper() -> Self {
        let place = Self::new();
        place.write("paper.ron", PAPER);
        place
    }

    /// A folder with the graph of paper, saved under each item's number.
    pub fn papers() -> Self {
        let place = Self::new();
        place.write("paper.ron", PAPER.replace("\"name\": \"paper\"", "\"name\": \"{item:03}\""));
        place
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Reads a text.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Reads a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The names of the files in a folder, sorted; Kiln's own and hidden ones left out.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|n| !n.starts_with('.'));
        names.sort();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_graph-run"));
        command.args(args).current_dir(self.dir()).stdin(Stdio::null());
        command.env("KILN_CACHE", self.path("cache")).env_remove("KILN_MODELS").env_remove("XDG_CACHE_HOME");
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[])
    }

    /// Runs it with these in its environment.
    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Said {
        let out = self.command(args).envs(env.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: out.status.code().unwrap_or(-1), out: text(out.stdout), err: text(out.stderr) }
    }

    /// Starts it.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Waits for a started program.
pub fn finish(child: Child) -> Said {
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: out.status.code().unwrap_or(-1), out: text(out.stdout), err: text(out.stderr) }
}
