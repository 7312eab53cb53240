//! Actions on servers, and the record of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::Action;
use super::show::{find, host_id};
use super::{Phase, Server, Task, Vm};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;

pub(super) const ROUTES: &[Route] = &[
    post("/v2.1/servers/{}/action", Rule::Reader, "os_compute_api:servers:index", action),
    get(
        "/v2.1/servers/{}/os-instance-actions",
        Rule::Reader,
        "os_compute_api:os-instance-actions:list",
        list,
    ),
    get(
        "/v2.1/servers/{}/os-instance-actions/{}",
        Rule::Reader,
        "os_compute_api:os-instance-actions:show",
        show,
    ),
];

/// A state that does not allow an action.
fn conflict(id: &str, action: &str, phase: Phase) -> Refusal {
    let state = match phase.task {
        Some(_) => format!("task_state {}", phase.task_state().unwrap_or_default()),
        None => format!("vm_state {}", phase.vm_state()),
    };
    Refusal::said(409, format!("Cannot '{action}' instance {id} while it is in {state}"))
}

fn member(call: &Call<'_>, policy: &'static str) -> Result<(), Refusal> {
    call.allow(call.who.may(Rule::Member), policy)
}

fn action(call: &mut Call<'_>) -> Outcome {
    let id = find(call)?.id.clone();
    let asked = call.json().and_then(Value::as_object).and_then(|body| body.iter().next());
    let (name, given) = asked.ok_or_else(|| Refusal::said(400, "Malformed request body"))?;
    let timings = &call.world.timings;
    let (start, stop) = (*timings.server_start, *timings.server_stop);
    match name.as_str() {
        "os-start" => {
            member(call, "os_compute_api:servers:start")?;
            let steps = (Phase::new(Vm::Stopped, Task::PoweringOn), start, Vm::Active);
            change(call, &id, "start", "compute_start_instance", &[Vm::Stopped], steps)
        }
        "os-stop" => {
            member(call, "os_compute_api:servers:stop")?;
            let steps = (Phase::new(Vm::Active, Task::PoweringOff), stop, Vm::Stopped);
            change(call, &id, "stop", "compute_stop_instance", &[Vm::Active, Vm::Error], steps)
        }
        "reboot" => {
            member(call, "os_compute_api:servers:reboot")?;
            let hard = match given["type"].as_str() {
                Some(kind) => kind.eq_ignore_ascii_case("hard"),
                None => {
                    return Err(Refusal::said(
                        400,
                        format!(
                            "Invalid input for field/attribute reboot. Value: {given}. 'type' is a required property"
                        ),
                    ));
                }
            };
            let (task, from): (Task, &[Vm]) = match hard {
                true => (Task::RebootingHard, &[Vm::Active, Vm::Stopped, Vm::Error]),
                false => (Task::Rebooting, &[Vm::Active]),
            };
            change(
                call,
                &id,
                "reboot",
                "compute_reboot_instance",
                from,
                (Phase::new(Vm::Active, task), start, Vm::Active),
            )
        }
        "os-getConsoleOutput" => {
            member(call, "os_compute_api:os-console-output")?;
            let now = call.world.now();
            let up = call.world.nova.servers.get(&id).and_then(|s| s.up_since(now)).is_some();
            let text = if up { "cloud-init: finished\nlogin: " } else { "" };
            Ok(Answer::json(200, json!({"output": text})))
        }
        other => Err(Refusal::said(400, format!("There is no such action: {other}"))),
    }
}

/// Changes what a server is, if it is what it must be for that.
fn change(
    call: &mut Call<'_>,
    id: &str,
    name: &'static str,
    event: &'static str,
    from: &[Vm],
    (meanwhile, delay, then): (Phase, Duration, Vm),
) -> Outcome {
    let (now, by) = (call.world.now(), (call.request.id.clone(), call.who.user.clone()));
    let Some(server) = call.world.nova.servers.get_mut(id) else { return Err(Refusal::NoRoute) };
    let phase = server.phase(now);
    if server.host.is_none() {
        return Err(Refusal::said(409, format!("Instance {id} is not ready")));
    }
    if phase.task.is_some() || !from.contains(&phase.vm) {
        return Err(conflict(id, name, phase));
    }
    server.fault = None;
    server.act(now, (name, event), by, [(Duration::ZERO, meanwhile), (delay, Phase::settled(then))]);
    Ok(Answer::empty(202))
}

fn brief(server: &Server, action: &Action, version: Version) -> Value {
    let mut shown = json!({
        "action": action.name, "instance_uuid": &*server.id, "request_id": &*action.request, "user_id": &*action.user,
        "project_id": &*server.project, "start_time": stamp::micros(action.start), "message": action.message,
    });
    if version >= Version(2, 58) {
        shown["updated_at"] = stamp::micros(action.end).into();
    }
    shown
}

fn list(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    let rows: Vec<Value> = server.actions.iter().rev().map(|a| brief(server, a, call.version)).collect();
    Ok(Answer::json(200, json!({"instanceActions": rows})))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let (server, request) = (find(call)?, call.param(1));
    let action = server.actions.iter().find(|a| *a.request == *request);
    let action = action.ok_or_else(|| Refusal::said(404, format!("Action {request} not found")))?;
    let (version, admin, now) = (call.version, call.who.is_admin(), call.world.now());
    let mut shown = brief(server, action, version);
    let host =
        server.host.as_ref().and_then(|id: &Id| call.world.nova.hosts.get(id)).map(|h| h.name.as_str());
    if admin || version >= Version(2, 51) {
        let done = action.end <= now;
        let result = if action.message.is_some() { "Error" } else { "Success" };
        let event = if action.message.is_some() && host.is_none() {
            "conductor_schedule_and_build_instances"
        } else {
            action.event
        };
        let mut event = json!({
            "event": event, "start_time": stamp::micros(action.start),
            "finish_time": if done { json!(stamp::micros(action.end)) } else { Value::Null },
            "result": if done { json!(result) } else { Value::Null },
        });
        if admin {
            let failed = action.message.is_some();
            event["traceback"] = if failed { super::lifecycle::TRACEBACK.into() } else { Value::Null };
        }
        if version >= Version(2, 62) {
            if admin {
                event["host"] = json!(host.unwrap_or("nova-cloud-controller-0"));
            }
            event["hostId"] = host_id(&server.project, host.unwrap_or("nova-cloud-controller-0")).into();
        }
        if admin && version >= Version(2, 84) {
            event["details"] = if action.message.is_some() {
                json!(super::lifecycle::NO_VALID_HOST.trim())
            } else {
                Value::Null
            };
        }
        shown["events"] = json!([event]);
    }
    Ok(Answer::json(200, json!({"instanceAction": shown})))
}
