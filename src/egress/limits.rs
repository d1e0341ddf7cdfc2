//! How much a run may ask for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What a run may ask for at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Requests within a minute.
    pub per_minute: u32,
    /// Bytes through all tunnels, both ways.
    pub bytes: u64,
    /// A tunnel in which nothing moves for this long is closed.
    pub idle: Duration,
}

/// What is left of a run's limits.
#[derive(Debug)]
pub(super) struct Left {
    bytes: AtomicU64,
    /// Requests that may be made at a time, refilled evenly.
    bucket: Mutex<(f64, Instant)>,
    per_minute: f64,
}

impl Left {
    pub(super) fn of(limits: &Limits) -> Self {
        let per_minute = f64::from(limits.per_minute);
        Self {
            bytes: AtomicU64::new(limits.bytes),
            bucket: Mutex::new((per_minute, Instant::now())),
            per_minute,
        }
    }

    /// Takes one request. Whether there was one.
    pub(super) fn request(&self) -> bool {
        let mut bucket = self
            .bucket
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let (left, at) = *bucket;
        let refilled = (now - at).as_secs_f64() / 60.0 * self.per_minute;
        let left = (left + refilled).min(self.per_minute);
        let taken = left >= 1.0;
        *bucket = (if taken { left - 1.0 } else { left }, now);
        taken
    }

    /// Takes bytes. Whether there were as many.
    pub(super) fn bytes(&self, count: usize) -> bool {
        let count = count as u64;
        let take = |left: u64| Some(left.saturating_sub(count));
        let before = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .unwrap_or(0);
        before >= count
    }

    /// Whether any bytes are left.
    pub(super) fn any_bytes(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left() -> Left {
        Left::of(&Limits {
            connections: 1,
            per_minute: 60,
            bytes: 100,
            idle: Duration::from_secs(1),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn requests_come_back_evenly() {
        let left = left();
        assert_eq!((0..100).filter(|_| left.request()).count(), 60);
        tokio::time::advance(Duration::from_millis(2_500)).await;
        assert_eq!((0..100).filter(|_| left.request()).count(), 2);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..100).filter(|_| left.request()).count(), 60);
    }

    #[tokio::test]
    async fn bytes_do_not() {
        let left = left();
        assert!(left.bytes(60) && left.any_bytes());
        assert!(!left.bytes(60), "more than there was");
        assert!(!left.any_bytes() && !left.bytes(1));
    }
}
