//! Rows by id, in the order of their making: a page costs what it holds, not what the table holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::ids::Id;

/// A thing with an id.
pub trait Row {
    /// Its id within its table.
    fn id(&self) -> &Id;
}

/// A typed table.
pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    places: BTreeMap<Id, u64>,
    next: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { rows: BTreeMap::new(), places: BTreeMap::new(), next: 0 }
    }
}

impl<T: Row> Table<T> {
    /// Adds a row; one with the same id is replaced and keeps no place.
    pub fn insert(&mut self, row: T) -> Id {
        let id = row.id().clone();
        if let Some(place) = self.places.insert(id.clone(), self.next) {
            self.rows.remove(&place);
        }
        self.rows.insert(self.next, row);
        self.next += 1;
        id
    }

    /// The row with an id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?)
    }

    /// The row with an id, to change it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(self.places.get(id)?)
    }

    /// Takes the row with an id out.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        self.rows.remove(&self.places.remove(id)?)
    }

    /// Whether a row has the id.
    pub fn contains(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// All rows, the oldest first, to change them.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.rows.values_mut()
    }

    /// The rows made after the one with an id (all without one), the oldest first.
    pub fn after<'t>(
        &'t self,
        marker: Option<&str>,
    ) -> Option<impl DoubleEndedIterator<Item = &'t T> + use<'t, T>> {
        let from = match marker {
            Some(id) => Bound::Excluded(*self.places.get(id)?),
            None => Bound::Unbounded,
        };
        Some(self.rows.range((from, Bound::Unbounded)).map(|(_, row)| row))
    }

    /// The rows made before the one with an id (all without one), the newest first.
    pub fn before<'t>(&'t self, marker: Option<&str>) -> Option<impl Iterator<Item = &'t T> + use<'t, T>> {
        let to = match marker {
            Some(id) => Bound::Excluded(*self.places.get(id)?),
            None => Bound::Unbounded,
        };
        Some(self.rows.range((Bound::Unbounded, to)).rev().map(|(_, row)| row))
    }

    /// The rows whose ids come after a text (all without one), in the order of ids.
    pub fn by_id<'t>(&'t self, after: Option<&str>) -> impl Iterator<Item = &'t T> + use<'t, T> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.places.range::<str, _>((from, Bound::Unbounded)).filter_map(|(_, place)| self.rows.get(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing(Id);

    impl Row for Thing {
        fn id(&self) -> &Id {
            &self.0
        }
    }

    fn ids<'a>(rows: impl Iterator<Item = &'a Thing>) -> String {
        rows.map(|t| t.0.to_string()).collect()
    }

    #[test]
    fn pages_start_at_a_marker_in_either_order() {
        let mut table = Table::default();
        for id in ["c", "a", "d", "b"] {
            table.insert(Thing(id.into()));
        }
        assert_eq!(ids(table.before(Some("d")).unwrap()), "ac");
        assert_eq!(ids(table.after(Some("a")).unwrap()), "db");
        assert_eq!(ids(table.by_id(Some("b"))), "cd");
        assert!(table.before(Some("nope")).is_none());
        table.remove("a");
        assert_eq!((ids(table.iter()).as_str(), table.len(), table.contains("a")), ("cdb", 3, false));
    }

    #[test]
    fn a_replaced_row_leaves_nothing_behind() {
        let mut table = Table::default();
        table.insert(Thing("a".into()));
        table.insert(Thing("b".into()));
        table.insert(Thing("a".into()));
        assert_eq!((ids(table.iter()).as_str(), table.len()), ("ba", 2));
    }
}
