//! What may be signed: a file a person wrote, and the day's counters.
//!
//! ```
//! # use kiln_ledger::Policy;
//! let policy = Policy::read(r#"(
//!     chains: [11155111],
//!     contracts: ["0x00000000000000000000000000000000000000aa"],
//!     functions: ["mintBatch", "setBaseURI", "setProvenance"],
//!     tokens: (each: 500, day: 10000),
//!     value: (each: "0 wei", day: "0 wei"),
//!     gas: (each: 16777216, day: 200000000),
//!     max_fee: "40 gwei",
//! )"#)?;
//! # Ok::<(), kiln_ledger::policy::PolicyError>(())
//! ```
//!
//! What a policy does not name is refused: an empty file allows nothing.

use crate::hex;
use crate::log::{Log, LogError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Why a policy file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy cannot be read: {0}")]
pub struct PolicyError(pub String);

/// Why something is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not signed: the policy's rule `{rule}` says no: {what}")]
pub struct Refusal {
    /// The rule's name in the file.
    pub rule: &'static str,
    /// What it is about.
    pub what: String,
}

/// What it is for a transaction, and in a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitFile<T> {
    each: T,
    day: T,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    chains: Vec<u64>,
    #[serde(default)]
    contracts: Vec<String>,
    #[serde(default)]
    own_contracts: bool,
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    recipients: Option<Vec<String>>,
    #[serde(default)]
    tokens: Option<LimitFile<u64>>,
    #[serde(default)]
    value: Option<LimitFile<String>>,
    #[serde(default)]
    gas: Option<LimitFile<u64>>,
    #[serde(default)]
    max_fee: Option<String>,
    #[serde(default)]
    voucher_price: Option<String>,
    #[serde(default)]
    voucher_days: Option<u64>,
}

/// At most so much at once, and in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// In one transaction.
    pub each: u128,
    /// In a day (of UTC).
    pub day: u128,
}

/// What may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// On these chains.
    pub chains: Vec<u64>,
    /// With these contracts.
    pub contracts: Vec<crate::Address>,
    /// And with those deployed under this policy.
    pub own_contracts: bool,
    /// These functions; `deploy` and `voucher` are two of them.
    pub functions: Vec<String>,
    /// Tokens, roles and withdrawals go to these only; `None`: to anybody.
    pub recipients: Option<Vec<crate::Address>>,
    /// So many tokens.
    pub tokens: Limit,
    /// So much value, in wei.
    pub value: Limit,
    /// So much gas.
    pub gas: Limit,
    /// A unit of gas costs at most so much, in wei.
    pub max_fee: u128,
    /// No voucher sells for less, in wei.
    pub voucher_price: u128,
    /// No voucher is good for longer than so many days.
    pub voucher_days: u64,
}

/// An amount: `0.1 ether`, `30 gwei`, `5 wei`.
///
/// # Errors
/// When it is none of these.
pub fn amount(text: &str) -> Result<u128, PolicyError> {
    let bad = || {
        PolicyError(format!("{text:?} is no amount; write it like \"0.05 ether\", \"30 gwei\" or \"0 wei\""))
    };
    let (number, unit) = text.trim().split_once(' ').ok_or_else(bad)?;
    let places: usize = match unit.trim() {
        "ether" => 18,
        "gwei" => 9,
        "wei" => 0,
        _ => return Err(bad()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > places {
        return Err(bad());
    }
    let text = format!("{whole}{part}{}", "0".repeat(places - part.len()));
    text.parse().map_err(|_| bad())
}

fn address(text: &str) -> Result<crate::Address, PolicyError> {
    hex::read_array(text).ok_or_else(|| PolicyError(format!("{text:?} is no address: 0x and 40 digits")))
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// When it is not one; a rule it does not know is an error too, for it may have been meant to forbid something.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let options =
            ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let file: File = options.from_str(text).map_err(|e| PolicyError(e.to_string()))?;
        let limit = |l: Option<LimitFile<u64>>| {
            l.map_or(Limit::default(), |l| Limit { each: u128::from(l.each), day: u128::from(l.day) })
        };
        let value = match &file.value {
            Some(l) => Limit { each: amount(&l.each)?, day: amount(&l.day)? },
            None => Limit::default(),
        };
        Ok(Self {
            chains: file.chains,
            contracts: file.contracts.iter().map(|c| address(c)).collect::<Result<_, _>>()?,
            own_contracts: file.own_contracts,
            functions: file.functions,
            recipients: match file.recipients {
                Some(all) => Some(all.iter().map(|c| address(c)).collect::<Result<_, _>>()?),
                None => None,
            },
            tokens: limit(file.tokens),
            value,
            gas: limit(file.gas),
            max_fee: file.max_fee.as_deref().map_or(Ok(0), amount)?,
            voucher_price: file.voucher_price.as_deref().map_or(Ok(0), amount)?,
            voucher_days: file.voucher_days.unwrap_or(0),
        })
    }

    /// Everything, on one chain: for a chain that lies in a folder and is worth nothing.
    #[must_use]
    pub fn everything_on(chain: u64) -> Self {
        let all = Limit { each: u128::MAX, day: u128::MAX };
        Self {
            chains: vec![chain],
            contracts: Vec::new(),
            own_contracts: false,
            functions: vec!["*".into()],
            recipients: None,
            tokens: all,
            value: all,
            gas: all,
            max_fee: u128::MAX,
            voucher_price: 0,
            voucher_days: u64::MAX,
        }
    }

    /// Judges without the day's counters. `own`: contracts that were deployed under this policy.
    ///
    /// # Errors
    /// When a rule says no.
    pub fn judge(&self, asked: &Asked, own: &[crate::Address]) -> Result<(), Refusal> {
        let no = |rule, what: String| Err(Refusal { rule, what });
        let anything = self.functions.iter().any(|f| f == "*");
        if !self.chains.contains(&asked.chain) {
            return no("chains", format!("chain {} is not among {:?}", asked.chain, self.chains));
        }
        if !anything && !self.functions.contains(&asked.function) {
            return no("functions", format!("{:?} is not among {:?}", asked.function, self.functions));
        }
        let known = |c: &crate::Address| self.contracts.contains(c) || self.own_contracts && own.contains(c);
        let unknown = asked.contract.iter().chain(&asked.via).find(|c| !known(c));
        if let (Some(contract), false) = (unknown, anything) {
            return no("contracts", format!("{} is not among them", hex::show(contract)));
        }
        if let Some(may) = &self.recipients
            && let Some(other) = asked.recipients.iter().find(|r| !may.contains(r))
        {
            return no("recipients", format!("{} is not among them", hex::show(other)));
        }
        for (rule, limit, wanted) in [
            ("tokens.each", self.tokens.each, u128::from(asked.tokens)),
            ("value.each", self.value.each, asked.value),
            ("gas.each", self.gas.each, u128::from(asked.gas)),
            ("max_fee", self.max_fee, asked.max_fee),
        ] {
            if wanted > limit {
                return no(rule, format!("{wanted} is more than {limit}"));
            }
        }
        if let Some((price, days)) = asked.voucher {
            if price < self.voucher_price {
                return no("voucher_price", format!("{price} wei is less than {} wei", self.voucher_price));
            }
            if days > self.voucher_days {
                return no("voucher_days", format!("good for {days} days, more than {}", self.voucher_days));
            }
        }
        Ok(())
    }
}

/// What somebody wants signed, read from the very bytes that would be signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// On which chain.
    pub chain: u64,
    /// With which contract; `None` makes one.
    pub contract: Option<crate::Address>,
    /// The multisig that is to call it, if one is.
    pub via: Option<crate::Address>,
    /// Which function; `deploy` and `voucher` are two of them.
    pub function: String,
    /// Who is given something: tokens, a role, money.
    pub recipients: Vec<crate::Address>,
    /// How many tokens come of it.
    pub tokens: u64,
    /// How much is sent along, in wei.
    pub value: u128,
    /// How much gas it may use.
    pub gas: u64,
    /// What a unit of gas may cost, in wei.
    pub max_fee: u128,
    /// Of a voucher: its price in wei, and for how many days it is good.
    pub voucher: Option<(u128, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    #[serde(with = "hex::number")]
    tokens: u128,
    #[serde(with = "hex::number")]
    value: u128,
    #[serde(with = "hex::number")]
    gas: u128,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Line {
    Signed {
        day: u64,
        #[serde(with = "hex::array")]
        id: [u8; 32],
        spent: Spent,
    },
    Deployed {
        #[serde(with = "hex::array")]
        contract: crate::Address,
    },
}

/// The day's counters of a policy, on the disk beside it: shared by everything that signs under it.
#[derive(Debug)]
pub struct Counters {
    log: Log,
    day: u64,
    /// What was counted today and yesterday, by what it was for: a replacement of a transaction counts once.
    counted: BTreeMap<[u8; 32], (u64, Spent)>,
    own: Vec<crate::Address>,
}

impl Counters {
    /// Opens the counters; makes them if need be.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LogError> {
        Ok(Self { log: Log::open(path)?, day: 0, counted: BTreeMap::new(), own: Vec::new() })
    }

    /// Judges, and counts if it may be signed: on the disk when this returns. `id`: what it is for, the same for
    /// transactions of which only one can happen. `now`: milliseconds since 1970. `makes`: the contract it deploys.
    ///
    /// # Errors
    /// When a rule says no; or the counters cannot be kept, and then nothing may be signed either.
    pub fn allow(
        &mut self,
        policy: &Policy,
        asked: &Asked,
        id: [u8; 32],
        now: u64,
        makes: Option<crate::Address>,
    ) -> Result<(), Refusal> {
        let broken = |e: LogError| Refusal { rule: "day", what: e.to_string() };
        let Self { log, day, counted, own } = self;
        let before = log.lines();
        let (mut held, lines) = log.hold_within(Duration::from_secs(30)).map_err(broken)?;
        for (at, line) in lines.iter().enumerate() {
            let line = serde_json::from_str(line).map_err(|e| {
                let (path, line) = (held.path().to_owned(), before + at + 1);
                broken(LogError::Strange { path, line, what: e.to_string() })
            })?;
            take(&line, day, counted, own);
        }
        // A clock that was put back does not begin the day anew.
        let today = (now / 86_400_000).max(*day);
        policy.judge(asked, own)?;
        let wanted =
            Spent { tokens: u128::from(asked.tokens), value: asked.value, gas: u128::from(asked.gas) };
        let mut sum = Spent::default();
        for (_, spent) in counted.values().filter(|(d, _)| *d == today) {
            sum.tokens = sum.tokens.saturating_add(spent.tokens);
            sum.value = sum.value.saturating_add(spent.value);
            sum.gas = sum.gas.saturating_add(spent.gas);
        }
        let known = counted.get(&id).copied();
        let earlier = known.map_or(Spent::default(), |(_, s)| s);
        let most = Spent {
            tokens: wanted.tokens.max(earlier.tokens),
            value: wanted.value.max(earlier.value),
            gas: wanted.gas.max(earlier.gas),
        };
        // What was counted for it today is in the sum already; what was counted another day is not asked again.
        let more = |most: u128, earlier: u128| most.saturating_sub(earlier);
        for (rule, limit, sum, more) in [
            ("tokens.day", policy.tokens.day, sum.tokens, more(most.tokens, earlier.tokens)),
            ("value.day", policy.value.day, sum.value, more(most.value, earlier.value)),
            ("gas.day", policy.gas.day, sum.gas, more(most.gas, earlier.gas)),
        ] {
            if more > 0 && sum.saturating_add(more) > limit {
                let what = format!("{sum} today and {more} more would be more than {limit}; go on tomorrow");
                return Err(Refusal { rule, what });
            }
        }
        if let Some(contract) = makes
            && !own.contains(&contract)
        {
            add(&mut held, &Line::Deployed { contract }).map_err(broken)?;
            own.push(contract);
        }
        if known.is_none_or(|(_, s)| s != most) {
            let day_of = known.map_or(today, |(d, _)| d).max(today);
            let line = Line::Signed { day: day_of, id, spent: most };
            add(&mut held, &line).map_err(broken)?;
            take(&line, day, counted, own);
        }
        Ok(())
    }
}

fn take(
    line: &Line,
    day: &mut u64,
    counted: &mut BTreeMap<[u8; 32], (u64, Spent)>,
    own: &mut Vec<crate::Address>,
) {
    match line {
        Line::Signed { day: on, id, spent } => {
            if on > day {
                *day = *on;
                counted.retain(|_, (d, _)| *d + 1 >= *on);
            }
            counted.insert(*id, (*on, *spent));
        }
        Line::Deployed { contract } => own.push(*contract),
    }
}

fn add(held: &mut crate::log::Held<'_>, line: &Line) -> Result<(), LogError> {
    let text = serde_json::to_string(line).map_err(|e| LogError::Strange {
        path: held.path().to_owned(),
        line: held.lines() + 1,
        what: e.to_string(),
    })?;
    held.append(&text)
}
