//! A child's output: read in pieces, kept within bounds, given on line by line.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::spec::Spec;

/// How long output is still read after the child has ended: a grandchild may hold the pipe.
const DRAIN: Duration = Duration::from_secs(2);

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
    /// It came after the child was asked to end.
    pub late: bool,
}

/// Both streams of a child, and what is kept of them.
pub(super) struct Output<F> {
    pieces: mpsc::Receiver<(Stream, Vec<u8>)>,
    open: bool,
    relay: bool,
    kept: Kept,
    on_line: F,
}

impl<F: FnMut(Line)> Output<F> {
    /// Takes the streams of a child.
    pub(super) fn of(child: &mut Child, spec: &Spec, on_line: F) -> Self {
        let (to, pieces) = mpsc::channel(64);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        if spec.relay {
            tokio::spawn(pass_on(out, std::io::stdout(), to.clone()));
            tokio::spawn(pass_on(err, std::io::stderr(), to));
        } else {
            tokio::spawn(pump(out, Stream::Out, to.clone()));
            tokio::spawn(pump(err, Stream::Err, to));
        }
        Self {
            pieces,
            open: true,
            relay: spec.relay,
            kept: Kept::new(spec.keep),
            on_line,
        }
    }

    /// Waits for a piece of output and takes it; for ever, once there can be no more.
    pub(super) async fn piece(&mut self) {
        while self.open {
            match self.pieces.recv().await {
                Some((stream, bytes)) => {
                    return self.kept.take(stream, &bytes, &mut self.on_line);
                }
                None => self.open = false,
            }
        }
        std::future::pending::<()>().await;
    }

    /// Takes whatever comes, for ever.
    pub(super) async fn drain(&mut self) -> Infallible {
        loop {
            self.piece().await;
        }
    }

    /// What comes from here on is late.
    pub(super) fn asked_to_end(&mut self) {
        self.kept.late = true;
    }

    /// More came than is bearable.
    pub(super) fn flooded(&self) -> bool {
        self.kept.flooded()
    }

    /// Takes what is still in the pipes.
    pub(super) async fn finish(mut self) -> Kept {
        let until = Instant::now() + DRAIN;
        while self.open {
            tokio::select! {
                piece = self.pieces.recv() => match piece {
                    Some((stream, bytes)) => self.kept.take(stream, &bytes, &mut self.on_line),
                    None => self.open = false,
                },
                // Whoever reads what is passed on takes the time that it takes.
                () = tokio::time::sleep_until(until), if !self.relay => break,
            }
        }
        self.kept.finish(&mut self.on_line);
        self.kept
    }
}

/// Passes on what is read. The channel is closed when there is no more, or nobody takes it.
async fn pass_on(
    from: Option<impl AsyncRead + Unpin>,
    to: impl AsFd,
    _done: mpsc::Sender<(Stream, Vec<u8>)>,
) {
    if let (Some(mut from), Ok(mut to)) = (from, own(to)) {
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = to.flush().await;
    }
}

/// A standard stream of this process's own, without a buffer of its own.
pub(super) fn own(stream: impl AsFd) -> std::io::Result<tokio::fs::File> {
    let file = stream.as_fd().try_clone_to_owned()?;
    Ok(tokio::fs::File::from_std(file.into()))
}

async fn pump(
    from: Option<impl AsyncRead + Unpin>,
    stream: Stream,
    to: mpsc::Sender<(Stream, Vec<u8>)>,
) {
    let Some(mut from) = from else { return };
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
    late: bool,
    pub(super) dropped: usize,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self {
            out: Side::default(),
            err: Side::default(),
            limit,
            seen: 0,
            late: false,
            dropped: 0,
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8], on_line: &mut impl FnMut(Line)) {
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
                emit(stream, self.late, &mut side.partial, on_line);
            }
        }
    }

    fn flooded(&self) -> bool {
        self.seen > self.limit.saturating_mul(4)
    }

    fn finish(&mut self, on_line: &mut impl FnMut(Line)) {
        for (stream, side) in [(Stream::Out, &mut self.out), (Stream::Err, &mut self.err)] {
            if !side.partial.is_empty() {
                emit(stream, self.late, &mut side.partial, on_line);
            }
        }
    }
}

fn emit(stream: Stream, late: bool, partial: &mut Vec<u8>, on_line: &mut impl FnMut(Line)) {
    let text = String::from_utf8_lossy(partial);
    on_line(Line {
        stream,
        text: text.trim_end_matches(['\n', '\r']).to_owned(),
        late,
    });
    partial.clear();
}
