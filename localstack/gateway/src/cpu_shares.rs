//! The share of a processor that comes with a function's memory.

use std::{
    fs::{create_dir_all, read_dir, read_to_string, remove_dir, write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};

/// The memory that comes with one whole core, in MB.
const ONE_CORE: u64 = 1769;
/// Lambda's period of accounting, and the kernel's smallest quota, in microseconds.
const PERIOD: u64 = 20_000;
const SMALLEST_QUOTA: u64 = 1000;
/// The control group that holds those of all environments.
const PARENT: &str = "bigtech-lambda";

/// Gives environments the share of a processor that AWS gives them for their memory, from the end of their init on.
///
/// Each environment has a control group of its own. Groups that a killed gateway left are removed by the next probe.
#[derive(Clone, Debug)]
pub struct CpuShares(Arc<Parent>);

#[derive(Debug)]
struct Parent {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The control group of one environment; removed as it is dropped, if its process is gone.
#[derive(Debug)]
pub(crate) struct CpuGroup {
    folder: PathBuf,
    version: Version,
}

impl CpuShares {
    /// Finds a control group that limits the processor and that this process may write. The error says why there is none.
    pub fn probe() -> Result<Self> {
        let mounts = read_to_string("/proc/self/mounts").context("/proc/self/mounts cannot be read")?;
        let mut reasons = Vec::new();
        for (folder, version) in mounts.lines().filter_map(cpu_mount) {
            match Parent::create(&folder, version) {
                Ok(parent) => return Ok(Self(Arc::new(parent))),
                Err(error) => reasons.push(format!("{}: {error:#}", folder.display())),
            }
        }
        ensure!(!reasons.is_empty(), "no control groups with a `cpu` controller are mounted");
        bail!("no control group limits the processor here: {}", reasons.join("; "))
    }

    /// Moves a process to a control group of its own, without a limit so far.
    pub(crate) fn enter(&self, pid: u32) -> Result<CpuGroup> {
        let group = self.0.child(&pid.to_string())?;
        write(group.folder.join("cgroup.procs"), pid.to_string()).context("the process cannot be moved")?;
        Ok(group)
    }
}

impl Parent {
    fn create(mount: &Path, version: Version) -> Result<Self> {
        let parent = Self { folder: mount.join(PARENT), version };
        if version == Version::Two {
            enable(mount)?;
        }
        create_dir_all(&parent.folder)?;
        if version == Version::Two {
            enable(&parent.folder)?;
        }
        parent.sweep();
        parent.child("probe")?.limit(1)?;
        Ok(parent)
    }

    fn child(&self, name: &str) -> Result<CpuGroup> {
        let folder = self.folder.join(format!("{}-{name}", std::process::id()));
        create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(CpuGroup { folder, version: self.version })
    }

    /// Removes the groups of gateways that are gone.
    fn sweep(&self) {
        for group in read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = group.file_name();
            let gateway = name.to_str().and_then(|name| name.split_once('-')).map(|(gateway, _)| gateway);
            if gateway.is_some_and(|gateway| !Path::new("/proc").join(gateway).exists()) {
                // It stays while a process is in it.
                let _ = remove_dir(group.path());
            }
        }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // It stays while another gateway has groups in it.
        let _ = remove_dir(&self.folder);
    }
}

impl CpuGroup {
    /// Gives the group the share that comes with this memory, in MB.
    pub(crate) fn limit(&self, memory: u32) -> Result<()> {
        let quota = (PERIOD * u64::from(memory) / ONE_CORE).max(SMALLEST_QUOTA);
        let set = |file: &str, value: String| {
            write(self.folder.join(file), value).with_context(|| format!("`{file}` cannot be written"))
        };
        match self.version {
            Version::One => {
                set("cpu.cfs_period_us", PERIOD.to_string())?;
                set("cpu.cfs_quota_us", quota.to_string())
            }
            Version::Two => set("cpu.max", format!("{quota} {PERIOD}")),
        }
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        // A group that still has a process is removed by the next probe.
        let _ = remove_dir(&self.folder);
    }
}

/// Lets the children of a group (version 2) have limits of their own.
fn enable(group: &Path) -> Result<()> {
    let has_cpu = |file: &str| {
        let text = read_to_string(group.join(file)).unwrap_or_default();
        text.split_whitespace().any(|controller| controller == "cpu")
    };
    ensure!(has_cpu("cgroup.controllers"), "version 2 without a `cpu` controller");
    if !has_cpu("cgroup.subtree_control") {
        write(group.join("cgroup.subtree_control"), "+cpu").context("the `cpu` controller cannot be enabled")?;
    }
    Ok(())
}

/// Where a line of `/proc/self/mounts` has control groups that may limit the processor.
fn cpu_mount(line: &str) -> Option<(PathBuf, Version)> {
    let mut fields = line.split(' ').skip(1);
    let (folder, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
    match kind {
        "cgroup" if options.split(',').any(|option| option == "cpu") => Some((PathBuf::from(folder), Version::One)),
        "cgroup2" => Some((PathBuf::from(folder), Version::Two)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_found() {
        let one = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0";
        assert_eq!(cpu_mount(one), Some((PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"), Version::One)));
        let two = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0";
        assert_eq!(cpu_mount(two), Some((PathBuf::from("/sys/fs/cgroup"), Version::Two)));
        assert_eq!(cpu_mount("cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0"), None);
        assert_eq!(cpu_mount("proc /proc proc rw 0 0"), None);
    }

    #[test]
    fn groups_of_a_killed_gateway_are_removed() {
        let shares = match CpuShares::probe() {
            Ok(shares) => shares,
            Err(reason) => return println!("NOT CHECKED: {reason:#}"),
        };
        let stale = shares.0.folder.join("4194305-1");
        create_dir_all(&stale).unwrap();

        shares.0.sweep();

        assert!(!stale.exists());
    }
}
