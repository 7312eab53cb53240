//! Floor 4: the script language. The engine, one descriptor for each primitive and one adapter that
//! binds it, the module resolver, diagnostics, the checker and the prose that `show` reads.

pub mod adapter;
pub mod arguments;
pub mod bounds;
pub mod check;
pub mod diagnostic;
pub mod draft;
pub mod drift;
pub mod engine;
pub mod handles;
pub mod host;
pub mod inventory;
pub mod later;
mod lists;
pub mod modules;
pub mod mutate;
pub mod overlay;
pub mod overrides;
pub mod paragraphs;
pub mod primitive;
pub mod primitives;
pub mod promised;
pub mod prose;
pub mod quote;
pub mod reference;
mod rest;
pub mod runbook;
pub mod shadows;
pub mod site_check;
pub mod span;
pub mod survey;
pub mod thrown;
pub mod unmade;
pub mod value;

pub use host::Host;
pub use primitive::{Effect, On, Param, Primitive, Ty};
pub use runbook::Runbook;
pub use thrown::Thrown;
