//! The operations of S3 that functions and clients use.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use s3s::{
    S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
        DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
        HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
        MetadataDirective, Object, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp, UploadPartInput,
        UploadPartOutput,
    },
    s3_error,
};
use template::bucket_arn;
use tokio::fs::File;

use super::{
    access::Access,
    disk::{self, Disk, Meta, Staged},
    events::Events,
};

/// The most objects or parts of an answer.
pub(crate) const PAGE: usize = 1_000;

/// S3 over a folder.
pub(crate) struct Store {
    pub(crate) disk: Arc<Disk>,
    pub(crate) buckets: Vec<String>,
    pub(crate) access: Access,
    pub(crate) events: Events,
}

type Reply<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Store {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Reply<PutObjectOutput> {
        let input = request.input;
        self.must_exist(&input.bucket)?;
        let others = [&input.checksum_crc32, &input.checksum_crc32c, &input.checksum_crc64nvme, &input.checksum_sha1];
        let is_other = others.iter().any(|checksum| checksum.is_some()) || request.trailing_headers.is_some();
        if is_other || input.if_match.is_some() || input.content_md5.is_some() {
            return Err(s3_error!(NotImplemented, "Only SHA-256 in a header and if-none-match are supported"));
        }
        let (content_type, content_disposition, cache_control) =
            (input.content_type, input.content_disposition, input.cache_control);
        let describe = |meta| Meta { content_type, content_disposition, cache_control, ..meta };
        let staged = self.written(input.body, input.checksum_sha256.as_deref(), describe).await?;
        let meta = self.place(&input.bucket, &input.key, staged, input.if_none_match.as_ref(), || Ok(()))?;
        self.events.created(&input.bucket, &input.key, &meta, "PutObject");
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(meta.etag)),
            checksum_sha256: input.checksum_sha256,
            ..PutObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Reply<GetObjectOutput> {
        let (file, meta) = self.found(&request, &request.input.bucket, &request.input.key).await?;
        let input = request.input;
        must_match(&meta, input.if_match.as_ref())?;
        let whole = 0..meta.size;
        let part = match input.range {
            Some(range) => range.check(meta.size)?,
            None => whole.clone(),
        };
        let length = part.end - part.start;
        let range = input.range.map(|_| format!("bytes {}-{}/{}", part.start, part.end - 1, meta.size));
        let body = disk::stream(file, part.start, length).await.map_err(S3Error::internal_error)?;
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(body),
            cache_control: meta.cache_control,
            checksum_sha256: (input.checksum_mode.is_some() && part == whole).then_some(meta.sha256),
            content_disposition: meta.content_disposition,
            content_length: Some(length.cast_signed()),
            content_range: range,
            content_type: meta.content_type,
            e_tag: Some(ETag::Strong(meta.etag)),
            last_modified: Some(time(meta.modified)),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Reply<HeadObjectOutput> {
        let (_, meta) = self.found(&request, &request.input.bucket, &request.input.key).await?;
        must_match(&meta, request.input.if_match.as_ref())?;
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: meta.cache_control,
            content_disposition: meta.content_disposition,
            content_length: Some(meta.size.cast_signed()),
            content_type: meta.content_type,
            e_tag: Some(ETag::Strong(meta.etag)),
            last_modified: Some(time(meta.modified)),
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Reply<CopyObjectOutput> {
        let CopySource::Bucket { bucket, key, version_id: None } = &request.input.copy_source else {
            return Err(s3_error!(NotImplemented, "Only objects of a bucket are copied"));
        };
        let (file, source) = self.found(&request, bucket, key).await?;
        let input = &request.input;
        must_match(&source, input.copy_source_if_match.as_ref())?;
        self.must_exist(&input.bucket)?;
        let content = disk::stream(file, 0, source.size).await.map_err(S3Error::internal_error)?;
        let replaces = input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
        let described = if replaces {
            Meta {
                content_type: input.content_type.clone(),
                content_disposition: input.content_disposition.clone(),
                cache_control: input.cache_control.clone(),
                ..Meta::default()
            }
        } else {
            source
        };
        let describe = |Meta { size, etag, sha256, modified, .. }| Meta { size, etag, sha256, modified, ..described };
        let staged = self.written(Some(content), None, describe).await?;
        let meta = self.place(&input.bucket, &input.key, staged, None, || Ok(()))?;
        self.events.created(&input.bucket, &input.key, &meta, "CopyObject");
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(meta.etag)),
            last_modified: Some(time(meta.modified)),
            ..CopyObjectResult::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Reply<DeleteObjectOutput> {
        let input = request.input;
        self.must_exist(&input.bucket)?;
        self.disk.remove(&input.bucket, &input.key).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Reply<DeleteObjectsOutput> {
        let input = request.input;
        self.must_exist(&input.bucket)?;
        if input.delete.objects.len() > PAGE {
            return Err(s3_error!(MalformedXML));
        }
        let mut deleted = Vec::new();
        for object in input.delete.objects {
            self.disk.remove(&input.bucket, &object.key).map_err(S3Error::internal_error)?;
            deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() });
        }
        let deleted = (input.delete.quiet != Some(true)).then_some(deleted);
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Reply<ListObjectsV2Output> {
        let input = request.input;
        self.must_exist(&input.bucket)?;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "Objects are listed without a delimiter"));
        }
        let after = input.continuation_token.as_ref().or(input.start_after.as_ref());
        let most = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let mut keys = self.disk.keys(&input.bucket).map_err(S3Error::internal_error)?;
        keys.retain(|key| {
            after.is_none_or(|after| key > after) && input.prefix.as_ref().is_none_or(|start| key.starts_with(start))
        });
        let is_truncated = keys.len() > most;
        keys.truncate(most);
        let next = keys.last().filter(|_| is_truncated).cloned();
        let mut contents = Vec::new();
        for key in keys {
            // One may have been deleted meanwhile.
            let found = self.disk.find(&input.bucket, &key).await.map_err(S3Error::internal_error)?;
            contents.extend(found.map(|(_, meta)| Object {
                key: Some(key),
                size: Some(meta.size.cast_signed()),
                e_tag: Some(ETag::Strong(meta.etag)),
                last_modified: Some(time(meta.modified)),
                ..Object::default()
            }));
        }
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            max_keys: input.max_keys,
            key_count: i32::try_from(contents.len()).ok(),
            is_truncated: Some(is_truncated),
            next_continuation_token: next,
            contents: Some(contents),
            ..ListObjectsV2Output::default()
        };
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Reply<CreateMultipartUploadOutput> {
        self.begin(request.input).map(S3Response::new)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Reply<UploadPartOutput> {
        self.take_part(request.input).await.map(S3Response::new)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Reply<ListPartsOutput> {
        self.list(request.input).await.map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Reply<CompleteMultipartUploadOutput> {
        self.complete(request.input).await.map(S3Response::new)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Reply<AbortMultipartUploadOutput> {
        self.abort(&request.input).map(S3Response::new)
    }
}

impl Store {
    pub(crate) fn must_exist(&self, bucket: &str) -> S3Result<()> {
        if self.buckets.iter().any(|name| name == bucket) { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
    }

    /// A body that was written to the disk, whose checksum is right if one was told.
    pub(crate) async fn written(
        &self,
        body: Option<StreamingBlob>,
        sha256: Option<&str>,
        describe: impl FnOnce(Meta) -> Meta,
    ) -> S3Result<Staged> {
        let mut writer = self.disk.writer().map_err(S3Error::internal_error)?;
        if let Some(body) = body {
            let ended = |error| S3Error::with_source(S3ErrorCode::IncompleteBody, error);
            writer.write_all(body).await.map_err(ended)?;
        }
        let staged = writer.finish(describe).await.map_err(S3Error::internal_error)?;
        if sha256.is_some_and(|sha256| sha256 != staged.meta.sha256) {
            return Err(s3_error!(BadDigest, "The SHA256 you specified did not match the calculated checksum."));
        }
        Ok(staged)
    }

    /// Puts an object in its place, unless there is one and it must be new.
    pub(crate) fn place(
        &self,
        bucket: &str,
        key: &str,
        staged: Staged,
        if_none_match: Option<&ETagCondition>,
        last: impl FnOnce() -> io::Result<()>,
    ) -> S3Result<Meta> {
        if key.len() > 100 {
            return Err(s3_error!(KeyTooLongError));
        }
        if if_none_match.is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(NotImplemented, "if-none-match takes `*` alone"));
        }
        let meta = staged.meta.clone();
        match self.disk.put(bucket, key, staged, if_none_match.is_some(), last) {
            Ok(true) => Ok(meta),
            Ok(false) => Err(s3_error!(PreconditionFailed)),
            // `last` takes an upload in parts away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(s3_error!(NoSuchUpload)),
            Err(error) => Err(S3Error::internal_error(error)),
        }
    }

    /// An object that is there. Who may not list the bucket does not learn that one is missing.
    async fn found<T: Sync>(&self, request: &S3Request<T>, bucket: &str, key: &str) -> S3Result<(File, Meta)> {
        self.must_exist(bucket)?;
        let found = self.disk.find(bucket, key).await.map_err(S3Error::internal_error)?;
        if found.is_none() {
            self.access.must_allow(request.credentials.as_ref(), "s3:ListBucket", &bucket_arn(bucket))?;
        }
        found.ok_or_else(|| s3_error!(NoSuchKey))
    }
}

fn must_match(meta: &Meta, condition: Option<&ETagCondition>) -> S3Result<()> {
    match condition {
        Some(ETagCondition::ETag(etag)) if etag.value() != meta.etag => Err(s3_error!(PreconditionFailed)),
        _ => Ok(()),
    }
}

pub(crate) fn time(millis: i64) -> Timestamp {
    (SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs())).into()
}
