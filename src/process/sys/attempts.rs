//! System calls that a confined program should not get through: each is tried once, and does no
//! harm where it succeeds.

#![expect(
    unsafe_code,
    reason = "what is tried has no safe form, and should have none"
)]

use std::io::{Error, Result};

use libc::{c_int, c_long, c_void};

/// What may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// A new user namespace by `unshare`.
    UserNamespace,
    /// The same by `clone`.
    CloneUserNamespace,
    /// The same by `clone3`.
    Clone3UserNamespace,
    /// A new mount namespace.
    MountNamespace,
    /// A ring for input and output (`io_uring`).
    IoUring,
    /// A key in the process's own keyring.
    AddKey,
    /// The user's keyring.
    ReadKeyring,
    /// A program for the kernel.
    Bpf,
    /// Performance counters.
    Perf,
    /// Page faults for user space.
    UserFault,
    /// A file by its handle.
    FileHandle,
    /// The call numbers of i386.
    OldNumbers,
    /// The call numbers of x32.
    SecondNumbers,
    /// Words put into a terminal of its own.
    TerminalInput,
    /// The other way to do so.
    TerminalPaste,
    /// Root.
    BecomeRoot,
    /// To trace a process.
    Trace(i32),
    /// To read another process's memory.
    ReadMemory(i32),
    /// To trace a child of its own.
    TraceChild,
    /// A socket of this family, kind and protocol.
    Socket(i32, i32, i32),
}

/// Tries it.
///
/// # Errors
/// What the kernel says.
pub fn attempt(what: Attempt) -> Result<()> {
    match what {
        Attempt::UserNamespace => in_child(|| call(libc::SYS_unshare, [0x1000_0000, 0, 0, 0, 0])),
        Attempt::MountNamespace => in_child(|| call(libc::SYS_unshare, [0x2_0000, 0, 0, 0, 0])),
        Attempt::CloneUserNamespace => fork_with(libc::CLONE_NEWUSER),
        Attempt::Clone3UserNamespace => clone3_user(),
        Attempt::IoUring => {
            let mut params = [0_u8; 256];
            opened(libc::SYS_io_uring_setup, [1, at(&mut params), 0, 0, 0])
        }
        Attempt::AddKey => {
            let (kind, name) = (c"user", c"secloop-probe");
            call(
                libc::SYS_add_key,
                [
                    kind.as_ptr() as c_long,
                    name.as_ptr() as c_long,
                    name.as_ptr() as c_long,
                    1,
                    -2,
                ],
            )
        }
        // KEYCTL_DESCRIBE of KEY_SPEC_USER_KEYRING.
        Attempt::ReadKeyring => {
            let mut text = [0_u8; 256];
            call(libc::SYS_keyctl, [6, -4, at(&mut text), 256, 0])
        }
        Attempt::Bpf => {
            // BPF_MAP_CREATE: an array of one.
            let mut map = [0_u32; 32];
            (map[0], map[1], map[2], map[3]) = (2, 4, 4, 1);
            opened(libc::SYS_bpf, [0, map.as_mut_ptr() as c_long, 72, 0, 0])
        }
        Attempt::Perf => {
            // PERF_TYPE_SOFTWARE, the processor's clock, of this process in user space.
            let mut event = [0_u64; 16];
            event[0] = 1 | (128 << 32);
            event[5] = 0x60;
            opened(
                libc::SYS_perf_event_open,
                [event.as_mut_ptr() as c_long, 0, -1, -1, 0],
            )
        }
        // UFFD_USER_MODE_ONLY.
        Attempt::UserFault => opened(libc::SYS_userfaultfd, [1, 0, 0, 0, 0]),
        Attempt::FileHandle => {
            let mut handle = [0_u8; 136];
            handle[0] = 128;
            let mut mount: c_int = 0;
            let path = c"/proc/self/exe";
            call(
                libc::SYS_name_to_handle_at,
                [
                    libc::AT_FDCWD.into(),
                    path.as_ptr() as c_long,
                    at(&mut handle),
                    (&raw mut mount) as c_long,
                    0x400,
                ],
            )
        }
        Attempt::OldNumbers => in_child(old_numbers),
        Attempt::SecondNumbers => in_child(|| call(0x4000_0000 | libc::SYS_getpid, [0; 5])),
        Attempt::TerminalInput => in_child(|| terminal(0x5412)),
        Attempt::TerminalPaste => in_child(|| terminal(0x541c)),
        Attempt::BecomeRoot => in_child(|| call(libc::SYS_setresuid, [0, 0, 0, 0, 0])),
        // PTRACE_SEIZE, which stops nobody.
        Attempt::Trace(pid) => {
            in_child(move || call(libc::SYS_ptrace, [0x4206, pid.into(), 0, 0, 0]))
        }
        Attempt::ReadMemory(pid) => read_memory(pid),
        Attempt::TraceChild => trace_child(),
        Attempt::Socket(family, kind, protocol) => opened(
            libc::SYS_socket,
            [family.into(), kind.into(), protocol.into(), 0, 0],
        ),
    }
}

fn at<const N: usize>(bytes: &mut [u8; N]) -> c_long {
    bytes.as_mut_ptr() as c_long
}

fn call(number: c_long, args: [c_long; 5]) -> Result<()> {
    raw(number, args).map(drop)
}

fn opened(number: c_long, args: [c_long; 5]) -> Result<()> {
    let file = raw(number, args)?;
    let file = c_int::try_from(file).map_err(Error::other)?;
    // SAFETY: it was opened just now and is nobody else's.
    unsafe { libc::close(file) };
    Ok(())
}

fn raw(number: c_long, args: [c_long; 5]) -> Result<c_long> {
    let [first, second, third, fourth, fifth] = args;
    // SAFETY: each caller gives pointers to what lives until the call is over, and is large enough.
    match unsafe { libc::syscall(number, first, second, third, fourth, fifth, 0) } {
        -1 => Err(Error::last_os_error()),
        other => Ok(other),
    }
}

/// Tries in a child, so that this process stays what it is. A child that is killed says so.
fn in_child(attempt: impl Fn() -> Result<()>) -> Result<()> {
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        -1 => Err(Error::last_os_error()),
        0 => {
            let code = attempt().map_or_else(|e| e.raw_os_error().unwrap_or(255), |()| 0);
            // SAFETY: the child ends here, and runs nothing of its parent's.
            unsafe { libc::_exit(code) }
        }
        child => waited(child),
    }
}

fn waited(child: c_int) -> Result<()> {
    let mut status = 0;
    // SAFETY: the child is this process's own.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if !libc::WIFEXITED(status) {
        return Err(Error::other(format!(
            "killed by signal {}",
            libc::WTERMSIG(status)
        )));
    }
    match libc::WEXITSTATUS(status) {
        0 => Ok(()),
        code => Err(Error::from_raw_os_error(code)),
    }
}

/// A child in new namespaces, which ends at once.
fn fork_with(flags: c_int) -> Result<()> {
    let flags = c_long::from(flags | libc::SIGCHLD);
    match raw(libc::SYS_clone, [flags, 0, 0, 0, 0])? {
        // SAFETY: as in a fork; the child ends here.
        0 => unsafe { libc::_exit(0) },
        child => waited(c_int::try_from(child).map_err(Error::other)?),
    }
}

fn clone3_user() -> Result<()> {
    // Flags first, the signal at the child's end fifth.
    let mut args = [0_u64; 8];
    args[0] = 0x1000_0000;
    args[4] = 17;
    match raw(libc::SYS_clone3, [args.as_mut_ptr() as c_long, 64, 0, 0, 0])? {
        // SAFETY: as in a fork; the child ends here.
        0 => unsafe { libc::_exit(0) },
        child => waited(c_int::try_from(child).map_err(Error::other)?),
    }
}

/// `getpid` as i386 has it.
#[cfg(target_arch = "x86_64")]
fn old_numbers() -> Result<()> {
    let mut number: u64 = 20;
    // SAFETY: the call takes no argument; the gate keeps all registers but the answer's.
    unsafe {
        std::arch::asm!("int 0x80", inout("rax") number, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    match i32::try_from(number) {
        Ok(pid) if pid > 0 => Ok(()),
        _ => Err(Error::from_raw_os_error(libc::ENOSYS)),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn old_numbers() -> Result<()> {
    Err(Error::from_raw_os_error(libc::ENOSYS))
}

/// A terminal of its own becomes the controlling one, and gets input that nobody typed.
fn terminal(request: u64) -> Result<()> {
    let (_main, other) = pair()?;
    let mut byte = b'x';
    // SAFETY: the descriptor was opened here, and the byte lives long enough.
    unsafe {
        libc::setsid();
        if libc::ioctl(other, libc::TIOCSCTTY, 0) != 0
            || libc::ioctl(other, request, (&raw mut byte).cast::<c_void>()) != 0
        {
            return Err(Error::last_os_error());
        }
    }
    Ok(())
}

/// Both ends of a new terminal, which stay open.
fn pair() -> Result<(c_int, c_int)> {
    // SAFETY: each call takes what the one before has opened.
    unsafe {
        let main = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        if main < 0 || libc::grantpt(main) != 0 || libc::unlockpt(main) != 0 {
            return Err(Error::last_os_error());
        }
        // TIOCGPTPEER: without its name.
        match libc::ioctl(main, 0x5441, libc::O_RDWR | libc::O_NOCTTY) {
            -1 => Err(Error::last_os_error()),
            other => Ok((main, other)),
        }
    }
}

/// A terminal of its own, both ends.
pub(in crate::process) fn open_terminal() -> Result<()> {
    pair().map(drop)
}

/// So many children at once; they end again, however many they are.
pub(in crate::process) fn crowd(most: usize) -> Result<()> {
    let mut children = Vec::new();
    let mut last = Ok(());
    for _ in 0..most {
        // SAFETY: this process has one thread; the child only waits and is ended below.
        match unsafe { libc::fork() } {
            -1 => {
                last = Err(Error::other(format!("{} and no more", children.len())));
                break;
            }
            // SAFETY: the child runs nothing of its parent's.
            0 => unsafe {
                libc::pause();
                libc::_exit(0)
            },
            child => children.push(child),
        }
    }
    for child in children {
        // SAFETY: they are this process's own children, and are waited for only here.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
    }
    last
}

fn read_memory(pid: i32) -> Result<()> {
    let mut byte = 0_u8;
    let here = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // Nothing is mapped there: who may read gets EFAULT.
    let there = libc::iovec {
        iov_base: 8 as *mut c_void,
        iov_len: 1,
    };
    let args = [
        pid.into(),
        (&raw const here) as c_long,
        1,
        (&raw const there) as c_long,
        1,
    ];
    match raw(libc::SYS_process_vm_readv, args) {
        Err(e) if e.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        other => other.map(drop),
    }
}

fn trace_child() -> Result<()> {
    // SAFETY: this process has one thread; the child only waits and is ended below.
    unsafe {
        match libc::fork() {
            -1 => Err(Error::last_os_error()),
            0 => {
                libc::pause();
                libc::_exit(0)
            }
            child => {
                let traced = call(libc::SYS_ptrace, [0x4206, child.into(), 0, 0, 0]);
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, std::ptr::null_mut(), libc::__WALL);
                traced
            }
        }
    }
}
