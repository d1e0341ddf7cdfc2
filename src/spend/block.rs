//! A window that moves over a file: some bytes of it, and more on request.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;

/// How many bytes are held at most: what stays in a core's own cache while it is searched.
pub(super) const BLOCK: usize = 64 << 10;

/// Some bytes of a file.
pub(super) struct Block<'a> {
    file: &'a File,
    buffer: &'a mut [u8],
    /// The part of the buffer that is in use.
    start: usize,
    end: usize,
    /// Where that part begins in the file, in bytes.
    at: u64,
}

impl<'a> Block<'a> {
    /// None yet, from byte `at` on. `buffer` is room for them.
    pub(super) fn new(file: &'a File, at: u64, buffer: &'a mut Vec<u8>) -> Self {
        buffer.resize(BLOCK, 0);
        Self {
            file,
            buffer,
            start: 0,
            end: 0,
            at,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Where they begin in the file.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Lets go of the first bytes.
    pub(super) fn pass(&mut self, bytes: usize) {
        let bytes = bytes.min(self.end - self.start);
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// Reads on behind them; `false` at the end of the file, or when there is no room.
    pub(super) fn more(&mut self) -> std::io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        loop {
            match self.file.read_at(room, self.at + self.end as u64) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Bytes that were let go of, up to where the block begins plus `more`.
    pub(super) fn again(&self, from: u64, more: usize) -> std::io::Result<Vec<u8>> {
        let length = self.at + more as u64 - from;
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }
}
