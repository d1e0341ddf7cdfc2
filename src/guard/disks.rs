//! Disks, volumes and file systems.

use super::Stop;
use super::call::Call;
use super::options::long;
use super::paths::Place;
use super::walk::Walk;

/// Judges the programs that format, partition and wipe.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    call.deny_if(destroys(walk, call), "disk-destroy")
}

fn destroys(walk: &Walk, call: &Call<'_>) -> bool {
    let device = call.any(|a| {
        a.split('=')
            .any(|part| Place::of(part, &walk.scope.cwd).is_device())
    });
    let word = |i: usize| call.word(i).to_lowercase();
    match call.name {
        name if name.starts_with("mkfs")
            || name.starts_with("newfs")
            || matches!(name, "mkswap" | "mke2fs" | "mkdosfs") =>
        {
            device || call.any(super::marks::has_hole)
        }
        "wipefs" => device && (call.short('a') || long(call.args, "all", 1) || call.short('o')),
        "fdisk" | "sfdisk" | "cfdisk" | "gdisk" | "sgdisk" | "parted" | "gparted" => {
            let looks = [
                "-l", "--list", "-d", "--dump", "-p", "--print", "-J", "--json", "-v", "print",
            ];
            device && !call.has(&looks)
        }
        "shred" | "blkdiscard" | "badblocks" | "scrub" | "nwipe" | "sg_format" | "sg_sanitize"
        | "flashrom" | "fwupdtool" => device,
        "lvremove" | "vgremove" | "pvremove" | "lvreduce" | "vgreduce" | "pvmove" => {
            !(call.short('t') || long(call.args, "test", 2))
        }
        "cryptsetup" => matches!(
            word(0).as_str(),
            "luksformat" | "erase" | "lukserase" | "lukskillslot" | "luksremovekey" | "reencrypt"
        ),
        "mdadm" => call.has(&[
            "--stop",
            "-S",
            "--zero-superblock",
            "--remove",
            "-r",
            "--fail",
            "-f",
            "--create",
            "-C",
        ]),
        "zpool" if word(0) == "create" => device,
        "zpool" | "zfs" => matches!(
            word(0).as_str(),
            "destroy" | "labelclear" | "rollback" | "detach"
        ),
        "btrfs" => word(1) == "delete",
        "dmsetup" => matches!(
            word(0).as_str(),
            "remove" | "remove_all" | "wipe_table" | "clear"
        ),
        "diskutil" => {
            let verbs = [
                "erase",
                "partition",
                "zero",
                "random",
                "secureerase",
                "reformat",
                "resize",
                "splitpartition",
                "mergepartitions",
            ];
            let verb = word(0);
            verbs.iter().any(|v| verb.starts_with(v))
                || matches!(verb.as_str(), "apfs" | "cs" | "corestorage" | "appleraid")
                    && (word(1).starts_with("delete") || word(1).starts_with("erase"))
        }
        "hdparm" => call.any(|a| a.starts_with("--security-") || a == "--trim-sector-ranges"),
        "nvme" => matches!(word(0).as_str(), "format" | "sanitize" | "delete-ns"),
        "hdiutil" => matches!(word(0).as_str(), "erase" | "erasekeys"),
        "asr" => word(0) == "restore",
        "tmutil" => word(0).starts_with("delete"),
        "tune2fs" | "resize2fs" | "e2label" | "debugfs" => call.short('w'),
        "grub-install" | "efibootmgr" => call.args.len() > 1 && !call.short('v'),
        _ => false,
    }
}
