//! System calls that a confined program has no business with: those that make namespaces or
//! mounts, those by which much of the kernel is reached, and those of another architecture.

use std::collections::BTreeMap;
use std::num::TryFromIntError;

use seccompiler::{BpfProgram, apply_filter, sock_filter};

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
const NAMESPACES: u32 = 0x7e02_0080;
/// To put words into somebody's terminal: `TIOCSTI`, `TIOCLINUX`; `TIOCSETD`, which loads drivers.
const TERMINAL: [u32; 3] = [0x5412, 0x541c, 0x5423];
// Families of sockets, and the one part of netlink.
const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const NETLINK: u32 = 16;
const ROUTE: u32 = 0;

/// Puts the filter in force.
pub(super) fn filter() -> Result<(), String> {
    let program = program().map_err(|_| "seccomp: a jump is longer than 255 steps".to_owned())?;
    apply_filter(&program).map_err(|e| format!("seccomp: {e}"))
}

/// One filter for all of it. When it takes one in, the kernel compiles it and runs it for each of
/// its calls, 64 bits and 32; seccompiler knows one answer a filter, and makes lists. With the
/// numbers in a tree it is 0.2 ms less at each start of a sandbox (`benches/sandbox.rs`). The tests
/// hold it against seccompiler's.
fn program() -> Result<BpfProgram, TryFromIntError> {
    let mut program = vec![
        step(LOAD, 0, 0, ARCHITECTURE),
        step(JUMP_IF_EQUAL, 1, 0, HERE),
        step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        step(LOAD, 0, 0, NUMBER),
        // x32: the same architecture, and a second set of numbers.
        step(JUMP_IF_AT_LEAST, 0, 1, 0x4000_0000),
        refuse(libc::ENOSYS),
    ];
    program.extend(tree(&ranges())?);
    Ok(program)
}

/// Numbers from one on, and what becomes of them.
type Range = (u32, BpfProgram);

/// Where the answer changes, from 0 on.
fn ranges() -> Vec<Range> {
    let mut calls: BTreeMap<u32, BpfProgram> = REFUSED
        .iter()
        .chain(OLD)
        .map(|call| (number(*call), vec![refuse(libc::EPERM)]))
        .collect();
    // Its flags are behind a pointer; programs take `clone` where there is no such call.
    calls.insert(number(libc::SYS_clone3), vec![refuse(libc::ENOSYS)]);
    calls.insert(number(libc::SYS_clone), clone());
    calls.insert(number(libc::SYS_ioctl), ioctl());
    calls.insert(number(libc::SYS_socket), socket());
    calls.insert(number(libc::SYS_socketpair), socketpair());
    let allowed = vec![ALLOW];
    let mut all: Vec<Range> = vec![(0, allowed.clone())];
    for (number, answer) in &calls {
        for (from, answer) in [(*number, answer), (number + 1, &allowed)] {
            // What ends where the next begins was nothing.
            all.pop_if(|last| last.0 == from);
            if all.last().is_none_or(|last| last.1 != *answer) {
                all.push((from, answer.clone()));
            }
        }
    }
    all
}

/// Asks whether the number lies in the upper half until one is left.
fn tree(ranges: &[Range]) -> Result<BpfProgram, TryFromIntError> {
    if let [(_, answer)] = ranges {
        return Ok(answer.clone());
    }
    let (below, above) = ranges.split_at(ranges.len() / 2);
    let (lower, upper) = (tree(below)?, tree(above)?);
    let over = u8::try_from(lower.len())?;
    let asks = step(JUMP_IF_AT_LEAST, over, 0, above[0].0);
    Ok([vec![asks], lower, upper].concat())
}

/// No new namespace.
fn clone() -> BpfProgram {
    vec![
        step(LOAD, 0, 0, argument(0)),
        step(JUMP_IF_ANY, 1, 0, NAMESPACES),
        ALLOW,
        refuse(libc::EPERM),
    ]
}

/// Nothing of [`TERMINAL`].
fn ioctl() -> BpfProgram {
    let [first, second, third] = TERMINAL;
    vec![
        step(LOAD, 0, 0, argument(1)),
        step(JUMP_IF_EQUAL, 3, 0, first),
        step(JUMP_IF_EQUAL, 2, 0, second),
        step(JUMP_IF_EQUAL, 1, 0, third),
        ALLOW,
        refuse(libc::EPERM),
    ]
}

/// Unix, IPv4, IPv6, and netlink's routes, by which programs ask for addresses.
fn socket() -> BpfProgram {
    vec![
        step(LOAD, 0, 0, argument(0)),
        step(JUMP_IF_EQUAL, 5, 0, UNIX),
        step(JUMP_IF_EQUAL, 4, 0, INET),
        step(JUMP_IF_EQUAL, 3, 0, INET6),
        step(JUMP_IF_EQUAL, 0, 3, NETLINK),
        step(LOAD, 0, 0, argument(2)),
        step(JUMP_IF_EQUAL, 0, 1, ROUTE),
        ALLOW,
        refuse(libc::EAFNOSUPPORT),
    ]
}

/// Unix alone.
fn socketpair() -> BpfProgram {
    vec![
        step(LOAD, 0, 0, argument(0)),
        step(JUMP_IF_EQUAL, 0, 1, UNIX),
        ALLOW,
        refuse(libc::EAFNOSUPPORT),
    ]
}

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

const ALLOW: sock_filter = step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);

const fn refuse(errno: i32) -> sock_filter {
    step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

/// The numbers are small and not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as it says"
)]
const fn number(call: i64) -> u32 {
    call as u32
}

// Of <linux/bpf_common.h>: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K and so on.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const JUMP_IF_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;

// Where it stands in `struct seccomp_data` of <linux/seccomp.h>.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// The lower half of an argument: the kernel takes no more of any that is asked for here.
const fn argument(which: u32) -> u32 {
    16 + 8 * which
}
/// `AUDIT_ARCH_*` of <linux/audit.h>.
#[cfg(target_arch = "x86_64")]
const HERE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const HERE: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const HERE: u32 = 0xc000_00f3;

#[cfg(test)]
mod tests {
    use seccompiler::{
        BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule,
    };

    use super::*;

    /// A call as the kernel shows it: number, architecture, and the lower halves of its arguments.
    #[derive(Debug, Clone, Copy)]
    struct Call {
        number: u32,
        architecture: u32,
        arguments: [u32; 3],
    }

    impl Call {
        fn of(number: u32, arguments: [u32; 3]) -> Self {
            Self {
                number,
                architecture: HERE,
                arguments,
            }
        }

        fn word(&self, at: u32) -> u32 {
            match at {
                NUMBER => self.number,
                ARCHITECTURE => self.architecture,
                16 => self.arguments[0],
                24 => self.arguments[1],
                32 => self.arguments[2],
                // An upper half.
                _ => 0,
            }
        }
    }

    /// What a filter answers.
    fn answer(program: &[sock_filter], call: Call) -> u32 {
        let (mut at, mut word) = (0, 0);
        loop {
            let step = &program[at];
            let either = |is: bool| if is { step.jt } else { step.jf };
            let skipped = match step.code {
                LOAD => {
                    word = call.word(step.k);
                    0
                }
                // BPF_ALU | BPF_AND | BPF_K, which only seccompiler's have; and BPF_JA.
                0x54 => {
                    word &= step.k;
                    0
                }
                0x05 => u8::try_from(step.k).unwrap(),
                JUMP_IF_EQUAL => either(word == step.k),
                JUMP_IF_AT_LEAST => either(word >= step.k),
                JUMP_IF_ANY => either(word & step.k != 0),
                RETURN => return step.k,
                code => panic!("{code:#x}"),
            };
            at += 1 + usize::from(skipped);
        }
    }

    /// The same as seccompiler makes it: a filter for each answer, of which the kernel takes the
    /// strictest.
    fn seccompilers() -> Vec<BpfProgram> {
        type Condition = Result<SeccompCondition, BackendError>;
        fn one(argument: u8, is: SeccompCmpOp, value: u32) -> Condition {
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value.into())
        }
        fn any(of: impl IntoIterator<Item = Condition>) -> Vec<SeccompRule> {
            of.into_iter()
                .map(|condition| SeccompRule::new(vec![condition.unwrap()]).unwrap())
                .collect()
        }
        let flags = (0..32).map(|bit| 1 << bit);
        let namespaces = flags
            .filter(|flag| NAMESPACES & flag != 0)
            .map(|flag| one(0, SeccompCmpOp::MaskedEq(flag.into()), flag));
        let terminal = TERMINAL.map(|request| one(1, SeccompCmpOp::Eq, request));
        let never = REFUSED.iter().chain(OLD).map(|call| (*call, Vec::new()));
        let refused = never
            .chain([
                (libc::SYS_clone, any(namespaces)),
                (libc::SYS_ioctl, any(terminal)),
            ])
            .collect();
        let odd = [UNIX, INET, INET6, NETLINK].map(|family| one(0, SeccompCmpOp::Ne, family));
        let odd = odd.into_iter().collect::<Result<_, _>>().unwrap();
        let netlink = vec![
            one(0, SeccompCmpOp::Eq, NETLINK).unwrap(),
            one(2, SeccompCmpOp::Ne, ROUTE).unwrap(),
        ];
        let sockets = [odd, netlink].map(|all| SeccompRule::new(all).unwrap());
        let families = BTreeMap::from([
            (libc::SYS_socket, sockets.into()),
            (libc::SYS_socketpair, any([one(0, SeccompCmpOp::Ne, UNIX)])),
        ]);
        let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        [
            (refused, libc::EPERM),
            (unknown, libc::ENOSYS),
            (families, libc::EAFNOSUPPORT),
        ]
        .map(|(rules, errno)| {
            let answer = SeccompAction::Errno(errno.unsigned_abs());
            let here = std::env::consts::ARCH.try_into().unwrap();
            SeccompFilter::new(rules, SeccompAction::Allow, answer, here)
                .and_then(TryInto::try_into)
                .unwrap()
        })
        .into()
    }

    #[test]
    fn every_call_has_the_answer_that_seccompiler_gives() {
        let program = program().unwrap();
        let theirs = seccompilers();
        let bits = (0..32).map(|bit| 1_u32 << bit);
        let words: Vec<u32> = bits
            .chain(0..64)
            .chain(TERMINAL)
            .chain([u32::MAX])
            .collect();
        let mut refused = 0;
        let mut compare = |call: Call| {
            // One allows, or all that don't say the same: no call is in two of them.
            let wanted = theirs.iter().map(|filter| answer(filter, call)).min();
            assert_eq!(Some(answer(&program, call)), wanted, "{call:?}");
            refused += usize::from(wanted != Some(libc::SECCOMP_RET_ALLOW));
        };
        for number in 0..1_000 {
            for word in &words {
                compare(Call::of(number, [*word, 0, 0]));
                compare(Call::of(number, [0, *word, 0]));
                compare(Call::of(number, [NETLINK, 3, *word]));
            }
        }
        // All of the lists, in all ways, and then some.
        assert!(refused > 3 * words.len() * (REFUSED.len() + OLD.len()));
    }

    #[test]
    fn other_numbers_and_other_architectures_are_nothing() {
        let program = program().unwrap();
        let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
        for number in [0x4000_0000, 0x4000_0001, 0x4000_0206, u32::MAX] {
            assert_eq!(answer(&program, Call::of(number, [0; 3])), unknown);
        }
        for number in [0, 39, 60, 120, 999] {
            // That of 32-bit x86.
            let call = Call {
                architecture: 0x4000_0003,
                ..Call::of(number, [0; 3])
            };
            assert_eq!(answer(&program, call), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }
}
