//! What can be had without asking anybody: for work in the background, which must never stop for a password.

use super::credentials::NobodyToAsk;
use super::declare::{KubeSource, Variable};
use super::{Site, access};
use crate::base::Secret;

impl Site {
    /// Whether a scope that is declared can be opened without a question, and without a program that may ask one.
    pub fn opens_unasked(&self, scope: &str) -> bool {
        self.scope(scope).is_ok_and(|s| s.cloud.secret.as_ref().is_none_or(|source| source.is_at_hand()))
    }

    /// The same of a cluster that is declared.
    pub fn reaches_unasked(&self, kube: &str) -> bool {
        let asks = |source: &KubeSource| matches!(source, KubeSource::File { allow_exec: true, .. });
        self.kube(kube).is_ok_and(|kube| !asks(&kube.source))
    }

    /// The secrets of its clouds and programs that stand in files, or whose sources are at hand: known from now on. What
    /// cannot be read is left out.
    pub fn secrets_at_hand(&self) -> Vec<Secret> {
        let mut all = Vec::new();
        for scope in self.scopes() {
            match scope.cloud.secret.as_ref() {
                Some(source) if source.is_at_hand() => all.extend(source.resolve(&NobodyToAsk).ok()),
                Some(_) => {}
                None => {
                    let Ok((_, entry)) = access::written(&scope.cloud) else { continue };
                    all.extend(entry.secrets().cloned().map(Secret::listed));
                }
            }
        }
        for variable in self.tools().flat_map(|tool| tool.env.values()) {
            if let Variable::Secret(source) = variable
                && source.is_at_hand()
            {
                all.extend(source.resolve(&NobodyToAsk).ok());
            }
        }
        all
    }
}
