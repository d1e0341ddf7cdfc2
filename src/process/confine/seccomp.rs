//! System calls that a confined program has no business with: those that make namespaces or
//! mounts, those by which much of the kernel is reached, and those of another architecture.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// What one may not do in any way.
const REFUSED: &[i64] = &[
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    // Files by number instead of by path.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_fanotify_init,
    // Large or seldom used parts of the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_nfsservctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_vhangup,
    // The machine itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];
#[cfg(target_arch = "x86_64")]
const OLD: &[i64] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[];
/// Not in every version of the tables.
const OPEN_TREE_ATTR: i64 = 467;
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: i64 = 320;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: i64 = 294;

/// `CLONE_NEW*`: time, mount, cgroup, UTS, IPC, user, PID, network.
const NAMESPACES: [u64; 8] = [
    0x80,
    0x2_0000,
    0x200_0000,
    0x400_0000,
    0x800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];
/// To put words into somebody's terminal: `TIOCSTI`, `TIOCLINUX`; `TIOCSETD`, which loads drivers.
const TERMINAL: [u64; 3] = [0x5412, 0x541c, 0x5423];
/// Unix, IPv4, IPv6, netlink.
const FAMILIES: [u64; 4] = [1, 2, 10, 16];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Puts the filters in force.
pub(super) fn filter() -> Result<(), String> {
    filters()
        .and_then(|all| all.iter().try_for_each(|filter| apply_filter(filter)))
        .map_err(|e| format!("seccomp: {e}"))
}

/// One for each answer. Each kills whoever calls by the numbers of another architecture.
fn filters() -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let refused = REFUSED.iter().chain(OLD).map(|call| (*call, Vec::new()));
    let mut refused: Rules = refused.collect();
    let namespaces = NAMESPACES.map(|flag| one(0, SeccompCmpOp::MaskedEq(flag), flag));
    refused.insert(libc::SYS_clone, rules(namespaces)?);
    let terminal = TERMINAL.map(|request| one(1, SeccompCmpOp::Eq, request));
    refused.insert(libc::SYS_ioctl, rules(terminal)?);
    // Its flags are behind a pointer; programs take `clone` where there is no such call.
    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
    let odd = FAMILIES.map(|family| one(0, SeccompCmpOp::Ne, family));
    let odd = SeccompRule::new(odd.into_iter().collect::<Result<_, _>>()?)?;
    let netlink = SeccompRule::new(vec![
        one(0, SeccompCmpOp::Eq, 16)?,
        one(2, SeccompCmpOp::Ne, 0)?,
    ])?;
    let pairs = rules([one(0, SeccompCmpOp::Ne, 1)])?;
    let families = Rules::from([
        (libc::SYS_socket, vec![odd, netlink]),
        (libc::SYS_socketpair, pairs),
    ]);
    let mut all = Vec::new();
    for (rules, answer) in [
        (refused, libc::EPERM),
        (unknown, libc::ENOSYS),
        (families, libc::EAFNOSUPPORT),
    ] {
        let answer = SeccompAction::Errno(answer.unsigned_abs());
        let here = std::env::consts::ARCH.try_into()?;
        all.push(SeccompFilter::new(rules, SeccompAction::Allow, answer, here)?.try_into()?);
    }
    all.extend(second_numbers());
    Ok(all)
}

fn one(
    argument: u8,
    is: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    // The kernel takes no more of any of these than 32 bits.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)
}

/// Any of these conditions.
fn rules<const N: usize>(
    any: [Result<SeccompCondition, seccompiler::BackendError>; N],
) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    any.into_iter()
        .map(|condition| SeccompRule::new(vec![condition?]))
        .collect()
}

/// x32: the same architecture, and a second set of numbers, which the filters above don't know.
fn second_numbers() -> Vec<BpfProgram> {
    if std::env::consts::ARCH != "x86_64" {
        return Vec::new();
    }
    let step = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    // Load the number; from this one on the call is unknown, below it is allowed.
    vec![vec![
        step(0x20, 0, 0, 0),
        step(0x35, 0, 1, 0x4000_0000),
        step(0x06, 0, 0, 0x0005_0000 | libc::ENOSYS.unsigned_abs()),
        step(0x06, 0, 0, 0x7fff_0000),
    ]]
}
