//! The collections of a scope, from the table of OpenStack's resources.

use std::fmt::Write as _;

use crate::systems::openstack::policy::{Needs, Operation};
use crate::systems::openstack::resource;

/// The table of all of them, with the roles that each operation takes by default.
pub(super) fn table(page: &mut String) {
    page.push_str(
        "Roles are those of the release's default policy; a site states its own under `[roles]`. A call whose \
         role the token lacks is refused before it is sent.\n\n\
         | collection | what | operations, and the roles they take |\n|---|---|---|\n",
    );
    for row in resource::all() {
        let mut groups: Vec<(Needs, Vec<Operation>)> = Vec::new();
        for operation in row.operations() {
            match groups.iter_mut().find(|(needs, _)| *needs == operation.needs) {
                Some((_, group)) => group.push(operation),
                None => groups.push((operation.needs, vec![operation])),
            }
        }
        let groups: Vec<String> = groups.iter().map(|(needs, group)| of(*needs, group)).collect();
        let _ =
            writeln!(page, "| `{}` | {} | {} |", row.name, row.doc.replace('|', "\\|"), groups.join("; "));
    }
    page.push('\n');
}

fn of(needs: Needs, operations: &[Operation]) -> String {
    let verbs: Vec<String> = operations.iter().map(|o| format!("`{}`", o.verb)).collect();
    let roles: Vec<String> = needs.0.iter().map(|together| together.join(" and ")).collect();
    match roles.is_empty() {
        true => verbs.join(" "),
        false => format!("{}: {}", verbs.join(" "), roles.join(", ")),
    }
}
