use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use std::{net::IpAddr, str::FromStr as _};

/// How many statements a connection keeps prepared. A server of 16,382 in all (the default) holds those of 500 connections.
const STATEMENTS: usize = 32;

/// The certificate authorities of RDS; the README says where they come from.
const RDS_CA: &[u8] = include_bytes!("../rds-global-bundle.pem");

/// The connection that a URL asks for, with verified TLS unless the URL says otherwise.
pub(crate) fn options(url: &str) -> Result<MySqlConnectOptions, sqlx::Error> {
    let options = MySqlConnectOptions::from_str(url)?
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .statement_cache_capacity(STATEMENTS);
    let says_ssl_mode =
        url.split_once('?').is_some_and(|(_, query)| query.contains("ssl-mode=") || query.contains("sslmode="));
    if is_this_machine(options.get_host()) {
        return Ok(options);
    }
    if says_ssl_mode {
        let may_be_plain = matches!(options.get_ssl_mode(), MySqlSslMode::Disabled | MySqlSslMode::Preferred);
        return if may_be_plain && !is_private(options.get_host()) { Err(plain_text(&options)) } else { Ok(options) };
    }
    let options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
    let says_ca = url.split_once('?').is_some_and(|(_, query)| query.contains("ssl-ca=") || query.contains("sslca="));
    Ok(if says_ca { options } else { options.ssl_ca_from_pem(RDS_CA.to_vec()) })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host is an address of a private network, or the machine of a container that asks. The servers of RDS have public names.
fn is_private(host: &str) -> bool {
    let is_private = |address| match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    host == "host.docker.internal" || address(host).is_some_and(is_private)
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn plain_text(options: &MySqlConnectOptions) -> sqlx::Error {
    let host = options.get_host();
    sqlx::Error::Configuration(format!("MYSQL_URL may not ask {host} for a connection without TLS").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> MySqlSslMode {
        options(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn a_server_elsewhere_must_prove_its_identity() {
        for url in [
            "mysql://u:p@db.example.com/chat",
            "mysql://u@10.0.0.1:3306/chat?charset=utf8mb4",
            "mysql://u@localhost.example/x",
        ] {
            assert!(matches!(mode(url), MySqlSslMode::VerifyIdentity), "{url}");
        }
    }

    #[test]
    fn this_machine_and_an_explicit_mode_are_taken_as_they_are() {
        for url in ["mysql://root@127.0.0.1:3306/chat", "mysql://root@localhost/chat", "mysql://root@[::1]/chat"] {
            assert!(matches!(mode(url), MySqlSslMode::Preferred), "{url}");
        }
        assert!(matches!(mode("mysql://u@db.example.com/chat?ssl-mode=REQUIRED"), MySqlSslMode::Required));
    }

    #[test]
    fn plain_text_needs_a_private_address_and_an_explicit_mode() {
        for host in ["172.17.0.1:3306", "192.168.1.2", "[fd00::1]", "host.docker.internal"] {
            assert!(
                matches!(mode(&format!("mysql://u@{host}/chat?ssl-mode=DISABLED")), MySqlSslMode::Disabled),
                "{host}"
            );
            assert!(matches!(mode(&format!("mysql://u@{host}/chat")), MySqlSslMode::VerifyIdentity), "{host}");
        }
        for host in ["db.example.com", "203.0.113.7", "[2001:db8::1]", "localhost.example", "x.docker.internal"] {
            for plain in ["DISABLED", "PREFERRED", "disabled"] {
                let refused = options(&format!("mysql://u:hush@{host}/chat?ssl-mode={plain}")).unwrap_err().to_string();
                assert!(refused.contains("without TLS") && !refused.contains("hush"), "{refused}");
            }
        }
    }

    #[test]
    fn the_bundle_holds_certificates_and_nothing_else() {
        let text = std::str::from_utf8(RDS_CA).unwrap();
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 81);
        assert_eq!(text.matches("-----END CERTIFICATE-----").count(), 81);
    }
}
