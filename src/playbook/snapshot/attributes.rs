//! What a file has besides mode and owner: extended attributes that mean something to the system
//! (capabilities, access lists, labels), and the flags that keep even root from changing it.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lremovexattr, lsetxattr};
use serde::{Deserialize, Serialize};

use crate::process::inode_flags;
use crate::turn::hex;

/// Those that are kept; the rest is bookkeeping of file systems and desktops.
const KEPT: [&str; 5] = [
    "security.capability",
    "security.selinux",
    "system.posix_acl_access",
    "system.posix_acl_default",
    "user.",
];
/// Longest list of names, and longest value.
const MAX: usize = 8 << 10;

/// Attributes and flags of one path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attributes {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extended: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) flags: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

impl Attributes {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those of a file or directory; what can't be read counts as none.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            extended: names(path)
                .into_iter()
                .filter_map(|name| {
                    let mut value = vec![0_u8; MAX];
                    let n = lgetxattr(path, name.as_str(), value.as_mut_slice()).ok()?;
                    Some((name, hex(value.get(..n)?)))
                })
                .collect(),
            flags: inode_flags(path),
        }
    }

    /// Gives `path` these extended attributes and no others; the flags come last of all.
    pub(super) fn put_back(&self, path: &Path) -> std::io::Result<()> {
        for name in names(path) {
            if !self.extended.contains_key(&name) {
                lremovexattr(path, name.as_str())?;
            }
        }
        for (name, value) in &self.extended {
            lsetxattr(path, name.as_str(), &unhex(value), XattrFlags::empty())?;
        }
        Ok(())
    }
}

fn names(path: &Path) -> Vec<String> {
    let mut list = vec![0_u8; MAX];
    let Ok(n) = llistxattr(path, list.as_mut_slice()) else {
        return Vec::new();
    };
    list.get(..n)
        .unwrap_or_default()
        .split(|b| *b == 0)
        .filter_map(|name| String::from_utf8(name.to_vec()).ok())
        .filter(|name| KEPT.iter().any(|kept| name.starts_with(kept)))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).filter_map(digit).collect()
}
