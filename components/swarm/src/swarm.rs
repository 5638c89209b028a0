//! Swarms: made, found, listed, scaled.

use crate::bindings::swarm::{AgentGroup as AgentGroupConfig, Swarm, SwarmConfig, SwarmPage};
use crate::bindings::types::{Error, PageRequest};
use crate::config::{self, AGENTS_MAX};
use crate::convert;
use crate::error::{contended, idempotency_conflict, internal, invalid, missing, parse_id};
use crate::event::{AgentGroup, SwarmCreated, SwarmScaled};
use crate::page::Page;
use crate::store::{self, ATTEMPTS_MAX};
use swarm_flow_state::{Database, Head, Id, Kind, NewEvent, now_ms};

const LIST: &str = "swarms";

/// Makes a swarm of workspaces that exist. Whether they are started is asked when a run is submitted.
pub fn create(database: &impl Database, config: SwarmConfig) -> Result<Swarm, Error> {
    let key = config.idempotency_key.clone();
    let shipped = |group: &AgentGroupConfig| group.kind == config::SHIPPED;
    let added = if config.agents.iter().all(shipped) {
        Vec::new()
    } else {
        store::added_agents(database, now_ms()).map_err(internal)?
    };
    let created = config::swarm(config, &added)?;
    for workspace in store::workspaces(database, &created.workspaces).map_err(internal)? {
        if workspace.started.is_none() {
            return Err(missing(Kind::Workspace.name(), workspace.id));
        }
    }
    let id = Id::new(Kind::Swarm, key.as_deref());
    let event = NewEvent::new("swarm.created", &created).map_err(internal)?;
    let appended = store::append(
        database,
        id.as_str(),
        &Head::default(),
        &[event],
        "user",
        now_ms(),
    )?;
    if appended.is_none() {
        let first: Option<SwarmCreated> =
            store::first_payload(database, id.as_str()).map_err(internal)?;
        if first.as_ref() != Some(&created) {
            return Err(idempotency_conflict());
        }
    }
    find(database, &id)
}

pub fn get(database: &impl Database, swarm_id: &str) -> Result<Swarm, Error> {
    find(database, &parse_id(Kind::Swarm, "id", swarm_id)?)
}

/// In order of creation.
pub fn list(database: &impl Database, page: PageRequest) -> Result<SwarmPage, Error> {
    let page = Page::of(LIST, page)?;
    let found = store::swarms_after(database, page.after()?, page.wanted());
    let (found, next) = page.cut(found.map_err(internal)?, |found| found.position);
    Ok(SwarmPage {
        items: found.into_iter().map(convert::swarm).collect(),
        next,
    })
}

/// Sets the number of agents. What is leased goes on; with fewer agents the next lease waits.
pub fn scale(database: &impl Database, swarm_id: &str, target_size: u32) -> Result<Swarm, Error> {
    let id = parse_id(Kind::Swarm, "id", swarm_id)?;
    for _ in 0..ATTEMPTS_MAX {
        let swarm = store::swarm(database, id.as_str()).map_err(internal)?;
        let Some(swarm) = swarm else {
            return Err(missing(Kind::Swarm.name(), id.into_string()));
        };
        let least = u32::try_from(swarm.agents.len()).unwrap_or(AGENTS_MAX);
        if !(least..=AGENTS_MAX).contains(&target_size) {
            let message =
                format!("is {target_size}, must be {least} (one for each group) to {AGENTS_MAX}");
            return Err(invalid("target_size", message));
        }
        let agents = proportional(&swarm.agents, target_size);
        if agents == swarm.agents {
            return Ok(convert::swarm(swarm));
        }
        let event = NewEvent::new("swarm.scaled", &SwarmScaled { agents }).map_err(internal)?;
        if store::append(
            database,
            id.as_str(),
            &swarm.head,
            &[event],
            "user",
            now_ms(),
        )?
        .is_some()
        {
            return find(database, &id);
        }
    }
    Err(contended())
}

fn find(database: &impl Database, id: &Id) -> Result<Swarm, Error> {
    let found = store::swarm(database, id.as_str()).map_err(internal)?;
    found
        .map(convert::swarm)
        .ok_or_else(|| missing(Kind::Swarm.name(), id.as_str()))
}

/// Shares a number of agents among groups as they were shared before, at least one each. What does not
/// divide goes to the largest remainders; the first of equals wins.
fn proportional(groups: &[AgentGroup], target: u32) -> Vec<AgentGroup> {
    let before: u64 = groups
        .iter()
        .map(|group| u64::from(group.count))
        .sum::<u64>()
        .max(1);
    let exact = |group: &AgentGroup| u64::from(group.count) * u64::from(target);
    let mut counts: Vec<u64> = groups
        .iter()
        .map(|group| (exact(group) / before).max(1))
        .collect();
    let mut by_remainder: Vec<usize> = (0..groups.len()).collect();
    by_remainder.sort_by_key(|index| {
        std::cmp::Reverse(groups.get(*index).map_or(0, |group| exact(group) % before))
    });
    let mut shared: u64 = counts.iter().sum();
    for index in by_remainder.iter().cycle().take(target as usize) {
        if shared >= u64::from(target) {
            break;
        }
        if let Some(count) = counts.get_mut(*index) {
            *count += 1;
            shared += 1;
        }
    }
    // The groups that were raised to one took from the largest.
    while shared > u64::from(target) {
        match counts.iter_mut().max() {
            Some(count) if *count > 1 => *count -= 1,
            _ => break,
        }
        shared -= 1;
    }
    groups
        .iter()
        .zip(counts)
        .map(|(group, count)| AgentGroup {
            kind: group.kind.clone(),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            retry: group.retry,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_shared_in_proportion_and_no_group_is_emptied() {
        for (counts, target, expected) in [
            (vec![2], 5, vec![5]),
            (vec![1, 1], 2, vec![1, 1]),
            (vec![1, 1], 3, vec![2, 1]),
            (vec![3, 1], 8, vec![6, 2]),
            (vec![3, 1], 2, vec![1, 1]),
            (vec![998, 1, 1], 3, vec![1, 1, 1]),
            (vec![998, 1, 1], 10, vec![8, 1, 1]),
            (vec![1, 2, 4], 10, vec![1, 3, 6]),
            (vec![1; 64], 1000, [vec![16; 40], vec![15; 24]].concat()),
        ] {
            let group = |count: &u32| AgentGroup {
                kind: "script".to_owned(),
                count: *count,
                retry: None,
            };
            let groups: Vec<_> = counts.iter().map(group).collect();
            let shared: Vec<u32> = proportional(&groups, target)
                .iter()
                .map(|group| group.count)
                .collect();
            assert_eq!(shared, expected, "{counts:?} to {target}");
            assert_eq!(shared.iter().sum::<u32>(), target);
        }
    }
}
