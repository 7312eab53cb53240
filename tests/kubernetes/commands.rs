//! Commands in containers, over a WebSocket.

use std::time::{Duration, Instant};

use rhumb::base::{ErrorKind, Payload, Result};
use rhumb::systems::command::Command;
use rhumb::systems::kubernetes::KubeCall;

use crate::kube_server::{Behaviour, Cluster, carry_out};

async fn run(pod: &str, command: Command) -> Result<Payload> {
    let cluster = Cluster::start(Behaviour::default()).await;
    let call = KubeCall::Exec { namespace: None, pod: pod.into(), container: None, command };
    carry_out(&cluster.kube(), call).await
}

#[tokio::test]
async fn a_command_gives_its_output_and_its_code() {
    let output = run("p", Command::new(["echo", "a b", "$HOME"])).await.unwrap();
    assert_eq!(output.expose()["stdout"], "a b $HOME\n");
    assert_eq!(output.expose()["code"], 0);
    let output = run("p", Command::new(["fail", "3"])).await.unwrap();
    assert_eq!((&output.expose()["code"], &output.expose()["stderr"]), (&3.into(), &"it failed\n".into()));
}

#[tokio::test]
async fn its_input_is_fed_and_then_ends() {
    let output = run("p", Command::new(["cat"]).stdin("some words")).await.unwrap();
    assert_eq!(output.expose()["stdout"], "some words");
}

#[tokio::test]
async fn a_flood_is_cut_at_the_cap() {
    let output = run("p", Command::new(["flood"]).output_cap(1000)).await.unwrap();
    assert_eq!(output.expose()["stdout"].as_str().unwrap().len(), 1000);
    assert_eq!(output.expose()["truncated"], true);
}

#[tokio::test]
async fn a_command_that_hangs_is_given_up_at_its_deadline() {
    let began = Instant::now();
    let error = run("p", Command::new(["hang"]).deadline(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(error.detail().help.clone().unwrap().contains("may still run"));
}

#[tokio::test]
async fn a_session_that_breaks_off_is_in_doubt() {
    let error = run("p", Command::new(["break"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn an_absent_pod_is_not_found() {
    let error = run("absent", Command::new(["echo"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("pods \"absent\" not found"), "{error}");
}
