//! Frames for nobody.

use boot::AwsCredentials;
use realtime::ManagementApi;

/// A client of `@connections` where nothing listens: every push fails at once.
pub fn into_the_void() -> ManagementApi {
    let keys = AwsCredentials {
        access_key_id: "id".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
    };
    ManagementApi::new("http://127.0.0.1:1/none", keys)
}
