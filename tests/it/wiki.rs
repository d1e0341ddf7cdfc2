//! wiki
