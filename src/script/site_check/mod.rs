//! Whether a site is whole: every value and handle that its runbooks ask for, its scripts, its overrides, its
//! files, its waivers; and, where the cloud can be asked, whether what is named there is there.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

mod claims;
mod cloud;
mod excuses;
mod files;
mod finding;
mod needs;
mod overrides;

use crate::base::error::nearest;
use crate::base::{Place, Result, again};
use crate::script::check;
use crate::script::modules::is_runbook;
use crate::script::overlay::{self, Review, Surface};
use crate::script::survey::Survey;
use crate::site::{Layer, Site};

pub use cloud::{Asked, Confirmed, confirm};
pub use finding::{Area, Finding, Grade};

/// What a check of a site looked at, and what it found.
#[derive(Debug, Serialize)]
pub struct SiteCheck {
    /// The site's name.
    pub site: String,
    /// The runbooks that were looked at.
    pub runbooks: Vec<String>,
    /// What was looked at, for each area: `12 are safe to run`.
    pub looked: BTreeMap<Area, String>,
    /// Areas that were not looked at; `looked` says why.
    pub skipped: Vec<Area>,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// The texts that findings point into, by their files.
    #[serde(skip)]
    pub texts: BTreeMap<String, String>,
}

impl SiteCheck {
    /// Checks a site offline, for these runbooks; without any, for those that it says it is for.
    ///
    /// # Errors
    /// An unknown runbook. Everything else that is wrong is a finding.
    pub fn of(site: &Site, runbooks: &[String], today: Date) -> Result<SiteCheck> {
        let mut checked = SiteCheck {
            site: site.name.clone(),
            runbooks: Vec::new(),
            looked: BTreeMap::new(),
            skipped: Vec::new(),
            findings: Vec::new(),
            texts: BTreeMap::new(),
        };
        let (count, wrong) = files::own(site);
        let unsafe_files = !wrong.is_empty();
        checked.looked.insert(Area::Files, format!("{count} may be believed"));
        checked.findings.extend(wrong);
        checked.findings.extend(files::named(site));
        checked.looked.insert(Area::Handles, handles(site));
        checked.read_texts(site);
        if unsafe_files {
            for area in [Area::Values, Area::Scripts, Area::Overrides, Area::Excuses] {
                checked.skip(area, "not looked at until the files may be believed");
            }
            return Ok(checked);
        }
        let names: Vec<String> = site.layers.list()?.into_iter().map(|l| l.name).collect();
        checked.runbooks = checked.choose(site, runbooks, &names);
        for name in runbooks {
            site.layers.find(name)?;
        }
        checked.scripts(site, &names, today)?;
        checked.findings.sort_by_key(|a| (a.grade, a.area));
        Ok(checked)
    }

    /// The runbooks to look at.
    fn choose(&mut self, site: &Site, asked: &[String], names: &[String]) -> Vec<String> {
        if !asked.is_empty() {
            return asked.to_vec();
        }
        let all = || names.iter().filter(|n| is_runbook(n));
        if site.runbooks.is_empty() {
            return all().cloned().collect();
        }
        // its own runbooks are for it, whatever it says
        let own = |name: &&String| {
            site.layers.stack(name).is_ok_and(|texts| texts.iter().all(|t| t.layer == Layer::Site))
        };
        let mut chosen: Vec<String> = all().filter(own).cloned().collect();
        for (name, spot) in &site.runbooks {
            if names.contains(name) && is_runbook(name) {
                if !chosen.contains(name) {
                    chosen.push(name.clone());
                }
                continue;
            }
            let place = Place { file: spot.file().into(), line: spot.line, column: spot.column };
            let what = format!("the site is for a runbook `{name}`, which is not there");
            let finding = Finding::new(Grade::Error, Area::Scripts, what).at(place);
            self.findings.push(match nearest(name, all().map(String::as_str)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!("`{}` shows what there is", again::command(&["list"]))),
            });
        }
        chosen
    }

    fn scripts(&mut self, site: &Site, names: &[String], today: Date) -> Result<()> {
        let survey = Survey::of(&site.layers, names)?;
        for layer in &survey.layers {
            self.texts.insert(layer.text.file.clone(), layer.text.text.clone());
        }
        self.findings.extend(needs::look(site, &survey, &self.runbooks));
        let set = site.values().iter().count();
        self.looked.insert(Area::Values, format!("{set} are set, each of its type"));

        // the site's own modules count even where no runbook imports them yet
        let modules = names.iter().filter(|n| !is_runbook(n)).cloned();
        let asked: Vec<String> = self.runbooks.iter().cloned().chain(modules).collect();
        let found = check::check(&site.layers, &asked)?;
        let mut of_scripts: Vec<&check::Finding> = found.findings.iter().collect();
        let modules = asked.len() - self.runbooks.len();
        self.looked.insert(Area::Scripts, format!("{} runbooks, {modules} modules", self.runbooks.len()));

        match overlay::read(&site.layers) {
            Ok(bases) => {
                let review = Review::new(&survey, bases);
                self.looked.insert(
                    Area::Overrides,
                    format!("{}, each compared with what is shipped", review.overrides.len()),
                );
                let surface = Surface::of(&site.layers)?;
                let mut of_overrides = overrides::look(&survey, &review, &surface);
                of_overrides.extend(overrides::relied_on(&survey, &review, &surface));
                // the review knows what a step was, and so what it is called now: it need not be told twice
                let told = |f: &check::Finding| {
                    let line = |p: &Place| (p.file.clone(), p.line);
                    let places = of_overrides.iter().filter_map(|o| o.place.as_ref());
                    f.code.name == check::codes::UNKNOWN_STEP.name
                        && places.map(line).any(|l| l == line(&f.place))
                };
                of_scripts.retain(|f| !told(f));
                self.findings.extend(of_overrides);
            }
            Err(e) => self.findings.push(Finding::of(Area::Overrides, &e)),
        }
        self.findings.extend(of_scripts.into_iter().map(Finding::from));
        self.findings.extend(excuses::look(site, &survey, today));
        let (waivers, issues) = (site.excuses.waivers.len(), site.excuses.known_issues.len());
        self.looked.insert(Area::Excuses, format!("{waivers} waivers, {issues} known issues"));
        Ok(())
    }

    /// The site's own documents, for findings to point into. None of them may hold a secret.
    fn read_texts(&mut self, site: &Site) {
        for name in ["site.toml", "waivers.toml", "known-issues.toml", overlay::FILE] {
            if let Ok(Some(file)) = site.layers.site_file(name) {
                self.texts.insert(file.title.clone(), file.text.to_string());
            }
        }
    }

    /// Takes note of an area that is not looked at, and why.
    pub fn skip(&mut self, area: Area, why: &str) {
        self.looked.insert(area, why.into());
        self.skipped.push(area);
    }

    /// How many findings are of a grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|f| f.grade == grade).count()
    }
}

fn handles(site: &Site) -> String {
    let counts = [
        ("scopes", site.scopes().count()),
        ("clusters", site.kubes().count()),
        ("hosts", site.hosts().count()),
        ("programs", site.tools().count()),
        ("endpoints", site.endpoints().count()),
    ];
    let words: Vec<String> =
        counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
    if words.is_empty() { "none is declared".into() } else { words.join(", ") }
}
