//! Money that the rows of the transcripts don't show: Claude Code's own totals of sessions
//! (`cost-state`), and what the supervisor's own runs cost by their own account. Of two accounts
//! of the same session the higher one is taken, never their sum.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::OwnRun;
use super::call::Call;
use super::prices::PriceTable;
use super::tally::Tally;
use super::usage::Nanos;
use super::window::Window;

/// Money of the day beyond the rows.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// By session; the empty name holds runs that have no session.
    pub(super) sessions: BTreeMap<Arc<str>, Nanos>,
    /// Own runs that ended after the day, and so in the future if the day is today.
    pub(super) later: Nanos,
}

/// What one session's rows come to.
#[derive(Debug, Default, Clone, Copy)]
struct Rows {
    all: Nanos,
    on_day: Nanos,
    /// On the day before: a run that crosses midnight is booked whole when it ends.
    day_before: Nanos,
    later: Nanos,
    first: Option<DateTime<Utc>>,
}

/// Computes what lies beyond the rows.
pub(super) fn beyond(tally: &Tally, own: &[OwnRun], day: Window, table: &PriceTable) -> Beyond {
    let mut result = Beyond::default();
    if own.is_empty() && tally.states.is_empty() {
        return result;
    }
    let families = Families::of(tally);
    let rows = sum_rows(tally, own, &families, day, table);
    let own_extra = own_beyond(own, &rows, day, &mut result.later);
    let state_extra = states_beyond(tally, &rows, &families, day);

    // One family of forks, one extra: the higher of the two accounts.
    let mut booked: HashMap<Arc<str>, Nanos> = HashMap::new();
    for (session, extra) in own_extra {
        if !session.is_empty() {
            *booked.entry(families.head(&session)).or_default() += extra;
        }
        *result.sessions.entry(session).or_default() += extra;
    }
    for (session, extra) in state_extra {
        let own = booked.get(&families.head(&session)).copied().unwrap_or(0);
        *result.sessions.entry(session).or_default() += extra.saturating_sub(own);
    }
    result.sessions.retain(|_, extra| *extra > 0);
    result
}

/// Sums the rows of the sessions that another account exists of, copies included.
fn sum_rows(
    tally: &Tally,
    own: &[OwnRun],
    families: &Families,
    day: Window,
    table: &PriceTable,
) -> HashMap<Arc<str>, Rows> {
    let yesterday = day.start - TimeDelta::days(1);
    let stated: std::collections::HashSet<Arc<str>> = tally
        .states
        .iter()
        .map(|s| families.head(&s.session))
        .collect();
    let ours: std::collections::HashSet<&str> =
        own.iter().filter_map(|r| r.session.as_deref()).collect();
    let mut rows: HashMap<Arc<str>, Rows> = HashMap::new();
    for call in tally.calls.values() {
        let wanted = |s: &Arc<str>| ours.contains(&**s) || stated.contains(&families.head(s));
        if !call.sessions.iter().any(wanted) {
            continue;
        }
        let cost = call.usage.price(&call.model, call.at, table).cost;
        for session in &call.sessions {
            let sum = rows.entry(Arc::clone(session)).or_default();
            sum.all += cost;
            sum.first = Some(sum.first.map_or(call.at, |f| f.min(call.at)));
            if day.holds(call.at) {
                sum.on_day += cost;
            } else if call.at >= day.end {
                sum.later += cost;
            } else if call.at >= yesterday {
                sum.day_before += cost;
            }
        }
    }
    rows
}

fn own_beyond(
    own: &[OwnRun],
    rows: &HashMap<Arc<str>, Rows>,
    day: Window,
    later: &mut Nanos,
) -> Vec<(Arc<str>, Nanos)> {
    #[derive(Default)]
    struct Booked {
        before: Nanos,
        on_day: Nanos,
        later: Nanos,
    }
    let mut sessions: BTreeMap<&str, Booked> = BTreeMap::new();
    for run in own {
        let booked = sessions
            .entry(run.session.as_deref().unwrap_or_default())
            .or_default();
        let cost = Nanos::from(run.cost.0) * 1_000;
        if day.holds(run.finished) {
            booked.on_day += cost;
        } else if run.finished < day.start {
            booked.before += cost;
        } else {
            booked.later += cost;
        }
    }
    let mut extra = Vec::new();
    for (session, booked) in sessions {
        let seen = if session.is_empty() {
            Rows::default()
        } else {
            rows.get(session).copied().unwrap_or_default()
        };
        // Rows of the day before that no earlier run accounts for belong to a run that ended today.
        let carried = seen.day_before.saturating_sub(booked.before);
        let here = booked.on_day.saturating_sub(seen.on_day + carried);
        *later += booked.later.saturating_sub(seen.later);
        extra.push((Arc::from(session), here));
    }
    extra
}

/// A session's own total counts on the day on which it, and all it was forked from, began: without
/// a record of earlier looks nobody knows on which day an older session's total grew.
fn states_beyond(
    tally: &Tally,
    rows: &HashMap<Arc<str>, Rows>,
    families: &Families,
    day: Window,
) -> Vec<(Arc<str>, Nanos)> {
    let mut first: HashMap<Arc<str>, DateTime<Utc>> = HashMap::new();
    let began = rows.iter().filter_map(|(s, r)| Some((s, r.first?))).chain(
        tally
            .states
            .iter()
            .filter_map(|s| Some((&s.session, s.began?))),
    );
    let began = began.chain(tally.firsts.iter().map(|(session, at)| (session, *at)));
    for (session, at) in began {
        let first = first.entry(families.head(session)).or_insert(at);
        *first = (*first).min(at);
    }
    let mut extra: BTreeMap<Arc<str>, (Nanos, Arc<str>)> = BTreeMap::new();
    for state in &tally.states {
        let head = families.head(&state.session);
        let today = first
            .get(&head)
            .map_or(state.maybe_today, |at| day.holds(*at));
        if today {
            let seen = rows.get(&state.session).map_or(0, |r| r.all);
            let more = (state.total.saturating_sub(seen), Arc::clone(&state.session));
            let most = extra.entry(head).or_insert_with(|| more.clone());
            if more.0 > most.0 || (more.0 == most.0 && more.1 < most.1) {
                *most = more;
            }
        }
    }
    extra.into_values().map(|(cost, s)| (s, cost)).collect()
}

/// Sessions that share calls: a session and its forks. Their totals include each other's.
struct Families(HashMap<Arc<str>, Arc<str>>);

impl Families {
    fn of(tally: &Tally) -> Self {
        let mut families = Self(HashMap::new());
        for Call { sessions, .. } in tally.calls.values() {
            for pair in sessions.windows(2) {
                if let [a, b] = pair {
                    families.join(a, b);
                }
            }
        }
        for (a, b) in &tally.forks {
            families.join(a, b);
        }
        families
    }

    /// The family's smallest name, so that the order of joining can't matter.
    fn head(&self, session: &Arc<str>) -> Arc<str> {
        let mut at = session;
        while let Some(up) = self.0.get(at) {
            at = up;
        }
        Arc::clone(at)
    }

    fn join(&mut self, a: &Arc<str>, b: &Arc<str>) {
        let (a, b) = (self.head(a), self.head(b));
        if a < b {
            self.0.insert(b, a);
        } else if b < a {
            self.0.insert(a, b);
        }
    }
}
