//! Calls by their keys, in the order in which they were met: those of one session stand together.

use std::collections::hash_map::Entry;

use super::call::Call;
use super::key::{ByKey, Key};

/// Each call once.
#[derive(Debug, Default)]
pub(super) struct Calls {
    places: ByKey<usize>,
    all: Vec<(Key, Call)>,
}

impl Calls {
    /// Adds an account of a call.
    pub(super) fn add(&mut self, key: Key, call: Call) {
        match self.places.entry(key) {
            Entry::Occupied(known) => {
                if let Some((_, known)) = self.all.get_mut(*known.get()) {
                    known.merge(call);
                }
            }
            Entry::Vacant(free) => {
                free.insert(self.all.len());
                self.all.push((key, call));
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Call> {
        let place = self.places.get(key)?;
        self.all.get(*place).map(|(_, call)| call)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Key, Call)> {
        self.all.iter()
    }

    /// The calls alone.
    pub(super) fn values(&self) -> impl Iterator<Item = &Call> {
        self.all.iter().map(|(_, call)| call)
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.places.reserve(more);
        self.all.reserve(more);
    }

    /// Takes all of them out; the room for them stays.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Key, Call)> {
        self.places.clear();
        self.all.drain(..)
    }
}

impl IntoIterator for Calls {
    type Item = (Key, Call);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}
