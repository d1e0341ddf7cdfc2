//! Many calls through the deployed hooks: some confinements at once, each for many calls, and no call
//! twice that has an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::hooks::{Answer, SLOW, event, no_answer};
use super::known::{Known, Sample};
use super::own;
use super::runner::{self, CHUNK, Said, Task};
use super::settings::Settings;
use crate::prove::committed::width;
use crate::prove::probe::ProbeContext;

/// Runners that may be lost before the rest is given up.
const LOST: usize = 4;

/// A call as hooks are asked about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) tool: String,
    pub(crate) input: Value,
    /// Where it was made; empty: the home directory.
    pub(crate) cwd: String,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) answer: Answer,
    /// No process was started for it: answers that are known for the same hooks, or the guard that is
    /// part of this program.
    pub(crate) reused: bool,
}

/// How hooks are asked.
pub(crate) struct Asking<'a> {
    pub(crate) context: &'a ProbeContext,
    pub(crate) settings: &'a Settings,
    /// Answers of earlier times.
    pub(crate) known: &'a Known,
    /// A measure of the hooks as they are deployed: these calls are asked whatever is known, this
    /// program's own guard is run as any other, and a hook that fails is seen whatever a rule says.
    pub(crate) sample: Option<Sample>,
    /// What is not begun by then is not run.
    pub(crate) until: Option<Instant>,
    pub(crate) cancel: &'a CancellationToken,
}

/// What all calls came to.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// One for each call; `None`: not run.
    pub(crate) judged: Vec<Option<Judged>>,
    /// How long each hook took, in milliseconds, for each time it ran.
    pub(crate) times: BTreeMap<String, Vec<u64>>,
}

/// A call that is not answered yet.
struct Open {
    at: usize,
    hooks: Vec<String>,
    /// A permission rule stands in its way.
    stopped: bool,
    /// A hook denies it whose answer is known.
    denied: bool,
}

impl Asking<'_> {
    /// Asks about every call.
    pub(crate) async fn ask(&self, questions: &[Question]) -> Answers {
        let mut answers = Answers {
            judged: vec![None; questions.len()],
            times: BTreeMap::new(),
        };
        let mut open = self.answered_before(questions, &mut answers.judged).await;
        let mut hung: BTreeSet<String> = BTreeSet::new();
        let mut lost = 0;
        let mut running = JoinSet::new();
        loop {
            while running.len() < width() && !open.is_empty() && !self.is_over() && lost < LOST {
                let chunk = open.split_off(open.len() - CHUNK.min(open.len()));
                running.spawn(self.start(questions, chunk, &hung));
            }
            let Some(done) = running.join_next().await else {
                break;
            };
            let Ok((chunk, told)) = done else {
                lost += 1;
                continue;
            };
            let whole = told.len() == chunk.len();
            let mut left = Vec::new();
            for one in chunk {
                match told.get(&one.at) {
                    Some(said) => {
                        self.take(&questions[one.at], &one, said, &mut answers, &mut hung);
                    }
                    None => left.push(one),
                }
            }
            if !whole && !self.is_over() {
                lost += 1;
                // The one that it was at has ended it, or held it up.
                left.sort_by_key(|one| one.at);
                let first = left.remove(0);
                let why = "it ended what secloop ran it in".to_owned();
                answers.judged[first.at] = Some(Judged {
                    answer: Answer::Broken(why),
                    reused: false,
                });
            }
            open.extend(left);
        }
        self.known.write();
        answers
    }

    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// The calls for which a process has to be started, the last one first.
    async fn answered_before(
        &self,
        questions: &[Question],
        judged: &mut [Option<Judged>],
    ) -> Vec<Open> {
        let home = self.context.home();
        let (own, refusals) = if self.sample.is_some() {
            (BTreeSet::new(), Vec::new())
        } else {
            let own = own::guards(self.settings, self.context);
            let refusals = own::judge(questions, self.settings, &own, home).await;
            (own, refusals)
        };
        let mut open = Vec::new();
        for (at, question) in questions.iter().enumerate() {
            let Question { tool, input, .. } = question;
            let mut hooks = self.settings.commands("PreToolUse", tool);
            let stopped = self.settings.stops(tool, input, home);
            let mut denied = false;
            let asked = self.sample.is_some_and(|sample| sample.has(at));
            if !asked {
                denied |= refusals.get(at) == Some(&true);
                hooks.retain(|hook| !own.contains(hook));
                // In their order: behind the one that denies none is asked.
                hooks.retain(|hook| {
                    let known = self.known.get(hook, question).filter(|_| !denied);
                    let ask = known.is_none() && !denied;
                    denied |= known == Some(Answer::Denied);
                    ask
                });
            }
            let settled = (denied || stopped) && self.sample.is_none();
            if hooks.is_empty() || settled {
                judged[at] = Some(Judged {
                    answer: if denied || stopped {
                        Answer::Denied
                    } else {
                        Answer::Allowed
                    },
                    reused: true,
                });
            } else {
                open.push(Open {
                    at,
                    hooks,
                    stopped,
                    denied,
                });
            }
        }
        open.reverse();
        open
    }

    /// One confinement for some calls.
    fn start(
        &self,
        questions: &[Question],
        chunk: Vec<Open>,
        hung: &BTreeSet<String>,
    ) -> impl Future<Output = (Vec<Open>, BTreeMap<usize, Vec<Said>>)> + Send + use<> {
        let context = self.context.clone();
        let cancel = self.cancel.clone();
        let mut tasks = Vec::new();
        let mut told: BTreeMap<usize, Vec<Said>> = BTreeMap::new();
        for one in chunk.iter().rev() {
            let question = &questions[one.at];
            let hooks: Vec<String> = one
                .hooks
                .iter()
                .filter(|h| !hung.contains(*h))
                .cloned()
                .collect();
            if hooks.is_empty() {
                let said = Said {
                    answer: no_answer(),
                    millis: u64::try_from(SLOW.as_millis()).unwrap_or(u64::MAX),
                };
                told.insert(one.at, vec![said]);
                continue;
            }
            tasks.push(Task {
                id: one.at,
                hooks,
                input: event(&context, "PreToolUse", question).to_string(),
            });
        }
        async move {
            if !tasks.is_empty() {
                told.extend(runner::run(context, tasks, cancel).await);
            }
            (chunk, told)
        }
    }

    fn take(
        &self,
        question: &Question,
        one: &Open,
        said: &[Said],
        answers: &mut Answers,
        hung: &mut BTreeSet<String>,
    ) {
        let mut answer = Answer::Allowed;
        for (hook, said) in one.hooks.iter().zip(said) {
            let times = answers.times.entry(hook.clone()).or_default();
            times.push(said.millis);
            if said.answer == no_answer() {
                hung.insert(hook.clone());
            }
            self.known.put(hook, question, &said.answer);
            if said.answer != Answer::Allowed {
                answer = said.answer.clone();
            }
        }
        if one.denied || answer == Answer::Allowed && one.stopped {
            answer = Answer::Denied;
        }
        answers.judged[one.at] = Some(Judged {
            answer,
            reused: false,
        });
    }
}
