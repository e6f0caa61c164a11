use std::{fmt, sync::Arc};
use url::{Host, Url};

/// The longest endpoint.
const LONGEST: usize = 1_024;

/// Where browsers may be told: hosts with all below them, and for tests origins on this machine.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<[String]>);

/// Where a browser is told: an address that a client gave, and that a service of the settings answers at.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Hosts {
    /// The hosts of the setting.
    pub fn new(hosts: &[String]) -> Self {
        Self(hosts.into())
    }

    fn allow(&self, url: &Url) -> bool {
        match (url.scheme(), url.host()) {
            // The default port is none; no number is a host of the internet.
            ("https", Some(Host::Domain(name))) if url.port().is_none() => {
                self.0.iter().any(|host| is_below(name, host))
            }
            ("http", Some(Host::Ipv4(_) | Host::Ipv6(_))) => {
                let origin = url.origin().ascii_serialization();
                is_loopback(url) && self.0.iter().any(|host| host.trim_end_matches('/') == origin)
            }
            _ => false,
        }
    }
}

impl Endpoint {
    /// `None` for what no browser's service would give out.
    pub fn parse(text: &str, hosts: &Hosts) -> Option<Self> {
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (is_plain && !text.contains('#') && hosts.allow(&url)).then_some(Self(url))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The service, as a browser's push service is known to its peers: scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

/// The address is a secret: whoever has it can send to the browser.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(..)")
    }
}

fn is_below(name: &str, host: &str) -> bool {
    name == host || name.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let hosts = ["fcm.googleapis.com", "notify.windows.com", "http://127.0.0.1:9000", "http://[::1]:9000"];
        Hosts::new(&hosts.map(str::to_owned))
    }

    #[test]
    fn endpoints_of_known_services_are_taken() {
        for (text, origin) in [
            ("https://fcm.googleapis.com/fcm/send/abc:def", "https://fcm.googleapis.com"),
            ("https://fcm.googleapis.com:443/fcm/send/a", "https://fcm.googleapis.com"),
            ("https://FCM.GoogleAPIs.com/fcm/send/a", "https://fcm.googleapis.com"),
            ("https://wns2-par02p.notify.windows.com/w/?token=a%2fb", "https://wns2-par02p.notify.windows.com"),
            ("http://127.0.0.1:9000/webpush/1", "http://127.0.0.1:9000"),
            ("http://[::1]:9000/webpush/1", "http://[::1]:9000"),
        ] {
            assert_eq!(Endpoint::parse(text, &hosts()).map(|endpoint| endpoint.origin()).as_deref(), Some(origin));
        }
    }

    #[test]
    fn no_trick_leads_to_another_host() {
        let long = format!("https://fcm.googleapis.com/{}", "a".repeat(LONGEST));
        for text in [
            "",
            "fcm.googleapis.com/fcm/send/a",
            "http://fcm.googleapis.com/fcm/send/a",
            "ftp://fcm.googleapis.com/a",
            "file:///etc/passwd",
            "gopher://fcm.googleapis.com/",
            "https://fcm.googleapis.com:8443/a",
            "https://fcm.googleapis.com:80/a",
            "https://user@fcm.googleapis.com/a",
            "https://user:word@fcm.googleapis.com/a",
            "https://fcm.googleapis.com@evil.example/a",
            "https://fcm.googleapis.com%40evil.example/a",
            "https://fcm.googleapis.com\\@evil.example/a",
            "https:\\\\fcm.googleapis.com/a",
            "https://fcm.googleapis.com#@evil.example/a",
            "https://fcm.googleapis.com/a#",
            "https://x-fcm.googleapis.com/a",
            "https://fcm.googleapis.com.evil.example/a",
            "https://fcm.googleapis.com./a",
            "https://googleapis.com/a",
            "https://evil.example/fcm.googleapis.com",
            "https://evil.example/?fcm.googleapis.com",
            "https://ｆcm.googleapis.com/a",
            "https://fcm。googleapis。com/a",
            "https://fcm.googleapis.com\t/a",
            "https://fcm.google\napis.com/a",
            " https://fcm.googleapis.com/a",
            "https://127.0.0.1/a",
            "https://[::1]/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://017700000001/a",
            "https://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1/webpush/1",
            "http://127.0.0.1:9001/webpush/1",
            "http://127.0.0.2:9000/webpush/1",
            "http://localhost:9000/webpush/1",
            "http://user@127.0.0.1:9000/webpush/1",
            "https://127.0.0.1:9000/webpush/1",
            &long,
        ] {
            assert_eq!(Endpoint::parse(text, &hosts()), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_no_hosts_even_if_the_setting_names_them() {
        let hosts = Hosts::new(&["10.0.0.1", "http://10.0.0.1:80", "http://10.0.0.1"].map(str::to_owned));
        for text in ["https://10.0.0.1/a", "http://10.0.0.1/a", "http://10.0.0.1:80/a"] {
            assert_eq!(Endpoint::parse(text, &hosts), None, "{text}");
        }
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn accepted_endpoint_leads_to_a_known_host(text in "https?://[a-z0-9.@:/\\\\#?%-]{0,20}(fcm\\.googleapis\\.com)?[a-z0-9.@:/\\\\#?%-]{0,20}") {
            let hosts = Hosts::new(&["fcm.googleapis.com".to_owned()]);
            if let Some(endpoint) = Endpoint::parse(&text, &hosts) {
                let authority = endpoint.as_str().strip_prefix("https://").and_then(|rest| rest.split('/').next());
                prop_assert!(authority.is_some_and(|name| name == "fcm.googleapis.com" || name.ends_with(".fcm.googleapis.com")));
            }
        }
    }
}
