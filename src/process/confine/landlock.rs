//! Landlock: the second wall behind the mounts. It also keeps the program from signalling, tracing
//! and reaching the abstract sockets of whoever is not confined with it.

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

use super::Confinement;

/// What is asked for; an older kernel gives what it has, from the first version on.
const WANTED: ABI = ABI::V6;

pub(super) fn restrict(to: &Confinement) -> Result<(), String> {
    let status = ruleset(to)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|e| format!("Landlock: {e}"))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("Landlock is not in force: the kernel has none, or it is off".to_owned());
    }
    Ok(())
}

fn ruleset(to: &Confinement) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::from_read(WANTED);
    let devices = read | AccessFs::WriteFile | AccessFs::IoctlDev;
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .scope(BitFlags::<Scope>::all())?
        .create()?
        .set_compatibility(CompatLevel::BestEffort)
        .add_rules(path_beneath_rules(&to.read, read))?
        .add_rules(path_beneath_rules([&to.devices], devices))?
        .add_rules(path_beneath_rules(&to.write, AccessFs::from_all(WANTED)))
}
