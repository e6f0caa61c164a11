//! The problems of an operation, as the API's document lists them.

use crate::problem::problem;
use contract::Problem;
use domain::{Code, Fault, Invalid, Locale};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
        example::ExampleBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The document that a function adds its routes to: shared schemas and the security scheme `bearer`.
pub fn openapi() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let mut schemas = contract::parameter_schemas();
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    Problem::schemas(&mut schemas);
    let components =
        ComponentsBuilder::new().schemas_from_iter(schemas).security_scheme("bearer", SecurityScheme::Http(bearer));
    OpenApiBuilder::new().components(Some(components.build())).build()
}

/// One response for each status among the codes, which it lists and shows.
pub fn responses(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(&codes).into())).collect()
}

fn response(codes: &[Code]) -> Response {
    let description: Vec<_> =
        codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.text(Locale::En))).collect();
    let examples = codes.iter().map(|code| {
        let fault = match code {
            Code::InvalidFields => Fault::field("name", Invalid::Required),
            code => (*code).into(),
        };
        let shown = problem(&fault, Locale::En, "Kx1yVhFpoAMEPRQ=");
        let example = ExampleBuilder::new().value(serde_json::to_value(shown).ok()).build();
        (code.as_str(), RefOr::T(example))
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).examples_from_iter(examples).build();
    ResponseBuilder::new().description(description.join("\n\n")).content("application/problem+json", content).build()
}

/// Names a set of problems for `responses(..)` of an operation: `web::problems!(RegisterProblems: EmailTaken)`.
#[macro_export]
macro_rules! problems {
    ($(#[$doc:meta])* $visibility:vis $name:ident: $($code:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        $visibility struct $name;

        impl ::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                ::std::string::String,
                ::utoipa::openapi::RefOr<::utoipa::openapi::Response>,
            > {
                $crate::responses(&[$(::domain::Code::$code),+])
            }
        }
    };
}

problems!(
    /// For an operation with a body: 400, 413, 415, 422.
    pub BodyProblems: MalformedBody, BodyTooLarge, UnsupportedMediaType, InvalidFields
);
problems!(
    /// For an operation with query parameters: 422.
    pub QueryProblems: InvalidFields
);
problems!(
    /// For an operation with a caller: 401, 429.
    pub CallerProblems: Unauthenticated, TokenExpired, RateLimited
);
problems!(
    /// For an operation with a rate limit: 429.
    pub LimitProblems: RateLimited
);
problems!(
    /// For an operation with a database: 500, 503.
    pub StoreProblems: Internal, Unavailable
);

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::IntoResponses as _;

    #[test]
    fn codes_of_a_status_share_one_response() {
        let responses = CallerProblems::responses();
        let RefOr::T(response) = &responses["401"] else { unreachable!() };
        assert_eq!(responses.keys().collect::<Vec<_>>(), ["401", "429"]);
        assert_eq!(
            response.description,
            "`unauthenticated`: Please sign in.\n\n`token_expired`: The access token has expired."
        );
    }
}
