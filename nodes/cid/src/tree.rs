//! Paths become folders in folders.

use crate::block::Sink;
use crate::error::CidError;
use crate::file::Made;
use crate::folder::{Entry, check_name, folder};
use crate::profile::Profile;
use std::collections::BTreeMap;

/// No path has more parts.
const DEEPEST: usize = 64;

/// Files by their paths, to become a folder.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    names: BTreeMap<String, Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Made(Made),
    Folder(Tree),
}

impl Tree {
    /// Puts a file (or a folder that is made already) at a path like `a/b.txt`.
    ///
    /// # Errors
    /// When a part of the path cannot be a name, or the path is taken.
    pub fn insert(&mut self, path: &str, made: Made) -> Result<(), CidError> {
        let odd = |what| CidError::Name { name: path.chars().take(80).collect(), what };
        if path.split('/').count() > DEEPEST {
            return Err(odd("it has more than 64 parts"));
        }
        let (folders, name) = path.rsplit_once('/').map_or((None, path), |(f, n)| (Some(f), n));
        let mut here = self;
        for part in folders.into_iter().flat_map(|f| f.split('/')) {
            check_name(part)?;
            let next = here.names.entry(part.to_owned()).or_insert_with(|| Place::Folder(Self::default()));
            here = match next {
                Place::Folder(tree) => tree,
                Place::Made(_) => return Err(odd("a part of it is a file already")),
            };
        }
        check_name(name)?;
        match here.names.insert(name.to_owned(), Place::Made(made)) {
            None => Ok(()),
            Some(_) => Err(odd("it comes twice")),
        }
    }

    /// The folder.
    ///
    /// # Errors
    /// When a block cannot be kept.
    pub fn build(self, profile: Profile, sink: &mut dyn Sink) -> Result<Made, CidError> {
        let mut entries = Vec::with_capacity(self.names.len());
        for (name, place) in self.names {
            let made = match place {
                Place::Made(made) => made,
                Place::Folder(tree) => tree.build(profile, sink)?,
            };
            entries.push(Entry { name, made });
        }
        folder(profile, entries, sink)
    }
}
