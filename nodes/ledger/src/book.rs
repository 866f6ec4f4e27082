//! The book of one account on one chain: what was wanted, what was sent for it, and what became of it.
//!
//! An *order* is something wanted once: "mint tokens 500 to 999". A *generation* is a nonce used for it, and its
//! *attempts* are the transactions with that nonce; the chain takes at most one of them. A new generation is begun only
//! when it is proved that the last one can never land, or that it landed and changed nothing.

use crate::hex;
use crate::log::{Held, Log, LogError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A transaction's, a block's or an order's hash.
pub type Hash = [u8; 32];

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its hash.
    #[serde(with = "hex::array")]
    pub hash: Hash,
    /// Its nonce.
    pub nonce: u64,
    /// Itself, as it is sent.
    #[serde(with = "hex::bytes")]
    pub raw: Vec<u8>,
    /// What it pays for a unit of gas at most, in wei.
    #[serde(with = "hex::number")]
    pub max_fee: u128,
    /// What of it the block's maker gets, in wei.
    #[serde(with = "hex::number")]
    pub tip: u128,
    /// How much gas it may use.
    pub gas: u64,
    /// The node said it would never take it.
    #[serde(default)]
    pub refused: bool,
}

/// Where a transaction is on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The transaction.
    #[serde(with = "hex::array")]
    pub hash: Hash,
    /// The block's number.
    pub block: u64,
    /// The block.
    #[serde(with = "hex::array")]
    pub block_hash: Hash,
    /// Whether it did what it was for; else it changed nothing.
    pub ok: bool,
    /// What it used.
    pub gas_used: u64,
    /// What it paid for a unit of gas, in wei.
    #[serde(with = "hex::number")]
    pub gas_price: u128,
    /// The contract it made, if any.
    #[serde(with = "hex::maybe", default)]
    pub created: Option<crate::Address>,
}

/// A line of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Record {
    /// The first line: whose book it is.
    Book {
        /// The chain.
        chain: u64,
        /// The account.
        #[serde(with = "hex::array")]
        account: crate::Address,
    },
    /// Something to remember under a name: a plan that must be the same after a crash.
    Note {
        /// The name.
        #[serde(with = "hex::array")]
        name: Hash,
        /// What.
        text: String,
    },
    /// Written before a transaction is sent.
    Intend {
        /// For which order.
        #[serde(with = "hex::array")]
        order: Hash,
        /// The order in words.
        words: String,
        /// The transaction.
        attempt: Attempt,
        /// The newest block at that time.
        head: u64,
    },
    /// The node said it would never take a transaction.
    Refused {
        /// Which.
        #[serde(with = "hex::array")]
        hash: Hash,
        /// Why.
        why: String,
    },
    /// It is in a block.
    Mined {
        /// Where.
        landed: Landed,
    },
    /// It is in no block any more.
    Vanished {
        /// Which.
        #[serde(with = "hex::array")]
        hash: Hash,
    },
    /// It is deep enough to stay.
    Final {
        /// Where.
        landed: Landed,
    },
    /// Its nonce went to another transaction, deep enough to stay: it can never land.
    Void {
        /// The order.
        #[serde(with = "hex::array")]
        order: Hash,
        /// The nonce.
        nonce: u64,
        /// Who has it.
        #[serde(with = "hex::array")]
        by: Hash,
        /// In which block.
        block: u64,
    },
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is on the chain for good.
    Final(Landed),
    /// It can never land.
    Void,
}

/// A nonce used for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The nonce.
    pub nonce: u64,
    /// The newest block when it was begun.
    pub since: u64,
    /// The transactions with this nonce.
    pub attempts: Vec<Attempt>,
    /// In a block, not deep enough yet.
    pub mined: Option<Landed>,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

impl Generation {
    /// Whether it may still land.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
    /// Whether it is open and a node may have one of its transactions.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.is_open() && (self.mined.is_some() || self.attempts.iter().any(|a| !a.refused))
    }
    /// Whether it did what it was for, for good.
    #[must_use]
    pub fn succeeded(&self) -> Option<&Landed> {
        match &self.ended {
            Some(Ended::Final(landed)) if landed.ok => Some(landed),
            _ => None,
        }
    }
}

/// Something wanted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// In words.
    pub words: String,
    /// The nonces used for it, oldest first; only the last may be open.
    pub generations: Vec<Generation>,
}

/// The state that a book's lines make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    orders: BTreeMap<Hash, Order>,
    notes: BTreeMap<Hash, String>,
    of: BTreeMap<Hash, Hash>,
}

impl Pages {
    /// An order.
    #[must_use]
    pub fn order(&self, id: &Hash) -> Option<&Order> {
        self.orders.get(id)
    }
    /// All orders.
    pub fn orders(&self) -> impl Iterator<Item = (&Hash, &Order)> {
        self.orders.iter()
    }
    /// The last generation of an order.
    #[must_use]
    pub fn last(&self, id: &Hash) -> Option<&Generation> {
        self.orders.get(id)?.generations.last()
    }
    /// What was remembered under a name.
    #[must_use]
    pub fn note(&self, name: &Hash) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }
    /// The orders whose last generation is open, by nonce.
    #[must_use]
    pub fn open(&self) -> Vec<(Hash, &Generation)> {
        let mut found: Vec<_> = self
            .orders
            .iter()
            .filter_map(|(id, o)| Some((*id, o.generations.last()?)))
            .filter(|(_, g)| g.is_open())
            .collect();
        found.sort_by_key(|(_, g)| g.nonce);
        found
    }
    /// The first nonce from `from` on that no living transaction of ours has.
    #[must_use]
    pub fn free_nonce(&self, from: u64) -> u64 {
        let taken: Vec<u64> =
            self.open().into_iter().filter(|(_, g)| g.is_live()).map(|(_, g)| g.nonce).collect();
        (from..).find(|n| !taken.contains(n)).unwrap_or(from)
    }

    fn generation(&mut self, hash: &Hash) -> Result<&mut Generation, String> {
        let order = self.of.get(hash).ok_or("it tells of a transaction that was never intended")?;
        let order = self.orders.get_mut(order).ok_or("it tells of an order that was never begun")?;
        order
            .generations
            .iter_mut()
            .rev()
            .find(|g| g.attempts.iter().any(|a| a.hash == *hash))
            .ok_or_else(|| "it tells of a transaction that was never intended".into())
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it does not fit the lines before.
    pub fn apply(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Book { .. } => {}
            Record::Note { name, text } => {
                self.notes.insert(*name, text.clone());
            }
            Record::Intend { order, words, attempt, head } => {
                let entry = self
                    .orders
                    .entry(*order)
                    .or_insert_with(|| Order { words: words.clone(), generations: Vec::new() });
                match entry.generations.last_mut() {
                    Some(last) if last.is_open() && last.nonce == attempt.nonce => {
                        last.attempts.push(attempt.clone());
                    }
                    Some(last) if last.is_open() => {
                        return Err("it begins a second nonce while the first may still land".into());
                    }
                    Some(last) if last.succeeded().is_some() => {
                        return Err("it begins again what was already done".into());
                    }
                    _ => entry.generations.push(Generation {
                        nonce: attempt.nonce,
                        since: *head,
                        attempts: vec![attempt.clone()],
                        mined: None,
                        ended: None,
                    }),
                }
                self.of.insert(attempt.hash, *order);
            }
            Record::Refused { hash, .. } => {
                for attempt in &mut self.generation(hash)?.attempts {
                    attempt.refused |= attempt.hash == *hash;
                }
            }
            Record::Mined { landed } => self.generation(&landed.hash)?.mined = Some(landed.clone()),
            Record::Vanished { hash } => self.generation(hash)?.mined = None,
            Record::Final { landed } => {
                let generation = self.generation(&landed.hash)?;
                generation.mined = Some(landed.clone());
                generation.ended = Some(Ended::Final(landed.clone()));
            }
            Record::Void { order, nonce, .. } => {
                let order = self.orders.get_mut(order).ok_or("it tells of an order that was never begun")?;
                let last = order.generations.last_mut().filter(|g| g.nonce == *nonce && g.is_open());
                let last = last.ok_or("it tells of a nonce that was not open")?;
                last.mined = None;
                last.ended = Some(Ended::Void);
            }
        }
        Ok(())
    }
}

/// Whose book a file is, and what it says now; somebody may be at work with it meanwhile.
///
/// # Errors
/// When it cannot be read, or is no book.
pub fn peek(path: &std::path::Path) -> Result<(u64, crate::Address, Pages), LogError> {
    let (mut pages, mut whose) = (Pages::default(), None);
    for (at, line) in Log::peek(path)?.iter().enumerate() {
        let strange = |what: String| LogError::Strange { path: path.to_owned(), line: at + 1, what };
        let record: Record = serde_json::from_str(line).map_err(|e| strange(e.to_string()))?;
        if let Record::Book { chain, account } = &record {
            whose = Some((*chain, *account));
        }
        pages.apply(&record).map_err(strange)?;
    }
    let none = || LogError::Strange { path: path.to_owned(), line: 1, what: "it is nobody's book".into() };
    let (chain, account) = whose.ok_or_else(none)?;
    Ok((chain, account, pages))
}

/// A book on the disk.
#[derive(Debug)]
pub struct Book {
    log: Log,
    pages: Pages,
    chain: u64,
    account: crate::Address,
}

impl Book {
    /// Opens the book of an account; makes it if need be.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: impl Into<PathBuf>, chain: u64, account: crate::Address) -> Result<Self, LogError> {
        Ok(Self { log: Log::open(path)?, pages: Pages::default(), chain, account })
    }

    /// Waits until the book is ours alone, no longer than this.
    ///
    /// # Errors
    /// When the disk refuses, somebody else holds it, or a line is damaged or makes no sense.
    pub fn hold(&mut self, patience: Duration) -> Result<Writing<'_>, LogError> {
        let before = self.log.lines();
        let (held, lines) = self.log.hold_within(patience)?;
        for (at, line) in lines.iter().enumerate() {
            let strange = |what: String| LogError::Strange {
                path: held.path().to_owned(),
                line: before + at + 1,
                what,
            };
            let record: Record = serde_json::from_str(line).map_err(|e| strange(e.to_string()))?;
            if let Record::Book { chain, account } = &record
                && (*chain, *account) != (self.chain, self.account)
            {
                return Err(strange("it is the book of another account or chain".into()));
            }
            self.pages.apply(&record).map_err(strange)?;
        }
        let mut writing = Writing { held, pages: &mut self.pages };
        if writing.held.lines() == 0 {
            writing.write(&Record::Book { chain: self.chain, account: self.account })?;
        }
        Ok(writing)
    }
}

/// A book that is ours alone.
#[derive(Debug)]
pub struct Writing<'a> {
    held: Held<'a>,
    pages: &'a mut Pages,
}

impl Writing<'_> {
    /// What the book says.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        self.pages
    }

    /// Writes a line down; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses, or the line does not fit what was written before.
    pub fn write(&mut self, record: &Record) -> Result<(), LogError> {
        let strange = |what: String| LogError::Strange {
            path: self.held.path().to_owned(),
            line: self.held.lines() + 1,
            what,
        };
        let text = serde_json::to_string(record).map_err(|e| strange(e.to_string()))?;
        // A line that makes no sense changes nothing here and must not reach the disk.
        self.pages.apply(record).map_err(strange)?;
        if let Err(e) = self.held.append(&text) {
            // What is in memory is ahead of the disk: read it all again.
            *self.pages = Pages::default();
            self.held.rewind();
            return Err(e);
        }
        Ok(())
    }
}
