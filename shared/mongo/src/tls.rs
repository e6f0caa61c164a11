use domain::Fault;
use mongodb::options::{ClientOptions, ServerAddress, Tls};
use std::net::{IpAddr, Ipv4Addr};

/// Refuses a server that is not on this machine unless TLS proves its identity. In a private network `tls=false` says that none is
/// wanted.
pub(crate) fn require_tls(options: &ClientOptions) -> Result<(), Fault> {
    let everywhere = |is: fn(&str) -> bool| options.hosts.iter().all(|host| host_of(host).is_none_or(is));
    let is_safe = match &options.tls {
        Some(Tls::Enabled(tls)) => tls.allow_invalid_certificates != Some(true) || everywhere(is_this_machine),
        Some(Tls::Disabled) => everywhere(is_private),
        None => everywhere(is_this_machine),
    };
    if is_safe {
        Ok(())
    } else {
        Err(Fault::internal("MONGO_URL names a server elsewhere without verified TLS: add tls=true"))
    }
}

/// The host of a TCP address; a socket file has none.
fn host_of(address: &ServerAddress) -> Option<&str> {
    match address {
        ServerAddress::Tcp { host, .. } => Some(host),
        _ => None,
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host can't be on the internet: an address of a private network, or a name that only such a network knows.
fn is_private(host: &str) -> bool {
    let named = || !host.contains('.') || host.ends_with(".internal");
    is_this_machine(host)
        || address(host).map_or_else(named, |address| match address {
            IpAddr::V4(address) => Ipv4Addr::is_private(&address),
            IpAddr::V6(address) => address.is_unique_local(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_taken(url: &str) -> bool {
        require_tls(&ClientOptions::parse(url).await.unwrap()).is_ok()
    }

    #[tokio::test]
    async fn server_elsewhere_needs_verified_tls() {
        for url in [
            "mongodb://u:p@10.0.0.5/chat?replicaSet=rs0",
            "mongodb://127.0.0.1,db.example.com/chat",
            "mongodb://db.example.com/chat?tls=false",
            "mongodb://203.0.113.1/chat?tls=false",
            "mongodb://db.example.com/chat?tls=true&tlsInsecure=true",
            "mongodb://localhost.example/chat",
        ] {
            assert!(!is_taken(url).await, "{url}");
        }
        assert!(is_taken("mongodb://u:p@a.example.com,b.example.com/chat?tls=true").await);
    }

    #[tokio::test]
    async fn this_machine_and_private_network_may_do_without_tls() {
        for url in [
            "mongodb://127.0.0.1:27017/chat?replicaSet=rs0",
            "mongodb://localhost/chat",
            "mongodb://[::1]/chat",
            "mongodb://172.17.0.1:27017/chat?tls=false",
            "mongodb://mongo:27017/chat?tls=false",
            "mongodb://host.docker.internal/chat?tls=false",
        ] {
            assert!(is_taken(url).await, "{url}");
        }
    }
}
