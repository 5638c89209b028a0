//! The walls that Linux offers.

use super::{Needs, Wall};
use anyhow::{Context, Result};
use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use swarm_flow_policy::Access;

/// The newest set of Landlock's rights that we ask for; an older kernel has a part of them.
const LANDLOCK: ABI = ABI::V7;

/// What resolving a name, TLS, the clock and wasmtime read. What is missing is left out.
const SYSTEM: [&str; 24] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/urandom",
];

/// System calls that neither a server nor a sandbox has a use for.
const DENIED_CALLS: [libc::c_long; 41] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_open_by_handle_at,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
];

/// No core dump, no debugger of the same user, and no reading of `/proc/PID/mem`.
pub(super) fn keep_memory_private() -> Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("cannot turn core dumps off")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot shut debuggers off")
}

pub(super) fn restrict_files(needs: &Needs) -> Result<Wall> {
    let read = AccessFs::from_read(LANDLOCK) & !AccessFs::Execute;
    let write = AccessFs::from_all(LANDLOCK)
        & !(AccessFs::Execute | AccessFs::MakeBlock | AccessFs::MakeChar);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(&needs.sources, read))?
        .add_rules(path_beneath_rules(
            ["/dev/null"],
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules(&needs.folders, write))?
        .add_rules(path_beneath_rules(roots(needs, Access::Read), read))?
        .add_rules(path_beneath_rules(roots(needs, Access::ReadWrite), write))?
        .restrict_self()
        .context("the kernel refused the rules")?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Wall::Stands,
        RulesetStatus::PartiallyEnforced => Wall::Partly,
        RulesetStatus::NotEnforced => Wall::Missing,
    })
}

fn roots(needs: &Needs, access: Access) -> Vec<&PathBuf> {
    let granted = needs.roots.iter().filter(|root| root.access == access);
    granted.map(|root| &root.host).collect()
}

pub(super) fn deny_calls() -> Result<Wall> {
    let denied = DENIED_CALLS.map(|call| (call, Vec::new()));
    let filter = SeccompFilter::new(
        BTreeMap::from(denied),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(Wall::Stands)
}

pub(super) fn drop_capabilities(needs: &Needs) -> Result<Wall> {
    let mut kept = CapabilitySet::empty();
    if needs.low_port {
        kept |= CapabilitySet::NET_BIND_SERVICE;
    }
    let own = rustix::process::geteuid().as_raw();
    let foreign = |folder: &PathBuf| folder.metadata().is_ok_and(|found| found.uid() != own);
    if needs.folders.iter().any(foreign) {
        kept |= CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER;
    }
    let had = rustix::thread::capabilities(None).context("cannot ask for the capabilities")?;
    let left = had.permitted & kept;
    let sets = CapabilitySets {
        effective: left,
        permitted: left,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).context("cannot give up the capabilities")?;
    Ok(Wall::Stands)
}
