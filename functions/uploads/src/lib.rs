#![doc = include_str!("../README.md")]

mod complete_upload;
mod create_file_links;
mod create_part_requests;
mod create_upload;
mod delete_upload;
mod get_upload;
mod parts;
mod view;

use axum::extract::FromRef;
use boot::{BoxError, Limits, warm_up};
use credentials::AccessTokens;
use domain::{Clock, Code, Fault, Random, Upload, UploadId, UploadLimits, UserId};
use files::Files;
use mongo::Mongo;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

web::problems!(pub(crate) UploadProblems: UploadNotFound);

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Uploads and what they use of quotas.
    pub mongo: Mongo,
    /// Where the bytes are.
    pub files: Files,
    /// Checks access tokens.
    pub tokens: AccessTokens,
    /// How often something may be done.
    pub limits: Limits,
    /// How much may be uploaded.
    pub upload_limits: UploadLimits,
    /// When something happens.
    pub clock: Clock,
    /// Makes ids, and decides which reads are counted.
    pub random: Random,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, files, signing, limits, upload_limits) = boot::read(|settings| {
            let (mongo_url, files, signing) = (settings.mongo_url(), settings.files(), settings.signing());
            (mongo_url, files, signing, settings.limits(), settings.upload_limits())
        })
        .await?;
        let (mongo, files) = (Mongo::connect(&mongo_url).await?, Files::connect(&files));
        warm_up("open connections to MongoDB", mongo.warm_up()).await;
        let tokens =
            AccessTokens::new(signing.algorithm, &signing.key, signing.previous_key.as_deref(), signing.lifetime)?;
        let (clock, random) = (boot::clock(), boot::random());
        Ok(Self { mongo, files, tokens, limits, upload_limits, clock, random })
    }

    /// An upload of a person's.
    async fn find_own(&self, owner: UserId, id: UploadId) -> Result<Upload, Fault> {
        Ok(self.mongo.uploads().find_own(owner, id).await?.ok_or(Code::UploadNotFound)?)
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        let App { mongo, tokens, limits, clock, random, .. } = app.clone();
        Self { tokens, mongo, clock, limits, random }
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(create_upload::create_upload))
        .routes(routes!(get_upload::get_upload, delete_upload::delete_upload))
        .routes(routes!(create_part_requests::create_part_requests))
        .routes(routes!(complete_upload::complete_upload))
        .routes(routes!(create_file_links::create_file_links))
}
