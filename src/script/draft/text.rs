//! The text of a first site file.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::Value;

use super::{Draft, ScopeDraft, ValueDraft, shown};
use crate::site::CloudSource;

impl Draft {
    /// The site file. What nobody could find out is marked with `??`.
    pub fn text(&self, today: Date) -> String {
        let mut page = format!(
            "# The site \"{}\": written by `rhumb site new` on {today}, as\n\
             # {}.\n\
             #\n\
             # What could not be found out is marked with ??: give it a value, and take the mark away. `rhumb site check`\n\
             # tells what is still missing. No secret stands here, and none is needed here.\n\n\
             name = {}\n",
            self.name,
            self.account,
            quoted(&self.name),
        );
        if let CloudSource::CloudsYaml { file, .. } = &self.source {
            let _ = writeln!(page, "clouds_file = {}", quoted(&shown(file)));
        }
        heading(&mut page, "who asks, and for what: proven against the token before anything is changed");
        for scope in &self.scopes {
            self.scope(scope, &mut page);
        }
        self.others(&mut page);
        if !self.endpoints.is_empty() {
            heading(&mut page, "what probes look at: the catalog's services");
        }
        for (name, url) in &self.endpoints {
            let _ = writeln!(page, "[endpoints.{name}]\nurl = {}\nexpect = [200, 300]\n", quoted(url));
        }
        heading(&mut page, "values: `rhumb site show` lists those that have a default, too");
        page.push_str("[values]\n");
        let (found, open): (Vec<_>, Vec<_>) = self.values.iter().partition(|v| v.found.is_some());
        for value in found {
            value.write(today, &mut page);
        }
        let (optional, needed): (Vec<_>, Vec<_>) = open.into_iter().partition(|v| v.optional);
        for value in needed.into_iter().chain(optional) {
            value.write(today, &mut page);
        }
        heading(&mut page, "how its runs behave");
        page.push_str("[run]\nlock = \"file\" # or { kube = \"NAME\", namespace = \"rhumb\" }: a Lease, where several machines run\n");
        page
    }

    fn scope(&self, scope: &ScopeDraft, page: &mut String) {
        let credentials = credentials_of(&self.source, self.prompt);
        match &scope.found {
            Ok(found) => {
                let roles: Vec<String> = found.roles.iter().map(|r| quoted(r)).collect();
                let _ = writeln!(
                    page,
                    "[scopes.{}]\n{credentials}project = {}\ndomain = {}\nuser = {}\nroles = [{}] # those it has now: \
                     keep those that it must have\n",
                    scope.name,
                    quoted(&found.project),
                    quoted(&found.domain),
                    quoted(&found.user),
                    roles.join(", "),
                );
            }
            Err(why) => {
                let lines = format!(
                    "[scopes.{}]\n{credentials}project = \"{}\"\ndomain = \"Default\"",
                    scope.name, scope.name
                );
                let _ = writeln!(page, "# ?? {}", why.replace('\n', " "));
                for line in lines.lines() {
                    let _ = writeln!(page, "# {line}");
                }
                page.push('\n');
            }
        }
    }

    fn others(&self, page: &mut String) {
        if !self.others.is_empty() {
            heading(page, "clusters, hosts and programs that the runbooks ask for");
        }
        for (table, name) in &self.others {
            let lines = match *table {
                "kube" => "kubeconfig = \"~/.kube/config\" # or: host = \"HOST\", print = [\"sudo\", \"k8s\", \"config\"]".to_string(),
                "hosts" => "address = \"192.0.2.1\"\n# user = \"ubuntu\"\n# identity_file = \"~/.ssh/id_ed25519\"".to_string(),
                _ => format!("program = {}", quoted(name)),
            };
            let _ = writeln!(page, "# ?? [{table}.{name}]\n# {lines}\n");
        }
    }
}

impl ValueDraft {
    fn write(&self, today: Date, page: &mut String) {
        let _ = writeln!(page, "\n# {}", self.doc);
        match &self.found {
            Some((value, seen)) => {
                let from = quoted(&format!("{seen}, {today}"));
                let _ = writeln!(page, "{} = {{ value = {}, from = {from} }}", self.name, toml(value));
            }
            None => {
                if !self.choices.is_empty() {
                    let _ = writeln!(page, "# {}: {}", self.why, self.choices.join(", "));
                } else if !self.why.is_empty() {
                    let _ = writeln!(page, "# not found: {}", self.why.replace('\n', " "));
                }
                let mark = if self.optional { "#" } else { "# ??" };
                let _ = writeln!(page, "{mark} {} = {}", self.name, self.example);
            }
        }
    }
}

/// The lines of a scope that say where its credentials are.
pub(super) fn credentials(source: &CloudSource, prompt: bool) -> String {
    let file = match source {
        CloudSource::CloudsYaml { file, .. } => {
            format!("clouds_file = {}\n", quoted(&file.display().to_string()))
        }
        CloudSource::Openrc(_) => String::new(),
    };
    let named = match source {
        CloudSource::Openrc(path) => format!("openrc = {}\n", quoted(&path.display().to_string())),
        CloudSource::CloudsYaml { entry, .. } => format!("cloud = {}\n", quoted(entry)),
    };
    format!("{named}{file}{}", password(prompt))
}

fn credentials_of(source: &CloudSource, prompt: bool) -> String {
    let named = match source {
        CloudSource::CloudsYaml { entry, .. } => format!("cloud = {}\n", quoted(entry)),
        CloudSource::Openrc(path) => format!("openrc = {}\n", quoted(&shown(path))),
    };
    format!("{named}{}", password(prompt))
}

fn password(prompt: bool) -> &'static str {
    if prompt { "password = { prompt = \"OpenStack password\" }\n" } else { "" }
}

fn heading(page: &mut String, text: &str) {
    let _ = writeln!(page, "\n# ---- {text}\n");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}
