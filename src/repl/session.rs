//! A session: variables, functions and imports that stay, and a run with its journal under them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rhai::{AST, Dynamic, Engine, Token};
use serde_json::Value;

use super::docs::{self, Documented};
use super::handles::Handles;
use super::lock::Lock;
use super::meant;
use super::privacy;
use super::promote;
use super::promote::gates::Seen;
use super::source::{SOURCE, Words};
use crate::base::secret::MASK;
use crate::base::{Error, ErrorKind, Result, Secret};
use crate::run::step::Codec;
use crate::run::{Mode, OnFail, Run, StepKind, StepSpec, Unwind};
use crate::script::diagnostic::Report;
use crate::script::modules::{Part, Text};
use crate::script::survey::values::At;
use crate::script::{Host, Thrown, engine, value};
use crate::systems::openstack;

/// The name of the last value.
pub const LAST: &str = "_";

/// The longest value that the journal keeps of a line, in bytes.
const LONGEST: usize = 4096;

/// What a line came to.
pub enum Came {
    /// A value; `()` where there is none.
    Value(Dynamic),
    /// An error, and the same with the line it points into.
    Failed(Box<Error>, Box<Report>),
}

/// A line that was evaluated, as `:promote` reads it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its text.
    pub text: String,
    /// Its step in the journal.
    pub step: String,
    /// Whether it asked something of a system.
    pub reads: bool,
    /// Whether it is kept nowhere, since it may hold a secret.
    pub secret: bool,
    /// What it came to; nothing where it failed.
    pub seen: Option<Seen>,
}

/// A session.
pub struct Session {
    /// What its lines reach.
    pub host: Arc<Host>,
    /// Whether it may change things.
    pub lock: Arc<Lock>,
    engine: Arc<Engine>,
    handles: Handles,
    /// Where `_` is a name in the text that is being compiled.
    underscores: Arc<Mutex<Vec<At>>>,
    documented: Mutex<BTreeMap<String, Arc<Vec<Documented>>>>,
    /// The runbook that `:steps` showed last.
    runbook: Mutex<Option<String>>,
    /// What a line must not be kept with, once it was looked up.
    secrets: OnceLock<Vec<Secret>>,
    /// Texts that lines gave to what is called like a secret: they are masked whenever they are met again.
    typed: Mutex<Vec<Secret>>,
    state: Mutex<State>,
}

struct State {
    variables: rhai::Scope<'static>,
    functions: AST,
    imports: BTreeMap<String, String>,
    parts: Vec<Part>,
    /// Lines of all texts so far.
    above: usize,
    lines: Vec<Line>,
}

impl Session {
    /// A session of a run.
    pub fn new(host: Arc<Host>, lock: Arc<Lock>) -> Self {
        let underscores: Arc<Mutex<Vec<At>>> = Arc::default();
        let mut engine = engine::build(&host);
        let named = underscores.clone();
        #[allow(deprecated, reason = "Rhai marks it as volatile; there is no other way to make `_` a name")]
        engine.on_parse_token(move |token, position, _| match token {
            Token::Underscore if locked(&named).contains(&At::from(position)) => {
                Token::Identifier(Box::new(LAST.into()))
            }
            other => engine::freed(other),
        });
        let engine = Arc::new(engine);
        host.set_engine(&engine);
        host.run.let_steps_repeat();
        let mut variables = host.globals();
        variables.push(LAST, ());
        let state = State {
            variables,
            functions: AST::empty(),
            imports: BTreeMap::new(),
            parts: Vec::new(),
            above: 0,
            lines: Vec::new(),
        };
        let handles = Handles::of(host.site.site());
        Session {
            host,
            lock,
            engine,
            handles,
            underscores,
            documented: Mutex::default(),
            runbook: Mutex::default(),
            secrets: OnceLock::new(),
            typed: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// The runbook that the commands about steps mean.
    pub fn runbook(&self) -> Option<String> {
        locked(&self.runbook).clone()
    }

    /// Has the commands about steps mean a runbook.
    pub fn set_runbook(&self, name: &str) {
        *locked(&self.runbook) = Some(name.to_string());
    }

    /// Whether a text has in it what the site's credentials, their tokens or the session's own variables keep secret.
    pub fn tells_secret(&self, text: &str) -> bool {
        // a rehearsal opens no file with real credentials
        let known = || match self.run().mode() {
            Mode::Rehearse => Vec::new(),
            _ => self.host.site.site().secrets_at_hand(),
        };
        let mut own = locked(&self.typed).clone();
        for (_, _, value) in self.state().variables.iter() {
            own.extend(value.read_lock::<Secret>().map(|secret| secret.clone()));
        }
        let all = own.into_iter().chain(self.host.site.secrets());
        all.chain(self.secrets.get_or_init(known).iter().cloned()).any(|s| privacy::tells(text, &s))
    }

    /// Whether a line is kept nowhere: it tells a secret, or gives a text to what is called like one.
    pub fn holds_secret(&self, line: &str) -> bool {
        privacy::holds_secret(line) || self.tells_secret(line)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.host.run
    }

    /// The handles of the site that lines may use by name.
    pub fn handles(&self) -> &Handles {
        &self.handles
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<Dynamic> {
        self.state().variables.get_value::<Dynamic>(name)
    }

    /// The names of the variables, without `_`.
    pub fn variables(&self) -> Vec<String> {
        let state = self.state();
        let names = state.variables.iter().map(|(name, _, _)| name.to_string());
        names.filter(|name| name != LAST).collect()
    }

    /// The session's own functions: name and parameters.
    pub fn functions(&self) -> Vec<(String, Vec<String>)> {
        let state = self.state();
        let named = state.functions.iter_functions().filter(|f| !f.name.starts_with("anon$"));
        named.map(|f| (f.name.to_string(), f.params.iter().map(ToString::to_string).collect())).collect()
    }

    /// What an alias stands for: imported here, or a shipped module that needs no import.
    pub fn module(&self, alias: &str) -> Option<String> {
        if let Some(name) = self.state().imports.get(alias) {
            return Some(name.clone());
        }
        let shipped = format!("std/{alias}");
        let texts = self.host.library.shelf().texts(&shipped).unwrap_or_default();
        (!texts.is_empty()).then_some(shipped)
    }

    /// The aliases of modules that a line may use.
    pub fn modules(&self) -> Vec<String> {
        let mut all: Vec<String> = self.state().imports.keys().cloned().collect();
        let names = self.host.library.shelf().names().unwrap_or_default();
        all.extend(names.iter().filter_map(|name| name.strip_prefix("std/")).map(str::to_string));
        all.sort();
        all.dedup();
        all
    }

    /// The functions of a module that a line may call, with what their comments say. Compiled once.
    pub fn documented(&self, alias: &str) -> Arc<Vec<Documented>> {
        let Some(name) = self.module(alias) else { return Arc::default() };
        if let Some(known) = locked(&self.documented).get(&name) {
            return known.clone();
        }
        let compiled = self.host.library.compile(&self.engine, &self.host.globals(), &name);
        let functions = compiled.map(|(ast, _)| docs::of_functions(&ast)).unwrap_or_default();
        locked(&self.documented).insert(name, functions.clone());
        functions
    }

    /// A scope that is in use.
    pub fn open_scope(&self, handle: &str) -> Option<openstack::Session> {
        self.host.site.open_session(handle)
    }

    /// The lines that were evaluated.
    pub fn lines(&self) -> Vec<Line> {
        self.state().lines.clone()
    }

    /// Evaluates a text. What it declares stays; its value becomes `_`.
    pub fn evaluate(&self, text: &str) -> Came {
        let step = format!("[{}]", self.state().lines.len() + 1);
        self.run().start_over();
        let entered = self.run().enter();
        self.lock.set_busy(true);
        let mut reads = false;
        let result = self.evaluated(text, &step, &mut reads);
        let failed = match (result, self.run().met()) {
            (Ok(value), None) => Ok(value),
            (Ok(_), Some(e)) => Err(Thrown::from(e)),
            (Err(thrown), _) => Err(thrown),
        };
        let came = match failed {
            Ok(value) => Came::Value(value),
            Err(thrown) => {
                let e = thrown.error();
                let e = match meant::help(self, text, &e) {
                    Some(help) => e.help(help),
                    None => e,
                };
                let report = Report::within(SOURCE, &thrown, &e, &self.host.library);
                Came::Failed(Box::new(e), Box::new(report))
            }
        };
        self.run().forget(&step);
        drop(entered);
        self.lock.set_busy(false);
        let mut secret = self.holds_secret(text);
        let seen = match &came {
            Came::Value(value) => {
                let declared = promote::declared(text).and_then(|name| self.variable(name));
                let evidence = value::evidence(declared.as_ref().unwrap_or(value));
                // what is masked must not be promoted into a file
                secret |= self.tells_secret(&evidence.to_string());
                Some(Seen::of(&evidence))
            }
            Came::Failed(..) => None,
        };
        self.state().lines.push(Line { text: text.to_string(), step, reads, secret, seen });
        if let Came::Value(value) = &came
            && !value.is_unit()
        {
            self.set_last(value.clone());
        }
        came
    }

    /// The last value.
    pub fn last(&self) -> Dynamic {
        self.variable(LAST).unwrap_or(Dynamic::UNIT)
    }

    /// Makes a value the one that `_` stands for.
    pub fn set_last(&self, value: Dynamic) {
        self.state().variables.set_value(LAST, value);
    }

    /// What a value prints as in a script.
    pub fn words(&self, value: &Dynamic) -> String {
        let mut variables = rhai::Scope::new();
        variables.push("value", value.clone());
        let words = self.engine.eval_expression_with_scope::<String>(&mut variables, "`${value}`");
        words.unwrap_or_else(|_| engine::type_name(value).to_string())
    }

    fn evaluated(&self, text: &str, step: &str, reads: &mut bool) -> Result<Dynamic, Thrown> {
        let words = Words::of(text);
        locked(&self.typed).extend(privacy::typed(text).into_iter().map(Secret::new));
        let shown = privacy::shown(text);
        let told = self.tells_secret(&shown);
        let (ast, imports) = self.compile(text, step, &words)?;
        let (mut variables, functions) = {
            let mut state = self.state();
            state.functions = state.functions.merge(&ast.clone_functions_only());
            (std::mem::take(&mut state.variables), state.functions.clone())
        };
        let mut whole = functions.merge(&ast);
        whole.set_source(SOURCE);
        let mut body = || -> Result<Dynamic, Thrown> {
            let result = self.engine.eval_ast_with_scope::<Dynamic>(&mut variables, &whole);
            *reads = !self.run().handles_used().is_empty();
            Ok(result?.flatten())
        };
        let result = match words.steps {
            true => body(),
            false => {
                let kind = if self.lock.is_open() { StepKind::Change } else { StepKind::Verify };
                let spec = StepSpec {
                    id: step.into(),
                    title: if told { MASK.to_string() } else { shown },
                    kind,
                    on_fail: OnFail::Stop,
                    needs: Vec::new(),
                    overridden: None,
                };
                self.run().step(&spec, &Brief(self), || Ok(true), body).map(Option::unwrap_or_default)
            }
        };
        let mut state = self.state();
        state.variables = variables;
        if result.is_ok() {
            state.imports.extend(imports);
        }
        result
    }

    /// Compiles a text behind all others; also what it imports.
    fn compile(
        &self,
        text: &str,
        step: &str,
        words: &Words,
    ) -> Result<(AST, BTreeMap<String, String>), Thrown> {
        let imports = self.imports(words);
        let mut state = self.state();
        let known: Vec<String> = state.variables.iter().map(|(name, _, _)| name.to_string()).collect();
        let mut before: String =
            imports.iter().map(|(alias, name)| format!("import \"{name}\" as {alias};")).collect();
        let missing = words.names.iter().filter(|name| !known.contains(*name));
        before.extend(missing.filter_map(|name| self.handles.declaration(name)));
        let part = |first, file: &str, text: &str| {
            let text = Text { layer: SOURCE.into(), file: file.into(), text: text.into() };
            Part { first, text }
        };
        let above = state.above;
        state.parts.push(part(above + 1, &format!("{step}, what it uses"), &before));
        state.parts.push(part(above + 2, step, text));
        self.host.library.remember(SOURCE, state.parts.clone());
        state.above += 2 + text.lines().count();
        let shift = |at: &At| At { line: at.line + above + 1, column: at.column };
        *locked(&self.underscores) = words.last.iter().map(shift).collect();
        let whole = format!("{}{before}\n{text}", "\n".repeat(above));
        let compiled = self.host.library.compile_text(&self.engine, &state.variables, SOURCE, &whole);
        locked(&self.underscores).clear();
        let ast = compiled?;
        let mut all = imports;
        all.extend(words.imports.clone());
        Ok((ast, all))
    }

    /// What a line needs imported: all that was, and the shipped modules that it names.
    fn imports(&self, words: &Words) -> BTreeMap<String, String> {
        let mut all = self.state().imports.clone();
        for alias in words.paths.iter().filter(|alias| !words.imports.contains_key(*alias)) {
            if let Some(name) = self.module(alias) {
                all.insert(alias.clone(), name);
            }
        }
        all
    }
}

/// A lock that a panicking thread does not take away from the others.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line's value in the journal: what it came to, unless that is long, or tells a secret that was typed.
struct Brief<'s>(&'s Session);

impl Codec<Dynamic> for Brief<'_> {
    fn encode(&self, value: &Dynamic) -> Value {
        let shown = value::evidence(value);
        let text = shown.to_string();
        match text.len() > LONGEST {
            true => Value::from(format!("{} of {} bytes", engine::type_name(value), text.len())),
            false if self.0.tells_secret(&text) => Value::from(MASK),
            false => shown,
        }
    }

    fn decode(&self, _: &Value) -> Result<Dynamic> {
        Err(Error::new(ErrorKind::Journal, "a session is not resumed"))
    }
}
