//! Clients, written: created once, replaced whole, deleted.
//!
//! Decides when a client is as the plan expected. UAA's PUT of a client merges and cannot clear (trap 39), so a change
//! is a true replacement by `tx/modify`; UAA has no version for clients, but answers with the state that was
//! replaced: what somebody else wrote in between is seen there and written back.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::client_wire::{Client, Metadata, client_key, metadata_key, normal, planned, same};
use super::clients::{has_no_metadata, is_no_client, path};
use super::http::{Answer, Repeat, Request};
use super::rounds::Try;
use super::{WriteError, WriteErrorKind, Writer, Written};
use crate::client::{ClientField, ClientFields, ClientValue, hidden, normal as normal_form};
use crate::model::ClientId;
use crate::plan::{FieldChange, FieldValue, shown_value};

/// Changes a client's fields, its secret, or several clients at once; true replacement, all or nothing.
pub(super) const MODIFY: &str = "/oauth/clients/tx/modify";

/// What a change is about, sorted by the resource that holds it.
struct Wanted<'a> {
    client: Vec<Field<'a>>,
    metadata: Vec<Field<'a>>,
    salt: Option<&'a SecretString>,
}

struct Field<'a> {
    field: ClientField,
    change: &'a FieldChange,
}

impl Writer {
    pub(super) async fn post_client(
        &self,
        id: &ClientId,
        fields: &[FieldChange],
        secret: Option<&SecretString>,
        salt: Option<&SecretString>,
    ) -> Result<Written, WriteError> {
        let wanted = Wanted::new(fields, salt)?;
        let mut body = Map::from_iter([("client_id".to_owned(), json!(id.as_str()))]);
        wanted.write_client(&mut body)?;
        if let Some(secret) = secret {
            // Empty is a public client's; without any, 77.x lets nobody authenticate (trap 43).
            body.insert("client_secret".to_owned(), json!(secret.expose_secret()));
        }
        let ours = |found: Client, tried: bool| match tried {
            true => Ok(Some(found)),
            false => Err(self.made_by_another(id)),
        };
        let find = async || self.get_client(id).await;
        match self.create("/oauth/clients", &Value::Object(body), |_| Some(None), find, ours).await? {
            None => self.finish(id, &wanted).await,
            Some(found) => self.adopt(id, &found, &wanted, secret).await,
        }
    }

    /// Takes a client that a lost POST seems to have made: it is ours if it is what we would have made. Its secret
    /// cannot be seen, so it is set, which changes nothing if it is right.
    async fn adopt(
        &self,
        id: &ClientId,
        found: &Client,
        wanted: &Wanted<'_>,
        secret: Option<&SecretString>,
    ) -> Result<Written, WriteError> {
        if !wanted.client_is_at(&self.fields(found)) {
            return Err(self.made_by_another(id));
        }
        if let Some(secret) = secret {
            self.modify_secret(id, secret).await.map_err(|error| error.after(CREATED))?;
        }
        self.finish(id, wanted).await
    }

    /// Writes what a client that this call created lacks.
    async fn finish(&self, id: &ClientId, wanted: &Wanted<'_>) -> Result<Written, WriteError> {
        self.put_metadata(id, wanted, false).await.map_err(|error| error.after(CREATED))?;
        Ok(Written::Done)
    }

    /// A client's properties as the plan judges them.
    fn fields(&self, client: &Client) -> ClientFields {
        normal_form(client.observed(self.mask()).fields)
    }

    fn made_by_another(&self, id: &ClientId) -> WriteError {
        self.drifted(&format!("client {id}: somebody else has created it meanwhile"))
    }

    pub(super) async fn replace_client(
        &self,
        id: &ClientId,
        fields: &[FieldChange],
        salt: Option<&SecretString>,
    ) -> Result<Written, WriteError> {
        let wanted = Wanted::new(fields, salt)?;
        let client = self.modify_client(id, &wanted).await?;
        let metadata = self.put_metadata(id, &wanted, true).await.map_err(|error| match client {
            Written::Done => error.after("a part of the client is written"),
            Written::AlreadySo => error,
        })?;
        Ok(if client == Written::Done || metadata == Written::Done {
            Written::Done
        } else {
            Written::AlreadySo
        })
    }

    /// The fields of the client itself.
    async fn modify_client(&self, id: &ClientId, wanted: &Wanted<'_>) -> Result<Written, WriteError> {
        if wanted.client.is_empty() {
            return Ok(Written::AlreadySo);
        }
        let is_as_wished = |now: &Client| {
            let fields = self.fields(now);
            match differing(&wanted.client, &fields) {
                _ if wanted.client_is_at(&fields) => Ok(true),
                Some(other) => Err(self.drifted(&format!("client {id}: {other}"))),
                None => Ok(false),
            }
        };
        let write = async |now: &Client| self.put_client(id, now, wanted).await;
        self.replace(async || self.existing(id).await, is_as_wished, write).await
    }

    /// Writes the whole client; once more when somebody else wrote between our look and that, on top of theirs. Where
    /// theirs is what we meant to change, theirs stays.
    async fn put_client(&self, id: &ClientId, seen: &Client, wanted: &Wanted<'_>) -> Result<Try, WriteError> {
        let mut body = seen.writable();
        wanted.write_client(&mut body)?;
        let first = self.post_modify(id, &body).await?;
        let theirs = match &first {
            Try::Said(_, answer) => replaced(id, answer),
            Try::Open(_) => None,
        };
        let Some(theirs) = theirs.filter(|old| self.fields(old) != self.fields(seen)) else {
            return Ok(first);
        };
        let written = Client(body);
        let mut body = theirs.writable();
        let conflict = wanted.conflict(&self.fields(seen), &self.fields(&theirs));
        if conflict.is_none() {
            wanted.write_client(&mut body)?;
        }
        // From here on ours is written over theirs.
        let overwritten = "somebody else's change of the client is overwritten";
        let (name, answer) =
            match self.post_modify(id, &body).await.map_err(|error| error.after(overwritten))? {
                Try::Said(name, answer) => (name, answer),
                Try::Open(error) => return Err(error.after(overwritten)),
            };
        if replaced(id, &answer).is_some_and(|old| self.fields(&old) != self.fields(&written)) {
            let message = format!("client {id}: somebody else keeps changing it right now");
            return Err(WriteError::new(WriteErrorKind::Unsettled, message));
        }
        match conflict {
            None => Ok(Try::Said(name, answer)),
            Some(field) => Err(self.drifted(&format!(
                "client {id}: somebody else changed {field} at the same time; theirs is left as it was"
            ))),
        }
    }

    /// Replaces the whole client by `body`. What is said is that it is done.
    async fn post_modify(&self, id: &ClientId, body: &Map<String, Value>) -> Result<Try, WriteError> {
        let mut body = body.clone();
        body.insert("action".to_owned(), json!("update"));
        let request = Request::new(Method::POST, MODIFY).json(json!([body]));
        // A second time it would replace what others wrote since.
        match self.attempt(request, Repeat::IfNotHandled).await? {
            Try::Said(name, answer) if answer.status != StatusCode::OK => {
                Err(self.refused_client(&name, id, &answer))
            }
            done_or_open => Ok(done_or_open),
        }
    }

    /// The fields that are a resource of their own. PUT replaces it, so what is not meant is sent as it was read.
    async fn put_metadata(
        &self,
        id: &ClientId,
        wanted: &Wanted<'_>,
        judge: bool,
    ) -> Result<Written, WriteError> {
        if wanted.metadata.is_empty() {
            return Ok(Written::AlreadySo);
        }
        let current = self.get_metadata(id).await?;
        let fields = current.fields();
        if wanted.metadata_is_at(&fields) {
            return Ok(Written::AlreadySo);
        }
        if judge && let Some(other) = differing(&wanted.metadata, &fields) {
            return Err(self.drifted(&format!("client {id}: {other}")));
        }
        let mut body = current.0;
        body.retain(|_, value| !value.is_null());
        for Field { field, change } in &wanted.metadata {
            let Some(key) = metadata_key(field) else { continue };
            match planned(field, &change.after) {
                Some(value) => body.insert(key.to_owned(), value),
                None => body.remove(key),
            };
        }
        body.insert("clientId".to_owned(), json!(id.as_str()));
        let request = Request::new(Method::PUT, metadata_path(id)).json(Value::Object(body));
        // Nothing of it depends on what was there.
        match self.attempt(request, Repeat::Harmless).await? {
            Try::Said(_, answer) if answer.status == StatusCode::OK => Ok(Written::Done),
            Try::Said(name, answer) => Err(self.refused_client(&name, id, &answer)),
            Try::Open(error) => match self.get_metadata(id).await {
                Ok(now) if wanted.metadata_is_at(&now.fields()) => Ok(Written::Done),
                Ok(_) => Err(error),
                Err(reread) => Err(error.unknown(&reread)),
            },
        }
    }

    /// Reads a client's metadata; one without any has none.
    async fn get_metadata(&self, id: &ClientId) -> Result<Metadata, WriteError> {
        let request = Request::get(metadata_path(id));
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        match answer.status {
            StatusCode::OK => answer.parse::<Metadata>().map_err(|_| {
                WriteError::new(WriteErrorKind::Systemic, format!("{name}: the answer is no metadata"))
            }),
            _ if has_no_metadata(&answer) => Ok(Metadata::default()),
            _ => Err(self.refused_client(&name, id, &answer)),
        }
    }

    pub(super) async fn remove_client(&self, id: &ClientId) -> Result<Written, WriteError> {
        self.delete(path(id), is_no_client).await
    }

    /// Reads a client that must be there.
    async fn existing(&self, id: &ClientId) -> Result<Client, WriteError> {
        let gone = || self.drifted(&format!("client {id}: it is not there any more"));
        self.get_client(id).await?.ok_or_else(gone)
    }

    /// Reads a client; None when there is none of exactly this id.
    async fn get_client(&self, id: &ClientId) -> Result<Option<Client>, WriteError> {
        let request = Request::get(path(id));
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        if is_no_client(&answer) {
            return Ok(None);
        }
        if answer.status != StatusCode::OK {
            return Err(self.refused(&name, &answer));
        }
        match answer.parse::<Client>() {
            Ok(client) if client.id() == id.as_str() => Ok(Some(client)),
            // The database thinks another id equal: MySQL's collations `App` and `app`.
            Ok(_) => Ok(None),
            Err(_) => {
                Err(WriteError::new(WriteErrorKind::Systemic, format!("{name}: the answer is not a client")))
            }
        }
    }

    /// The client that UAA takes this id for, where that is another one's: so does a database to which case does not
    /// matter. None also where the token may not read clients.
    pub(super) async fn taken_for(&self, id: &ClientId) -> Result<Option<ClientId>, WriteError> {
        let answer = self.looking().get(Request::get(path(id))).await.map_err(WriteError::no_answer)?;
        let found = answer.parse::<Client>().ok().filter(|_| answer.status == StatusCode::OK);
        Ok(found.map(|found| ClientId::new(found.id())).filter(|found| found != id))
    }

    /// A refusal of a call about one client, in which an empty 404 means that it is gone.
    pub(super) fn refused_client(&self, request: &str, id: &ClientId, answer: &Answer) -> WriteError {
        match is_no_client(answer) {
            true => self.drifted(&format!("{request}: there is no client {id} any more")),
            false => self.refused(request, answer),
        }
    }
}

/// The address of a client's metadata.
fn metadata_path(id: &ClientId) -> String {
    format!("{}/meta", path(id))
}

/// What a creation has come to when a later request of it fails.
const CREATED: &str = "the client is created";

/// The state that was replaced. Where it is not told there is nothing to compare.
fn replaced(id: &ClientId, answer: &Answer) -> Option<Client> {
    let clients = answer.parse::<Vec<Client>>().unwrap_or_default();
    clients.into_iter().find(|client| client.id() == id.as_str())
}

impl<'a> Wanted<'a> {
    fn new(fields: &'a [FieldChange], salt: Option<&'a SecretString>) -> Result<Self, WriteError> {
        let mut wanted = Self { client: Vec::new(), metadata: Vec::new(), salt };
        for change in fields {
            // The secret travels beside.
            if change.name == "client_secret" || change.name == "client_id" {
                continue;
            }
            let Some(field) = ClientField::by_name(&change.name) else {
                let message = format!("a client has no field `{}`", change.name);
                return Err(WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message)));
            };
            if field == ClientField::TokenSalt && salt.is_none() && change.after != FieldValue::None {
                let message = "the token salt's value is not known here";
                return Err(WriteError::new(WriteErrorKind::Refused, message));
            }
            let metadata = field.is_metadata();
            let one = Field { field, change };
            if metadata { wanted.metadata.push(one) } else { wanted.client.push(one) }
        }
        Ok(wanted)
    }

    /// Whether the client has all wanted values.
    fn client_is_at(&self, fields: &ClientFields) -> bool {
        self.client.iter().all(|wanted| self.is_at(wanted, fields))
    }

    /// Whether the metadata has all wanted values.
    fn metadata_is_at(&self, fields: &ClientFields) -> bool {
        self.metadata.iter().all(|wanted| wanted.is_at(fields))
    }

    fn is_at(&self, wanted: &Field<'_>, fields: &ClientFields) -> bool {
        match (&wanted.field, self.salt) {
            (ClientField::TokenSalt, Some(salt)) if wanted.change.after != FieldValue::None => {
                fields.get(&ClientField::TokenSalt) == Some(&hidden(salt.expose_secret()))
            }
            _ => wanted.is_at(fields),
        }
    }

    /// Returns a field that is neither as we saw it nor as we want it.
    fn conflict(&self, seen: &ClientFields, found: &ClientFields) -> Option<&ClientField> {
        let conflicts = |wanted: &&Field<'_>| {
            let as_seen = same(&wanted.field, seen.get(&wanted.field), found.get(&wanted.field));
            !as_seen && !self.is_at(wanted, found)
        };
        self.client.iter().find(conflicts).map(|wanted| &wanted.field)
    }

    /// Writes the wanted values into the body of a client.
    fn write_client(&self, body: &mut Map<String, Value>) -> Result<(), WriteError> {
        for Field { field, change } in &self.client {
            let Some(key) = client_key(field) else { continue };
            let value = match (field, self.salt) {
                (_, _) if change.after == FieldValue::None => None,
                (ClientField::TokenSalt, Some(salt)) => Some(json!(salt.expose_secret())),
                _ => planned(field, &change.after),
            };
            match value {
                Some(value) => body.insert(key, value),
                // UAA's replacement has no other way to clear.
                None => body.remove(&key),
            };
        }
        Ok(())
    }
}

impl Field<'_> {
    fn is_at(&self, fields: &ClientFields) -> bool {
        let after = planned(&self.field, &self.change.after).and_then(|value| normal(&self.field, &value));
        same(&self.field, fields.get(&self.field), after.as_ref())
    }
}

/// Says which field is not as it was before. A secret is not compared: a plan does not hold its value.
fn differing(wanted: &[Field<'_>], fields: &ClientFields) -> Option<String> {
    wanted.iter().filter(|wanted| wanted.field != ClientField::TokenSalt).find_map(|wanted| {
        let Field { field, change } = wanted;
        let before = planned(field, &change.before).and_then(|value| normal(field, &value));
        let found = fields.get(field);
        (!same(field, found, before.as_ref())).then(|| {
            let shown = |value: Option<&ClientValue>| {
                super::users::shown(&value.map_or(FieldValue::None, shown_value))
            };
            format!("{field} is {}, where the plan saw {}", shown(found), shown(before.as_ref()))
        })
    })
}
