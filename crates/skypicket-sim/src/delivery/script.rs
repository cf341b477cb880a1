//! [`Plan`]: what happens to the simulated world and when, made from a seed or written by hand.

use crate::{delivery::Planted, rng::Rng};
use skypicket_model::{Channel, Level};

/// One run: the same plan gives the same run, to the last entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What every chance in it comes from.
    pub seed: u64,
    /// What happens, in order of time.
    pub steps: Vec<Step>,
    /// Seconds from the beginning until everything is mended.
    pub lasts_s: f64,
    /// Seconds after that in which things may come to rest.
    pub settles_s: f64,
    /// A crash at one commit, beside those of the steps.
    pub crash: Option<CrashAt>,
    /// A fault that was planted into the wiring.
    pub planted: Option<Planted>,
    /// Bulletins have checklists, and people tick what they have done. (Without it a run is what it was before there were
    /// any: what was found once is found again.)
    pub checklists: bool,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Seconds from the beginning.
    pub at_s: f64,
    /// What.
    pub what: Doing,
}

/// A crash at a commit boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    /// Which commit, from 0.
    pub commit: u64,
    /// Where in it.
    pub point: Point,
}

/// Where in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// It is not durable.
    Before,
    /// It is durable, and nothing of it left.
    After,
    /// Half of its messages left.
    MidSend,
    /// All of it left; nothing that came of it was recorded.
    AfterSend,
}

impl Point {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Before, Self::After, Self::MidSend, Self::AfterSend];
}

/// What a provider does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes it and hands it on; says so later, mostly.
    Fair,
    /// The same, but says what came of it long after anybody waited for it.
    Slow,
    /// Takes nothing, and says so.
    Failing,
    /// Takes nothing for good.
    Refusing,
    /// The connection breaks: half of it gets through.
    Breaking,
    /// Says that it took it, and drops it.
    Dropping,
    /// Says that it took it, and then that it failed; half of it gets through.
    TakesBack,
    /// Says that it failed; it gets through.
    Denies,
    /// Hands it on twice, and says everything three times, in any order.
    Doubling,
    /// Says that the person has it; they have not.
    Lying,
}

impl Manner {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Fair,
        Self::Slow,
        Self::Failing,
        Self::Refusing,
        Self::Breaking,
        Self::Dropping,
        Self::TakesBack,
        Self::Denies,
        Self::Doubling,
        Self::Lying,
    ];
}

/// What can happen. People are numbered in the order of their ids, beginning anew after the last.
#[derive(Debug, Clone, PartialEq)]
pub enum Doing {
    /// A drone comes near somebody or something, or its danger has another level.
    Near {
        /// Which drone.
        drone: u32,
        /// Whom: a person, or beyond the last a site.
        whom: usize,
        /// How bad.
        level: Level,
    },
    /// A drone is gone.
    Gone {
        /// Which.
        drone: u32,
    },
    /// A bulletin is proposed, and approved soon after.
    Issue {
        /// Which.
        bulletin: u32,
        /// To whom, as one of a few rules.
        audience: u8,
        /// Who may see it, as one of a few markings.
        marking: u8,
        /// How urgent.
        level: Level,
        /// How long it is in force.
        lasts_s: f64,
        /// People must acknowledge it.
        needs_ack: bool,
        /// One person breaks the glass.
        alone: bool,
    },
    /// A newer version of a bulletin is proposed, and approved soon after.
    Correct {
        /// Which.
        bulletin: u32,
        /// To whom now.
        audience: u8,
        /// How urgent now.
        level: Level,
        /// People must acknowledge it.
        needs_ack: bool,
    },
    /// A bulletin is recalled.
    Recall {
        /// Which.
        bulletin: u32,
    },
    /// A person's machines have no way to the centre.
    Cut {
        /// Whose.
        person: usize,
        /// How long.
        for_s: f64,
    },
    /// A provider behaves like this.
    Provider {
        /// Of which channel.
        channel: Channel,
        /// How.
        manner: Manner,
        /// How long.
        for_s: f64,
    },
    /// The centre's way to a provider is down, and it knows.
    Away {
        /// Of which channel.
        channel: Channel,
        /// How long.
        for_s: f64,
    },
    /// The centre is killed.
    Crash {
        /// Until it starts again.
        down_s: f64,
        /// Of the commits that wait, so many become durable nevertheless.
        durable: usize,
    },
    /// The centre is killed in the middle of a commit to come.
    CrashInCommit {
        /// So many commits later.
        later: u64,
        /// Where in it.
        point: Point,
    },
    /// The record is backed up.
    Backup,
    /// The centre's disk is lost; the newest backup takes its place.
    Restore {
        /// Until it starts again.
        down_s: f64,
    },
    /// The centre's clock is set forward.
    ClockForward {
        /// By how much.
        by_s: f64,
    },
    /// Each commit takes so long.
    SlowDisk {
        /// Each.
        each_s: f64,
        /// How long this goes on.
        for_s: f64,
    },
    /// Another policy is in force.
    Policy {
        /// Which of a few.
        which: u8,
    },
    /// A person is shut out, and let in again later.
    Disable {
        /// Who.
        person: usize,
        /// How long.
        for_s: f64,
    },
    /// A person belongs to another unit.
    Move {
        /// Who.
        person: usize,
        /// Which, in the order of their ids.
        unit: usize,
    },
    /// A unit's first leader becomes its last.
    Leaders {
        /// Which unit.
        unit: usize,
    },
    /// A person's first channel becomes their last.
    Channels {
        /// Whose.
        person: usize,
    },
    /// A phone's push subscription ends, and begins anew later.
    Unsubscribe {
        /// Whose.
        person: usize,
        /// How long.
        for_s: f64,
    },
    /// A person asks for no more short messages, and for them again later.
    Stop {
        /// Who.
        person: usize,
        /// How long.
        for_s: f64,
    },
    /// Somebody sends receipts, acknowledgements and results that are not theirs to send.
    Forge {
        /// Who.
        person: usize,
    },
    /// A watch officer calls everybody who is silent.
    CallRound,
}

/// Until nothing is on its way any more: an advisory bulletin asks for two hours before its first leader is told, then a
/// quarter of an hour for each further one, and each of them may have mail as their only channel.
const SETTLES_S: f64 = 14_400.0;

impl Plan {
    /// A run of so many hours.
    pub fn of(seed: u64, hours: f64) -> Self {
        let lasts_s = hours * 3_600.0;
        let mut rng = Rng::at(seed, 1, 0);
        // Some worlds are calm and some are wild: a rare meeting of two things needs both.
        let each_s = rng.between(40.0, 400.0);
        let crashes = rng.unit() < 0.7;
        let restores = rng.unit() < 0.25;
        let (mut at, mut steps) = (rng.between(0.0, 60.0), Vec::new());
        let (mut drones, mut bulletins) = (0, 0);
        while at < lasts_s && steps.len() < 2_000 {
            let what = any(&mut rng, &mut drones, &mut bulletins);
            let skip = match what {
                Doing::Crash { .. } | Doing::CrashInCommit { .. } => !crashes,
                Doing::Restore { .. } => !restores,
                _ => false,
            };
            if !skip {
                let slow = matches!(what, Doing::SlowDisk { .. });
                let whom = match what {
                    Doing::Near { whom, .. } => Some(whom),
                    _ => None,
                };
                steps.push(Step { at_s: at, what });
                // A line that breaks while the message or its receipt is on it.
                if let Some(person) = whom.filter(|_| rng.chance(0.4)) {
                    at += rng.between(0.02, 1.5);
                    let for_s = if rng.chance(0.7) { rng.between(0.2, 20.0) } else { spell(&mut rng) };
                    steps.push(Step { at_s: at, what: Doing::Cut { person, for_s } });
                    // And meanwhile it changes.
                    if rng.chance(0.5) {
                        let level = one_of(&mut rng, &[Level::Advisory, Level::Urgent], Level::Urgent);
                        steps.push(Step { at_s: at + 0.1, what: Doing::Near { drone: drones, whom: person, level } });
                    }
                }
                // Warnings that left before they were durable, and then never became so.
                if slow && crashes && rng.chance(0.5) {
                    for (in_s, level) in [(0.3, Level::Urgent), (0.4, Level::Caution)] {
                        drones += 1;
                        let whom = usize::try_from(below(&mut rng, 18)).unwrap_or(0);
                        steps.push(Step { at_s: at + in_s, what: Doing::Near { drone: drones, whom, level } });
                    }
                    at += rng.between(0.5, 3.0);
                    steps.push(Step { at_s: at, what: Doing::Crash { down_s: rng.between(0.5, 30.0), durable: 0 } });
                }
            }
            // In bursts: half of what happens happens right after something else.
            at += if rng.chance(0.5) { rng.between(0.0, 8.0) } else { -libm::log(1.0 - rng.unit()) * 2.0 * each_s };
        }
        Self { seed, steps, lasts_s, settles_s: SETTLES_S, crash: None, planted: None, checklists: true }
    }

    /// The same with nothing to tick.
    #[must_use]
    pub fn without_checklists(self) -> Self {
        Self { checklists: false, ..self }
    }

    /// The same with a fault planted.
    #[must_use]
    pub fn with(self, planted: Planted) -> Self {
        Self { planted: Some(planted), ..self }
    }
}

fn below(rng: &mut Rng, n: u64) -> u64 {
    rng.next() % n.max(1)
}

fn one_of<T: Copy>(rng: &mut Rng, all: &[T], otherwise: T) -> T {
    let k = usize::try_from(below(rng, all.len() as u64)).unwrap_or(0);
    all.get(k).copied().unwrap_or(otherwise)
}

/// How long something goes on: mostly seconds to minutes, at times days.
fn spell(rng: &mut Rng) -> f64 {
    match below(rng, 20) {
        0 => rng.between(86_400.0, 3.0 * 86_400.0),
        1..=3 => rng.between(1_800.0, 10_000.0),
        4..=9 => rng.between(60.0, 900.0),
        _ => rng.between(0.2, 45.0),
    }
}

fn any(rng: &mut Rng, drones: &mut u32, bulletins: &mut u32) -> Doing {
    const LEVELS: [Level; 3] = [Level::Advisory, Level::Caution, Level::Urgent];
    const PROVIDERS: [Channel; 5] = [Channel::Push, Channel::Mail, Channel::Sms, Channel::Webhook, Channel::Relay];
    let level = one_of(rng, &LEVELS, Level::Urgent);
    let person = usize::try_from(below(rng, 16)).unwrap_or(0);
    let byte = |rng: &mut Rng| u8::try_from(below(rng, 256)).unwrap_or(0);
    let older = |rng: &mut Rng, n: u32| n.saturating_sub(u32::try_from(below(rng, 3)).unwrap_or(0));
    match below(rng, 100) {
        0..10 => {
            *drones += 1;
            Doing::Near { drone: *drones, whom: usize::try_from(below(rng, 18)).unwrap_or(0), level }
        }
        10..17 => Doing::Near { drone: older(rng, *drones), whom: 0, level },
        17..23 => Doing::Gone { drone: older(rng, *drones) },
        23..31 => {
            *bulletins += 1;
            let lasts_s = if rng.chance(0.4) { rng.between(30.0, 900.0) } else { rng.between(1_800.0, 90_000.0) };
            Doing::Issue {
                bulletin: *bulletins,
                audience: byte(rng),
                marking: byte(rng),
                level,
                lasts_s,
                needs_ack: rng.chance(0.7),
                alone: rng.chance(0.3),
            }
        }
        31..37 => {
            Doing::Correct { bulletin: older(rng, *bulletins), audience: byte(rng), level, needs_ack: rng.chance(0.6) }
        }
        37..42 => Doing::Recall { bulletin: older(rng, *bulletins) },
        42..56 => Doing::Cut { person, for_s: spell(rng) },
        56..66 => Doing::Provider {
            channel: one_of(rng, &PROVIDERS, Channel::Sms),
            manner: one_of(rng, &Manner::ALL, Manner::Fair),
            for_s: spell(rng),
        },
        66..70 => Doing::Away { channel: one_of(rng, &PROVIDERS[1..], Channel::Mail), for_s: spell(rng) },
        70..73 => Doing::CrashInCommit { later: below(rng, 30), point: one_of(rng, &Point::ALL, Point::After) },
        73..75 => Doing::Crash { down_s: rng.between(0.5, 90.0), durable: usize::try_from(below(rng, 4)).unwrap_or(0) },
        75..77 => Doing::Backup,
        77 => Doing::Restore { down_s: rng.between(60.0, 1_200.0) },
        78 => Doing::ClockForward { by_s: one_of(rng, &[1.0, 600.0, 3_600.0, 86_400.0], 1.0) },
        79..82 => Doing::SlowDisk { each_s: rng.between(0.1, 4.0), for_s: rng.between(2.0, 60.0) },
        82..84 => Doing::Policy { which: byte(rng) },
        84..86 => Doing::Disable { person, for_s: spell(rng) },
        86..88 => Doing::Move { person, unit: usize::try_from(below(rng, 5)).unwrap_or(0) },
        88 => Doing::Leaders { unit: usize::try_from(below(rng, 5)).unwrap_or(0) },
        89..91 => Doing::Channels { person },
        91..93 => Doing::Unsubscribe { person, for_s: spell(rng) },
        93 => Doing::Stop { person, for_s: spell(rng) },
        94..98 => Doing::Forge { person },
        _ => Doing::CallRound,
    }
}
