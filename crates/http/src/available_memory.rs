//! How much memory this process may use.

use std::fs;
use std::path::{Path, PathBuf};

/// What is taken where nothing is told: the limit of a small container, in bytes.
const UNKNOWN: usize = 512 * 1024 * 1024;

/// The limit of the process's container, else the memory of the machine, in bytes.
pub(crate) fn available_memory() -> usize {
    under(Path::new("/")).unwrap_or(UNKNOWN)
}

/// The least of the limits of all control groups that the process is in (cgroup v2 and v1), and of the machine's memory.
fn under(root: &Path) -> Option<usize> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        // `0::/path` is version 2; `4:memory:/path` version 1.
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next()?, fields.next()?) {
            ("", path) => least(&root.join("sys/fs/cgroup"), path, "memory.max"),
            (controllers, path) if controllers.split(',').any(|controller| controller == "memory") => {
                least(&root.join("sys/fs/cgroup/memory"), path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.chain(machine(root)).min()
}

/// The least limit of a group and of those that it is in. In a container the path may be the host's: then the top is its own.
fn least(top: &Path, path: &str, file: &str) -> Option<usize> {
    let mut group = PathBuf::from(path.trim_start_matches('/'));
    let mut limits = Vec::new();
    loop {
        let limit = fs::read_to_string(top.join(&group).join(file)).ok();
        // Without a limit, version 2 says `max`, and version 1 a number that no machine has.
        limits.extend(limit.and_then(|limit| limit.trim().parse::<usize>().ok()));
        if !group.pop() {
            return limits.into_iter().min();
        }
    }
}

fn machine(root: &Path) -> Option<usize> {
    let memory = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::under;

    const MIB: usize = 1024 * 1024;

    fn limit_of(files: &[(&str, &str)]) -> Option<usize> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        under(root.path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:        1048576 kB\nMemFree:           1000 kB\n");

    #[test]
    fn a_container_of_version_2_sees_its_own_group_at_the_top() {
        let group = ("proc/self/cgroup", "0::/\n");
        assert_eq!(limit_of(&[MACHINE, group, ("sys/fs/cgroup/memory.max", "536870912\n")]), Some(512 * MIB));
        assert_eq!(limit_of(&[MACHINE, group, ("sys/fs/cgroup/memory.max", "max\n")]), Some(1024 * MIB));
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let group = ("proc/self/cgroup", "0::/kubepods/pod/container\n");
        let (pod, container) =
            ("sys/fs/cgroup/kubepods/pod/memory.max", "sys/fs/cgroup/kubepods/pod/container/memory.max");
        assert_eq!(limit_of(&[MACHINE, group, (pod, "268435456"), (container, "max")]), Some(256 * MIB));
        assert_eq!(limit_of(&[MACHINE, group, (pod, "max"), (container, "134217728")]), Some(128 * MIB));
    }

    #[test]
    fn version_1_is_read_too() {
        let group = ("proc/self/cgroup", "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n0::/docker/a\n");
        let top = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912");
        assert_eq!(limit_of(&[MACHINE, group, top]), Some(512 * MIB));
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        assert_eq!(limit_of(&[MACHINE, group, unlimited]), Some(1024 * MIB));
    }

    #[test]
    fn what_tells_nothing_is_no_limit() {
        assert_eq!(limit_of(&[]), None);
        assert_eq!(limit_of(&[("proc/meminfo", "MemTotal: much"), ("proc/self/cgroup", "nonsense")]), None);
    }
}
