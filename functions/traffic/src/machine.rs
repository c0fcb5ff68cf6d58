//! The memory that the machine gives this process.

use std::path::Path;

/// The bytes of memory that this process may have, if the system says so: what is available, or less
/// where a control group (a container, a service) has a limit.
pub fn memory() -> Option<u64> {
    memory_in(Path::new("/"))
}

/// The same of a system whose files are below `root`.
fn memory_in(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let available = read("proc/meminfo").and_then(|text| available(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        // number:controllers:path; the second version of control groups names no controllers
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            "memory" => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        // a limit of any group that it is in holds; in a container, its own is at the root
        let within = Path::new(path).ancestors();
        let limits = within.filter_map(|path| {
            let path = path.strip_prefix("/").unwrap_or(path);
            let file = Path::new(folder).join(path).join(file);
            read(file.to_str()?)?.trim().parse::<u64>().ok()
        });
        limits.min()
    });
    limits.chain(available).min()
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:  16000000 kB\nMemFree:  1000 kB\nMemAvailable:  8000000 kB\n";

    /// The memory on a system with these files.
    fn memory_with(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        memory_in(root.path())
    }

    #[test]
    fn it_is_what_is_available_unless_a_control_group_gives_less() {
        let available = 8_000_000 * 1024;
        assert_eq!(memory_with(&[]), None);
        assert_eq!(memory_with(&[("proc/meminfo", MEMINFO)]), Some(available));
        for (limit, expected) in [
            ("max\n", available),
            ("536870912\n", 536_870_912),
            ("99999999999999\n", available),
        ] {
            for path in ["memory.max", "a/memory.max", "a/b/memory.max"] {
                let memory = memory_with(&[
                    ("proc/meminfo", MEMINFO),
                    ("proc/self/cgroup", "0::/a/b\n"),
                    (&format!("sys/fs/cgroup/{path}"), limit),
                ]);
                assert_eq!(memory, Some(expected), "{path}: {limit}");
            }
        }
        let first_version = memory_with(&[
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/y\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n"),
            ("sys/fs/cgroup/cpu/memory.limit_in_bytes", "1\n"),
        ]);
        assert_eq!(first_version, Some(134_217_728));
    }
}
