//! The certificate authority of a cluster, which signs for whoever made the cluster.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

use super::clusters::find;
use super::{Cluster, links};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, get, patch, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;

pub(super) const ROUTES: &[Route] = &[
    get("/v1/certificates/{}", Rule::Token, "certificate:get", show),
    post("/v1/certificates", Rule::Token, "certificate:create", sign),
    patch("/v1/certificates/{}", Rule::Member, "certificate:rotate_ca", rotate),
];

const DAY: Duration = Duration::from_secs(24 * 3600);
/// `[x509] term_of_validity`.
const TERM: Duration = Duration::from_secs(5 * 365 * 24 * 3600);

/// A certificate authority. Its key is random: no seed decides it.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A time as rcgen takes it.
fn moment(at: Timestamp) -> std::time::SystemTime {
    at.into()
}

impl Authority {
    /// Makes one, valid from yesterday on.
    pub(super) fn make(name: &str, now: Timestamp) -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = moment(now - DAY).into();
        params.not_after = moment(now + TERM).into();
        let key = KeyPair::generate().map_err(|e| e.to_string())?;
        let pem = params.self_signed(&key).map_err(|e| e.to_string())?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// Signs a request. Whoever it is for is taken from it, as Magnum does.
    pub(crate) fn sign(&self, request: &str, now: Timestamp) -> Result<String, String> {
        let mut request = CertificateSigningRequestParams::from_pem(request).map_err(|e| e.to_string())?;
        request.params.not_before = moment(now - DAY).into();
        request.params.not_after = moment(now + TERM).into();
        request.signed_by(&self.issuer).map(|certificate| certificate.pem()).map_err(|e| e.to_string())
    }
}

/// The cluster of an id in the token's own project; an administrator of another one does not find it.
fn own<'c>(
    call: &'c Call<'_>,
    ident: &str,
    policy: &'static str,
    rule: Rule,
) -> Result<&'c Cluster, Refusal> {
    let cluster = find(call, ident)?;
    if *cluster.project != *call.who.project {
        return Err(Refusal::said(404, format!("Cluster {ident} could not be found.")));
    }
    let allowed = call.who.is_admin() || (cluster.user == call.who.user && call.who.may(rule));
    call.allow(allowed, policy)?;
    Ok(cluster)
}

fn body(call: &Call<'_>, cluster: &Id) -> Value {
    json!({"cluster_uuid": &**cluster, "links": links(&call.request.base, &format!("certificates/{cluster}"))})
}

fn show(call: &mut Call<'_>) -> Outcome {
    let cluster = own(call, call.param(0), "certificate:get", Rule::Reader)?;
    let mut shown = body(call, &cluster.id);
    shown["pem"] = cluster.authority.pem.as_str().into();
    Ok(Answer::json(200, shown))
}

fn sign(call: &mut Call<'_>) -> Outcome {
    let ident = call.member("cluster_uuid").and_then(Value::as_str);
    let ident = ident.ok_or_else(|| Refusal::said(500, "Cannot convert Unset to primitive"))?;
    let cluster = own(call, ident, "certificate:create", Rule::Member)?;
    let csr = call.member("csr").and_then(Value::as_str).unwrap_or_default();
    let signed = cluster.authority.sign(csr, call.world.now());
    let pem = signed.map_err(|_| Refusal::said(400, format!("Received invalid csr b'{csr}'.")))?;
    let mut shown = body(call, &cluster.id);
    shown["csr"] = csr.into();
    shown["pem"] = pem.into();
    Ok(Answer::json(201, shown))
}

fn rotate(call: &mut Call<'_>) -> Outcome {
    let id = own(call, call.param(0), "certificate:rotate_ca", Rule::Member)?.id.clone();
    let now = call.world.now();
    if let Some(cluster) = call.world.magnum.clusters.get_mut(&id) {
        cluster.authority = Authority::make(&cluster.name, now).map_err(|e| Refusal::said(500, e))?;
    }
    Ok(Answer::empty(202))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_authority_signs_is_for_whom_the_request_names() {
        let now = Timestamp::now();
        let authority = Authority::make("c1", now).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "admin");
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        let key = KeyPair::generate().unwrap();
        let csr = params.serialize_request(&key).unwrap().pem().unwrap();
        let pem = authority.sign(&csr, now).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && pem != authority.pem);
        assert!(authority.sign("bad", now).is_err());
    }
}
