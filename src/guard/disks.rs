//! Disks, volumes and file systems.

use super::Stop;
use super::options::{long, operands, short};
use super::paths::Place;
use super::walk::{Walk, quoted};

#[expect(clippy::too_many_lines, reason = "a table, read in one piece")]
/// Judges the programs that format, partition and wipe.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = || {
        Err(Stop::deny(
            "disk-destroy",
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let device = args.iter().any(|a| {
        a.split('=')
            .any(|part| Place::of(part, &walk.scope.cwd).is_device())
    });
    let word = |i: usize| {
        operands(args)
            .get(i)
            .map_or("", |w| w.as_str())
            .to_lowercase()
    };
    let flag = |list: &[&str]| args.iter().any(|a| list.contains(&a.as_str()));
    match name {
        _ if name.starts_with("mkfs")
            || name.starts_with("newfs")
            || matches!(name, "mkswap" | "mke2fs" | "mkdosfs") =>
        {
            let unknown = args.iter().any(|a| super::marks::has_hole(a));
            if device || unknown { deny() } else { Ok(()) }
        }
        "wipefs" if device && (short(args, 'a') || long(args, "all", 1) || short(args, 'o')) => {
            deny()
        }
        "fdisk" | "sfdisk" | "cfdisk" | "gdisk" | "sgdisk" | "parted" | "gparted" if device => {
            let looks = flag(&[
                "-l", "--list", "-d", "--dump", "-p", "--print", "-J", "--json", "-v",
            ]) || args.iter().any(|a| a == "print");
            if looks { Ok(()) } else { deny() }
        }
        "shred" | "blkdiscard" | "badblocks" | "scrub" | "nwipe" if device => deny(),
        "lvremove" | "vgremove" | "pvremove" | "lvreduce" | "vgreduce" | "pvmove" => {
            if short(args, 't') || long(args, "test", 2) {
                Ok(())
            } else {
                deny()
            }
        }
        "cryptsetup"
            if matches!(
                word(0).as_str(),
                "luksformat"
                    | "erase"
                    | "lukserase"
                    | "lukskillslot"
                    | "luksremovekey"
                    | "reencrypt"
            ) =>
        {
            deny()
        }
        "mdadm"
            if flag(&[
                "--stop",
                "-S",
                "--zero-superblock",
                "--remove",
                "-r",
                "--fail",
                "-f",
                "--create",
                "-C",
            ]) =>
        {
            deny()
        }
        "zpool" | "zfs"
            if matches!(
                word(0).as_str(),
                "destroy" | "labelclear" | "rollback" | "detach"
            ) =>
        {
            deny()
        }
        "btrfs" if word(1) == "delete" => deny(),
        "dmsetup"
            if matches!(
                word(0).as_str(),
                "remove" | "remove_all" | "wipe_table" | "clear"
            ) =>
        {
            deny()
        }
        "diskutil" => {
            let verb = word(0);
            let destroys = [
                "erase",
                "partition",
                "zero",
                "random",
                "secureerase",
                "reformat",
                "resize",
                "splitpartition",
                "mergepartitions",
            ]
            .iter()
            .any(|v| verb.starts_with(v))
                || matches!(verb.as_str(), "apfs" | "cs" | "coreStorage" | "appleraid")
                    && (word(1).starts_with("delete") || word(1).starts_with("erase"));
            if destroys { deny() } else { Ok(()) }
        }
        "hdparm"
            if args
                .iter()
                .any(|a| a.starts_with("--security-erase") || a == "--trim-sector-ranges") =>
        {
            deny()
        }
        "nvme" if matches!(word(0).as_str(), "format" | "sanitize" | "delete-ns") => deny(),
        "asr" if word(0) == "restore" => deny(),
        "tune2fs" | "resize2fs" | "e2label" | "debugfs" if short(args, 'w') => deny(),
        _ => Ok(()),
    }
}
