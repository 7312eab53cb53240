//! The handles that a site declares.

use rhai::Dynamic;

use crate::script::handles::machine::{HostHandle, ToolHandle};
use crate::script::handles::site::Endpoint;
use crate::script::handles::{Scope, SiteHandle};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};

/// The family.
pub const ALL: &[&Primitive] = &[&SCOPE, &HOST, &TOOL, &ENDPOINT];

const SCOPE: Primitive = Primitive {
    name: "scope",
    on: On::Type("Site"),
    params: &[Param::new("name", Ty::Text, "its name in site.toml, `[scopes.NAME]`")],
    returns: "Scope",
    effect: Effect::None,
    doc: "A cloud authorisation scope. Nothing is asked of the cloud yet: at its first use the token must prove the project, roles and user that the site file declares.",
    example: r#"let admin = site.scope("admin");
verify("1", "Who", || expect("handle", admin.identity().handle, "admin"));"#,
    body: |call| {
        let site: SiteHandle = call.receiver()?;
        Ok(Dynamic::from(Scope(site.session(&call.text(0))?)))
    },
};

const HOST: Primitive = Primitive {
    name: "host",
    on: On::Type("Site"),
    params: &[Param::new("name", Ty::Text, "its name in site.toml, `[hosts.NAME]`")],
    returns: "Host",
    effect: Effect::None,
    doc: "A host that is reached over SSH, as the site file declares it. It has name, address, port and user. Nothing of the operator's own SSH configuration is read.",
    example: r#"let mgmt = site.host("capi-mgmt");
verify("1", "Port", || expect("port", mgmt.port, 22));"#,
    body: |call| {
        let site: SiteHandle = call.receiver()?;
        Ok(Dynamic::from(HostHandle(site.site().ssh(&call.text(0))?)))
    },
};

const TOOL: Primitive = Primitive {
    name: "tool",
    on: On::Type("Site"),
    params: &[Param::new("name", Ty::Text, "its name in site.toml, `[tools.NAME]`")],
    returns: "Tool",
    effect: Effect::None,
    doc: "A local program, as the site file declares it: its path, its environment, and nothing of the operator's.",
    example: r#"let juju = site.tool("juju");
verify("1", "Handle", || expect("handle", `${juju}`, "tool juju"));"#,
    body: |call| {
        let site: SiteHandle = call.receiver()?;
        Ok(Dynamic::from(ToolHandle(site.site().program(&call.text(0))?)))
    },
};

const ENDPOINT: Primitive = Primitive {
    name: "endpoint",
    on: On::Type("Site"),
    params: &[Param::new("name", Ty::Text, "its name in site.toml, `[endpoints.NAME]`")],
    returns: "Endpoint",
    effect: Effect::None,
    doc: "A URL that probes look at, with the statuses that count as an answer and the authorities it trusts. It has name, url and expect.",
    example: r#"let keystone = site.endpoint("keystone");
verify("1", "URL", || gate("it is one", keystone.url.starts_with("http"), keystone.url));"#,
    body: |call| {
        let site: SiteHandle = call.receiver()?;
        Ok(Dynamic::from(Endpoint(site.site().endpoint(&call.text(0))?.clone())))
    },
};
