use crate::checks::Check;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

/// Credentials as Secrets Manager keeps those of databases. What RDS manages holds the first two alone.
#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    host: Option<String>,
    port: Option<Value>,
    dbname: Option<String>,
}

/// A server without credentials, as a URL.
struct Server<'a> {
    scheme: &'a str,
    authority: &'a str,
    database: &'a str,
    /// With the question mark.
    options: &'a str,
}

/// The URL of a store. A secret is one itself, or credentials as JSON, whose host, port and database go before those of `server`.
pub(crate) fn store_url(secret: &str, server: Option<&str>, scheme: &str) -> Check<String> {
    if !secret.starts_with('{') {
        return Ok(secret.to_owned());
    }
    let credentials: Credentials =
        serde_json::from_str(secret).map_err(|_| "is JSON without the texts username and password")?;
    let nothing = Server { scheme, authority: "", database: "", options: "" };
    let server = server.map_or(Some(nothing), parse).ok_or(NO_SERVER)?;
    let authority = match &credentials.host {
        Some(host) if !host.is_empty() => authority(host, credentials.port.as_ref(), server.scheme)?,
        _ => server.authority.to_owned(),
    };
    let database = credentials.dbname.as_deref().filter(|name| !name.is_empty()).unwrap_or(server.database);
    if authority.is_empty() || database.is_empty() {
        return Err("is JSON without host and dbname, and its _SERVER does not name them");
    }
    let [user, password, database] = [&*credentials.username, &*credentials.password, database]
        .map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    Ok(format!("{}://{user}:{password}@{authority}/{database}{}", server.scheme, server.options))
}

const NO_SERVER: &str = "must be a URL with a host and without credentials";

/// A URL without credentials, with a database or without.
pub(crate) fn server(value: &str, schemes: &[&str]) -> Check<String> {
    let server = parse(value).filter(|server| schemes.contains(&server.scheme));
    server.map(|_| value.to_owned()).ok_or(NO_SERVER)
}

/// Not by a URL parser, since MongoDB's URLs may list several hosts.
fn parse(url: &str) -> Option<Server<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (place, options) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let is_server = !authority.is_empty() && !url.contains(['@', '#']) && !database.contains('/');
    is_server.then_some(Server { scheme, authority, database, options })
}

/// Rotation functions write a port as a number or as a text. A name that is looked up for its servers has none.
fn authority(host: &str, port: Option<&Value>, scheme: &str) -> Check<String> {
    let port = match port {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.parse().map_err(|_| BAD_PORT)?),
        Some(port) => Some(port.as_u64().and_then(|port| u16::try_from(port).ok()).ok_or(BAD_PORT)?),
    };
    if host.contains(['/', '@', '?', '#']) {
        return Err("is JSON whose host is none");
    }
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    Ok(match port {
        Some(port) if !scheme.ends_with("+srv") => format!("{host}:{port}"),
        _ => host,
    })
}

const BAD_PORT: &str = "is JSON whose port is no number";

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "mysql://db.example:3307/chat?ssl-mode=REQUIRED";

    #[test]
    fn secret_of_rds_needs_a_server_beside_it() {
        let secret = r#"{"username":"chat","password":"p@ss/w:rd?#%한"}"#;
        assert_eq!(
            store_url(secret, Some(SERVER), "mysql").as_deref(),
            Ok("mysql://chat:p%40ss%2Fw%3Ard%3F%23%25%ED%95%9C@db.example:3307/chat?ssl-mode=REQUIRED")
        );
        assert!(store_url(secret, None, "mysql").is_err());
    }

    #[test]
    fn fields_of_the_secret_go_before_the_server() {
        for port in ["3306", "\"3306\""] {
            let secret =
                format!(r#"{{"engine":"mysql","username":"u","password":"p","host":"h","port":{port},"dbname":"d"}}"#);
            assert_eq!(
                store_url(&secret, Some(SERVER), "mysql").as_deref(),
                Ok("mysql://u:p@h:3306/d?ssl-mode=REQUIRED")
            );
            assert_eq!(store_url(&secret, None, "mysql").as_deref(), Ok("mysql://u:p@h:3306/d"));
        }
    }

    #[test]
    fn mongodb_may_have_several_hosts_or_a_name_of_them() {
        let secret = r#"{"username":"u","password":"p"}"#;
        for server in ["mongodb://a:1,b:2/chat?replicaSet=rs0", "mongodb+srv://cluster.example.net/chat"] {
            let expected = server.replace("://", "://u:p@");
            assert_eq!(store_url(secret, Some(server), "mongodb"), Ok(expected));
        }
        let secret = r#"{"username":"u","password":"p","host":"c.example.net","port":27017}"#;
        let found = store_url(secret, Some("mongodb+srv://x/chat"), "mongodb");
        assert_eq!(found.as_deref(), Ok("mongodb+srv://u:p@c.example.net/chat"));
    }

    #[test]
    fn a_url_stays_as_it_is() {
        assert_eq!(store_url("mysql://u:p@h/d", Some(SERVER), "mysql").as_deref(), Ok("mysql://u:p@h/d"));
    }

    #[test]
    fn secrets_that_name_no_login_or_a_wrong_place_are_refused() {
        for secret in [
            "{",
            "{}",
            r#"{"username":"u"}"#,
            r#"{"username":1,"password":"p"}"#,
            r#"{"username":"u","password":"p","host":"h","port":"many","dbname":"d"}"#,
            r#"{"username":"u","password":"p","host":"h","port":70000,"dbname":"d"}"#,
            r#"{"username":"u","password":"p","host":"a@b/c","dbname":"d"}"#,
        ] {
            assert!(store_url(secret, Some(SERVER), "mysql").is_err(), "{secret}");
        }
    }

    #[test]
    fn a_server_has_a_host_and_no_credentials() {
        assert!(server(SERVER, &["mysql"]).is_ok());
        for wrong in ["mysql://u:p@h/d", "mysql:///d", "db.example", "mongodb://h/d", "mysql://h/a/b"] {
            assert!(server(wrong, &["mysql"]).is_err(), "{wrong}");
        }
    }
}
