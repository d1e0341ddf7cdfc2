//! What makes two rows the same call.

use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest as _, Sha256};

/// A hash of a call's id: as good as the id, and always 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// A call by the id of its message.
    pub(super) fn message(id: &str) -> Self {
        Self::of(&[b"m", id.as_bytes()])
    }

    /// A row without such an id, by its own id in the file of this name.
    pub(super) fn row(file: &str, uuid: &str) -> Self {
        Self::of(&[b"u", file.as_bytes(), b"\0", uuid.as_bytes()])
    }

    /// A row without any id, by its place in the file of this name.
    pub(super) fn place(file: &str, at: u64) -> Self {
        Self::of(&[b"p", file.as_bytes(), b"\0", &at.to_le_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(key)
    }

    pub(super) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key that was stored.
    pub(super) fn stored(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its first bytes as a number.
    pub(super) fn short(self) -> u64 {
        self.0
            .first_chunk()
            .map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// A map by key. The keys are hashes already: a part of them will do.
pub(super) type ByKey<T> = std::collections::HashMap<Key, T, BuildHasherDefault<Short>>;

/// See [`ByKey`].
#[derive(Debug, Default)]
pub(super) struct Short(u64);

impl Hasher for Short {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // A length may be given, too; all that matters is in the key's own bytes.
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
}
