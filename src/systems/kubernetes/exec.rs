//! Running a command in a container, over a WebSocket.

use std::time::Instant;

use http::Method;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::base::{Error, ErrorKind, Result, duration};
use crate::systems::command::{Command, Output, Stdin, Streams};
use crate::systems::http::Answer;

use super::ask::Ask;
use super::handle::Kube;
use super::refusal::refusal;

/// The reason that kube gives for an answer that is no `Status`.
const NO_STATUS: &str = "Failed to parse error data";

impl Kube {
    /// Runs a command in a container to its end. Any exit code is an output, not an error.
    pub(super) async fn exec(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        command: &Command,
    ) -> Result<Output> {
        let place = format!("pod {namespace}/{pod}");
        let running = self.exec_in(namespace, pod, container, command);
        let output = match timeout(command.time(), running).await {
            Ok(output) => output,
            Err(_) => {
                let time = duration::show(command.time());
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("`{}` in {place} took longer than {time}", command.shown()),
                )
                .help("the session is closed, but the process may still run in the container"))
            }
        };
        output.map_err(|e| e.scope(self.name()))
    }

    async fn exec_in(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        command: &Command,
    ) -> Result<Output> {
        let began = Instant::now();
        let pods: Api<Pod> = Api::namespaced(self.connection().fresh()?, namespace);
        let mut params = AttachParams { container: container.map(String::from), ..AttachParams::default() };
        params.stdin = command.input() != &Stdin::Closed;
        let argv: Vec<&str> = command.argv().iter().map(|arg| arg.expose()).collect();
        let ask = Ask::new(Method::POST, format!("/api/v1/namespaces/{namespace}/pods/{pod}/exec"), None);
        let mut attached = pods
            .exec(pod, argv, &params)
            .await
            .map_err(|e| self.no_session(&e, &ask, command.is_tainted()))?;
        let (stdin, status) = (attached.stdin(), attached.take_status());
        // fed while its output is read: either may have to wait for the other
        let feed = async {
            if let (Stdin::Text(text), Some(mut stdin)) = (command.input(), stdin) {
                // a command that ends without reading its input is no failure
                let _ = stdin.write_all(text.expose().as_bytes()).await;
                let _ = stdin.shutdown().await;
            }
        };
        let status = async {
            match status {
                Some(status) => status.await,
                None => None,
            }
        };
        let mut streams = Streams::new(command, attached.stdout(), attached.stderr());
        let (ended, ()) = streams.until(async { tokio::join!(status, feed) }).await;
        let code = exit_code(ended, command)?;
        Ok(streams.output(code, began.elapsed()))
    }

    fn no_session(&self, error: &kube::Error, ask: &Ask, tainted: bool) -> Error {
        match error {
            kube::Error::Api(status) => {
                // kube makes a Status of any text
                let body = match status.reason.as_str() {
                    NO_STATUS => status.message.clone().into_bytes(),
                    _ => serde_json::to_value(status)
                        .map(|mut body| {
                            body["kind"] = "Status".into();
                            body.to_string().into_bytes()
                        })
                        .unwrap_or_default(),
                };
                let answer = Answer {
                    status: status.code,
                    headers: Default::default(),
                    body,
                    tries: 1,
                    withheld: tainted,
                };
                refusal(ask, &answer)
            }
            kube::Error::UpgradeConnection(inner) => {
                Error::new(ErrorKind::Protocol, "the way to the cluster does not let a WebSocket through")
                    .help("a proxy or balancer in between must pass the Upgrade header on")
                    .from_source(inner)
            }
            other => self.connection().failure(other, ask),
        }
    }
}

/// The exit code that the kubelet tells in a `Status` when a command has ended.
fn exit_code(ended: Option<Status>, command: &Command) -> Result<i32> {
    let Some(status) = ended else {
        return Err(Error::new(
            ErrorKind::Timeout,
            format!("the session of `{}` broke off", command.shown()),
        )
        .help("whether the command ran to its end is not known"));
    };
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.and_then(|d| d.causes).unwrap_or_default();
    let code =
        causes.iter().find(|c| c.reason.as_deref() == Some("ExitCode")).and_then(|c| c.message.as_deref());
    match (status.reason.as_deref(), code.and_then(|c| c.parse().ok())) {
        (Some("NonZeroExitCode"), Some(code)) => Ok(code),
        _ => {
            let error = Error::new(ErrorKind::Command, format!("`{}` could not be run", command.shown()));
            Err(match status.message {
                Some(message) if !command.is_tainted() => error.cause(message),
                _ => error,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(status: serde_json::Value) -> Result<i32> {
        exit_code(Some(serde_json::from_value(status).unwrap()), &Command::new(["ls"]))
    }

    #[test]
    fn an_exit_code_is_told_in_a_status() {
        assert_eq!(code(json!({"status": "Success"})).unwrap(), 0);
        let status = json!({
            "status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with exit code 3",
            "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
        });
        assert_eq!(code(status).unwrap(), 3);
    }

    #[test]
    fn what_never_ran_is_an_error() {
        let message = "exec: \"nope\": executable file not found in $PATH";
        let error =
            code(json!({"status": "Failure", "reason": "InternalError", "message": message})).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Command);
        assert!(error.to_string().contains("executable file not found"));
        let error = exit_code(None, &Command::new(["ls"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}
