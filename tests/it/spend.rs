//! A day's spend, from transcripts as Claude Code writes them to the figure that the gate sees.

mod files;
mod index;
mod random;
mod rules;
mod settle;
