//! Generated secrets: said with the plan, saved before the first write.
//!
//! Only what the plan is going to send is saved: a value in the store of `--vars-store` that no server was given would
//! be taken for somebody's password.

use std::collections::BTreeSet;

use super::console::Console;
use crate::error::Error;
use crate::manifest::{Generated, Loaded};
use crate::plan::{BlindSpotWhat, FieldValue, Plan};
use crate::visible;

/// Says what apply will generate.
pub(super) fn announce(plan: &Plan, loaded: &Loaded, console: &Console) {
    let Some(generated) = &loaded.generated else { return };
    let names = needed(plan, generated);
    if !names.is_empty() {
        let names: Vec<String> =
            names.into_iter().map(visible::visible).map(|name| format!("(({name}))")).collect();
        let store = visible::visible(&generated.store.display().to_string());
        console.note(&format!("Will be generated into {store} by apply: {}", names.join(", ")));
    }
}

/// Says which variables of a plan have no value yet: a saved plan cannot have them generated.
pub(super) fn refuse_to_save(plan: &Plan, loaded: &Loaded) -> Result<(), Error> {
    let names = loaded.generated.as_ref().map(|generated| needed(plan, generated)).unwrap_or_default();
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        names.into_iter().map(visible::visible).map(|name| format!("(({name}))")).collect();
    Err(Error::new(format!("a saved plan cannot have variables generated: {}", names.join(", ")))
        .hint("give them values first, or run `uaapply apply -f`, which generates them"))
}

/// Saves what the plan needs.
pub(super) fn save(plan: &Plan, loaded: &Loaded) -> Result<(), Error> {
    match &loaded.generated {
        Some(generated) => generated.save(needed(plan, generated)),
        None => Ok(()),
    }
}

/// The generated variables whose values the plan sends: those of its changes, and client secrets, which apply sets
/// where they do not work.
fn needed<'a>(plan: &'a Plan, generated: &Generated) -> BTreeSet<&'a str> {
    let fields = plan.changes.iter().flat_map(|change| &change.fields).map(|field| &field.after);
    let unseen = plan.blind_spots.iter().filter(|spot| match spot.what {
        BlindSpotWhat::ClientSecret => true,
        BlindSpotWhat::Password | BlindSpotWhat::DefaultGroups | BlindSpotWhat::Origins => false,
    });
    let unseen = unseen.flat_map(|spot| spot.values.values());
    let names = fields.chain(unseen).filter_map(|value| match value {
        FieldValue::Variable { variable } => Some(variable.as_str()),
        FieldValue::None
        | FieldValue::Flag(_)
        | FieldValue::Number(_)
        | FieldValue::Text(_)
        | FieldValue::List(_)
        | FieldValue::Json { .. } => None,
    });
    names.filter(|name| generated.values.contains_key(*name)).collect()
}
