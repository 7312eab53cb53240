//! `rhumb lint-md`: each defect is found in the words it is usually written in, and what is right is left alone.

use rhumb::lint::{Linted, Text, codes, lint};

use crate::rhumb;

fn texts(texts: &[(&str, &str)]) -> Linted {
    let of = |(file, text): &(&str, &str)| Text { file: file.to_string(), text: text.to_string() };
    lint(&texts.iter().map(of).collect::<Vec<_>>())
}

/// The codes that are found, with their lines.
fn found(text: &str) -> Vec<(usize, &'static str)> {
    texts(&[("x.md", text)]).findings.iter().map(|f| (f.line, f.code.name)).collect()
}

/// Whether a code is found, at a line.
#[track_caller]
fn finds(text: &str, code: &str, line: usize) {
    let all = found(text);
    assert!(all.contains(&(line, code)), "{code} at {line}, but there is {all:?}\n{text}");
}

/// Defects as they stand in runbooks: code, line, text.
const BAD: &[(&str, usize, &str)] = &[
    ("inverted-filter", 1, "juju status --format=short | grep -vE 'active|idle' || echo \"all good\"\n"),
    ("inverted-filter", 1, "kubectl get pods -A | grep -v Running || echo ok\n"),
    ("change-unproven", 2, "```bash\nopenstack loadbalancer failover \"$LB\"\nsleep 2\n```\n"),
    (
        "change-unproven",
        1,
        "Then `openstack loadbalancer failover <id>` -> watch PENDING_UPDATE -> ACTIVE.\n",
    ),
    (
        "change-unproven",
        1,
        "openstack server start vm\nfor i in $(seq 1 9); do\n[ \"$(openstack server show vm -f value -c status)\" = ACTIVE ] && break\nsleep 5\ndone\n",
    ),
    (
        "phase-as-health",
        1,
        "kubectl get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded\n",
    ),
    ("phase-as-health", 2, "kubectl get pods -A \\\n  --field-selector 'status.phase!=Running'\n"),
    (
        "wait-falls-through",
        2,
        "```sh\nfor i in $(seq 1 20); do\n  ST=$(openstack server show vm -f value -c status)\n  [ \"$ST\" = ACTIVE ] && break\n  sleep 10\ndone\necho next\n```\n",
    ),
    ("wait-falls-through", 1, "for i in {1..18}; do nc -z host 22 && break; sleep 10; done\n"),
    ("wait-falls-through", 1, "for ((i=0; i<9; i++)); do\n test -e x && break\n sleep 1\ndone\n"),
    ("errors-hidden", 1, "ST=$(openstack server show vm -f value -c status 2>/dev/null)\n"),
    ("errors-hidden", 2, "if openstack image show \"$I\" \\\n  >/dev/null 2>&1; then echo present; fi\n"),
    ("errors-hidden", 1, "timeout 5 bash -c 'exec 3<>/dev/tcp/host/22' 2>/dev/null && echo open\n"),
    ("loop-cannot-end", 1, "for i in $(seq 1 15); do\n  ssh host uptime\n  sleep 120\ndone\n"),
    (
        "unchecked-substitution",
        1,
        "P=$(openstack project show p --domain d -f value -c id)\nexport OS_PROJECT_ID=\"$P\"\n",
    ),
    (
        "unchecked-substitution",
        1,
        "# NS=magnum-$(openstack project show p -f value -c id)\nkubectl -n \"$NS\" get pods\n",
    ),
    // `set -e` does not see a command that fails inside of `export`
    ("unchecked-substitution", 3, "```\nset -e\nexport ID=$(openstack server show vm -f value -c id)\n```\n"),
    (
        "scope-by-environment",
        1,
        "source ~/admin-openrc\nunset OS_PROJECT_ID OS_TENANT_ID\nexport OS_PROJECT_ID=\"$P\"\n",
    ),
    ("hardcoded-id", 1, "export OS_PROJECT_ID=0123456789abcdef0123456789abcdef\n"),
    ("hardcoded-id", 1, "kubectl -n magnum-0123456789abcdef0123456789abcdef get pods\n"),
    ("hardcoded-id", 1, "ssh ubuntu@10.1.2.3 uptime\n"),
    (
        "headroom-by-hand",
        1,
        "Ceiling per host = physical_MB ram_allocation_ratio(1.5) - reserved_host_memory(8192).\n",
    ),
    ("dropped-field", 1, "openstack hypervisor list --long -f yaml | grep -E 'Hostname|Memory MB'\n"),
    ("health-without-version", 1, "GATE: status = CREATE_COMPLETE, and health_status should read HEALTHY.\n"),
    ("health-without-version", 1, "SUCCESS = reason POPULATED with the cosmetic signature (or HEALTHY)\n"),
    (
        "failure-may-not-come",
        3,
        "for i in $(seq 1 40); do\nS=$(openstack coe cluster show c -f value -c status)\ncase \"$S\" in CREATE_COMPLETE|CREATE_FAILED) break;; esac\nsleep 30\ndone\n",
    ),
    (
        "finalizers-emptied",
        1,
        "kubectl patch openstackcluster c --type=merge -p '{\"metadata\":{\"finalizers\":[]}}'\n",
    ),
    ("finalizers-emptied", 1, "kubectl patch x c --type=merge -p '{\"metadata\":{\"finalizers\":null}}'\n"),
    ("deletion-not-awaited", 1, "kubectl delete svc rr; kubectl delete deploy rr\n"),
    ("deletion-not-awaited", 1, "openstack coe cluster delete c   # watch the list to gone\n"),
    ("release-claim", 1, "Chart 0.25.1 ships ONLY Calico (flannel is not packaged).\n"),
    ("release-claim", 1, "the snap does NOT have standalone image stage/image import subcommands\n"),
    ("kubeconfig-on-disk", 1, "openstack coe cluster config c --dir ~/c --force\n"),
    ("kubeconfig-on-disk", 1, "sudo k8s config > ~/mgmt.kubeconfig\n"),
    ("any-of-is-enough", 1, "kubectl get pods -A | grep -Ei 'cloud-controller|cinder-csi|coredns'\n"),
    ("any-of-is-enough", 1, "kubectl get pods -A | egrep 'capi-|capo-|janitor'\n"),
    ("host-key-unchecked", 1, "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null h uptime\n"),
    ("tls-unchecked", 1, "curl -sk https://keystone:5000/v3 -o /dev/null -w '%{http_code}'\n"),
    ("prompt-starved", 1, "juju ssh nova-compute/0 'sudo cat /etc/nova/nova.conf' </dev/null\n"),
    ("wait-without-deadline", 1, "while true; do date; sleep 5; done\n"),
    ("wait-without-deadline", 1, "until curl -f http://x; do\n  sleep 5\ndone\n"),
    ("wait-without-deadline", 1, "kubectl get svc rr -w   # Ctrl-C once it has an address\n"),
];

#[test]
fn each_defect_is_found_where_it_stands() {
    for (code, line, text) in BAD {
        finds(text, code, *line);
    }
}

#[test]
fn every_code_has_a_text_that_shows_it() {
    let shown: Vec<&str> = BAD.iter().map(|(code, ..)| *code).chain(["contradicting-literal"]).collect();
    for code in codes::ALL {
        assert!(shown.contains(&code.name), "{} is shown by none", code.name);
    }
}

#[test]
fn what_is_right_is_left_alone() {
    for text in [
        "# Start the server\n\nWait for each node in turn, and do not go on before it is done.\n",
        "```bash\nset -euo pipefail\nID=$(openstack server show vm -f value -c id)\nopenstack server show \"$ID\"\n```\n",
        "P=$(openstack project show p -f value -c id) || exit 1\n",
        "P=$(openstack project show p -f value -c id)\n[ -n \"$P\" ] || { echo none; exit 1; }\n",
        "P=$(openstack project show p -f value -c id)\n: \"${P:?no project}\"\n",
        "for i in $(seq 1 20); do\n  nc -z host 22 && break\n  sleep 10\ndone\nnc -z host 22 || exit 1\n",
        "for i in $(seq 1 20); do\n  nc -z host 22 && break\n  [ \"$i\" -eq 20 ] && { echo late; exit 1; }\n  sleep 10\ndone\n",
        "for f in *.yaml; do kubectl apply -f \"$f\"; done\n",
        "for i in $(seq 1 10); do curl -f \"http://$EXT/hostname\"; done\n",
        "command -v openstack >/dev/null 2>&1 || exit 1\n",
        "rm -f /var/tmp/x 2>/dev/null\n",
        "if ! openstack loadbalancer failover \"$LB\"; then exit 1; fi\n",
        "openstack loadbalancer failover \"$LB\" || { echo refused; exit 1; }\n",
        "juju status --format=json | jq -e '.applications'\n",
        "kubectl get pods -A | grep coredns\n",
        "kubectl delete svc rr\nfor i in 1 2 3; do openstack loadbalancer list -f json | grep -q rr || break; sleep 5; done\nopenstack loadbalancer list\n[ -z \"$LEFT\" ] || exit 1\n",
        "ssh -o BatchMode=yes ubuntu@mgmt.example.org uptime\n",
        "curl -fsS --cacert ca.pem https://keystone.example.org:5000/v3\n",
        "curl -fsS http://127.0.0.1:8080/healthz\n",
        "timeout 60 kubectl get svc rr -w\n",
        "```yaml\nmetadata: {finalizers: []}\nid: 0123456789abcdef0123456789abcdef\n```\n",
        "SHA512=7efde4857c9f9da045a98d71def30e229b3d7fffd8a5680e8aee0c5a8b13ba73fca3cf758a927230a1fbe3c451d8d21cfaeded96091e2a4f313c6a404760bdb3\n",
        "As built: API LB 0f968008-8429-4ac3-8b82-452e126982cf, endpoint https://lb.example.org:6443.\n",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn runbooks_that_are_read_together_are_held_against_each_other() {
    let one = "ENV literals: project capi-mgmt 11111111111111111111111111111111\n";
    let two = "ENV(project) capi-mgmt (this rebuild id 22222222222222222222222222222222)\nnever use the dead 10.0.0.7\n";
    let three = "ssh ubuntu@10.0.0.7 uptime\n";
    let linted = texts(&[("one.md", one), ("two.md", two), ("three.md", three)]);
    let said: Vec<_> = linted
        .findings
        .iter()
        .filter(|f| f.code.name == "contradicting-literal")
        .map(|f| (f.file.as_str(), f.line, f.note.clone().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("one.md", 1, "project capi-mgmt is 22222222222222222222222222222222 in two.md:1".to_string()),
            ("two.md", 1, "project capi-mgmt is 11111111111111111111111111111111 in one.md:1".to_string()),
            ("three.md", 1, "two.md:2 says that 10.0.0.7 is dead".to_string()),
        ]
    );
    assert!(found(one).is_empty(), "by itself it contradicts nobody");
}

#[test]
fn a_finding_is_drawn_with_its_place_what_passes_and_what_replaces_it() {
    let text = "# Health\n\nkubectl get pods -A --field-selector=status.phase!=Running\n";
    let linted = texts(&[("health.md", text)]);
    assert_eq!(
        &*linted.draw(76, false),
        "\
health.md:3:21 phase-as-health A pod's phase is taken for its health
    3 │ kubectl get pods -A --field-selector=status.phase!=Running
      │                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  passes: A pod whose container crashes again and again has the phase
          Running, so the filter shows nothing.
  rhumb:  `object.containers()` says ready, waiting reason and restarts;
          `restarted(before, after)` compares two looks.

"
    );
    assert!(linted.draw(76, true).contains("\u{1b}["));
    // a long line is cut around what is meant
    let long = format!("{} openstack hypervisor stats show {}\n", "x ".repeat(200), "y ".repeat(200));
    for line in texts(&[("x.md", &long)]).draw(80, false).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_exit_code_says_whether_there_are_findings_and_json_holds_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = path("good.md", "# Nothing to do\n");
    let bad = path("bad.md", "openstack coe cluster config c --dir d\n");
    assert_eq!(rhumb(&["lint-md", &good]).status.code(), Some(0));
    let output = rhumb(&["lint-md", "--json", &good, &bad]);
    assert_eq!(output.status.code(), Some(8));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(json["findings"].as_array().unwrap().len(), 1);
    assert_eq!((finding["code"].as_str(), finding["line"].as_u64()), (Some("kubeconfig-on-disk"), Some(1)));
    assert!(finding["passes"].is_string() && finding["instead"].is_string(), "{finding}");
    let absent = dir.path().join("absent.md").display().to_string();
    assert_eq!(rhumb(&["lint-md", &absent]).status.code(), Some(74));
}

#[test]
fn no_text_makes_it_panic() {
    for text in [
        "",
        "\n",
        "```",
        "```yaml\n```\n```",
        "( {",
        "done",
        "for i in $(seq 1 2); do",
        "é\\\n\u{301}\\",
        "\\",
    ] {
        found(text);
    }
    // every beginning of a text in which many rules are at work
    let all: String = BAD.iter().map(|(.., text)| *text).collect();
    for end in (0..all.len()).step_by(7).filter(|end| all.is_char_boundary(*end)) {
        found(&all[..end]);
    }
}
