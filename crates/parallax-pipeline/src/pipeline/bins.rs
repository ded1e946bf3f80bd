//! Bins: elements that a text puts together in parentheses. They are a matter of writing and drawing; what runs is the
//! flat graph.

use daggy::NodeIndex;
use parallax_events::{Error, Result};

use super::{ElementId, Pipeline, check_name};

/// How deep bins may stand in each other.
const MAX_DEPTH: usize = 16;

/// Elements in parentheses.
#[derive(Debug)]
pub(crate) struct Bin {
    pub(crate) name: Option<String>,
    /// The bin that it stands in.
    pub(crate) parent: Option<usize>,
}

impl Pipeline {
    /// Elements that are added from now on stand in a new bin, until it is closed.
    pub(crate) fn open_bin(&mut self, name: Option<String>) -> Result<()> {
        let within = |bin: &usize| self.bins.get(*bin)?.parent;
        if std::iter::successors(self.open_bin, within).count() >= MAX_DEPTH {
            return Err(Error::limit(format!("bins more than {MAX_DEPTH} deep")));
        }
        if let Some(name) = &name {
            check_name(name)?;
            self.check_free(name)?;
        }
        let parent = self.open_bin.replace(self.bins.len());
        self.bins.push(Bin { name, parent });
        Ok(())
    }

    /// Closes the bin opened last: the elements that stand first and last in it, bins in it included.
    pub(crate) fn close_bin(&mut self) -> Option<(ElementId, ElementId)> {
        let bin = self.open_bin?;
        self.open_bin = self.bins.get(bin)?.parent;
        self.ends_of(bin)
    }

    /// The first and the last element of a bin called so.
    pub(crate) fn bin(&self, name: &str) -> Option<(ElementId, ElementId)> {
        let is_called = |bin: &super::Bin| bin.name.as_deref() == Some(name);
        self.ends_of(self.bins.iter().position(is_called)?)
    }

    /// The bins that stand in this one, or in none.
    pub(crate) fn bins_in(&self, parent: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        (0..self.bins.len()).filter(move |&bin| self.bins.get(bin).is_some_and(|bin| bin.parent == parent))
    }

    /// The bin that an element stands in.
    pub(crate) fn bin_of(&self, index: NodeIndex) -> Option<usize> {
        self.dag.node_weight(index)?.bin
    }

    /// # Errors
    /// If an element or a bin is called so.
    pub(super) fn check_free(&self, name: &str) -> Result<()> {
        if self.names.contains_key(name) || self.bin_names().any(|known| known == name) {
            return Err(
                Error::param(format!("two elements are called `{name}`")).with_hint("give one another name=")
            );
        }
        Ok(())
    }

    pub(super) fn bin_names(&self) -> impl Iterator<Item = &str> {
        self.bins.iter().filter_map(|bin| bin.name.as_deref())
    }

    fn ends_of(&self, bin: usize) -> Option<(ElementId, ElementId)> {
        let stands_in = |index: &NodeIndex| {
            let mut at = self.bin_of(*index);
            while let Some(inner) = at.filter(|&inner| inner != bin) {
                at = self.bins.get(inner).and_then(|inner| inner.parent);
            }
            at.is_some()
        };
        let mut elements = self.dag.graph().node_indices().filter(stands_in);
        let first = elements.next()?;
        let last = elements.next_back().unwrap_or(first);
        Some((ElementId(first.index()), ElementId(last.index())))
    }
}
