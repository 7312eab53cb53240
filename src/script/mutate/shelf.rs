//! The layers of scripts with some texts in the place of others. They are in memory only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Result;
use crate::script::modules::{Shelf, Text};
use crate::site::Layers;

/// Other texts, by logical name and layer.
pub type Instead = BTreeMap<(String, String), String>;

/// Layers, and what stands in the place of their texts.
#[derive(Clone)]
pub struct Swapped {
    layers: Layers,
    instead: Arc<Instead>,
}

impl Swapped {
    /// These layers, with other texts where there are any.
    pub fn new(layers: Layers, instead: Arc<Instead>) -> Self {
        Swapped { layers, instead }
    }
}

impl Shelf for Swapped {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        let mut texts = self.layers.texts(name)?;
        let logical = name.strip_prefix("shipped:").unwrap_or(name);
        for text in &mut texts {
            if let Some(other) = self.instead.get(&(logical.to_string(), text.layer.clone())) {
                text.text.clone_from(other);
            }
        }
        Ok(texts)
    }

    fn names(&self) -> Result<Vec<String>> {
        Shelf::names(&self.layers)
    }
}
