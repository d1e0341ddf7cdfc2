//! Pure parts on captured text.
