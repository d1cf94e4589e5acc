//! Lists in pages, complete or an error.
//!
//! Decides when a list is whole: as many distinct rows as UAA counts, on every page the same count. Nothing is
//! snapshotted between pages, so a list that changed meanwhile is read once more. Never decides what the rows mean.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http::Request;
use super::session::Looking;
use crate::error::Error;

/// The most rows of users or groups that UAA gives at once; more is clamped silently (trap 18).
pub(super) const PAGE: usize = 500;

/// A row with an identity.
pub(super) trait Keyed {
    /// What no two rows share.
    fn key(&self) -> String;
}

/// What is listed.
pub(super) struct Listing {
    /// The word for messages: `users`.
    pub(super) what: &'static str,
    /// `/Users`.
    pub(super) path: &'static str,
    /// Filter, attributes, order. The order must be total: rows with equal sort keys can be skipped or doubled at
    /// page borders (trap 19).
    pub(super) query: Vec<(&'static str, String)>,
    /// How many rows to ask for at once.
    pub(super) count: usize,
}

/// The first page of a list.
pub(super) struct FirstPage<T> {
    rows: Vec<T>,
    total: usize,
}

impl<T> FirstPage<T> {
    /// How many more pages there are, at the size that UAA gave.
    pub(super) fn pages_left(&self) -> usize {
        match self.rows.len() {
            0 => 0,
            size => self.total.div_ceil(size) - 1,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) resources: Vec<T>,
    total_results: usize,
}

/// More rows than any foundation has: a total beyond it is no total.
const MOST: usize = 5_000_000;
/// So many pages are asked for ahead; how many are under way, the transport decides.
const AT_ONCE: usize = 64;

/// Why the pages do not make a list.
enum Broken {
    Error(Error),
    /// The pages contradict each other or the count: somebody changed something meanwhile.
    Moved(String),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Looking {
    /// Reads a whole list.
    pub(super) async fn list<T: DeserializeOwned + Keyed>(&self, listing: &Listing) -> Result<Vec<T>, Error> {
        let first = self.first_page(listing).await?;
        self.rest(listing, first).await
    }

    /// Reads the first page: it tells how many there are.
    pub(super) async fn first_page<T: DeserializeOwned>(
        &self,
        listing: &Listing,
    ) -> Result<FirstPage<T>, Error> {
        let page = self.page(listing, 1).await?;
        Ok(FirstPage { rows: page.resources, total: page.total_results })
    }

    /// Reads the rest, all pages at once; and everything once more if that does not come to a whole.
    pub(super) async fn rest<T: DeserializeOwned + Keyed>(
        &self,
        listing: &Listing,
        first: FirstPage<T>,
    ) -> Result<Vec<T>, Error> {
        let moved = match self.complete(listing, first).await {
            Ok(rows) => return Ok(rows),
            Err(Broken::Error(error)) => return Err(error),
            Err(Broken::Moved(why)) => why,
        };
        tracing::debug!(what = listing.what, moved, "the list is not whole, reading it again");
        let first = self.first_page(listing).await?;
        match self.complete(listing, first).await {
            Ok(rows) => Ok(rows),
            Err(Broken::Error(error)) => Err(error),
            Err(Broken::Moved(again)) => {
                Err(Error::new(format!("UAA's list of {} is not whole, in two readings", listing.what))
                    .cause(format!("GET {}: first {moved}, then {again}", listing.path))
                    .hint("somebody or something changes them right now: try again in a minute"))
            }
        }
    }

    async fn complete<T: DeserializeOwned + Keyed>(
        &self,
        listing: &Listing,
        first: FirstPage<T>,
    ) -> Result<Vec<T>, Broken> {
        let FirstPage { rows, total } = first;
        // The size that came, not the one that was asked for.
        let size = rows.len();
        if total > MOST {
            return Err(Error::new(format!(
                "UAA says that it has {total} {}: more than can be true",
                listing.what
            ))
            .into());
        }
        if size == 0 && total > 0 {
            return Err(Broken::Moved(format!("an empty page of {total} rows")));
        }
        let rest = (size..total).step_by(size.max(1)).map(|from| self.stretch(listing, from, size, total));
        let mut all = rows;
        let mut rest = stream::iter(rest).buffered(AT_ONCE);
        while let Some(rows) = rest.try_next().await? {
            all.extend(rows);
        }
        let distinct = all.iter().map(Keyed::key).collect::<BTreeSet<_>>().len();
        if distinct != all.len() {
            return Err(Broken::Moved(format!("{} rows came twice", all.len() - distinct)));
        }
        if distinct != total {
            return Err(Broken::Moved(format!("{distinct} rows of {total}")));
        }
        Ok(all)
    }

    /// Reads the rows after `from` up to a page's size, in more than one page if UAA gives shorter ones.
    async fn stretch<T: DeserializeOwned>(
        &self,
        listing: &Listing,
        from: usize,
        size: usize,
        total: usize,
    ) -> Result<Vec<T>, Broken> {
        let until = (from + size).min(total);
        let mut rows = Vec::new();
        while from + rows.len() < until {
            let page = self.page::<T>(listing, from + rows.len() + 1).await?;
            if page.total_results != total {
                return Err(Broken::Moved(format!("{total} rows, then {}", page.total_results)));
            }
            if page.resources.is_empty() {
                return Err(Broken::Moved(format!(
                    "an empty page at row {} of {total}",
                    from + rows.len() + 1
                )));
            }
            rows.extend(page.resources);
        }
        // A page may be longer than the first was; what lies in the next stretch is read there.
        rows.truncate(until - from);
        Ok(rows)
    }

    async fn page<T: DeserializeOwned>(&self, listing: &Listing, start: usize) -> Result<Page<T>, Error> {
        let mut request = Request::get(listing.path)
            .query("startIndex", start.to_string())
            .query("count", listing.count.to_string())
            .long();
        request.query.extend(listing.query.iter().cloned());
        let name = request.name();
        let answer = self.get(request).await.map_err(|failure| self.no_answer(failure))?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&name, &answer).await);
        }
        self.parsed(&name, &answer)
    }
}
