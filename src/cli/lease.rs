//! The Lease that keeps runs of several machines apart, held for the time of one run.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::base::{Error, ErrorKind, Result};
use crate::run::Cancel;
use crate::run::lock::Holder;
use crate::site::{Lock, Site};
use crate::systems::kubernetes::{LEASE, Lease};

/// A Lease that is renewed until this is dropped, and released then.
pub(super) struct Held {
    runtime: Handle,
    over: Option<oneshot::Sender<()>>,
    renewing: Option<JoinHandle<()>>,
}

impl Held {
    /// Takes the site's Lease, where the site asks for one. A run whose Lease is lost is ended as by Ctrl-C, and `say` tells.
    pub(super) fn take(
        site: &Site,
        holder: &Holder,
        runtime: &Handle,
        cancel: &Cancel,
        say: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Option<Held>> {
        let Lock::Lease { kube, namespace, name } = &site.run.lock else { return Ok(None) };
        let who = format!("{} run {} process {}", holder.by, holder.run, holder.pid);
        let lease = runtime.block_on(async {
            let kube = site.cluster(kube, None).await?;
            kube.lease(namespace, name, &who, Timestamp::now()).await
        })?;
        let (over, ended) = oneshot::channel();
        let renewing = runtime.spawn(renew(lease, ended, cancel.clone(), Arc::new(say)));
        Ok(Some(Held { runtime: runtime.clone(), over: Some(over), renewing: Some(renewing) }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(renewing) = self.renewing.take() {
            let _ = self.runtime.block_on(renewing);
        }
    }
}

async fn renew(
    mut lease: Lease,
    mut ended: oneshot::Receiver<()>,
    cancel: Cancel,
    say: Arc<dyn Fn(&str) + Send + Sync>,
) {
    let mut missed: u32 = 0;
    loop {
        tokio::select! {
            _ = &mut ended => break,
            () = tokio::time::sleep(LEASE / 3) => {}
        }
        match lease.renew(Timestamp::now()).await {
            Ok(()) => missed = 0,
            // it counts for twice its time: others wait that long before they take it over
            Err(e) if missed < 4 && e.kind() != ErrorKind::Locked => missed += 1,
            Err(e) => {
                say(&format!("the Lease is lost: {}", lost(&e)));
                cancel.interrupt();
                return;
            }
        }
    }
    let _ = lease.release().await; // else it ends by itself
}

fn lost(error: &Error) -> &str {
    &error.detail().what
}
