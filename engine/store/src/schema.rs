//! The tables, as a list of steps from nothing to now. A step, once released, never changes.

/// One kind of database.
#[derive(Clone, Copy)]
pub(crate) struct Schema {
    /// Marks the file as ours, and of this kind.
    pub(crate) app: i32,
    /// The steps; how many of them were taken is the schema version.
    pub(crate) migrations: &'static [&'static str],
}

/// The memo of file hashes.
pub(crate) const FILES: Schema = Schema { app: i32::from_be_bytes(*b"KLNh"), migrations: &[FILES_1] };

/// The database of an output folder.
pub(crate) const FOLDER: Schema =
    Schema { app: i32::from_be_bytes(*b"KLNf"), migrations: &[FOLDER_1, FOLDER_2] };

const FILES_1: &str = "
CREATE TABLE file (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, hash BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

const FOLDER_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE worker (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE effect (
    key BLOB PRIMARY KEY, node TEXT NOT NULL, item INTEGER, destination TEXT NOT NULL, policy TEXT NOT NULL,
    done INTEGER NOT NULL, intent BLOB NOT NULL, outcome BLOB, attempts INTEGER NOT NULL,
    started INTEGER NOT NULL, finished INTEGER, owner TEXT NOT NULL, lease_until INTEGER NOT NULL
) STRICT;
CREATE INDEX effect_node ON effect (node, item);
CREATE TABLE claimed_path (
    path TEXT PRIMARY KEY, node TEXT NOT NULL, item INTEGER, key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE member (
    batch INTEGER NOT NULL REFERENCES batch, worker TEXT NOT NULL, PRIMARY KEY (batch, worker)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
    batch INTEGER NOT NULL REFERENCES batch, item INTEGER NOT NULL, wanted INTEGER NOT NULL,
    state INTEGER NOT NULL, token INTEGER NOT NULL, deliveries INTEGER NOT NULL,
    lease_until INTEGER NOT NULL, worker TEXT, gate TEXT, detail TEXT,
    PRIMARY KEY (batch, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_state ON job (batch, state, item) WHERE wanted = 1;

CREATE TABLE decision (
    batch INTEGER NOT NULL REFERENCES batch, gate TEXT NOT NULL, item INTEGER NOT NULL,
    mark BLOB, chain BLOB NOT NULL, after BLOB NOT NULL, stale INTEGER NOT NULL,
    PRIMARY KEY (batch, gate, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_stale ON decision (batch, gate, item) WHERE stale = 1;
CREATE INDEX decision_stale_of ON decision (batch, item, gate) WHERE stale = 1;

CREATE TABLE run (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, graph TEXT NOT NULL, args TEXT NOT NULL, engine TEXT NOT NULL,
    worker TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER, status TEXT NOT NULL, summary TEXT
) STRICT;
CREATE INDEX run_started ON run (started);
CREATE TABLE run_node (
    run TEXT NOT NULL REFERENCES run, node TEXT NOT NULL, position INTEGER NOT NULL, ty TEXT NOT NULL,
    ran INTEGER NOT NULL, cached INTEGER NOT NULL, failed INTEGER NOT NULL, ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL, key TEXT, PRIMARY KEY (run, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE run_item (
    n INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run, item INTEGER NOT NULL, status TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX run_item_of ON run_item (run, item);
";

const FOLDER_2: &str = "
CREATE TABLE question (
    gate TEXT NOT NULL, scope INTEGER NOT NULL, item INTEGER NOT NULL, attempt TEXT NOT NULL,
    key BLOB NOT NULL, batch INTEGER NOT NULL, waiting INTEGER NOT NULL, changed INTEGER NOT NULL,
    moved INTEGER NOT NULL, question TEXT NOT NULL, note TEXT NOT NULL, asked INTEGER NOT NULL,
    seen TEXT NOT NULL, PRIMARY KEY (gate, scope, item, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX question_waiting ON question (batch, scope, item) WHERE waiting = 1;
CREATE INDEX question_changed ON question (batch, scope, item) WHERE changed = 1;
CREATE INDEX question_of ON question (batch, scope, item);
CREATE TABLE answer (
    n INTEGER PRIMARY KEY AUTOINCREMENT, gate TEXT NOT NULL, scope INTEGER NOT NULL, item INTEGER NOT NULL,
    attempt TEXT NOT NULL, key BLOB NOT NULL, word INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX answer_of ON answer (gate, scope, item, attempt, key);

CREATE TABLE verdict (
    batch INTEGER NOT NULL REFERENCES batch, scope INTEGER NOT NULL, item INTEGER NOT NULL, gate TEXT NOT NULL,
    attempt TEXT NOT NULL, state INTEGER NOT NULL, score REAL NOT NULL, reason TEXT,
    PRIMARY KEY (batch, scope, item, gate, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdict_of ON verdict (batch, gate, state);
";
