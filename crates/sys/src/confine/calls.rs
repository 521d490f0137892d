//! The system calls that the server needs, and those that would be somebody else's doing.
//!
//! Two filters, and the kernel takes the stricter answer of both: what is not on the long list fails as on a kernel
//! that has no such call (`ENOSYS`), so that libraries fall back on what they did before there was one; what is on the
//! short list ends the process at once, because no part of the server ever asks for it and somebody who does is
//! inside. The launcher sees that end, and takes every session down with it.
//!
//! It deliberately does not know the server: the list is what the C library, Rust's library, tokio and SQLite ask for.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Needed, with any arguments.
#[rustfmt::skip]
const NEEDED: &[i64] = &[
    // Files: the journal, locks, devices, the system's own tables.
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_pread64, libc::SYS_pwrite64,
    libc::SYS_preadv, libc::SYS_pwritev, libc::SYS_openat, libc::SYS_close, libc::SYS_close_range, libc::SYS_lseek,
    libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_statfs, libc::SYS_fstatfs, libc::SYS_faccessat,
    libc::SYS_faccessat2, libc::SYS_readlinkat, libc::SYS_getdents64, libc::SYS_getcwd, libc::SYS_fcntl,
    libc::SYS_flock, libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_sync_file_range, libc::SYS_ftruncate,
    libc::SYS_fallocate, libc::SYS_fadvise64, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_linkat,
    libc::SYS_unlinkat, libc::SYS_mkdirat, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_umask,
    libc::SYS_utimensat, libc::SYS_dup, libc::SYS_dup3, libc::SYS_memfd_create, libc::SYS_sendfile,
    libc::SYS_copy_file_range, libc::SYS_splice, libc::SYS_pipe2, libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch,
    // Waiting.
    libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2, libc::SYS_ppoll,
    libc::SYS_pselect6, libc::SYS_eventfd2, libc::SYS_timerfd_create, libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime, libc::SYS_signalfd4, libc::SYS_nanosleep, libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    // Sockets; making one has its own rule below.
    libc::SYS_connect, libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_listen, libc::SYS_getsockname,
    libc::SYS_getpeername, libc::SYS_setsockopt, libc::SYS_getsockopt, libc::SYS_sendto, libc::SYS_recvfrom,
    libc::SYS_sendmsg, libc::SYS_recvmsg, libc::SYS_sendmmsg, libc::SYS_recvmmsg, libc::SYS_shutdown,
    libc::SYS_socketpair,
    // Memory.
    libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk,
    libc::SYS_mincore, libc::SYS_msync, libc::SYS_membarrier,
    // Threads; making one has its own rule below.
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_get_robust_list, libc::SYS_rseq, libc::SYS_set_tid_address,
    libc::SYS_exit, libc::SYS_exit_group, libc::SYS_gettid, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam, libc::SYS_sched_getscheduler, libc::SYS_getcpu,
    // Signals: locks ask whether a process lives (kill with 0). Another user's get none from us.
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_rt_sigpending,
    libc::SYS_rt_sigtimedwait, libc::SYS_sigaltstack, libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill,
    libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal, libc::SYS_wait4, libc::SYS_waitid,
    // Looking about.
    libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getegid,
    libc::SYS_getresuid, libc::SYS_getresgid, libc::SYS_getgroups, libc::SYS_getpgid, libc::SYS_getsid,
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_getrandom, libc::SYS_uname,
    libc::SYS_sysinfo, libc::SYS_getrusage, libc::SYS_times, libc::SYS_prlimit64, libc::SYS_capget,
];

/// The older forms of the same calls, which only the oldest machines have.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const NEEDED_OF_OLD: &[i64] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink, libc::SYS_rename,
    libc::SYS_link, libc::SYS_unlink, libc::SYS_mkdir, libc::SYS_rmdir, libc::SYS_chmod, libc::SYS_dup2,
    libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_select, libc::SYS_getpgrp, libc::SYS_time, libc::SYS_getrlimit,
];
#[cfg(not(target_arch = "x86_64"))]
const NEEDED_OF_OLD: &[i64] = &[];

/// Never asked for: whoever does is not the server any more.
#[rustfmt::skip]
const NEVER: &[i64] = &[
    // Other programs and other processes' memory.
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev,
    libc::SYS_kcmp, libc::SYS_pidfd_getfd,
    // Becoming somebody else.
    libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setreuid, libc::SYS_setregid, libc::SYS_setresuid,
    libc::SYS_setresgid, libc::SYS_setfsuid, libc::SYS_setfsgid, libc::SYS_setgroups, libc::SYS_capset,
    libc::SYS_unshare, libc::SYS_setns, libc::SYS_personality,
    // Another view of the files.
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_fsopen, libc::SYS_fsmount,
    libc::SYS_move_mount, libc::SYS_open_tree, libc::SYS_mount_setattr, libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    // The kernel itself.
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_keyctl, libc::SYS_add_key,
    libc::SYS_request_key, libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module,
    libc::SYS_kexec_load, libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_syslog,
    libc::SYS_clock_settime, libc::SYS_settimeofday, libc::SYS_sethostname, libc::SYS_setdomainname,
    libc::SYS_quotactl, libc::SYS_acct, libc::SYS_vhangup, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// What the kernel has told this process at its start, once more (Linux 6.4; libc does not name it).
const PR_GET_AUXV: i32 = 0x4155_5856;

/// Puts both filters in force for this thread and all that it will start.
pub(super) fn filter() -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    let compile = |rules, mismatch, matched| -> Result<BpfProgram, seccompiler::Error> {
        Ok(SeccompFilter::new(rules, mismatch, matched, arch)?.try_into()?)
    };
    let missing = SeccompAction::Errno(u32::try_from(libc::ENOSYS).unwrap_or(1));
    let needed = compile(needed()?, missing, SeccompAction::Allow)?;
    let never = compile(never()?, SeccompAction::Allow, SeccompAction::KillProcess)?;
    // In this order: the long list has no call to put a filter in force.
    apply_filter(&never)?;
    apply_filter(&needed)
}

fn needed() -> Result<Rules, seccompiler::BackendError> {
    let plain = NEEDED.iter().chain(NEEDED_OF_OLD);
    let mut rules: Rules = plain.map(|number| (*number, Vec::new())).collect();
    // A thread, not a process. clone3 hides its flags in memory: it is not there, and the C library falls back.
    let thread = bits(0, u64::from(libc::CLONE_THREAD.cast_unsigned()))?;
    rules.insert(libc::SYS_clone, vec![thread]);
    // Unix, IPv4, IPv6, and the routing socket by which the C library sorts addresses.
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    rules.insert(libc::SYS_socket, each(0, families.map(i32::cast_unsigned))?);
    // Names of threads and of memory, for whoever looks at the process.
    let names = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA, PR_GET_AUXV];
    rules.insert(libc::SYS_prctl, each(0, names.map(i32::cast_unsigned))?);
    // Any but those of the short list.
    rules.insert(libc::SYS_ioctl, Vec::new());
    Ok(rules)
}

fn never() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = NEVER.iter().map(|number| (*number, Vec::new())).collect();
    // By which one who has a terminal open types on it in another's name.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].map(|number| u32::try_from(number).unwrap_or(0));
    rules.insert(libc::SYS_ioctl, each(1, typing)?);
    Ok(rules)
}

/// One rule for each value that the argument may have.
fn each<const N: usize>(
    argument: u8,
    values: [u32; N],
) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let rule = |value: u32| {
        let (length, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        let condition = SeccompCondition::new(argument, length, equal, u64::from(value))?;
        SeccompRule::new(vec![condition])
    };
    values.into_iter().map(rule).collect()
}

/// The argument has all of these bits.
fn bits(argument: u8, bits: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let (length, masked) = (SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits));
    SeccompRule::new(vec![SeccompCondition::new(argument, length, masked, bits)?])
}
