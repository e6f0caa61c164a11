//! What functions in containers need: a way to servers of 127.0.0.1, and variables that lead there.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use anyhow::{Context, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const LOOPBACK: &str = "127.0.0.1";

/// Ports of an address of this machine that containers reach, each forwarded to the same port of 127.0.0.1; closed when dropped.
#[derive(Debug)]
pub(crate) struct Bridge {
    address: IpAddr,
    _forwards: JoinSet<()>,
}

impl Bridge {
    /// Opens the port of each URL of 127.0.0.1.
    pub(crate) async fn open(address: IpAddr, urls: &[&str]) -> Result<Self> {
        let mut forwards = JoinSet::new();
        for url in urls {
            let port = port(url).with_context(|| format!("{url} names no port of {LOOPBACK}"))?;
            let listener = TcpListener::bind((address, port)).await.with_context(|| {
                format!("{address} is no address at which containers reach this machine; is Docker's bridge there?")
            })?;
            forwards.spawn(forward(listener, port));
        }
        Ok(Self { address, _forwards: forwards })
    }

    /// The variables of functions in containers. Clients stay on this machine: `WEBSOCKET_URL` is as it was.
    pub(crate) fn environment(&self, environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut environment = environment.clone();
        for (name, query) in [
            // The address is a private one, so that a connection without TLS may be asked for.
            ("MYSQL_URL", Some("ssl-mode=DISABLED")),
            // The member of the replica set is 127.0.0.1, which is another machine inside a container.
            ("MONGO_URL", Some("directConnection=true&tls=false")),
            ("CONNECTIONS_URL", None),
            ("S3_URL", None),
        ] {
            if let Some(url) = environment.get_mut(name) {
                *url = self.reachable(url, query);
            }
        }
        environment
    }

    fn reachable(&self, url: &str, query: Option<&str>) -> String {
        let there = SocketAddr::new(self.address, port(url).unwrap_or_default()).to_string();
        let here = format!("{LOOPBACK}:{}", port(url).unwrap_or_default());
        let url = url.replacen(&here, &there, 1);
        match query {
            None => url,
            Some(query) => format!("{}?{query}", url.split('?').next().unwrap_or(&url)),
        }
    }
}

/// The port of 127.0.0.1 in a URL.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once(LOOPBACK)?;
    let digits = rest.strip_prefix(':')?.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

async fn forward(listener: TcpListener, port: u16) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((mut from, _)) = listener.accept() => {
                connections.spawn(async move {
                    if let Ok(mut to) = TcpStream::connect((LOOPBACK, port)).await {
                        // Either side that goes away ends both.
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Another address of this machine than the servers' own.
    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 7));

    #[tokio::test]
    async fn containers_reach_a_server_of_this_machine_at_its_port() {
        let server = TcpListener::bind((LOOPBACK, 0)).await.expect("a port");
        let url = format!("http://{}/local", server.local_addr().expect("an address"));
        let bridge = Bridge::open(ADDRESS, &[&url]).await.expect("a bridge");

        let mut client = TcpStream::connect((ADDRESS, port(&url).expect("a port"))).await.expect("a connection");
        let (mut accepted, _) = server.accept().await.expect("a connection");
        accepted.write_all(b"hello").await.expect("room");
        drop(accepted);

        let mut greeting = String::new();
        client.read_to_string(&mut greeting).await.expect("a text");
        assert_eq!(greeting, "hello");
        drop(bridge);
    }

    #[tokio::test]
    async fn variables_for_containers_lead_to_the_same_servers() {
        let bridge = Bridge::open(ADDRESS, &[]).await.expect("a bridge");
        let here = [
            ("MYSQL_URL", "mysql://root@127.0.0.1:3306/chat"),
            ("MONGO_URL", "mongodb://127.0.0.1:27017/chat?replicaSet=rs0"),
            ("CONNECTIONS_URL", "http://127.0.0.1:8001/local"),
            ("WEBSOCKET_URL", "ws://127.0.0.1:8001/local"),
        ];

        let there = bridge.environment(&here.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

        assert_eq!(there["MYSQL_URL"], "mysql://root@127.0.0.7:3306/chat?ssl-mode=DISABLED");
        assert_eq!(there["MONGO_URL"], "mongodb://127.0.0.7:27017/chat?directConnection=true&tls=false");
        assert_eq!(there["CONNECTIONS_URL"], "http://127.0.0.7:8001/local");
        assert_eq!(there["WEBSOCKET_URL"], "ws://127.0.0.1:8001/local");
    }
}
