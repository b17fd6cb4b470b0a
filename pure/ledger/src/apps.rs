//! Published apps. Not here: their bytes (whoever runs them fetches those by hash), upgrades.

use crate::apply::{Outcome, Scene};
use crate::event::{Event, Refusal};
use crate::state::App;
use crate::view::{Draft, View};
use sotto_types::{Generation, Manifest};

/// Its owner publishes an app; the first generation runs at once.
pub(crate) fn deploy<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: &[u8; 33],
    manifest: &Manifest,
) -> Outcome {
    if manifest.owner != *sender {
        return Err(Refusal::NotOwner.into());
    }
    let id = manifest.id();
    if draft.get::<App>(&id)?.is_some() {
        return Err(Refusal::Exists("app").into());
    }
    let app =
        App { manifest: manifest.clone(), generation: Generation(1), since: scene.clock.height };
    draft.put(&id, &app)?;
    draft.events.push(Event::Deployed(id));
    Ok(())
}
