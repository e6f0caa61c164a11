//! Processor time of the processes behind a stack, from `/proc`.

use std::{collections::BTreeMap, fmt, fs, ops::Div};

use super::figures::median;

/// Linux counts processor time in ticks of 10 ms.
const TICK_MS: f64 = 10.0;

/// The gateway's process; the databases and functions are its children.
#[derive(Debug)]
pub(crate) struct Processes {
    gateway: u32,
}

/// Milliseconds of processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    mongod: f64,
    mysqld: f64,
    functions: f64,
    gateway: f64,
}

impl Processes {
    /// The process that listens at a URL of this machine.
    pub(crate) fn behind(url: &str) -> Option<Self> {
        let port: u16 = url.rsplit(':').next()?.parse().ok()?;
        let sockets = fs::read_to_string("/proc/net/tcp").ok()?;
        let inode = sockets.lines().find_map(|line| listening(line, port))?;
        let socket = format!("socket:[{inode}]");
        let owns = |pid: &u32| {
            let mut files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            files.any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == &*socket))
        };
        all().into_keys().find(owns).map(|gateway| Self { gateway })
    }

    /// How many KB of memory the gateway's process holds.
    pub(crate) fn gateway_memory(&self) -> Option<usize> {
        resident(&fs::read_to_string(format!("/proc/{}/status", self.gateway)).ok()?)
    }

    /// What they have used so far.
    pub(crate) fn usage(&self) -> Usage {
        let all = all();
        let mut usage = Usage::default();
        for (pid, process) in &all {
            let used = if *pid == self.gateway {
                &mut usage.gateway
            } else if !is_below(&all, *pid, self.gateway) {
                continue;
            } else {
                match process.name.as_str() {
                    // The name may end in a version.
                    name if name.starts_with("mongod") => &mut usage.mongod,
                    "mysqld" | "mariadbd" => &mut usage.mysqld,
                    _ => &mut usage.functions,
                }
            };
            *used += process.milliseconds;
        }
        usage
    }
}

impl Usage {
    /// The difference to an earlier one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            mongod: self.mongod - earlier.mongod,
            mysqld: self.mysqld - earlier.mysqld,
            functions: self.functions - earlier.functions,
            gateway: self.gateway - earlier.gateway,
        }
    }

    pub(crate) fn median(of: &[&Self]) -> Option<Self> {
        let of_all = |value: fn(&Self) -> f64| median(of.iter().map(|usage| value(usage)));
        (!of.is_empty()).then(|| Self {
            mongod: of_all(|usage| usage.mongod),
            mysqld: of_all(|usage| usage.mysqld),
            functions: of_all(|usage| usage.functions),
            gateway: of_all(|usage| usage.gateway),
        })
    }
}

impl Div<f64> for Usage {
    type Output = Self;

    fn div(self, by: f64) -> Self {
        let Self { mongod, mysqld, functions, gateway } = self;
        Self { mongod: mongod / by, mysqld: mysqld / by, functions: functions / by, gateway: gateway / by }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mongod, mysqld, functions, gateway } = self;
        write!(f, "mongod {mongod:.2} functions {functions:.2} gateway {gateway:.2} mysqld {mysqld:.2}")
    }
}

#[derive(Debug, PartialEq)]
struct Process {
    name: String,
    parent: u32,
    milliseconds: f64,
}

/// Every process of the machine, by its id.
fn all() -> BTreeMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, process(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// Reads `/proc/<pid>/stat`: the 2nd field is the name, the 4th the parent, and 14 to 17 are processor times, those of ended
/// children included.
fn process(stat: &str) -> Option<Process> {
    let (head, rest) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u32 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(Process { name, parent: fields.get(1)?.parse().ok()?, milliseconds: f64::from(ticks) * TICK_MS })
}

/// Reads `/proc/<pid>/status`.
fn resident(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn is_below(all: &BTreeMap<u32, Process>, pid: u32, ancestor: u32) -> bool {
    let parents = std::iter::successors(Some(pid), |pid| all.get(pid).map(|process| process.parent));
    parents.skip(1).any(|parent| parent == ancestor)
}

/// The inode of a socket that listens on this port, if a line of `/proc/net/tcp` is about one.
fn listening(line: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let listens = *fields.get(3)? == "0A" && u16::from_str_radix(local, 16).ok()? == port;
    fields.get(9).copied().filter(|_| listens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_a_process_is_read() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 999 0 0";
        let read = process(stat);
        assert_eq!(read, Some(Process { name: "a (b) c".to_owned(), parent: 7, milliseconds: 1000.0 }));
    }

    #[test]
    fn the_memory_of_a_process_is_read() {
        assert_eq!(resident("VmHWM:\t  900 kB\nVmRSS:\t  812 kB\n"), Some(812));
    }

    #[test]
    fn a_listening_socket_is_found_by_its_port() {
        let line = "0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 1";
        assert_eq!(listening(line, 8000), Some("12345"));
        assert_eq!(listening(line, 8001), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_behind_a_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        assert_eq!(Processes::behind(&url).map(|it| it.gateway), Some(std::process::id()));
    }
}
