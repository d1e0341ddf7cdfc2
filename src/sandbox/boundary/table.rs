//! The table of expectations. Names are those under which such attacks are known.

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Read a file, or list a directory.
    Read,
    /// Write into a file that is there.
    Write,
    /// Make a file that is not there.
    Create,
    /// Cut a file to nothing.
    Truncate,
    /// Remove a file.
    Delete,
    /// Give a file or directory another name beside it.
    Move,
    /// Open a file to everybody.
    Chmod,
    /// Write through a symbolic link in the working copy.
    Symlink,
    /// Write by way of `..` from the working copy.
    Dotdot,
    /// Write through a hard link made in the working copy.
    Hardlink,
    /// Connect to a socket or a port.
    Connect,
    /// Send a packet.
    Send,
    /// Listen on a port of the loopback.
    Listen,
    /// Find a secret in the environment, the own one or the supervisor's.
    Environment,
    /// Write to a descriptor that the supervisor had open.
    Descriptor,
    /// Signal somebody else's process.
    Signal,
    /// Ask for a service of macOS.
    Lookup,
    /// Ask for a figure of the kernel's.
    Figure,
    /// Run a program, which ends with 0 where it could do what it is for.
    Run,
    /// Work without one of: no new rights, no capabilities, a filter of system calls (Linux).
    Unfiltered,
    /// Work without bounds on processes, memory or files' sizes.
    Unbounded,
    /// Leave a process behind that outlives the run.
    Remain,
}

/// On what it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A file of the user's elsewhere.
    Outside,
    /// The directory in which that lies.
    OutsideDir,
    /// A file in the user's home.
    Home,
    /// Below the user's home.
    InHome(&'static str),
    /// A file or directory of the system.
    System(&'static str),
    /// The machine's temporary files.
    HostTemp,
    /// The working copy.
    Work,
    /// The directory that holds the working copy.
    Above,
    /// The private directory for temporary files.
    Temp,
    /// A daemon's socket.
    Socket,
    /// A daemon's socket without a file (Linux).
    AbstractSocket,
    /// A server on the machine's loopback.
    Loopback,
    /// The way to the proxy.
    Proxy,
    /// Somewhere else.
    Internet,
    /// A name of a service or figure, or a command.
    Named(&'static str),
    /// Nothing in particular.
    Itself,
}

/// What has to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It must not succeed.
    Stopped,
    /// It must succeed.
    Works,
}

/// Where that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Everywhere.
    Both,
    /// Linux only.
    Linux,
    /// macOS only.
    Mac,
}

/// One expectation.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    /// Its name, stable.
    pub name: &'static str,
    /// What is tried.
    pub act: Act,
    /// On what.
    pub target: Target,
    /// What has to come of it.
    pub wanted: Wanted,
    /// Where.
    pub on: On,
}

macro_rules! rows {
    ($($wanted:ident $on:ident { $($name:literal $act:ident $target:expr;)+ })+) => {
        /// All of it.
        pub const EXPECTED: &[Expectation] = &[$($(Expectation {
            name: $name, act: Act::$act, target: $target, wanted: Wanted::$wanted, on: On::$on,
        }),+),+];
    };
}

use Target::{
    Above, AbstractSocket, Home, HostTemp, InHome, Internet, Itself, Loopback, Named, Outside,
    OutsideDir, Proxy, Socket, System, Temp, Work,
};

rows! {
    Stopped Both {
        "read_outside" Read Outside;
        "list_outside" Read OutsideDir;
        "write_outside" Write Outside;
        "create_outside" Create OutsideDir;
        "truncate_outside" Truncate Outside;
        "unlink_outside" Delete Outside;
        "rename_outside" Move Outside;
        "chmod_outside" Chmod Outside;
        "symlink_write" Symlink Outside;
        "dotdot" Dotdot Outside;
        "hardlink" Hardlink Outside;
        "rename_ws" Move Work;
        "rename_parent" Move Above;
        "write_home" Create Home;
        "list_home" Read Home;
        "read_ssh" Read InHome(".ssh");
        "read_aws" Read InHome(".aws");
        "read_kube" Read InHome(".kube");
        "read_gnupg" Read InHome(".gnupg");
        "read_gcloud" Read InHome(".config/gcloud");
        "read_gh" Read InHome(".config/gh");
        "read_netrc" Read InHome(".netrc");
        "read_npmrc" Read InHome(".npmrc");
        "read_claude_cred" Read InHome(".claude/.credentials.json");
        "read_claude" Read InHome(".claude");
        "read_docker" Read InHome(".docker");
        "write_etc" Create System("/etc");
        "write_usr" Create System("/usr/local");
        "write_tmp" Create HostTemp;
        "read_tmp" Read HostTemp;
        "env_secret" Environment Itself;
        "inherited_fd" Descriptor Outside;
        "unix_path" Connect Socket;
        "tcp_loopback" Connect Loopback;
        "tcp_internet" Connect Internet;
        "udp" Send Loopback;
        "signal" Signal Itself;
        "survive_exit" Remain Itself;
    }
    Stopped Linux {
        "read_shadow" Read System("/etc/shadow");
        "unix_run" Connect System("/run/docker.sock");
        "unix_abstract" Connect AbstractSocket;
        "userns" Run Named("unshare --user true");
        "mount" Run Named("mount -t tmpfs none /tmp");
        "core_pattern" Write System("/proc/sys/kernel/core_pattern");
        "sysrq" Write System("/proc/sysrq-trigger");
        "nnp_caps_seccomp" Unfiltered Itself;
        "limits" Unbounded Itself;
        "cron" Read System("/var/spool/cron");
        "logs" Read System("/var/log");
    }
    Stopped Mac {
        "read_shadow" Read System("/var/db/dslocal/nodes/Default");
        "read_keychain" Read InHome("Library/Keychains");
        "read_keychain_system" Read System("/Library/Keychains");
        "read_cookies" Read InHome("Library/Cookies");
        "read_mail" Read InHome("Library/Mail");
        "write_launch_agent" Create InHome("Library/LaunchAgents");
        "read_volumes" Read System("/Volumes");
        "unix_run" Connect System("/var/run/docker.sock");
        "unix_dns" Connect System("/var/run/mDNSResponder");
        "unix_syslog" Connect System("/var/run/syslog");
        "keychain" Run Named("security find-generic-password -s Claude\\ Code-credentials");
        "launchd" Run Named("launchctl list");
        "mach_keychain" Lookup Named("com.apple.SecurityServer");
        "mach_securityd" Lookup Named("com.apple.securityd.xpc");
        "mach_trustd" Lookup Named("com.apple.trustd.agent");
        "mach_open" Lookup Named("com.apple.coreservices.launchservicesd");
        "mach_lsd" Lookup Named("com.apple.lsd.mapdb");
        "mach_appleevents" Lookup Named("com.apple.coreservices.appleevents");
        "mach_windows" Lookup Named("com.apple.windowserver.active");
        "mach_pasteboard" Lookup Named("com.apple.pasteboard.1");
        "mach_fonts" Lookup Named("com.apple.fonts");
        "mach_tcc" Lookup Named("com.apple.tccd");
        "proc_environ" Figure Named("kern.procargs2");
        "proc_list" Figure Named("kern.proc.all");
    }
    Works Both {
        "ws_normal" Create Work;
        "ws_read" Read Work;
        "temp" Create Temp;
        "read_usr" Read System("/usr/bin");
        "shell" Run Named("sh -c true");
        "dev_null" Write System("/dev/null");
        "dev_random" Read System("/dev/urandom");
        "proxy" Connect Proxy;
    }
    Works Linux {
        "bind_listen" Listen Itself;
        "proc_self" Read System("/proc/self/status");
    }
    Works Mac {
        "read_system" Read System("/System/Library/CoreServices/SystemVersion.plist");
        "libinfo" Lookup Named("com.apple.system.opendirectoryd.libinfo");
        "ncpu" Figure Named("hw.ncpu");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_thing_on_each_platform() {
        for platform in [On::Linux, On::Mac] {
            let here = |e: &&Expectation| e.on == On::Both || e.on == platform;
            let mut names: Vec<&str> = EXPECTED.iter().filter(here).map(|e| e.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }
}
