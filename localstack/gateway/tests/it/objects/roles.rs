//! The roles of the product's template: what their functions do with objects takes every right that they have, and no other.

use std::{fs, path::Path, time::Duration};

use files::Headers;
use gateway::Limits;
use serde_norway::{Mapping, Value};

use super::{Site, any_id, now, send};
use crate::Local;

const PICTURE: Headers = Headers { media_type: String::new(), file_name: None };

/// An action, and on what.
type Right = [Value; 2];

/// The functions' roles that may do anything with objects.
fn roles() -> Vec<(String, Vec<Right>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template: Value = serde_norway::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let resources = template["Resources"].as_mapping().unwrap().iter();
    let roles = resources.filter(|(_, resource)| resource["Type"] == "AWS::IAM::Role" && is_of_a_function(resource));
    let roles = roles.map(|(name, role)| (name.as_str().unwrap().to_owned(), rights(role)));
    roles.filter(|(_, rights)| !rights.is_empty()).collect()
}

fn is_of_a_function(role: &Value) -> bool {
    let who = each(&role["Properties"]["AssumeRolePolicyDocument"]["Statement"]);
    who.iter().any(|statement| statement["Principal"]["Service"] == "lambda.amazonaws.com")
}

fn rights(role: &Value) -> Vec<Right> {
    let mut rights = Vec::new();
    for policy in each(&role["Properties"]["Policies"]) {
        for statement in each(&policy["PolicyDocument"]["Statement"]).iter().map(by_default) {
            for action in each(&statement["Action"]) {
                if action.as_str().is_some_and(|action| action.starts_with("s3:")) {
                    let resources = each(&statement["Resource"]).iter();
                    rights.extend(resources.map(|resource| [action.clone(), resource.clone()]));
                }
            }
        }
    }
    rights
}

/// What a condition that does not hold leaves.
fn by_default(value: &Value) -> &Value {
    match value {
        Value::Tagged(chosen) if chosen.tag == "If" => {
            chosen.value.as_sequence().and_then(|it| it.last()).unwrap_or(value)
        }
        value => value,
    }
}

/// What stands in a list, or alone.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Sequence(values) => values,
        value => std::slice::from_ref(value),
    }
}

fn mapping<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    pairs.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<Mapping>().into()
}

fn function_name(role: &str, missing: usize) -> String {
    format!("{}-{missing}", role.to_lowercase())
}

/// A function that has all of these rights but one; the last number is of one that has them all.
fn function(role: &str, rights: &[Right], missing: usize) -> Value {
    let rights = rights.iter().enumerate().filter(|(number, _)| *number != missing);
    let statements = rights.map(|(_, [action, resource])| {
        mapping([("Effect", "Allow".into()), ("Action", action.clone()), ("Resource", resource.clone())])
    });
    let policy = mapping([("Statement", Value::Sequence(statements.collect()))]);
    let code = format!("functions/{}", function_name(role, missing));
    let properties = mapping([("CodeUri", code.into()), ("Policies", Value::Sequence(vec![policy]))]);
    mapping([("Type", "AWS::Serverless::Function".into()), ("Properties", properties)])
}

fn template(roles: &[(String, Vec<Right>)]) -> String {
    let buckets = ["UploadsBucket", "FilesBucket"].map(str::to_owned);
    let buckets = buckets.map(|name| (name, mapping([("Type", "AWS::S3::Bucket".into())])));
    let functions = roles.iter().flat_map(|(role, rights)| {
        (0..=rights.len()).map(move |missing| (format!("{role}{missing}"), function(role, rights, missing)))
    });
    let resources = buckets.into_iter().chain(functions).map(|(name, resource)| (Value::from(name), resource));
    serde_norway::to_string(&mapping([("Resources", resources.collect::<Mapping>().into())])).unwrap()
}

/// What a role is for; `None` where any of it was refused.
async fn work(role: &str, site: &Site, owner: &Site) -> Option<()> {
    match role {
        "UploadsRole" => take_uploads(site, owner).await,
        "InspectRole" => inspect(site, owner).await,
        "SweepFilesRole" => sweep(site, owner).await,
        _ => unreachable!("{role} does nothing with objects"),
    }
}

async fn take_uploads(site: &Site, owner: &Site) -> Option<()> {
    let (id, in_parts, given_up) = (any_id(), any_id(), any_id());
    done(send(&site.put_link(id, b"content").await, b"content").await == 200)?;
    done(site.files.arrived(id).await.ok()?.is_some())?;
    done(site.files.arrived(any_id()).await.ok()?.is_none())?;
    let multipart = site.files.begin_parts(in_parts).await.ok()?;
    done(site.part(in_parts, &multipart, 1, b"part").await == 200)?;
    let parts = site.files.parts(in_parts, &multipart).await.ok()??;
    done(site.files.finish_parts(in_parts, &multipart, &parts, 4).await.ok()?)?;
    let multipart = site.files.begin_parts(given_up).await.ok()?;
    site.files.abort_parts(given_up, &multipart).await.ok()?;
    let key = format!("{id}/small");
    owner.files.keep(&key, &owner.file(b"x"), &PICTURE).await.unwrap();
    let (link, _) = site.files.link(&key, Duration::from_mins(10), now()).await.ok()?;
    done(reqwest::get(link).await.unwrap().status() == 200)
}

async fn inspect(site: &Site, owner: &Site) -> Option<()> {
    let (id, unknown) = (any_id(), any_id());
    owner.upload(id, b"content").await;
    let etag = owner.files.arrived(id).await.unwrap().unwrap().etag;
    done(site.files.fetch(id, &etag, &site.path("fetched")).await.ok()?)?;
    site.files.beginning(id, &etag, 4).await.ok()??;
    done(site.files.beginning(unknown, &etag, 4).await.ok()?.is_none())?;
    site.files.keep(&format!("{id}/small"), &site.file(b"x"), &PICTURE).await.ok()?;
    done(site.files.keep_copy(id, &etag, &format!("{id}/original"), &PICTURE).await.ok()?)
}

async fn sweep(site: &Site, owner: &Site) -> Option<()> {
    let (id, in_parts) = (any_id(), any_id());
    owner.upload(id, b"content").await;
    let multipart = owner.files.begin_parts(in_parts).await.unwrap();
    let key = format!("{id}/small");
    owner.files.keep(&key, &owner.file(b"x"), &PICTURE).await.unwrap();
    site.files.delete_upload(id).await.ok()?;
    site.files.abort_parts(in_parts, &multipart).await.ok()?;
    done(!site.files.page_of_files(None, 1_000).await.ok()?.is_empty())?;
    site.files.delete(&[key]).await.ok()
}

fn done(is_done: bool) -> Option<()> {
    is_done.then_some(())
}

#[tokio::test]
async fn function_needs_each_right_that_its_role_has() {
    let roles = roles();
    let names: Vec<_> = roles.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(names, ["UploadsRole", "InspectRole", "SweepFilesRole"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yaml");
    fs::write(&path, template(&roles)).unwrap();
    let local = Local::over(&path, None, Limits::default(), None).await;
    let owner = Site::at(&local.gateway.urls().s3, ["local", "local"], ["local-uploadsbucket", "local-filesbucket"]);

    for (role, rights) in &roles {
        let site = local.site_of(&function_name(role, rights.len())).await;
        assert_eq!(work(role, &site, &owner).await, Some(()), "{role}");
        for (missing, [action, resource]) in rights.iter().enumerate() {
            let site = local.site_of(&function_name(role, missing)).await;
            assert_eq!(work(role, &site, &owner).await, None, "{role} without {action:?} of {resource:?}");
        }
    }
    local.gateway.stop().await;
}
