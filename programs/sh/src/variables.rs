//! Variables: text, arrays, and what `declare` says of them.

use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, Default)]
pub struct Variable {
    pub value: Value,
    pub attributes: Attributes,
}

#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Declared, not set.
    #[default]
    Unset,
    Text(String),
    Indexed(BTreeMap<i64, String>),
    Associative(Associative),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    pub exported: bool,
    pub read_only: bool,
    pub integer: bool,
    pub lower: bool,
    pub upper: bool,
    pub reference: bool,
}

impl Attributes {
    /// The letters of `declare`.
    pub fn letters(self) -> String {
        let flags = [
            (self.integer, 'i'),
            (self.lower, 'l'),
            (self.reference, 'n'),
            (self.read_only, 'r'),
            (self.upper, 'u'),
            (self.exported, 'x'),
        ];
        let letters = flags.into_iter().filter(|(set, _)| *set);
        letters.map(|(_, letter)| letter).collect()
    }
}

impl Variable {
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            value: Value::Text(text.into()),
            attributes: Attributes::default(),
        }
    }

    pub fn letters(&self) -> String {
        let kind = match self.value {
            Value::Indexed(_) => "a",
            Value::Associative(_) => "A",
            _ => "",
        };
        format!("{kind}{}", self.attributes.letters())
    }

    /// What `$x` gives.
    pub fn first(&self) -> Option<&str> {
        match &self.value {
            Value::Unset => None,
            Value::Text(text) => Some(text),
            Value::Indexed(items) => items.get(&0).map(String::as_str),
            Value::Associative(items) => items.get("0"),
        }
    }

    /// `x[index]`; a negative one counts from the end.
    pub fn at(&self, index: i64) -> Option<&str> {
        match &self.value {
            Value::Text(text) => (index == 0 || index == -1).then_some(text),
            Value::Indexed(items) => items.get(&counted(items, index)?).map(String::as_str),
            Value::Associative(items) => items.get(&index.to_string()),
            Value::Unset => None,
        }
    }

    pub fn values(&self) -> Vec<String> {
        match &self.value {
            Value::Unset => Vec::new(),
            Value::Text(text) => vec![text.clone()],
            Value::Indexed(items) => items.values().cloned().collect(),
            Value::Associative(items) => items.iter().map(|(_, value)| value.clone()).collect(),
        }
    }

    pub fn keys(&self) -> Vec<String> {
        match &self.value {
            Value::Unset => Vec::new(),
            Value::Text(_) => vec!["0".to_owned()],
            Value::Indexed(items) => items.keys().map(i64::to_string).collect(),
            Value::Associative(items) => items.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    /// Changes the array that it is, or that it becomes.
    pub fn edit_indexed<T>(&mut self, edit: impl FnOnce(&mut BTreeMap<i64, String>) -> T) -> T {
        let mut items = match std::mem::take(&mut self.value) {
            Value::Indexed(items) => items,
            Value::Text(text) => BTreeMap::from([(0, text)]),
            _ => BTreeMap::new(),
        };
        let result = edit(&mut items);
        self.value = Value::Indexed(items);
        result
    }

    pub fn is_associative(&self) -> bool {
        matches!(self.value, Value::Associative(_))
    }
}

/// An index from the end as one from the begin.
pub fn counted(items: &BTreeMap<i64, String>, index: i64) -> Option<i64> {
    if index >= 0 {
        return Some(index);
    }
    let end = items.keys().next_back().map_or(0, |last| last + 1);
    let index = end + index;
    (index >= 0).then_some(index)
}

/// An associative array, in the order in which bash lists one: by its hash, the newest first.
#[derive(Debug, Clone, Default)]
pub struct Associative {
    places: HashMap<String, (u32, u64)>,
    items: BTreeMap<(u32, u64), (String, String)>,
    inserted: u64,
}

const BUCKETS: u32 = 1024;

impl Associative {
    pub fn get(&self, key: &str) -> Option<&str> {
        let place = self.places.get(key)?;
        self.items.get(place).map(|(_, value)| value.as_str())
    }

    pub fn insert(&mut self, key: &str, value: String) {
        let place = *self.places.entry(key.to_owned()).or_insert_with(|| {
            self.inserted += 1;
            (hash(key) & (BUCKETS - 1), u64::MAX - self.inserted)
        });
        self.items.insert(place, (key.to_owned(), value));
    }

    pub fn remove(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key) {
            self.items.remove(&place);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.items.values()
    }
}

fn hash(key: &str) -> u32 {
    key.bytes().fold(2_166_136_261, |hash, byte| {
        hash.wrapping_mul(16_777_619) ^ u32::from(byte)
    })
}
