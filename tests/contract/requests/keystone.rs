use serde_json::{Value, json};

use super::{Ask, Step, all, ask, delete, get, post, put};

fn password(user: &str, domain: &str, password: &str, scope: Value) -> Value {
    let user = json!({"name": user, "domain": {"name": domain}, "password": password});
    let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
    if !scope.is_null() {
        auth["scope"] = scope;
    }
    json!({"auth": auth})
}

fn token(body: Value) -> Ask {
    post("", "identity", "/v3/auth/tokens?nocatalog").json(body)
}

pub(super) fn steps() -> Vec<Step> {
    let admin = || json!({"project": {"name": "admin", "domain": {"name": "Default"}}});
    let id = "identity";
    let mut steps = all([
        get("", id, "/"),
        get("", id, "/v3"),
        get("", id, "/v3/"),
        post("", id, "/v3/auth/tokens").json(password("admin", "Default", "secret", admin())),
        token(password(
            "capi-user",
            "capi",
            "secret",
            json!({"project": {"name": "capi-mgmt", "domain": {"name": "capi"}}}),
        )),
        token(password("admin", "Default", "secret", Value::Null)).keep("unscoped", "header:x-subject-token"),
        token(password("admin", "Default", "secret", json!({"domain": {"name": "capi"}}))),
        token(password("admin", "Default", "secret", json!({"system": {"all": true}}))),
        token(password("admin", "Default", "wrong", admin())),
        token(password("nobody", "Default", "secret", admin())),
        token(password(
            "admin",
            "Default",
            "secret",
            json!({"project": {"name": "no-such", "domain": {"name": "Default"}}}),
        )),
        token(password(
            "admin",
            "Default",
            "secret",
            json!({"project": {"id": "00000000000000000000000000000000"}}),
        )),
        token(password("capi-user", "capi", "secret", admin())),
        token(json!({})),
        token(json!({"auth": {}})).status_only(),
        token(json!({"auth": {"identity": {"methods": ["password"]}}})),
        get("admin", id, "/v3/auth/tokens").header("x-subject-token", "{admin-token}"),
        ask("admin", "HEAD", id, "/v3/auth/tokens").header("x-subject-token", "{admin-token}"),
        get("admin", id, "/v3/auth/tokens").header("x-subject-token", "bogus"),
        get("admin", id, "/v3/auth/tokens"),
        get("reader", id, "/v3/auth/tokens").header("x-subject-token", "{reader-token}"),
        get("reader", id, "/v3/auth/tokens").header("x-subject-token", "{admin-token}"),
        get("bogus-token", id, "/v3/auth/projects"),
        get("", id, "/v3/projects"),
        put("member", id, "/v3/auth/tokens"),
        get("member", id, "/v3/no-such"),
        get("{unscoped}", id, "/v3/auth/projects"),
        get("{unscoped}", id, "/v3/auth/catalog"),
    ]);
    for who in ["admin", "member"] {
        for path in [
            "/v3/auth/projects",
            "/v3/auth/domains",
            "/v3/projects",
            "/v3/projects?name=capi-mgmt",
            "/v3/projects?name=no-such",
            "/v3/projects/{member-project}",
            "/v3/projects/{admin-project}",
            "/v3/projects/no-such",
            "/v3/users?name=capi-user",
            "/v3/users/{member-user}",
            "/v3/users/{admin-user}",
            "/v3/users/no-such",
            "/v3/users/{member-user}/projects",
            "/v3/users/{admin-user}/projects",
            "/v3/domains?name=capi",
            "/v3/domains/default",
            "/v3/domains/no-such",
            "/v3/roles?name=member",
            "/v3/roles?name=load-balancer_member",
            "/v3/roles/no-such",
            "/v3/role_assignments?user.id={member-user}&scope.project.id={member-project}",
            "/v3/role_assignments?user.id={member-user}&scope.project.id={member-project}&include_names=true",
            "/v3/regions",
            "/v3/users/{member-user}/application_credentials?name=contract-1",
            "/v3/users/{admin-user}/application_credentials?name=contract-1",
            "/v3/users/{member-user}/application_credentials/no-such",
        ] {
            steps.push(get(who, id, path).into());
        }
    }
    let credentials = "/v3/users/{member-user}/application_credentials";
    let named = |name: &str, roles: Value| {
        let mut credential = json!({"name": name});
        if !roles.is_null() {
            credential["roles"] = roles;
        }
        json!({"application_credential": credential})
    };
    let member = || json!([{"name": "member"}]);
    let with = |id: &str, secret: &str| {
        let credential = json!({"id": id, "secret": secret});
        json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": credential}}})
    };
    let by_token = |token: &str, scope: Value| json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": scope}});
    let mut scoped = with("{credential}", "{credential-secret}");
    scoped["auth"]["scope"] = admin();
    let by_name = json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": {
        "name": "contract-1", "secret": "{credential-secret}", "user": {"name": "capi-user", "domain": {"name": "capi"}}}}}});
    steps.extend(all([
        post("member", id, "/v3/projects")
            .json(json!({"project": {"name": "contract-p", "domain_id": "default"}})),
        post("admin", id, "/v3/projects")
            .json(json!({"project": {"name": "contract-p", "domain_id": "default"}}))
            .keep("made", "/project/id"),
        post("admin", id, "/v3/projects")
            .json(json!({"project": {"name": "contract-p", "domain_id": "default"}}))
            .status_only(),
        get("admin", id, "/v3/roles?name=reader").silent().keep("reader-role", "/roles/0/id"),
        put("admin", id, "/v3/projects/{made}/users/{member-user}/roles/{reader-role}"),
        get("admin", id, "/v3/role_assignments?user.id={member-user}&scope.project.id={made}"),
        delete("admin", id, "/v3/projects/{made}/users/{member-user}/roles/{reader-role}"),
        delete("admin", id, "/v3/projects/{made}"),
        delete("admin", id, "/v3/projects/{made}"),
        post("member", id, credentials)
            .json(named("contract-1", member()))
            .keep("credential", "/application_credential/id")
            .keep("credential-secret", "/application_credential/secret"),
        post("member", id, credentials).json(named("contract-1", member())),
        post("member", id, credentials).json(named("contract-2", json!([{"name": "admin"}]))),
        post("member", id, credentials).json(json!({"application_credential": {}})).status_only(),
        post("admin", id, credentials).json(named("contract-1", member())),
        post("member", id, "/v3/users/{admin-user}/application_credentials")
            .json(named("contract-1", member())),
        post("member", id, credentials)
            .json(named("contract-3", Value::Null))
            .keep("credential-3", "/application_credential/id"),
        get("member", id, "/v3/users/{member-user}/application_credentials?name=contract-1"),
        get("member", id, "/v3/users/{member-user}/application_credentials/{credential}"),
        token(with("{credential}", "{credential-secret}")).keep("credential-token", "header:x-subject-token"),
        token(with("{credential}", "wrong")),
        token(with("no-such", "wrong")),
        token(by_name),
        token(scoped),
        post("{credential-token}", id, credentials).json(named("contract-4", Value::Null)),
        token(by_token("{capi-mgmt-token}", admin())),
        token(by_token("bogus", admin())),
        delete("member", id, "/v3/users/{member-user}/application_credentials/{credential}"),
        delete("member", id, "/v3/users/{member-user}/application_credentials/{credential}"),
        delete("member", id, "/v3/users/{member-user}/application_credentials/{credential-3}"),
        get("{credential-token}", id, "/v3/auth/projects"),
        token(password("capi-user", "capi", "secret", Value::Null))
            .silent()
            .keep("revoked", "header:x-subject-token"),
        delete("{revoked}", id, "/v3/auth/tokens").header("x-subject-token", "{revoked}"),
        get("{revoked}", id, "/v3/auth/projects"),
        get("admin", id, "/v3/services?name=nova"),
        get("member", id, "/v3/services"),
        get("admin", id, "/v3/endpoints?interface=public"),
        get("member", id, "/v3/endpoints"),
        get("member", id, "/v3/auth/catalog"),
    ]));
    steps
}
