//! How systems are reached: credentials on disk, and checks that are switched off.

use crate::lint::codes::{HOST_KEY_UNCHECKED, KUBECONFIG_ON_DISK, PROMPT_STARVED, TLS_UNCHECKED};
use crate::lint::finding::Finding;
use crate::lint::page::Page;
use crate::lint::pattern::Pattern;

/// Kubeconfigs that a shell writes.
pub fn kubeconfig(page: &Page<'_>) -> Vec<Finding> {
    static WRITES: Pattern = Pattern::new(
        r"\b(openstack|magnum)\s+coe\s+cluster\s+config\b[^|;&\n]*|[^>]>\s*\S*(kubeconfig|\.kube/config|-kc/config)\S*",
    );
    page.each(&KUBECONFIG_ON_DISK, &WRITES)
}

/// `ssh` that believes whatever answers.
pub fn host_key(page: &Page<'_>) -> Vec<Finding> {
    static UNCHECKED: Pattern =
        Pattern::new(r"StrictHostKeyChecking[= ](no|off|accept-new)|UserKnownHostsFile[= ]/dev/null");
    let mut found = page.each(&HOST_KEY_UNCHECKED, &UNCHECKED);
    // both options usually stand in one command, on one or two lines
    found.dedup_by(|later, first| later.line <= first.line + 1);
    found
}

/// TLS that believes whatever answers.
pub fn tls(page: &Page<'_>) -> Vec<Finding> {
    static UNCHECKED: Pattern = Pattern::new(
        r"\bcurl\s+(?:[^|;&\n]*\s)?(-[a-zA-Z]*k[a-zA-Z]*|--insecure)(\s|$)|--insecure-skip-tls-verify\S*|\bopenstack\s+(?:[^|;&\n]*\s)?--insecure\b|\bwget\s[^|;&\n]*--no-check-certificate",
    );
    page.each(&TLS_UNCHECKED, &UNCHECKED)
}

/// Juju with a closed input.
pub fn prompt(page: &Page<'_>) -> Vec<Finding> {
    static STARVED: Pattern = Pattern::new(r"\bjuju\s+(ssh|scp|exec|run|status)\b[^|;&\n]*</dev/null");
    page.each(&PROMPT_STARVED, &STARVED)
}
