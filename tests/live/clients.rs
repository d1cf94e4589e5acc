//! OAuth clients on the real UAA, by the writer and the reader themselves: what is cleared goes, what is not named stays.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use uaapply::client::{ClientField, ClientFields, ClientValue, hidden};
use uaapply::model::{ClientId, Guid};
use uaapply::observed::{ClientScope, ReadScope};
use uaapply::plan::{FieldChange, FieldValue};
use uaapply::uaa::{self, Connection, Login, ReadBy, Reader, WriteErrorKind, Writer, Written};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, text};

/// Runs what is asynchronous.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// The admin client in the story's zone.
pub(crate) async fn log_in(world: &World, read_by: ReadBy) -> (Reader, Writer) {
    log_in_to(world, read_by, Some(world.zone.id.clone())).await
}

/// The admin client in its own zone: where other clients' secrets can be tried.
pub(crate) async fn at_home(world: &World) -> (Reader, Writer) {
    log_in_to(world, ReadBy::Fewest, None).await
}

async fn log_in_to(world: &World, read_by: ReadBy, zone: Option<String>) -> (Reader, Writer) {
    let connection = Connection {
        target: world.foundation.uaa_url().parse().expect("an address"),
        client_id: ClientId::new("admin"),
        login: Login::Secret(SecretString::from(world.foundation.admin_secret())),
        ca_cert: Some(std::fs::read(world.foundation.ca_file()).expect("the lab has a CA")),
        skip_ssl_validation: false,
        allow_http: false,
        zone,
        timeout: Duration::from_secs(30),
        concurrency: 4,
        read_by,
        mask: Vec::new(),
    };
    let server = uaa::identify(&connection).await.expect("a UAA");
    uaa::log_in(connection, server).await.expect("the admin client logs in")
}

/// A token of a client of the default zone, if this is its secret.
pub(crate) fn token(world: &World, client: &str, secret: &str) -> Option<String> {
    let (status, answer) = world.foundation.client_login(client, secret).expect("UAA answers");
    (status == 200).then(|| text(&answer["access_token"]))
}

/// Whether UAA takes a token.
pub(crate) fn works(world: &World, token: &str) -> bool {
    let (status, _) = world.foundation.get_with(token, "/oauth/clients/admin/meta").expect("UAA answers");
    status == 200
}

fn id() -> ClientId {
    ClientId::new("story")
}

fn change(name: &str, before: FieldValue, after: FieldValue) -> FieldChange {
    FieldChange { name: name.to_owned(), before, after }
}

fn to(name: &str, after: FieldValue) -> FieldChange {
    change(name, FieldValue::None, after)
}

fn list(texts: &[&str]) -> FieldValue {
    FieldValue::List(texts.iter().map(|&text| text.to_owned()).collect())
}

fn words(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

/// Every field that a client can have.
fn everything() -> Vec<FieldChange> {
    vec![
        to("name", words("The story")),
        to("authorized_grant_types", list(&["authorization_code", "client_credentials", "refresh_token"])),
        to("scope", list(&["s.a", "s.b"])),
        to("authorities", list(&["a.a", "a.b"])),
        to("redirect_uri", list(&["https://x.example.com/**", "https://y.example.com/back"])),
        to("autoapprove", list(&["s.a"])),
        to("access_token_validity", FieldValue::Number(600)),
        to("refresh_token_validity", FieldValue::Number(7200)),
        to("allowedproviders", list(&["uaa", "ldap"])),
        to("required_user_groups", list(&["team.x"])),
        to("allowpublic", FieldValue::Flag(true)),
        to("token_salt", FieldValue::redacted()),
        to("createdwith", words("uaapply")),
        to("signup_redirect_url", words("https://x.example.com/in")),
        to("show_on_home_page", FieldValue::Flag(false)),
        to("app_launch_url", words("https://x.example.com/app")),
        to("app_icon", words("aWNvbg==")),
        to("extra.team", words("red")),
        to("extra.levels", list(&["one", "two"])),
    ]
}

async fn make(writer: &Writer) {
    let (secret, salt) = (SecretString::from("story-secret"), SecretString::from("story-salt"));
    let made = writer.create_client(&id(), &everything(), Some(&secret), Some(&salt)).await;
    assert_eq!(made, Ok(Written::Done));
}

async fn fields(reader: &Reader) -> ClientFields {
    let ids: BTreeSet<ClientId> = [id()].into();
    let clients = ClientScope {
        named: ids.clone(),
        required_user_groups: ids.clone(),
        metadata: ids,
        ..ClientScope::default()
    };
    let observed = reader.observe(&ReadScope { clients, ..ReadScope::default() }).await.expect("it is read");
    observed.clients.get(&id()).expect("it is there").fields.clone()
}

/// The client as an independent client sees it, with its metadata, without what UAA stamps.
fn raw(world: &World) -> (Value, Value) {
    let (status, mut client) = world.api("GET", "/oauth/clients/story", None);
    assert_eq!(status, 200, "{client}");
    client.as_object_mut().expect("an object").remove("lastModified");
    let (status, metadata) = world.api("GET", "/oauth/clients/story/meta", None);
    assert_eq!(status, 200, "{metadata}");
    (sorted(client), metadata)
}

/// UAA keeps sets in any order.
fn sorted(mut client: Value) -> Value {
    for value in client.as_object_mut().expect("an object").values_mut() {
        if let Some(items) = value.as_array_mut().filter(|items| items.iter().all(Value::is_string)) {
            items.sort_by_key(text);
        }
    }
    client
}

/// The story's client as a plan would show a field of it.
fn before(name: &str) -> FieldValue {
    everything().into_iter().find(|change| change.name == name).expect("it has it").after
}

on_each_uaa! {
    fn a_client_is_made_with_every_field_and_read_back_the_same_either_way(world) {
        run(async {
            let (reader, writer) = log_in(world, ReadBy::List).await;
            make(&writer).await;
            let listed = fields(&reader).await;
            assert_eq!(listed, fields(&log_in(world, ReadBy::LookUp).await.0).await);
            assert_eq!(listed.get(&ClientField::TokenSalt), Some(&hidden("story-salt")));
            assert_eq!(listed.get(&ClientField::AccessTokenValidity), Some(&ClientValue::Number(600)));
            assert_eq!(listed.len(), everything().len(), "{listed:?}");
            // Whatever it is compared with, it is as wished already.
            let again = writer.update_client(&id(), &everything(), Some(&SecretString::from("story-salt"))).await;
            assert_eq!(again, Ok(Written::AlreadySo));
        });
    }

    fn each_field_is_cleared_to_none_and_nothing_else_changes(world) {
        run(async {
            let (reader, writer) = log_in(world, ReadBy::Fewest).await;
            for field in everything().iter().map(|change| change.name.clone()) {
                if field == "authorized_grant_types" {
                    // UAA wants one at least.
                    continue;
                }
                make(&writer).await;
                if field == "redirect_uri" {
                    let grants = change("authorized_grant_types", before("authorized_grant_types"), list(&["client_credentials", "refresh_token"]));
                    assert_eq!(writer.update_client(&id(), &[grants], None).await, Ok(Written::Done));
                }
                let (mut client, mut metadata) = raw(world);
                let cleared = [change(&field, before(&field), FieldValue::None)];
                assert_eq!(writer.update_client(&id(), &cleared, None).await, Ok(Written::Done), "{field}");
                assert_eq!(writer.update_client(&id(), &cleared, None).await, Ok(Written::AlreadySo), "{field}");
                let key = field.strip_prefix("extra.").unwrap_or(&field);
                let own = client.as_object_mut().expect("an object");
                match key {
                    "scope" => { own.insert(key.to_owned(), json!(["uaa.none"])); own.insert("autoapprove".to_owned(), json!([])); }
                    "authorities" => { own.insert(key.to_owned(), json!(["uaa.none"])); }
                    "autoapprove" | "required_user_groups" => { own.insert(key.to_owned(), json!([])); }
                    // As it is with a new client.
                    "show_on_home_page" => metadata["showOnHomePage"] = json!(true),
                    "app_launch_url" => { metadata.as_object_mut().expect("an object").remove("appLaunchUrl"); }
                    "app_icon" => metadata["appIcon"] = json!(""),
                    "name" => { own.remove(key); metadata.as_object_mut().expect("an object").remove("clientName"); }
                    _ => { own.remove(key); }
                }
                assert_eq!(raw(world), (client, metadata), "{field}");
                let left = fields(&reader).await.remove(&ClientField::by_name(&field).expect("a field"));
                let expected = match key {
                    "scope" | "authorities" => Some(ClientValue::Set(["uaa.none".to_owned()].into())),
                    "show_on_home_page" => Some(ClientValue::Flag(true)),
                    _ => None,
                };
                assert_eq!(left, expected, "{field}");
                let (status, _) = world.api("DELETE", "/oauth/clients/story", None);
                assert_eq!(status, 200);
            }
        });
    }

    fn lists_get_shorter_and_a_client_that_others_changed_is_drift(world) {
        run(async {
            let (_, writer) = log_in(world, ReadBy::Fewest).await;
            make(&writer).await;
            let shorter = [
                change("scope", list(&["s.a", "s.b"]), list(&["s.a"])),
                change("redirect_uri", before("redirect_uri"), list(&["https://y.example.com/back"])),
                change("authorities", before("authorities"), list(&["a.a", "a.b", "a.c"])),
                change("token_salt", FieldValue::redacted(), FieldValue::Variable { variable: "salt".to_owned() }),
            ];
            let salt = SecretString::from("another-salt");
            assert_eq!(writer.update_client(&id(), &shorter, Some(&salt)).await, Ok(Written::Done));
            let (client, _) = raw(world);
            assert_eq!((&client["scope"], &client["redirect_uri"], &client["token_salt"]), (&json!(["s.a"]), &json!(["https://y.example.com/back"]), &json!("another-salt")));
            assert_eq!((&client["authorities"], &client["team"]), (&json!(["a.a", "a.b", "a.c"]), &json!("red")));
            assert_eq!(writer.update_client(&id(), &shorter, Some(&salt)).await, Ok(Written::AlreadySo));
            let stale = [change("scope", list(&["s.a", "s.b"]), list(&["s.c"]))];
            let error = writer.update_client(&id(), &stale, None).await.expect_err("drift");
            assert_eq!(error.kind, WriteErrorKind::Drifted);
            assert!(error.message.contains("scope is [s.a], where the plan saw [s.a, s.b]"), "{}", error.message);
        });
    }

    fn a_secret_is_set_where_it_does_not_work_and_ends_no_token_where_it_does(world) {
        run(async {
            let (client, secret) = world.foundation.has_client("secret", &["uaa.none"]);
            let (_, writer) = at_home(world).await;
            let token = token(world, &client, &secret).expect("it works");
            let id = ClientId::new(&*client);
            assert_eq!(writer.set_client_secret(&id, &SecretString::from(&*secret)).await, Ok(Written::AlreadySo));
            assert!(works(world, &token), "the token was revoked");
            assert_eq!(writer.set_client_secret(&id, &SecretString::from("another-1")).await, Ok(Written::Done));
            assert!(!works(world, &token), "a token of the old secret goes on working");
            assert!(self::token(world, &client, &secret).is_none());
            assert!(self::token(world, &client, "another-1").is_some());
            // Empty: a public client's.
            assert_eq!(writer.set_client_secret(&id, &SecretString::from("")).await, Ok(Written::Done));
            assert_eq!(writer.set_client_secret(&id, &SecretString::from("")).await, Ok(Written::AlreadySo));
            assert!(self::token(world, &client, "another-1").is_none());
            let gone = writer.set_client_secret(&ClientId::new("nobody"), &SecretString::from("x")).await;
            assert_eq!(gone.expect_err("there is none").kind, WriteErrorKind::Drifted);
        });
    }

    fn users_groups_and_clients_are_deleted_once(world) {
        let user = Guid::new(world.has_user("ann", "uaa"));
        let group = Guid::new(world.has_group("team.gone", &[user.as_str()]));
        run(async {
            let (_, writer) = log_in(world, ReadBy::Fewest).await;
            make(&writer).await;
            for outcome in [Written::Done, Written::AlreadySo] {
                assert_eq!(writer.delete_group(&group).await, Ok(outcome));
                assert_eq!(writer.delete_user(&user).await, Ok(outcome));
                assert_eq!(writer.delete_client(&id()).await, Ok(outcome));
            }
        });
        assert!(world.user("ann").is_none());
        assert_eq!(world.api("GET", "/oauth/clients/story", None).0, 404);
    }

    // Trap 42: the sample clients from uaa.yml come with `autoapprove` twice.
    fn the_clients_of_uaa_yml_are_read_alike_either_way(world) {
        run(async {
            let all = ClientScope { all: true, ..ClientScope::default() };
            let (reader, _) = at_home(world).await;
            let listed = reader.observe(&ReadScope { clients: all, ..ReadScope::default() }).await.expect("read").clients;
            for name in ["cf", "app", "login", "admin", "pks_cli"] {
                let ids: BTreeSet<ClientId> = [ClientId::new(name)].into();
                let single = ClientScope { required_user_groups: ids, ..ClientScope::default() };
                let single = reader.observe(&ReadScope { clients: single, ..ReadScope::default() }).await.expect("read").clients;
                let single = single.get(&ClientId::new(name)).expect(name);
                assert_eq!(listed.get(&ClientId::new(name)), Some(single));
            }
        });
    }
}
