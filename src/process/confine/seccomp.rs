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

/// One for each answer, which kills whoever calls by the numbers of another architecture, and one
/// by the number alone.
fn filters() -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let namespaces = NAMESPACES.map(|flag| one(0, SeccompCmpOp::MaskedEq(flag), flag));
    let terminal = TERMINAL.map(|request| one(1, SeccompCmpOp::Eq, request));
    let refused = Rules::from([
        (libc::SYS_clone, rules(namespaces)?),
        (libc::SYS_ioctl, rules(terminal)?),
    ]);
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
    all.push(by_number());
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

/// Where the number alone decides. The kernel compiles a filter and runs it for each of its calls
/// when it takes it in; one comparison for each number is a sixth of what seccompiler makes of the
/// same list, which is 0.2 ms less at each start of a sandbox (`benches/sandbox.rs`).
fn by_number() -> BpfProgram {
    let refused: Vec<u32> = REFUSED
        .iter()
        .chain(OLD)
        .filter_map(|call| u32::try_from(*call).ok())
        .collect();
    let step = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    let answer = |errno: i32| step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs());
    let mut program = vec![
        step(LOAD_NUMBER, 0, 0, 0),
        // x32: the same architecture, and a second set of numbers, which no filter here knows.
        step(JUMP_IF_AT_LEAST, 0, 1, 0x4000_0000),
        answer(libc::ENOSYS),
    ];
    // Each jumps over those behind it and over the return that allows.
    for (behind, number) in (0..refused.len()).rev().zip(refused) {
        let over = u8::try_from(behind + 1).unwrap_or(0);
        program.push(step(JUMP_IF_EQUAL, over, 0, number));
    }
    program.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    program.push(answer(libc::EPERM));
    program
}

/// A jump is at most 255 steps long.
const _: () = assert!(REFUSED.len() + OLD.len() < 255);

// Of <linux/bpf_common.h>: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JGE | BPF_K and so on.
const LOAD_NUMBER: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program that only compares the number answers.
    fn answer(program: &[seccompiler::sock_filter], number: u32) -> u32 {
        let mut at = 0;
        loop {
            let step = &program[at];
            let skipped = match step.code {
                LOAD_NUMBER if step.k == 0 => 0,
                JUMP_IF_EQUAL if number == step.k => step.jt,
                JUMP_IF_AT_LEAST if number >= step.k => step.jt,
                JUMP_IF_EQUAL | JUMP_IF_AT_LEAST => step.jf,
                RETURN => return step.k,
                code => panic!("{code}"),
            };
            at += 1 + usize::from(skipped);
        }
    }

    #[test]
    fn every_number_has_its_answer() {
        let program = by_number();
        let refused: Vec<i64> = REFUSED.iter().chain(OLD).copied().collect();
        for number in 0..1_000_u32 {
            let wanted = if refused.contains(&i64::from(number)) {
                libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs()
            } else {
                libc::SECCOMP_RET_ALLOW
            };
            assert_eq!(answer(&program, number), wanted, "{number}");
        }
        for number in [0x4000_0000, 0x4000_0001, 0x4000_0206, u32::MAX] {
            let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
            assert_eq!(answer(&program, number), unknown, "{number}");
        }
    }
}
