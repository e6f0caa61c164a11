//! The connections of another process.

use std::{
    fs::{read_dir, read_link},
    io,
    net::SocketAddr,
};

use rustix::{
    net::{Shutdown, getpeername, shutdown},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

/// Shuts down every TCP connection of a process but those to one port. Answers how many.
///
/// The process keeps its sockets: the next read finds their end, the next write fails.
pub(crate) fn cut(pid: u32, spared: u16) -> io::Result<usize> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let process = pidfd_open(number, PidfdFlags::empty())?;
    let mut cut = 0;
    for entry in read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        let is_socket = read_link(&path).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
        let descriptor = path.file_name().and_then(|name| name.to_str()?.parse().ok()).filter(|_| is_socket);
        let Some(descriptor) = descriptor else { continue };
        // A copy of the descriptor, of the same connection.
        let Ok(socket) = pidfd_getfd(&process, descriptor, PidfdGetfdFlags::empty()) else { continue };
        let peer = getpeername(&socket).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok());
        if peer.is_some_and(|peer| peer.port() != spared) && shutdown(&socket, Shutdown::Both).is_ok() {
            cut += 1;
        }
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader, Read},
        net::TcpListener,
        process::{Command, Stdio},
    };

    #[test]
    fn connections_of_another_process_are_cut_but_for_the_spared_port() {
        let listen = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (cut_off, spared) = (listen(), listen());
        let [first, second] = [&cut_off, &spared].map(|listener| listener.local_addr().unwrap().port());
        let script = format!("exec 5<>/dev/tcp/127.0.0.1/{first} 6<>/dev/tcp/127.0.0.1/{second}; echo open; cat <&6");
        let mut shell = Command::new("bash").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        let mut ends = [cut_off, spared].map(|listener| listener.accept().unwrap().0);

        assert_eq!(cut(shell.id(), second).unwrap(), 1);

        assert_eq!(ends[0].read(&mut [0]).unwrap(), 0, "the other side sees the end");
        ends[1].set_nonblocking(true).unwrap();
        assert_eq!(ends[1].read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        shell.kill().unwrap();
        shell.wait().unwrap();
    }
}
