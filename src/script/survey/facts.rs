//! What a walk through one text finds.

use super::values::{At, BindingId, BodyId, CallId, Shape, Value};

/// Everything one text says, in the order of the text.
#[derive(Debug, Default)]
pub struct Facts {
    /// Bodies; the first is the top level.
    pub bodies: Vec<Body>,
    /// Calls of functions and methods; operators are none.
    pub calls: Vec<Call>,
    /// Variables and constants.
    pub bindings: Vec<Binding>,
    /// Where closures use variables of the text around them.
    pub captures: Vec<Capture>,
    /// Imported modules.
    pub imports: Vec<Import>,
    /// Names that stand for nothing.
    pub unbound: Vec<Unbound>,
    /// Constants of modules that are read: `x::NAME`, `global::NAME`.
    pub constants: Vec<Constant>,
    /// Fields that are read: `vm.status`, `30.s`.
    pub fields: Vec<Field>,
    /// Statements at the top level that are more than declarations.
    pub statements: Vec<At>,
    /// Keys of map literals: each could hold a closure that is called like a method.
    pub keys: Vec<String>,
}

/// A piece of code that runs as a whole.
#[derive(Debug)]
pub struct Body {
    /// What it is.
    pub kind: BodyKind,
    /// What it stands in, lexically.
    pub parent: Option<BodyId>,
    /// Where a closure's `|` or a function's `{` stands.
    pub at: At,
    /// Where its `}` stands; unknown for a closure without braces.
    pub end: Option<At>,
    /// The calls in it, in the order of the text, without those of closures inside.
    pub calls: Vec<CallId>,
}

/// What a body is.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// The text itself.
    TopLevel,
    /// A function.
    Function(Function),
    /// A closure.
    Closure,
}

/// A function of a script.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<String>,
    /// Whether other texts cannot call it.
    pub private: bool,
    /// Its doc comment, without the slashes.
    pub doc: String,
}

impl Function {
    /// `settle(host)`.
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.params.join(", "))
    }
}

/// A call of a function or of a method.
#[derive(Debug)]
pub struct Call {
    /// The name called.
    pub name: String,
    /// Where the name stands.
    pub at: At,
    /// Modules in front of it: `["octavia"]`.
    pub path: Vec<String>,
    /// Where it starts: its path, or its name.
    pub start: At,
    /// What a method is called on.
    pub receiver: Option<Value>,
    /// Its arguments.
    pub args: Vec<Value>,
    /// The body it stands in.
    pub body: BodyId,
    /// Where the statement starts that it stands in.
    pub statement: At,
    /// Loops around it, within its body.
    pub loops: usize,
    /// Branches around it, within its body: number of the `if` or `switch`, and of its arm.
    pub branches: Vec<(usize, usize)>,
    /// A variable that has the called name.
    pub shadow: Option<BindingId>,
}

impl Call {
    /// The name as it is written: `octavia::failover`, `.start`.
    pub fn written(&self) -> String {
        match (&self.receiver, self.path.as_slice()) {
            (Some(_), _) => format!(".{}", self.name),
            (None, []) => self.name.clone(),
            (None, path) => format!("{}::{}", path.join("::"), self.name),
        }
    }
}

/// A variable or constant.
#[derive(Debug)]
pub struct Binding {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub at: At,
    /// What it is made of at first.
    pub value: Shape,
    /// Whether it is assigned to later.
    pub assigned: bool,
    /// Whether it is read.
    pub read: bool,
    /// Whether it stands for a parameter, a loop's variable or a caught error.
    pub given: bool,
    /// A constant of the top level, and whether it is exported.
    pub constant: Option<bool>,
    /// The body that declares it.
    pub body: BodyId,
}

/// A use, in a closure, of a variable of the text around it.
#[derive(Debug)]
pub struct Capture {
    /// The variable.
    pub binding: BindingId,
    /// Where its name stands in the closure.
    pub at: At,
    /// The innermost closure around that place.
    pub body: BodyId,
}

/// An imported module.
#[derive(Debug)]
pub struct Import {
    /// The logical name; unknown where it is computed.
    pub name: Option<String>,
    /// Where the name stands.
    pub at: At,
    /// The name it goes by in the text; empty where there is none.
    pub alias: String,
    /// Where the alias stands.
    pub alias_at: At,
    /// Whether anything of it is used.
    pub used: bool,
}

/// A name that stands for nothing.
#[derive(Debug)]
pub struct Unbound {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub at: At,
    /// Whether the top level of the text has a variable of the name, that functions do not see.
    pub of_top_level: bool,
    /// Names that are visible there.
    pub visible: Vec<String>,
}

/// A field that is read.
#[derive(Debug)]
pub struct Field {
    /// What has it.
    pub of: Value,
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: At,
    /// The body it stands in.
    pub body: BodyId,
}

/// A constant of a module that is read.
#[derive(Debug)]
pub struct Constant {
    /// Modules in front of it.
    pub path: Vec<String>,
    /// Its name.
    pub name: String,
    /// Where the path starts.
    pub at: At,
}

impl Facts {
    /// What a text says that is not understood: a top level without anything.
    pub(super) fn nothing() -> Self {
        let at = At { line: 1, column: 1 };
        let top_level = Body { kind: BodyKind::TopLevel, parent: None, at, end: None, calls: Vec::new() };
        Facts { bodies: vec![top_level], ..Facts::default() }
    }

    /// A function of this text.
    pub fn function(&self, name: &str, arity: usize) -> Option<BodyId> {
        self.functions().find(|(_, f)| f.name == name && f.params.len() == arity).map(|(id, _)| id)
    }

    /// Every function of this text.
    pub fn functions(&self) -> impl Iterator<Item = (BodyId, &Function)> {
        self.bodies.iter().enumerate().filter_map(|(id, b)| match &b.kind {
            BodyKind::Function(f) => Some((id, f)),
            _ => None,
        })
    }

    /// Whether a body is another one, or stands inside of it.
    pub fn is_within(&self, body: BodyId, outer: BodyId) -> bool {
        let parent = |id: &BodyId| self.bodies.get(*id).and_then(|b| b.parent);
        std::iter::successors(Some(body), parent).any(|id| id == outer)
    }

    /// A string literal's text, through such variables.
    pub fn literal<'f>(&'f self, value: &'f Value) -> Option<&'f str> {
        match self.settled(&value.shape) {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a value is, through variables that are never assigned to again.
    pub fn settled<'f>(&'f self, mut value: &'f Shape) -> &'f Shape {
        // a variable's value may name another one, but only an earlier one
        while let Shape::Variable(id) = value {
            match self.bindings.get(*id) {
                Some(binding) if !binding.assigned => value = &binding.value,
                _ => break,
            }
        }
        value
    }
}
