//! Lists in pages (facts §3.1): `startIndex`, `count` clamped to 500, `attributes` flat and null where missing.

use serde_json::{Map, Value, json};

use super::{Ask, Reply};

const SCIM: &str = "urn:scim:schemas:core:1.0";

/// The most rows that UAA gives at once.
const MOST: usize = 500;

/// What `itemsPerPage` says.
pub(super) enum Items {
    /// As many as were asked for (users and groups).
    Asked,
    /// But no more than there are at all (clients).
    AskedOfAll,
    /// As many as are on this page (mappings).
    Here,
}

pub(super) struct Page {
    start: usize,
    count: usize,
}

impl Page {
    /// Reads the parameters. Users take a `startIndex` below 1 for 1; elsewhere it is an error.
    pub(super) fn of(ask: &Ask, lenient: bool, most: Option<usize>) -> Result<Self, Reply> {
        let number = |name: &str, default: i64| match ask.parameter(name).map(str::parse::<i64>) {
            None => Ok(default),
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) => Err(Reply::unexpected()),
        };
        let (start, count) = (number("startIndex", 1)?, number("count", 100)?);
        let start = usize::try_from(start).unwrap_or(0);
        if start == 0 && !lenient {
            return Err(Reply::unexpected());
        }
        let count = usize::try_from(count).map_err(|_| Reply::unexpected())?;
        Ok(Self { start: start.max(1), count: count.min(most.unwrap_or(count)) })
    }

    /// Users and groups.
    pub(super) fn scim(ask: &Ask, lenient: bool) -> Result<Self, Reply> {
        Self::of(ask, lenient, Some(MOST))
    }

    /// Whether it is the first row alone: then the order may be any.
    pub(super) fn is_one(&self) -> bool {
        self.start == 1 && self.count == 1
    }

    /// The page of these rows.
    pub(super) fn reply(&self, rows: Vec<Value>, schema: Option<&str>, items: Items) -> Reply {
        let total = rows.len();
        let rows: Vec<Value> = rows.into_iter().skip(self.start - 1).take(self.count).collect();
        let items = match items {
            Items::Asked => self.count,
            Items::AskedOfAll => self.count.min(total),
            Items::Here => rows.len(),
        };
        Reply::json(
            200,
            json!({
                "resources": rows, "startIndex": self.start, "itemsPerPage": items, "totalResults": total,
                "schemas": [schema.unwrap_or(SCIM)],
            }),
        )
    }
}

/// The attributes that are asked for, if only some are.
pub(super) fn attributes(ask: &Ask) -> Option<Vec<&str>> {
    let names = ask.parameter("attributes")?;
    Some(names.split(',').collect())
}

/// What is asked for of an object.
pub(super) fn projected(object: Value, attributes: Option<&[&str]>) -> Value {
    match (object, attributes) {
        (Value::Object(object), Some(names)) => {
            let of = |name: &&str| object.get(*name).cloned().unwrap_or(Value::Null);
            Value::Object(names.iter().map(|name| ((*name).to_owned(), of(name))).collect::<Map<_, _>>())
        }
        (object, _) => object,
    }
}
