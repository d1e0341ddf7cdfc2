//! Bytes both ways between somebody inside and a host, within limits.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::limits::Left;

/// Bytes that are moved at once.
const PIECE: usize = 16 << 10;

/// Moves bytes until both sides have ended, one fails, nothing moves for `idle`, or no more bytes
/// are left.
pub(super) async fn tunnel(
    inside: impl AsyncRead + AsyncWrite,
    outside: impl AsyncRead + AsyncWrite,
    left: &Left,
    idle: Duration,
) -> io::Result<()> {
    let (from_inside, to_inside) = tokio::io::split(inside);
    let (from_outside, to_outside) = tokio::io::split(outside);
    let moved = AtomicU64::new(0);
    let up = pump(from_inside, to_outside, left, idle, &moved);
    let down = pump(from_outside, to_inside, left, idle, &moved);
    tokio::try_join!(up, down).map(|_| ())
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    left: &Left,
    idle: Duration,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let before = moved.load(Ordering::Relaxed);
        let count = match tokio::time::timeout(idle, from.read(&mut piece)).await {
            Ok(read) => read?,
            // The other way may be busy.
            Err(_) if moved.load(Ordering::Relaxed) != before => continue,
            Err(late) => return Err(late.into()),
        };
        if count == 0 {
            return to.shutdown().await;
        }
        if !left.bytes(count) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        moved.fetch_add(1, Ordering::Relaxed);
        tokio::time::timeout(idle, to.write_all(&piece[..count])).await??;
    }
}
