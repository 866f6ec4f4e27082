//! The way back and the way forth.

use super::{Edit, Scope, Token};

/// A step that was made (or taken back): the edits that turn it, run backwards.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub name: String,
    pub scope: Scope,
    pub edits: Vec<Edit>,
    pub from: u64,
    pub to: u64,
}

#[derive(Debug, Default)]
pub(super) struct History {
    undo: Vec<Done>,
    redo: Vec<Done>,
    open: Option<Token>,
}

impl History {
    pub fn push(&mut self, done: Done, token: Option<Token>) {
        self.redo.clear();
        let merges = token.is_some() && self.open == token;
        self.open = token;
        if merges
            && let Some(last) = self.undo.last_mut()
            && last.scope == done.scope
        {
            last.to = done.to;
            let old = last.edits.len();
            let paired = done.edits.len() == old
                && done.edits.iter().zip(&last.edits).all(|(new, old)| new.same_place(old));
            if !paired {
                for edit in done.edits {
                    // The first edit of a place leads back to the beginning; later ones add nothing.
                    if old > 64 || !last.edits[..old].iter().any(|first| first.same_place(&edit)) {
                        last.edits.push(edit);
                    }
                }
            }
            return;
        }
        self.undo.push(done);
    }

    pub fn settle(&mut self) {
        self.open = None;
    }

    pub fn take_undo(&mut self) -> Option<Done> {
        self.open = None;
        self.undo.pop()
    }

    pub fn take_redo(&mut self) -> Option<Done> {
        self.open = None;
        self.redo.pop()
    }

    pub fn push_undo(&mut self, done: Done) {
        self.undo.push(done);
    }

    pub fn push_redo(&mut self, done: Done) {
        self.redo.push(done);
    }

    pub fn names(&self) -> (Vec<&str>, Vec<&str>) {
        (
            self.undo.iter().map(|d| d.name.as_str()).collect(),
            self.redo.iter().rev().map(|d| d.name.as_str()).collect(),
        )
    }

    pub fn edits(&self) -> usize {
        self.undo.iter().chain(&self.redo).map(|d| d.edits.len()).sum()
    }
}
