//! Modules by logical name (`import "std/octavia" as octavia;`), put together from layers: a
//! function of an upper layer replaces the one below, the rest stays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope};

use super::engine;
use super::host::Host;
use super::primitives;
use super::shadows;
use super::survey::Known;
use crate::base::error::nearest;
use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Place, Result};
use crate::run::record::SourceMark;
use crate::site::{Layers, Source};
use sha2::{Digest, Sha256};

/// The layer of the site's own directory.
pub const SITE: &str = "site";

/// A compiled text, or Rhai's error.
type Compiled<T> = std::result::Result<T, Box<EvalAltResult>>;

/// A text of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// `embedded`, `installed` or `site`.
    pub layer: String,
    /// The file as the operator knows it.
    pub file: String,
    /// What is in it.
    pub text: String,
}

impl Text {
    /// Its mark in the journal.
    pub fn mark(&self, name: &str) -> SourceMark {
        let sha256 = hex(&Sha256::digest(self.text.as_bytes()));
        SourceMark { name: name.into(), layer: self.layer.clone(), sha256 }
    }
}

/// Where texts come from.
pub trait Shelf: Send + Sync {
    /// The texts of a logical name, lowest layer first; empty where there is none.
    fn texts(&self, name: &str) -> Result<Vec<Text>>;
    /// Every logical name: runbooks (`restart`) and modules (`std/octavia`).
    fn names(&self) -> Result<Vec<String>>;
}

impl Shelf for Layers {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        let text = |s: Source| Text { layer: s.layer.name().into(), file: s.title, text: s.text.to_string() };
        Ok(self.stack(name)?.into_iter().map(text).collect())
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.list()?.into_iter().map(|listing| listing.name).collect())
    }
}

/// The texts of a name, lowest layer first; an error with the likely name where there are none.
pub fn find(shelf: &dyn Shelf, name: &str) -> Result<Vec<Text>> {
    let texts = shelf.texts(name)?;
    if !texts.is_empty() {
        return Ok(texts);
    }
    let known = shelf.names()?;
    let e = Error::new(ErrorKind::Script, format!("there is no `{name}`"));
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => e.help(format!("did you mean `{near}`?")),
        None => e.help("modules go by logical name, such as \"std/octavia\", never by a file's path"),
    })
}

/// Whether a logical name is one of a runbook; else it is one of a module.
pub fn is_runbook(name: &str) -> bool {
    !name.contains('/')
}

/// The texts that make up a runbook: the shipped one, and behind it the site's file of the same name.
/// An installed runbook replaces the embedded one as a whole.
pub fn of_runbook(mut texts: Vec<Text>) -> Vec<Text> {
    if let Some(shipped) = texts.iter().rposition(|t| t.layer != SITE) {
        texts.drain(..shipped);
    }
    texts
}

/// What a compiled text was put together from, so that errors name the right file and line.
#[derive(Clone, Debug)]
pub struct Part {
    /// First line of the compiled text that belongs to it, from 1.
    pub first: usize,
    /// Where it comes from.
    pub text: Text,
}

/// The shelf, and what was compiled from it.
pub struct Library {
    shelf: Box<dyn Shelf>,
    parts: Mutex<HashMap<String, Vec<Part>>>,
    /// What no text may hide, once one was compiled.
    known: OnceLock<Known>,
}

impl Library {
    /// A library over a shelf.
    pub fn new(shelf: impl Shelf + 'static) -> Arc<Self> {
        Arc::new(Library { shelf: Box::new(shelf), parts: Mutex::default(), known: OnceLock::new() })
    }

    /// The shelf.
    pub fn shelf(&self) -> &dyn Shelf {
        self.shelf.as_ref()
    }

    /// Compiles the layers of a module into one, upper functions replacing lower ones.
    pub fn compile(&self, engine: &Engine, scope: &Scope<'_>, name: &str) -> Compiled<(AST, Vec<Text>)> {
        let texts = find(self.shelf(), name).map_err(|e| engine::at(e, Position::NONE))?;
        let mut layers = self.compile_each(engine, scope, name, &texts)?.into_iter();
        let lowest = layers.next().unwrap_or_else(AST::empty);
        let mut whole = layers.fold(lowest, |lower, upper| lower.merge(&upper));
        whole.set_source(name);
        Ok((whole, texts))
    }

    /// Compiles a runbook: the shipped text, and apart from it what the site's file of the same
    /// name says about its steps. A function of the site's file replaces the shipped one.
    pub fn compile_runbook(
        &self,
        engine: &Engine,
        scope: &Scope<'_>,
        name: &str,
    ) -> Compiled<(AST, Option<AST>, Vec<Text>)> {
        let texts = find(self.shelf(), name).map_err(|e| engine::at(e, Position::NONE))?;
        let texts = of_runbook(texts);
        let mut layers = self.compile_each(engine, scope, name, &texts)?.into_iter();
        let mut shipped = layers.next().unwrap_or_else(AST::empty);
        let overlay = layers.next();
        if let Some(overlay) = &overlay {
            shipped = shipped.merge(&overlay.clone_functions_only());
            shipped.set_source(name);
        }
        Ok((shipped, overlay, texts))
    }

    /// Rhai keeps one source for a merged text, so each layer is compiled behind as many empty
    /// lines as the layers below it have: a line number then tells the layer.
    fn compile_each(
        &self,
        engine: &Engine,
        scope: &Scope<'_>,
        name: &str,
        texts: &[Text],
    ) -> Compiled<Vec<AST>> {
        let (mut parts, mut above) = (Vec::new(), 0);
        let mut compiled = Vec::new();
        for text in texts {
            parts.push(Part { first: above + 1, text: text.clone() });
            self.remember(name, parts.clone());
            let ast =
                self.compile_text(engine, scope, name, &format!("{}{}", "\n".repeat(above), text.text))?;
            above += text.text.lines().count() + 1;
            compiled.push(ast);
        }
        Ok(compiled)
    }

    /// Compiles one text of a source. Every text that is run comes by here, a session's lines as well.
    ///
    /// # Errors
    /// It does not compile, or has a name that hides one of the host's.
    pub fn compile_text(
        &self,
        engine: &Engine,
        scope: &Scope<'_>,
        source: &str,
        text: &str,
    ) -> Compiled<AST> {
        let within = |e| Box::new(EvalAltResult::ErrorInModule(source.into(), e, Position::NONE));
        if let Some((error, position)) = hidden_line(text) {
            return Err(within(engine::at(error, position)));
        }
        let mut ast = engine.compile_with_scope(scope, text).map_err(|e| within(e.into()))?;
        let known = self.known.get_or_init(|| Known::new(&engine::bare(), primitives::all()));
        if let Some(shadow) = shadows::of(known, &ast, text).into_iter().next() {
            let (error, position) = shadow.thrown();
            return Err(within(engine::at(error, position)));
        }
        ast.set_source(source);
        Ok(ast)
    }

    /// Takes note of a text that did not come from the shelf, such as a REPL's line.
    pub fn remember(&self, name: &str, parts: Vec<Part>) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), parts);
    }

    /// The text that a line of a compiled source comes from, and the line within it.
    pub fn locate(&self, source: &str, line: usize) -> Option<(Text, usize)> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let part = parts.get(source)?.iter().rev().find(|p| p.first <= line)?;
        Some((part.text.clone(), line - part.first + 1))
    }

    /// An error's place, from the compiled source to the operator's file.
    pub fn resolve_place(&self, place: &Place) -> Place {
        match self.locate(&place.file, place.line) {
            Some((text, line)) => Place { file: text.file, line, column: place.column },
            None => place.clone(),
        }
    }
}

/// A carriage return that ends a line for Rhai and for no reader: what is behind it in a comment would run unseen.
fn hidden_line(text: &str) -> Option<(Error, Position)> {
    let lone = |(n, line): (usize, &str)| line.trim_end_matches('\r').contains('\r').then_some(n + 1);
    let line = text.split('\n').enumerate().find_map(lone)?;
    let error = Error::new(ErrorKind::Script, "a carriage return in the middle of a line")
        .help("what is behind it would be read as a line of its own: break the line there, or write \\r in a string");
    Some((error, Position::new(u16::try_from(line).unwrap_or(u16::MAX), 1)))
}

type SharedModule = rhai::Shared<Module>;

/// Rhai's way into the library.
pub struct Resolver {
    host: Weak<Host>,
    /// `None` stands for a module that is being loaded: an import of it is a cycle.
    loaded: Mutex<HashMap<String, Option<SharedModule>>>,
}

impl Resolver {
    /// A resolver for one engine.
    pub fn new(host: &Arc<Host>) -> Self {
        Resolver { host: Arc::downgrade(host), loaded: Mutex::default() }
    }

    fn load(&self, engine: &Engine, name: &str) -> Result<SharedModule, Box<EvalAltResult>> {
        let gone = || engine::at(Error::new(ErrorKind::Internal, "the host is gone"), Position::NONE);
        let host = self.host.upgrade().ok_or_else(gone)?;
        let (ast, texts) = host.library.compile(engine, &host.globals(), name)?;
        for text in &texts {
            host.run.source(text.mark(name), &text.text).map_err(|e| engine::at(e, Position::NONE))?;
        }
        let mut module = Module::eval_ast_as_new(host.globals(), &ast, engine)
            .map_err(|e| Box::new(EvalAltResult::ErrorInModule(name.into(), e, Position::NONE)))?;
        module.set_id(name);
        Ok(module.into())
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        _: Option<&str>,
        name: &str,
        position: Position,
    ) -> Result<SharedModule, Box<EvalAltResult>> {
        let loaded = || self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded().get(name).cloned() {
            Some(Some(module)) => return Ok(module),
            Some(None) => {
                let e = Error::new(ErrorKind::Script, format!("`{name}` imports itself, by way of others"))
                    .help("move what both need into a module of its own");
                return Err(engine::at(e, position));
            }
            None => {}
        }
        loaded().insert(name.into(), None);
        let module = self.load(engine, name);
        match &module {
            Ok(module) => loaded().insert(name.into(), Some(module.clone())),
            Err(_) => loaded().remove(name),
        };
        module.map_err(|mut e| {
            if e.position().is_none() {
                e.set_position(position);
            }
            e
        })
    }
}
