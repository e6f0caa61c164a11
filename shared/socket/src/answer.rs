use serde::Serialize;
use std::collections::BTreeMap;

/// What API Gateway makes of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// An HTTP status: only a 2xx lets an upgrade pass. Of frames always 200: anything else becomes API Gateway's own error frame.
    pub status_code: u16,
    /// Headers of the upgrade's response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, &'static str>,
    /// The frame that the client gets, through the route response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Answer {
    /// A status alone.
    pub fn status(status_code: u16) -> Self {
        Self { status_code, headers: BTreeMap::new(), body: None }
    }

    /// A frame.
    pub fn frame(text: String) -> Self {
        Self { body: Some(text), ..Self::status(200) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn answers_are_what_api_gateway_reads() {
        assert_eq!(to_value(Answer::status(401)).unwrap(), json!({ "statusCode": 401 }));
        assert_eq!(to_value(Answer::frame("{}".to_owned())).unwrap(), json!({ "statusCode": 200, "body": "{}" }));
    }
}
