//! S3: the template's buckets over a folder.

mod access;
pub(crate) mod cors;
mod disk;
mod events;
mod parts;
mod store;

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use http::{Request, Response, request::Parts};
use hyper::body::Incoming;
use s3s::{
    Body, S3Error, S3ErrorCode,
    service::{S3Service, S3ServiceBuilder},
};
use template::{Bucket, CorsRule, Template};
use tokio::time::sleep;

use crate::{
    faults::{Faults, StoreFate},
    iam::Iam,
    lambda::Lambda,
    server::{Reset, Respond},
};
use access::Access;
use disk::Disk;
pub use events::EICAR;
use events::Events;
use store::Store;

/// An object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

/// The buckets and their objects.
pub(crate) struct Objects {
    disk: Arc<Disk>,
    buckets: Vec<Bucket>,
}

/// The listener of S3.
pub(crate) struct ObjectDoor {
    service: S3Service,
    buckets: Vec<Bucket>,
    faults: Faults,
}

impl Objects {
    /// Opens the template's buckets in a folder, with what is there.
    pub(crate) fn open(template: &Template, folder: &Path) -> io::Result<Self> {
        let names = template.buckets.iter().map(|bucket| bucket.name.clone());
        Ok(Self { disk: Arc::new(Disk::open(folder, names)?), buckets: template.buckets.clone() })
    }

    pub(crate) fn door(
        &self,
        template: &Template,
        iam: &Arc<Iam>,
        lambda: &Arc<Lambda>,
        faults: &Faults,
    ) -> ObjectDoor {
        let access = Access::new(iam);
        let store = Store {
            disk: Arc::clone(&self.disk),
            buckets: self.buckets.iter().map(|bucket| bucket.name.clone()).collect(),
            access: access.clone(),
            events: Events::new(template, &self.disk, lambda, faults),
        };
        let mut service = S3ServiceBuilder::new(store);
        service.set_auth(access.clone());
        service.set_access(access);
        ObjectDoor { service: service.build(), buckets: self.buckets.clone(), faults: faults.clone() }
    }

    /// What a bucket holds, by its name or by its key in the template.
    pub(crate) async fn list(&self, bucket: &str) -> io::Result<Option<Vec<StoredObject>>> {
        let found = self.buckets.iter().find(|it| it.name == bucket || it.logical_id == bucket);
        let Some(Bucket { name, .. }) = found else { return Ok(None) };
        let mut objects = Vec::new();
        for key in self.disk.keys(name)? {
            let found = self.disk.find(name, &key).await?;
            objects.extend(found.map(|(_, meta)| StoredObject { key, size: meta.size }));
        }
        Ok(Some(objects))
    }
}

impl ObjectDoor {
    /// How the bucket that a request names answers pages of other origins.
    fn rules(&self, request: &Parts) -> &[CorsRule] {
        let name = request.uri.path().trim_start_matches('/').split('/').next();
        let bucket = self.buckets.iter().find(|bucket| Some(bucket.name.as_str()) == name);
        bucket.map_or(&[], |bucket| &bucket.cors)
    }

    /// Answers a signed request.
    pub(crate) async fn answer(&self, head: Parts, body: Body) -> Result<Response<Body>, Reset> {
        let headers = cors::headers(&head, self.rules(&head));
        let fate = self.faults.store();
        let mut answer = match fate {
            StoreFate::Unavailable => refusal(S3ErrorCode::SlowDown)?,
            StoreFate::ResetBefore => return Err(Reset),
            StoreFate::Serve { after, .. } => {
                sleep(after).await;
                self.service.call(Request::from_parts(head, body)).await.map_err(|_| Reset)?
            }
        };
        if matches!(fate, StoreFate::Serve { loses_answer: true, .. }) {
            return Err(Reset);
        }
        answer.headers_mut().extend(headers);
        Ok(answer)
    }
}

impl Respond for ObjectDoor {
    type Body = Body;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Result<Response<Body>, Reset> {
        let (head, body) = request.into_parts();
        if let Some((status, headers)) = cors::preflight(&head, self.rules(&head)) {
            let mut answer = Response::new(Body::empty());
            (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
            return Ok(answer);
        }
        self.answer(head, body.into()).await
    }
}

fn refusal(code: S3ErrorCode) -> Result<Response<Body>, Reset> {
    S3Error::new(code).to_http_response().map_err(|_| Reset)
}
