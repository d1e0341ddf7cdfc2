//! What of a Mac a confined program sees and asks. Neither the keychain's services, nor those that
//! start programs (`open`), nor the resolver of names, nor those that check certificates online.

/// Programs and libraries.
pub(super) const READ: [&str; 23] = [
    "/usr",
    "/bin",
    "/sbin",
    "/System",
    "/Library/Apple",
    "/Library/Developer/CommandLineTools",
    "/Applications/Xcode.app/Contents/Developer",
    "/opt/homebrew/Cellar",
    "/opt/homebrew/Frameworks",
    "/opt/homebrew/bin",
    "/opt/homebrew/include",
    "/opt/homebrew/lib",
    "/opt/homebrew/libexec",
    "/opt/homebrew/opt",
    "/opt/homebrew/sbin",
    "/opt/homebrew/share",
    "/private/etc/manpaths.d",
    "/private/etc/paths.d",
    "/private/etc/ssl",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
    "/private/var/select",
    "/dev/fd",
];

/// Single files of the system.
pub(super) const READ_FILES: [&str; 18] = [
    "/private/etc/bashrc",
    "/private/etc/group",
    "/private/etc/hosts",
    "/private/etc/localtime",
    "/private/etc/manpaths",
    "/private/etc/networks",
    "/private/etc/passwd",
    "/private/etc/paths",
    "/private/etc/profile",
    "/private/etc/protocols",
    "/private/etc/rpc",
    "/private/etc/services",
    "/private/etc/shells",
    "/private/etc/ttys",
    "/private/etc/zprofile",
    "/private/etc/zshrc",
    "/private/var/db/xcode_select_link",
    "/Library/Preferences/.GlobalPreferences.plist",
];

/// Below the former: where others keep data and settings.
pub(super) const PRIVATE: [&str; 3] = ["/usr/local/etc", "/usr/local/var", "/System/Volumes/Data"];

pub(super) const DEVICES: [&str; 5] = [
    "/dev",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];

/// Services that every program asks: for accounts, for logging, for changes of settings.
pub(super) const SERVICES: [&str; 4] = [
    "com.apple.logd",
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
];

/// What may be asked about the machine. Not `kern.procargs2`: it shows others' environment.
pub(super) const SYSCTLS: [&str; 44] = [
    "hw.activecpu",
    "hw.busfrequency_compat",
    "hw.byteorder",
    "hw.cacheconfig",
    "hw.cachelinesize",
    "hw.cachelinesize_compat",
    "hw.cpufamily",
    "hw.cpufrequency_compat",
    "hw.cpusubfamily",
    "hw.cputype",
    "hw.l1dcachesize_compat",
    "hw.l1icachesize_compat",
    "hw.l2cachesize_compat",
    "hw.l3cachesize_compat",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.model",
    "hw.ncpu",
    "hw.nperflevels",
    "hw.packages",
    "hw.pagesize",
    "hw.pagesize_compat",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "hw.tbfrequency_compat",
    "hw.vectorunit",
    "kern.argmax",
    "kern.boottime",
    "kern.hostname",
    "kern.maxfilesperproc",
    "kern.maxproc",
    "kern.ngroups",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osvariant_status",
    "kern.osversion",
    "kern.secure_kernel",
    "kern.usrstack64",
    "kern.version",
    "sysctl.proc_cputype",
    "vm.loadavg",
];

/// The beginnings of names of which there are many.
pub(super) const SYSCTL_FAMILIES: [&str; 3] = ["hw.optional.", "hw.perflevel", "machdep.cpu."];
