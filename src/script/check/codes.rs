//! The sorts of findings. Their names are stable: editors, waivers of a site's own lint and
//! `rhumb explain` go by them.

use serde::Serialize;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

/// Whether a finding stops a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The runbook would fail, or do what nobody meant.
    Error,
    /// It works, and can be better.
    Warning,
}

impl Severity {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A sort of finding.
#[derive(Debug)]
pub struct Code {
    /// Its name.
    pub name: &'static str,
    /// Whether it stops a run.
    pub severity: Severity,
    /// What it says, in a few words.
    pub title: &'static str,
    /// Why it is found, and what to do, in a paragraph.
    pub about: &'static str,
}

macro_rules! codes {
    ($($id:ident: $severity:ident $name:literal, $title:literal, $about:literal;)*) => {
        $(#[doc = $title] pub const $id: Code =
            Code { name: $name, severity: Severity::$severity, title: $title, about: $about };)*
        /// Every sort of finding, in the order of their names.
        pub const ALL: &[&Code] = &[$(&$id),*];
    };
}

codes! {
    CHANGE_IN_VERIFY: Error "change-in-verify", "A `verify` step changes something",
        "A `verify` step may only read: it runs again on resume, and `run --observe` runs it on systems that must not \
be touched. The host refuses a change inside of one before anything is sent; the checker finds it before that, also \
where the change is made by a function that the step calls, or in an imported module. Make the step a `change`, or \
move the change into a `change` step of its own.";
    CLOSURE_TAKES_FUNCTION: Error "closure-takes-function", "A closure takes a function for a variable",
        "Where a closure uses a variable of the text around it, Rhai looks at the functions first: one that stands above \
in the same text and has the variable's name is taken instead of the variable, as `Fn(name)`. Nothing says so when \
the script is loaded. Give the variable another name than the function's.";
    CLOSURE_USES_RECEIVER: Error "closure-uses-receiver", "A closure uses what its method is called on",
        "Rhai locks a variable as long as a method of it runs, with the rest of the chain behind it, and a closure that \
uses the same variable is refused at run time: `Data race detected`. Take what the closure needs before: \
`let names = all.map(|a| a.name); all.filter(|a| names.contains(a.after))`. A cluster's handle (`kube`) is lent to \
closures and may be used.";
    COMPUTED_IMPORT: Warning "computed-import", "An imported module's name is computed",
        "Which module is imported is known only at run time, so nothing that is called in it can be checked. Write the \
module's name as a string: `import \"std/octavia\" as octavia;`.";
    COMPUTED_STEP_ID: Warning "computed-step-id", "A step's id is computed",
        "Resume, overrides, `needs` and reports go by a step's id. An id that is computed can be overridden by nobody \
who reads the runbook, and changes its meaning when a list gets another order. Write the steps one by one, or put the \
loop into one step.";
    DOUBLE_OVERRIDE: Error "double-override", "Two overrides settle one step",
        "A step has one body, so it can be replaced once or skipped once. `before_step` and `after_step` go together \
with either.";
    DUPLICATE_STEP: Error "duplicate-step", "Two steps have one id",
        "Resume, overrides, `needs` and reports go by a step's id, so it must be unique in a runbook. A run refuses \
the second step when it comes to it. Two arms of one `if` may share an id, since only one of them runs.";
    HIDES_PRIMITIVE: Error "hides-primitive", "A name hides one of the host's",
        "A script's function goes before a primitive, and before a function of Rhai's own, of the same name and number \
of arguments, whatever it is called on, and also for calls in the texts that the script calls. A `gate` that records \
nothing would look like one that does, and an `all` that is always true would let a shipped gate pass. So does an import \
whose alias is a module of the host, such as `probe`. No run loads such a text. Give the function or the import another \
name.";
    IMPORT_CYCLE: Error "import-cycle", "A module imports itself",
        "Importing runs a module's top level, which would never come to an end: the run refuses it. Move what both \
modules need into a third one.";
    LATER_STEP: Error "later-step", "A step needs one that comes later",
        "`needs` names steps that must have passed before. One that comes later has not run at that moment, so the \
step would be SKIPPED every time. Move the step, or drop the need.";
    MISPLACED_OVERRIDE: Error "misplaced-override", "An override stands where it counts for nothing",
        "`override_step`, `before_step`, `after_step`, `skip_step` and `add_step_after` stand at the top level of a \
file in the site directory that has the name of a shipped runbook: there, and nowhere else, they are read before the \
runbook runs.";
    MISSING_OPTION: Error "missing-option", "A required key is missing",
        "A primitive that takes a map needs some of its keys: a `poll` without `within` would be a wait without an \
end. `rhumb help NAME` lists the keys.";
    MODULE_STATEMENT: Error "module-statement", "A module does something when it is imported",
        "A module's top level holds `import`, `const`, `fn` and `export`, and nothing else: importing must never do \
anything. Put the statement into a function, and call it.";
    NESTED_STEP: Error "nested-step", "A step inside of a step",
        "A step has one verdict, one record and one set of clean-ups, so steps do not nest: a run refuses the inner \
one. Make the inner one a function, or move it behind the outer one.";
    OUTSIDE_STEP: Error "outside-step", "Something that belongs into a step stands outside of every step",
        "Top-level code runs again on resume, a finished step does not. So whatever asks or changes a system, judges, \
or waits has to be in a step; outside of steps a runbook only makes handles and values. Put the call into a `verify` \
or `change` step, and let the step return what later steps need.";
    REPEATED_STEP: Warning "repeated-step", "A step may run twice under one id",
        "The step stands in a loop, or in a function that is called more than once, and its id is the same each time. \
A run refuses the second one. Put the loop into the step.";
    RESERVED_WORD: Error "reserved-word", "A word of the language is used as a name",
        "Rhai keeps some words for itself: `if else switch do while until loop for in break continue return throw try \
catch let const fn private import export as this true false`. None of them can name a variable, a function, a \
parameter or a key of a map. A field of such a name is read as `x[\"until\"]`.";
    STEP_IN_OVERRIDES: Error "step-in-overrides", "A step in a site's overrides",
        "A site's file of a shipped runbook's name is read before the runbook runs, so a step in it would run before \
all others. `add_step_after` says behind which shipped step a new one comes.";
    SYNTAX: Error "syntax", "The text is not Rhai",
        "The text cannot be compiled. Only the first error of a text is found, since what follows it cannot be \
understood: check again after mending it.";
    UNDEFINED_VARIABLE: Error "undefined-variable", "A variable does not exist",
        "No variable of this name is visible at this place. Functions see their parameters, the module's constants \
(as `global::NAME`), imported modules and `site`, but not the variables of the text around them: hand them over as \
parameters. Closures see all that is visible where they are written.";
    UNKNOWN_CONSTANT: Error "unknown-constant", "A module has no such constant",
        "`name::CONSTANT` reads a constant that the module exports (`export const CONSTANT = ...;`); \
`global::CONSTANT` reads one of the module's own, inside of its functions.";
    UNKNOWN_FIELD: Error "unknown-field", "A value has no such field",
        "The value is of a type whose fields are known: a handle, a scope (its fields are the collections of the \
cloud), a duration, a string, a list. What a cloud answers has whatever fields the cloud gives, and is not checked.";
    UNKNOWN_FUNCTION: Error "unknown-function", "A function does not exist",
        "Neither the script, nor an imported module of the written name, nor the host has a function of this name. A \
closure in a variable is called as `name.call(...)`.";
    UNKNOWN_METHOD: Error "unknown-method", "A method does not exist",
        "No type has a method of this name, or the type that this value has for sure has none. What type a value has \
is often known only at run time; then the name is looked up in all of them.";
    UNKNOWN_MODULE: Error "unknown-module", "A module does not exist",
        "No layer has a module of this name. Modules go by logical names such as \"std/octavia\", never by the path \
of a file; and what stands in front of `::` is the name that an `import ... as` of the same text gave.";
    UNKNOWN_OPTION: Error "unknown-option", "A key that the primitive does not take",
        "A primitive that takes a map knows all of its keys. One that it does not know would be ignored in many a \
tool; here it is an error, since an option that does nothing is a deadline or a condition that does not hold.";
    UNKNOWN_STEP: Error "unknown-step", "A needed step does not exist",
        "`needs` names a step that the runbook does not have: the step with it would be SKIPPED every time, and a \
runbook whose verdict needs it would never pass.";
    UNKNOWN_UNIT: Error "unknown-unit", "A number has no such unit",
        "Durations are written `500.ms`, `30.s`, `20.min`, `2.h`, `3.days`, or as strings such as \"1h 5m\"; sizes \
`512.KiB`, `1024.MiB`, `8.GiB`, `2.TiB`.";
    UNNAMED_RUNBOOK: Warning "unnamed-runbook", "A runbook does not say what it is",
        "The first statement of a runbook is `runbook(id, title);`, once: lists, journals and reports show it.";
    UNUSED_IMPORT: Warning "unused-import", "An imported module is not used",
        "Nothing of the module is called. Drop the import: whoever reads it looks for its reason.";
    UNUSED_VARIABLE: Warning "unused-variable", "A variable is never read",
        "A value that nobody reads is often a gate that was forgotten. Judge it, drop it, or begin its name with `_` \
to say that it is meant.";
    WRONG_ARGUMENT: Error "wrong-argument", "An argument of the wrong kind",
        "The primitive refuses such an argument when it is called. `rhumb help NAME` says what it takes: durations \
are `30.s` or \"30s\", never bare numbers.";
    WRONG_ARITY: Error "wrong-arity", "A wrong number of arguments",
        "The function exists, and takes another number of arguments.";
}

/// A sort of finding by its name.
///
/// # Errors
/// There is none; the error says which one was probably meant.
pub fn find(name: &str) -> Result<&'static Code> {
    ALL.iter().find(|c| c.name == name).copied().ok_or_else(|| {
        let e = Error::new(ErrorKind::Usage, format!("no finding has the code `{name}`"));
        match nearest(name, ALL.iter().map(|c| c.name)) {
            Some(near) => e.help(format!("did you mean `{near}`?")),
            None => e.help("without a code, `rhumb explain` lists them all"),
        }
    })
}
