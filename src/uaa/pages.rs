//! Whole lists or an error: pages in parallel, totals checked, ids unique, read twice before giving up.
//!
//! UAA snapshots nothing between pages (facts §3.2): while others write, an offset can skip or double a row.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;

use super::session::Session;
use super::wire::Page;
use crate::error::Error;

/// What UAA gives at most, whatever is asked (facts §3.1); fewer are taken as they come.
pub(super) const PAGE: usize = 500;

/// A list to read: its path with everything but the page in the query, and what makes a row one row.
pub(super) struct Listing<'a, T> {
    pub(super) path: &'a str,
    pub(super) page: usize,
    pub(super) id: fn(&T) -> String,
}

impl Session {
    /// Reads a whole list.
    pub(super) async fn list<T: DeserializeOwned>(&self, listing: &Listing<'_, T>) -> Result<Vec<T>, Error> {
        let first = self.page(listing, 1).await?;
        self.list_on(listing, first).await
    }

    /// Reads the rest of a list whose first page is there.
    pub(super) async fn list_on<T: DeserializeOwned>(
        &self,
        listing: &Listing<'_, T>,
        first: Page<T>,
    ) -> Result<Vec<T>, Error> {
        if let Some(all) = self.rest(listing, first).await? {
            return Ok(all);
        }
        tracing::warn!("{}: others wrote while the list was read: reading it again", name(listing));
        let first = self.page(listing, 1).await?;
        self.rest(listing, first).await?.ok_or_else(|| {
            Error::new(format!(
                "{} stays incomplete: the rows do not add up to UAA's own total",
                name(listing)
            ))
            .hint("others write at this moment: try again; nothing was planned from a partial answer")
        })
    }

    /// Reads one page.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        listing: &Listing<'_, T>,
        start: usize,
    ) -> Result<Page<T>, Error> {
        let joint = if listing.path.contains('?') { '&' } else { '?' };
        self.read(&format!("{}{joint}startIndex={start}&count={}", listing.path, listing.page)).await
    }

    /// Reads the pages after the first; `None` when they do not add up.
    async fn rest<T: DeserializeOwned>(
        &self,
        listing: &Listing<'_, T>,
        first: Page<T>,
    ) -> Result<Option<Vec<T>>, Error> {
        let (total, size) = (first.total_results, first.resources.len());
        let mut rows = first.resources;
        if size > 0 && size < total {
            let starts = (0..).map(|page| 1 + size + page * size).take_while(|&start| start <= total);
            for page in try_join_all(starts.map(|start| self.page_of(listing, start, size))).await? {
                if page.total_results != total {
                    return Ok(None);
                }
                rows.extend(page.resources);
            }
        }
        let ids: BTreeSet<String> = rows.iter().map(listing.id).collect();
        Ok((ids.len() == total && rows.len() == total).then_some(rows))
    }

    /// Reads one page of the size that the first had: `count` larger than UAA's own maximum is silently less.
    async fn page_of<T: DeserializeOwned>(
        &self,
        listing: &Listing<'_, T>,
        start: usize,
        size: usize,
    ) -> Result<Page<T>, Error> {
        self.page(&Listing { path: listing.path, page: size, id: listing.id }, start).await
    }

    /// Reads one JSON document.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let call = self.get(path);
        let answer = self.repeatedly(&call).await.map_err(|error| self.transport.explain(&error))?;
        if answer.status != 200 {
            return Err(self.unexpected(&call, &answer));
        }
        let mut json = serde_json::Deserializer::from_slice(&answer.body);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let place = format!("GET {}", path.split('?').next().unwrap_or_default());
            Error::new("UAA's answer cannot be read")
                .cause(self.transport.mask.show(&format!("{place}: {error}")))
        })
    }
}

fn name<T>(listing: &Listing<'_, T>) -> String {
    format!("GET {}", listing.path.split('?').next().unwrap_or_default())
}
