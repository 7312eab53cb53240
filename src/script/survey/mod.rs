//! What scripts say without being run: their texts compiled, every name with its place and what it
//! stands for, calls, steps, and what each body reaches. The checker, the prose of `show` and the
//! list of steps are read from it. Nothing is evaluated, and nothing is read but the shelf.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use rhai::{AST, Engine, ParseError, Scope};

use super::engine::STACK;
use super::modules::{self, Shelf, Text};
use super::primitive::Primitive;
use super::primitives;
use super::shadows::{self, Shadow};
use crate::base::{Error, ErrorKind, Place, Result};
use lexer::{Lexeme, Page};

pub mod asks;
pub mod effects;
mod extent;
pub mod facts;
pub mod kinds;
pub mod known;
pub mod lexer;
pub mod outline;
mod reads;
pub mod resolve;
pub mod values;
mod walk;

pub use facts::{Call, Facts, Function};
pub use known::Known;
pub use outline::{Outline, Step};
pub use values::{At, Shape, Value};

/// Variables that every script sees.
pub const GLOBALS: &[&str] = &["site"];

/// What texts say.
pub struct Survey {
    /// The sources asked for, then those that they import, in the order of their first import.
    pub sources: Vec<Source>,
    /// The layers of all sources.
    pub layers: Vec<Layer>,
    /// What needs no script.
    pub known: Known,
    /// Logical names that an import could have meant.
    pub modules: Vec<String>,
    by_name: BTreeMap<String, usize>,
}

/// What one logical name stands for.
pub struct Source {
    /// The logical name.
    pub name: String,
    /// Whether it is a runbook; else it is a module.
    pub runbook: bool,
    /// Its layers, by their numbers, lowest first.
    pub layers: Vec<usize>,
}

/// The text of one layer.
pub struct Layer {
    /// Number of its source.
    pub source: usize,
    /// The text.
    pub text: Text,
    /// What it says; nothing where it does not compile.
    pub facts: Facts,
    /// Why it does not compile.
    pub broken: Option<ParseError>,
    /// Its names that hide one of the host's.
    pub shadows: Vec<Shadow>,
    /// Its lexemes, once somebody has asked for them.
    lexemes: OnceLock<Vec<Lexeme>>,
}

impl Layer {
    /// The text with its lexemes: read once, however many pieces are asked for.
    pub(in crate::script) fn page(&self) -> Page<'_> {
        let text = self.text.text.as_str();
        let lexemes = self.lexemes.get_or_init(|| Page::of(text).lexemes.into_owned());
        Page { text, lexemes: Cow::Borrowed(lexemes) }
    }
}

/// A body of the survey: number of the layer, and of the body in it.
pub type Node = (usize, values::BodyId);

impl Survey {
    /// Surveys these names and all that they import.
    ///
    /// # Errors
    /// There is no such name, or the shelf cannot be read. A text that does not compile is none.
    pub fn of(shelf: &dyn Shelf, names: &[String]) -> Result<Survey> {
        Survey::with(shelf, names, primitives::all())
    }

    /// The same, with primitives of the caller's.
    pub fn with(shelf: &dyn Shelf, names: &[String], all: Vec<&'static Primitive>) -> Result<Survey> {
        // Rhai's parser recurses, as a run's own thread has the stack for
        std::thread::scope(|threads| {
            let thread = std::thread::Builder::new().name("survey".into()).stack_size(STACK);
            let work = thread.spawn_scoped(threads, || Survey::take(shelf, names, all));
            let work =
                work.map_err(|e| Error::new(ErrorKind::Io, "no thread for a survey").from_source(&e))?;
            work.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the survey panicked")))
        })
    }

    fn take(shelf: &dyn Shelf, names: &[String], all: Vec<&'static Primitive>) -> Result<Survey> {
        let compilers = Compilers::new(&all);
        let known = Known::new(&compilers.lenient, all);
        let modules = shelf.names()?.into_iter().filter(|n| !modules::is_runbook(n)).collect();
        let mut survey =
            Survey { sources: Vec::new(), layers: Vec::new(), known, modules, by_name: BTreeMap::new() };
        let mut waiting = Vec::new();
        for name in names {
            waiting.push((name.clone(), modules::find(shelf, name)?));
        }
        waiting.reverse();
        while let Some((name, texts)) = waiting.pop() {
            if survey.by_name.contains_key(&name) || texts.is_empty() {
                continue;
            }
            let imports = survey.add(&compilers, name, texts);
            let mut found = Vec::new();
            for import in imports {
                let texts = shelf.texts(&import).unwrap_or_default(); // what is no name is a finding
                found.push((import, texts));
            }
            // behind the names asked for, in the order of their imports
            waiting.splice(0..0, found.into_iter().rev());
        }
        Ok(survey)
    }

    /// Adds a source; returns the names that it imports.
    fn add(&mut self, compilers: &Compilers, name: String, texts: Vec<Text>) -> Vec<String> {
        let runbook = modules::is_runbook(&name);
        let texts = if runbook { modules::of_runbook(texts) } else { texts };
        let compiled: Vec<_> = texts.iter().map(|t| compilers.lenient(&t.text)).collect();
        let asts = compiled.iter().filter_map(|c| c.as_ref().ok());
        let functions: BTreeSet<String> =
            asts.flat_map(AST::iter_functions).map(|f| f.name.to_string()).collect();
        let source = self.sources.len();
        let mut layers = Vec::new();
        let mut imports = Vec::new();
        for (text, compiled) in texts.into_iter().zip(compiled) {
            let (facts, broken, shadows) = match compiled {
                Ok(ast) => {
                    let shadows = shadows::of(&self.known, &ast, &text.text);
                    let facts = walk::walk(&ast, &functions, GLOBALS);
                    // what the walk takes and a run does not
                    let refused = if facts.unbound.is_empty() { compilers.strict(&text.text) } else { None };
                    (facts, refused, shadows)
                }
                Err(e) => (Facts::nothing(), Some(e), Vec::new()),
            };
            imports.extend(facts.imports.iter().filter_map(|i| i.name.clone()));
            layers.push(self.layers.len());
            self.layers.push(Layer { source, text, facts, broken, shadows, lexemes: OnceLock::new() });
        }
        self.by_name.insert(name.clone(), source);
        self.sources.push(Source { name, runbook, layers });
        imports
    }

    /// A source by its logical name.
    pub fn source(&self, name: &str) -> Option<(usize, &Source)> {
        let id = *self.by_name.get(name)?;
        Some((id, &self.sources[id]))
    }

    /// The layers of a source, lowest first.
    pub fn layers_of(&self, source: usize) -> impl DoubleEndedIterator<Item = (usize, &Layer)> {
        self.sources[source].layers.iter().map(|id| (*id, &self.layers[*id]))
    }

    /// A body.
    pub fn body(&self, (layer, body): Node) -> &facts::Body {
        &self.layers[layer].facts.bodies[body]
    }

    /// A place as the operator knows it.
    pub fn place(&self, layer: usize, at: At) -> Place {
        Place { file: self.layers[layer].text.file.clone(), line: at.line, column: at.column }
    }
}

/// An engine that takes undefined names, so that all of them can be told, and one that does not.
struct Compilers {
    lenient: Engine,
    strict: Engine,
}

impl Compilers {
    fn new(all: &[&'static Primitive]) -> Self {
        Compilers { lenient: known::compiler(false, all), strict: known::compiler(true, all) }
    }

    fn lenient(&self, text: &str) -> std::result::Result<AST, ParseError> {
        self.lenient.compile(text)
    }

    /// What a run's engine objects to.
    fn strict(&self, text: &str) -> Option<ParseError> {
        let mut variables = Scope::new();
        for name in GLOBALS {
            variables.push_constant(*name, ());
        }
        self.strict.compile_with_scope(&variables, text).err()
    }
}
