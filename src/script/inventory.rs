//! What would run at a site, and from where each value, handle, step and function comes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::modules::SITE;
use super::overlay::{self, Review, State, Target};
use super::survey::Survey;
use super::survey::outline::How;
use crate::base::Result;
use crate::site::{CloudSource, KubeSource, Layer, Narrow, ScopeDecl, Site};

/// What would run at a site.
#[derive(Debug, Serialize)]
pub struct Inventory {
    /// The site's name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The layers, from the lowest.
    pub layers: Vec<String>,
    /// Every value that the procedures know.
    pub values: Vec<ValueLine>,
    /// Values of the site's own overrides.
    pub extra: BTreeMap<String, ExtraLine>,
    /// Every handle.
    pub handles: Vec<HandleLine>,
    /// Every runbook and module.
    pub scripts: Vec<Script>,
    /// What the site overrides.
    pub overrides: Vec<OverrideLine>,
    /// Its waivers.
    pub waivers: Vec<WaiverLine>,
    /// Issues that are known.
    pub known_issues: Vec<IssueLine>,
}

/// A value.
#[derive(Debug, Serialize)]
pub struct ValueLine {
    /// Its name.
    pub name: String,
    /// What it is; nothing where it is not set.
    pub value: Option<Value>,
    /// Its type.
    pub kind: String,
    /// Where it comes from.
    pub from: String,
    /// What it means.
    pub doc: String,
    /// The runbooks that read it.
    pub used_by: Vec<String>,
}

/// A value of `[extra]`.
#[derive(Debug, Serialize)]
pub struct ExtraLine {
    /// What it is.
    pub value: Value,
    /// Where it comes from.
    pub from: String,
}

/// A handle.
#[derive(Debug, Serialize)]
pub struct HandleLine {
    /// `scope`, `kube`, `host`, `tool` or `endpoint`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What it reaches.
    pub what: String,
    /// Where it is declared; nothing where only its table is known.
    pub from: String,
}

/// A runbook or a module.
#[derive(Debug, Serialize)]
pub struct Script {
    /// Its logical name.
    pub name: String,
    /// A runbook's title.
    pub title: String,
    /// The layers that it is put together from, lowest first.
    pub layers: Vec<String>,
    /// Its steps, in the order in which they run.
    pub steps: Vec<StepLine>,
    /// Its functions.
    pub functions: Vec<FunctionLine>,
}

/// A step.
#[derive(Debug, Serialize)]
pub struct StepLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// `verify`, `change` or `deferred`.
    pub kind: &'static str,
    /// File and line.
    pub from: String,
    /// How the site changes it, with file and line.
    pub overridden: Vec<String>,
}

/// A function that counts.
#[derive(Debug, Serialize)]
pub struct FunctionLine {
    /// Its name and parameters.
    pub signature: String,
    /// File and line.
    pub from: String,
    /// Whether it stands in the place of a lower layer's.
    pub replaces: bool,
}

/// An override.
#[derive(Debug, Serialize)]
pub struct OverrideLine {
    /// What it changes.
    pub target: Target,
    /// How it stands to what is shipped.
    pub state: &'static str,
    /// Whether somebody has to look.
    pub drifted: bool,
    /// How, and where.
    pub from: String,
}

/// A waiver.
#[derive(Debug, Serialize)]
pub struct WaiverLine {
    /// The claim.
    pub gate: String,
    /// Why it may fail.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day.
    pub until: String,
    /// File and line.
    pub from: String,
}

/// A known issue.
#[derive(Debug, Serialize)]
pub struct IssueLine {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// File and line.
    pub from: String,
}

impl Inventory {
    /// The inventory of a site.
    ///
    /// # Errors
    /// A file that may not be believed.
    pub fn of(site: &Site) -> Result<Inventory> {
        let listed = site.layers.list()?;
        let names: Vec<String> = listed.iter().map(|l| l.name.clone()).collect();
        let survey = Survey::of(&site.layers, &names)?;
        let review = Review::new(&survey, overlay::read(&site.layers)?);
        let scripts = listed.iter().filter_map(|l| script(&survey, &l.name, &l.layers)).collect();
        let spot = |spot: &crate::site::document::Spot| spot.to_string();
        let excuses = &site.excuses;
        Ok(Inventory {
            name: site.name.clone(),
            description: site.description.clone(),
            layers: layers(site),
            values: values(site),
            extra: site
                .extra
                .iter()
                .map(|(name, v)| (name.clone(), ExtraLine { value: v.value.clone(), from: spot(&v.spot) }))
                .collect(),
            handles: handles(site),
            scripts,
            overrides: overrides(&review),
            waivers: excuses
                .waivers
                .iter()
                .map(|w| WaiverLine {
                    gate: w.gate.clone(),
                    reason: w.reason.clone(),
                    owner: w.owner.clone(),
                    until: w.expires.to_string(),
                    from: spot(&w.spot),
                })
                .collect(),
            known_issues: excuses
                .known_issues
                .iter()
                .map(|i| IssueLine { id: i.id.clone(), title: i.title.clone(), from: spot(&i.spot) })
                .collect(),
        })
    }
}

fn layers(site: &Site) -> Vec<String> {
    let mut layers = vec![format!("embedded (rhumb {})", env!("CARGO_PKG_VERSION"))];
    layers.extend(site.layers.installed().map(|dir| format!("installed ({})", dir.display())));
    layers.extend(site.layers.site_directory().map(|dir| format!("site ({})", dir.display())));
    layers
}

fn values(site: &Site) -> Vec<ValueLine> {
    let all = site.values().schema().iter();
    all.map(|decl| {
        let setting = site.values().get(&decl.name).ok().flatten();
        ValueLine {
            name: decl.name.clone(),
            value: setting.and_then(|s| serde_json::to_value(&s.value).ok()),
            kind: decl.kind.to_string(),
            from: match setting {
                Some(setting) => setting.origin.to_string(),
                None if decl.optional => "optional".into(),
                None => format!("needed by {}", decl.used_by.join(", ")),
            },
            doc: decl.doc.clone(),
            used_by: decl.used_by.clone(),
        }
    })
    .collect()
}

fn handles(site: &Site) -> Vec<HandleLine> {
    let mut all = Vec::new();
    let mut add = |kind, name: &str, what: String, from: String| {
        all.push(HandleLine { kind, name: name.to_string(), what, from });
    };
    for scope in site.scopes() {
        add("scope", &scope.name, reach_of(scope), scope.spot.to_string());
    }
    for kube in site.kubes() {
        let what = match &kube.source {
            KubeSource::File { path, .. } => format!("kubeconfig {}", path.display()),
            KubeSource::Printed { host, argv } => format!("host {host} prints it: {}", argv.join(" ")),
        };
        add("kube", &kube.name, what, kube.spot.to_string());
    }
    for host in site.hosts() {
        let jump = host.spec.jump.as_ref().map(|j| format!(" by way of {}", j.name)).unwrap_or_default();
        let what = format!("{}@{}:{}{jump}", host.spec.user, host.spec.address, host.spec.port);
        add("host", &host.name, what, host.spot.to_string());
    }
    for tool in site.tools() {
        let what = [std::slice::from_ref(&tool.program), &tool.args].concat().join(" ");
        add("tool", &tool.name, what, tool.spot.to_string());
    }
    for endpoint in site.endpoints() {
        add("endpoint", &endpoint.name, endpoint.url.clone(), endpoint.spot.to_string());
    }
    all
}

fn reach_of(scope: &ScopeDecl) -> String {
    let credentials = match &scope.cloud.source {
        CloudSource::CloudsYaml { entry, .. } => format!("cloud {entry}"),
        CloudSource::Openrc(path) => format!("openrc {}", path.display()),
    };
    let narrow = match &scope.narrow {
        Narrow::AsCredentials => "what its credentials say".to_string(),
        Narrow::Project { name, domain: None } => format!("project {name}"),
        Narrow::Project { name, domain: Some(domain) } => format!("project {name} of domain {domain}"),
        Narrow::ProjectId(id) => format!("project {id}"),
        Narrow::Domain(name) => format!("domain {name}"),
        Narrow::System => "the system as a whole".to_string(),
    };
    match scope.roles.is_empty() {
        true => format!("{narrow}, {credentials}"),
        false => format!("{narrow}, {credentials}, roles {}", scope.roles.join(",")),
    }
}

fn script(survey: &Survey, name: &str, layers: &[Layer]) -> Option<Script> {
    let (source, it) = survey.source(name)?;
    let outline = survey.outline(source);
    let at = |layer: usize, at| survey.place(layer, at);
    let steps = outline.steps.iter().map(|step| {
        let by = step.overrides.iter().filter(|o| o.how != How::Added);
        let place = at(step.layer, step.at);
        StepLine {
            id: step.id.text.clone(),
            title: step.title.text.clone(),
            kind: step.kind.word(),
            from: format!("{}:{}", place.file, place.line),
            overridden: by
                .map(|o| {
                    let place = at(o.layer, o.at);
                    format!("{} by {}:{}", o.how.word(), place.file, place.line)
                })
                .collect(),
        }
    });
    let functions = survey.functions_of(source).into_iter().map(|(node, function)| {
        let place = at(node.0, survey.function_at(node));
        let lower = it.layers.iter().take_while(|layer| **layer != node.0);
        let arity = function.params.len();
        let below = |layer: &usize| survey.layers[*layer].facts.function(&function.name, arity).is_some();
        FunctionLine {
            signature: function.signature(),
            from: format!("{}:{}", place.file, place.line),
            replaces: survey.layers[node.0].text.layer == SITE && lower.clone().any(below),
        }
    });
    Some(Script {
        name: name.to_string(),
        title: outline.runbook.as_ref().map(|(_, title)| title.text.clone()).unwrap_or_default(),
        layers: layers.iter().map(|l| l.name().to_string()).collect(),
        steps: steps.collect(),
        functions: functions.collect(),
    })
}

fn overrides(review: &Review) -> Vec<OverrideLine> {
    let line = |drift: &overlay::Drift| {
        let places = drift.site.iter().map(|w| format!("{} by {}:{}", w.how, w.place.file, w.place.line));
        OverrideLine {
            target: drift.target.clone(),
            state: drift.state.words(),
            drifted: drift.state != State::Unchanged,
            from: places.collect::<Vec<_>>().join(", "),
        }
    };
    review.overrides.iter().map(line).collect()
}
