//! A child's output: read in pieces, kept within bounds, given on line by line.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;

/// Which output a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A complete line of output, without its newline, as it came.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its stream.
    pub stream: Stream,
    /// Its text, lossily decoded.
    pub text: String,
}

pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    stream: Stream,
    to: mpsc::Sender<(Stream, Vec<u8>)>,
) {
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                let piece = buffer.get(..n).unwrap_or_default().to_vec();
                if to.send((stream, piece)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// One stream's kept bytes and its unfinished last line.
#[derive(Default)]
pub(super) struct Side {
    pub(super) bytes: Vec<u8>,
    partial: Vec<u8>,
}

/// What is kept of both streams.
pub(super) struct Kept {
    pub(super) out: Side,
    pub(super) err: Side,
    limit: usize,
    seen: usize,
    pub(super) dropped: usize,
}

impl Kept {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            out: Side::default(),
            err: Side::default(),
            limit,
            seen: 0,
            dropped: 0,
        }
    }

    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8], on_line: &mut impl FnMut(Line)) {
        let limit = self.limit;
        self.seen += bytes.len();
        let side = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let room = limit.saturating_sub(side.bytes.len()).min(bytes.len());
        side.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.dropped += bytes.len() - room;
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            if side.partial.len() < limit {
                side.partial.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                emit(stream, &mut side.partial, on_line);
            }
        }
    }

    pub(super) fn flooded(&self) -> bool {
        self.seen > self.limit.saturating_mul(4)
    }

    pub(super) fn finish(&mut self, on_line: &mut impl FnMut(Line)) {
        for (stream, side) in [(Stream::Out, &mut self.out), (Stream::Err, &mut self.err)] {
            if !side.partial.is_empty() {
                emit(stream, &mut side.partial, on_line);
            }
        }
    }
}

fn emit(stream: Stream, partial: &mut Vec<u8>, on_line: &mut impl FnMut(Line)) {
    let text = String::from_utf8_lossy(partial);
    on_line(Line {
        stream,
        text: text.trim_end_matches(['\n', '\r']).to_owned(),
    });
    partial.clear();
}
