//! What is written into the audit log, in words.

use crate::provenance::{Digest, Record};

/// Something worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A model took part.
    Model {
        /// Its name.
        name: String,
        /// Its hash, where it is known.
        hash: Option<Digest>,
    },
    /// A LoRA took part.
    Lora {
        /// Its name.
        name: String,
        /// How strongly, as text.
        strength: String,
        /// Its hash, where it is known.
        hash: Option<Digest>,
    },
    /// What a LoRA learned from, as the card beside its file names it.
    DataLog {
        /// The LoRA's name.
        lora: String,
        /// SHA-256 of the log of its training data.
        hash: Digest,
    },
    /// A file is part of how the collection came to be: the graph, the plan, a lock, the log of a LoRA's training data.
    Evidence {
        /// Its path below the output folder.
        path: String,
        /// SHA-256 of its bytes.
        hash: Digest,
    },
    /// The seeds of all tokens.
    Seeds {
        /// How many tokens have one.
        tokens: u64,
        /// SHA-256 over lines of token and seed.
        hash: Digest,
    },
    /// A person or program decided something: `accept item 3, attempt 1, at look`, `redo token 7: too dark`.
    Decision {
        /// When.
        time: u64,
        /// Who.
        who: String,
        /// What, in words.
        what: String,
        /// The digests of what it was about: before, after.
        subjects: Vec<Digest>,
    },
}

/// Words of a line: no line breaks, not without end.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2000).collect()
}

impl Event {
    /// The line that says it.
    #[must_use]
    pub fn record(&self, actor: &str, now: u64) -> Record {
        let of = |action: String, subjects: Vec<Digest>| Record {
            time: now,
            actor: plain(actor),
            action: plain(&action),
            subjects,
        };
        let some = |hash: &Option<Digest>| hash.iter().copied().collect();
        match self {
            Self::Model { name, hash } => of(format!("model {name}"), some(hash)),
            Self::Lora { name, strength, hash } => of(format!("lora {name} at {strength}"), some(hash)),
            Self::DataLog { lora, hash } => of(format!("data log of lora {lora}"), vec![*hash]),
            Self::Evidence { path, hash } => of(format!("file {path}"), vec![*hash]),
            Self::Seeds { tokens, hash } => of(format!("seeds of {tokens} tokens"), vec![*hash]),
            Self::Decision { time, who, what, subjects } => {
                Record { time: *time, actor: plain(who), action: plain(what), subjects: subjects.clone() }
            }
        }
    }

    /// Whether a line of the log says this already. A decision is another one at another time; what was used is the
    /// same whenever it is told.
    pub(super) fn is_said_by(&self, record: &Record) -> bool {
        let own = self.record(&record.actor, record.time);
        let same = own.action == record.action && own.subjects == record.subjects;
        same && (!matches!(self, Self::Decision { .. })
            || (own.time == record.time && own.actor == record.actor))
    }
}
