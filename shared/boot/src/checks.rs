//! What a value must be; each answers with the end of the sentence "X ...".

use aws_lc_rs::{
    encoding::{AsBigEndian as _, EcPrivateKeyBin},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use domain::{
    Email, Limit, MalwareScan,
    notification::{Platform, Preview},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use std::{ops::RangeInclusive, str::FromStr, time::Duration};
use url::Url;

pub(crate) type Check<T> = Result<T, &'static str>;

/// `mysql://` or `mysql+aiomysql://` (Python's), with a database in its path.
pub(crate) fn mysql_url(value: &str) -> Check<String> {
    let rest = value.strip_prefix("mysql://").or_else(|| value.strip_prefix("mysql+aiomysql://"));
    let url = format!("mysql://{}", rest.ok_or("must begin with mysql://")?);
    Url::parse(&url).map_err(|_| "is not a URL")?;
    if database(&url).is_none() { Err("must name a database in its path") } else { Ok(url) }
}

/// `mongodb://`, with any number of hosts, or `mongodb+srv://`, with a database in its path.
pub(crate) fn mongo_url(value: &str) -> Check<String> {
    if !value.starts_with("mongodb://") && !value.starts_with("mongodb+srv://") {
        return Err("must begin with mongodb:// or mongodb+srv://");
    }
    if database(value).is_none() { Err("must name a database in its path") } else { Ok(value.to_owned()) }
}

/// The first segment of the path. Not by a URL parser, since MongoDB's URLs may list several hosts.
fn database(url: &str) -> Option<&str> {
    let (_, after_scheme) = url.split_once("://")?;
    let (authority, path) = after_scheme.split_once('/')?;
    let name = path.split(['?', '#']).next()?;
    (!authority.is_empty() && !name.is_empty() && !name.contains('/')).then_some(name)
}

pub(crate) fn url_of(value: &str, schemes: [&str; 2]) -> Check<String> {
    match Url::parse(value) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(value.trim_end_matches('/').to_owned()),
        Ok(_) => Err("has another scheme than it must"),
        Err(_) => Err("is not a URL"),
    }
}

/// Another place than a push service's own: what it is sent are credentials, so never without encryption but to this machine.
pub(crate) fn provider_url(value: &str) -> Check<String> {
    let url = url_of(value, ["http", "https"])?;
    if url.starts_with("https://") || is_loopback(&url) { Ok(url) } else { Err("must begin with https://") }
}

/// Hosts of push services, separated by commas: names, or for tests origins by http on this machine, such as
/// `http://127.0.0.1:9000`.
pub(crate) fn push_hosts(value: &str) -> Check<Vec<String>> {
    let hosts = value.split(',').map(str::trim).filter(|host| !host.is_empty());
    hosts.map(|host| if is_host_name(host) || is_loopback(host) { Ok(host.to_owned()) } else { Err(NO_HOST) }).collect()
}

const NO_HOST: &str = "must list hosts such as updates.push.services.mozilla.com, in lower case";

/// A name below another one, spelled as a URL's parser spells it.
fn is_host_name(host: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let url = Url::parse(&format!("https://{host}/"));
    let is_whole = host.contains('.') && !host.ends_with('.') && host.bytes().all(is_letter);
    is_whole && url.is_ok_and(|url| url.domain() == Some(host))
}

/// An origin by http on a loopback address, which is given as a number.
fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let is_local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    };
    is_local && url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
}

/// The name of the product as people see it.
pub(crate) fn app_name(value: &str) -> Check<String> {
    let is_short = value.chars().count() <= 50 && !value.chars().any(char::is_control);
    if is_short { Ok(value.to_owned()) } else { Err("must have at most 50 characters, on one line") }
}

pub(crate) fn preview(value: &str) -> Check<Preview> {
    value.parse().map_err(|_| "must be full, sender or none")
}

/// Where links with tokens lead: never without encryption but to this machine, and nothing may stand before their own fragment.
pub(crate) fn app_url(value: &str) -> Check<String> {
    let url = url_of(value, ["http", "https"])?;
    let parsed = Url::parse(&url).map_err(|_| "is not a URL")?;
    if parsed.scheme() == "http" && !matches!(parsed.host_str(), Some("localhost" | "127.0.0.1")) {
        return Err("must begin with https://");
    }
    if url.contains(['?', '#']) { Err("must have neither `?` nor `#`") } else { Ok(url) }
}

/// Origins as browsers send them: scheme, host and port, nothing else.
pub(crate) fn origins(value: &str) -> Check<Vec<String>> {
    value
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| match Url::parse(origin) {
            Ok(url) if url.has_host() && url.origin().ascii_serialization() == origin => Ok(origin.to_owned()),
            Ok(_) | Err(_) => Err("must list origins such as https://chat.example.com; `*` is none"),
        })
        .collect()
}

/// An address, or `Name <address>`, in ASCII, as a mail's header takes it without further encoding.
pub(crate) fn sender(value: &str) -> Check<String> {
    let address = match value.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) if !name.contains(['<', '>', '"', ',', ':', ';', '@']) => address,
        Some(_) => "",
        None => value,
    };
    let is_plain = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if is_plain && Email::parse(address).is_ok_and(|email| email.as_str() == address) {
        Ok(value.to_owned())
    } else {
        Err("must be an address, or `Name <address>`, in ASCII")
    }
}

/// 32 bytes or more that nobody has published.
pub(crate) fn key(value: &str) -> Check<String> {
    let letters: String = value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if ["yoursecretkey", "changeme", "changethis"].iter().any(|placeholder| letters.contains(placeholder)) {
        return Err("is still a placeholder");
    }
    if value.len() < 32 { Err("has fewer than 32 bytes") } else { Ok(value.to_owned()) }
}

pub(crate) fn algorithm(value: &str) -> Check<&'static str> {
    match value {
        "HS256" => Ok("HS256"),
        "HS384" => Ok("HS384"),
        "HS512" => Ok("HS512"),
        _ => Err("must be HS256, HS384 or HS512"),
    }
}

pub(crate) fn search_backend(value: &str) -> Check<&'static str> {
    match value {
        "grams" => Ok("grams"),
        "atlas" => Ok("atlas"),
        _ => Err("must be grams or atlas"),
    }
}

/// A positive number of hours, fractions too, up to a year.
pub(crate) fn hours(value: &str) -> Check<Duration> {
    let hours: f64 = value.parse().map_err(|_| "is not a number")?;
    if hours > 0.0 && hours <= 8_760.0 {
        Ok(Duration::from_secs_f64(hours * 3_600.0))
    } else {
        Err("must be over 0 and at most 8760")
    }
}

/// A number of connections, 1 to 10,000.
pub(crate) fn connections(value: &str) -> Check<usize> {
    within(value, 1..=10_000, "must be 1 to 10000")
}

/// A number of connections of one person, 1 to 100.
pub(crate) fn own_connections(value: &str) -> Check<usize> {
    within(value, 1..=100, "must be 1 to 100")
}

/// Bytes of a file that inspection reads whole, for which it has 512 MB of disk.
pub(crate) fn inspected_bytes(value: &str) -> Check<u64> {
    within(value, 1..=209_715_200, "must be 1 to 209715200")
}

/// Bytes of a file that S3 copies while an inspection waits.
pub(crate) fn file_bytes(value: &str) -> Check<u64> {
    within(value, 1..=536_870_912, "must be 1 to 536870912")
}

/// Bytes of all files of a person.
pub(crate) fn stored_bytes(value: &str) -> Check<u64> {
    within(value, 1..=1_099_511_627_776, "must be 1 to 1099511627776")
}

/// A number of uploads of a person.
pub(crate) fn open_uploads(value: &str) -> Check<u32> {
    within(value, 1..=1_000, "must be 1 to 1000")
}

/// Pixels of a picture that inspection has memory for.
pub(crate) fn pixels(value: &str) -> Check<u64> {
    within(value, 1..=200_000_000, "must be 1 to 200000000")
}

/// A number of seconds, up to a day.
pub(crate) fn seconds(value: &str) -> Check<Duration> {
    within(value, 1..=86_400, "must be 1 to 86400").map(Duration::from_secs)
}

fn within<T: FromStr + PartialOrd>(value: &str, range: RangeInclusive<T>, why: &'static str) -> Check<T> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or(why)
}

/// A name of a bucket in S3.
pub(crate) fn bucket(value: &str) -> Check<String> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_name = (3..=63).contains(&value.len()) && value.bytes().all(is_letter);
    if is_name { Ok(value.to_owned()) } else { Err("is not the name of a bucket") }
}

/// What scans uploads for malware.
pub(crate) fn malware_scan(value: &str) -> Check<MalwareScan> {
    match value {
        "none" => Ok(MalwareScan::None),
        "guardduty" => Ok(MalwareScan::GuardDuty),
        _ => Err("must be none or guardduty"),
    }
}

/// A private key on P-256 in PEM, of either of the two forms that openssl writes.
pub(crate) fn p256_key(value: &str) -> Check<[u8; 32]> {
    let read = || {
        let der = PrivateKeyDer::from_pem_slice(value.as_bytes()).ok()?;
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_der()).ok()?;
        let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
        number.as_ref().try_into().ok()
    };
    read().ok_or("is not a private key on P-256 in PEM")
}

/// A name that stands in URLs as it is.
pub(crate) fn key_id(value: &str) -> Check<String> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { Ok(value.to_owned()) } else { Err("must have letters and digits alone") }
}

/// `on` or `off`.
pub(crate) fn switch(value: &str) -> Check<bool> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off"),
    }
}

pub(crate) fn limit(value: &str) -> Check<Limit> {
    value.parse().map_err(|_| "must be `burst:per_minute`, such as 20:120, each 1 to 1000000")
}

/// Platforms of devices.
pub(crate) fn platforms(value: &str) -> Check<Vec<Platform>> {
    let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| "must list fcm, apns and webpush, separated by commas")).collect()
}

/// An uncompressed point: 65 bytes of which the first is 4.
pub(crate) fn vapid_public_key(value: &str) -> Check<String> {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_point = value.len() == 87 && value.starts_with('B') && value.bytes().all(is_base64url);
    if is_point { Ok(value.to_owned()) } else { Err("must be a public key on P-256 in base64url") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_must_name_a_database() {
        assert_eq!(mysql_url("mysql+aiomysql://u:p@h:1/chat?x=1").as_deref(), Ok("mysql://u:p@h:1/chat?x=1"));
        assert_eq!(mysql_url("mysql://root@h:1/"), Err("must name a database in its path"));
        assert_eq!(mysql_url("postgres://h/chat"), Err("must begin with mysql://"));
        assert!(mongo_url("mongodb://u:p@a:1,b:2/chat?replicaSet=rs0").is_ok());
        assert!(mongo_url("mongodb+srv://u:p@cluster.example.net/chat").is_ok());
        assert_eq!(mongo_url("mongodb://a:1/?replicaSet=rs0"), Err("must name a database in its path"));
        assert_eq!(mongo_url("mongodb://a:1"), Err("must name a database in its path"));
    }

    #[test]
    fn sender_is_an_address_with_or_without_a_name() {
        for right in ["no-reply@chat.example", "BigTech Chat <no-reply@chat.example>"] {
            assert_eq!(sender(right).as_deref(), Ok(right));
        }
        for wrong in
            ["", "chat.example", "Chat <>", "채팅 <a@chat.example>", "a, b <a@chat.example>", "a@b.example\nBcc: c"]
        {
            assert!(sender(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn origins_are_what_browsers_send() {
        assert_eq!(origins(" https://a.example , http://localhost:3000").unwrap().len(), 2);
        assert_eq!(origins(""), Ok(Vec::new()));
        for wrong in ["*", "https://a.example/", "https://A.example", "a.example", "https://a.example/x", "null"] {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn links_with_tokens_lead_to_encrypted_pages() {
        assert_eq!(app_url("https://chat.example/app/").as_deref(), Ok("https://chat.example/app"));
        for local in ["http://localhost:3000", "http://127.0.0.1:3000"] {
            assert_eq!(app_url(local).as_deref(), Ok(local));
        }
        for plain in ["http://chat.example", "http://localhost.example", "http://localhost@chat.example"] {
            assert_eq!(app_url(plain), Err("must begin with https://"), "{plain}");
        }
        for wrong in
            ["https://chat.example/?a=b", "https://chat.example/#/app", "https://chat.example/#", "chat.example"]
        {
            assert!(app_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn push_services_are_names_or_this_machine_by_number() {
        let hosts = push_hosts("fcm.googleapis.com, notify.windows.com,http://127.0.0.1:9000");
        assert_eq!(hosts.unwrap(), ["fcm.googleapis.com", "notify.windows.com", "http://127.0.0.1:9000"]);
        for wrong in [
            "localhost",
            "FCM.googleapis.com",
            "fcm.googleapis.com.",
            "https://fcm.googleapis.com",
            "10.0.0.1",
            "http://10.0.0.1:80",
            "http://localhost:9000",
            "fcm.googleapis.com:8443",
            "a.example/b",
            "*.example.com",
        ] {
            assert!(push_hosts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn push_services_are_elsewhere_by_https_or_on_this_machine() {
        for right in ["https://fcm.example", "http://127.0.0.1:9000/fcm", "http://[::1]:9000"] {
            assert_eq!(provider_url(right).as_deref(), Ok(right));
        }
        for wrong in ["http://fcm.example", "http://localhost:9000", "ftp://127.0.0.1", "http://127.0.0.1@fcm.example"]
        {
            assert!(provider_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn published_and_short_keys_are_refused() {
        assert!(key("0123456789abcdef0123456789abcdef").is_ok());
        assert_eq!(key("0123456789abcdef0123456789abcde"), Err("has fewer than 32 bytes"));
        assert_eq!(key("your-secret-key-here-change-in-production"), Err("is still a placeholder"));
        assert_eq!(key("CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME"), Err("is still a placeholder"));
    }

    #[test]
    fn hours_may_be_fractions() {
        assert_eq!(hours("0.25"), Ok(Duration::from_mins(15)));
        for wrong in ["0", "-1", "NaN", "inf", "9000", "", "1h"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn connections_are_a_positive_number() {
        assert_eq!(connections("200"), Ok(200));
        for wrong in ["0", "-1", "10001", "", "many"] {
            assert!(connections(wrong).is_err(), "{wrong}");
        }
        assert_eq!((own_connections("1"), own_connections("100")), (Ok(1), Ok(100)));
        for wrong in ["0", "101", "many"] {
            assert!(own_connections(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn switch_is_on_or_off() {
        assert_eq!((switch("on"), switch("off")), (Ok(true), Ok(false)));
        assert!(switch("yes").is_err());
    }

    #[test]
    fn url_must_have_an_allowed_scheme() {
        assert_eq!(url_of("wss://x.example/v1/", ["ws", "wss"]).as_deref(), Ok("wss://x.example/v1"));
        assert!(url_of("https://x.example/v1", ["ws", "wss"]).is_err());
        assert!(url_of("x.example", ["ws", "wss"]).is_err());
    }
}
