//! The rules, one idea a file.

use super::Desk;

mod arguments;
mod calls;
mod closures;
mod effects;
mod modules;
mod names;
mod overrides;
mod steps;
mod syntax;
mod unused;

/// A rule looks at the survey and puts what it finds on the desk.
type Rule = fn(&mut Desk<'_>);

/// Every rule.
pub(super) const ALL: &[Rule] = &[
    syntax::texts,
    modules::imports,
    modules::top_levels,
    modules::hidden_primitives,
    names::variables,
    names::constants,
    calls::calls,
    names::fields,
    arguments::primitives,
    steps::ids,
    steps::needs,
    steps::verdicts,
    steps::runbooks,
    overrides::targets,
    overrides::places,
    effects::verify_steps,
    effects::nested_steps,
    effects::outside_steps,
    closures::function_names,
    closures::receivers,
    unused::variables,
    unused::imports,
];
